/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says first in a tunnel to a name, at once, in pieces, late, never; and that a
 * server gets nothing of a connection whose ClientHello asks for another name.
 */
#include "first-bytes.h"

#include "client-hello.h"
#include "fixture-resolver.h"
#include "network-fixture.h"

#include <string.h>
#include <unistd.h>

#define NAME "one.test"

typedef struct {
    OshFixture *fixture;
    int server;
    int client;
    int upstream;
} Tunnel;

/* A ClientHello of TLS 1.2 with that name, in records of at most @size bytes. */
static GByteArray *
make_hello(const char *name, guint size)
{
    static const guint8 front[] = {3, 3, [34] = 0, 0, 2, 0x13, 0x01, 1, 0};
    guint8 length = (guint8)strlen(name);
    const guint8 extension[] = {0, (guint8)(length + 9), 0, 0, 0,     (guint8)(length + 5),
                                0, (guint8)(length + 3), 0, 0, length};
    guint body = (guint)(sizeof front + sizeof extension + length);
    const guint8 header[] = {1, 0, (guint8)(body >> 8), (guint8)body};
    g_autoptr(GByteArray) message = g_byte_array_new();
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(message, header, sizeof header);
    g_byte_array_append(message, front, sizeof front);
    g_byte_array_append(message, extension, sizeof extension);
    g_byte_array_append(message, (const guint8 *)name, length);
    for (guint at = 0; at < message->len; at += size) {
        guint there = MIN(size, message->len - at);
        const guint8 record[] = {22, 3, 1, 0, (guint8)there};

        g_byte_array_append(bytes, record, sizeof record);
        g_byte_array_append(bytes, message->data + at, there);
    }
    return bytes;
}

/* With @surplus in the same segment as the request head. */
static void
tunnel_open(Tunnel *tunnel, const GByteArray *surplus)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree char *head = NULL;
    guint16 port;

    tunnel->fixture = osh_fixture_new();
    tunnel->server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    osh_fixture_resolve_to(one);
    osh_fixture_start(tunnel->fixture);
    tunnel->client = osh_fixture_client(tunnel->fixture);
    head = g_strdup_printf("CONNECT " NAME ":%u HTTP/1.1\r\nHost: " NAME ":%u\r\n\r\n", port, port);
    g_byte_array_append(bytes, (const guint8 *)head, (guint)strlen(head));
    if (surplus != NULL)
        g_byte_array_append(bytes, surplus->data, surplus->len);
    g_assert_cmpint(write(tunnel->client, bytes->data, bytes->len), ==, (gssize)bytes->len);
    tunnel->upstream = osh_fixture_accept(tunnel->fixture, tunnel->server);
    osh_fixture_expect(tunnel->fixture, tunnel->client,
                       "HTTP/1.1 200 Connection Established\r\n\r\n");
    osh_fixture_settle(tunnel->fixture);
}

static void
tunnel_close(Tunnel *tunnel)
{
    close(tunnel->client);
    close(tunnel->upstream);
    close(tunnel->server);
    osh_fixture_free(tunnel->fixture);
}

static void
tunnel_write(const Tunnel *tunnel, const guint8 *bytes, gsize length)
{
    g_assert_cmpint(write(tunnel->client, bytes, length), ==, (gssize)length);
    osh_fixture_settle(tunnel->fixture);
}

static gboolean
upstream_has(const Tunnel *tunnel, GByteArray *there, guint length)
{
    guint8 bytes[1024];
    ssize_t n = read(tunnel->upstream, bytes, sizeof bytes);

    if (n > 0)
        g_byte_array_append(there, bytes, (guint)n);
    return there->len >= length;
}

static void
expect_upstream(const Tunnel *tunnel, const GByteArray *bytes)
{
    g_autoptr(GByteArray) there = g_byte_array_new();

    OSH_WAIT_FOR(tunnel->fixture, upstream_has(tunnel, there, bytes->len));
    g_assert_cmpmem(there->data, there->len, bytes->data, bytes->len);
}

