/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-plan-test.c: sends the plans' bytes in fresh network namespaces and looks at what a
 * program there meets. Each case runs in a forked child with namespaces of its own, once as root
 * (network namespace alone; skipped without root) and once in a user namespace.
 */
#include "network-plan.h"
#include "nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6_route.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY_UID 1000
/* A busy machine may lose the first answer; what hangs would take the two minutes of TCP. */
#define FAST_USEC                   (10 * G_USEC_PER_SEC)
#define WAIT_MS                     1000
#define FOREIGN_V4                  "93.184.216.34"
#define FOREIGN_V6                  "2606:2800:220:1::1"
#define IP6T_SO_ORIGINAL_DST_OPTION 80

typedef struct {
    const char *name;
    OshNetworkCapture capture;
    OshNetworkClaims claims;
    void (*body)(OshNetworkCapture capture, const int *fds);
} Case;

/* ---- what init does ---- */

static void
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
set_up(const Case *test, int *fds)
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
run_in_namespaces(const Case *test, gboolean user_namespace)
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

typedef union {
    struct sockaddr generic;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static socklen_t
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

static int
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

static int
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

/* Returns 0 or the errno; asserts that the answer came at once. */
static int
try_connect(int fd, const char *text, guint16 port)
{
    Address address;
    socklen_t length = fill(&address, text, port);
    gint64 start = g_get_monotonic_time();
    int error = connect(fd, &address.generic, length) == 0 ? 0 : errno;

    g_assert_cmpint(g_get_monotonic_time() - start, <, FAST_USEC);
    return error;
}

static gboolean
is_readable(int fd, int milliseconds)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, milliseconds) == 1;
}

static void
assert_original_destination(int fd, OshNetworkCapture capture, const char *text, guint16 port)
{
    Address expected, actual;
    socklen_t length = sizeof actual;

    memset(&actual, 0, sizeof actual);
    fill(&expected, text, port);
    if (capture == OSH_NETWORK_CAPTURE_TPROXY)
        g_assert_cmpint(getsockname(fd, &actual.generic, &length), ==, 0);
    else if (expected.generic.sa_family == AF_INET)
        g_assert_cmpint(getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &actual, &length), ==, 0);
    else
        g_assert_cmpint(getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST_OPTION, &actual, &length), ==,
                        0);
    if (expected.generic.sa_family == AF_INET) {
        g_assert_cmpmem(&actual.v4.sin_addr, 4, &expected.v4.sin_addr, 4);
        g_assert_cmpint(ntohs(actual.v4.sin_port), ==, port);
    } else {
        g_assert_cmpmem(&actual.v6.sin6_addr, 16, &expected.v6.sin6_addr, 16);
        g_assert_cmpint(ntohs(actual.v6.sin6_port), ==, port);
    }
}

static void
assert_captured(OshNetworkCapture capture, int listener, const char *text, guint16 port)
{
    Address client_address, peer;
    socklen_t client_length = sizeof client_address, peer_length = sizeof peer;
    char answer[3] = "";
    int client = new_socket(text, SOCK_STREAM);
    int accepted;

    g_assert_cmpint(try_connect(client, text, port), ==, 0);
    g_assert_true(is_readable(listener, WAIT_MS));
    accepted = accept(listener, &peer.generic, &peer_length);
    g_assert_cmpint(accepted, >=, 0);
    assert_original_destination(accepted, capture, text, port);
    g_assert_cmpint(getsockname(client, &client_address.generic, &client_length), ==, 0);
    /* The exact tuple is the key under which sock_diag finds the client. */
    g_assert_cmpmem(&peer, peer_length, &client_address, client_length);
    g_assert_cmpint(send(accepted, "ok", 2, 0), ==, 2);
    g_assert_cmpint(recv(client, answer, 2, 0), ==, 2);
    g_assert_cmpstr(answer, ==, "ok");
    close(accepted);
    close(client);
}

static void
capture_body(OshNetworkCapture capture, const int *fds)
{
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], FOREIGN_V4, 80);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], "10.200.0.3", 65535);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], "169.254.169.254", 1);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V6], FOREIGN_V6, 443);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V6], "fd00:200::3", 443);
}

