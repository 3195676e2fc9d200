/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-body-test.c: every rule of a body as a row, fed in pieces of every size.
 */
#include "osh-http1-body.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *text;
    /* What may be released before the end or the refusal. */
    const char *released;
    const char *content;
    OshHttp1Error error;
} Row;

#define OK   OSH_HTTP1_ERROR_NONE
#define E(x) OSH_HTTP1_ERROR_##x
#define ALL  NULL

static const Row rows[] = {
    {"one chunk", "5\r\nhello\r\n0\r\n\r\n", ALL, "hello", OK},
    {"no content", "0\r\n\r\n", ALL, "", OK},
    {"many zeros", "000\r\n\r\n", ALL, "", OK},
    {"two chunks", "5\r\nhello\r\nA\r\n, world...\r\n0\r\n\r\n", ALL, "hello, world...", OK},
    {"content that looks like framing", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", ALL, "0\r\n\r\n", OK},
    {"extension", "5;a=b\r\nhello\r\n0\r\n\r\n", ALL, "hello", OK},
    {"extensions", "5;a;b=\"c;\\\"d\"\r\nhello\r\n0;x\r\n\r\n", ALL, "hello", OK},
    {"trailer", "0\r\nX-Sum: 1\r\n\r\n", ALL, "", OK},
    {"trailers", "1\r\na\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", ALL, "a", OK},
    {"bytes after the end stay", "0\r\n\r\nGET", "0\r\n\r\n", "", OK},
    {"size empty", "\r\nhello", "", "", E(BAD_CHUNK_SIZE)},
    {"size signed", "+5\r\nhello", "", "", E(BAD_CHUNK_SIZE)},
    {"size with 0x", "0x5\r\nhello", "", "", E(BAD_CHUNK_SIZE)},
    {"size not hex", "g\r\n", "", "", E(BAD_CHUNK_SIZE)},
    {"space before size", " 5\r\nhello", "", "", E(BAD_CHUNK_SIZE)},
    {"space after size", "5 \r\nhello", "", "", E(BAD_CHUNK_SIZE)},
    {"size of 16 digits", "0000000000000005\r\nhello", "", "", E(CHUNK_TOO_LARGE)},
    {"size overflow", "FFFFFFFFFFFFFFFFF\r\n", "", "", E(CHUNK_TOO_LARGE)},
    {"bare LF after size", "5\nhello", "", "", E(BARE_LF)},
    {"bare CR after size", "5\rhello", "", "", E(BARE_CR)},
    {"control in extension", "5;a=\x01\r\nhello", "", "", E(CONTROL_BYTE)},
    {"LF in quoted extension", "5;a=\"\n\"\r\nhello", "", "", E(BARE_LF)},
    {"extension without name", "5;\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"extension without value", "5;a=\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"extension with blanks", "5; a=b\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"extension quote not closed", "5;a=\"b\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"extension escape at the end", "5;a=\"b\\\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"words after quoted extension", "5;a=\"b\"cde\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"text after quoted extension", "5;a=\"b\"c\r\nhello", "", "", E(BAD_CHUNK_EXTENSION)},
    {"extension not UTF-8", "5;a=\"\xff\"\r\nhello", "", "", E(NOT_UTF8)},
    {"no CRLF after chunk", "5\r\nhelloX\r\n", "5\r\nhello", "hello", E(NO_CRLF_AFTER_CHUNK)},
    {"LF behind another byte after chunk", "5\r\nhelloX\n0\r\n\r\n", "5\r\nhello", "hello",
     E(NO_CRLF_AFTER_CHUNK)},
    {"LF after chunk", "5\r\nhello\n0\r\n\r\n", "5\r\nhello", "hello", E(NO_CRLF_AFTER_CHUNK)},
    {"CR only after chunk", "5\r\nhello\r0\r\n", "5\r\nhello", "hello", E(NO_CRLF_AFTER_CHUNK)},
    {"trailer without colon", "1\r\na\r\n0\r\nX\r\n\r\n", "1\r\na\r\n", "a", E(NO_COLON)},
    {"trailer folded", "0\r\nX: 1\r\n y\r\n\r\n", "", "", E(OBSOLETE_FOLD)},
    {"trailer with space before colon", "0\r\nX : 1\r\n\r\n", "", "", E(SPACE_BEFORE_COLON)},
    {"trailer with bare LF", "0\r\nX: 1\n\r\n", "", "", E(BARE_LF)},
    {"second trailer bad", "0\r\nX: 1\r\nbad\r\n\r\n", "", "", E(NO_COLON)},
    {"trailer Content-Length", "0\r\ncontent-length: 5\r\n\r\n", "", "", E(FORBIDDEN_TRAILER)},
    {"trailer Transfer-Encoding", "0\r\nTransfer-Encoding: x\r\n\r\n", "", "",
     E(FORBIDDEN_TRAILER)},
    {"trailer Host", "0\r\nHost: x\r\n\r\n", "", "", E(FORBIDDEN_TRAILER)},
    {"trailer Authorization", "0\r\nAuthorization: x\r\n\r\n", "", "", E(FORBIDDEN_TRAILER)},
    {"trailer Set-Cookie", "0\r\nSet-Cookie: x\r\n\r\n", "", "", E(FORBIDDEN_TRAILER)},
};

/* Offers the window as it would grow on a connection: released bytes go, unreleased ones stay. */
static OshHttp1BodyStatus
drive(OshHttp1Body *body, const char *text, gsize size, gsize piece, GString *released,
      GString *content)
{
    OshHttp1BodyStatus status = OSH_HTTP1_BODY_NEED_MORE;
    gsize start = 0;

    for (gsize fed = 0; fed < size && status == OSH_HTTP1_BODY_NEED_MORE;) {
        OshHttp1BodyStep step;

        fed = MIN(fed + piece, size);
        while ((status = osh_http1_body_feed(body, (const guint8 *)text + start, fed - start,
                                             &step)) == OSH_HTTP1_BODY_STEP) {
            g_assert_cmpuint(step.release, >, 0);
            g_assert_cmpuint(step.release, <=, fed - start);
            g_string_append_len(released, text + start, (gssize)step.release);
            g_string_append_len(content, text + start, (gssize)step.content_length);
            start += step.release;
        }
    }
    return status;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    const char *expected = row->released != NULL ? row->released : row->text;

    for (gsize piece = 1; piece <= strlen(row->text); piece++) {
        g_autoptr(GString) released = g_string_new(NULL);
        g_autoptr(GString) content = g_string_new(NULL);
        OshHttp1BodyStatus status;
        OshHttp1Body body;

        osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
        status = drive(&body, row->text, strlen(row->text), piece, released, content);
        g_assert_cmpstr(osh_http1_error_text(body.error), ==, osh_http1_error_text(row->error));
        g_assert_cmpint(status, ==,
                        row->error == OK ? OSH_HTTP1_BODY_COMPLETE : OSH_HTTP1_BODY_REJECTED);
        g_assert_cmpstr(released->str, ==, expected);
        g_assert_cmpstr(content->str, ==, row->content);
        g_assert_cmpuint(body.content_total, ==, content->len);
        g_assert_cmpint(osh_http1_body_is_complete(&body), ==, row->error == OK);
    }
}

static void
test_bounds(void)
{
    g_autoptr(GString) line = g_string_new("1;a=");
    g_autoptr(GString) trailers = g_string_new("0\r\nX: ");
    g_autoptr(GString) released = g_string_new(NULL);
    OshHttp1Body body;

    while (line->len < OSH_HTTP1_CHUNK_LINE_SIZE)
        g_string_append_c(line, 'x');
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    g_assert_cmpint(drive(&body, line->str, line->len - 1, 1, released, released), ==,
                    OSH_HTTP1_BODY_NEED_MORE);
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    g_assert_cmpint(drive(&body, line->str, line->len, 1, released, released), ==,
                    OSH_HTTP1_BODY_REJECTED);
    g_assert_cmpint(body.error, ==, OSH_HTTP1_ERROR_CHUNK_LINE_TOO_LONG);
    while (trailers->len < 3 + OSH_HTTP1_TRAILERS_SIZE)
        g_string_append_c(trailers, 'x');
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    g_assert_cmpint(drive(&body, trailers->str, trailers->len, 100, released, released), ==,
                    OSH_HTTP1_BODY_REJECTED);
    g_assert_cmpint(body.error, ==, OSH_HTTP1_ERROR_TRAILERS_TOO_LARGE);
    g_assert_cmpuint(released->len, ==, 0);
}

static void
test_other_bounds(void)
{
    static const struct {
        const char *text;
        OshHttp1Error error; /* where a limit is a byte less */
    } cases[] = {
        {"1;x=y\r\na\r\n0\r\n\r\n", OSH_HTTP1_ERROR_CHUNK_LINE_TOO_LONG},
        {"0\r\nX: 1\r\n\r\n", OSH_HTTP1_ERROR_TRAILERS_TOO_LARGE},
    };

    for (guint i = 0; i < 4; i++) {
        g_autoptr(GString) released = g_string_new(NULL);
        const char *text = cases[i / 2].text;
        guint32 limit = (i / 2 == 0 ? 7 : 8) - i % 2;
        OshHttp1Body body;

        osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
        osh_http1_body_limit(&body, i / 2 == 0 ? limit : 100, i / 2 == 1 ? limit : 100);
        g_assert_cmpint(drive(&body, text, strlen(text), 1, released, released), ==,
                        i % 2 == 0 ? OSH_HTTP1_BODY_COMPLETE : OSH_HTTP1_BODY_REJECTED);
        g_assert_cmpint(body.error, ==, i % 2 == 0 ? OSH_HTTP1_ERROR_NONE : cases[i / 2].error);
    }
}

static void
test_length(void)
{
    g_autoptr(GString) released = g_string_new(NULL);
    g_autoptr(GString) content = g_string_new(NULL);
    OshHttp1Body body;

    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_LENGTH, 5);
    g_assert_cmpint(drive(&body, "helloGET", 8, 3, released, content), ==, OSH_HTTP1_BODY_COMPLETE);
    g_assert_cmpstr(released->str, ==, "hello");
    g_assert_cmpstr(content->str, ==, "hello");
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_LENGTH, 5);
    g_assert_cmpint(drive(&body, "hell", 4, 3, released, content), ==, OSH_HTTP1_BODY_NEED_MORE);
    g_assert_cmpint(osh_http1_body_eof(&body), ==, OSH_HTTP1_BODY_REJECTED);
    g_assert_cmpint(body.error, ==, OSH_HTTP1_ERROR_BODY_CUT_SHORT);
}

