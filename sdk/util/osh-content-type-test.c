/* SPDX-License-Identifier: Apache-2.0 */
/* Which parameters of a Content-Type are understood, and which charset is refused. */
#include "osh-content-type.h"

#include <string.h>

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
    OshContentType type;

    g_assert_cmpint(osh_content_type_read((OshSpan){copy, length}, &type), ==, row->is_read);
    if (!row->is_read)
        return;
    g_assert_cmpint(type.has_charset, ==, row->has_charset);
    g_assert_cmpint(type.is_utf8, ==, row->is_utf8);
    g_assert_cmpmem(type.boundary, type.n_boundary, row->boundary, strlen(row->boundary));
}

static void
test_a_charset_other_than_utf_8_is_refused_by_name(void)
{
    g_assert_null(osh_content_type_refusal(osh_span("application/json")));
    g_assert_null(osh_content_type_refusal(osh_span("application/json; charset=UTF-8")));
    g_assert_cmpstr(osh_content_type_refusal(osh_span("application/json; charset=utf-16")), ==,
                    "the charset of the body is not utf-8");
    g_assert_cmpstr(osh_content_type_refusal(osh_span("application/json; charset")), ==,
                    "the Content-Type of the body is malformed");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(type_rows); i++) {
        g_autofree char *path = g_strconcat("/content-type/", type_rows[i].sentence, NULL);

        g_test_add_data_func(path, &type_rows[i], test_type);
    }
    g_test_add_func("/content-type/a-charset-other-than-utf-8-is-refused-by-name",
                    test_a_charset_other_than_utf_8_is_refused_by_name);
    return g_test_run();
}
