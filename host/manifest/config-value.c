/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the text of one configuration value. Pure, any thread. It must never guess: a value that is
 * not exactly of its type is an error.
 */
#include "config-value.h"

#include <string.h>

#include "openshell/host.h"

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
