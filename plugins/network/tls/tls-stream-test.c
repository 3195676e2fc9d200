/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a session: in small pieces, through full sockets, and how a stream ends. */
#include "socket-bio.h"
#include "tls-fixture.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME  "api.example.com"
#define TOTAL (256 * 1024)

typedef struct {
    OshTlsEngine *engine;
    TlsLink link;
} Stream;

static void
stream_open(Stream *stream, int version, int buffer)
{
    SSL_CTX *context = tls_client_context(NULL);

    stream->engine = osh_tls_engine_new(NULL, NULL);
    SSL_CTX_set_max_proto_version(context, version);
    tls_link_open(&stream->link, buffer);
    tls_link_peer(&stream->link, context, NAME);
    tls_link_serve(&stream->link, stream->engine, NAME, NULL);
    tls_link_shake(&stream->link);
    g_assert_cmpint(stream->link.result, ==, OSH_TLS_DONE);
    SSL_CTX_free(context);
}

static void
stream_close(Stream *stream)
{
    ERR_clear_error();
    tls_link_close(&stream->link);
    osh_tls_engine_free(stream->engine);
}

static guint8
byte_at(gsize at)
{
    return (guint8)(at * 7 + at / 251);
}

/* The peer takes what there is. */
static gsize
peer_take(Stream *stream, gsize got)
{
    guint8 buffer[3000];
    gsize n;

    while (SSL_read_ex(stream->link.peer, buffer, sizeof buffer, &n) == 1)
        for (gsize i = 0; i < n; i++, got++)
            g_assert_cmpuint(buffer[i], ==, byte_at(got));
    ERR_clear_error();
    return got;
}

/* Pieces of @step bytes; each retry gives more than the call before it, at another place. */
static void
write_all(Stream *stream, gsize step)
{
    gsize sent = 0, got = 0, blocked = 0;

    while (sent < TOTAL) {
        gsize length = MIN(step * (1 + MIN(blocked, 2)), TOTAL - sent);
        g_autofree char *bytes = g_malloc(length);
        const OshSpan pieces[] = {{bytes, length / 3},
                                  {NULL, 0},
                                  {bytes + length / 3, 1},
                                  {bytes + length / 3 + 1, length - length / 3 - 1}};
        gsize written = 0;
        OshTlsResult result;

        for (gsize i = 0; i < length; i++)
            bytes[i] = (char)byte_at(sent + i);
        result =
            osh_tls_session_write(stream->link.session, pieces, G_N_ELEMENTS(pieces), &written);
        if (result == OSH_TLS_WANT_WRITE) {
            blocked++;
            if (blocked % 3 == 2)
                got = peer_take(stream, got);
            continue;
        }
        g_assert_cmpint(result, ==, OSH_TLS_DONE);
        g_assert_cmpuint(written, >, 0);
        g_assert_cmpuint(written, <=, MIN(length, OSH_TLS_RECORD));
        blocked = 0;
        sent += written;
    }
    while (got < TOTAL)
        got = peer_take(stream, got);
    g_assert_cmpuint(got, ==, TOTAL);
}

static void
read_all(Stream *stream, gsize step)
{
    g_autofree guint8 *bytes = g_malloc(TOTAL);
    g_autofree guint8 *buffer = g_malloc(step);
    gsize sent = 0, got = 0;

    for (gsize i = 0; i < TOTAL; i++)
        bytes[i] = byte_at(i);
    while (got < TOTAL) {
        OshTlsResult result;
        gsize n = 0;

        if (sent < TOTAL &&
            SSL_write_ex(stream->link.peer, bytes + sent, MIN(TOTAL - sent, 5000), &n) == 1)
            sent += n;
        ERR_clear_error();
        while ((result = osh_tls_session_read(stream->link.session, buffer, step, &n)) ==
               OSH_TLS_DONE) {
            g_assert_cmpuint(n, >, 0);
            g_assert_cmpuint(n, <=, step);
            for (gsize i = 0; i < n; i++, got++)
                g_assert_cmpuint(buffer[i], ==, byte_at(got));
        }
        g_assert_cmpint(result, ==, OSH_TLS_WANT_READ);
        g_assert_false(osh_tls_session_pending(stream->link.session));
    }
    g_assert_cmpuint(sent, ==, TOTAL);
}

