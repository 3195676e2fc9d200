/* SPDX-License-Identifier: Apache-2.0 */
/* Which word was probably meant. */
#include "osh-suggest.h"

static const char *const words[] = {"policy", "plugin-dir", "timeout", "set", "quiet", NULL};

static void
test_nearest(void)
{
    static const struct {
        const char *word;
        const char *expected;
    } cases[] = {
        {"polcy", "policy"},   {"poilcy", "policy"}, {"plugindir", "plugin-dir"},
        {"tmeout", "timeout"}, {"sett", "set"},      {"quite", "quiet"},
        {"x", NULL},           {"", NULL},           {"nothing-like-it", NULL},
        {"sxy", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(osh_suggest(cases[i].word, words), ==, cases[i].expected);
}

static void
test_long_candidate(void)
{
    g_autofree char *candidate = g_strnfill(5000, 'p');
    const char *candidates[] = {candidate, "polity", NULL};

    g_assert_cmpstr(osh_suggest("policy", candidates), ==, "polity");
}

static void
test_long_word(void)
{
    g_autofree char *word = g_strnfill(5000, 'p');

    g_assert_null(osh_suggest(word, words));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/suggest/the-nearest-known-word-is-offered-and-a-far-one-is-not",
                    test_nearest);
    g_test_add_func("/suggest/an-endless-candidate-is-passed-over", test_long_candidate);
    g_test_add_func("/suggest/an-endless-word-is-not-measured", test_long_word);
    return g_test_run();
}
