/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect(2) watched for real: a child installs the filter, gives its listener away and connects to
 * a listener of this test. Needs no privilege: the child is ours and keeps nothing to itself.
 */
#include "osh-identity-connect.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    int server;
    struct sockaddr_in address;
    OshImageTable *images;
    OshConnectWatch *watch;
    OshSocketDiag *diag;
    pid_t child;
    int control;
} Fixture;

typedef struct {
    const Fixture *fixture;
    void (*code)(const struct sockaddr_in *address);
} Child;

static int
listen_to_connect(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {G_N_ELEMENTS(code), code};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void
send_fd(int channel, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)"x", 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(channel, &message, 0) != 1)
        _exit(20);
}

static int
receive_fd(int channel)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fd = -1;

    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* Starts a child under the filter that runs @code and then waits to be told to end. */
static gboolean
fixture_open(Fixture *fixture, void (*code)(const struct sockaddr_in *address))
{
    socklen_t length = sizeof fixture->address;
    int channel[2];
    int listener;
    g_autoptr(GError) error = NULL;

    fixture->address = (struct sockaddr_in){.sin_family = AF_INET};
    fixture->address.sin_addr.s_addr = g_htonl(INADDR_LOOPBACK);
    fixture->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fixture->server, (struct sockaddr *)(void *)&fixture->address, length), ==,
                    0);
    g_assert_cmpint(listen(fixture->server, 4096), ==, 0);
    getsockname(fixture->server, (struct sockaddr *)(void *)&fixture->address, &length);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), ==, 0);
    fixture->child = fork();
    if (fixture->child == 0) {
        char byte;

        listener = listen_to_connect();
        if (listener < 0)
            _exit(77);
        send_fd(channel[1], listener);
        close(listener);
        if (read(channel[1], &byte, 1) != 1)
            _exit(21);
        code(&fixture->address);
        if (write(channel[1], "x", 1) != 1 || read(channel[1], &byte, 1) != 1)
            _exit(22);
        _exit(0);
    }
    close(channel[1]);
    fixture->control = channel[0];
    listener = receive_fd(channel[0]);
    if (listener < 0) {
        waitpid(fixture->child, NULL, 0);
        g_test_skip("no filter with a listener can be installed here");
        return FALSE;
    }
    fixture->images = osh_image_table_new();
    fixture->diag =
        osh_socket_diag_new(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    fixture->watch = osh_connect_watch_new(
        listener, getpid(), fixture->images,
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), &error);
    g_assert_no_error(error);
    return TRUE;
}

static void
fixture_run(Fixture *fixture)
{
    char byte;

    g_assert_cmpint(write(fixture->control, "x", 1), ==, 1);
    g_assert_cmpint(read(fixture->control, &byte, 1), ==, 1);
}

static void
fixture_close(Fixture *fixture)
{
    int status;

    g_assert_cmpint(write(fixture->control, "x", 1), ==, 1);
    waitpid(fixture->child, &status, 0);
    g_assert_cmpint(status, ==, 0);
    osh_image_table_end(fixture->images);
    osh_connect_watch_free(fixture->watch);
    osh_socket_diag_free(fixture->diag);
    osh_image_table_unref(fixture->images);
    close(fixture->control);
    close(fixture->server);
}

static OshSocketFound
next_connection(Fixture *fixture, int *ret_fd)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    OshSocketFound found = {0};
    OshPeerTuple tuple = {
        .struct_size = sizeof tuple,
        .protocol = IPPROTO_TCP,
        .client = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}},
        .destination_port = g_ntohs(fixture->address.sin_port),
    };

    *ret_fd = accept(fixture->server, (struct sockaddr *)(void *)&peer, &length);
    g_assert_cmpint(*ret_fd, >=, 0);
    tuple.destination = tuple.client;
    tuple.client_port = g_ntohs(peer.sin_port);
    g_assert_cmpint(osh_socket_diag_find(fixture->diag, &tuple, &found), ==, 0);
    return found;
}

static int
connect_new(const struct sockaddr_in *address, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? fd : -1;
}

static void
connect_once(const struct sockaddr_in *address)
{
    if (connect_new(address, SOCK_STREAM) < 0)
        _exit(23);
}

static void *
connect_in_thread(void *data)
{
    connect_once(data);
    return NULL;
}

static void
connect_by_thread(const struct sockaddr_in *address)
{
    struct sockaddr_in copy = *address;
    pthread_t thread;

    if (pthread_create(&thread, NULL, connect_in_thread, &copy) != 0)
        _exit(24);
    pthread_join(thread, NULL);
}