static void
expect_refused(const Tunnel *tunnel, const char *part)
{
    OSH_WAIT_FOR(tunnel->fixture, osh_fixture_count(tunnel->fixture, OSH_FIXTURE_DENIED) > 0);

    const OshFixtureEvent *event = osh_fixture_last(tunnel->fixture, OSH_FIXTURE_DENIED);
    g_autofree char *layer = osh_fixture_text(event, 1);
    g_autofree char *reason = osh_fixture_text(event, 6);
    g_autofree char *there = NULL;
    int error;

    g_assert_cmpstr(layer, ==, "name");
    if (strstr(reason, part) == NULL)
        g_error("'%s' is not in '%s'", part, reason);
    osh_fixture_expect_reset(tunnel->fixture, tunnel->client);
    there = osh_fixture_read_all(tunnel->fixture, tunnel->upstream, &error);
    g_assert_cmpstr(there, ==, "");
    g_assert_cmpint(tunnel->fixture->network.n_connections, ==, 0);
}

static void
test_the_name_that_was_judged_passes(void)
{
    static const guint sizes[] = {1, 7, 250};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GByteArray) hello = make_hello("ONE.test", sizes[i]);
        Tunnel tunnel;

        tunnel_open(&tunnel, NULL);
        for (guint at = 0; at < hello->len; at++) {
            g_assert_null(osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL));
            tunnel_write(&tunnel, hello->data + at, 1);
        }
        OSH_WAIT_FOR(tunnel.fixture, osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL) != NULL);
        expect_upstream(&tunnel, hello);
        tunnel_close(&tunnel);
    }
}

static void
test_another_name_ends_the_connection_and_nothing_arrives(void)
{
    static const guint sizes[] = {1, 7, 250};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GByteArray) hello = make_hello("other.test", sizes[i]);
        Tunnel tunnel;

        tunnel_open(&tunnel, NULL);
        tunnel_write(&tunnel, hello->data, hello->len);
        expect_refused(&tunnel, "asks for other.test");
        tunnel_close(&tunnel);
    }
}

static void
test_behind_the_request_head_it_is_seen_too(void)
{
    g_autoptr(GByteArray) hello = make_hello("other.test", 250);
    g_autoptr(GByteArray) right = make_hello(NAME, 250);
    Tunnel tunnel;

    tunnel_open(&tunnel, hello);
    expect_refused(&tunnel, "asks for other.test");
    tunnel_close(&tunnel);
    tunnel_open(&tunnel, right);
    expect_upstream(&tunnel, right);
    tunnel_close(&tunnel);
}

static void
test_half_behind_the_head_and_half_later(void)
{
    g_autoptr(GByteArray) hello = make_hello("other.test", 250);
    g_autoptr(GByteArray) half = g_byte_array_new();
    Tunnel tunnel;

    g_byte_array_append(half, hello->data, 20);
    tunnel_open(&tunnel, half);
    tunnel_write(&tunnel, hello->data + 20, hello->len - 20);
    expect_refused(&tunnel, "asks for other.test");
    tunnel_close(&tunnel);
}

/* Of one record, with @extension behind the name. */
static GByteArray *
make_longer_hello(const char *name, const guint8 *extension, guint8 length)
{
    GByteArray *hello = make_hello(name, 250);
    const gsize extensions = 5 + 4 + 2 + 32 + 1 + 4 + 2;

    g_byte_array_append(hello, extension, length);
    hello->data[4] = (guint8)(hello->data[4] + length);
    hello->data[8] = (guint8)(hello->data[8] + length);
    hello->data[extensions + 1] = (guint8)(hello->data[extensions + 1] + length);
    return hello;
}

/* RFC 9849: an extension 0xfe0d. */
static GByteArray *
make_encrypted_hello(void)
{
    static const guint8 extension[] = {0xfe, 0x0d, 0, 1, 1};

    return make_longer_hello(NAME, extension, sizeof extension);
}

/* Of TLS 1.3: supported_versions. */
static GByteArray *
make_hello_of_1_3(const char *name)
{
    static const guint8 extension[] = {0, 43, 0, 3, 2, 3, 4};

    return make_longer_hello(name, extension, sizeof extension);
}

