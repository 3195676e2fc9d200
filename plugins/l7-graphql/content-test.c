/* SPDX-License-Identifier: Apache-2.0 */
/* Media types, compressed bodies, bodies of several parts. */
#include "graphql-content.h"

#include <string.h>
#include <zlib.h>

/* --- Content-Type ------------------------------------------------------------------------------
 */

typedef struct {
    const char *sentence;
    const char *field;
    gboolean is_read;
    gboolean has_charset;
    gboolean is_utf8;
    const char *boundary;
} TypeRow;

static const TypeRow type_rows[] = {
    {"a-type-alone", "application/json", TRUE, FALSE, FALSE, ""},
    {"utf-8", "application/json; charset=utf-8", TRUE, TRUE, TRUE, ""},
    {"utf-8-in-another-case-and-quoted", "application/json;CHARSET=\"UTF-8\"", TRUE, TRUE, TRUE,
     ""},
    {"another-charset", "application/json; charset=utf-7", TRUE, TRUE, FALSE, ""},
    {"an-empty-quoted-charset", "application/json; charset=\"\"", TRUE, TRUE, FALSE, ""},
    {"other-parameters", "application/json; a=b; charset=utf8 ; c=\"d;e\"", TRUE, TRUE, TRUE, ""},
    {"a-semicolon-at-the-end", "application/json;", TRUE, FALSE, FALSE, ""},
    {"a-boundary", "multipart/form-data; boundary=a-b", TRUE, FALSE, FALSE, "a-b"},
    {"a-quoted-boundary", "multipart/form-data; boundary=\"a b\"", TRUE, FALSE, FALSE, "a b"},
    {"two-charsets", "application/json; charset=utf-8; charset=utf-7", FALSE, 0, 0, NULL},
    {"a-charset-in-continuations", "application/json; charset*0=utf-; charset*1=7", FALSE, 0, 0,
     NULL},
    {"an-encoded-charset", "application/json; charset*=utf-8''utf-7", FALSE, 0, 0, NULL},
    {"two-boundaries", "multipart/form-data; boundary=a; boundary=b", FALSE, 0, 0, NULL},
    {"an-empty-boundary", "multipart/form-data; boundary=\"\"", FALSE, 0, 0, NULL},
    {"a-boundary-that-ends-in-a-blank", "multipart/form-data; boundary=\"a \"", FALSE, 0, 0, NULL},
    {"a-boundary-of-71-characters",
     "multipart/form-data; "
     "boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     FALSE, 0, 0, NULL},
    {"an-escape", "application/json; charset=\"utf\\-8\"", FALSE, 0, 0, NULL},
    {"an-open-quote", "application/json; charset=\"utf-8", FALSE, 0, 0, NULL},
    {"no-value", "application/json; charset", FALSE, 0, 0, NULL},
    {"an-empty-value", "application/json; charset=", FALSE, 0, 0, NULL},
    {"two-types", "application/json, text/plain", FALSE, 0, 0, NULL},
    {"no-subtype", "application", FALSE, 0, 0, NULL},
    {"nothing", "", FALSE, 0, 0, NULL},
};

static void
test_type(gconstpointer data)
{
    const TypeRow *row = data;
    gsize length = strlen(row->field);
    g_autofree char *copy = g_memdup2(row->field, MAX(length, 1));
    GraphqlContentType type;

    g_assert_cmpint(graphql_content_type_read((OshSpan){copy, length}, &type), ==, row->is_read);
    if (!row->is_read)
        return;
    g_assert_cmpint(type.has_charset, ==, row->has_charset);
    g_assert_cmpint(type.is_utf8, ==, row->is_utf8);
    g_assert_cmpmem(type.boundary, type.n_boundary, row->boundary, strlen(row->boundary));
}

/* --- Compression -------------------------------------------------------------------------------
 */

#define WINDOW_GZIP (15 + 16)
#define WINDOW_ZLIB 15
#define WINDOW_RAW  (-15)

static GByteArray *
compressed(const char *text, gsize length, int window)
{
    GByteArray *bytes = g_byte_array_new();
    z_stream stream = {0};

    g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_byte_array_set_size(bytes, (guint)deflateBound(&stream, length) + 32);
    stream.next_in = (Bytef *)text;
    stream.avail_in = (uInt)length;
    stream.next_out = bytes->data;
    stream.avail_out = bytes->len;
    g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(bytes, (guint)stream.total_out);
    deflateEnd(&stream);
    return bytes;
}

static GByteArray *
decoded(const GByteArray *bytes, const char *encoding, guint64 limit, const char **ret_problem)
{
    return graphql_content_decode((OshSpan){(const char *)bytes->data, bytes->len},
                                  osh_span(encoding), limit, ret_problem);
}

static void
test_a_compressed_body_is_decoded(void)
{
    static const struct {
        const char *encoding;
        int window;
    } rows[] = {{"gzip", WINDOW_GZIP}, {"X-GZIP", WINDOW_GZIP}, {"Deflate", WINDOW_ZLIB}};
    g_autofree char *text = g_strnfill(40000, 'a');

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = compressed(text, 40000, rows[i].window);
        const char *problem = NULL;
        g_autoptr(GByteArray) plain = decoded(bytes, rows[i].encoding, 40000, &problem);

        g_assert_nonnull(plain);
        g_assert_cmpmem(plain->data, plain->len, text, 40000);
    }
}

