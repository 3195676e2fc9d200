/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-protocol.c: the protocols that a manifest declares, their facts and the keys of their
 * endpoints. Pure, any thread. It must never let a plugin declare a fact that the host states
 * itself.
 */
#include <string.h>

#include "config-value.h"
#include "manifest-reader.h"
#include "openshell/fact.h"

/* No session needs to see more of a direction at once; memory is spent for each connection. */
#define WINDOW_MAX (16 * 1024 * 1024)

static gboolean
is_alpn_name(const char *name)
{
    return strlen(name) <= 255;
}

static gboolean
read_window(const OshManifestReader *reader, const OshKeyFileGroup *group, guint *ret_window)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, "window");
    guint64 window = 0;

    if (entry != NULL &&
        !g_ascii_string_to_unsigned(entry->value, 10, 0, WINDOW_MAX, &window, NULL)) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "window=%s is not a number of bytes up to %d", entry->value,
                               WINDOW_MAX);
        return FALSE;
    }
    *ret_window = (guint)window;
    return TRUE;
}

static char *
dup_value(const OshKeyFileGroup *group, const char *key)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);

    return entry != NULL ? g_strdup(entry->value) : NULL;
}

gboolean
osh_manifest_read_protocol(const OshManifestReader *reader, const OshKeyFileGroup *group,
                           const char *name)
{
    static const char *const known[] = {
        "carrier", "alpn", "server-speaks-first", "window", "action", "target", NULL};
    static const char *const carriers[] = {"tcp", "http", "websocket", NULL};
    g_auto(GStrv) alpn = g_new0(char *, 1);
    gboolean speaks_first = FALSE;
    guint window = 0;
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
        !osh_manifest_read_boolean(reader, group, "server-speaks-first", &speaks_first) ||
        !read_window(reader, group, &window))
        return FALSE;
    protocol = g_new0(OshManifestProtocol, 1);
    protocol->name = g_strdup(name);
    protocol->carrier = g_strdup(carrier);
    protocol->alpn = g_steal_pointer(&alpn);
    protocol->server_speaks_first = speaks_first;
    protocol->window = window;
    protocol->action = dup_value(group, "action");
    protocol->target = dup_value(group, "target");
    protocol->options =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_manifest_config_key_free);
    g_ptr_array_add(reader->manifest->protocols, protocol);
    return TRUE;
}

OshManifestProtocol *
osh_manifest_protocol(const OshManifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->protocols->len; i++) {
        OshManifestProtocol *protocol = g_ptr_array_index(manifest->protocols, i);

        if (g_str_equal(protocol->name, name))
            return protocol;
    }
    return NULL;
}

/* The protocol that @group says it belongs to; %NULL with the error set. */
static OshManifestProtocol *
need_protocol(const OshManifestReader *reader, const OshKeyFileGroup *group)
{
    const OshKeyFileEntry *entry = osh_manifest_need(reader, group, "protocol");
    OshManifestProtocol *protocol =
        entry != NULL ? osh_manifest_protocol(reader->manifest, entry->value) : NULL;

    if (entry != NULL && protocol == NULL)
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "protocol=%s has no [protocol %s] group above", entry->value,
                               entry->value);
    return protocol;
}