static void
own_addresses_body(OshNetworkCapture capture, const int *fds)
{
    static const char *const addresses[] = {"127.0.0.1", "127.1.2.3",   "10.200.0.1", "10.200.0.2",
                                            "::1",       "fd00:200::1", "fd00:200::2"};

    (void)capture;
    (void)fds;
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        int listener = bind_to(addresses[i], 8080, SOCK_STREAM);
        int client = new_socket(addresses[i], SOCK_STREAM);
        int datagrams = bind_to(addresses[i], 8080, SOCK_DGRAM);
        int sender = new_socket(addresses[i], SOCK_DGRAM);

        g_assert_cmpint(try_connect(client, addresses[i], 8080), ==, 0);
        g_assert_true(is_readable(listener, WAIT_MS));
        g_assert_cmpint(try_connect(sender, addresses[i], 8080), ==, 0);
        g_assert_cmpint(send(sender, "x", 1, 0), ==, 1);
        g_assert_true(is_readable(datagrams, WAIT_MS));
        close(listener);
        close(client);
        close(datagrams);
        close(sender);
    }
}

static void
explicit_body(OshNetworkCapture capture, const int *fds)
{
    int client = new_socket("10.200.0.1", SOCK_STREAM);

    (void)capture;
    g_assert_cmpint(try_connect(client, "10.200.0.1", 3128), ==, 0);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_EXPLICIT_V4], WAIT_MS));
    client = new_socket("fd00:200::1", SOCK_STREAM);
    g_assert_cmpint(try_connect(client, "fd00:200::1", 3128), ==, 0);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_EXPLICIT_V6], WAIT_MS));
}

static void
foreign_listeners_body(OshNetworkCapture capture, const int *fds)
{
    int wildcard = bind_to("::", 80, SOCK_STREAM);
    int exact_v4 = bind_to(FOREIGN_V4, 443, SOCK_STREAM);
    int exact_v6 = bind_to(FOREIGN_V6, 443, SOCK_STREAM);
    int datagrams = bind_to("::", 443, SOCK_DGRAM);
    int exact_datagrams = bind_to(FOREIGN_V4, 444, SOCK_DGRAM);
    int sender = new_socket(FOREIGN_V4, SOCK_DGRAM);
    Address address;

    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], FOREIGN_V4, 80);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], FOREIGN_V4, 443);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V6], FOREIGN_V6, 80);
    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V6], FOREIGN_V6, 443);
    fill(&address, FOREIGN_V4, 443);
    sendto(sender, "x", 1, 0, &address.generic, sizeof address.v4);
    fill(&address, FOREIGN_V4, 444);
    sendto(sender, "x", 1, 0, &address.generic, sizeof address.v4);
    g_assert_false(is_readable(wildcard, 50));
    g_assert_false(is_readable(exact_v4, 0));
    g_assert_false(is_readable(exact_v6, 0));
    g_assert_false(is_readable(datagrams, 0));
    g_assert_false(is_readable(exact_datagrams, 0));
}