/* Nothing is known of a hidden name: once a line, and no connection where credentials go. */
static void
test_a_hidden_name_is_reported_and_gets_no_credentials(void)
{
    g_autoptr(GByteArray) hello = make_encrypted_hello();
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    tunnel_write(&tunnel, hello->data, hello->len);
    expect_upstream(&tunnel, hello);
    g_assert_cmpuint(osh_fixture_count(tunnel.fixture, OSH_FIXTURE_NOTICE), ==, 1);
    tunnel_close(&tunnel);
    tunnel_open(&tunnel, NULL);
    osh_fixture_first(tunnel.fixture, OSH_STEP_FIRST_BYTES)->owners_first = TRUE;
    tunnel_write(&tunnel, hello->data, hello->len);
    expect_refused(&tunnel, "encrypted ClientHello");
    g_assert_cmpuint(osh_fixture_count(tunnel.fixture, OSH_FIXTURE_NOTICE), ==, 0);
    tunnel_close(&tunnel);
}

/* --- A second ClientHello ----------------------------------------------------------------------
 */

/* RFC 8446 section 4.1.4, as far as it is looked at, with change_cipher_spec behind it. */
static const guint8 retry[] = {
    22,   3,    3,    0,    40,   2,    0,    0,    36,   3,    3,    0xcf, 0x21,
    0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
    0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2,
    0xc8, 0xa8, 0x33, 0x9c, 0,    0x13, 20,   3,    3,    0,    1,    1,
};
static const guint8 change_cipher_spec[] = {20, 3, 3, 0, 1, 1};

static void
server_writes(const Tunnel *tunnel, const guint8 *bytes, gsize length)
{
    g_autoptr(GByteArray) there = g_byte_array_new();
    guint8 got[256];
    ssize_t n = 0;

    g_assert_cmpint(write(tunnel->upstream, bytes, length), ==, (gssize)length);
    while (there->len < length) {
        OSH_WAIT_FOR(tunnel->fixture, (n = read(tunnel->client, got, sizeof got)) > 0);
        g_byte_array_append(there, got, (guint)n);
    }
    g_assert_cmpmem(there->data, there->len, bytes, length);
}

/* The server has the first one and has asked for another. */
static void
tunnel_retry(Tunnel *tunnel, const GByteArray *surplus)
{
    g_autoptr(GByteArray) hello = make_hello_of_1_3(NAME);

    tunnel_open(tunnel, surplus);
    if (surplus == NULL)
        tunnel_write(tunnel, hello->data, hello->len);
    expect_upstream(tunnel, hello);
    g_assert_nonnull(osh_fixture_first(tunnel->fixture, OSH_STEP_SECOND_HELLO));
    server_writes(tunnel, retry, sizeof retry);
}

static void
test_a_second_hello_is_judged_too(void)
{
    for (guint behind = 0; behind < 2; behind++) {
        g_autoptr(GByteArray) first = make_hello_of_1_3(NAME);
        g_autoptr(GByteArray) other = make_hello_of_1_3("other.test");
        Tunnel tunnel;

        tunnel_retry(&tunnel, behind ? first : NULL);
        tunnel_write(&tunnel, change_cipher_spec, sizeof change_cipher_spec);
        tunnel_write(&tunnel, other->data, other->len);
        expect_refused(&tunnel, "asks for other.test");
        tunnel_close(&tunnel);
    }
}

static void
test_a_second_hello_of_the_name_passes(void)
{
    g_autoptr(GByteArray) second = make_hello_of_1_3(NAME);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Tunnel tunnel;

    g_byte_array_append(bytes, change_cipher_spec, sizeof change_cipher_spec);
    g_byte_array_append(bytes, second->data, second->len);
    tunnel_retry(&tunnel, NULL);
    for (guint at = 0; at < bytes->len; at++) {
        g_assert_null(osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL));
        tunnel_write(&tunnel, bytes->data + at, 1);
    }
    expect_upstream(&tunnel, bytes);
    osh_fixture_send(tunnel.upstream, "more");
    osh_fixture_expect(tunnel.fixture, tunnel.client, "more");
    tunnel_close(&tunnel);
}

