/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SOCKS version 5 on the port of the proxy: every message whole and byte by byte, what is served,
 * what is refused, and with which number.
 */
#include "socks-request.h"

#include "fixture-resolver.h"
#include "network-fixture.h"
#include "socks-message.h"
#include "synthetic-names.h"

#include <string.h>
#include <unistd.h>

#define NAME "one.test"

static const struct {
    const char *bytes;
    gsize length;
    OshSocksResult result;
    OshSocksReply reply;
    const char *host;
    OshHostKind kind;
} requests[] = {
#define ROW(text, ...)                                                                             \
    {                                                                                              \
        text, sizeof text - 1, __VA_ARGS__                                                         \
    }
    ROW("", OSH_SOCKS_NEED_MORE, 0, NULL, 0),
    ROW("\x05", OSH_SOCKS_NEED_MORE, 0, NULL, 0),
    ROW("\x04\x01", OSH_SOCKS_REJECTED, OSH_SOCKS_GENERAL_FAILURE, NULL, 0),
    ROW("\x05\x02", OSH_SOCKS_REJECTED, OSH_SOCKS_COMMAND_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x03", OSH_SOCKS_REJECTED, OSH_SOCKS_COMMAND_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x01\x01", OSH_SOCKS_REJECTED, OSH_SOCKS_GENERAL_FAILURE, NULL, 0),
    ROW("\x05\x01\x00\x02", OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x01\x00\x01\x0a\x4d\x00\x02\x00", OSH_SOCKS_NEED_MORE, 0, NULL, 0),
    ROW("\x05\x01\x00\x01\x0a\x4d\x00\x02\x00\x50", OSH_SOCKS_COMPLETE, 0, "10.77.0.2",
        OSH_HOST_IPV4),
    ROW("\x05\x01\x00\x01\x0a\x4d\x00\x02\x00\x50surplus", OSH_SOCKS_COMPLETE, 0, "10.77.0.2",
        OSH_HOST_IPV4),
    ROW("\x05\x01\x00\x01\x0a\x4d\x00\x02\x00\x00", OSH_SOCKS_REJECTED, OSH_SOCKS_GENERAL_FAILURE,
        NULL, 0),
    ROW("\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50",
        OSH_SOCKS_COMPLETE, 0, "::1", OSH_HOST_IPV6),
    ROW("\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x4d\x00\x02\x00\x50",
        OSH_SOCKS_COMPLETE, 0, "10.77.0.2", OSH_HOST_IPV4),
    ROW("\x05\x01\x00\x03\x08ONE.test\x00\x50", OSH_SOCKS_COMPLETE, 0, "one.test", OSH_HOST_NAME),
    ROW("\x05\x01\x00\x03\x09one.test.\x00\x50", OSH_SOCKS_COMPLETE, 0, "one.test", OSH_HOST_NAME),
    ROW("\x05\x01\x00\x03\x09"
        "10.77.0.2\x00\x50",
        OSH_SOCKS_COMPLETE, 0, "10.77.0.2", OSH_HOST_IPV4),
    ROW("\x05\x01\x00\x03\x03::1\x00\x50", OSH_SOCKS_COMPLETE, 0, "::1", OSH_HOST_IPV6),
    ROW("\x05\x01\x00\x03\x05[::1]\x00\x50", OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED,
        NULL, 0),
    ROW("\x05\x01\x00\x03\x05"
        "a:443\x00\x50",
        OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x01\x00\x03\x05"
        "127.1\x00\x50",
        OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x01\x00\x03\x03"
        "a\x00"
        "b\x00\x50",
        OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, NULL, 0),
    ROW("\x05\x01\x00\x03\x00\x00\x50", OSH_SOCKS_REJECTED, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, NULL,
        0),
#undef ROW
};

static void
test_requests_are_read_strictly(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        OshSocksRequest request;
        OshSocksResult result = osh_socks_request_parse((const guint8 *)requests[i].bytes,
                                                        requests[i].length, &request);

        if (result != requests[i].result)
            g_error("row %" G_GSIZE_FORMAT ": %d, not %d", i, result, requests[i].result);
        g_assert_true((result == OSH_SOCKS_REJECTED) == (request.problem != NULL));
        g_assert_cmpint(request.reply, ==, requests[i].reply);
        if (requests[i].host == NULL)
            continue;
        g_assert_cmpstr(request.destination.host, ==, requests[i].host);
        g_assert_cmpint(request.destination.kind, ==, requests[i].kind);
        g_assert_cmpuint(request.destination.port, ==, 80);
    }
}

static void
test_no_beginning_of_a_request_is_taken_for_another(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        OshSocksRequest whole;

        if (osh_socks_request_parse((const guint8 *)requests[i].bytes, requests[i].length,
                                    &whole) != OSH_SOCKS_COMPLETE)
            continue;
        for (gsize length = 0; length < whole.size; length++) {
            OshSocksRequest part;

            g_assert_cmpint(
                osh_socks_request_parse((const guint8 *)requests[i].bytes, length, &part), ==,
                OSH_SOCKS_NEED_MORE);
        }
    }
}

