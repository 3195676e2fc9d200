/* SPDX-License-Identifier: Apache-2.0 */
/* Names of content codings: in a field, in an endpoint. */
#include "osh-content-coding.h"

#define ALL (OSH_CONTENT_GZIP | OSH_CONTENT_DEFLATE | OSH_CONTENT_BR)

static const struct {
    const char *sentence;
    const char *field;
    guint allowed;
    OshContentProblem problem;
    OshContentCoding coding;
} rows[] = {
    {"gzip", "gzip", ALL, OSH_CONTENT_FINE, OSH_CONTENT_GZIP},
    {"x-gzip is gzip", "X-GZip", ALL, OSH_CONTENT_FINE, OSH_CONTENT_GZIP},
    {"deflate in another case", "Deflate", ALL, OSH_CONTENT_FINE, OSH_CONTENT_DEFLATE},
    {"br between blanks", " br\t", OSH_CONTENT_BR, OSH_CONTENT_FINE, OSH_CONTENT_BR},
    {"identity is no coding", "Identity", 0, OSH_CONTENT_FINE, OSH_CONTENT_IDENTITY},
    {"a coding that is not asked for", "gzip", 0, OSH_CONTENT_NOT_DECODED, OSH_CONTENT_GZIP},
    {"a coding where another is asked for", "br", OSH_CONTENT_GZIP | OSH_CONTENT_DEFLATE,
     OSH_CONTENT_NOT_DECODED, OSH_CONTENT_BR},
    {"two codings", "gzip, br", ALL, OSH_CONTENT_SEVERAL, OSH_CONTENT_IDENTITY},
    {"a coding beside identity", "identity,gzip", ALL, OSH_CONTENT_SEVERAL, OSH_CONTENT_IDENTITY},
    {"an empty member", "gzip,", ALL, OSH_CONTENT_SEVERAL, OSH_CONTENT_IDENTITY},
    {"nothing", "", ALL, OSH_CONTENT_UNKNOWN, OSH_CONTENT_IDENTITY},
    {"a parameter", "gzip;q=1", ALL, OSH_CONTENT_UNKNOWN, OSH_CONTENT_IDENTITY},
    {"another coding", "zstd", ALL, OSH_CONTENT_UNKNOWN, OSH_CONTENT_IDENTITY},
};

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    OshContentCoding coding = OSH_CONTENT_BR;

    g_assert_cmpstr(osh_content_problem_name(osh_content_coding_check(osh_span(rows[row].field),
                                                                      rows[row].allowed, &coding)),
                    ==, osh_content_problem_name(rows[row].problem));
    g_assert_cmpint(coding, ==, rows[row].coding);
}

static void
test_an_endpoint_names_its_codings(void)
{
    static const char *const names[] = {"gzip", "br", "zstd", "x-gzip", NULL};
    g_autoptr(GVariant) options = NULL;
    g_autoptr(GVariant) other = NULL;
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, "decode_content", g_variant_new_strv(names, -1));
    options = g_variant_ref_sink(g_variant_dict_end(&dict));
    g_assert_cmpuint(osh_content_codings(options), ==, OSH_CONTENT_GZIP | OSH_CONTENT_BR);
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "decode_content", "b", TRUE);
    other = g_variant_ref_sink(g_variant_dict_end(&dict));
    g_assert_cmpuint(osh_content_codings(other), ==, 0);
    g_assert_cmpuint(osh_content_codings(NULL), ==, 0);
}

static void
test_each_coding_has_one_name(void)
{
    guint all = 0;

    for (guint i = 0; i < OSH_CONTENT_CODINGS; i++) {
        OshContentCoding coding = osh_content_coding_at(i);

        g_assert_cmpint(osh_content_coding_parse(osh_content_coding_name(coding)), ==, coding);
        all |= coding;
    }
    g_assert_cmpuint(all, ==, ALL);
    g_assert_cmpint(osh_content_coding_at(OSH_CONTENT_CODINGS), ==, OSH_CONTENT_IDENTITY);
    g_assert_cmpint(osh_content_coding_parse("GZIP"), ==, OSH_CONTENT_IDENTITY);
    g_assert_cmpstr(osh_content_coding_name(OSH_CONTENT_IDENTITY), ==, "identity");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/content-coding/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/content-coding/an endpoint names its codings",
                    test_an_endpoint_names_its_codings);
    g_test_add_func("/content-coding/each coding has one name", test_each_coding_has_one_name);
    return g_test_run();
}