static void
test_other_framings(void)
{
    g_autoptr(GString) released = g_string_new(NULL);
    OshHttp1BodyStep step;
    OshHttp1Body body;

    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_NONE, 0);
    g_assert_cmpint(osh_http1_body_feed(&body, (const guint8 *)"GET", 3, &step), ==,
                    OSH_HTTP1_BODY_COMPLETE);
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_UNTIL_CLOSE, 0);
    g_assert_cmpint(drive(&body, "anything", 8, 3, released, released), ==,
                    OSH_HTTP1_BODY_NEED_MORE);
    g_assert_false(osh_http1_body_is_complete(&body));
    g_assert_cmpint(osh_http1_body_eof(&body), ==, OSH_HTTP1_BODY_COMPLETE);
    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    g_assert_cmpint(drive(&body, "0\r\n", 3, 3, released, released), ==, OSH_HTTP1_BODY_NEED_MORE);
    g_assert_cmpint(osh_http1_body_eof(&body), ==, OSH_HTTP1_BODY_REJECTED);
}

/* RFC 9110, section 6.5.1, and what else would change how a message is read. */
static void
test_trailers(void)
{
    static const char *const forbidden[] = {
        "Authorization",
        "Cache-Control",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Range",
        "Content-Type",
        "Cookie",
        "Expect",
        "Host",
        "Keep-Alive",
        "Max-Forwards",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "Range",
        "Proxy-Authorization",
        "Set-Cookie",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "WWW-Authenticate",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(forbidden); i++) {
        g_autofree char *text = g_strdup_printf("0\r\n%s: x\r\n\r\n", forbidden[i]);
        g_autoptr(GString) released = g_string_new(NULL);
        OshHttp1Body body;

        osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
        g_assert_cmpint(drive(&body, text, strlen(text), 7, released, released), ==,
                        OSH_HTTP1_BODY_REJECTED);
        g_assert_cmpint(body.error, ==, OSH_HTTP1_ERROR_FORBIDDEN_TRAILER);
        g_assert_cmpuint(released->len, ==, 0);
    }
}

