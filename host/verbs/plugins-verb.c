/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins-verb.c: what plugins there are. [main]. Creates them, since only that shows whether they
 * can work here, and starts none.
 */
#include "plugins-verb.h"

#include <string.h>

#include "exit-code.h"
#include "osh-text.h"
#include "plugins-inspect.h"
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

static int
refuse(const char *problem)
{
    g_autoptr(GString) line = g_string_new("openshell: error: ");

    osh_text_append_terminal(line, problem);
    g_printerr("%s\n", line->str);
    return OSH_EXIT_HOST_ERROR;
}

int
osh_verb_plugins(const OshOptions *options)
{
    const char *word =
        options->arguments->len > 0 ? g_ptr_array_index(options->arguments, 0) : NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(OshVerbHost) host = NULL;

    if (g_strcmp0(word, "inspect") == 0 && options->arguments->len == 2) {
        if (!osh_plugins_inspect(options, g_ptr_array_index(options->arguments, 1), &error))
            return refuse(error->message);
        return OSH_EXIT_OK;
    }
    if (g_strcmp0(word, "settings") == 0 && options->arguments->len == 1) {
        if (!osh_plugins_settings(options, &error))
            return refuse(error->message);
        return OSH_EXIT_OK;
    }
    if (word != NULL)
        return refuse("write one of: openshell-host plugins, openshell-host plugins inspect "
                      "PLUGIN, openshell-host plugins settings");
    host = osh_verb_host_new(options, &error);
    if (host == NULL)
        return refuse(error->message);
    return print_plugins(host);
}