/* A program that sends from a foreign address to a port where a victim waits for a server. */
static void
spoofing_body(OshNetworkCapture capture, const int *fds)
{
    static const char *const forged[][2] = {{"8.8.8.8", "10.200.0.2"},
                                            {"2001:4860:4860::8888", "fd00:200::2"}};

    (void)capture;
    (void)fds;
    for (guint i = 0; i < G_N_ELEMENTS(forged); i++) {
        int victim = bind_to(forged[i][1], 40000, SOCK_DGRAM);
        int forger = bind_to(forged[i][0], 5353, SOCK_DGRAM);
        int victim_stream = bind_to(forged[i][1], 40000, SOCK_STREAM);
        int forger_stream = new_socket(forged[i][0], SOCK_STREAM);
        struct timeval short_wait = {.tv_usec = 100 * 1000};
        Address address;
        socklen_t length = fill(&address, forged[i][1], 40000);

        g_assert_cmpint(sendto(forger, "x", 1, 0, &address.generic, length), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
        g_assert_false(is_readable(victim, 50));

        length = fill(&address, forged[i][0], 443);
        g_assert_cmpint(bind(forger_stream, &address.generic, length), ==, 0);
        setsockopt(forger_stream, SOL_SOCKET, SO_SNDTIMEO, &short_wait, sizeof short_wait);
        length = fill(&address, forged[i][1], 40000);
        g_assert_cmpint(connect(forger_stream, &address.generic, length), ==, -1);
        g_assert_false(is_readable(victim_stream, 50));
    }
}

static void
assert_datagram_refused(const char *text, guint16 port)
{
    int fd = new_socket(text, SOCK_DGRAM);
    gint64 start;
    char byte;

    g_assert_cmpint(try_connect(fd, text, port), ==, 0);
    start = g_get_monotonic_time();
    for (guint attempt = 0; attempt < 5; attempt++) {
        g_assert_cmpint(send(fd, "x", 1, 0), ==, 1);
        g_assert_cmpint(recv(fd, &byte, 1, 0), ==, -1);
        if (errno != EAGAIN)
            break;
    }
    g_assert_cmpint(errno, ==, ECONNREFUSED);
    g_assert_cmpint(g_get_monotonic_time() - start, <, FAST_USEC);
    close(fd);
}

static void
assert_send_not_permitted(int fd, const char *text, guint16 port, const void *data, gsize size)
{
    Address address;
    socklen_t length = fill(&address, text, port);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(sendto(fd, data, size, 0, &address.generic, length), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    close(fd);
}

static void
refusals_body(OshNetworkCapture capture, const int *fds)
{
    struct icmphdr echo = {.type = ICMP_ECHO};
    int broadcast = new_socket("255.255.255.255", SOCK_DGRAM);
    int one = 1;

    (void)capture;
    assert_datagram_refused(FOREIGN_V4, 443);
    assert_datagram_refused(FOREIGN_V4, 1);
    assert_datagram_refused(FOREIGN_V6, 443);
    assert_send_not_permitted(new_socket("224.0.0.251", SOCK_DGRAM), "224.0.0.251", 5353, "x", 1);
    assert_send_not_permitted(new_socket("ff0e::fb", SOCK_DGRAM), "ff0e::fb", 5353, "x", 1);
    setsockopt(broadcast, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
    assert_send_not_permitted(broadcast, "255.255.255.255", 9, "x", 1);
    /* The test still has the capability over its namespace that a program of the box lacks. */
    assert_send_not_permitted(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), FOREIGN_V4, 0, &echo,
                              sizeof echo);
    assert_send_not_permitted(socket(AF_INET, SOCK_RAW, 132), FOREIGN_V4, 0, "0123456789abcdef",
                              16);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_NFLOG], WAIT_MS));
}

typedef struct {
    guint64 told;
    guint losses;
    gboolean unknown;
} Told;

static void
count_told(const OshRefusedPacket *packet, guint64 count, gpointer data)
{
    Told *told = data;

    g_assert_cmpuint(packet->uid, ==, geteuid());
    told->told += count;
}

static void
count_loss(guint64 count, gpointer data)
{
    Told *told = data;

    told->losses++;
    told->unknown |= count == 0;
    told->told += count;
}

