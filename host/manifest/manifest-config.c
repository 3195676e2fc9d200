/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-config.c: the settings that a manifest declares: keys of the configuration, and keys of
 * a protocol's endpoints. Pure, any thread. It must never take a default that the setting itself
 * would refuse.
 */
#include <string.h>

#include "config-value.h"
#include "manifest-reader.h"

void
osh_manifest_config_key_free(OshManifestConfigKey *key)
{
    g_free(key->key);
    osh_config_limits_clear(&key->limits);
    g_clear_pointer(&key->default_value, g_variant_unref);
    g_free(key->help);
    g_free(key);
}

GVariant *
osh_manifest_config_key_parse(const OshManifestConfigKey *key, const char *text, GError **error)
{
    g_autoptr(GVariant) value = osh_config_value_parse(key->type, text, error);

    if (value == NULL || !osh_config_limits_check(&key->limits, value, error))
        return NULL;
    return g_steal_pointer(&value);
}

/* min= or max=; untouched where the key is absent. */
static gboolean
read_bound(const OshManifestReader *reader, const OshKeyFileGroup *group, const char *name,
           OshConfigType type, gboolean *ret_has, gint64 *ret_bound)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, name);

    if (entry == NULL)
        return TRUE;
    if (type != OSH_CONFIG_INTEGER) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "only a setting of type=integer has %s=", name);
        return FALSE;
    }
    if (!g_ascii_string_to_signed(entry->value, 10, G_MININT64, G_MAXINT64, ret_bound, NULL)) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "%s=%s is not an integer", name, entry->value);
        return FALSE;
    }
    *ret_has = TRUE;
    return TRUE;
}

static gboolean
is_choice(const char *text)
{
    return strlen(text) <= OSH_MANIFEST_NAME_MAX;
}

static gboolean
read_choices(const OshManifestReader *reader, const OshKeyFileGroup *group, OshConfigType type,
             char ***ret_choices)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, "choices");

    if (entry == NULL)
        return TRUE;
    if (type != OSH_CONFIG_STRING && type != OSH_CONFIG_STRINGS) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "only a setting of type=string or type=strings has choices=");
        return FALSE;
    }
    if (entry->value[0] == '\0') {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "choices= must name at least one word");
        return FALSE;
    }
    return osh_manifest_read_list(reader, group, "choices", is_choice, "short enough", ret_choices);
}

static gboolean
read_limits(const OshManifestReader *reader, const OshKeyFileGroup *group,
            OshManifestConfigKey *setting)
{
    OshConfigLimits *limits = &setting->limits;

    if (!read_bound(reader, group, "min", setting->type, &limits->has_min, &limits->min) ||
        !read_bound(reader, group, "max", setting->type, &limits->has_max, &limits->max) ||
        !read_choices(reader, group, setting->type, &limits->choices))
        return FALSE;
    if (!limits->has_min || !limits->has_max || limits->min <= limits->max)
        return TRUE;
    osh_key_file_set_error(
        reader->error, reader->key_file, osh_key_file_group_get(group, "max")->line,
        "max=%" G_GINT64_FORMAT " is below min=%" G_GINT64_FORMAT, limits->max, limits->min);
    return FALSE;
}

static gboolean
read_default(const OshManifestReader *reader, const OshKeyFileGroup *group,
             OshManifestConfigKey *setting)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, "default");
    g_autoptr(GError) problem = NULL;

    if (entry == NULL)
        return TRUE;
    setting->default_value = osh_manifest_config_key_parse(setting, entry->value, &problem);
    if (setting->default_value != NULL)
        return TRUE;
    osh_key_file_set_error(reader->error, reader->key_file, entry->line, "default=: %s",
                           problem->message);
    return FALSE;
}

OshManifestConfigKey *
osh_manifest_read_setting(const OshManifestReader *reader, const OshKeyFileGroup *group,
                          const char *name, const char *const *types, const char *what)
{
    g_autoptr(OshManifestConfigKey) setting = g_new0(OshManifestConfigKey, 1);
    const OshKeyFileEntry *help = osh_key_file_group_get(group, "help");
    const char *type;

    if (!osh_manifest_dotted_words(name, strlen(name), "-_", OSH_MANIFEST_ID_MAX)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line, "'%s' cannot name %s",
                               name, what);
        return NULL;
    }
    type = osh_manifest_read_choice(reader, group, "type", types, TRUE);
    if (type == NULL)
        return NULL;
    setting->key = g_strdup(name);
    setting->type = osh_config_type_from_name(type);
    setting->help = help != NULL ? g_strdup(help->value) : NULL;
    if (!read_limits(reader, group, setting) || !read_default(reader, group, setting))
        return NULL;
    return g_steal_pointer(&setting);
}

gboolean
osh_manifest_read_config_key(const OshManifestReader *reader, const OshKeyFileGroup *group,
                             const char *name)
{
    static const char *const known[] = {"type", "default", "min", "max", "choices", "help", NULL};
    static const char *const reserved[] = {"enabled", "required", NULL};
    static const char *const types[] = {"string", "path", "integer", "boolean", "strings", NULL};
    static const char what[] = "a configuration key";
    OshManifestConfigKey *key;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    if (g_strv_contains(reserved, name)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line, "'%s' cannot name %s",
                               name, what);
        return FALSE;
    }
    key = osh_manifest_read_setting(reader, group, name, types, what);
    if (key != NULL)
        g_ptr_array_add(reader->manifest->config_keys, key);
    return key != NULL;
}
