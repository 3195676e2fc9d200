/* SPDX-License-Identifier: Apache-2.0 */
/* fixed-changes-test.c: which differences between two policies need a restart. */
#include "fixed-changes.h"

#include <string.h>

#define BASE                                                                                       \
    "version: 1\nfilesystem_policy: { include_workdir: true, read_only: [/usr, /lib], "            \
    "read_write: [/tmp] }\nlandlock: { compatibility: best_effort }\n"

static const struct {
    const char *sentence;
    const char *after;
    const char *lines;
    gboolean is_additive;
} rows[] = {
    {"the same policy changes nothing", BASE, "", TRUE},
    {"another order and spelling of paths changes nothing",
     "version: 1\nfilesystem_policy: { include_workdir: true, read_only: [/lib/, //usr], "
     "read_write: [/tmp/.] }\n",
     "", TRUE},
    {"network rules are not fixed",
     BASE "network_policies:\n  p: { endpoints: [{ host: a.test, port: 1 }], binaries: [{ path: "
          "/b }] }\n",
     "", TRUE},
    {"a path may be added",
     "version: 1\nfilesystem_policy: { include_workdir: true, read_only: [/usr, /lib, /opt], "
     "read_write: [/tmp, /srv] }\n",
     "filesystem_policy.read_only: /opt was added; needs a restart\n"
     "filesystem_policy.read_write: /srv was added; needs a restart\n",
     TRUE},
    {"a path may not go",
     "version: 1\nfilesystem_policy: { include_workdir: true, read_only: [/usr], read_write: "
     "[/tmp] }\n",
     "filesystem_policy.read_only: /lib was removed; needs a restart\n", FALSE},
    {"a path that moves is no addition",
     "version: 1\nfilesystem_policy: { include_workdir: true, read_only: [/usr], read_write: "
     "[/tmp, /lib] }\n",
     "filesystem_policy.read_only: /lib was removed; needs a restart\n"
     "filesystem_policy.read_write: /lib was added; needs a restart\n",
     FALSE},
    {"everything else is fixed",
     "version: 1\nfilesystem_policy: { read_only: [/usr, /lib], read_write: [/tmp] }\n"
     "landlock: { compatibility: hard_requirement }\nprocess: { run_as_user: sandbox }\n",
     "filesystem_policy.include_workdir: was true, is now false; needs a restart\n"
     "landlock.compatibility: was best_effort, is now hard_requirement; needs a restart\n"
     "process.run_as_user: is now sandbox; needs a restart\n",
     FALSE},
};

static OshPolicySnapshot *
load(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "p.yaml", .generation = 1},
        diagnostics);

    g_assert_nonnull(policy);
    return policy;
}

static char *
changes_between(const OshPolicySnapshot *before, const OshPolicySnapshot *after,
                gboolean *ret_is_additive)
{
    g_autoptr(GPtrArray) changes =
        osh_policy_fixed_changes(osh_policy_fixed(before), osh_policy_fixed(after));
    GString *lines = g_string_new(NULL);

    for (guint i = 0; i < changes->len; i++) {
        const OshPolicyFixedChange *change = g_ptr_array_index(changes, i);

        g_string_append_printf(lines, "%s\n", change->line);
    }
    *ret_is_additive = osh_policy_fixed_is_additive(changes);
    return g_string_free(lines, FALSE);
}

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshPolicySnapshot) before = load(BASE);
    g_autoptr(OshPolicySnapshot) after = load(rows[row].after);
    gboolean is_additive;
    g_autofree char *lines = changes_between(before, after, &is_additive);

    g_assert_cmpstr(lines, ==, rows[row].lines);
    g_assert_cmpint(is_additive, ==, rows[row].is_additive);
}

static void
test_from_default(void)
{
    g_autoptr(OshPolicySnapshot) before = osh_policy_default();
    g_autoptr(OshPolicySnapshot) after = load("version: 1\n");
    gboolean is_additive;
    g_autofree char *lines = changes_between(before, after, &is_additive);

    g_assert_nonnull(strstr(lines, "/tmp: is no longer the box's own; needs a restart\n"));
    g_assert_nonnull(
        strstr(lines, "filesystem_policy.read_only: /usr was removed; needs a restart\n"));
    g_assert_false(is_additive);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/fixed/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/fixed/a first policy names what it cannot change", test_from_default);
    return g_test_run();
}