static void
check_taken(void (*code)(const struct sockaddr_in *address))
{
    Fixture fixture = {0};
    g_autofree char *problem = NULL;
    OshSocketFound found;
    OshProgram *program;
    gint64 before = g_get_monotonic_time();
    gint64 read_at = 0;
    int fd;

    if (!fixture_open(&fixture, code))
        return;
    fixture_run(&fixture);
    found = next_connection(&fixture, &fd);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), ==, 1);
    program = osh_connect_watch_take(fixture.watch, &found, &read_at, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_cmpint(osh_program_pid(program), ==, fixture.child);
    g_assert_cmpint(read_at, >=, before);
    g_assert_cmpint(read_at, <=, g_get_monotonic_time());
    osh_program_unref(program);
    /* The next connection of the socket needs a call of its own. */
    g_assert_null(osh_connect_watch_take(fixture.watch, &found, &read_at, &problem));
    g_assert_nonnull(problem);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), ==, 0);
    close(fd);
    fixture_close(&fixture);
}

static void
test_taken(void)
{
    check_taken(connect_once);
}

static void
test_thread(void)
{
    check_taken(connect_by_thread);
}

static void
connect_otherwise(const struct sockaddr_in *address)
{
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/osh"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect_new(address, SOCK_DGRAM) < 0 ||
        connect(fd, (struct sockaddr *)(void *)&nowhere, sizeof nowhere) == 0 || errno != ENOENT ||
        connect(-1, (struct sockaddr *)(void *)&nowhere, sizeof nowhere) == 0 || errno != EBADF ||
        connect(0x7fffffff, NULL, 0) == 0 || errno != EBADF)
        _exit(25);
}

static void
test_others_are_let_go(void)
{
    Fixture fixture = {0};

    if (!fixture_open(&fixture, connect_otherwise))
        return;
    fixture_run(&fixture);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), ==, 0);
    fixture_close(&fixture);
}

static void
connect_again(const struct sockaddr_in *address)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int fd = connect_new(address, SOCK_STREAM);

    /* Dissolves the connection, and makes another one of the same socket. */
    if (fd < 0 || connect(fd, &nowhere, sizeof nowhere) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        _exit(26);
}

static void
test_replaced(void)
{
    Fixture fixture = {0};
    g_autofree char *problem = NULL;
    OshSocketFound found;
    OshProgram *program;
    gint64 read_at;
    int first, second;

    if (!fixture_open(&fixture, connect_again))
        return;
    fixture_run(&fixture);
    first = accept(fixture.server, NULL, NULL);
    found = next_connection(&fixture, &second);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), ==, 1);
    program = osh_connect_watch_take(fixture.watch, &found, &read_at, &problem);
    g_assert_nonnull(program);
    osh_program_unref(program);
    close(first);
    close(second);
    fixture_close(&fixture);
}

static void
connect_and_close(const struct sockaddr_in *address)
{
    const struct linger reset = {.l_onoff = 1};

    for (guint i = 0; i < 9000; i++) {
        int fd = connect_new(address, SOCK_STREAM);

        /* No listener accepts: the queue must not fill. */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (fd < 0 || close(fd) != 0)
            _exit(27);
    }
}

static gpointer
accept_all(gpointer data)
{
    const Fixture *fixture = data;
    int fd;

    while ((fd = accept(fixture->server, NULL, NULL)) >= 0)
        close(fd);
    return NULL;
}

/* What is not taken stays for a minute at most, whatever its socket does. */
static void
test_bounded(void)
{
    Fixture fixture = {0};
    GThread *thread;

    if (!fixture_open(&fixture, connect_and_close))
        return;
    thread = g_thread_new("accept", accept_all, &fixture);
    fixture_run(&fixture);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), >, 4096);
    g_assert_cmpuint(osh_connect_watch_length(fixture.watch), <=, 131072);
    shutdown(fixture.server, SHUT_RDWR);
    g_thread_join(thread);
    fixture_close(&fixture);
}

static void
connect_refused(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno != ENOSYS)
        _exit(28);
}

static void
test_ended(void)
{
    Fixture fixture = {0};

    if (!fixture_open(&fixture, connect_refused))
        return;
    osh_connect_watch_free(g_steal_pointer(&fixture.watch));
    fixture_run(&fixture);
    fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity-connect/the-program-that-called-is-told-once", test_taken);
    g_test_add_func("/identity-connect/a-call-by-another-thread-is-the-process's", test_thread);
    g_test_add_func("/identity-connect/other-calls-go-on-and-are-not-kept", test_others_are_let_go);
    g_test_add_func("/identity-connect/a-later-call-on-the-socket-replaces-the-earlier",
                    test_replaced);
    g_test_add_func("/identity-connect/calls-that-nobody-asks-about-are-bounded", test_bounded);
    g_test_add_func("/identity-connect/without-a-watch-no-call-succeeds", test_ended);
    return g_test_run();
}
