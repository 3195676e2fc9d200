/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-report.c: Landlock rules in words.
 *
 * Any thread; no state. It says what init did, never what was meant: rights that a file cannot have
 * are not in it, and a rule that was left out says why.
 */
#include "landlock-report.h"

#include "init/landlock-constants.h"

static const struct {
    guint64 rights;
    const char *name;
} words[] = {
    {LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, "read"},
    {LANDLOCK_ACCESS_FS_EXECUTE, "execute"},
    {LANDLOCK_ACCESS_FS_WRITE_FILE, "write"},
    {LANDLOCK_ACCESS_FS_TRUNCATE, "truncate"},
    {LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
         LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
         LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
     "create"},
    {LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE, "remove"},
    {LANDLOCK_ACCESS_FS_REFER, "move"},
    {LANDLOCK_ACCESS_FS_IOCTL_DEV, "ioctl"},
};

/* Returns: (transfer full): "read", "execute" and so on; a word for several bits stands when one of
 * them is there */
static GStrv
rights_names(guint64 rights)
{
    GStrv names = g_new0(char *, G_N_ELEMENTS(words) + 1);
    gsize count = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (rights & words[i].rights)
            names[count++] = g_strdup(words[i].name);
    return names;
}

static void
add_rule(GVariantBuilder *rules, const char *path, guint64 rights, const char *skipped)
{
    g_auto(GStrv) names = rights_names(rights);
    g_autofree char *valid = g_utf8_make_valid(path, -1);

    g_variant_builder_add(rules, "(s^ass)", valid, names, skipped);
}

GVariant *
osh_landlock_report_new(const OshLandlockPlan *plan, const OshBoxRuleReport *reports,
                        const OshMountPlan *mounts, guint *ret_skipped)
{
    GVariantBuilder rules;

    *ret_skipped = 0;
    g_variant_builder_init(&rules, G_VARIANT_TYPE("a(sass)"));
    for (guint i = 0; i < plan->rules->len; i++) {
        const OshBoxPathRule *rule = &g_array_index(plan->rules, OshBoxPathRule, i);

        /* What a box brings itself differs from machine to machine. */
        if (reports[i].error != 0 && i >= plan->n_policy)
            continue;
        add_rule(&rules, rule->path, reports[i].rights,
                 reports[i].error != 0 ? g_strerror(reports[i].error) : "");
        *ret_skipped += reports[i].error != 0;
    }
    for (guint i = 0; plan->abi > 0 && i < mounts->missing_errors->len; i++) {
        add_rule(&rules, g_ptr_array_index(mounts->missing, i), 0,
                 g_strerror(g_array_index(mounts->missing_errors, int, i)));
        (*ret_skipped)++;
    }
    return g_variant_builder_end(&rules);
}
