/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in flight, in sockets of this test. */
#include "osh-identity-carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    int pair[2];
    char *path; /* of pair[1] */
    guint64 inode;
} Sockets;

static char *
info_path(int fd)
{
    return g_strdup_printf("/proc/self/fdinfo/%d", fd);
}

static guint64
inode_of(int fd)
{
    struct stat status;

    g_assert_cmpint(fstat(fd, &status), ==, 0);
    return status.st_ino;
}

static void
set_up(Sockets *sockets, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets->pair), ==, 0);
    sockets->path = info_path(sockets->pair[1]);
    sockets->inode = inode_of(sockets->pair[1]);
}

static void
tear_down(Sockets *sockets, gconstpointer data)
{
    (void)data;
    close(sockets->pair[0]);
    close(sockets->pair[1]);
    g_free(sockets->path);
}

static void
send_descriptor(int to)
{
    char control[CMSG_SPACE(sizeof(int))] = "";
    struct iovec byte = {(char[]){'x'}, 1};
    struct msghdr message = {
        .msg_iov = &byte,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &(int){STDIN_FILENO}, sizeof(int));
    g_assert_cmpint(sendmsg(to, &message, 0), ==, 1);
}

/* Takes @n locks on @fd, each of which is a line of its fdinfo. */
static void
take_locks(int fd, guint n)
{
    for (guint i = 0; i < n; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};

        g_assert_cmpint(fcntl(fd, F_SETLK, &lock), ==, 0);
    }
}

static void
test_unix_socket_says_what_it_carries(Sockets *sockets, gconstpointer data)
{
    OshDescriptorInfo info;

    (void)data;
    g_assert_cmpint(osh_descriptor_info_read(sockets->path, &info), ==, 0);
    g_assert_true(info.is_unix);
    g_assert_false(info.is_carrying);
    g_assert_cmpuint(info.inode, ==, sockets->inode);
    send_descriptor(sockets->pair[0]);
    g_assert_cmpint(osh_descriptor_info_read(sockets->path, &info), ==, 0);
    g_assert_true(info.is_carrying);
}

static void
test_locks_hide_nothing(Sockets *sockets, gconstpointer data)
{
    OshDescriptorInfo info;
    OshPlainSockets *plain = osh_plain_sockets_new();

    (void)data;
    send_descriptor(sockets->pair[0]);
    for (guint locks = 20; locks <= 2000; locks *= 10) {
        take_locks(sockets->pair[1], locks);
        g_assert_cmpint(osh_descriptor_info_read(sockets->path, &info), ==, 0);
        g_assert_true(info.is_unix);
        g_assert_true(info.is_carrying);
        g_assert_true(osh_plain_sockets_is_carrying(plain, sockets->inode, sockets->path));
    }
    osh_plain_sockets_free(plain);
}

static void
test_file_with_many_locks_carries_nothing(Sockets *sockets, gconstpointer data)
{
    g_autofree char *path = NULL;
    OshDescriptorInfo info;
    int fd;

    (void)sockets;
    (void)data;
    fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        g_test_skip("the temporary folder has no unnamed files");
        return;
    }
    path = info_path(fd);
    take_locks(fd, 2000);
    g_assert_cmpint(osh_descriptor_info_read(path, &info), ==, 0);
    g_assert_false(info.is_unix);
    g_assert_false(info.is_carrying);
    g_assert_cmpuint(info.inode, ==, inode_of(fd));
    close(fd);
}

static void
test_unix_socket_is_asked_each_time(Sockets *sockets, gconstpointer data)
{
    OshPlainSockets *plain = osh_plain_sockets_new();

    (void)data;
    g_assert_false(osh_plain_sockets_is_carrying(plain, sockets->inode, sockets->path));
    send_descriptor(sockets->pair[0]);
    g_assert_true(osh_plain_sockets_is_carrying(plain, sockets->inode, sockets->path));
    osh_plain_sockets_free(plain);
}

/* The paths of two sockets are exchanged to see which of them is read. */
static void
test_socket_of_another_family_is_asked_once_a_second(Sockets *sockets, gconstpointer data)
{
    OshPlainSockets *plain = osh_plain_sockets_new();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *path = info_path(fd);
    guint64 inode = inode_of(fd);
    gint64 now = g_get_monotonic_time();

    (void)data;
    send_descriptor(sockets->pair[0]);
    osh_plain_sockets_expire(plain, now);
    g_assert_false(osh_plain_sockets_is_carrying(plain, inode, path));
    g_assert_false(osh_plain_sockets_is_carrying(plain, inode, sockets->path));
    osh_plain_sockets_expire(plain, now + G_TIME_SPAN_SECOND - 1);
    g_assert_false(osh_plain_sockets_is_carrying(plain, inode, sockets->path));
    osh_plain_sockets_expire(plain, now + G_TIME_SPAN_SECOND);
    g_assert_true(osh_plain_sockets_is_carrying(plain, inode, sockets->path));
    osh_plain_sockets_free(plain);
    close(fd);
}

/* A number that was closed and given out again between two readings. */
static void
test_descriptor_of_another_socket_proves_nothing(Sockets *sockets, gconstpointer data)
{
    OshPlainSockets *plain = osh_plain_sockets_new();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *path = info_path(fd);

    (void)data;
    send_descriptor(sockets->pair[0]);
    g_assert_false(osh_plain_sockets_is_carrying(plain, sockets->inode, path));
    g_assert_true(osh_plain_sockets_is_carrying(plain, sockets->inode, sockets->path));
    osh_plain_sockets_free(plain);
    close(fd);
}

static void
test_missing_descriptor_is_an_error(void)
{
    OshDescriptorInfo info;

    g_assert_cmpint(osh_descriptor_info_read("/proc/self/fdinfo/99999", &info), ==, -ENOENT);
    g_assert_false(osh_plain_sockets_is_carrying(NULL, 1, "/proc/self/fdinfo/99999"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/identity/carrier/a-unix-socket-says-what-it-carries", Sockets, NULL, set_up,
               test_unix_socket_says_what_it_carries, tear_down);
    g_test_add("/identity/carrier/locks-on-a-unix-socket-hide-nothing", Sockets, NULL, set_up,
               test_locks_hide_nothing, tear_down);
    g_test_add("/identity/carrier/a-file-with-many-locks-carries-nothing", Sockets, NULL, set_up,
               test_file_with_many_locks_carries_nothing, tear_down);
    g_test_add("/identity/carrier/a-unix-socket-is-asked-each-time", Sockets, NULL, set_up,
               test_unix_socket_is_asked_each_time, tear_down);
    g_test_add("/identity/carrier/a-socket-of-another-family-is-asked-once-a-second", Sockets, NULL,
               set_up, test_socket_of_another_family_is_asked_once_a_second, tear_down);
    g_test_add("/identity/carrier/a-descriptor-of-another-socket-proves-nothing", Sockets, NULL,
               set_up, test_descriptor_of_another_socket_proves_nothing, tear_down);
    g_test_add_func("/identity/carrier/a-missing-descriptor-is-an-error",
                    test_missing_descriptor_is_an_error);
    return g_test_run();
}
