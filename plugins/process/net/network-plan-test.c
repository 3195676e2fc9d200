/* SPDX-License-Identifier: Apache-2.0 */
/* What a program meets in a box's network: captured, refused, its own. */
#include "network-test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define IP6T_SO_ORIGINAL_DST_OPTION 80

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

/* Security rule 5, listeners of the box: neither with SO_REUSEADDR nor SO_REUSEPORT can another
 * bind beside us. */
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

static const NetworkCase cases[] = {
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
    network_test_add("network-plan", cases, G_N_ELEMENTS(cases));
    return g_test_run();
}
