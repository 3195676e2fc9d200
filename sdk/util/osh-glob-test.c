/* SPDX-License-Identifier: Apache-2.0 */
/* osh-glob-test.c: the glob against a table, and against a naive backtracking matcher. */
#include "osh-glob.h"

#include <string.h>

static const struct {
    const char *pattern;
    char separator;
    const char *value;
    gboolean matches;
} table[] = {
    {"*.github.com", '.', "api.github.com", TRUE},
    {"*.github.com", '.', "api.cdn.github.com", FALSE},
    {"*.github.com", '.', "github.com", FALSE},
    {"**.github.com", '.', "a.b.github.com", TRUE},
    {"**.github.com", '.', "github.com", FALSE},
    {"*.s3.*.amazonaws.com", '.', "b.s3.eu.amazonaws.com", TRUE},
    {"*.s3.*.amazonaws.com", '.', "b.s3.eu.x.amazonaws.com", FALSE},
    {"api.**", '.', "api.com", TRUE},
    {"api.**", '.', "api", FALSE},
    {"?at", '.', "cat", TRUE},
    {"?at", '.', ".at", FALSE},
    {"?at", '.', "\xc3\xa9\x61t", FALSE},
    {"??at", '.', "\xc3\xa9\x61t", TRUE},
    {"[\xc3\xa9]at", '.', "\xc3\xa9\x61t", FALSE},
    {"[\xc3\xa9][\xc3\xa9]at", '.', "\xc3\xa9\x61t", TRUE},
    {"[!abc]at", '.', "cat", FALSE},
    {"[!abc]at", '.', "hat", TRUE},
    {"[a-c]at", '.', "bat", TRUE},
    {"[]x]", '.', "]", TRUE},
    {"[a-]", '.', "-", TRUE},
    {"{cat,bat,[fr]at}", '.', "rat", TRUE},
    {"{cat,bat,[fr]at}", '.', "hat", FALSE},
    {"{a,{b,c}d}", '.', "cd", TRUE},
    {"{,a}b", '.', "b", FALSE},
    {"a,b", '.', "a,b", TRUE},
    {"Issue*", '.', "Issue", TRUE},
    {"ab*ba", '.', "aba", FALSE},
    {"ab*ba", '\0', "aba", FALSE},
    {"a*b", '\0', "a/b.c/b", TRUE},
    {"{a*,b}", '\0', "a/x", TRUE},
    {"a?b", '\0', "a/b", TRUE},
    {"a/**/b", '\0', "a/x/y/b", TRUE},
    {"a/**/b", '\0', "a/b", FALSE},
    {"ab*ba", '.', "abba", TRUE},
    {"v1.*", '.', "v1.2", TRUE},
    {"v1.*", '.', "v1.2.3", FALSE},
    {"org/*", '.', "org/a/b", TRUE},
    {"a**", '.', "a.b", FALSE},
    {"\\*", '.', "*", TRUE},
    {"\\*", '.', "x", FALSE},
    {"/**", '/', "/", TRUE},
    {"/repos/**", '/', "/repos/", TRUE},
    {"/repos/**", '/', "/repos", FALSE},
    {"/repos/**", '/', "/repos/a/b", TRUE},
    {"**", '/', "", TRUE},
    {"**", '/', "/a/b", TRUE},
    {"*", '/', "/x", FALSE},
    {"/*", '/', "/x/y", FALSE},
    {"**/x", '/', "x", TRUE},
    {"**/x", '/', "/x", TRUE},
    {"**/x", '/', "a/b/x", TRUE},
    {"**/x", '/', "ax", FALSE},
    {"a/**/b", '/', "a/b", TRUE},
    {"a/**/b", '/', "a/x/y/b", TRUE},
    {"a/**/b", '/', "ab", FALSE},
    {"a/**/**/b", '/', "a/b", TRUE},
    {"/**/git-upload-pack", '/', "/o/r.git/git-upload-pack", TRUE},
    {"/**/info/refs*", '/', "/o/r.git/info/refs", TRUE},
    {"foo**", '/', "foobar", TRUE},
    {"foo**", '/', "foo/bar", FALSE},
    {"/v1/*", OSH_GLOB_SELECTOR, "/v1/a/b", TRUE},
    {"[!x]", '/', "/", TRUE},
    {"a[!x]b", '/', "a/b", TRUE},
    {"a[/]b", '/', "a/b", TRUE},
    {"a[!x]b", '.', "a.b", FALSE},
    {"a[!x][!x][!x]b", '.', "a.b", TRUE},
    {"a[!x]b", '.', "a/b", TRUE},
    {"[a-c-e]", '/', "d", TRUE},
    {"[^a]", '/', "b", TRUE},
    {"[^a]", OSH_GLOB_SELECTOR, "^", TRUE},
    {"a?b", '.', "a/b", TRUE},
    {"a{/**,}c", '/', "a/b/c", TRUE},
    {"a{/**/,x}c", '/', "a/b/c", TRUE},
    {"{a,{b,{c,{d,e}}}}", '/', "e", TRUE},
    {"{{,},{}}x", '/', "x", TRUE},
    {"a,{b,c}", '/', "a,c", TRUE},
    {"***", '/', "ab", TRUE},
    {"/a/**/", '/', "/a/b/", TRUE},
    {"/a{,/**}", '/', "/a/b", TRUE},
    {"/a{,/**}", '/', "/a", FALSE},
    {"**/", '/', "anything", TRUE},
    {"a.**.b", '.', "a..b", TRUE},
    {"a.**.b", '.', "a.b", FALSE},
    {"{a,b}", OSH_GLOB_SELECTOR, "{a,b}", TRUE},
    {"/v[!0]", OSH_GLOB_SELECTOR, "/v1", TRUE},
    {"/v[!0]", OSH_GLOB_SELECTOR, "/v0", FALSE},
    {"/v[]]", OSH_GLOB_SELECTOR, "/v]", TRUE},
    {"/a/**/b", OSH_GLOB_SELECTOR, "/a/b", TRUE},
    {"/a/**/b", OSH_GLOB_SELECTOR, "/a/x/y/b", TRUE},
    {"/a/**/b", OSH_GLOB_SELECTOR, "/a/xb", FALSE},
    {"a\\b", OSH_GLOB_SELECTOR, "a\\b", TRUE},
    {"}]", OSH_GLOB_SELECTOR, "}]", TRUE},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshGlob) glob = osh_glob_new(table[i].pattern, table[i].separator, &error);

        g_assert_no_error(error);
        if (osh_glob_match(glob, table[i].value, strlen(table[i].value)) !=
            (table[i].matches ? OSH_GLOB_MATCHED : OSH_GLOB_DIFFERENT))
            g_error("'%s' against '%s' is not %d", table[i].pattern, table[i].value,
                    table[i].matches);
    }
}

