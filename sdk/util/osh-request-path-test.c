/* SPDX-License-Identifier: Apache-2.0 */
/* osh-request-path-test.c: canonical paths, refusals, and what holds for any input. */
#include "osh-request-path.h"

#include <string.h>

static const struct {
    const char *target;
    guint flags;
    OshRequestPathResult result;
    const char *path;
    const char *query; /* NULL: none */
    gboolean rewritten;
} targets[] = {
    {"/a/./b", 0, 0, "/a/b", NULL, TRUE},
    {"/a/b/.", 0, 0, "/a/b/", NULL, TRUE},
    {"/a/b/..", 0, 0, "/a/", NULL, TRUE},
    {"//", 0, 0, "/", NULL, TRUE},
    {"/", 0, 0, "/", NULL, FALSE},
    {"", 0, 0, "/", NULL, FALSE},
    {"/a/", 0, 0, "/a/", NULL, FALSE},
    {"//public//../secret", 0, 0, "/secret", NULL, TRUE},
    {"/public/%2e%2e/secret", 0, 0, "/secret", NULL, TRUE},
    {"/..", 0, OSH_REQUEST_PATH_ABOVE_ROOT, NULL, NULL, FALSE},
    {"/a/../..", 0, OSH_REQUEST_PATH_ABOVE_ROOT, NULL, NULL, FALSE},
    {"/a/%2f/b", 0, OSH_REQUEST_PATH_ENCODED_SLASH, NULL, NULL, FALSE},
    {"/a/%2f/b", OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH, 0, "/a/%2F/b", NULL, TRUE},
    {"/a%00b", 0, OSH_REQUEST_PATH_CONTROL_BYTE, NULL, NULL, FALSE},
    {"/a%0Ab", 0, OSH_REQUEST_PATH_CONTROL_BYTE, NULL, NULL, FALSE},
    {"/a%7Fb", 0, OSH_REQUEST_PATH_CONTROL_BYTE, NULL, NULL, FALSE},
    {"/a\x01", 0, OSH_REQUEST_PATH_CONTROL_BYTE, NULL, NULL, FALSE},
    {"/search/a%3Fb", 0, 0, "/search/a%3Fb", NULL, FALSE},
    {"/users/%40alice", 0, 0, "/users/@alice", NULL, TRUE},
    {"/%c3%a9", 0, 0, "/%C3%A9", NULL, TRUE},
    {"/a\xc3\xa9", 0, OSH_REQUEST_PATH_NON_ASCII, NULL, NULL, FALSE},
    {"/a;jsessionid=x/b", 0, 0, "/a/b", NULL, TRUE},
    {"/a;x/b", OSH_REQUEST_PATH_KEEP_PARAMETERS, 0, "/a;x/b", NULL, FALSE},
    {"/a/%252F/b", 0, 0, "/a/%252F/b", NULL, FALSE},
    {"/public/..%3B/secret", 0, 0, "/secret", NULL, TRUE},
    {"/public/..;/..;/x", 0, OSH_REQUEST_PATH_ABOVE_ROOT, NULL, NULL, FALSE},
    {"/public/..%2fsecret", OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH, OSH_REQUEST_PATH_RESIDUAL_DOTS,
     NULL, NULL, FALSE},
    {"/repos/group%2fproject", OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH, 0, "/repos/group%2Fproject",
     NULL, TRUE},
    {"/fetch/http://e.test?next=http://o", 0, 0, "/fetch/http:/e.test", "next=http://o", TRUE},
    {"http://host/a/../b?", 0, 0, "/b", "", TRUE},
    {"https://host", 0, 0, "/", NULL, FALSE},
    {"https://host?q", 0, 0, "/", "q", FALSE},
    {"http://host:443/foo", 0, 0, "/foo", NULL, FALSE},
    {"http:///foo", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"http://a b/foo", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"1http://host/foo", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"host:443", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"/\xc3\xa9\n", 0, OSH_REQUEST_PATH_NON_ASCII, NULL, NULL, FALSE},
    {"/\n\xc3\xa9", 0, OSH_REQUEST_PATH_CONTROL_BYTE, NULL, NULL, FALSE},
    {"/a#b", 0, OSH_REQUEST_PATH_FRAGMENT, NULL, NULL, FALSE},
    {"*", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"a/b", 0, OSH_REQUEST_PATH_MALFORMED, NULL, NULL, FALSE},
    {"/a%2", 0, OSH_REQUEST_PATH_BAD_PERCENT, NULL, NULL, FALSE},
    {"/a%zz", 0, OSH_REQUEST_PATH_BAD_PERCENT, NULL, NULL, FALSE},
};

static void
test_targets(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autoptr(GString) path = g_string_new("stale");
        const char *query = NULL;
        gboolean rewritten = FALSE;

        g_test_message("%s", targets[i].target);
        g_assert_cmpint(osh_request_path_canonicalise(targets[i].target, strlen(targets[i].target),
                                                      targets[i].flags, path, &query, &rewritten),
                        ==, targets[i].result);
        g_assert_cmpstr(path->str, ==, targets[i].path != NULL ? targets[i].path : "");
        g_assert_cmpstr(query, ==, targets[i].query);
        g_assert_cmpint(rewritten, ==, targets[i].rewritten);
    }
}

static void
test_length_limit(void)
{
    g_autofree char *target = g_strnfill(OSH_REQUEST_PATH_MAX + 1, 'a');
    g_autoptr(GString) path = g_string_new(NULL);
    const char *query;
    gboolean rewritten;

    target[0] = '/';
    g_assert_cmpint(
        osh_request_path_canonicalise(target, OSH_REQUEST_PATH_MAX, 0, path, &query, &rewritten),
        ==, OSH_REQUEST_PATH_OK);
    g_assert_cmpint(osh_request_path_canonicalise(target, OSH_REQUEST_PATH_MAX + 1, 0, path, &query,
                                                  &rewritten),
                    ==, OSH_REQUEST_PATH_TOO_LONG);
}

static void
test_properties(void)
{
    static const char *const pieces[] = {"/", "..", ".",   "%2e", "%2f",
                                         ";", "a",  "%3b", "%25", "//"};

    for (guint round = 0; round < 100000; round++) {
        g_autoptr(GString) target = g_string_new("/");
        g_autoptr(GString) path = g_string_new(NULL);
        g_autoptr(GString) again = g_string_new(NULL);
        guint flags = (guint)g_test_rand_int_range(0, 4);
        const char *query;
        gboolean rewritten;

        for (gint i = g_test_rand_int_range(0, 9); i > 0; i--)
            g_string_append(target, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
        if (osh_request_path_canonicalise(target->str, target->len, flags, path, &query,
                                          &rewritten) != OSH_REQUEST_PATH_OK)
            continue;
        g_assert_true(path->str[0] == '/');
        g_assert_null(strstr(path->str, "/../"));
        g_assert_null(strstr(path->str, "/./"));
        g_assert_null(strstr(path->str, "//"));
        g_assert_false(g_str_has_suffix(path->str, "/.."));
        g_assert_cmpint(
            osh_request_path_canonicalise(path->str, path->len, flags, again, &query, &rewritten),
            ==, OSH_REQUEST_PATH_OK);
        g_assert_cmpstr(again->str, ==, path->str);
        g_assert_false(rewritten);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/path/every target has one spelling or a refusal", test_targets);
    g_test_add_func("/path/4096 bytes are the limit", test_length_limit);
    g_test_add_func("/path/no dot segment survives and the result is stable", test_properties);
    return g_test_run();
}
