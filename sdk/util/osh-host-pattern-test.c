/* SPDX-License-Identifier: Apache-2.0 */
/* osh-host-pattern-test.c: matching, overlap and cover of host patterns. */
#include "osh-host-pattern.h"

#include <string.h>

static OshHostPattern *
pattern(const char *text)
{
    g_autoptr(GError) error = NULL;
    OshHostPattern *made = osh_host_pattern_new(text, &error);

    g_assert_no_error(error);
    return made;
}

static void
test_match(void)
{
    static const struct {
        const char *pattern;
        const char *host;
        gboolean matches;
    } rows[] = {
        {"*.example.com", "API.example.com", TRUE},
        {"*.example.com", "example.com", FALSE},
        {"*.example.com", "a.b.example.com", FALSE},
        {"**.example.com", "a.b.example.com", TRUE},
        {"**.example.com", "example.com", FALSE},
        {"*", "com", TRUE},
        {"*", "a.com", FALSE},
        {"**", "", FALSE},
        {"api.**", "api.com", TRUE},
        {"*.a?i.example.com", "x.abi.example.com", TRUE},
        {"*.example.com", "a.example.com.", FALSE},
        {"*.example.com", ".example.com", FALSE},
        {"a.**", "a.b.", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshHostPattern) made = pattern(rows[i].pattern);

        g_test_message("%s %s", rows[i].pattern, rows[i].host);
        g_assert_cmpint(osh_host_pattern_match(made, rows[i].host, strlen(rows[i].host)), ==,
                        rows[i].matches);
    }
}

static void
test_invalid(void)
{
    static const char *const texts[] = {"",     "a b",   "{a,b}.com",  ".a",     "a.",
                                        "a..b", "a**.b", "api[.x.com", "x\t.com"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(osh_host_pattern_new(texts[i], &error));
        g_assert_nonnull(error);
    }
}

static void
test_overlap_and_cover(void)
{
    static const struct {
        const char *left;
        const char *right;
        gboolean overlap;
        gboolean covers;
    } rows[] = {
        {"**.example.com", "*.api.example.com", TRUE, TRUE},
        {"**.example.com", "example.com", FALSE, FALSE},
        {"*.example.com", "*.example.com", TRUE, TRUE},
        {"*.example.com", "**.example.com", TRUE, FALSE},
        {"*.example.com", "api.example.com", TRUE, TRUE},
        {"api.example.com", "*.example.com", TRUE, FALSE},
        {"a*.example.com", "b*.example.com", TRUE, FALSE},
        {"**", "a.b.c", TRUE, TRUE},
        {"a.**.c", "a.*.c", TRUE, TRUE},
        {"a.**.c", "a.c", FALSE, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshHostPattern) left = pattern(rows[i].left);
        g_autoptr(OshHostPattern) right = pattern(rows[i].right);

        g_test_message("%s %s", rows[i].left, rows[i].right);
        g_assert_cmpint(osh_host_pattern_may_overlap(left, right), ==, rows[i].overlap);
        g_assert_cmpint(osh_host_pattern_may_overlap(right, left), ==, rows[i].overlap);
        g_assert_cmpint(osh_host_pattern_covers(left, right), ==, rows[i].covers);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-pattern/matches label by label", test_match);
    g_test_add_func("/host-pattern/refuses what it cannot mean", test_invalid);
    g_test_add_func("/host-pattern/overlap and cover", test_overlap_and_cover);
    return g_test_run();
}