static void
assert_refused(const GByteArray *bytes, const char *encoding, guint64 limit, const char *words)
{
    const char *problem = NULL;

    g_assert_null(decoded(bytes, encoding, limit, &problem));
    g_assert_nonnull(strstr(problem, words));
}

static void
test_a_compressed_body_is_bounded(void)
{
    g_autofree char *text = g_malloc0(50 * 1024 * 1024);
    g_autoptr(GByteArray) bomb = compressed(text, 50 * 1024 * 1024, WINDOW_GZIP);
    g_autoptr(GByteArray) small = compressed("abc", 3, WINDOW_GZIP);

    assert_refused(bomb, "gzip", 65536, "larger than graphql_max_body_bytes");
    assert_refused(small, "gzip", 2, "larger than graphql_max_body_bytes");
}

static void
test_a_broken_compressed_body_is_refused(void)
{
    g_autoptr(GByteArray) bytes = compressed("{\"a\": 1}", 8, WINDOW_GZIP);
    g_autoptr(GByteArray) raw = compressed("{\"a\": 1}", 8, WINDOW_RAW);
    g_autoptr(GByteArray) more = compressed("b", 1, WINDOW_GZIP);
    guint whole = bytes->len;

    assert_refused(bytes, "br", 100, "another way");
    assert_refused(bytes, "gzip, gzip", 100, "another way");
    assert_refused(bytes, "deflate", 100, "not compressed as");
    assert_refused(raw, "deflate", 100, "not compressed as");
    for (guint cut = 0; cut < whole; cut++) {
        g_autoptr(GByteArray) part = g_byte_array_new();

        g_byte_array_append(part, bytes->data, cut);
        assert_refused(part, "gzip", 100, "not compressed as");
    }
    /* Some readers join two members, others stop behind the first. */
    g_byte_array_append(bytes, more->data, more->len);
    assert_refused(bytes, "gzip", 100, "something follows");
    g_byte_array_set_size(bytes, whole);
    bytes->data[whole - 5] ^= 1;
    assert_refused(bytes, "gzip", 100, "not compressed as");
}

/* --- Several parts -----------------------------------------------------------------------------
 */

#define B                  "--b\r\n"
#define END                "--b--\r\n"
#define PART(name)         "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define FILE(name)         "Content-Disposition: form-data; name=\"" name "\"; filename=\"f\"\r\n"
#define OPERATIONS         B PART("operations") "\r\n{o}\r\n"
#define MAP(text)          B PART("map") "\r\n" text "\r\n"
#define UPLOAD(name, text) B FILE(name) "Content-Type: text/plain\r\n\r\n" text "\r\n"

typedef struct {
    const char *sentence;
    const char *body;
    const char *operations; /* NULL: refused */
} PartsRow;

