/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex.c: one configuration, and its patterns over content. [any]. The content is hostile: a
 * pattern that backtracks without end is stopped after a number of steps, which is a failure and
 * never "no match".
 */
#include "regex.h"

#include <string.h>

#define MAX_PATTERNS       64
#define MAX_PATTERN_LENGTH 1024
/* Of the matcher, for one search (pcre2pattern(3), "Setting match resource limits"). */
#define STEP_LIMIT "(*LIMIT_MATCH=1000000)"
/* What keys of model providers look like. */
#define DEFAULT_PATTERN     "sk-[A-Za-z0-9_-]{16,}"
#define DEFAULT_REPLACEMENT "[REDACTED]"

struct _RegexRules {
    gint references;
    GPtrArray *patterns; /* of GRegex */
    char *replacement;
    gboolean denies;
};

static gboolean
refuse(GError **error, const char *key, const char *what)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "config.%s: %s", key, what);
    return FALSE;
}

static gboolean
read_text(GVariant *value, const char *key, const char **ret_text, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return refuse(error, key, "it must be text");
    *ret_text = g_variant_get_string(value, NULL);
    return TRUE;
}

static gboolean
add_pattern(RegexRules *rules, const char *text, GError **error)
{
    g_autofree char *limited = g_strconcat(STEP_LIMIT, text, NULL);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GRegex) pattern = NULL;

    if (strlen(text) > MAX_PATTERN_LENGTH || *text == '\0')
        return refuse(error, "patterns", "a pattern has 1 to 1024 bytes");
    /* A verb at the start could set another limit. */
    if (g_str_has_prefix(text, "(*"))
        return refuse(error, "patterns", "a pattern must not begin with (*");
    pattern = g_regex_new(text, 0, 0, &problem);
    if (pattern == NULL)
        return refuse(error, "patterns", problem->message);
    g_regex_unref(g_steal_pointer(&pattern));
    pattern = g_regex_new(limited, G_REGEX_OPTIMIZE, 0, &problem);
    if (pattern == NULL)
        return refuse(error, "patterns", problem->message);
    if (g_regex_match(pattern, "", 0, NULL))
        return refuse(error, "patterns", "a pattern must not match nothing at all");
    g_ptr_array_add(rules->patterns, g_steal_pointer(&pattern));
    return TRUE;
}

guint
regex_direction(const char *text)
{
    if (g_str_equal(text, "request"))
        return REGEX_REQUESTS;
    if (g_str_equal(text, "response"))
        return REGEX_RESPONSES;
    return g_str_equal(text, "both") ? REGEX_REQUESTS | REGEX_RESPONSES : 0;
}

