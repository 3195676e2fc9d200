/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixed-changes.c: compares the parts of two policies that hold from the start of a box to its end.
 *
 * Pure functions over two snapshots, any thread. It says what differs and must never decide that a
 * difference does not matter.
 */
#include "fixed-changes.h"

#include <string.h>

void
osh_policy_fixed_change_free(OshPolicyFixedChange *change)
{
    if (change == NULL)
        return;
    g_free(change->line);
    g_free(change);
}

static void
add(GPtrArray *changes, gboolean is_addition, const char *key, const char *what)
{
    OshPolicyFixedChange *change = g_new0(OshPolicyFixedChange, 1);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "%s: ", key);
    osh_policy_append_printable(line, what);
    g_string_append(line, "; needs a restart");
    change->is_addition = is_addition;
    change->line = g_string_free(line, FALSE);
    g_ptr_array_add(changes, change);
}

static void
compare_text(GPtrArray *changes, const char *key, const char *before, const char *after)
{
    g_autofree char *what = NULL;

    if (g_strcmp0(before, after) == 0)
        return;
    if (before == NULL)
        what = g_strdup_printf("is now %s", after);
    else if (after == NULL)
        what = g_strdup_printf("is no longer %s", before);
    else
        what = g_strdup_printf("was %s, is now %s", before, after);
    add(changes, FALSE, key, what);
}

static void
compare_paths(GPtrArray *changes, const char *key, const char *const *before,
              const char *const *after)
{
    for (gsize i = 0; after[i] != NULL; i++) {
        g_autofree char *what = g_strdup_printf("%s was added", after[i]);

        if (!g_strv_contains(before, after[i]))
            add(changes, TRUE, key, what);
    }
    for (gsize i = 0; before[i] != NULL; i++) {
        g_autofree char *what = g_strdup_printf("%s was removed", before[i]);

        if (!g_strv_contains(after, before[i]))
            add(changes, FALSE, key, what);
    }
}

static const char *
truth(gboolean value)
{
    return value ? "true" : "false";
}

static const char *
compatibility(OshPolicyLandlock landlock)
{
    return landlock == OSH_POLICY_HARD_REQUIREMENT ? "hard_requirement" : "best_effort";
}

GPtrArray *
osh_policy_fixed_changes(const OshPolicyFixed *before, const OshPolicyFixed *after)
{
    GPtrArray *changes =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_policy_fixed_change_free);

    compare_text(changes, "filesystem_policy.include_workdir", truth(before->include_workdir),
                 truth(after->include_workdir));
    compare_paths(changes, "filesystem_policy.read_only", before->read_only, after->read_only);
    compare_paths(changes, "filesystem_policy.read_write", before->read_write, after->read_write);
    if (before->private_tmp != after->private_tmp)
        add(changes, FALSE, "/tmp",
            before->private_tmp ? "is no longer the box's own" : "is now the box's own");
    compare_text(changes, "landlock.compatibility", compatibility(before->landlock),
                 compatibility(after->landlock));
    compare_text(changes, "process.run_as_user", before->run_as_user, after->run_as_user);
    compare_text(changes, "process.run_as_group", before->run_as_group, after->run_as_group);
    return changes;
}

gboolean
osh_policy_fixed_is_additive(const GPtrArray *changes)
{
    for (guint i = 0; i < changes->len; i++)
        if (!((const OshPolicyFixedChange *)g_ptr_array_index(changes, i))->is_addition)
            return FALSE;
    return TRUE;
}
