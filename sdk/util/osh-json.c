/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON: what jansson is too kind about is refused before it reads. Functions are [any] and
 * keep nothing. They must never accept a text that two JSON readers read differently.
 */
#include "osh-json.h"

#include <string.h>

/* jansson descends 2048 levels; the memory of a thread's stack is ours to keep. */
#define DEEPEST 1024

/*
 * Follows brackets, commas and strings as jansson's lexer does, up to the first byte at which that
 * would give up: before it the two agree, so no text is deeper or longer for jansson than here.
 */
static OshJsonProblem
look_over(OshSpan text, guint max_depth, guint max_values)
{
    gboolean in_string = FALSE;
    guint depth = 0;
    guint values = 0;

    for (gsize i = 0; i < text.length; i++) {
        switch (text.data[i]) {
        case '\0':
            return OSH_JSON_NUL;
        case '\\':
            /* The byte behind it is no end of a string; a NUL there must still be seen. */
            if (in_string && i + 1 < text.length && text.data[i + 1] != '\0')
                i++;
            break;
        case '"':
            in_string = !in_string;
            break;
        case '[':
        case '{':
            if (!in_string && ++depth > max_depth)
                return OSH_JSON_TOO_DEEP;
            if (!in_string && ++values > max_values)
                return OSH_JSON_TOO_MANY;
            break;
        case ']':
        case '}':
            if (!in_string && depth > 0)
                depth--;
            break;
        case ',':
            if (!in_string && ++values > max_values)
                return OSH_JSON_TOO_MANY;
            break;
        default:
            break;
        }
    }
    return OSH_JSON_OK;
}

static OshJsonProblem
look_at(OshSpan text, const OshJsonLimits *limits)
{
    gsize max_bytes = limits->max_bytes > 0 ? limits->max_bytes : OSH_JSON_MAX_BYTES;
    guint max_depth = limits->max_depth > 0 ? limits->max_depth : OSH_JSON_MAX_DEPTH;
    guint max_values = limits->max_values > 0 ? limits->max_values : OSH_JSON_MAX_VALUES;
    OshJsonProblem problem;

    if (text.length > max_bytes)
        return OSH_JSON_TOO_LONG;
    problem = look_over(text, MIN(max_depth, DEEPEST), max_values);
    if (problem == OSH_JSON_OK && !g_utf8_validate_len(text.data, text.length, NULL))
        return OSH_JSON_NOT_UTF8;
    return problem;
}

static OshJsonProblem
problem_of(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    if (code == json_error_duplicate_key)
        return OSH_JSON_DUPLICATE;
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return OSH_JSON_NUL;
    return code == json_error_numeric_overflow ? OSH_JSON_NUMBER : OSH_JSON_SYNTAX;
}

json_t *
osh_json_load(OshSpan text, const OshJsonLimits *limits, OshJsonProblem *ret_problem)
{
    static const OshJsonLimits defaults = {0};
    const gsize flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    OshJsonProblem problem;
    json_error_t error;
    json_t *value = NULL;

    if (limits == NULL)
        limits = &defaults;
    if (text.length == 0)
        text = OSH_SPAN_LITERAL("");
    problem = look_at(text, limits);
    if (problem == OSH_JSON_OK) {
        value = json_loadb(text.data, text.length, flags, &error);
        if (value == NULL && (limits->flags & OSH_JSON_LARGE_INTEGERS) != 0 &&
            json_error_code(&error) == json_error_numeric_overflow)
            value = json_loadb(text.data, text.length, flags | JSON_DECODE_INT_AS_REAL, &error);
        if (value == NULL)
            problem = problem_of(&error);
    }
    if (ret_problem != NULL)
        *ret_problem = problem;
    return value;
}

const char *
osh_json_problem_words(OshJsonProblem problem)
{
    switch (problem) {
    case OSH_JSON_OK:
        return "valid JSON";
    case OSH_JSON_TOO_LONG:
        return "JSON of too many bytes";
    case OSH_JSON_TOO_DEEP:
        return "arrays and objects too deep inside each other";
    case OSH_JSON_TOO_MANY:
        return "too many values";
    case OSH_JSON_NUL:
        return "a NUL in the JSON";
    case OSH_JSON_NOT_UTF8:
        return "JSON that is not UTF-8";
    case OSH_JSON_DUPLICATE:
        return "a member name twice in one object";
    case OSH_JSON_NUMBER:
        return "a number out of range";
    case OSH_JSON_SYNTAX:
    default:
        return "not one JSON value";
    }
}

OshSpan
osh_json_text(const json_t *value)
{
    OshSpan none = {NULL, 0};

    return json_is_string(value) ? (OshSpan){json_string_value(value), json_string_length(value)}
                                 : none;
}

static gboolean
is_ascii(const char *text)
{
    while (*text != '\0' && (guchar)*text < 0x80)
        text++;
    return *text == '\0';
}

/* A letter that folds to an ASCII one has at most three bytes, so a longer name is another name. */
static gboolean
folds_to(const char *name, const char *known)
{
    g_autofree char *folded = NULL;
    g_autofree char *folded_known = NULL;

    if (is_ascii(name))
        return g_ascii_strcasecmp(name, known) == 0;
    if (strlen(name) > 3 * strlen(known))
        return FALSE;
    folded = g_utf8_casefold(name, -1);
    folded_known = g_utf8_casefold(known, -1);
    return strcmp(folded, folded_known) == 0;
}

const char *
osh_json_confusable(const json_t *object, const char *const *known)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return NULL;
    json_object_foreach((json_t *)object, name, value)
    {
        if (g_strv_contains(known, name))
            continue;
        for (gsize i = 0; known[i] != NULL; i++)
            if (folds_to(name, known[i]))
                return known[i];
    }
    return NULL;
}

gboolean
osh_json_names_collide(const json_t *object)
{
    g_autoptr(GHashTable) folded = NULL;
    const char *name;
    json_t *value;

    if (!json_is_object(object) || json_object_size(object) < 2)
        return FALSE;
    folded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_object_foreach((json_t *)object, name, value)
    {
        if (!g_hash_table_add(folded, is_ascii(name) ? g_ascii_strdown(name, -1)
                                                     : g_utf8_casefold(name, -1)))
            return TRUE;
    }
    return FALSE;
}