static void
test_broken(void)
{
    static const char *const patterns[] = {"[", "[a", "{a", "{a,b", "a}", "[z-a]", "\\"};
    static const char *const selectors[] = {"[", "[a", "[]", "[!]", "***", "a**", "/a**b", "**a"};

    for (gsize i = 0; i < G_N_ELEMENTS(selectors); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", selectors[i]);
        g_assert_null(osh_glob_new(selectors[i], OSH_GLOB_SELECTOR, &error));
        g_assert_error(error, OSH_GLOB_ERROR, 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(osh_glob_new(patterns[i], '.', &error));
        g_assert_error(error, OSH_GLOB_ERROR, 0);
    }
}

static void
test_nul(void)
{
    g_autoptr(OshGlob) glob = osh_glob_new("*", '.', NULL);

    g_assert_cmpint(osh_glob_match(glob, "a\0b", 3), ==, OSH_GLOB_INVALID);
}

static void
test_hostile_pattern_is_fast(void)
{
    g_autoptr(GString) pattern = g_string_new(NULL);
    g_autoptr(GString) value = g_string_new(NULL);
    g_autoptr(OshGlob) glob = NULL;
    gint64 start;

    for (guint i = 0; i < 100; i++)
        g_string_append(pattern, "*a");
    g_string_append(pattern, "b");
    for (guint i = 0; i < 20000; i++)
        g_string_append_c(value, 'a');
    glob = osh_glob_new(pattern->str, '.', NULL);
    start = g_get_monotonic_time();
    g_assert_cmpint(osh_glob_match(glob, value->str, value->len), ==, OSH_GLOB_DIFFERENT);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 2 * G_USEC_PER_SEC);
}

