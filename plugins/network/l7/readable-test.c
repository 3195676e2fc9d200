/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings and charsets that a middleware can look into, and those that it cannot. */
#include "readable.h"

#include "facts.h"

static const struct {
    const char *sentence;
    const char *coding;
    const char *type;
    gboolean is_readable;
} rows[] = {
    {"nothing-is-said", "", "", TRUE},
    {"no-coding", "identity", "text/plain", TRUE},
    {"no-coding-in-a-list-with-gaps", " , Identity ,", "text/plain", TRUE},
    {"a-coding", "gzip", "text/plain", FALSE},
    {"a-coding-behind-none", "identity, br", "", FALSE},
    {"a-charset-that-is-utf-8", "", "text/plain; charset=UTF-8", TRUE},
    {"a-charset-in-quotes", "", "text/plain;a=b; Charset=\"utf-8\"", TRUE},
    {"a-charset-of-one-byte", "", "text/html; charset=ISO-8859-1", TRUE},
    {"a-charset-of-windows", "", "text/html; charset=windows-1252", TRUE},
    {"a-charset-of-two-bytes", "", "application/json; charset=utf-16", FALSE},
    {"a-charset-that-hides-ascii", "", "text/plain; charset=utf-7", FALSE},
    {"an-ebcdic-charset", "", "text/plain; charset=ibm1047", FALSE},
    {"a-second-charset", "", "text/plain; charset=utf-8; charset=utf-7", FALSE},
    {"a-charset-without-a-name", "", "text/plain; charset=", FALSE},
    {"another-parameter", "", "multipart/form-data; boundary=charset", TRUE},
};

static void
test_row(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);

    g_assert_cmpstr(osh_readable_obstacle(osh_span(rows[i].coding), osh_span(rows[i].type)), ==,
                    rows[i].is_readable ? NULL : "encoded");
}

static void
test_fact(void)
{
    const OshFact facts[] = {OSH_FACT_INTEGER_INIT("a", 1),
                             OSH_FACT_STRING_INIT("b", OSH_SPAN_INIT("text"))};
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    OshSpan found = osh_facts_string(&set, "b");

    g_assert_cmpmem(found.data, found.length, "text", 4);
    g_assert_cmpuint(osh_facts_string(&set, "a").length, ==, 0);
    g_assert_cmpuint(osh_facts_string(&set, "c").length, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/network/readable/", rows[i].sentence, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/network/readable/a-fact-is-found-by-its-name", test_fact);
    return g_test_run();
}
