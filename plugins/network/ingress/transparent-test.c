/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captured connections: where they wanted to go, and what that means. The kernel's answers about a
 * captured socket are given in its place here; capture itself is tested in tests/e2e.
 */
#include "fixture-resolver.h"
#include "network-fixture.h"
#include "synthetic-names.h"
#include "transparent.h"

#include <linux/netfilter_ipv4.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the next accepted socket says it was connected to; used once. */
static struct sockaddr_in6 captured;
static int captured_level; /* of SO_ORIGINAL_DST; 0 for getsockname */
static gboolean is_captured;

static int
answer_captured(struct sockaddr *address, socklen_t *length)
{
    socklen_t size = captured.sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof captured;

    g_assert_cmpuint(*length, >=, size);
    memcpy(address, &captured, size);
    *length = size;
    is_captured = FALSE;
    return 0;
}

int
getsockname(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
    struct sockaddr *to = *(struct sockaddr *const *)(const void *)&address;

    if (is_captured && captured_level == 0)
        return answer_captured(to, length);
    return (int)syscall(SYS_getsockname, fd, to, length);
}

int
getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    if (is_captured && name == SO_ORIGINAL_DST && level == captured_level)
        return answer_captured(value, length);
    return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
}

static void
set_captured(int level, const struct in6_addr *address, guint16 port)
{
    captured = (struct sockaddr_in6){0};
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&captured;

        v4->sin_family = AF_INET;
        v4->sin_port = g_htons(port);
        memcpy(&v4->sin_addr, &address->s6_addr[12], 4);
    } else {
        captured.sin6_family = AF_INET6;
        captured.sin6_port = g_htons(port);
        captured.sin6_addr = *address;
    }
    captured_level = level;
    is_captured = TRUE;
}

static OshFixture *
start_capturing(OshOriginalDestination original)
{
    OshFixture *fixture = osh_fixture_new();
    OshListener *listener;

    osh_fixture_start(fixture);
    listener = fixture->network.listeners->pdata[0];
    listener->transport = &osh_transport_transparent;
    listener->original_destination = original;
    osh_fixture_n_lookups();
    return fixture;
}

static void
assert_reaches(OshFixture *fixture, int server, const char *host)
{
    int client = osh_fixture_client(fixture);
    int upstream;
    g_autofree char *said_host = NULL;
    g_autofree char *transport = NULL;

    /* Said before anything is decided: it arrives all the same, once, and nothing comes back. */
    osh_fixture_send(client, "hello");
    shutdown(client, SHUT_WR);
    upstream = osh_fixture_accept(fixture, server);
    osh_fixture_expect(fixture, upstream, "hello");
    osh_fixture_expect_end(fixture, upstream);
    osh_fixture_send(upstream, "answer");
    close(upstream);
    osh_fixture_expect(fixture, client, "answer");
    osh_fixture_expect_end(fixture, client);
    close(client);
    said_host = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_ALLOWED), 1);
    transport = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_ALLOWED), 3);
    g_assert_cmpstr(said_host, ==, host);
    g_assert_cmpstr(transport, ==, "transparent");
}

static const struct {
    const char *sentence;
    OshOriginalDestination original;
    int level;
    const char *address;
} literals[] = {
    {"a-literal-is-itself", OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS, 0, OSH_FIXTURE_OTHER},
    {"an-ipv6-literal-is-itself", OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS, 0, OSH_FIXTURE_ADDRESS6},
    {"a-redirected-literal-is-itself", OSH_ORIGINAL_DESTINATION_SOCKET_OPTION, SOL_IP,
     OSH_FIXTURE_OTHER},
};

static void
test_literal(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    OshFixture *fixture = start_capturing(literals[i].original);
    const struct in6_addr address = osh_fixture_address(literals[i].address);
    guint16 port;
    int server = osh_fixture_serve(literals[i].address, &port);

    set_captured(literals[i].level, &address, port);
    assert_reaches(fixture, server, literals[i].address);
    g_assert_cmpuint(osh_fixture_n_lookups(), ==, 0);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_redirected_ipv6_connection_is_asked_for_at_its_level(void)
{
    OshFixture *fixture = start_capturing(OSH_ORIGINAL_DESTINATION_SOCKET_OPTION);
    OshListener *listener = fixture->network.listeners->pdata[0];
    const struct in6_addr address = osh_fixture_address(OSH_FIXTURE_ADDRESS6);
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS6, &port);

    listener->address = address;
    set_captured(SOL_IPV6, &address, port);
    assert_reaches(fixture, server, OSH_FIXTURE_ADDRESS6);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_an_address_that_was_handed_out_is_its_name(gconstpointer data)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    OshSyntheticFamily family = (OshSyntheticFamily)GPOINTER_TO_INT(data);
    OshFixture *fixture = start_capturing(OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS);
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);

    osh_fixture_resolve_to(one);
    osh_synthetic_names_assign(fixture->network.names, "handed.test", family, 0,
                               family == OSH_SYNTHETIC_IPV4 ? &address.s6_addr[12]
                                                            : address.s6_addr);
    set_captured(0, &address, port);
    assert_reaches(fixture, server, "handed.test");
    g_assert_cmpstr(osh_fixture_looked_up(), ==, "handed.test");
    g_assert_cmpuint(osh_fixture_n_lookups(), ==, 1);
    close(server);
    osh_fixture_free(fixture);
}