/* The kernel drops what the socket cannot hold and says ENOBUFS once: that is a loss to be told. */
static void
log_overflow_body(OshNetworkCapture capture, const int *fds)
{
    Told told = {0};
    const int small = 1;
    const guint sent = 3000;
    int sender = new_socket(FOREIGN_V4, SOCK_DGRAM);
    Address address;
    socklen_t length = fill(&address, FOREIGN_V4, 9);
    OshNflogReader *reader;

    (void)capture;
    setsockopt(fds[OSH_NETWORK_SOCKET_NFLOG], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (guint i = 0; i < sent; i++)
        sendto(sender, "x", 1, MSG_DONTWAIT, &address.generic, length);
    reader =
        osh_nflog_reader_new(dup(fds[OSH_NETWORK_SOCKET_NFLOG]), count_told, count_loss, &told);
    osh_nflog_reader_flush(reader);
    g_assert_cmpuint(told.losses, ==, 1);
    g_assert_true(told.unknown);
    g_assert_cmpuint(told.told, >, 0);
    g_assert_cmpuint(told.told, <, sent);
    osh_nflog_reader_free(reader);
}

static void
assert_resolved(int resolver, const char *server)
{
    int client = new_socket(server, SOCK_DGRAM);
    Address address, peer;
    socklen_t length = fill(&address, server, 53), peer_length = sizeof peer;
    char buffer[16];

    g_assert_cmpint(sendto(client, "query", 5, 0, &address.generic, length), ==, 5);
    g_assert_true(is_readable(resolver, WAIT_MS));
    g_assert_cmpint(recvfrom(resolver, buffer, sizeof buffer, 0, &peer.generic, &peer_length), ==,
                    5);
    g_assert_cmpint(sendto(resolver, "answer", 6, 0, &peer.generic, peer_length), ==, 6);
    peer_length = sizeof peer;
    memset(&peer, 0, sizeof peer);
    g_assert_cmpint(recvfrom(client, buffer, sizeof buffer, 0, &peer.generic, &peer_length), ==, 6);
    g_assert_cmpmem(&peer, peer_length, &address, length);
    close(client);
}

static void
dns_body(OshNetworkCapture capture, const int *fds)
{
    static const char *const servers[] = {"8.8.8.8", "10.200.0.1", "127.0.0.53"};
    static const char *const servers_v6[] = {"2001:4860:4860::8888", "::1"};
    int client;

    (void)capture;
    for (guint i = 0; i < G_N_ELEMENTS(servers); i++)
        assert_resolved(fds[OSH_NETWORK_SOCKET_DNS_UDP_V4], servers[i]);
    for (guint i = 0; i < G_N_ELEMENTS(servers_v6); i++)
        assert_resolved(fds[OSH_NETWORK_SOCKET_DNS_UDP_V6], servers_v6[i]);
    client = new_socket("8.8.8.8", SOCK_STREAM);
    g_assert_cmpint(try_connect(client, "8.8.8.8", 53), ==, 0);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_DNS_TCP_V4], WAIT_MS));
    client = new_socket(FOREIGN_V6, SOCK_STREAM);
    g_assert_cmpint(try_connect(client, FOREIGN_V6, 53), ==, 0);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_DNS_TCP_V6], WAIT_MS));
}

/* A route of the kernel's for one of our addresses that is not a local one refuses on lo. */
static void
assert_no_refusing_route(void)
{
    g_autofree char *routes = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents("/proc/self/net/ipv6_route", &routes, NULL, NULL));
    lines = g_strsplit(routes, "\n", -1);
    for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
        g_auto(GStrv) fields = g_strsplit_set(lines[i], " ", -1);
        guint64 flags = g_ascii_strtoull(fields[8], NULL, 16);

        if (g_str_has_prefix(fields[0], "fd000200"))
            g_assert_cmphex(flags & RTF_LOCAL, ==, RTF_LOCAL);
    }
}

/*
 * The kernel adds the local route of an IPv6 address some time after it has acknowledged the
 * address; nothing may be lost meanwhile. One look would prove little, so namespaces are made anew.
 */
static void
ready_at_once_body(OshNetworkCapture capture, const int *fds)
{
    g_autoptr(OshNetworkPlan) plan = osh_network_plan_new(capture, TRUE, OSH_NETWORK_CLAIM_ALL);
    struct timeval short_wait = {.tv_usec = 200 * 1000};

    (void)fds;
    for (guint i = 0; i < 20; i++) {
        int links, receiver, sender;
        Address address;
        socklen_t length = fill(&address, OSH_NETWORK_BOX_ADDRESS_V6, 4000);
        char byte;

        g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
        links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, plan->netlinks[0].protocol);
        send_netlink(&plan->netlinks[0], links);
        receiver = bind_to(OSH_NETWORK_BOX_ADDRESS_V6, 4000, SOCK_DGRAM);
        sender = new_socket(OSH_NETWORK_BOX_ADDRESS_V6, SOCK_DGRAM);
        setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof short_wait);
        g_assert_cmpint(sendto(sender, "x", 1, 0, &address.generic, length), ==, 1);
        g_assert_cmpint(recv(receiver, &byte, 1, 0), ==, 1);
        assert_no_refusing_route();
        close(links);
        close(receiver);
        close(sender);
    }
}

