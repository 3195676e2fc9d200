/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins-verb.c: what plugins there are. [main]. Creates them, since only that shows whether they
 * can work here, and starts none.
 */
#include "plugins-verb.h"

#include <string.h>

#include "exit-code.h"
#include "osh-text.h"
#include "verb-host.h"

#define COLUMNS 6

static void
append_cell(GString *table, const char *text, gsize width)
{
    gsize before = table->len;

    osh_text_append_terminal(table, text);
    while (table->len - before < width)
        g_string_append_c(table, ' ');
    g_string_append(table, "  ");
}

static void
print_table(const GPtrArray *rows)
{
    gsize widths[COLUMNS] = {0};
    g_autoptr(GString) table = g_string_new(NULL);

    for (guint i = 0; i < rows->len; i++)
        for (gsize c = 0; c < COLUMNS; c++)
            widths[c] = MAX(widths[c], strlen(((char **)g_ptr_array_index(rows, i))[c]));
    for (guint i = 0; i < rows->len; i++) {
        for (gsize c = 0; c < COLUMNS; c++)
            append_cell(table, ((char **)g_ptr_array_index(rows, i))[c],
                        c + 1 < COLUMNS ? MIN(widths[c], 60) : 0);
        while (table->len > 0 && table->str[table->len - 1] == ' ')
            g_string_truncate(table, table->len - 1);
        g_string_append_c(table, '\n');
    }
    g_print("%s", table->str);
}

static char **
row_new(const char *id, const char *version, const char *state, const char *provides,
        const char *path, const char *reason)
{
    const char *cells[] = {id, version, state, provides, path, reason, NULL};

    return g_strdupv((char **)cells);
}

static char **
plugin_row(const OshPlugin *plugin)
{
    g_autofree char *provides =
        plugin->manifest != NULL ? g_strjoinv(", ", plugin->manifest->provides) : g_strdup("-");
    g_autofree char *state = plugin->failed_stage != NULL
                                 ? g_strdup_printf("failed (%s)", plugin->failed_stage)
                                 : g_strdup(osh_plugin_state_name(osh_plugin_state(plugin)));

    return row_new(osh_plugin_id(plugin),
                   plugin->manifest != NULL ? plugin->manifest->version : "-", state,
                   provides[0] != '\0' ? provides : "-", plugin->path,
                   plugin->reason != NULL ? plugin->reason : "");
}

static void
print_list(const char *name, char **words)
{
    g_autofree char *joined = g_strjoinv(", ", words);

    if (joined[0] != '\0')
        g_print("%-10s %s\n", name, joined);
}

static int
inspect(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshPluginFile) file = osh_plugin_file_open(path, &error);
    g_autoptr(OshManifest) manifest =
        file != NULL ? osh_plugin_file_read_manifest(file, &error) : NULL;

    if (manifest == NULL) {
        g_printerr("openshell: error: %s\n", error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    g_print("%-10s %s\n%-10s %s\n%-10s %u.%u\n%-10s %s\n%-10s %s\n", "id", manifest->id, "version",
            manifest->version, "abi", manifest->abi_major, manifest->abi_minor, "summary",
            manifest->summary, "license", manifest->license);
    print_list("provides", manifest->provides);
    print_list("requires", manifest->requires);
    print_list("wants", manifest->wants);
    print_list("publishes", manifest->publishes);
    for (guint i = 0; i < manifest->topics->len; i++) {
        const OshManifestTopic *topic = g_ptr_array_index(manifest->topics, i);

        g_print("%-10s %s %s\n", "topic", topic->name, topic->type);
    }
    for (guint i = 0; i < manifest->config_keys->len; i++) {
        const OshManifestConfigKey *key = g_ptr_array_index(manifest->config_keys, i);

        g_print("%-10s %s: %s\n", "config", key->key, key->help != NULL ? key->help : "");
    }
    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *protocol = g_ptr_array_index(manifest->protocols, i);

        g_print("%-10s %s over %s\n", "protocol", protocol->name, protocol->carrier);
    }
    for (guint i = 0; i < manifest->facts->len; i++) {
        const OshManifestFact *fact = g_ptr_array_index(manifest->facts, i);

        g_print("%-10s %s %s of %s%s\n", "fact", fact->name, fact->type, fact->protocol,
                fact->sensitive ? ", sensitive" : "");
    }
    return OSH_EXIT_OK;
}

static int
print_plugins(OshVerbHost *host)
{
    const GPtrArray *plugins = osh_registry_plugins(osh_verb_host_registry(host));
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    g_ptr_array_add(rows, row_new("ID", "VERSION", "STATE", "PROVIDES", "FILE", "REASON"));
    for (guint i = 0; i < plugins->len; i++)
        g_ptr_array_add(rows, plugin_row(g_ptr_array_index(plugins, i)));
    print_table(rows);
    return OSH_EXIT_OK;
}

int
osh_verb_plugins(const OshOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshVerbHost) host = NULL;

    if (options->arguments->len == 2 &&
        g_str_equal(g_ptr_array_index(options->arguments, 0), "inspect"))
        return inspect(g_ptr_array_index(options->arguments, 1));
    if (options->arguments->len > 0) {
        g_printerr("openshell: error: openshell-host plugins takes nothing, or inspect FILE\n");
        return OSH_EXIT_HOST_ERROR;
    }
    host = osh_verb_host_new(options, &error);
    if (host == NULL) {
        g_printerr("openshell: error: %s\n", error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    return print_plugins(host);
}