static const struct {
    const char *bytes;
    gsize length;
    OshSocksResult result;
} greetings[] = {
    {"\x05", 1, OSH_SOCKS_NEED_MORE},
    {"\x05\x02\x01", 3, OSH_SOCKS_NEED_MORE},
    {"\x05\x02\x02\x00", 4, OSH_SOCKS_COMPLETE},
    {"\x05\x01\x00", 3, OSH_SOCKS_COMPLETE},
    {"\x05\x01\x02", 3, OSH_SOCKS_REJECTED},
    {"\x05\x00", 2, OSH_SOCKS_REJECTED},
    {"\x04\x01", 2, OSH_SOCKS_REJECTED},
};

static void
test_greetings_are_read_strictly(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(greetings); i++) {
        gsize size;

        g_assert_cmpint(osh_socks_greeting_parse((const guint8 *)greetings[i].bytes,
                                                 greetings[i].length, &size),
                        ==, greetings[i].result);
    }
}

/* --- On the wire -------------------------------------------------------------------------------
 */

static void
say(int client, const char *bytes, gsize length)
{
    g_assert_cmpint(write(client, bytes, length), ==, (gssize)length);
}

static void
expect_bytes(OshFixture *fixture, int client, const char *bytes, gsize length)
{
    guint8 there[64];
    gsize n = 0;
    gint64 limit = g_get_monotonic_time() + 6 * G_TIME_SPAN_SECOND;

    g_assert_cmpuint(length, <=, sizeof there);
    while (n < length && g_get_monotonic_time() < limit) {
        ssize_t got = read(client, there + n, length - n);

        n += got > 0 ? (gsize)got : 0;
        osh_fixture_turn(fixture, 5);
    }
    g_assert_cmpmem(there, n, bytes, length);
}

static void
expect_reply(OshFixture *fixture, int client, OshSocksReply reply)
{
    guint8 bytes[OSH_SOCKS_REPLY_SIZE];

    osh_socks_reply_make(reply, bytes);
    expect_bytes(fixture, client, (const char *)bytes, sizeof bytes);
}

static int
greet(OshFixture *fixture)
{
    int client = osh_fixture_client(fixture);

    say(client, "\x05\x01\x00", 3);
    expect_bytes(fixture, client, "\x05\x00", 2);
    return client;
}

static void
ask_address(int client, guint16 port)
{
    const char request[] = {5, 1, 0, 1, 10, 77, 0, 2, (char)(port >> 8), (char)port};

    say(client, request, sizeof request);
}

static void
ask_name(int client, guint16 port)
{
    const char request[] = {
        5, 1, 0, 3, 8, 'o', 'n', 'e', '.', 't', 'e', 's', 't', (char)(port >> 8), (char)port};

    say(client, request, sizeof request);
}

static void
test_an_address_and_a_name_are_reached(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};

    osh_fixture_resolve_to(one);
    for (guint by_name = 0; by_name < 2; by_name++) {
        OshFixture *fixture = osh_fixture_new();
        guint16 port;
        int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
        g_autofree char *transport = NULL;
        g_autofree char *host = NULL;
        int client;
        int upstream;

        osh_fixture_start(fixture);
        client = greet(fixture);
        if (by_name)
            ask_name(client, port);
        else
            ask_address(client, port);
        upstream = osh_fixture_accept(fixture, server);
        expect_reply(fixture, client, OSH_SOCKS_SUCCEEDED);
        osh_fixture_send(client, "up");
        osh_fixture_expect(fixture, upstream, "up");
        osh_fixture_send(upstream, "down");
        osh_fixture_expect(fixture, client, "down");
        host = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_ALLOWED), 1);
        transport = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_ALLOWED), 3);
        g_assert_cmpstr(host, ==, by_name ? NAME : OSH_FIXTURE_OTHER);
        g_assert_cmpstr(transport, ==, "socks");
        close(client);
        close(upstream);
        close(server);
        osh_fixture_free(fixture);
    }
}

/* A client that asked our resolver itself means the name. */
static void
test_an_address_that_was_handed_out_is_its_name(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};

    osh_fixture_resolve_to(one);
    for (guint by_connect = 0; by_connect < 2; by_connect++) {
        OshFixture *fixture = osh_fixture_new();
        guint8 address[16];
        guint16 port;
        int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
        g_autofree char *host = NULL;
        int client;
        int upstream;

        osh_fixture_start(fixture);
        osh_synthetic_names_assign(fixture->network.names, NAME, OSH_SYNTHETIC_IPV4, 0, address);
        if (by_connect) {
            g_autofree char *text =
                g_strdup_printf("CONNECT %u.%u.%u.%u:%u HTTP/1.1\r\n\r\n", address[0], address[1],
                                address[2], address[3], port);

            client = osh_fixture_client(fixture);
            osh_fixture_send(client, text);
        } else {
            const char request[] = {5,
                                    1,
                                    0,
                                    1,
                                    (char)address[0],
                                    (char)address[1],
                                    (char)address[2],
                                    (char)address[3],
                                    (char)(port >> 8),
                                    (char)port};

            client = greet(fixture);
            say(client, request, sizeof request);
        }
        upstream = osh_fixture_accept(fixture, server);
        host = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_ALLOWED), 1);
        g_assert_cmpstr(host, ==, NAME);
        g_assert_cmpstr(osh_fixture_looked_up(), ==, NAME);
        close(client);
        close(upstream);
        close(server);
        osh_fixture_free(fixture);
    }
}

