/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several parts. */
#include "graphql-content.h"

#include <string.h>

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
    static const OshContentType type = {.boundary = "b", .n_boundary = 1};
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
    static const OshContentType none = {.n_boundary = 0};
    OshSpan operations;
    const char *problem = NULL;

    g_assert_false(graphql_multipart_read(osh_span("--\r\n"), &none, &operations, &problem));
    g_assert_nonnull(problem);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(parts_rows); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/multipart/", parts_rows[i].sentence, NULL);

        g_test_add_data_func(path, &parts_rows[i], test_parts);
    }
    g_test_add_func("/l7-graphql/multipart/parts-need-a-boundary", test_parts_need_a_boundary);
    return g_test_run();
}