/* Security rule 5: neither with SO_REUSEADDR nor SO_REUSEPORT can another bind beside us. */
static void
hijacking_body(OshNetworkCapture capture, const int *fds)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    static const guint16 ports[] = {OSH_NETWORK_DNS_PORT, OSH_NETWORK_TRANSPARENT_PORT};
    static const char *const addresses[] = {"127.0.0.1", "0.0.0.0", "::1", "::"};
    int one = 1;

    (void)capture;
    (void)fds;
    for (guint t = 0; t < G_N_ELEMENTS(types); t++)
        for (guint p = 0; p < G_N_ELEMENTS(ports); p++)
            for (guint a = 0; a < G_N_ELEMENTS(addresses); a++) {
                int fd = new_socket(addresses[a], types[t]);
                Address address;
                socklen_t length = fill(&address, addresses[a], ports[p]);

                if (types[t] == SOCK_DGRAM && ports[p] == OSH_NETWORK_TRANSPARENT_PORT)
                    continue;
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
                setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
                g_assert_cmpint(bind(fd, &address.generic, length) == 0 &&
                                    (types[t] == SOCK_DGRAM || listen(fd, 1) == 0),
                                ==, FALSE);
                close(fd);
            }
}

static void
no_network_body(OshNetworkCapture capture, const int *fds)
{
    static const char *const foreign[] = {FOREIGN_V4, FOREIGN_V6, "10.200.0.3"};

    (void)capture;
    for (guint i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_assert_cmpint(try_connect(new_socket(foreign[i], SOCK_STREAM), foreign[i], 80), ==,
                        ECONNREFUSED);
        g_assert_cmpint(try_connect(new_socket(foreign[i], SOCK_STREAM), foreign[i], 53), ==,
                        ECONNREFUSED);
        assert_datagram_refused(foreign[i], 53);
        assert_datagram_refused(foreign[i], 443);
    }
    /* Nobody serves the explicit proxy, and nobody may stand in for it. */
    bind_to("10.200.0.1", 3128, SOCK_STREAM);
    g_assert_cmpint(try_connect(new_socket("10.200.0.1", SOCK_STREAM), "10.200.0.1", 3128), ==,
                    ECONNREFUSED);
    g_assert_cmpint(fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], ==, -1);
    g_assert_true(is_readable(fds[OSH_NETWORK_SOCKET_NFLOG], WAIT_MS));
    own_addresses_body(capture, fds);
}

static void
unclaimed_body(OshNetworkCapture capture, const int *fds)
{
    (void)capture;
    g_assert_cmpint(try_connect(new_socket(FOREIGN_V4, SOCK_STREAM), FOREIGN_V4, 80), ==,
                    ECONNREFUSED);
    g_assert_cmpint(try_connect(new_socket(FOREIGN_V6, SOCK_STREAM), FOREIGN_V6, 80), ==,
                    ECONNREFUSED);
    assert_datagram_refused("8.8.8.8", 53);
    explicit_body(capture, fds);
}

static void
closed_listener_body(OshNetworkCapture capture, const int *fds)
{
    (void)capture;
    close(fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4]);
    close(fds[OSH_NETWORK_SOCKET_TRANSPARENT_V6]);
    g_assert_cmpint(try_connect(new_socket(FOREIGN_V4, SOCK_STREAM), FOREIGN_V4, 80), ==,
                    ECONNREFUSED);
    g_assert_cmpint(try_connect(new_socket(FOREIGN_V6, SOCK_STREAM), FOREIGN_V6, 80), ==,
                    ECONNREFUSED);
}

