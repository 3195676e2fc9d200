/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start-line.c: words for the level achieved. [main]. It must never call something stronger than it
 * is: what is missing is named in the same line.
 */
#include "start-line.h"

#include <string.h>

#include "osh-access.h"
#include "osh-text.h"

/* Without a policy only the working directory is open, and that only to who may write there. */
static void
append_no_policy(GString *line, const OshStartLine *start)
{
    const OshAccessUser user = {.uid = start->box->uid, .gid = start->box->gid};

    g_string_append(line, " | no policy: no network, the system is read-only, ");
    g_string_append(line, osh_access_may_write(start->workdir, &user)
                              ? "the working directory is writable"
                              : "the working directory too");
    g_string_append(line, ", /tmp is private");
}

static void
append_policy(GString *line, const OshStartLine *start)
{
    const OshPolicySnapshot *policy = start->policy;

    g_string_append(line, " | policy ");
    osh_text_append_terminal(line, osh_policy_file_name(policy));
    g_string_append_printf(line, " (generation %" G_GUINT64_FORMAT ", sha256 %.12s%s)",
                           osh_policy_generation(policy), osh_policy_sha256(policy),
                           start->policy_read_once ? ", read once" : "");
}

static void
append_plugins(GString *line, OshRegistry *registry)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);
    const char *separator = " | plugins ";

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (osh_plugin_state(plugin) != OSH_PLUGIN_READY)
            continue;
        g_string_append(line, separator);
        g_string_append(line, osh_plugin_id(plugin));
        separator = ", ";
    }
}

/* A plugin that somebody has put there may be what a policy relies on. */
static void
append_left_out(GString *line, OshRegistry *registry)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (osh_plugin_state(plugin) != OSH_PLUGIN_FAILED)
            continue;
        g_string_append(line, "\nopenshell: the plugin ");
        osh_text_append_terminal(line, plugin->path);
        g_string_append(line, " is left out: ");
        osh_text_append_terminal(line, plugin->reason);
    }
}

static void
append_degraded(GString *line, const OshBoxInfo *box)
{
    const char *separator = " | WITHOUT ";

    for (const char *const *name = box->degraded; *name != NULL; name++) {
        g_string_append(line, separator);
        g_string_append(line, *name);
        separator = ", ";
    }
}

static void
append_lines(GString *line, const char *const *more)
{
    for (; more != NULL && *more != NULL; more++) {
        g_string_append(line, "\nopenshell: ");
        osh_text_append_terminal(line, *more);
    }
}

char *
osh_start_line(const OshStartLine *start)
{
    const OshBoxInfo *box = start->box;
    GString *line = g_string_new("openshell: ");

    g_string_append(line, box != NULL ? box->level : "no box: network plugin alone");
    if (box != NULL && !start->network)
        g_string_append(line, " | no network");
    if (start->policy_given)
        append_policy(line, start);
    else if (box != NULL)
        append_no_policy(line, start);
    else
        g_string_append(line, " | no policy: everything is denied");
    append_plugins(line, start->registry);
    if (box != NULL)
        append_degraded(line, box);
    append_left_out(line, start->registry);
    append_lines(line, osh_box_info_warnings(box));
    if (start->verbose && box != NULL)
        append_lines(line, box->notes);
    return g_string_free(line, FALSE);
}
