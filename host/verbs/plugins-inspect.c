/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins-inspect.c: `plugins inspect` and `plugins settings`. [main]. Looks for plugins where a
 * run does and reads their manifests; it must never load one of the files.
 */
#include "plugins-inspect.h"

#include <string.h>

#include "config-value.h"
#include "openshell/host.h"
#include "osh-suggest.h"
#include "osh-text.h"
#include "plugin-folders.h"
#include "run.h"

/* A setting that no plugin knows is no reason not to look at them. */
static OshPluginSet *
find(const OshOptions *options, GError **error)
{
    g_autoptr(OshConfig) config = osh_run_load_config(options, error);
    g_autoptr(OshPluginSet) found = osh_plugin_set_new();

    if (config == NULL || !osh_plugin_folders_scan(found, options, config, error))
        return NULL;
    return g_steal_pointer(&found);
}

static char *
default_text(const OshManifestConfigKey *key)
{
    if (key->default_value == NULL)
        return g_strdup("");
    if (g_variant_is_of_type(key->default_value, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(key->default_value, NULL);
    if (g_variant_is_of_type(key->default_value, G_VARIANT_TYPE_STRING_ARRAY)) {
        g_autofree const char **words = g_variant_get_strv(key->default_value, NULL);

        return g_strjoinv(";", (char **)words);
    }
    return g_variant_print(key->default_value, FALSE);
}

static void
print_line(const char *name, const char *text)
{
    g_autoptr(GString) line = g_string_new(NULL);

    osh_text_append_terminal(line, text);
    g_print("%-10s %s\n", name, line->str);
}

static void
print_list(const char *name, char **words)
{
    g_autofree char *joined = g_strjoinv(", ", words);

    if (joined[0] != '\0')
        print_line(name, joined);
}

static void
print_setting(const char *kind, const OshManifestConfigKey *key, const char *owner)
{
    g_autofree char *value = default_text(key);
    g_autofree char *limits = osh_config_limits_describe(&key->limits);
    g_autofree char *text = g_strdup_printf(
        "%s (%s%s%s%s)%s: %s", key->key, osh_config_type_name(key->type), limits,
        value[0] != '\0' ? ", default " : "", value, owner, key->help != NULL ? key->help : "");

    print_line(kind, text);
}

static void
print_contracts(const OshManifest *manifest)
{
    print_list("provides", manifest->provides);
    print_list("requires", manifest->requires);
    print_list("wants", manifest->wants);
    print_list("publishes", manifest->publishes);
    print_list("middleware", manifest->middleware);
    if (manifest->role != NULL)
        print_line("role", manifest->role);
    for (guint i = 0; i < manifest->topics->len; i++) {
        const OshManifestTopic *topic = g_ptr_array_index(manifest->topics, i);

        g_print("%-10s %s %s\n", "topic", topic->name, topic->type);
    }
}

static void
print_protocol(const OshManifestProtocol *protocol)
{
    g_autofree char *owner = g_strconcat(" of endpoints of ", protocol->name, NULL);

    g_print("%-10s %s over %s", "protocol", protocol->name, protocol->carrier);
    if (protocol->window > 0)
        g_print(", window %u", protocol->window);
    if (protocol->action != NULL)
        g_print(", action %s", protocol->action);
    if (protocol->target != NULL)
        g_print(", target %s", protocol->target);
    g_print("\n");
    for (guint i = 0; i < protocol->options->len; i++)
        print_setting("option", g_ptr_array_index(protocol->options, i), owner);
}

static void
print_fact(const OshManifestFact *fact)
{
    g_autofree char *values = g_strjoinv("|", fact->values);
    g_autofree char *text =
        g_strdup_printf("%s %s%s%s of %s%s", fact->name, fact->type, values[0] != '\0' ? " " : "",
                        values, fact->protocol, fact->sensitive ? ", sensitive" : "");

    print_line("fact", text);
}

static void
print_manifest(const OshManifest *manifest)
{
    g_print("%-10s %s\n%-10s %s\n%-10s %u.%u\n", "id", manifest->id, "version", manifest->version,
            "abi", manifest->abi_major, manifest->abi_minor);
    print_line("summary", manifest->summary);
    print_line("license", manifest->license);
    print_contracts(manifest);
    for (guint i = 0; i < manifest->config_keys->len; i++)
        print_setting("config", g_ptr_array_index(manifest->config_keys, i), "");
    for (guint i = 0; i < manifest->protocols->len; i++)
        print_protocol(g_ptr_array_index(manifest->protocols, i));
    for (guint i = 0; i < manifest->facts->len; i++)
        print_fact(g_ptr_array_index(manifest->facts, i));
}

static void
set_not_found(GError **error, const OshPluginSet *found, const char *id)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(found);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_autofree char *suggestion = NULL;

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin->manifest != NULL)
            g_ptr_array_add(ids, plugin->manifest->id);
    }
    g_ptr_array_add(ids, NULL);
    suggestion = osh_suggest_clause(id, (const char *const *)ids->pdata);
    g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                "no plugin with the id '%s' was found%s: openshell-host plugins lists them, and a "
                "file is given by a path (./%s)",
                id, suggestion, id);
}