gboolean
osh_manifest_read_option(const OshManifestReader *reader, const OshKeyFileGroup *group,
                         const char *name)
{
    static const char *const known[] = {"protocol", "type",    "default", "min",
                                        "max",      "choices", "help",    NULL};
    static const char *const types[] = {"string", "integer", "boolean", "strings", NULL};
    OshManifestProtocol *protocol;
    OshManifestConfigKey *option;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    protocol = need_protocol(reader, group);
    option = protocol != NULL
                 ? osh_manifest_read_setting(reader, group, name, types, "a key of endpoints")
                 : NULL;
    if (option != NULL)
        g_ptr_array_add(protocol->options, option);
    return option != NULL;
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

static gboolean
is_fact_value(const char *text)
{
    return strlen(text) <= OSH_MANIFEST_NAME_MAX;
}

static gboolean
read_fact_values(const OshManifestReader *reader, const OshKeyFileGroup *group, const char *type,
                 char ***ret_values)
{
    const OshKeyFileEntry *values = osh_key_file_group_get(group, "values");

    if (values == NULL)
        return TRUE;
    if (!g_str_equal(type, "string") && !g_str_equal(type, "strings")) {
        osh_key_file_set_error(reader->error, reader->key_file, values->line,
                               "only a fact of type=string or type=strings has values=");
        return FALSE;
    }
    if (!osh_manifest_read_list(reader, group, "values", is_fact_value, "short enough", ret_values))
        return FALSE;
    if ((*ret_values)[0] != NULL)
        return TRUE;
    osh_key_file_set_error(reader->error, reader->key_file, values->line,
                           "values= must name at least one word");
    return FALSE;
}

gboolean
osh_manifest_read_fact(const OshManifestReader *reader, const OshKeyFileGroup *group,
                       const char *name)
{
    static const char *const known[] = {"protocol", "type",   "sensitivity", "separator",
                                        "fields",   "values", NULL};
    static const char *const fact_types[] = {"string",  "integer", "boolean",
                                             "strings", "records", NULL};
    static const char *const sensitivities[] = {"public", "sensitive", NULL};
    const OshManifestProtocol *protocol;
    const OshKeyFileEntry *separator;
    g_auto(GStrv) fields = g_new0(char *, 1);
    g_auto(GStrv) values = g_new0(char *, 1);
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
    protocol = need_protocol(reader, group);
    if (protocol == NULL)
        return FALSE;
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
    if (!read_fact_fields(reader, group, type, &fields) ||
        !read_fact_values(reader, group, type, &values))
        return FALSE;
    fact = g_new0(OshManifestFact, 1);
    fact->name = g_strdup(name);
    fact->protocol = g_strdup(protocol->name);
    fact->type = g_strdup(type);
    fact->sensitive = g_str_equal(sensitivity, "sensitive");
    fact->fields = g_steal_pointer(&fields);
    fact->values = g_steal_pointer(&values);
    fact->separator = separator != NULL ? g_strdup(separator->value) : NULL;
    g_ptr_array_add(reader->manifest->facts, fact);
    return TRUE;
}

static const OshManifestFact *
find_fact(const OshManifest *manifest, const char *protocol, const char *name)
{
    for (guint i = 0; i < manifest->facts->len; i++) {
        const OshManifestFact *fact = g_ptr_array_index(manifest->facts, i);

        if (g_str_equal(fact->protocol, protocol) && g_str_equal(fact->name, name))
            return fact;
    }
    return NULL;
}

/* What stands in every record of the protocol is text, and may be shown. */
static gboolean
check_record_fact(const OshManifestReader *reader, const OshKeyFileGroup *group,
                  const char *protocol, const char *key)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);
    const OshManifestFact *fact;

    /* The facts of every request are the schema's and need no declaration. */
    if (entry == NULL || g_str_equal(entry->value, OSH_FACT_REQUEST_METHOD) ||
        g_str_equal(entry->value, OSH_FACT_REQUEST_PATH))
        return TRUE;
    fact = find_fact(reader->manifest, protocol, entry->value);
    if (fact != NULL && !fact->sensitive && g_str_has_prefix(fact->type, "string"))
        return TRUE;
    osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                           "%s=%s is not a fact of protocol %s that is a string or strings and not "
                           "sensitive",
                           key, entry->value, protocol);
    return FALSE;
}

gboolean
osh_manifest_check_protocols(const OshManifestReader *reader)
{
    static const char prefix[] = "protocol ";

    for (guint i = 0; i < reader->key_file->groups->len; i++) {
        const OshKeyFileGroup *group = g_ptr_array_index(reader->key_file->groups, i);
        const char *name = group->name + strlen(prefix);

        if (g_str_has_prefix(group->name, prefix) &&
            (!check_record_fact(reader, group, name, "action") ||
             !check_record_fact(reader, group, name, "target")))
            return FALSE;
    }
    return TRUE;
}