static void
test_through_full_sockets(void)
{
    static const gsize steps[] = {3, 100, 5000, OSH_TLS_RECORD, 40000};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++)
        for (guint i = g_test_slow() ? 0 : 1; i < G_N_ELEMENTS(steps); i++) {
            Stream stream;

            stream_open(&stream, versions[v], 4096);
            write_all(&stream, steps[i]);
            read_all(&stream, steps[i]);
            stream_close(&stream);
        }
}

static void
test_one_byte_at_a_time(void)
{
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    for (guint i = 0; i < 200; i++) {
        char byte = (char)byte_at(i);
        const OshSpan piece = {&byte, 1};
        char got = 0;

        g_assert_cmpint(osh_tls_session_write(stream.link.session, &piece, 1, &n), ==,
                        OSH_TLS_DONE);
        g_assert_cmpint(SSL_read(stream.link.peer, &got, 1), ==, 1);
        g_assert_cmpint(SSL_write(stream.link.peer, &got, 1), ==, 1);
        got = 0;
        g_assert_cmpint(osh_tls_session_read(stream.link.session, &got, 1, &n), ==, OSH_TLS_DONE);
        g_assert_cmpint(got, ==, byte);
    }
    stream_close(&stream);
}

/* The handshake when the socket takes, or has, a byte at a time: each step goes on where it was. */
static void
test_handshake_in_drops(void)
{
    OshTlsEngine *engine = osh_tls_engine_new(NULL, NULL);
    SSL_CTX *context = tls_client_context(osh_tls_engine_authority_pem(engine));
    OshTlsResult result = OSH_TLS_WANT_READ;
    TlsLink link;
    int far[2];
    guint steps = 0, waits = 0;

    tls_link_open(&link, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, far), ==, 0);
    tls_link_serve(&link, engine, NAME, NULL);
    link.peer = SSL_new(context);
    SSL_set_fd(link.peer, far[0]);
    SSL_set_connect_state(link.peer);
    SSL_set1_host(link.peer, NAME);
    while (steps++ < 20000 && (result != OSH_TLS_DONE || !link.peer_open)) {
        char byte;

        link.peer_open |= SSL_do_handshake(link.peer) == 1;
        ERR_clear_error();
        if (recv(far[1], &byte, 1, 0) == 1)
            g_assert_cmpint(send(link.theirs, &byte, 1, 0), ==, 1);
        if (result != OSH_TLS_DONE)
            result = osh_tls_session_handshake(link.session);
        waits += result == OSH_TLS_WANT_READ;
        if (recv(link.theirs, &byte, 1, 0) == 1)
            g_assert_cmpint(send(far[1], &byte, 1, 0), ==, 1);
    }
    g_assert_cmpint(result, ==, OSH_TLS_DONE);
    g_assert_true(link.peer_open);
    g_assert_cmpuint(waits, >, 300);
    close(far[0]);
    close(far[1]);
    tls_link_close(&link);
    SSL_CTX_free(context);
    osh_tls_engine_free(engine);
}

