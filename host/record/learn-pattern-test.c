/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: what lies inside what, against the matcher itself, and how paths become fewer. */
#include "learn-pattern.h"

#include <string.h>

static void
test_inside_is_what_it_says(void)
{
    static const struct {
        const char *path; /* NUL bytes cannot stand here: ? is any, ! everything below */
        const char *glob;
        gboolean inside;
    } rows[] = {
        {"/a/b", "/a/b", TRUE},
        {"/a/b", "/a/*", TRUE},
        {"/a/b", "/*/b", TRUE},
        {"/a/b", "/a/**", TRUE},
        {"/a/b", "**", TRUE},
        {"/a/b", "/a/b/**", FALSE},
        {"/a/b", "/a", FALSE},
        {"/a/b", "/a/[bc]", TRUE},
        {"/a/b", "/{a,x}/b", TRUE},
        {"/a/?", "/a/*", TRUE},
        {"/a/?", "/a/b*", FALSE},
        {"/a/?", "/a/**", TRUE},
        {"/a/?", "/**", TRUE},
        {"/a/?", "/a/[bc]", FALSE},
        {"/a/?", "/{a,x}/*", FALSE},
        {"/a/?/c", "/a/**/c", TRUE},
        {"/a/?/c", "/**/c", TRUE},
        {"/a/?/c", "/a/*/c", TRUE},
        {"/a/?/c", "/a/*/d", FALSE},
        {"/a/c", "/a/**/c", TRUE},
        {"/a/?/?/c", "/a/**/c", TRUE},
        {"/a/!", "/a/**", TRUE},
        {"/a/!", "/**", TRUE},
        {"/a/!", "/a/*", FALSE},
        {"/a/!", "/a/b/**", FALSE},
        {"/a/b/!", "/a/**", TRUE},
        {"/a/!", "/a/**/b", FALSE},
        {"/a/b/!", "/**/b/**", TRUE},
        {"/a/!", "/**/b/**", FALSE},
        {"/", "/**", TRUE},
        {"/", "/*", TRUE},
        {"/a/", "/a/**", TRUE},
        {"/a", "/a/**", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshLearnPattern) pattern =
            osh_learn_pattern_new(rows[i].path, strlen(rows[i].path));

        for (guint k = 0; k < pattern->segments->len; k++) {
            const char *segment = g_ptr_array_index(pattern->segments, k);
            gboolean below = strcmp(segment, "!") == 0;
            OshLearnPattern *wider;

            if (!below && strcmp(segment, "\\?") != 0)
                continue;
            wider = osh_learn_pattern_with(pattern, k, below ? OSH_LEARN_BELOW : OSH_LEARN_ANY);
            osh_learn_pattern_free(pattern);
            pattern = wider;
        }
        if (osh_learn_pattern_inside(pattern, rows[i].glob) != rows[i].inside)
            g_error("%s in %s: not %d", pattern->text, rows[i].glob, rows[i].inside);
    }
}

static char *
random_text(GRand *random, const char *const *words, guint n_words)
{
    GString *text = g_string_new(NULL);
    guint depth = (guint)g_rand_int_range(random, 1, 5);

    for (guint i = 0; i < depth; i++)
        g_string_append_printf(text, "/%s", words[g_rand_int_range(random, 0, (gint)n_words)]);
    return g_string_free(text, FALSE);
}

/* If P is said to lie in G, no path is in P and not in G. */
static void
test_inside_never_lies(void)
{
    static const char *const plain[] = {"a", "b", "ab", "", "c"};
    static const char *const globs[] = {"a", "b", "*", "**", "a*", "*b", "?", "[ab]", "{a,b}", ""};
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    guint n_inside = 0;

    for (guint i = 0; i < 20000; i++) {
        g_autofree char *seed = random_text(random, plain, G_N_ELEMENTS(plain));
        g_autofree char *glob_text = random_text(random, globs, G_N_ELEMENTS(globs));
        g_autofree char *path = random_text(random, plain, G_N_ELEMENTS(plain));
        g_autoptr(OshGlob) glob = osh_glob_new(glob_text, '/', NULL);
        g_autoptr(OshLearnPattern) pattern = osh_learn_pattern_new(seed, strlen(seed));

        for (guint k = 1; k < pattern->segments->len; k++) {
            gint what = g_rand_int_range(random, 0, 6);
            OshLearnPattern *wider;

            if (what > 1)
                continue;
            wider = osh_learn_pattern_with(pattern, k, what == 0 ? OSH_LEARN_ANY : OSH_LEARN_BELOW);
            osh_learn_pattern_free(pattern);
            pattern = wider;
        }
        if (!osh_learn_pattern_inside(pattern, glob_text))
            continue;
        n_inside++;
        if (osh_glob_match(pattern->glob, path, strlen(path)) == OSH_GLOB_MATCHED &&
            osh_glob_match(glob, path, strlen(path)) != OSH_GLOB_MATCHED)
            g_error("%s is in %s and not in %s", path, pattern->text, glob_text);
    }
    g_assert_cmpuint(n_inside, >, 500);
}

