/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns over content, and configurations that are refused. */
#include "regex.h"

#include <string.h>

static RegexRules *
rules(const char *config)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) parsed = g_variant_parse(G_VARIANT_TYPE_VARDICT, config, NULL, NULL, NULL);
    RegexRules *made;

    g_assert_nonnull(parsed);
    made = regex_rules_new(parsed, &error);
    g_assert_no_error(error);
    return made;
}

static void
check(const char *config, const char *content, RegexResult expected, const char *left)
{
    g_autoptr(RegexRules) made = rules(config);
    g_autoptr(GBytes) changed = NULL;

    g_assert_cmpint(regex_rules_apply(made, content, strlen(content), &changed), ==, expected);
    g_assert_true((changed != NULL) == (left != NULL));
    if (left != NULL) {
        gsize length;
        const char *bytes = g_bytes_get_data(changed, &length);

        g_assert_cmpmem(bytes, length, left, strlen(left));
    }
}

static void
test_what_matches_is_replaced_everywhere(void)
{
    check("{}", "key sk-0123456789abcdefX and sk-ABCDEFGHIJKLMNOP.", REGEX_REDACTED,
          "key [REDACTED] and [REDACTED].");
    check("{}", "sk-short is no key", REGEX_NOTHING, NULL);
    check("{'patterns': <[<'[0-9]{4}'>, <'card'>]>, 'replacement': <'#'>}", "card 1234-5678",
          REGEX_REDACTED, "# #-#");
    check("{'patterns': <[<'é+'>]>, 'replacement': <''>}", "caféé", REGEX_REDACTED, "caf");
}

static void
test_a_later_pattern_sees_what_an_earlier_one_left(void)
{
    check("{'patterns': <[<'a'>, <'bb'>]>, 'replacement': <'b'>}", "ab", REGEX_REDACTED, "b");
}

static void
test_a_match_may_deny(void)
{
    check("{'action': <'deny'>, 'patterns': <[<'secret'>]>}", "a secret", REGEX_DENIED, NULL);
    check("{'action': <'deny'>, 'patterns': <[<'secret'>]>}", "none", REGEX_NOTHING, NULL);
}

static void
test_what_is_not_text_is_not_matched(void)
{
    g_autoptr(RegexRules) made = rules("{'action': <'deny'>, 'patterns': <[<'secret'>]>}");
    g_autoptr(GBytes) changed = NULL;

    check("{}", "\xff\xfe", REGEX_NOT_TEXT, NULL);
    /* A NUL hides nothing. */
    g_assert_cmpint(regex_rules_apply(made, "a\0secret", 8, &changed), ==, REGEX_NOT_TEXT);
}

static void
test_content_has_a_limit_before_and_after(void)
{
    g_autofree char *large = g_strnfill(REGEX_CONTENT_MAX + 1, 'x');
    g_autofree char *fitting = g_strnfill(REGEX_CONTENT_MAX, 'x');

    check("{'patterns': <[<'y'>]>}", large, REGEX_TOO_LARGE, NULL);
    check("{'patterns': <[<'y'>]>}", fitting, REGEX_NOTHING, NULL);
    check("{'patterns': <[<'x'>]>, 'replacement': <'yy'>}", fitting, REGEX_TOO_LARGE, NULL);
}

static void
test_a_pattern_that_never_ends_is_a_failure(void)
{
    g_autofree char *many = g_strnfill(4000, 'a');
    g_autofree char *content = g_strconcat(many, "!b", NULL);

    check("{'patterns': <[<'(?:a|aa)+(?:a|aaa)+b'>]>}", content, REGEX_TOO_SLOW, NULL);
}

static void
test_a_direction_is_a_word(void)
{
    check("{'direction': <'response'>}", "sk-0123456789abcdefX", REGEX_REDACTED, "[REDACTED]");
    g_assert_cmpuint(regex_direction("request"), ==, REGEX_REQUESTS);
    g_assert_cmpuint(regex_direction("response"), ==, REGEX_RESPONSES);
    g_assert_cmpuint(regex_direction("both"), ==, REGEX_REQUESTS | REGEX_RESPONSES);
    g_assert_cmpuint(regex_direction("Both"), ==, 0);
}

static void
test_refused(gconstpointer data)
{
    const char *const *row = data;
    g_autoptr(GVariant) config = g_variant_parse(G_VARIANT_TYPE_VARDICT, row[1], NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(config);
    g_assert_null(regex_rules_new(config, &error));
    g_assert_nonnull(strstr(error->message, row[2]));
}

int
main(int argc, char **argv)
{
    static const char *const refused[][3] = {
        {"an-unknown-key", "{'pattern': <'a'>}", "config.pattern: unknown key"},
        {"an-unknown-action", "{'action': <'drop'>}", "config.action: write redact or deny"},
        {"an-action-that-is-no-text", "{'action': <int64 1>}", "config.action: it must be text"},
        {"an-unknown-direction", "{'direction': <'up'>}", "write request, response or both"},
        {"patterns-that-are-no-list", "{'patterns': <'a'>}", "it must be a list"},
        {"no-pattern", "{'patterns': <@av []>}", "1 to 64 entries"},
        {"a-pattern-that-is-no-text", "{'patterns': <[<int64 1>]>}", "it must be text"},
        {"an-empty-pattern", "{'patterns': <[<''>]>}", "1 to 1024 bytes"},
        {"a-broken-pattern", "{'patterns': <[<'(a'>]>}", "config.patterns: "},
        {"a-pattern-that-matches-nothing-at-all", "{'patterns': <[<'a*'>]>}", "nothing at all"},
        {"a-pattern-with-a-verb", "{'patterns': <[<'(*LIMIT_MATCH=9)a'>]>}", "begin with (*"},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/regex/what-matches-is-replaced-everywhere",
                    test_what_matches_is_replaced_everywhere);
    g_test_add_func("/regex/a-later-pattern-sees-what-an-earlier-one-left",
                    test_a_later_pattern_sees_what_an_earlier_one_left);
    g_test_add_func("/regex/a-match-may-deny", test_a_match_may_deny);
    g_test_add_func("/regex/what-is-not-text-is-not-matched", test_what_is_not_text_is_not_matched);
    g_test_add_func("/regex/content-has-a-limit-before-and-after",
                    test_content_has_a_limit_before_and_after);
    g_test_add_func("/regex/a-pattern-that-never-ends-is-a-failure",
                    test_a_pattern_that_never_ends_is_a_failure);
    g_test_add_func("/regex/a-direction-is-a-word", test_a_direction_is_a_word);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/regex/", refused[i][0], "-is-refused", NULL);

        g_test_add_data_func(path, refused[i], test_refused);
    }
    return g_test_run();
}
