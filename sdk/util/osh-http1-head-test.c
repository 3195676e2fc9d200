/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-head-test.c: every rule of a head as a row, each fed whole and one byte at a time.
 */
#include "osh-http1-head.h"

#include <string.h>

#define MAX_FIELDS 8
#define CRLF       "\r\n"
#define END        "\r\n\r\n"

typedef struct {
    const char *name;
    OshHttp1Kind kind;
    const char *text;
    OshHttp1Error error;
} Row;

#define REQ  OSH_HTTP1_REQUEST
#define RESP OSH_HTTP1_RESPONSE
#define OK   OSH_HTTP1_ERROR_NONE
#define E(x) OSH_HTTP1_ERROR_##x

static const Row rows[] = {
    {"plain request", REQ, "GET / HTTP/1.1" CRLF "Host: a" END, OK},
    {"HTTP 1.0", REQ, "GET / HTTP/1.0" END, OK},
    {"any token is a method", REQ, "M-SEARCH!~ / HTTP/1.1" END, OK},
    {"UTF-8 value", REQ, "GET / HTTP/1.1" CRLF "X: gr\xc3\xbc\xc3\x9f" END, OK},
    {"tab inside a value", REQ, "GET / HTTP/1.1" CRLF "X: a\tb" END, OK},
    {"empty value", REQ, "GET / HTTP/1.1" CRLF "X:" END, OK},
    {"no space after colon", REQ, "GET / HTTP/1.1" CRLF "X:y" END, OK},
    {"CONNECT", REQ, "CONNECT a:443 HTTP/1.1" END, OK},
    {"HTTP 2.0", REQ, "PRI * HTTP/2.0" END, E(BAD_VERSION)},
    {"HTTP 1.2", REQ, "GET / HTTP/1.2" END, E(BAD_VERSION)},
    {"lower-case version", REQ, "GET / http/1.1" END, E(BAD_VERSION)},
    {"long version", REQ, "GET / HTTP/1.10" END, E(BAD_VERSION)},
    {"no version", REQ, "GET /" END, E(BAD_REQUEST_LINE)},
    {"empty request line", REQ, CRLF "GET / HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"double space", REQ, "GET  / HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"double space before version", REQ, "GET /  HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"trailing space", REQ, "GET / HTTP/1.1 " END, E(BAD_REQUEST_LINE)},
    {"leading space", REQ, " GET / HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"tab for space", REQ, "GET\t/ HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"tab in target", REQ, "GET /a\tb HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"empty target", REQ, "GET  HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"four parts", REQ, "GET / x HTTP/1.1" END, E(BAD_REQUEST_LINE)},
    {"one word", REQ, "hello" END, E(BAD_REQUEST_LINE)},
    {"method with a separator", REQ, "GE(T / HTTP/1.1" END, E(BAD_METHOD)},
    {"method not ASCII", REQ, "G\xc3\x89T / HTTP/1.1" END, E(BAD_METHOD)},
    {"NUL-like control in target", REQ, "GET /\x01 HTTP/1.1" END, E(CONTROL_BYTE)},
    {"DEL in target", REQ, "GET /\x7f HTTP/1.1" END, E(CONTROL_BYTE)},
    {"TLS record", REQ, "\x16\x03\x01\x02", E(CONTROL_BYTE)},
    {"control in value", REQ, "GET / HTTP/1.1" CRLF "X: a\x1b[2J" END, E(CONTROL_BYTE)},
    {"DEL in value", REQ, "GET / HTTP/1.1" CRLF "X: a\x7f" END, E(CONTROL_BYTE)},
    {"bare LF", REQ, "GET / HTTP/1.1\nHost: a" END, E(BARE_LF)},
    {"bare LF at the end", REQ, "GET / HTTP/1.1" CRLF "Host: a\n\n", E(BARE_LF)},
    {"bare CR", REQ, "GET / HTTP/1.1" CRLF "X: a\rb" END, E(BARE_CR)},
    {"two CR", REQ, "GET / HTTP/1.1\r\r\n\r\n", E(BARE_CR)},
    {"bad UTF-8 value", REQ, "GET / HTTP/1.1" CRLF "X: \xff" END, E(NOT_UTF8)},
    {"overlong UTF-8", REQ, "GET / HTTP/1.1" CRLF "X: \xc0\xaf" END, E(NOT_UTF8)},
    {"bad UTF-8 target", REQ, "GET /\xfe HTTP/1.1" END, E(NOT_UTF8)},
    {"obs-fold with space", REQ, "GET / HTTP/1.1" CRLF "X: a" CRLF " b: c" END, E(OBSOLETE_FOLD)},
    {"obs-fold with tab", REQ, "GET / HTTP/1.1" CRLF "X: a" CRLF "\tb" END, E(OBSOLETE_FOLD)},
    {"fold before first field", REQ, "GET / HTTP/1.1" CRLF " X: a" END, E(OBSOLETE_FOLD)},
    {"no colon", REQ, "GET / HTTP/1.1" CRLF "Host" END, E(NO_COLON)},
    {"space before colon", REQ, "GET / HTTP/1.1" CRLF "Host : a" END, E(SPACE_BEFORE_COLON)},
    {"tab before colon", REQ, "GET / HTTP/1.1" CRLF "Host\t: a" END, E(SPACE_BEFORE_COLON)},
    {"empty name", REQ, "GET / HTTP/1.1" CRLF ": a" END, E(BAD_FIELD_NAME)},
    {"space in name", REQ, "GET / HTTP/1.1" CRLF "X Y: a" END, E(BAD_FIELD_NAME)},
    {"separator in name", REQ, "GET / HTTP/1.1" CRLF "X(Y): a" END, E(BAD_FIELD_NAME)},
    {"name not ASCII", REQ, "GET / HTTP/1.1" CRLF "X\xc3\xbc: a" END, E(BAD_FIELD_NAME)},
    {"Connection options", REQ, "GET / HTTP/1.1" CRLF "Connection: close, X-A ,\tTE" END, OK},
    {"Connection empty", REQ, "GET / HTTP/1.1" CRLF "Connection:" END, E(BAD_CONNECTION_OPTION)},
    {"Connection empty member", REQ, "GET / HTTP/1.1" CRLF "Connection: a,,b" END,
     E(BAD_CONNECTION_OPTION)},
    {"Connection trailing comma", REQ, "GET / HTTP/1.1" CRLF "Connection: a," END,
     E(BAD_CONNECTION_OPTION)},
    {"Connection not a token", REQ, "GET / HTTP/1.1" CRLF "Connection: a b" END,
     E(BAD_CONNECTION_OPTION)},
    {"Connection names Host", REQ, "GET / HTTP/1.1" CRLF "Connection: hOst" END,
     E(FORBIDDEN_CONNECTION_OPTION)},
    {"Connection names CL", REQ, "GET / HTTP/1.1" CRLF "connection: x, Content-Length" END,
     E(FORBIDDEN_CONNECTION_OPTION)},
    {"Connection names TE", REQ, "GET / HTTP/1.1" CRLF "CONNECTION: Transfer-Encoding" END,
     E(FORBIDDEN_CONNECTION_OPTION)},
    {"second Connection field", REQ,
     "GET / HTTP/1.1" CRLF "Connection: a" CRLF "Connection: host" END,
     E(FORBIDDEN_CONNECTION_OPTION)},
    {"CL", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 10" END, OK},
    {"equal CLs", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 10" CRLF "content-length: 10" END,
     OK},
    {"differing CLs", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 1" CRLF "Content-Length: 2" END,
     E(DIFFERING_CONTENT_LENGTHS)},
    {"CL empty", REQ, "PUT / HTTP/1.1" CRLF "Content-Length:" END, E(BAD_CONTENT_LENGTH)},
    {"CL signed", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: +1" END, E(BAD_CONTENT_LENGTH)},
    {"CL negative", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: -1" END, E(BAD_CONTENT_LENGTH)},
    {"CL hex", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 0x1" END, E(BAD_CONTENT_LENGTH)},
    {"CL list", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 1, 1" END, E(BAD_CONTENT_LENGTH)},
    {"CL with space", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 1 2" END, E(BAD_CONTENT_LENGTH)},
    {"CL overflow", REQ, "PUT / HTTP/1.1" CRLF "Content-Length: 18446744073709551617" END,
     E(BAD_CONTENT_LENGTH)},
    {"TE chunked", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: chunked" END, OK},
    {"TE in any case", REQ, "PUT / HTTP/1.1" CRLF "transfer-ENCODING: CHunked" END, OK},
    {"TE gzip, chunked", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: gzip, chunked" END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE chunked twice", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: chunked, chunked" END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE repeated", REQ,
     "PUT / HTTP/1.1" CRLF "Transfer-Encoding: chunked" CRLF "Transfer-Encoding: chunked" END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE identity", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: identity" END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE empty", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding:" END, E(BAD_TRANSFER_ENCODING)},
    {"TE trailing comma", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: chunked," END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE quoted", REQ, "PUT / HTTP/1.1" CRLF "Transfer-Encoding: \"chunked\"" END,
     E(BAD_TRANSFER_ENCODING)},
    {"TE in 1.0", REQ, "PUT / HTTP/1.0" CRLF "Transfer-Encoding: chunked" END,
     E(TRANSFER_ENCODING_IN_HTTP10)},
    {"CL then TE", REQ,
     "PUT / HTTP/1.1" CRLF "Content-Length: 1" CRLF "Transfer-Encoding: chunked" END,
     E(BOTH_LENGTHS)},
    {"TE then CL", REQ,
     "PUT / HTTP/1.1" CRLF "Transfer-Encoding: chunked" CRLF "Content-Length: 0" END,
     E(BOTH_LENGTHS)},
    {"eight fields", REQ,
     "GET / HTTP/1.1" CRLF "A:" CRLF "B:" CRLF "C:" CRLF "D:" CRLF "E:" CRLF "F:" CRLF "G:" CRLF
     "H:" END,
     OK},
    {"nine fields", REQ,
     "GET / HTTP/1.1" CRLF "A:" CRLF "B:" CRLF "C:" CRLF "D:" CRLF "E:" CRLF "F:" CRLF "G:" CRLF
     "H:" CRLF "I:" END,
     E(TOO_MANY_FIELDS)},
    {"response", RESP, "HTTP/1.1 200 OK" CRLF "Content-Length: 3" END, OK},
    {"response without reason", RESP, "HTTP/1.1 204 " END, OK},
    {"response without its space", RESP, "HTTP/1.0 204" END, OK},
    {"response with a long reason", RESP, "HTTP/1.1 404 Not Found At All" END, OK},
    {"response HTTP 2", RESP, "HTTP/2 200 OK" END, E(BAD_VERSION)},
    {"response not HTTP", RESP, "ICY 200 OK" END, E(BAD_STATUS_LINE)},
    {"response two-digit status", RESP, "HTTP/1.1 20 OK" END, E(BAD_STATUS_LINE)},
    {"response four-digit status", RESP, "HTTP/1.1 2000 OK" END, E(BAD_STATUS_LINE)},
    {"response status 600", RESP, "HTTP/1.1 600 X" END, E(BAD_STATUS_LINE)},
    {"response status 099", RESP, "HTTP/1.1 099 X" END, E(BAD_STATUS_LINE)},
    {"response status word", RESP, "HTTP/1.1 OK" END, E(BAD_STATUS_LINE)},
    {"response without a space", RESP, "HTTP/1.1-200 OK" END, E(BAD_STATUS_LINE)},
    {"response double space", RESP, "HTTP/1.1  200 OK" END, E(BAD_STATUS_LINE)},
    {"response both lengths", RESP,
     "HTTP/1.1 200 OK" CRLF "Content-Length: 3" CRLF "Transfer-Encoding: chunked" END,
     E(BOTH_LENGTHS)},
    {"response bare LF", RESP, "HTTP/1.1 200 OK\n\n", E(BARE_LF)},
    {"response value not UTF-8", RESP, "HTTP/1.1 200 J\xfcrgen" CRLF "X: J\xfcrgen" END, OK},
    {"response name not ASCII", RESP, "HTTP/1.1 200 OK" CRLF "X\xfc: a" END, E(BAD_FIELD_NAME)},
    {"response control in value", RESP, "HTTP/1.1 200 OK" CRLF "X: \x01" END, E(CONTROL_BYTE)},
    {"response differing CLs", RESP,
     "HTTP/1.1 200 OK" CRLF "Content-Length: 1" CRLF "Content-Length: 2" END,
     E(DIFFERING_CONTENT_LENGTHS)},
    {"response obs-fold", RESP, "HTTP/1.1 200 OK" CRLF "X: a" CRLF " b" END, E(OBSOLETE_FOLD)},
};

static OshHttp1Status
parse_in_pieces(OshHttp1Head *head, OshHttp1Field *fields, OshHttp1Kind kind, const char *text,
                gsize size, gsize piece)
{
    OshHttp1Status status = OSH_HTTP1_NEED_MORE;

    osh_http1_head_init(head, kind, 1024, fields, MAX_FIELDS);
    for (gsize fed = 0; fed < size && status == OSH_HTTP1_NEED_MORE;) {
        fed = MIN(fed + piece, size);
        status = osh_http1_head_feed(head, (const guint8 *)text, fed);
    }
    return status;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;

    for (gsize piece = 1; piece <= strlen(row->text); piece++) {
        OshHttp1Field fields[MAX_FIELDS];
        OshHttp1Head head;
        OshHttp1Status status =
            parse_in_pieces(&head, fields, row->kind, row->text, strlen(row->text), piece);

        g_assert_cmpstr(osh_http1_error_text(head.error), ==, osh_http1_error_text(row->error));
        g_assert_cmpint(status, ==, row->error == OK ? OSH_HTTP1_COMPLETE : OSH_HTTP1_REJECTED);
        if (row->error == OK)
            g_assert_cmpuint(head.size, ==, strlen(row->text));
        g_assert_cmpint(osh_http1_head_feed(&head, (const guint8 *)row->text, strlen(row->text)),
                        ==, status);
    }
}

static void
test_ranges(void)
{
    static const char text[] =
        "POST /p?q=1 HTTP/1.1" CRLF "Host:  example.com\t" CRLF "Accept: */*" CRLF
        "accept: text/html" CRLF "Upgrade: h2c, WebSocket" CRLF "Connection: Upgrade" CRLF
        "Content-Length: 5" END "helloGET";
    const guint8 *window = (const guint8 *)text;
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Head head;
    const OshHttp1Field *field;

    g_assert_cmpint(parse_in_pieces(&head, fields, REQ, text, sizeof text - 1, 7), ==,
                    OSH_HTTP1_COMPLETE);
    g_assert_cmpstr(text + head.size, ==, "helloGET");
    g_assert_true(osh_http1_range_equals(window, head.start_line, "POST /p?q=1 HTTP/1.1"));
    g_assert_true(osh_http1_range_equals(window, head.method, "POST"));
    g_assert_true(osh_http1_range_equals(window, head.target, "/p?q=1"));
    g_assert_cmpuint(head.minor_version, ==, 1);
    g_assert_cmpuint(head.n_fields, ==, 6);
    g_assert_true(osh_http1_range_equals(window, head.fields[head.host].value, "example.com"));
    field = osh_http1_head_find(&head, window, "accept", NULL);
    g_assert_true(osh_http1_range_equals(window, field->value, "*/*"));
    field = osh_http1_head_find(&head, window, "accept", field);
    g_assert_true(osh_http1_range_equals(window, field->value, "text/html"));
    g_assert_null(osh_http1_head_find(&head, window, "accept", field));
    g_assert_null(osh_http1_head_find(&head, window, "accep", NULL));
    g_assert_true(osh_http1_head_list_has(&head, window, "upgrade", "websocket"));
    g_assert_false(osh_http1_head_list_has(&head, window, "upgrade", "web"));
    g_assert_true(head.connection_upgrade);
    g_assert_cmpint(osh_http1_request_framing(&head), ==, OSH_HTTP1_FRAMING_LENGTH);
    g_assert_cmpuint(head.content_length, ==, 5);
    osh_http1_head_reset(&head);
    g_assert_cmpint(osh_http1_head_feed(&head, window, 3), ==, OSH_HTTP1_NEED_MORE);
}

/* What a refused request was about, where its line was good. */
static void
test_rejected_request(void)
{
    static const struct {
        const char *text;
        const char *method;
        const char *target;
    } cases[] = {
        {"PUT /p?q HTTP/1.1" CRLF "X" END, "PUT", "/p?q"},
        {"PUT  /p HTTP/1.1" END, "", ""},
        {"PUT /p HTTP/2.0" END, "", ""},
        {"PUT /p HTTP/1.1 " END, "", ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const guint8 *window = (const guint8 *)cases[i].text;
        OshHttp1Field fields[MAX_FIELDS];
        OshHttp1Head head;

        g_assert_cmpint(
            parse_in_pieces(&head, fields, REQ, cases[i].text, strlen(cases[i].text), 5), ==,
            OSH_HTTP1_REJECTED);
        g_assert_true(osh_http1_range_equals(window, head.method, cases[i].method));
        g_assert_true(osh_http1_range_equals(window, head.target, cases[i].target));
    }
}

static void
test_nominated_fields(void)
{
    static const char text[] =
        "GET / HTTP/1.1" CRLF "Connection: close,\tX-One" CRLF "x-oNE: 1" CRLF "X-On: 1" CRLF
        "X-One-More: 1" CRLF "X-Two: 1" CRLF "connection: X-TWO" END;
    static const gboolean nominated[] = {FALSE, TRUE, FALSE, FALSE, TRUE, FALSE};
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Head head;

    parse_in_pieces(&head, fields, REQ, text, strlen(text), 100);
    g_assert_cmpuint(head.n_fields, ==, G_N_ELEMENTS(nominated));
    for (gsize i = 0; i < head.n_fields; i++)
        g_assert_cmpint(osh_http1_head_nominates(&head, (const guint8 *)text, &fields[i]), ==,
                        nominated[i]);
}

static void
test_size_cap(void)
{
    g_autoptr(GString) text = g_string_new("GET / HTTP/1.1" CRLF "X: ");
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Head head;

    while (text->len < OSH_HTTP1_PROXY_HEAD_SIZE - 4)
        g_string_append_c(text, 'x');
    g_string_append(text, END);
    osh_http1_head_init(&head, REQ, OSH_HTTP1_PROXY_HEAD_SIZE, fields, MAX_FIELDS);
    g_assert_cmpint(osh_http1_head_feed(&head, (const guint8 *)text->str, text->len), ==,
                    OSH_HTTP1_COMPLETE);
    g_assert_cmpuint(head.size, ==, OSH_HTTP1_PROXY_HEAD_SIZE);

    g_string_insert_c(text, 20, 'x');
    osh_http1_head_reset(&head);
    g_assert_cmpint(
        osh_http1_head_feed(&head, (const guint8 *)text->str, OSH_HTTP1_PROXY_HEAD_SIZE - 1), ==,
        OSH_HTTP1_NEED_MORE);
    g_assert_cmpint(osh_http1_head_feed(&head, (const guint8 *)text->str, text->len), ==,
                    OSH_HTTP1_REJECTED);
    g_assert_cmpint(head.error, ==, OSH_HTTP1_ERROR_TOO_LARGE);
}

typedef struct {
    const char *text;
    OshHttp1Error error;
} HostRow;

static void
test_host(void)
{
    static const HostRow host_rows[] = {
        {"GET / HTTP/1.1" CRLF "Host: a.test:80" END, OK},
        {"GET / HTTP/1.1" CRLF "hOST: [::1]:80" END, OK},
        {"GET / HTTP/1.0" END, OK},
        {"GET / HTTP/1.1" END, E(NO_HOST)},
        {"GET / HTTP/1.1" CRLF "Host: a" CRLF "Host: a" END, E(SEVERAL_HOSTS)},
        {"GET / HTTP/1.0" CRLF "Host: a" CRLF "HOST: b" END, E(SEVERAL_HOSTS)},
        {"GET / HTTP/1.1" CRLF "Host:" END, E(BAD_HOST)},
        {"GET / HTTP/1.1" CRLF "Host: a, b" END, E(BAD_HOST)},
        {"GET / HTTP/1.1" CRLF "Host: user@a" END, E(BAD_HOST)},
        {"GET / HTTP/1.1" CRLF "Host: a:x" END, E(BAD_HOST)},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(host_rows); i++) {
        const char *text = host_rows[i].text;
        OshHttp1Field fields[MAX_FIELDS];
        OshHttp1Head head;

        parse_in_pieces(&head, fields, REQ, text, strlen(text), 100);
        g_assert_cmpint(osh_http1_head_check_host(&head, (const guint8 *)text), ==,
                        host_rows[i].error);
    }
}

static void
test_first_host(void)
{
    static const char text[] = "GET / HTTP/1.1" CRLF "A: b" CRLF "Host: one" CRLF "Host: two" END;
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Head head;

    parse_in_pieces(&head, fields, REQ, text, strlen(text), 100);
    g_assert_cmpuint(head.n_hosts, ==, 2);
    g_assert_cmpuint(head.host, ==, 1);
}

typedef struct {
    const char *text;
    gboolean head_request;
    gboolean connect_request;
    OshHttp1Framing framing;
    gboolean keep_alive;
} FramingRow;

static void
test_response_framing(void)
{
    static const FramingRow framing_rows[] = {
        {"HTTP/1.1 200 OK" CRLF "Content-Length: 3" END, FALSE, FALSE, OSH_HTTP1_FRAMING_LENGTH,
         TRUE},
        {"HTTP/1.1 200 OK" CRLF "Content-Length: 3" END, TRUE, FALSE, OSH_HTTP1_FRAMING_NONE, TRUE},
        {"HTTP/1.1 200 OK" CRLF "Content-Length: 0" END, FALSE, FALSE, OSH_HTTP1_FRAMING_NONE,
         TRUE},
        {"HTTP/1.1 200 OK" CRLF "Transfer-Encoding: chunked" END, FALSE, FALSE,
         OSH_HTTP1_FRAMING_CHUNKED, TRUE},
        {"HTTP/1.1 200 OK" CRLF "Connection: close" END, FALSE, FALSE,
         OSH_HTTP1_FRAMING_UNTIL_CLOSE, FALSE},
        {"HTTP/1.0 200 OK" END, FALSE, FALSE, OSH_HTTP1_FRAMING_UNTIL_CLOSE, FALSE},
        {"HTTP/1.0 200 OK" CRLF "Connection: keep-alive" CRLF "Content-Length: 1" END, FALSE, FALSE,
         OSH_HTTP1_FRAMING_LENGTH, TRUE},
        {"HTTP/1.1 200 OK" END, FALSE, TRUE, OSH_HTTP1_FRAMING_NONE, TRUE},
        {"HTTP/1.1 407 No" CRLF "Content-Length: 9" END, FALSE, TRUE, OSH_HTTP1_FRAMING_LENGTH,
         TRUE},
        {"HTTP/1.1 101 Up" END, FALSE, FALSE, OSH_HTTP1_FRAMING_NONE, TRUE},
        {"HTTP/1.1 204 No" CRLF "Content-Length: 9" END, FALSE, FALSE, OSH_HTTP1_FRAMING_NONE,
         TRUE},
        {"HTTP/1.1 304 No" CRLF "Content-Length: 9" END, FALSE, FALSE, OSH_HTTP1_FRAMING_NONE,
         TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(framing_rows); i++) {
        const FramingRow *row = &framing_rows[i];
        OshHttp1Field fields[MAX_FIELDS];
        OshHttp1Head head;

        g_assert_cmpint(parse_in_pieces(&head, fields, RESP, row->text, strlen(row->text), 9), ==,
                        OSH_HTTP1_COMPLETE);
        g_assert_cmpint(osh_http1_response_framing(&head, row->head_request, row->connect_request),
                        ==, row->framing);
        g_assert_cmpint(osh_http1_head_keep_alive(&head), ==, row->keep_alive);
    }
}

static void
test_texts(void)
{
    for (guint i = 0; i < OSH_HTTP1_N_ERRORS; i++)
        g_assert_cmpstr(osh_http1_error_text((OshHttp1Error)i), !=, "unknown error");
}

static void
test_nul(void)
{
    static const char text[] = "GET /\0 HTTP/1.1" END;
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Head head;

    g_assert_cmpint(parse_in_pieces(&head, fields, REQ, text, sizeof text - 1, 50), ==,
                    OSH_HTTP1_REJECTED);
    g_assert_cmpint(head.error, ==, OSH_HTTP1_ERROR_CONTROL_BYTE);
}

static const char typical_head[] =
    "GET /api/v1/models/gpt/completions?limit=20&cursor=eyJpZCI6MTIzfQ HTTP/1.1" CRLF
    "Host: api.example.com" CRLF
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" CRLF
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" CRLF
    "Accept-Language: en-US,en;q=0.5" CRLF "Accept-Encoding: gzip, deflate, br" CRLF
    "Authorization: Bearer openshell:resolve:env:API_TOKEN_WITH_A_LONG_NAME" CRLF
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes" CRLF
    "Connection: keep-alive" CRLF "Cache-Control: no-cache" END;

static void
test_throughput(void)
{
    const guint rounds = 2000000;
    OshHttp1Field fields[32];
    OshHttp1Head head;
    double seconds;

    if (!g_test_perf()) {
        g_test_skip("run with -m perf");
        return;
    }
    osh_http1_head_init(&head, REQ, OSH_HTTP1_PROXY_HEAD_SIZE, fields, G_N_ELEMENTS(fields));
    g_test_timer_start();
    for (guint i = 0; i < rounds; i++) {
        osh_http1_head_reset(&head);
        g_assert_cmpint(
            osh_http1_head_feed(&head, (const guint8 *)typical_head, sizeof typical_head - 1), ==,
            OSH_HTTP1_COMPLETE);
    }
    seconds = g_test_timer_elapsed();
    g_test_maximized_result((double)rounds * (sizeof typical_head - 1) / seconds / 1e9,
                            "%.2f GB/s, %.0f ns for a head of %u bytes",
                            (double)rounds * (sizeof typical_head - 1) / seconds / 1e9,
                            seconds / rounds * 1e9, (guint)sizeof typical_head - 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strconcat("/http1-head/judged however split/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/http1-head/a refused request says what its line said", test_rejected_request);
    g_test_add_func("/http1-head/Connection names fields of its hop", test_nominated_fields);
    g_test_add_func("/http1-head/ranges name the bytes that were sent", test_ranges);
    g_test_add_func("/http1-head/a head of exactly the cap passes and one more byte does not",
                    test_size_cap);
    g_test_add_func("/http1-head/of several Hosts the first is named", test_first_host);
    g_test_add_func("/http1-head/one Host rule", test_host);
    g_test_add_func("/http1-head/a response body is framed as RFC 9112 says",
                    test_response_framing);
    g_test_add_func("/http1-head/a NUL is refused", test_nul);
    g_test_add_func("/http1-head/every error has its own words", test_texts);
    g_test_add_func("/http1-head/throughput", test_throughput);
    return g_test_run();
}