static gboolean
always(const OshLearnPattern *pattern, gpointer data)
{
    (void)pattern;
    (void)data;
    return TRUE;
}

static gboolean
never(const OshLearnPattern *pattern, gpointer data)
{
    (void)pattern;
    (void)data;
    return FALSE;
}

static char *
generalise(const char *paths, OshLearnMayFunc may)
{
    g_autoptr(GPtrArray) patterns =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_pattern_free);
    g_auto(GStrv) words = g_strsplit(paths, " ", -1);
    GString *text = g_string_new(NULL);

    for (guint i = 0; words[i] != NULL; i++)
        g_ptr_array_add(patterns, osh_learn_pattern_new(words[i], strlen(words[i])));
    osh_learn_generalise(patterns, may, NULL);
    for (guint i = 0; i < patterns->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               ((OshLearnPattern *)g_ptr_array_index(patterns, i))->text);
    return g_string_free(text, FALSE);
}

static void
test_paths_become_fewer_where_a_person_would(void)
{
    static const struct {
        const char *paths;
        const char *patterns;
    } rows[] = {
        {"/users/1 /users/23", "/users/*"},
        {"/users/me /users/you", "/users/me /users/you"},
        {"/o/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x", "/o/*/x"},
        {"/c/deadbeef9 /c/facade", "/c/* /c/facade"},
        {"/p/a /p/b /p/c /p/d /p/e /p/f /p/g", "/p/a /p/b /p/c /p/d /p/e /p/f /p/g"},
        {"/p/a /p/b /p/c /p/d /p/e /p/f /p/g /p/h", "/p/*"},
        {"/a /b /c /d /e /f /g /h /i", "/a /b /c /d /e /f /g /h /i"},
        {"/1 /2 /3", "/1 /2 /3"},
        {"/s/a /s/b /s/c /s/d/x /s/e/x /s/f/x /s/g/y /s/h/y /s/i/z /s/j/z /s/k/w /s/l/v /t",
         "/s/** /t"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *made = generalise(rows[i].paths, always);

        g_assert_cmpstr(made, ==, rows[i].patterns);
    }
}

static void
test_many_children_of_one_parent_become_any(void)
{
    g_autoptr(GString) paths = g_string_new("/r/admin/x/y");
    g_autofree char *made = NULL;

    for (guint i = 0; i < 30; i++)
        g_string_append_printf(paths, " /r/name%ux/f%ux", i, i);
    made = generalise(paths->str, always);
    g_assert_cmpstr(made, ==, "/r/*/* /r/admin/x/y");
}

static void
test_nothing_is_widened_that_may_not_be(void)
{
    static const char paths[] = "/p/1 /p/a /p/b /p/c /p/d /p/e /p/f /p/g /p/h /p/h/2";
    g_autofree char *made = generalise(paths, never);

    g_assert_cmpstr(made, ==, paths);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/learn-pattern/inside-is-what-it-says", test_inside_is_what_it_says);
    g_test_add_func("/record/learn-pattern/inside-never-lies", test_inside_never_lies);
    g_test_add_func("/record/learn-pattern/paths-become-fewer-where-a-person-would",
                    test_paths_become_fewer_where_a_person_would);
    g_test_add_func("/record/learn-pattern/many-children-of-one-parent-become-any",
                    test_many_children_of_one_parent_become_any);
    g_test_add_func("/record/learn-pattern/nothing-is-widened-that-may-not-be",
                    test_nothing_is_widened_that_may_not_be);
    return g_test_run();
}