static const PartsRow parts_rows[] = {
    {"operations-and-a-map", OPERATIONS MAP("{}") END, "{o}"},
    {"without-a-line-end-behind-it", OPERATIONS MAP("{}") "--b--", "{o}"},
    {"files",
     OPERATIONS MAP("{\"0\": [\"variables.a\", \"1.variables.b.2\"]}") UPLOAD("0", "x")
         UPLOAD("1", "") END,
     "{o}"},
    {"a-boundary-inside-of-a-line", OPERATIONS MAP("{}") UPLOAD("0", "x--b--") END, "{o}"},
    {"field-names-in-another-case",
     B "content-disposition: form-data; name=\"operations\"\r\n\r\n{o}\r\n" MAP("{}") END, "{o}"},
    {"nothing", "", NULL},
    {"the-end-alone", END, NULL},
    {"operations-alone", OPERATIONS END, NULL},
    {"a-map-first", MAP("{}") OPERATIONS END, NULL},
    {"operations-twice", OPERATIONS OPERATIONS MAP("{}") END, NULL},
    {"operations-behind-the-map", OPERATIONS MAP("{}") OPERATIONS END, NULL},
    {"operations-as-a-file-too", OPERATIONS MAP("{}") UPLOAD("operations", "x") END, NULL},
    {"operations-in-another-case-too", OPERATIONS MAP("{}") UPLOAD("Operations", "x") END, NULL},
    {"operations-that-are-a-file", UPLOAD("operations", "{o}") MAP("{}") END, NULL},
    {"a-field-behind-the-map", OPERATIONS MAP("{}") B PART("0") "\r\nx\r\n" END, NULL},
    {"two-files-of-one-name", OPERATIONS MAP("{}") UPLOAD("0", "x") UPLOAD("0", "y") END, NULL},
    {"a-map-that-is-no-json", OPERATIONS MAP("{") END, NULL},
    {"a-map-that-is-a-list", OPERATIONS MAP("[]") END, NULL},
    {"a-map-of-words", OPERATIONS MAP("{\"0\": \"variables.a\"}") END, NULL},
    {"a-file-in-place-of-the-document", OPERATIONS MAP("{\"0\": [\"query\"]}") END, NULL},
    {"a-file-in-place-of-the-name", OPERATIONS MAP("{\"0\": [\"0.operationName\"]}") END, NULL},
    {"a-file-in-place-of-all-variables", OPERATIONS MAP("{\"0\": [\"variables.\"]}") END, NULL},
    {"a-file-behind-a-number-alone", OPERATIONS MAP("{\"0\": [\"0\"]}") END, NULL},
    {"text-before-the-first-boundary", "x\r\n" OPERATIONS MAP("{}") END, NULL},
    {"a-line-end-before-the-first-boundary", "\r\n" OPERATIONS MAP("{}") END, NULL},
    {"text-behind-the-last-boundary", OPERATIONS MAP("{}") END "x", NULL},
    {"a-body-that-is-cut-off", OPERATIONS MAP("{}") "--b", NULL},
    {"a-blank-behind-a-boundary", "--b \r\n" PART("operations") "\r\n{o}\r\n" MAP("{}") END, NULL},
    {"line-ends-without-a-carriage-return",
     "--b\nContent-Disposition: form-data; name=\"operations\"\n\n{o}\n--b--\n", NULL},
    {"a-part-without-a-name", B "\r\n{o}\r\n" MAP("{}") END, NULL},
    {"a-name-without-quotes",
     B "Content-Disposition: form-data; name=operations\r\n\r\n{o}\r\n" MAP("{}") END, NULL},
    {"a-name-twice",
     B "Content-Disposition: form-data; name=\"operations\"; name=\"map\"\r\n\r\n{o}\r\n" MAP("{}")
         END,
     NULL},
    {"a-name-with-an-escape", OPERATIONS MAP("{}") UPLOAD("a\\\"b", "x") END, NULL},
    {"an-encoded-file-name",
     OPERATIONS MAP("{}") B
     "Content-Disposition: form-data; name=\"0\"; filename*=utf-8''a\r\n\r\nx\r\n" END,
     NULL},
    {"two-dispositions", B PART("operations") PART("map") "\r\n{o}\r\n" MAP("{}") END, NULL},
    {"a-type-of-the-operations",
     B PART("operations") "Content-Type: application/json; charset=utf-7\r\n\r\n{o}\r\n" MAP("{}")
         END,
     NULL},
    {"a-transfer-encoding",
     B PART("operations") "Content-Transfer-Encoding: base64\r\n\r\n{o}\r\n" MAP("{}") END, NULL},
    {"a-folded-field",
     B "Content-Disposition: form-data;\r\n name=\"operations\"\r\n\r\n{o}\r\n" MAP("{}") END,
     NULL},
};

static void
test_parts(gconstpointer data)
{
    static const GraphqlContentType type = {.boundary = "b", .n_boundary = 1};
    const PartsRow *row = data;
    gsize length = strlen(row->body);
    g_autofree char *copy = g_memdup2(row->body, MAX(length, 1));
    OshSpan operations = {"", 0};
    const char *problem = NULL;

    g_assert_cmpint(graphql_multipart_read((OshSpan){copy, length}, &type, &operations, &problem),
                    ==, row->operations != NULL);
    if (row->operations != NULL)
        g_assert_cmpmem(operations.data, operations.length, row->operations,
                        strlen(row->operations));
    else
        g_assert_nonnull(problem);
}

static void
test_parts_need_a_boundary(void)
{
    static const GraphqlContentType none = {.n_boundary = 0};
    OshSpan operations;
    const char *problem = NULL;

    g_assert_false(graphql_multipart_read(osh_span("--\r\n"), &none, &operations, &problem));
    g_assert_nonnull(problem);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(type_rows); i++) {
        g_autofree char *path =
            g_strconcat("/l7-graphql/content-type/", type_rows[i].sentence, NULL);

        g_test_add_data_func(path, &type_rows[i], test_type);
    }
    g_test_add_func("/l7-graphql/decode/a-compressed-body-is-decoded",
                    test_a_compressed_body_is_decoded);
    g_test_add_func("/l7-graphql/decode/a-compressed-body-is-bounded",
                    test_a_compressed_body_is_bounded);
    g_test_add_func("/l7-graphql/decode/a-broken-compressed-body-is-refused",
                    test_a_broken_compressed_body_is_refused);
    for (gsize i = 0; i < G_N_ELEMENTS(parts_rows); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/multipart/", parts_rows[i].sentence, NULL);

        g_test_add_data_func(path, &parts_rows[i], test_parts);
    }
    g_test_add_func("/l7-graphql/multipart/parts-need-a-boundary", test_parts_need_a_boundary);
    return g_test_run();
}
