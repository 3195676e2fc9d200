/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-protocol.c: the protocols that a manifest declares, and their facts. Pure, any thread.
 * It must never let a plugin declare a fact that the host states itself.
 */
#include <string.h>

#include "config-value.h"
#include "manifest-reader.h"

static gboolean
is_alpn_name(const char *name)
{
    return strlen(name) <= 255;
}

gboolean
osh_manifest_read_protocol(const OshManifestReader *reader, const OshKeyFileGroup *group,
                           const char *name)
{
    static const char *const known[] = {"carrier", "alpn", "server-speaks-first", NULL};
    static const char *const carriers[] = {"tcp", "http", "websocket", NULL};
    g_auto(GStrv) alpn = g_new0(char *, 1);
    gboolean speaks_first = FALSE;
    OshManifestProtocol *protocol;
    const char *carrier;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!osh_manifest_dotted_words(name, strlen(name), "-_", OSH_MANIFEST_ID_MAX)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a protocol", name);
        return FALSE;
    }
    carrier = osh_manifest_read_choice(reader, group, "carrier", carriers, TRUE);
    if (carrier == NULL ||
        !osh_manifest_read_list(reader, group, "alpn", is_alpn_name, "an ALPN name", &alpn) ||
        !osh_manifest_read_boolean(reader, group, "server-speaks-first", &speaks_first))
        return FALSE;
    protocol = g_new0(OshManifestProtocol, 1);
    protocol->name = g_strdup(name);
    protocol->carrier = g_strdup(carrier);
    protocol->alpn = g_steal_pointer(&alpn);
    protocol->server_speaks_first = speaks_first;
    g_ptr_array_add(reader->manifest->protocols, protocol);
    return TRUE;
}

static gboolean
has_protocol(const OshManifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *protocol = g_ptr_array_index(manifest->protocols, i);

        if (g_str_equal(protocol->name, name))
            return TRUE;
    }
    return FALSE;
}

/* NAME or NAME:TYPE */
static gboolean
is_field(const char *text)
{
    static const char *const types[] = {"string", "integer", "boolean", "strings", NULL};
    const char *colon = strchr(text, ':');
    gsize length = colon != NULL ? (gsize)(colon - text) : strlen(text);

    return osh_manifest_dotted_words(text, length, "-_", OSH_MANIFEST_ID_MAX) &&
           memchr(text, '.', length) == NULL &&
           (colon == NULL || g_strv_contains(types, colon + 1));
}

/* What a glob has no other meaning for. */
static gboolean
is_separator(const char *text)
{
    return text[0] != '\0' && text[1] == '\0' && g_ascii_isgraph(text[0]) &&
           strchr("*?[]{}\\", text[0]) == NULL;
}

static gboolean
read_fact_fields(const OshManifestReader *reader, const OshKeyFileGroup *group, const char *type,
                 char ***ret_fields)
{
    const OshKeyFileEntry *fields = osh_key_file_group_get(group, "fields");

    if (!osh_manifest_read_list(reader, group, "fields", is_field,
                                "NAME or NAME:TYPE, TYPE one of string, integer, boolean, strings",
                                ret_fields))
        return FALSE;
    if (fields == NULL || g_str_equal(type, "records"))
        return TRUE;
    osh_key_file_set_error(reader->error, reader->key_file, fields->line,
                           "only a fact of type=records has fields=");
    return FALSE;
}

gboolean
osh_manifest_read_fact(const OshManifestReader *reader, const OshKeyFileGroup *group,
                       const char *name)
{
    static const char *const known[] = {"protocol",  "type",   "sensitivity",
                                        "separator", "fields", NULL};
    static const char *const fact_types[] = {"string",  "integer", "boolean",
                                             "strings", "records", NULL};
    static const char *const sensitivities[] = {"public", "sensitive", NULL};
    const OshKeyFileEntry *protocol;
    const OshKeyFileEntry *separator;
    g_auto(GStrv) fields = g_new0(char *, 1);
    const char *type;
    const char *sensitivity;
    OshManifestFact *fact;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!osh_manifest_dotted_words(name, strlen(name), "-_", OSH_MANIFEST_NAME_MAX) ||
        g_str_has_prefix(name, "network.") || g_str_has_prefix(name, "process.")) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a fact", name);
        return FALSE;
    }
    protocol = osh_manifest_need(reader, group, "protocol");
    if (protocol == NULL)
        return FALSE;
    if (!has_protocol(reader->manifest, protocol->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, protocol->line,
                               "protocol=%s has no [protocol %s] group above", protocol->value,
                               protocol->value);
        return FALSE;
    }
    type = osh_manifest_read_choice(reader, group, "type", fact_types, TRUE);
    sensitivity = type != NULL
                      ? osh_manifest_read_choice(reader, group, "sensitivity", sensitivities, FALSE)
                      : NULL;
    if (sensitivity == NULL)
        return FALSE;
    separator = osh_key_file_group_get(group, "separator");
    if (separator != NULL && !is_separator(separator->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, separator->line,
                               "separator= must be one ASCII character that globs do not use");
        return FALSE;
    }
    if (!read_fact_fields(reader, group, type, &fields))
        return FALSE;
    fact = g_new0(OshManifestFact, 1);
    fact->name = g_strdup(name);
    fact->protocol = g_strdup(protocol->value);
    fact->type = g_strdup(type);
    fact->sensitive = g_str_equal(sensitivity, "sensitive");
    fact->fields = g_steal_pointer(&fields);
    fact->separator = separator != NULL ? g_strdup(separator->value) : NULL;
    g_ptr_array_add(reader->manifest->facts, fact);
    return TRUE;
}
