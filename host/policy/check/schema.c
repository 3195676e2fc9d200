/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c: typed reading of document nodes.
 *
 * Every function reports what it does not like and then goes on with a harmless value, so that one
 * load shows all the errors of a file. Runs on the loading thread.
 */
#include "schema.h"

#include <string.h>

const OshYamlNode *
osh_schema_member(const OshPolicyEndpoint *endpoint, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, key);

    return node != NULL ? node : endpoint->match->source;
}

gboolean
osh_schema_is_off(const OshYamlNode *node)
{
    return node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_BOOLEAN &&
           g_ascii_tolower(node->text[0]) == 'f';
}

static char *
list_keys(const char *const *allowed)
{
    g_autofree char *list = g_strjoinv(", ", (char **)allowed);

    return g_strdup_printf("known here: %s", list);
}

/* Keys of other versions and other tools, and what to write instead. */
static const char *
known_elsewhere(const char *key)
{
    static const char *const notes[][2] = {
        {"preset", "a file with 'preset' is a fragment of a policy: openshell-host policy compose "
                   "POLICY FILE..."},
        {"inference", "removed in OpenShell 0.1: name the host of the provider in "
                      "network_policies"},
        {"cedar_policy", "Cedar is not supported: write network_policies and filesystem_policy"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(notes); i++)
        if (strcmp(key, notes[i][0]) == 0)
            return notes[i][1];
    return NULL;
}

static char *
suggest_key(const OshYamlNode *mapping, const char *key, const char *const *allowed)
{
    const char *note = mapping->parent == NULL ? known_elsewhere(key) : NULL;
    const char *nearest = osh_policy_nearest_word(key, allowed);

    if (note != NULL)
        return g_strdup(note);
    return nearest != NULL ? g_strdup_printf("did you mean '%s'?", nearest) : list_keys(allowed);
}

void
osh_schema_keys(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *const *allowed)
{
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next)
        if (!g_strv_contains(allowed, child->key))
            osh_policy_diagnostics_add(loader->diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR,
                                       child->key_line, child->key_column, osh_yaml_path(child),
                                       g_strdup_printf("unknown key '%.100s'", child->key),
                                       suggest_key(mapping, child->key, allowed));
}

static void
wrong_type(OshPolicyLoader *loader, const OshYamlNode *node, const char *expected)
{
    g_autofree char *found = osh_yaml_describe(node);

    if (osh_yaml_is_null(node) && node->key != NULL)
        osh_yaml_error_hint(loader->diagnostics, node, g_strdup("leave the key out"),
                            "expected %s, found %s", expected, found);
    else
        osh_yaml_error(loader->diagnostics, node, "expected %s, found %s", expected, found);
}

const OshYamlNode *
osh_schema_mapping(OshPolicyLoader *loader, const OshYamlNode *node)
{
    if (node->kind == OSH_YAML_MAPPING)
        return node;
    wrong_type(loader, node, "a mapping");
    return NULL;
}

const OshYamlNode *
osh_schema_sequence(OshPolicyLoader *loader, const OshYamlNode *node)
{
    if (node->kind == OSH_YAML_SEQUENCE)
        return node;
    wrong_type(loader, node, "a list");
    return NULL;
}

const char *
osh_schema_text(OshPolicyLoader *loader, const OshYamlNode *node)
{
    if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_STRING)
        return node->text;
    if (node->kind == OSH_YAML_SCALAR && node->length > 0) {
        g_autofree char *found = osh_yaml_describe(node);

        osh_yaml_error_hint(loader->diagnostics, node, g_strdup("put it in quotes"),
                            "expected a string, found %s", found);
        return NULL;
    }
    wrong_type(loader, node, "a string");
    return NULL;
}

const char *
osh_schema_string(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(mapping, key);
    const char *text = node != NULL ? osh_schema_text(loader, node) : NULL;

    return text != NULL ? osh_arena_copy(loader->snapshot->arena, text, node->length) : NULL;
}

const char *
osh_schema_word(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                const char *const *words)
{
    const char *text = osh_schema_string(loader, mapping, key);
    g_autoptr(GString) list = g_string_new(NULL);
    const char *nearest;

    if (text == NULL || g_strv_contains(words, text))
        return text;
    nearest = osh_policy_nearest_word(text, words);
    for (gsize i = 0; words[i] != NULL; i++)
        if (*words[i] != '\0')
            g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", words[i]);
    osh_yaml_error_hint(loader->diagnostics, osh_yaml_find(mapping, key),
                        nearest != NULL && *nearest != '\0'
                            ? g_strdup_printf("did you mean '%s'?", nearest)
                            : g_strdup_printf("write one of: %s", list->str),
                        "unknown %s '%.100s'", key, text);
    return NULL;
}

const char *
osh_schema_lower(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key)
{
    char *text = (char *)osh_schema_string(loader, mapping, key);

    for (char *p = text; p != NULL && *p != '\0'; p++)
        *p = g_ascii_tolower(*p);
    return text;
}

gboolean
osh_schema_boolean(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                   gboolean fallback)
{
    const OshYamlNode *node = osh_yaml_find(mapping, key);

    if (node == NULL)
        return fallback;
    if (node->kind != OSH_YAML_SCALAR || osh_yaml_scalar_type(node) != OSH_YAML_BOOLEAN) {
        wrong_type(loader, node, "true or false");
        return fallback;
    }
    return g_ascii_tolower(node->text[0]) == 't';
}

guint64
osh_schema_integer(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                   guint64 maximum, guint64 fallback)
{
    const OshYamlNode *node = osh_yaml_find(mapping, key);
    guint64 value;

    if (node == NULL)
        return fallback;
    if (!osh_yaml_integer(node, &value)) {
        if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_INTEGER)
            osh_yaml_error(loader->diagnostics, node,
                           "expected a whole number from 0 to %" G_GUINT64_FORMAT, maximum);
        else
            wrong_type(loader, node, "a whole number");
        return fallback;
    }
    if (value > maximum) {
        osh_yaml_error(loader->diagnostics, node,
                       "%" G_GUINT64_FORMAT " is more than the largest allowed %" G_GUINT64_FORMAT,
                       value, maximum);
        return fallback;
    }
    return value;
}

const char *const *
osh_schema_strings(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                   guint *ret_length)
{
    static const char *const none[] = {NULL};
    const OshYamlNode *node = osh_yaml_find(mapping, key);
    const OshYamlNode *sequence = node != NULL ? osh_schema_sequence(loader, node) : NULL;
    const char **strings;
    guint length = 0;

    *ret_length = 0;
    if (sequence == NULL)
        return none;
    strings = osh_arena_new_array(loader->snapshot->arena, const char *, sequence->length + 1);
    for (const OshYamlNode *child = sequence->first; child != NULL; child = child->next) {
        const char *text = osh_schema_text(loader, child);

        if (text != NULL)
            strings[length++] = osh_arena_copy(loader->snapshot->arena, text, child->length);
    }
    *ret_length = length;
    return strings;
}