/* A client may have no use for what it was asked. */
static void
test_a_client_may_end_it_there(void)
{
    static const guint8 alert[] = {21, 3, 3, 0, 2, 2, 40};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Tunnel tunnel;

    g_byte_array_append(bytes, alert, sizeof alert);
    tunnel_retry(&tunnel, NULL);
    tunnel_write(&tunnel, alert, sizeof alert);
    expect_upstream(&tunnel, bytes);
    tunnel_close(&tunnel);
}

static void
test_a_second_hello_has_its_time_and_its_form(void)
{
    static const struct {
        guint8 bytes[6];
        gsize length;
        const char *reason;
    } rows[] = {
        {{22, 3, 1, 0, 9, 1}, 6, "not complete in time"},
        {{20, 3, 3, 0, 9, 1}, 6, "not complete in time"},
        {{22, 3, 1, 0, 1, 2}, 6, "malformed"},
        {{'G', 'E', 'T', ' '}, 4, "malformed"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Tunnel tunnel;

        tunnel_retry(&tunnel, NULL);
        tunnel_write(&tunnel, rows[i].bytes, rows[i].length);
        osh_fixture_advance(tunnel.fixture, 11 * G_TIME_SPAN_SECOND);
        expect_refused(&tunnel, rows[i].reason);
        tunnel_close(&tunnel);
    }
}

/* What a client sends ahead waits for the server's first bytes, and so does the tunnel. */
static void
test_every_other_answer_opens_the_tunnel(void)
{
    static const char *const answers[] = {"x", "\26\3\3\0\172\2\0\0\166\3\3random",
                                          "\25\3\3\0\2\2\50"};

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autoptr(GByteArray) hello = make_hello_of_1_3(NAME);
        gsize length = i == 2 ? 7 : i == 1 ? 17 : 1;
        Tunnel tunnel;

        tunnel_open(&tunnel, NULL);
        tunnel_write(&tunnel, hello->data, hello->len);
        expect_upstream(&tunnel, hello);
        tunnel_write(&tunnel, (const guint8 *)"ahead", 5);
        for (guint n = 0; n < 3; n++)
            osh_fixture_advance(tunnel.fixture, 11 * G_TIME_SPAN_SECOND);
        g_assert_cmpint(recv(tunnel.upstream, (char[1]){0}, 1, MSG_PEEK), <, 0);
        server_writes(&tunnel, (const guint8 *)answers[i], length);
        osh_fixture_expect(tunnel.fixture, tunnel.upstream, "ahead");
        g_assert_nonnull(osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL));
        tunnel_close(&tunnel);
    }
}

static void
test_the_host_may_stop_before_a_second_hello(void)
{
    for (guint asked = 0; asked < 2; asked++) {
        g_autoptr(GByteArray) hello = make_hello_of_1_3(NAME);
        Tunnel tunnel;

        if (asked) {
            tunnel_retry(&tunnel, NULL);
        } else {
            tunnel_open(&tunnel, NULL);
            tunnel_write(&tunnel, hello->data, hello->len);
        }
        osh_fixture_stop(tunnel.fixture);
        tunnel_close(&tunnel);
    }
}

static void
test_what_is_not_tls_passes_at_once(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    tunnel_write(&tunnel, (const guint8 *)"x", 1);
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "x");
    tunnel_close(&tunnel);
}

static void
test_a_client_may_be_silent_for_long_and_is_seen_then(void)
{
    g_autoptr(GByteArray) hello = make_hello("other.test", 250);
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    for (guint i = 0; i < 5; i++)
        osh_fixture_advance(tunnel.fixture, 11 * G_TIME_SPAN_SECOND);
    tunnel_write(&tunnel, hello->data, hello->len);
    expect_refused(&tunnel, "asks for other.test");
    tunnel_close(&tunnel);
}

