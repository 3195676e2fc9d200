/* SPDX-License-Identifier: Apache-2.0 */
/* osh-host-pattern-test.c: matching, overlap and selectors of host patterns. */
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
test_case_and_length(void)
{
    g_autoptr(OshHostPattern) deep = pattern("**");
    g_autoptr(OshHostPattern) star = pattern("*.Example.COM");
    g_autofree char *longest = g_strnfill(255, 'a');
    g_autofree char *longer = g_strnfill(5000, 'a');

    g_assert_true(osh_host_pattern_match(star, "API.eXample.com", 15));
    g_assert_true(osh_host_pattern_match(deep, longest, 255));
    g_assert_false(osh_host_pattern_match(deep, longer, 256));
    g_assert_false(osh_host_pattern_match(deep, longer, 5000));
}

static void
test_overlap(void)
{
    static const struct {
        const char *left;
        const char *right;
        gboolean overlap;
    } rows[] = {
        {"**.example.com", "*.api.example.com", TRUE},
        {"**.example.com", "example.com", FALSE},
        {"*.example.com", "*.example.com", TRUE},
        {"*.example.com", "**.example.com", TRUE},
        {"*.example.com", "api.example.com", TRUE},
        {"a*.example.com", "b*.example.com", TRUE},
        {"a*.example.com", "b.example.com", FALSE},
        {"**", "a.b.c", TRUE},
        {"a.**.c", "a.*.c", TRUE},
        {"a.**.c", "a.c", FALSE},
        {"**.b.**", "a.**.c", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshHostPattern) left = pattern(rows[i].left);
        g_autoptr(OshHostPattern) right = pattern(rows[i].right);

        g_test_message("%s %s", rows[i].left, rows[i].right);
        g_assert_cmpint(osh_host_pattern_may_overlap(left, right), ==, rows[i].overlap);
        g_assert_cmpint(osh_host_pattern_may_overlap(right, left), ==, rows[i].overlap);
    }
}

static void
test_selector(void)
{
    static const struct {
        const char *include;
        const char *exclude;
        const char *candidate;
        gboolean match;
    } rows[] = {
        {"*.example.com", "api.example.com", "api.example.com", FALSE},
        {"*.example.com", "api.example.com", "*.example.com", TRUE},
        {"*.example.com", "**", "*.example.com", FALSE},
        {"*.example.com", "*.example.com", "a*.example.com", FALSE},
        {"**.example.com", "*.example.com", "*.example.com", FALSE},
        {"*.example.com", "**.example.com", "a*.example.com", TRUE},
        {"api.example.com", "*.example.com", "*.example.com", FALSE},
        {"*.example.com", "x.org", "y.org", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshHostPattern) include = pattern(rows[i].include);
        g_autoptr(OshHostPattern) exclude = pattern(rows[i].exclude);
        g_autoptr(OshHostPattern) candidate = pattern(rows[i].candidate);
        const OshHostPattern *includes[] = {include};
        const OshHostPattern *excludes[] = {exclude};

        g_test_message("%s %s %s", rows[i].include, rows[i].exclude, rows[i].candidate);
        g_assert_cmpint(osh_host_pattern_selector_may_match(includes, 1, excludes, 1, candidate),
                        ==, rows[i].match);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-pattern/matches label by label", test_match);
    g_test_add_func("/host-pattern/refuses what it cannot mean", test_invalid);
    g_test_add_func("/host-pattern/case does not matter, and a name that is too long is none",
                    test_case_and_length);
    g_test_add_func("/host-pattern/overlap is never missed", test_overlap);
    g_test_add_func("/host-pattern/an exclusion counts only where it is sure", test_selector);
    return g_test_run();
}
