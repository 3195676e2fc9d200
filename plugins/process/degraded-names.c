/* SPDX-License-Identifier: Apache-2.0 */
/*
 * degraded-names.c: the protections that a run may give up by --allow-degraded. [any]; no state. A
 * name that no code looks at must never pass: its user would believe that it has an effect.
 */
#include "process-plugin.h"

#include "osh-suggest.h"

static const char *const names[] = {"capture", "landlock", "proc", "user", NULL};

gboolean
osh_process_check_degraded(const char *const *given, GError **error)
{
    for (gsize i = 0; given != NULL && given[i] != NULL; i++) {
        g_autofree char *known = NULL;
        g_autofree char *suggestion = NULL;

        if (g_strv_contains(names, given[i]))
            continue;
        known = g_strjoinv(", ", (char **)names);
        suggestion = osh_suggest_clause(given[i], names);
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "allow-degraded: there is no protection '%s' to give up%s; known: %s", given[i],
                    suggestion, known);
        return FALSE;
    }
    return TRUE;
}