static gboolean
read_patterns(RegexRules *rules, GVariant *list, GError **error)
{
    gsize n;

    if (!g_variant_is_of_type(list, G_VARIANT_TYPE("av")))
        return refuse(error, "patterns", "it must be a list of regular expressions");
    n = g_variant_n_children(list);
    if (n == 0 || n > MAX_PATTERNS)
        return refuse(error, "patterns", "it must have 1 to 64 entries");
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) boxed = g_variant_get_child_value(list, i);
        g_autoptr(GVariant) value = g_variant_get_variant(boxed);
        const char *text;

        if (!read_text(value, "patterns", &text, error) || !add_pattern(rules, text, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_member(RegexRules *rules, const char *key, GVariant *value, GError **error)
{
    const char *text;

    if (g_str_equal(key, "patterns"))
        return read_patterns(rules, value, error);
    if (g_str_equal(key, "action")) {
        if (!read_text(value, key, &text, error))
            return FALSE;
        rules->denies = g_str_equal(text, "deny");
        return rules->denies || g_str_equal(text, "redact") ||
               refuse(error, key, "write redact or deny");
    }
    if (g_str_equal(key, "replacement")) {
        if (!read_text(value, key, &text, error))
            return FALSE;
        g_free(rules->replacement);
        rules->replacement = g_strdup(text);
        return TRUE;
    }
    if (g_str_equal(key, "direction")) {
        if (!read_text(value, key, &text, error))
            return FALSE;
        return regex_direction(text) != 0 || refuse(error, key, "write request, response or both");
    }
    return refuse(error, key, "unknown key; the keys are action, direction, patterns, replacement");
}

RegexRules *
regex_rules_new(GVariant *config, GError **error)
{
    g_autoptr(RegexRules) rules = g_new0(RegexRules, 1);

    rules->references = 1;
    rules->patterns = g_ptr_array_new_with_free_func((GDestroyNotify)g_regex_unref);
    rules->replacement = g_strdup(DEFAULT_REPLACEMENT);
    for (gsize i = 0; config != NULL && i < g_variant_n_children(config); i++) {
        g_autoptr(GVariant) member = g_variant_get_child_value(config, i);
        g_autoptr(GVariant) value = NULL;
        const char *key;

        g_variant_get(member, "{&sv}", &key, &value);
        if (!read_member(rules, key, value, error))
            return NULL;
    }
    if (rules->patterns->len == 0 && !add_pattern(rules, DEFAULT_PATTERN, error))
        return NULL;
    return g_steal_pointer(&rules);
}

RegexRules *
regex_rules_ref(RegexRules *rules)
{
    g_atomic_int_inc(&rules->references);
    return rules;
}

void
regex_rules_unref(RegexRules *rules)
{
    if (!g_atomic_int_dec_and_test(&rules->references))
        return;
    g_ptr_array_unref(rules->patterns);
    g_free(rules->replacement);
    g_free(rules);
}

/* Replaces what @pattern matches in @text. */
static RegexResult
apply_one(const RegexRules *rules, const GRegex *pattern, GString **text)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) result = NULL;
    gint end = 0;
    gint from;
    gint to;

    if (!g_regex_match_full(pattern, (*text)->str, (gssize)(*text)->len, 0, 0, &match, &error))
        return error != NULL ? REGEX_TOO_SLOW : REGEX_NOTHING;
    if (rules->denies)
        return REGEX_DENIED;
    result = g_string_sized_new((*text)->len);
    while (g_match_info_matches(match)) {
        g_match_info_fetch_pos(match, 0, &from, &to);
        g_string_append_len(result, (*text)->str + end, from - end);
        g_string_append(result, rules->replacement);
        end = to;
        if (result->len > REGEX_CONTENT_MAX)
            return REGEX_TOO_LARGE;
        if (!g_match_info_next(match, &error) && error != NULL)
            return REGEX_TOO_SLOW;
    }
    g_string_append_len(result, (*text)->str + end, (gssize)(*text)->len - end);
    g_string_free(*text, TRUE);
    *text = g_steal_pointer(&result);
    return REGEX_REDACTED;
}

RegexResult
regex_rules_apply(const RegexRules *rules, const char *content, gsize length, GBytes **ret_content)
{
    g_autoptr(GString) text = NULL;
    gboolean redacted = FALSE;

    if (length > REGEX_CONTENT_MAX)
        return REGEX_TOO_LARGE;
    if (!g_utf8_validate_len(content, length, NULL))
        return REGEX_NOT_TEXT;
    text = g_string_new_len(content, (gssize)length);
    for (guint i = 0; i < rules->patterns->len; i++) {
        RegexResult result = apply_one(rules, rules->patterns->pdata[i], &text);

        if (result != REGEX_NOTHING && result != REGEX_REDACTED)
            return result;
        redacted |= result == REGEX_REDACTED;
    }
    if (!redacted)
        return REGEX_NOTHING;
    if (text->len > REGEX_CONTENT_MAX)
        return REGEX_TOO_LARGE;
    *ret_content = g_string_free_to_bytes(g_steal_pointer(&text));
    return REGEX_REDACTED;
}