static void
test_half_a_message_has_its_time(void)
{
    g_autoptr(GByteArray) hello = make_hello(NAME, 250);
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    tunnel_write(&tunnel, hello->data, hello->len - 1);
    osh_fixture_advance(tunnel.fixture, 9 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(tunnel.fixture, OSH_FIXTURE_DENIED), ==, 0);
    osh_fixture_advance(tunnel.fixture, 2 * G_TIME_SPAN_SECOND);
    expect_refused(&tunnel, "not complete in time");
    tunnel_close(&tunnel);
}

/* What is looked at stops at an urgent byte. */
static void
test_an_urgent_byte_hides_no_name(void)
{
    static const struct {
        const char *name;
        gboolean ends;
        const char *reason;
    } clients[] = {
        {"other.test", TRUE, "cut short"},
        {NAME, TRUE, "cut short"},
        {"other.test", FALSE, "not complete in time"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++) {
        g_autoptr(GByteArray) hello = make_hello(clients[i].name, 250);
        Tunnel tunnel;

        tunnel_open(&tunnel, NULL);
        g_assert_cmpint(send(tunnel.client, hello->data, 20, MSG_OOB), ==, 20);
        tunnel_write(&tunnel, hello->data + 20, hello->len - 20);
        if (clients[i].ends)
            shutdown(tunnel.client, SHUT_WR);
        osh_fixture_settle(tunnel.fixture);
        if (!clients[i].ends)
            osh_fixture_advance(tunnel.fixture, 11 * G_TIME_SPAN_SECOND);
        expect_refused(&tunnel, clients[i].reason);
        tunnel_close(&tunnel);
    }
}

static void
test_a_malformed_message_ends_the_connection(void)
{
    static const guint8 server_hello[] = {22, 3, 3, 0, 4, 2, 0, 0, 0};
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    tunnel_write(&tunnel, server_hello, sizeof server_hello);
    expect_refused(&tunnel, "malformed");
    tunnel_close(&tunnel);
}

/* In records of one byte the longest message does not fit into what is looked at. */
static void
test_a_message_without_end_ends_the_connection(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    static const guint8 header[] = {1, 0, 0x3f, 0};
    Tunnel tunnel;

    for (guint i = 0; i < OSH_CLIENT_HELLO_PEEK / 6 + 2; i++) {
        const guint8 record[] = {22, 3, 1, 0, 1, i < sizeof header ? header[i] : 0};

        g_byte_array_append(bytes, record, sizeof record);
    }
    tunnel_open(&tunnel, NULL);
    tunnel_write(&tunnel, bytes->data, bytes->len);
    expect_refused(&tunnel, "too long");
    tunnel_close(&tunnel);
}

static void
test_a_server_may_speak_first(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    osh_fixture_send(tunnel.upstream, "SSH-2.0-server\r\n");
    osh_fixture_expect(tunnel.fixture, tunnel.client, "SSH-2.0-server\r\n");
    tunnel_write(&tunnel, (const guint8 *)"SSH-2.0-client\r\n", 16);
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "SSH-2.0-client\r\n");
    tunnel_close(&tunnel);
}

/* No event announces a second time what came before the tunnel was open. */
static void
test_a_server_may_have_spoken_before_the_client_is_told(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    g_autofree char *head = g_strdup_printf("CONNECT " NAME ":%u HTTP/1.1\r\n\r\n", port);
    int client, upstream;

    osh_fixture_resolve_to(one);
    fixture->network.config.identity_required = TRUE;
    fixture->policy.credentials = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    /* The owners of the connection are not told until the server has spoken. */
    fixture->identity_hangs = TRUE;
    osh_fixture_send(client, head);
    upstream = osh_fixture_accept(fixture, server);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_VERIFY) != NULL);
    osh_fixture_send(upstream, "220 ready");
    osh_fixture_settle(fixture);
    osh_fixture_answer_identity(fixture);
    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\n220 ready");
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* An address that a client wrote was judged as that address. */
static void
test_no_name_contradicts_an_address(void)
{
    g_autoptr(GByteArray) hello = make_hello("other.test", 250);
    Tunnel tunnel;
    guint16 port;

    tunnel.fixture = osh_fixture_new();
    tunnel.server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    osh_fixture_start(tunnel.fixture);
    tunnel.client = osh_fixture_tunnel(tunnel.fixture, OSH_FIXTURE_OTHER, port, tunnel.server,
                                       &tunnel.upstream);
    tunnel_write(&tunnel, hello->data, hello->len);
    expect_upstream(&tunnel, hello);
    tunnel_close(&tunnel);
}

