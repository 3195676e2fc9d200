/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-protocols.c: what `protocol:` may be because a plugin says so. [main].
 *
 * Looks at the same files in the same order as a run, before there is a registry, since the policy
 * is read first. A file that is refused is passed over here; the run says why when it comes to it.
 * It must never load a file.
 */
#include "plugin-protocols.h"

#include <string.h>

#include "diagnostics.h"
#include "openshell/host.h"
#include "plugin-file.h"
#include "plugin-folders.h"

typedef struct {
    OshPolicyProtocolTable *table;
    const OshConfig *config;
    GPtrArray *notices; /* (nullable) */
    GHashTable *ids;
} Search;

static void
note(const Search *search, const char *path, const char *text)
{
    if (search->notices != NULL)
        g_ptr_array_add(search->notices, g_strdup_printf("%s: %s", path, text));
}

static void
add_facts(const Search *search, const char *path, const OshManifest *manifest,
          OshPolicyProtocolDecl *protocol)
{
    for (guint i = 0; i < manifest->facts->len; i++) {
        const OshManifestFact *fact = g_ptr_array_index(manifest->facts, i);
        g_autoptr(GError) problem = NULL;

        if (g_str_equal(fact->protocol, protocol->name) &&
            !osh_policy_protocol_add_fact(protocol, fact->name, fact->type, fact->sensitive,
                                          fact->separator, (const char *const *)fact->fields,
                                          &problem))
            note(search, path, problem->message);
    }
}

static void
add_manifest(const Search *search, const char *path, const OshManifest *manifest)
{
    gboolean disabled = osh_config_enabled(search->config, manifest->id) == OSH_FALSE;

    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *declared = g_ptr_array_index(manifest->protocols, i);
        g_autoptr(GError) problem = NULL;
        OshPolicyProtocolDecl *protocol = osh_policy_protocol_table_add(
            search->table, declared->name, declared->carrier, manifest->id, &problem);

        if (protocol == NULL) {
            note(search, path, problem->message);
            continue;
        }
        if (disabled)
            protocol->unusable = g_strdup("it is disabled by configuration");
        add_facts(search, path, manifest, protocol);
    }
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
look_at_file(const Search *search, const char *path)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(OshPluginFile) file = osh_plugin_file_open(path, &problem);
    g_autoptr(OshManifest) manifest =
        file != NULL ? osh_plugin_file_read_manifest(file, &problem) : NULL;

    if (manifest == NULL)
        note(search, path, problem->message);
    else if (g_hash_table_add(search->ids, g_strdup(manifest->id)))
        add_manifest(search, path, manifest);
}

static gboolean
look_into(const Search *search, const char *directory, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GDir) entries = g_dir_open(directory, 0, &cause);
    const char *name;

    if (entries == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                    "cannot read the plugin directory %s: %s", directory, cause->message);
        return FALSE;
    }
    while ((name = g_dir_read_name(entries)) != NULL)
        if (g_str_has_suffix(name, ".so"))
            g_ptr_array_add(names, g_build_filename(directory, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        look_at_file(search, g_ptr_array_index(names, i));
    return TRUE;
}

OshPolicyProtocolTable *
osh_plugin_protocols_find(const OshOptions *options, const OshConfig *config, GPtrArray *notices,
                          GError **error)
{
    g_autoptr(OshPolicyProtocolTable) table = osh_policy_protocol_table_new();
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) directories = osh_plugin_folders_list(options, config);
    Search search = {table, config, notices, ids};

    for (guint i = 0; i < directories->len; i++)
        if (!look_into(&search, g_ptr_array_index(directories, i), error))
            return NULL;
    return g_steal_pointer(&table);
}

OshPolicyProtocolTable *
osh_plugin_protocols_for_verb(const char *const *directories, GError **error)
{
    g_autoptr(GPtrArray) given = g_ptr_array_new();
    g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(OshConfig) config = osh_config_new();
    OshOptions options = {.plugin_dirs = given};
    OshPolicyProtocolTable *table;

    for (gsize i = 0; directories != NULL && directories[i] != NULL; i++)
        g_ptr_array_add(given, (gpointer)directories[i]);
    table = osh_plugin_protocols_find(&options, config, notices, error);
    for (guint i = 0; i < notices->len; i++) {
        g_autoptr(GString) line = g_string_new(NULL);

        osh_policy_append_printable(line, g_ptr_array_index(notices, i));
        g_printerr("openshell: %s\n", line->str);
    }
    return table;
}
