/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start-line.c: words for the level achieved. [main]. It must never call something stronger than it
 * is: what is missing is named in the same line.
 */
#include "start-line.h"

#include <string.h>

#include "osh-text.h"

static void
append_policy(GString *line, const OshPolicySnapshot *policy, gboolean policy_given)
{
    if (!policy_given) {
        g_string_append(line, " | no policy");
        return;
    }
    g_string_append(line, " | policy ");
    osh_text_append_terminal(line, osh_policy_file_name(policy));
    g_string_append_printf(line, " (generation %" G_GUINT64_FORMAT ", sha256 %.12s)",
                           osh_policy_generation(policy), osh_policy_sha256(policy));
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

char *
osh_start_line(OshRegistry *registry, const OshBoxInfo *box, const OshPolicySnapshot *policy,
               gboolean policy_given, gboolean network)
{
    GString *line = g_string_new("openshell: ");

    g_string_append(line, box != NULL ? box->level : "no box: network plugin alone");
    if (box != NULL && !network)
        g_string_append(line, " | no network");
    append_policy(line, policy, policy_given);
    append_plugins(line, registry);
    if (box != NULL)
        append_degraded(line, box);
    for (const char *const *note = box != NULL ? box->notes : NULL; note != NULL && *note != NULL;
         note++) {
        g_string_append(line, "\nopenshell: ");
        osh_text_append_terminal(line, *note);
    }
    if (!policy_given && box == NULL)
        g_string_append(line, "\nopenshell: no policy was given: every connection is refused; "
                              "--policy FILE changes that");
    else if (!policy_given)
        g_string_append(line,
                        "\nopenshell: no policy was given: no network, the system is read-only, "
                        "the working directory is writable, /tmp is private; --policy FILE "
                        "changes that");
    return g_string_free(line, FALSE);
}
