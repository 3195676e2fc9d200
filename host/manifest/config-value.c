/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the text of one configuration value. Pure, any thread. It must never guess: a value that is
 * not exactly of its type is an error.
 */
#include "config-value.h"

#include <string.h>

#include "openshell/host.h"
#include "osh-suggest.h"

static const struct {
    OshConfigType type;
    const char *name;
} types[] = {
    {OSH_CONFIG_STRING, "string"},   {OSH_CONFIG_PATH, "path"},
    {OSH_CONFIG_INTEGER, "integer"}, {OSH_CONFIG_BOOLEAN, "boolean"},
    {OSH_CONFIG_STRINGS, "strings"},
};

OshConfigType
osh_config_type_from_name(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_equal(types[i].name, name))
            return types[i].type;
    return (OshConfigType)0;
}

const char *
osh_config_type_name(OshConfigType type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "unknown";
}

char **
osh_config_split_list(const char *text)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);

    for (gsize i = 0; parts[i] != NULL; i++) {
        g_strstrip(parts[i]);
        if (parts[i][0] == '\0' && parts[i + 1] == NULL)
            break;
        if (parts[i][0] == '\0')
            return NULL;
        g_strv_builder_add(builder, parts[i]);
    }
    return g_strv_builder_end(builder);
}

static GVariant *
parse_strings(const char *text, GError **error)
{
    g_auto(GStrv) parts = osh_config_split_list(text);

    if (parts == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "expected words separated by ';', one of them is empty");
        return NULL;
    }
    return g_variant_ref_sink(g_variant_new_strv((const char *const *)parts, -1));
}

static GVariant *
parse_integer(const char *text, GError **error)
{
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected an integer, not '%s'", text);
        return NULL;
    }
    return g_variant_ref_sink(g_variant_new_int64(value));
}

static GVariant *
parse_boolean(const char *text, GError **error)
{
    if (!g_str_equal(text, "true") && !g_str_equal(text, "false")) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected true or false, not '%s'", text);
        return NULL;
    }
    return g_variant_ref_sink(g_variant_new_boolean(text[0] == 't'));
}

static GVariant *
parse_path(const char *text, GError **error)
{
    if (text[0] != '/') {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "expected an absolute path, not '%s': start it with /", text);
        return NULL;
    }
    return g_variant_ref_sink(g_variant_new_string(text));
}

GVariant *
osh_config_value_parse(OshConfigType type, const char *text, GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected UTF-8 text");
        return NULL;
    }
    switch (type) {
    case OSH_CONFIG_STRING:
        return g_variant_ref_sink(g_variant_new_string(text));
    case OSH_CONFIG_PATH:
        return parse_path(text, error);
    case OSH_CONFIG_INTEGER:
        return parse_integer(text, error);
    case OSH_CONFIG_BOOLEAN:
        return parse_boolean(text, error);
    case OSH_CONFIG_STRINGS:
        return parse_strings(text, error);
    }
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected a type of the manifest grammar");
    return NULL;
}

void
osh_config_limits_clear(OshConfigLimits *limits)
{
    g_clear_pointer(&limits->choices, g_strfreev);
}

char *
osh_config_limits_describe(const OshConfigLimits *limits)
{
    if (limits->choices != NULL) {
        g_autofree char *words = g_strjoinv("|", limits->choices);

        return g_strconcat(" ", words, NULL);
    }
    if (limits->has_min && limits->has_max)
        return g_strdup_printf(" %" G_GINT64_FORMAT "..%" G_GINT64_FORMAT, limits->min,
                               limits->max);
    if (limits->has_min)
        return g_strdup_printf(" from %" G_GINT64_FORMAT, limits->min);
    if (limits->has_max)
        return g_strdup_printf(" up to %" G_GINT64_FORMAT, limits->max);
    return g_strdup("");
}

static gboolean
check_integer(const OshConfigLimits *limits, gint64 value, GError **error)
{
    g_autofree char *range = NULL;

    if ((!limits->has_min || value >= limits->min) && (!limits->has_max || value <= limits->max))
        return TRUE;
    range = osh_config_limits_describe(limits);
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected an integer%s, not %" G_GINT64_FORMAT,
                range, value);
    return FALSE;
}

static gboolean
check_word(const OshConfigLimits *limits, const char *word, GError **error)
{
    const char *const *choices = (const char *const *)limits->choices;
    g_autofree char *words = NULL;
    g_autofree char *suggestion = NULL;

    if (choices == NULL || g_strv_contains(choices, word))
        return TRUE;
    words = g_strjoinv(", ", limits->choices);
    suggestion = osh_suggest_clause(word, choices);
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "expected one of: %s; not '%s'%s", words, word,
                suggestion);
    return FALSE;
}

gboolean
osh_config_limits_check(const OshConfigLimits *limits, GVariant *value, GError **error)
{
    g_autofree const char **words = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_INT64))
        return check_integer(limits, g_variant_get_int64(value), error);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return check_word(limits, g_variant_get_string(value, NULL), error);
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY))
        return TRUE;
    words = g_variant_get_strv(value, NULL);
    for (gsize i = 0; words[i] != NULL; i++)
        if (!check_word(limits, words[i], error))
            return FALSE;
    return TRUE;
}