static gboolean
inspect_file(const char *path, GError **error)
{
    g_autoptr(OshPluginFile) file = osh_plugin_file_open(path, error);
    g_autoptr(OshManifest) manifest =
        file != NULL ? osh_plugin_file_read_manifest(file, error) : NULL;

    if (manifest != NULL)
        print_manifest(manifest);
    return manifest != NULL;
}

gboolean
osh_plugins_inspect(const OshOptions *options, const char *plugin, GError **error)
{
    g_autoptr(OshPluginSet) found = NULL;
    const OshPlugin *known;

    if (strchr(plugin, '/') != NULL || g_str_has_suffix(plugin, ".so"))
        return inspect_file(plugin, error);
    found = find(options, error);
    if (found == NULL)
        return FALSE;
    known = osh_plugin_set_find(found, plugin);
    if (known == NULL) {
        set_not_found(error, found, plugin);
        return FALSE;
    }
    print_line("file", known->path);
    print_manifest(known->manifest);
    return TRUE;
}

static void
append_cell(GString *line, const char *text, gsize width)
{
    g_string_append_printf(line, "%-*s  ", (int)width, text);
}

static void
print_settings(const OshManifest *manifest, gsize width)
{
    for (guint i = 0; i < manifest->config_keys->len; i++) {
        const OshManifestConfigKey *key = g_ptr_array_index(manifest->config_keys, i);
        g_autofree char *name = g_strdup_printf("%s.%s", manifest->id, key->key);
        g_autofree char *value = default_text(key);
        g_autoptr(GString) line = g_string_new(NULL);

        append_cell(line, name, width);
        append_cell(line, osh_config_type_name(key->type), strlen("integer"));
        osh_text_append_terminal(line, value[0] != '\0' ? value : "-");
        append_cell(line, "", MAX(strlen("required"), strlen(value)) - MAX(strlen(value), 1));
        osh_text_append_terminal(line, key->help != NULL ? key->help : "");
        g_print("%s\n", line->str);
    }
}

static gboolean
is_shadowed(const OshPluginSet *found, const OshPlugin *plugin)
{
    return plugin->manifest == NULL || osh_plugin_set_find(found, plugin->manifest->id) != plugin;
}

gboolean
osh_plugins_settings(const OshOptions *options, GError **error)
{
    g_autoptr(OshPluginSet) found = find(options, error);
    const GPtrArray *plugins;
    gsize width = 0;

    if (found == NULL)
        return FALSE;
    plugins = osh_plugin_set_plugins(found);
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        for (guint j = 0; !is_shadowed(found, plugin) && j < plugin->manifest->config_keys->len;
             j++) {
            const OshManifestConfigKey *key = g_ptr_array_index(plugin->manifest->config_keys, j);

            width = MAX(width, strlen(plugin->manifest->id) + 1 + strlen(key->key));
        }
    }
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (!is_shadowed(found, plugin))
            print_settings(plugin->manifest, width);
    }
    return TRUE;
}