/* What was refused once is not read on, however good the bytes that follow. */
static void
test_refused_for_good(void)
{
    OshHttp1BodyStep step;
    OshHttp1Body body;

    osh_http1_body_init(&body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    g_assert_cmpint(osh_http1_body_feed(&body, (const guint8 *)"x\r\n", 3, &step), ==,
                    OSH_HTTP1_BODY_REJECTED);
    g_assert_cmpint(osh_http1_body_feed(&body, (const guint8 *)"0\r\n\r\n", 5, &step), ==,
                    OSH_HTTP1_BODY_REJECTED);
    g_assert_cmpint(osh_http1_body_eof(&body), ==, OSH_HTTP1_BODY_REJECTED);
    g_assert_false(osh_http1_body_is_complete(&body));
}

static void
test_chunk_head(void)
{
    char text[OSH_HTTP1_CHUNK_HEAD_SIZE];

    g_assert_cmpmem(text, osh_http1_chunk_head(0, text), "0\r\n", 3);
    g_assert_cmpmem(text, osh_http1_chunk_head(0x1fa0, text), "1fa0\r\n", 6);
    g_assert_cmpmem(text, osh_http1_chunk_head(G_MAXUINT64, text), "ffffffffffffffff\r\n", 18);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strconcat("/http1-body/chunked, judged however split/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/http1-body/size lines and trailers are bounded", test_bounds);
    g_test_add_func("/http1-body/the bounds are the caller's to say", test_other_bounds);
    g_test_add_func("/http1-body/a length is kept exactly", test_length);
    g_test_add_func("/http1-body/none, until-close and a cut chunked body", test_other_framings);
    g_test_add_func("/http1-body/what must not stand in a trailer is refused", test_trailers);
    g_test_add_func("/http1-body/what was refused stays refused", test_refused_for_good);
    g_test_add_func("/http1-body/chunk heads are plain hexadecimal", test_chunk_head);
    return g_test_run();
}