/* As at seal: the second batch takes the place of the first, as a whole. */
static void
replaced_body(OshNetworkCapture capture, const int *fds)
{
    g_autoptr(GBytes) ruleset = osh_network_ruleset_new(capture, OSH_NETWORK_CLAIM_EXPLICIT, TRUE);
    OshBoxNetlink netlink = {.protocol = NETLINK_NETFILTER,
                             .bytes = g_bytes_get_data(ruleset, NULL),
                             .size = g_bytes_get_size(ruleset),
                             .acks = OSH_NETWORK_RULESET_ACKS};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

    assert_captured(capture, fds[OSH_NETWORK_SOCKET_TRANSPARENT_V4], FOREIGN_V4, 80);
    send_netlink(&netlink, fd);
    unclaimed_body(capture, fds);
}

static const Case cases[] = {
    {"connect-anywhere-is-captured-with-its-exact-destination", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, capture_body},
    {"own-addresses-are-not-captured", OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_ALL,
     own_addresses_body},
    {"the-explicit-proxy-is-reached-at-its-address", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, explicit_body},
    {"no-listener-of-the-box-answers-for-a-foreign-address", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, foreign_listeners_body},
    {"nothing-can-be-sent-from-a-foreign-address", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, spoofing_body},
    {"all-but-tcp-and-dns-is-refused-at-once", OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_ALL,
     refusals_body},
    {"dns-to-any-server-reaches-the-resolver-and-is-answered-by-that-server",
     OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_ALL, dns_body},
    {"what-the-log-cannot-hold-is-told-as-a-loss", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, log_overflow_body},
    {"an-address-of-the-box-is-reached-as-soon-as-it-is-there", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, ready_at_once_body},
    {"nobody-can-bind-beside-a-listener", OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_ALL,
     hijacking_body},
    {"without-claims-everything-foreign-is-refused", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_NONE, no_network_body},
    {"an-unclaimed-listener-is-refused", OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_EXPLICIT,
     unclaimed_body},
    {"a-closed-listener-is-refused-not-left-hanging", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, closed_listener_body},
    {"a-second-ruleset-replaces-the-first", OSH_NETWORK_CAPTURE_TPROXY, OSH_NETWORK_CLAIM_ALL,
     replaced_body},
    {"redirect/connect-anywhere-is-captured-with-its-exact-destination",
     OSH_NETWORK_CAPTURE_REDIRECT, OSH_NETWORK_CLAIM_ALL, capture_body},
    {"redirect/own-addresses-are-not-captured", OSH_NETWORK_CAPTURE_REDIRECT, OSH_NETWORK_CLAIM_ALL,
     own_addresses_body},
    {"redirect/no-listener-of-the-box-answers-for-a-foreign-address", OSH_NETWORK_CAPTURE_REDIRECT,
     OSH_NETWORK_CLAIM_ALL, foreign_listeners_body},
    {"redirect/nothing-can-be-sent-from-a-foreign-address", OSH_NETWORK_CAPTURE_REDIRECT,
     OSH_NETWORK_CLAIM_ALL, spoofing_body},
    {"redirect/all-but-tcp-and-dns-is-refused-at-once", OSH_NETWORK_CAPTURE_REDIRECT,
     OSH_NETWORK_CLAIM_ALL, refusals_body},
    {"redirect/dns-to-any-server-reaches-the-resolver-and-is-answered-by-that-server",
     OSH_NETWORK_CAPTURE_REDIRECT, OSH_NETWORK_CLAIM_ALL, dns_body},
    {"redirect/an-unclaimed-listener-is-refused", OSH_NETWORK_CAPTURE_REDIRECT,
     OSH_NETWORK_CLAIM_EXPLICIT, unclaimed_body},
    {"redirect/a-second-ruleset-replaces-the-first", OSH_NETWORK_CAPTURE_REDIRECT,
     OSH_NETWORK_CLAIM_ALL, replaced_body},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *root = g_strdup_printf("/network-plan/root/%s", cases[i].name);
        g_autofree char *user = g_strdup_printf("/network-plan/user/%s", cases[i].name);

        g_test_add_data_func(root, &cases[i], as_root);
        g_test_add_data_func(user, &cases[i], as_ordinary_user);
    }
    return g_test_run();
}