/* A socket that is full keeps the handshake waiting to write. */
static void
test_handshake_into_a_full_socket(void)
{
    OshTlsEngine *engine = osh_tls_engine_new(NULL, NULL);
    SSL_CTX *context = tls_client_context(NULL);
    char bytes[4096] = {0};
    TlsLink link;

    tls_link_open(&link, 4096);
    tls_link_peer(&link, context, NAME);
    tls_link_serve(&link, engine, NAME, NULL);
    g_assert_cmpint(SSL_do_handshake(link.peer), ==, -1);
    ERR_clear_error();
    while (send(link.ours, bytes, sizeof bytes, MSG_DONTWAIT) > 0 ||
           send(link.ours, bytes, 1, MSG_DONTWAIT) > 0)
        continue;
    g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_WRITE);
    g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_WRITE);
    while (recv(link.theirs, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
    g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
    tls_link_shake(&link);
    g_assert_true(link.peer_open);
    tls_link_close(&link);
    SSL_CTX_free(context);
    osh_tls_engine_free(engine);
}

static void
test_pieces_share_a_record(void)
{
    const OshSpan pieces[] = {OSH_SPAN_LITERAL("GET / HTTP/1.1\r\n"),
                              {NULL, 0},
                              OSH_SPAN_LITERAL("Host: a\r\n"),
                              OSH_SPAN_LITERAL("\r\n")};
    char buffer[128];
    Stream stream;
    gsize n;
    int got;

    stream_open(&stream, TLS1_3_VERSION, 0);
    g_assert_cmpint(osh_tls_session_write(stream.link.session, pieces, 4, &n), ==, OSH_TLS_DONE);
    got = SSL_read(stream.link.peer, buffer, sizeof buffer);
    g_assert_cmpint(got, ==, (int)n);
    g_assert_cmpmem(buffer, n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
    g_assert_cmpint(osh_tls_session_write(stream.link.session, pieces + 1, 1, &n), ==,
                    OSH_TLS_DONE);
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpint(osh_tls_session_write(stream.link.session, NULL, 0, &n), ==, OSH_TLS_DONE);
    stream_close(&stream);
}

/* Several records in one segment: what epoll(7) does not see. */
static void
test_pending(void)
{
    char buffer[4];
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    g_assert_false(osh_tls_session_pending(stream.link.session));
    g_assert_cmpint(SSL_write(stream.link.peer, "abcdef", 6), ==, 6);
    g_assert_cmpint(SSL_write(stream.link.peer, "gh", 2), ==, 2);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==, OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "abcd", 4);
    g_assert_true(osh_tls_session_pending(stream.link.session));
    /* The rest of one record and the next one. */
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==, OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "efgh", 4);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==,
                    OSH_TLS_WANT_READ);
    g_assert_false(osh_tls_session_pending(stream.link.session));
    /* An end in the same segment: the socket has nothing more to say of it. */
    g_assert_cmpint(SSL_write(stream.link.peer, "ij", 2), ==, 2);
    SSL_shutdown(stream.link.peer);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==, OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "ij", 2);
    g_assert_true(osh_tls_session_pending(stream.link.session));
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==, OSH_TLS_END);
    g_assert_false(osh_tls_session_pending(stream.link.session));
    stream_close(&stream);
}

/* Clients send their request in one segment with the end of the handshake. */
static void
test_data_behind_the_handshake(void)
{
    OshTlsEngine *engine = osh_tls_engine_new(NULL, NULL);
    SSL_CTX *context = tls_client_context(NULL);
    char buffer[8];
    TlsLink link;
    gsize n;

    tls_link_open(&link, 0);
    tls_link_peer(&link, context, NAME);
    tls_link_serve(&link, engine, NAME, NULL);
    g_assert_cmpint(SSL_do_handshake(link.peer), ==, -1);
    g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
    ERR_clear_error();
    g_assert_cmpint(SSL_do_handshake(link.peer), ==, 1);
    g_assert_cmpint(SSL_write(link.peer, "early", 5), ==, 5);
    g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_DONE);
    g_assert_true(osh_tls_session_pending(link.session));
    g_assert_cmpint(osh_tls_session_read(link.session, buffer, sizeof buffer, &n), ==,
                    OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "early", 5);
    tls_link_close(&link);
    SSL_CTX_free(context);
    osh_tls_engine_free(engine);
}

static void
test_a_part_of_a_record(void)
{
    static const guint8 half[] = {23, 3, 3, 1, 0, 1, 2, 3};
    char buffer[4];
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    g_assert_cmpint(send(stream.link.theirs, half, sizeof half, 0), ==, sizeof half);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 4, &n), ==,
                    OSH_TLS_WANT_READ);
    g_assert_false(osh_tls_session_pending(stream.link.session));
    stream_close(&stream);
}