/* Greeting, request and the first bytes of the tunnel in one segment, or each byte alone. */
static void
test_everything_at_once_and_byte_by_byte(void)
{
    for (guint slow = 0; slow < 2; slow++) {
        OshFixture *fixture = osh_fixture_new();
        guint16 port;
        int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
        const char all[] = {5,          1,   0,  5, 1, 0, 1, 10, 77, 0, 2, (char)(port >> 8),
                            (char)port, 'u', 'p'};
        int client;
        int upstream;

        osh_fixture_start(fixture);
        client = osh_fixture_client(fixture);
        for (gsize i = 0; slow && i < sizeof all; i++) {
            say(client, all + i, 1);
            osh_fixture_settle(fixture);
        }
        if (!slow)
            say(client, all, sizeof all);
        upstream = osh_fixture_accept(fixture, server);
        expect_bytes(fixture, client, "\x05\x00", 2);
        expect_reply(fixture, client, OSH_SOCKS_SUCCEEDED);
        osh_fixture_expect(fixture, upstream, "up");
        close(client);
        close(upstream);
        close(server);
        osh_fixture_free(fixture);
    }
}

static void
test_a_denial_is_not_allowed_by_ruleset(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *layer = NULL;
    int client;

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    client = greet(fixture);
    ask_address(client, 80);
    expect_reply(fixture, client, OSH_SOCKS_NOT_ALLOWED);
    osh_fixture_expect_end(fixture, client);
    layer = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 1);
    g_assert_cmpstr(layer, ==, "socks");
    close(client);
    osh_fixture_free(fixture);
}

static void
test_failures_have_their_numbers(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int client;

    close(osh_fixture_serve(OSH_FIXTURE_OTHER, &port));
    osh_fixture_start(fixture);
    client = greet(fixture);
    ask_address(client, port);
    expect_reply(fixture, client, OSH_SOCKS_CONNECTION_REFUSED);
    close(client);
    osh_fixture_resolve_to(NULL);
    client = greet(fixture);
    ask_name(client, port);
    expect_reply(fixture, client, OSH_SOCKS_HOST_UNREACHABLE);
    close(client);
    osh_fixture_free(fixture);
}

static void
test_what_is_not_served_is_said(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    osh_fixture_start(fixture);
    client = greet(fixture);
    say(client, "\x05\x02\x00\x01\x0a\x4d\x00\x02\x00\x50", 10);
    expect_reply(fixture, client, OSH_SOCKS_COMMAND_NOT_SUPPORTED);
    osh_fixture_expect_end(fixture, client);
    close(client);
    client = greet(fixture);
    say(client,
        "\x05\x01\x00\x03\x05"
        "127.1\x00\x50",
        12);
    expect_reply(fixture, client, OSH_SOCKS_ADDRESS_NOT_SUPPORTED);
    close(client);
    client = osh_fixture_client(fixture);
    say(client, "\x05\x01\x02", 3);
    expect_bytes(fixture, client, "\x05\xff", 2);
    osh_fixture_expect_end(fixture, client);
    close(client);
    OSH_WAIT_FOR(fixture, osh_fixture_count(fixture, OSH_FIXTURE_DENIED) == 3);
    osh_fixture_free(fixture);
}

static void
test_a_request_has_its_time(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    osh_fixture_start(fixture);
    client = greet(fixture);
    osh_fixture_advance(fixture, 11 * G_TIME_SPAN_SECOND);
    expect_reply(fixture, client, OSH_SOCKS_NOT_ALLOWED);
    osh_fixture_expect_end(fixture, client);
    close(client);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/socks/" sentence, function)
    ADD("an-address-that-was-handed-out-is-its-name",
        test_an_address_that_was_handed_out_is_its_name);
    ADD("requests-are-read-strictly", test_requests_are_read_strictly);
    ADD("no-beginning-of-a-request-is-taken-for-another",
        test_no_beginning_of_a_request_is_taken_for_another);
    ADD("greetings-are-read-strictly", test_greetings_are_read_strictly);
    ADD("an-address-and-a-name-are-reached", test_an_address_and_a_name_are_reached);
    ADD("everything-at-once-and-byte-by-byte", test_everything_at_once_and_byte_by_byte);
    ADD("a-denial-is-not-allowed-by-ruleset", test_a_denial_is_not_allowed_by_ruleset);
    ADD("failures-have-their-numbers", test_failures_have_their_numbers);
    ADD("what-is-not-served-is-said", test_what_is_not_served_is_said);
    ADD("a-request-has-its-time", test_a_request_has_its_time);
    return g_test_run();
}
