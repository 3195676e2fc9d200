/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-config.c: the configuration keys that a manifest declares. Pure, any thread. It must
 * never take a default that the key itself would refuse.
 */
#include <string.h>

#include "config-value.h"
#include "manifest-reader.h"

gboolean
osh_manifest_read_config_key(const OshManifestReader *reader, const OshKeyFileGroup *group,
                             const char *name)
{
    static const char *const known[] = {"type", "default", "help", NULL};
    static const char *const reserved[] = {"enabled", "required", NULL};
    g_autoptr(GError) parse_error = NULL;
    g_autoptr(GVariant) default_value = NULL;
    const OshKeyFileEntry *type;
    const OshKeyFileEntry *entry;
    OshManifestConfigKey *key;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!osh_manifest_dotted_words(name, strlen(name), "-_", OSH_MANIFEST_ID_MAX) ||
        g_strv_contains(reserved, name)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a configuration key", name);
        return FALSE;
    }
    type = osh_manifest_need(reader, group, "type");
    if (type == NULL)
        return FALSE;
    if (osh_config_type_from_name(type->value) == 0) {
        osh_key_file_set_error(reader->error, reader->key_file, type->line,
                               "type=%s must be one of: string, path, integer, boolean, strings",
                               type->value);
        return FALSE;
    }
    entry = osh_key_file_group_get(group, "default");
    if (entry != NULL) {
        default_value = osh_config_value_parse(osh_config_type_from_name(type->value), entry->value,
                                               &parse_error);
        if (default_value == NULL) {
            osh_key_file_set_error(reader->error, reader->key_file, entry->line, "default=: %s",
                                   parse_error->message);
            return FALSE;
        }
    }
    key = g_new0(OshManifestConfigKey, 1);
    key->key = g_strdup(name);
    key->type = osh_config_type_from_name(type->value);
    key->default_value = g_steal_pointer(&default_value);
    entry = osh_key_file_group_get(group, "help");
    key->help = entry != NULL ? g_strdup(entry->value) : NULL;
    g_ptr_array_add(reader->manifest->config_keys, key);
    return TRUE;
}