static void
test_a_client_that_ends_in_silence_ends_the_servers_side(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    shutdown(tunnel.client, SHUT_WR);
    osh_fixture_expect_end(tunnel.fixture, tunnel.upstream);
    osh_fixture_send(tunnel.upstream, "late");
    osh_fixture_expect(tunnel.fixture, tunnel.client, "late");
    tunnel_close(&tunnel);
}

static void
test_a_reset_in_silence_arrives(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    osh_fixture_reset(tunnel.client);
    tunnel.client = -1;
    osh_fixture_expect_reset(tunnel.fixture, tunnel.upstream);
    tunnel_close(&tunnel);
}

static void
test_a_reload_ends_a_silent_tunnel(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel, NULL);
    tunnel.fixture->policy.action = OSH_ACTION_DENY;
    tunnel.fixture->policy.generation++;
    osh_fixture_advance(tunnel.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(tunnel.fixture, tunnel.client);
    tunnel_close(&tunnel);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/first-bytes/" sentence, function)
    ADD("the-name-that-was-judged-passes", test_the_name_that_was_judged_passes);
    ADD("another-name-ends-the-connection-and-nothing-arrives",
        test_another_name_ends_the_connection_and_nothing_arrives);
    ADD("behind-the-request-head-it-is-seen-too", test_behind_the_request_head_it_is_seen_too);
    ADD("half-behind-the-head-and-half-later", test_half_behind_the_head_and_half_later);
    ADD("a-hidden-name-is-reported-and-gets-no-credentials",
        test_a_hidden_name_is_reported_and_gets_no_credentials);
    ADD("a-second-hello-is-judged-too", test_a_second_hello_is_judged_too);
    ADD("a-second-hello-of-the-name-passes", test_a_second_hello_of_the_name_passes);
    ADD("a-client-may-end-it-there", test_a_client_may_end_it_there);
    ADD("a-second-hello-has-its-time-and-its-form", test_a_second_hello_has_its_time_and_its_form);
    ADD("every-other-answer-opens-the-tunnel", test_every_other_answer_opens_the_tunnel);
    ADD("the-host-may-stop-before-a-second-hello", test_the_host_may_stop_before_a_second_hello);
    ADD("what-is-not-tls-passes-at-once", test_what_is_not_tls_passes_at_once);
    ADD("a-client-may-be-silent-for-long-and-is-seen-then",
        test_a_client_may_be_silent_for_long_and_is_seen_then);
    ADD("half-a-message-has-its-time", test_half_a_message_has_its_time);
    ADD("an-urgent-byte-hides-no-name", test_an_urgent_byte_hides_no_name);
    ADD("a-malformed-message-ends-the-connection", test_a_malformed_message_ends_the_connection);
    ADD("a-message-without-end-ends-the-connection",
        test_a_message_without_end_ends_the_connection);
    ADD("a-server-may-speak-first", test_a_server_may_speak_first);
    ADD("a-server-may-have-spoken-before-the-client-is-told",
        test_a_server_may_have_spoken_before_the_client_is_told);
    ADD("no-name-contradicts-an-address", test_no_name_contradicts_an_address);
    ADD("a-client-that-ends-in-silence-ends-the-servers-side",
        test_a_client_that_ends_in_silence_ends_the_servers_side);
    ADD("a-reset-in-silence-arrives", test_a_reset_in_silence_arrives);
    ADD("a-reload-ends-a-silent-tunnel", test_a_reload_ends_a_silent_tunnel);
    return g_test_run();
}