/* In smaller pieces than OpenSSL asks for today. */
static void
test_prefix_in_pieces(void)
{
    guint8 prefix[] = "prefix,";
    BIO_METHOD *method = osh_socket_bio_method();
    OshTlsSession session = {.prefix = prefix, .prefix_length = 7};
    char buffer[8], all[32] = "";
    TlsLink link;
    BIO *bio;
    int n;

    tls_link_open(&link, 0);
    session.fd = link.ours;
    bio = osh_socket_bio_new(method, &session);
    g_assert_cmpint(send(link.theirs, "socket", 6, 0), ==, 6);
    while ((n = BIO_read(bio, buffer, 3)) > 0)
        strncat(all, buffer, (gsize)n);
    g_assert_cmpstr(all, ==, "prefix,socket");
    g_assert_true(BIO_should_retry(bio));
    BIO_free(bio);
    BIO_meth_free(method);
    tls_link_close(&link);
}

typedef enum {
    END_NOTIFIED,
    END_CUT,
    END_CUT_IN_RECORD,
    END_RESET,
} End;

static void
end_stream(Stream *stream, End end)
{
    static const guint8 half_a_record[] = {23, 3, 3, 1, 0, 1, 2, 3};

    /* A socket that is closed with bytes unread, such as a ticket, resets a socket pair. */
    peer_take(stream, 0);
    if (end == END_NOTIFIED)
        SSL_shutdown(stream->link.peer);
    if (end == END_CUT_IN_RECORD)
        g_assert_cmpint(send(stream->link.theirs, half_a_record, sizeof half_a_record, 0), ==,
                        sizeof half_a_record);
    if (end == END_RESET)
        g_assert_cmpint(send(stream->link.ours, "x", 1, 0), ==, 1);
    close(stream->link.theirs);
    stream->link.theirs = -1;
}

static void
test_ends(void)
{
    static const OshTlsFailureKind kinds[] = {
        [END_NOTIFIED] = OSH_TLS_FAILURE_NONE,
        [END_CUT] = OSH_TLS_FAILURE_TRUNCATED,
        [END_CUT_IN_RECORD] = OSH_TLS_FAILURE_TRUNCATED,
        [END_RESET] = OSH_TLS_FAILURE_LOST,
    };
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (guint v = 0; v < 2; v++)
        for (guint end = 0; end < G_N_ELEMENTS(kinds); end++) {
            OshTlsResult expected = end == END_NOTIFIED ? OSH_TLS_END : OSH_TLS_FAILED;
            char buffer[64];
            Stream stream;
            gsize n;

            stream_open(&stream, versions[v], 0);
            g_assert_cmpint(SSL_write(stream.link.peer, "last", 4), ==, 4);
            end_stream(&stream, end);
            /* What came before the end comes before the end. */
            if (end != END_RESET) {
                g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 64, &n), ==,
                                OSH_TLS_DONE);
                g_assert_cmpmem(buffer, n, "last", 4);
            } else
                while (osh_tls_session_read(stream.link.session, buffer, 64, &n) == OSH_TLS_DONE)
                    continue;
            for (guint again = 0; again < 2; again++)
                g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 64, &n), ==,
                                expected);
            g_assert_cmpint(osh_tls_session_failure(stream.link.session)->kind, ==, kinds[end]);
            g_assert_cmpint(osh_tls_session_failure(stream.link.session)->alert, ==, -1);
            stream_close(&stream);
        }
}