static const struct {
    const char *sentence;
    const char *address; /* NULL where the kernel does not tell */
    const char *reason;
} refusals[] = {
    {"an-address-of-the-pool-without-a-name-is-reset", "198.18.0.77",
     "the address belongs to the resolver and was never handed out"},
    {"an-ipv6-address-of-the-pool-without-a-name-is-reset", "fd23:6f70:656e::77",
     "the address belongs to the resolver and was never handed out"},
    {"a-connection-without-an-original-destination-is-reset", NULL,
     "the original destination of the connection is not known"},
};

static void
test_refusal(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    OshFixture *fixture =
        start_capturing(refusals[i].address != NULL ? OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS
                                                    : OSH_ORIGINAL_DESTINATION_NONE);
    g_autofree char *layer = NULL;
    g_autofree char *reason = NULL;
    int client;

    if (refusals[i].address != NULL) {
        const struct in6_addr address = osh_fixture_address(refusals[i].address);

        set_captured(0, &address, 80);
    }
    client = osh_fixture_client(fixture);
    osh_fixture_expect_reset(fixture, client);
    close(client);
    layer = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 1);
    reason = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 6);
    g_assert_cmpstr(layer, ==, "transparent");
    g_assert_cmpstr(reason, ==, refusals[i].reason);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
    osh_fixture_free(fixture);
}

static void
test_a_failure_is_a_reset_too(void)
{
    OshFixture *fixture = start_capturing(OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS);
    const struct in6_addr address = osh_fixture_address(OSH_FIXTURE_OTHER);
    int client;

    set_captured(0, &address, 9);
    client = osh_fixture_client(fixture);
    osh_fixture_expect_reset(fixture, client);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_FAILED), ==, 1);
    close(client);
    osh_fixture_free(fixture);
}

static const struct {
    const char *sentence;
    const char *said;
    gboolean is_told;
} first_words[] = {
    {"http-is-answered", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", TRUE},
    {"a-method-of-its-own-is-answered", "M-SEARCH * HTTP/1.1\r\n\r\n", TRUE},
    {"tls-sees-a-reset", "\026\003\001", FALSE},
    {"another-protocol-sees-a-reset", "helo you\r\n", FALSE},
    {"a-blank-sees-a-reset", " GET /", FALSE},
    {"a-long-word-sees-a-reset", "ABCDEFGHIJKLMNOPQRSTUVWXYZ /", FALSE},
    {"half-a-method-sees-a-reset-in-the-end", "GE", FALSE},
};

static void
test_first_words(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    OshFixture *fixture = start_capturing(OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS);
    const struct in6_addr address = osh_fixture_address(OSH_FIXTURE_OTHER);
    int client;

    fixture->policy.action = OSH_ACTION_DENY;
    set_captured(0, &address, 80);
    client = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    osh_fixture_send(client, first_words[i].said);
    if (first_words[i].is_told) {
        osh_fixture_expect_status(fixture, client, "403");
    } else {
        osh_fixture_settle(fixture);
        osh_fixture_advance(fixture, G_TIME_SPAN_SECOND);
        osh_fixture_expect_reset(fixture, client);
        close(client);
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 1);
    osh_fixture_free(fixture);
}

/* The words come when the first bytes do, however they are cut. */
static void
test_a_method_in_pieces_is_answered(void)
{
    OshFixture *fixture = start_capturing(OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS);
    const struct in6_addr address = osh_fixture_address(OSH_FIXTURE_OTHER);
    int client;

    set_captured(0, &address, 9);
    client = osh_fixture_client(fixture);
    osh_fixture_send(client, "GE");
    osh_fixture_settle(fixture);
    osh_fixture_send(client, "T / HTTP/1.1\r\n");
    osh_fixture_expect_status(fixture, client, "502");
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(literals); i++) {
        g_autofree char *path = g_strdup_printf("/network/transparent/%s", literals[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_literal);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/network/transparent/%s", refusals[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_refusal);
    }
    g_test_add_func("/network/transparent/a-redirected-ipv6-connection-is-asked-for-at-its-level",
                    test_a_redirected_ipv6_connection_is_asked_for_at_its_level);
    g_test_add_data_func("/network/transparent/an-address-that-was-handed-out-is-its-name",
                         GINT_TO_POINTER(OSH_SYNTHETIC_IPV4),
                         test_an_address_that_was_handed_out_is_its_name);
    g_test_add_data_func("/network/transparent/an-ipv6-address-that-was-handed-out-is-its-name",
                         GINT_TO_POINTER(OSH_SYNTHETIC_IPV6),
                         test_an_address_that_was_handed_out_is_its_name);
    g_test_add_func("/network/transparent/a-failure-is-a-reset-too", test_a_failure_is_a_reset_too);
    for (gsize i = 0; i < G_N_ELEMENTS(first_words); i++) {
        g_autofree char *path =
            g_strdup_printf("/network/transparent/refused/%s", first_words[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_first_words);
    }
    g_test_add_func("/network/transparent/refused/a-method-in-pieces-is-answered",
                    test_a_method_in_pieces_is_answered);
    return g_test_run();
}
