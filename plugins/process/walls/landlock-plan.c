/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-plan.c: the Landlock rights of a box, by ABI.
 *
 * Everything that the kernel's ABI can control is handled, so a right that no rule grants is
 * refused; what an older ABI lacks (truncating before 3, device ioctl before 5, signals and
 * abstract sockets before 6) is covered by the box's mounts and namespaces, not by pretending.
 * Connecting to a socket by its path is not among what any ABI controls (security rule 1, own
 * namespaces).
 *
 * [any]; no state. It opens nothing: init builds the ruleset inside the box. A higher ABI needs its
 * rights here and OSH_LANDLOCK_KNOWN_ABI.
 */
#include "landlock-plan.h"

#include "init/landlock-constants.h"

#define READ_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

#define ABI_1_RIGHTS                                                                               \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

guint64
osh_landlock_read_only_rights(guint abi)
{
    return abi >= 1 ? READ_RIGHTS : 0;
}

guint64
osh_landlock_read_write_rights(guint abi)
{
    guint64 rights = abi >= 1 ? ABI_1_RIGHTS : 0;

    if (abi >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= 5)
        rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

static void
add_rules(OshLandlockPlan *plan, const char *const *paths, guint64 rights, gboolean optional)
{
    for (gsize i = 0; paths != NULL && paths[i] != NULL; i++) {
        OshBoxPathRule rule = {.path = g_strdup(paths[i]), .rights = rights, .optional = optional};

        g_array_append_val(plan->rules, rule);
    }
}

static void
clear_rule(gpointer data)
{
    OshBoxPathRule *rule = data;

    g_free((char *)rule->path);
}

OshLandlockPlan *
osh_landlock_plan_new(guint abi, const OshLandlockGrants *grants)
{
    OshLandlockPlan *plan = g_new0(OshLandlockPlan, 1);

    plan->abi = abi;
    plan->rules = g_array_new(FALSE, FALSE, sizeof(OshBoxPathRule));
    g_array_set_clear_func(plan->rules, clear_rule);
    if (abi == 0)
        return plan;
    plan->handled_fs = osh_landlock_read_write_rights(abi);
    if (abi >= 6)
        plan->scoped = LANDLOCK_SCOPE_SIGNAL | LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
    /* Programs are told apart from init by their exec. What a program restricts further in its own
     * nested domains is no refusal of ours, and would let it fill the log. */
    if (abi >= 7)
        plan->restrict_flags = LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF |
                               (grants->log ? LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON : 0);
    add_rules(plan, grants->read_only, osh_landlock_read_only_rights(abi), !grants->required);
    add_rules(plan, grants->read_write, osh_landlock_read_write_rights(abi), !grants->required);
    plan->n_policy = plan->rules->len;
    add_rules(plan, grants->own_read_only, osh_landlock_read_only_rights(abi), TRUE);
    add_rules(plan, grants->own_listed, LANDLOCK_ACCESS_FS_READ_DIR, TRUE);
    add_rules(plan, grants->own_read_write, osh_landlock_read_write_rights(abi), TRUE);
    return plan;
}

void
osh_landlock_plan_free(OshLandlockPlan *plan)
{
    if (plan == NULL)
        return;
    g_array_unref(plan->rules);
    g_free(plan);
}
