/* SPDX-License-Identifier: Apache-2.0 */
/* What network-test.h says. */
#include "network-test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY_UID 1000

/* ---- what init does ---- */

void
send_netlink(const OshBoxNetlink *netlink, int fd)
{
    guint acks = 0;

    g_assert_cmpint(send(fd, netlink->bytes, netlink->size, 0), ==, (gssize)netlink->size);
    while (acks < netlink->acks) {
        guint8 buffer[8192] __attribute__((aligned(8)));
        gssize length = recv(fd, buffer, sizeof buffer, 0);
        int left = (int)length;

        g_assert_cmpint(length, >, 0);
        for (struct nlmsghdr *reply = (struct nlmsghdr *)buffer; NLMSG_OK(reply, left);
             reply = NLMSG_NEXT(reply, left)) {
            const struct nlmsgerr *result = NLMSG_DATA(reply);

            g_assert_cmpint(reply->nlmsg_type, ==, NLMSG_ERROR);
            if (result->error != 0)
                g_error("request %u of the plan: %s", reply->nlmsg_seq, strerror(-result->error));
            acks++;
        }
    }
}

static int
make_socket(const OshBoxSocket *plan)
{
    int one = 1;
    int fd;

    if (plan->kind == OSH_INIT_SOCKET_NETLINK) {
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, plan->netlink.protocol);
        if (plan->netlink.bytes != NULL)
            send_netlink(&plan->netlink, fd);
        return fd;
    }
    fd = socket(plan->family, plan->kind == OSH_INIT_SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
    g_assert_cmpint(fd, >=, 0);
    if (plan->family == AF_INET) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(plan->port)};

        memcpy(&address.sin_addr, plan->address, 4);
        if (plan->transparent)
            g_assert_cmpint(setsockopt(fd, SOL_IP, IP_TRANSPARENT, &one, sizeof one), ==, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    } else {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(plan->port)};

        memcpy(&address.sin6_addr, plan->address, 16);
        setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof one);
        if (plan->transparent)
            g_assert_cmpint(setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &one, sizeof one), ==, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    }
    if (plan->kind == OSH_INIT_SOCKET_TCP_LISTENER)
        g_assert_cmpint(listen(fd, plan->backlog), ==, 0);
    return fd;
}

static void
set_up(const NetworkCase *test, int *fds)
{
    g_autoptr(OshNetworkPlan) plan = osh_network_plan_new(test->capture, TRUE, test->claims);

    for (guint i = 0; i < G_N_ELEMENTS(plan->netlinks); i++) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, plan->netlinks[i].protocol);

        send_netlink(&plan->netlinks[i], fd);
        close(fd);
    }
    for (gsize i = 0; i < OSH_NETWORK_MAX_SOCKETS; i++)
        fds[i] = -1;
    for (gsize i = 0; i < plan->n_sockets; i++) {
        int fd = make_socket(&plan->sockets[i]);

        if (fds[plan->roles[i]] < 0)
            fds[plan->roles[i]] = fd;
    }
}

/* ---- entering namespaces ---- */

static void
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

static void
enter_user_namespace(void)
{
    char map[64];
    uid_t uid;
    gid_t gid;

    if (geteuid() == 0) {
        g_assert_cmpint(setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID), ==, 0);
        g_assert_cmpint(setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID), ==, 0);
    }
    uid = geteuid();
    gid = getegid();
    /* Changing ids makes a process undumpable, which gives its /proc files to root. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        _exit(77);
    write_file("/proc/self/setgroups", "deny");
    g_snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
    write_file("/proc/self/uid_map", map);
    g_snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
    write_file("/proc/self/gid_map", map);
}

static void
run_in_namespaces(const NetworkCase *test, gboolean user_namespace)
{
    int status;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        int fds[OSH_NETWORK_MAX_SOCKETS];

        if (user_namespace)
            enter_user_namespace();
        else if (unshare(CLONE_NEWNET) != 0)
            _exit(77);
        set_up(test, fds);
        test->body(test->capture, fds);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        g_test_skip(user_namespace ? "user namespaces are not allowed here" : "needs root");
        return;
    }
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void
as_root(gconstpointer data)
{
    if (geteuid() != 0) {
        g_test_skip("needs root for a network namespace without a user namespace");
        return;
    }
    run_in_namespaces(data, FALSE);
}

static void
as_ordinary_user(gconstpointer data)
{
    run_in_namespaces(data, TRUE);
}

/* ---- what a program does ---- */

socklen_t
fill(Address *address, const char *text, guint16 port)
{
    memset(address, 0, sizeof *address);
    if (strchr(text, ':') == NULL) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        g_assert_cmpint(inet_pton(AF_INET, text, &address->v4.sin_addr), ==, 1);
        return sizeof address->v4;
    }
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    g_assert_cmpint(inet_pton(AF_INET6, text, &address->v6.sin6_addr), ==, 1);
    return sizeof address->v6;
}

int
new_socket(const char *text, int type)
{
    struct timeval timeout = {.tv_sec = 4};
    int one = 1;
    int fd = socket(strchr(text, ':') == NULL ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    /* Anybody may set these; with them IPv6 too lets a program bind an address that is not its. */
    setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof one);
    setsockopt(fd, SOL_IPV6, IPV6_FREEBIND, &one, sizeof one);
    return fd;
}

int
bind_to(const char *text, guint16 port, int type)
{
    Address address;
    socklen_t length = fill(&address, text, port);
    int fd = new_socket(text, type);

    g_assert_cmpint(bind(fd, &address.generic, length), ==, 0);
    if (type == SOCK_STREAM)
        g_assert_cmpint(listen(fd, 8), ==, 0);
    return fd;
}

int
try_connect(int fd, const char *text, guint16 port)
{
    Address address;
    socklen_t length = fill(&address, text, port);
    gint64 start = g_get_monotonic_time();
    int error = connect(fd, &address.generic, length) == 0 ? 0 : errno;

    g_assert_cmpint(g_get_monotonic_time() - start, <, FAST_USEC);
    return error;
}

gboolean
is_readable(int fd, int milliseconds)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, milliseconds) == 1;
}

void
network_test_add(const char *group, const NetworkCase *cases, gsize n_cases)
{
    for (gsize i = 0; i < n_cases; i++) {
        g_autofree char *root = g_strdup_printf("/%s/root/%s", group, cases[i].name);
        g_autofree char *user = g_strdup_printf("/%s/user/%s", group, cases[i].name);

        g_test_add_data_func(root, &cases[i], as_root);
        g_test_add_data_func(user, &cases[i], as_ordinary_user);
    }
}