static void
test_our_end(void)
{
    const OshSpan late = OSH_SPAN_LITERAL("late");
    char buffer[64];
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    for (guint i = 0; i < 2; i++)
        g_assert_cmpint(osh_tls_session_shutdown(stream.link.session), ==, OSH_TLS_DONE);
    g_assert_cmpint(SSL_read(stream.link.peer, buffer, sizeof buffer), ==, 0);
    g_assert_cmpint(SSL_get_error(stream.link.peer, 0), ==, SSL_ERROR_ZERO_RETURN);
    /* The peer's stream goes on. */
    g_assert_cmpint(SSL_write(stream.link.peer, "more", 4), ==, 4);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, sizeof buffer, &n), ==,
                    OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "more", 4);
    g_assert_cmpint(osh_tls_session_write(stream.link.session, &late, 1, &n), ==, OSH_TLS_FAILED);
    stream_close(&stream);
}

static void
test_a_write_to_a_peer_that_has_gone(void)
{
    const OshSpan piece = OSH_SPAN_LITERAL("hello");
    char buffer[64];
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    g_assert_cmpint(SSL_write(stream.link.peer, "early", 5), ==, 5);
    close(stream.link.theirs);
    stream.link.theirs = -1;
    g_assert_cmpint(osh_tls_session_write(stream.link.session, &piece, 1, &n), ==, OSH_TLS_FAILED);
    g_assert_cmpint(osh_tls_session_failure(stream.link.session)->kind, ==, OSH_TLS_FAILURE_LOST);
    g_assert_nonnull(strstr(osh_tls_session_failure(stream.link.session)->text, "Broken pipe"));
    /* What the peer said before it went is not lost with that. */
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 64, &n), ==, OSH_TLS_DONE);
    g_assert_cmpmem(buffer, n, "early", 5);
    for (guint i = 0; i < 2; i++)
        g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 64, &n), ==,
                        OSH_TLS_FAILED);
    g_assert_cmpint(osh_tls_session_write(stream.link.session, &piece, 1, &n), ==, OSH_TLS_FAILED);
    stream_close(&stream);
}

static void
test_bytes_that_were_changed(void)
{
    static const guint8 record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                    9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    char buffer[64];
    Stream stream;
    gsize n;

    stream_open(&stream, TLS1_3_VERSION, 0);
    g_assert_cmpint(send(stream.link.theirs, record, sizeof record, 0), ==, sizeof record);
    g_assert_cmpint(osh_tls_session_read(stream.link.session, buffer, 64, &n), ==, OSH_TLS_FAILED);
    g_assert_cmpint(osh_tls_session_failure(stream.link.session)->kind, ==,
                    OSH_TLS_FAILURE_PROTOCOL);
    g_assert_cmpint(osh_tls_session_failure(stream.link.session)->alert, ==, 20);
    g_assert_false(osh_tls_session_failure(stream.link.session)->alert_received);
    stream_close(&stream);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/tls/bytes arrive whole through sockets that are full",
                    test_through_full_sockets);
    g_test_add_func("/network/tls/bytes arrive one at a time", test_one_byte_at_a_time);
    g_test_add_func("/network/tls/a handshake goes on after each byte", test_handshake_in_drops);
    g_test_add_func("/network/tls/a handshake waits for a socket that is full",
                    test_handshake_into_a_full_socket);
    g_test_add_func("/network/tls/pieces that are written together share a record",
                    test_pieces_share_a_record);
    g_test_add_func("/network/tls/what the socket no longer has is pending", test_pending);
    g_test_add_func("/network/tls/data behind the handshake is pending",
                    test_data_behind_the_handshake);
    g_test_add_func("/network/tls/a part of a record is nothing to read", test_a_part_of_a_record);
    g_test_add_func("/network/tls/bytes that were read before may be taken in pieces",
                    test_prefix_in_pieces);
    g_test_add_func("/network/tls/a stream that was cut or reset never looks complete", test_ends);
    g_test_add_func("/network/tls/our end leaves the peer's stream open", test_our_end);
    g_test_add_func("/network/tls/a write to a peer that has gone fails, and raises no signal",
                    test_a_write_to_a_peer_that_has_gone);
    g_test_add_func("/network/tls/bytes that were changed on the way are a protocol error",
                    test_bytes_that_were_changed);
    return g_test_run();
}
