/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-protocols.c: what `protocol:` may be because a plugin says so. [main].
 *
 * A run reads its policy before there is a registry, so this looks at what was found. A file that
 * is refused is passed over here; the run says why when it comes to it. It must never load a file.
 */
#include "plugin-protocols.h"

#include "diagnostics.h"
#include "enforcement.h"
#include "openshell/ext/draft/content-inspector.h"
#include "openshell/ext/draft/l7-protocol.h"
#include "plugin-folders.h"
#include "schema-protocol.h"

typedef struct {
    OshPolicyProtocolTable *table;
    const OshConfig *config; /* (nullable) */
    GPtrArray *notices;      /* (nullable) */
} Reading;

static void
note(const Reading *reading, const OshPlugin *plugin, const char *text)
{
    if (reading->notices != NULL)
        g_ptr_array_add(reading->notices, g_strdup_printf("%s: %s", plugin->path, text));
}

static void
add_facts(const Reading *reading, const OshPlugin *plugin, OshPolicyProtocolDecl *protocol)
{
    for (guint i = 0; i < plugin->manifest->facts->len; i++) {
        const OshManifestFact *fact = g_ptr_array_index(plugin->manifest->facts, i);
        g_autoptr(GError) problem = NULL;

        if (!g_str_equal(fact->protocol, protocol->name))
            continue;
        if (!osh_policy_protocol_add_fact(protocol, fact->name, fact->type, fact->sensitive,
                                          fact->separator, (const char *const *)fact->fields,
                                          &problem) ||
            (fact->values[0] != NULL &&
             !osh_policy_protocol_declare_values(protocol, fact->name,
                                                 (const char *const *)fact->values, &problem)))
            note(reading, plugin, problem->message);
    }
}

/* A protocol of the schema whose messages are bodies of HTTP is read by an inspector. */
static gboolean
is_inspected(const OshManifest *manifest, const OshManifestProtocol *declared)
{
    return osh_manifest_provides(manifest, OSH_INTERFACE_CONTENT_INSPECTOR) &&
           g_str_equal(declared->carrier, "http") &&
           osh_schema_protocol_find(declared->name) != OSH_POLICY_PROTOCOL_PLUGIN;
}

static void
add_plugin(const Reading *reading, const OshPlugin *plugin)
{
    const OshManifest *manifest = plugin->manifest;
    gboolean disabled =
        reading->config != NULL && osh_config_enabled(reading->config, manifest->id) == OSH_FALSE;

    for (guint i = 0; !disabled && manifest->middleware[i] != NULL; i++)
        osh_policy_protocol_table_add_middleware(reading->table, manifest->middleware[i]);
    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *declared = g_ptr_array_index(manifest->protocols, i);
        g_autoptr(GError) problem = NULL;
        OshPolicyProtocolDecl *protocol = osh_policy_protocol_table_add(
            reading->table, declared->name, declared->carrier, manifest->id, &problem);

        if (protocol == NULL) {
            note(reading, plugin, problem->message);
            continue;
        }
        if (disabled)
            protocol->unusable = g_strdup("it is disabled by configuration");
        else if (!osh_manifest_provides(manifest, OSH_INTERFACE_L7_PROTOCOL) &&
                 !is_inspected(manifest, declared))
            protocol->unusable = g_strdup("it does not provide " OSH_INTERFACE_L7_PROTOCOL);
        add_facts(reading, plugin, protocol);
    }
}

OshPolicyProtocolTable *
osh_plugin_protocols_read(const OshPluginSet *set, const OshConfig *config, GPtrArray *notices)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(set);
    Reading reading = {osh_policy_protocol_table_new(), config, notices};

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin->manifest == NULL)
            note(&reading, plugin, plugin->reason);
        else if (osh_plugin_set_find(set, plugin->manifest->id) == plugin)
            add_plugin(&reading, plugin);
    }
    osh_policy_protocol_table_set_enforces(reading.table, osh_plugin_enforcement(set, config));
    return reading.table;
}

static void
print_notices(const GPtrArray *notices)
{
    for (guint i = 0; i < notices->len; i++) {
        g_autoptr(GString) line = g_string_new("openshell: ");

        osh_policy_append_printable(line, g_ptr_array_index(notices, i));
        g_printerr("%s\n", line->str);
    }
}

OshPolicyProtocolTable *
osh_plugin_protocols_for_verb(const char *const *directories, GError **error)
{
    g_autoptr(GPtrArray) given = g_ptr_array_new();
    g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(OshConfig) config = osh_config_new();
    g_autoptr(OshPluginSet) set = osh_plugin_set_new();
    OshOptions options = {.plugin_dirs = given};
    OshPolicyProtocolTable *table;

    for (gsize i = 0; directories != NULL && directories[i] != NULL; i++)
        g_ptr_array_add(given, (gpointer)directories[i]);
    if (!osh_plugin_folders_scan(set, &options, config, error))
        return NULL;
    table = osh_plugin_protocols_read(set, NULL, notices);
    print_notices(notices);
    return table;
}