static void
test_overlap(void)
{
    static const struct {
        const char *left;
        const char *right;
        gboolean overlap;
    } pairs[] = {
        {"*.a.com", "x.a.com", TRUE},     {"*.a.com", "x.b.com", FALSE},
        {"**.a.com", "*.b.a.com", TRUE},  {"**.a.com", "a.com", FALSE},
        {"a*.x.com", "*b.x.com", TRUE},   {"a*.x.com", "b*.x.com", FALSE},
        {"{a,b}.com", "{b,c}.com", TRUE}, {"[a-c].com", "[d-f].com", FALSE},
        {"*.a.*", "b.*.c", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(OshGlob) left = osh_glob_new(pairs[i].left, '.', NULL);
        g_autoptr(OshGlob) right = osh_glob_new(pairs[i].right, '.', NULL);

        g_assert_cmpint(osh_glob_may_overlap(left, right), ==, pairs[i].overlap);
        g_assert_cmpint(osh_glob_may_overlap(right, left), ==, pairs[i].overlap);
    }
}

/* Obviously right and exponential: `*`, `?`, whole-component `**` with a slash, literals. */
static gboolean
naive(const char *pattern, const char *value, gboolean component_start)
{
    if (*pattern == '\0')
        return *value == '\0';
    if (component_start && strncmp(pattern, "**", 2) == 0 &&
        (pattern[2] == '/' || pattern[2] == '\0')) {
        if (pattern[2] == '\0')
            return TRUE;
        if (naive(pattern + 3, value, TRUE))
            return TRUE;
        for (const char *p = value; *p != '\0'; p++)
            if (*p == '/' && naive(pattern + 3, p + 1, TRUE))
                return TRUE;
        return FALSE;
    }
    if (*pattern == '*') {
        for (const char *p = value;; p++) {
            if (naive(pattern + 1, p, FALSE))
                return TRUE;
            if (*p == '\0' || *p == '/')
                return FALSE;
        }
    }
    if (*value == '\0' || (*pattern == '?' && *value == '/') ||
        (*pattern != '?' && *pattern != *value))
        return FALSE;
    return naive(pattern + 1, value + 1, *pattern == '/');
}

static void
test_agrees_with_naive_matcher(void)
{
    static const char pattern_bytes[] = "ab/*?";
    static const char value_bytes[] = "ab/";

    for (guint round = 0; round < 60000; round++) {
        char pattern[9] = {0};
        char value[9] = {0};
        g_autoptr(OshGlob) glob = NULL;

        for (gint i = g_test_rand_int_range(0, 9); i > 0; i--)
            pattern[i - 1] = pattern_bytes[g_test_rand_int_range(0, 5)];
        for (gint i = g_test_rand_int_range(0, 9); i > 0; i--)
            value[i - 1] = value_bytes[g_test_rand_int_range(0, 3)];
        if (strstr(pattern, "***") != NULL)
            continue; /* three stars are a matter of taste */
        glob = osh_glob_new(pattern, '/', NULL);
        if (strcmp(pattern, "**/") == 0 || strcmp(pattern, "**/**/") == 0)
            continue; /* leading components and nothing else mean everything */
        if ((osh_glob_match(glob, value, strlen(value)) == OSH_GLOB_MATCHED) !=
            naive(pattern, value, TRUE))
            g_error("'%s' against '%s' differs from the naive matcher", pattern, value);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/glob/the table of the language holds", test_table);
    g_test_add_func("/glob/a broken pattern does not compile", test_broken);
    g_test_add_func("/glob/a NUL cannot be judged", test_nul);
    g_test_add_func("/glob/a hostile pattern takes linear time", test_hostile_pattern_is_fast);
    g_test_add_func("/glob/overlap is exact", test_overlap);
    g_test_add_func("/glob/agrees with a naive matcher", test_agrees_with_naive_matcher);
    return g_test_run();
}
