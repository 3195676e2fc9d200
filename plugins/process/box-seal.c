/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-seal.c: seals a box: contributed files, Landlock, refusal of listeners that are not claimed.
 *
 * [main]. Until it has worked no program can be started.
 */
#include "process-plugin.h"

#include <linux/netlink.h>
#include <string.h>
#include <sys/stat.h>

#include "init/landlock-constants.h"
#include "landlock-report.h"
#include "own-names.h"

/* What every box brings itself, beside what the policy grants. */
static const char *const own_read_only[] = {"/run", "/sys", "/proc", NULL};
static const char *const own_read_write[] = {"/tmp", "/dev", NULL};
/* The same where /proc may be written. */
static const char *const fewer_read_only[] = {"/run", "/sys", NULL};
static const char *const more_read_write[] = {"/tmp", "/dev", "/proc", NULL};
/* The folders above a grant hold nothing but names that the policy gives, and what it grants can be
 * listed anyway. */
static const char *const own_listed[] = {"/", NULL};

static OshLandlockPlan *
plan_landlock(OshBox *box, const GArray *files)
{
    g_autoptr(GPtrArray) readable = g_ptr_array_new();
    const char *const *own = box->mounts->writable_proc ? fewer_read_only : own_read_only;
    OshLandlockGrants grants = {
        .own_read_write = box->mounts->writable_proc ? more_read_write : own_read_write,
        .own_listed = own_listed,
        .required = box->landlock_required,
        .log = box->plugin->landlock_log,
    };

    for (gsize i = 0; own[i] != NULL; i++)
        g_ptr_array_add(readable, (gpointer)own[i]);
    /* Whatever the policy grants around it. */
    for (guint i = 0; i < files->len; i++)
        g_ptr_array_add(readable, (gpointer)g_array_index(files, OshBoxFile, i).path);
    g_ptr_array_add(readable, NULL);
    grants.own_read_only = (const char *const *)readable->pdata;
    /* osh_landlock_plan_new() wants lists that end; the plan's arrays are kept that way. */
    g_ptr_array_add(box->mounts->read_only, NULL);
    g_ptr_array_add(box->mounts->read_write, NULL);
    grants.read_only = (const char *const *)box->mounts->read_only->pdata;
    grants.read_write = (const char *const *)box->mounts->read_write->pdata;
    return osh_landlock_plan_new(box->landlock_abi, &grants);
}

static void
keep_variables(OshBox *box, const OshContributions *contributions)
{
    for (gsize i = 0; i < contributions->n_variables; i++) {
        OshEnvironmentVariable variable = {g_strdup(contributions->variables[i].name),
                                           g_strdup(contributions->variables[i].value)};

        g_array_append_val(box->contributions, variable);
    }
}

static gboolean
has_file(const GArray *files, const char *path)
{
    for (guint i = 0; i < files->len; i++)
        if (g_str_equal(g_array_index(files, OshBoxFile, i).path, path))
            return TRUE;
    return FALSE;
}

static void
add_file(GArray *files, const char *path, char *text, GPtrArray *owned)
{
    OshBoxFile file = {path, text, strlen(text), 0444};

    g_array_append_val(files, file);
    g_ptr_array_add(owned, text);
}

/* The text of a file of the host that the box shows; "" where it shows none. */
static char *
read_shown(const OshBox *box, const char *path)
{
    char *text = NULL;

    if (osh_mount_plan_shows(box->mounts, path) && g_file_get_contents(path, &text, NULL, NULL))
        return text;
    return g_strdup("");
}

/* What is bound over must be there; in a folder of the box's own it is made. */
static gboolean
can_have(const OshBox *box, const char *path)
{
    struct stat about;

    return !osh_mount_plan_shows(box->mounts, path) ||
           (lstat(path, &about) == 0 && S_ISREG(about.st_mode));
}

static void
add_own_names(const OshBox *box, GArray *files, GPtrArray *owned)
{
    g_autofree char *passwd = read_shown(box, "/etc/passwd");
    g_autofree char *group = read_shown(box, "/etc/group");
    char *own_passwd = osh_own_passwd(passwd, box->identity);
    char *own_group = osh_own_group(group, box->identity);

    if (own_passwd != NULL && can_have(box, "/etc/passwd"))
        add_file(files, "/etc/passwd", g_steal_pointer(&own_passwd), owned);
    if (own_group != NULL && can_have(box, "/etc/group"))
        add_file(files, "/etc/group", g_steal_pointer(&own_group), owned);
    if (!has_file(files, "/etc/hosts") && can_have(box, "/etc/hosts"))
        add_file(files, "/etc/hosts", osh_own_hosts(), owned);
    g_free(own_passwd);
    g_free(own_group);
}

/* Returns: (element-type OshBoxFile): texts of the box's own go to @owned */
static GArray *
list_files(const OshBox *box, const OshContributions *contributions, GPtrArray *owned)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(OshBoxFile));

    for (gsize i = 0; i < contributions->n_files; i++) {
        OshBoxFile file = {contributions->files[i].path, contributions->files[i].content,
                           contributions->files[i].length, contributions->files[i].mode};

        g_array_append_val(files, file);
    }
    add_own_names(box, files, owned);
    return files;
}

/* The lists of a box end with NULL from the day it was opened. */
static void
add_warning(OshBox *box, char *warning)
{
    g_ptr_array_insert(box->warnings, (gint)box->warnings->len - 1, warning);
    box->info.warnings = (const char *const *)box->warnings->pdata;
}

static void
report(OshBox *box, const OshLandlockPlan *landlock, const OshBoxRuleReport *reports)
{
    GVariantBuilder report;
    GVariant *rules = osh_landlock_report_new(landlock, reports, box->mounts, &box->n_skipped);

    for (guint i = 0; i < landlock->n_policy; i++) {
        const OshBoxPathRule *rule = &g_array_index(landlock->rules, OshBoxPathRule, i);

        box->n_rules += reports[i].error == 0;
        if (reports[i].error != 0)
            add_warning(box, g_strdup_printf("Landlock leaves out %s, which the policy grants: %s",
                                             rule->path, g_strerror(reports[i].error)));
    }
    g_variant_builder_init(&report, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&report, "{sv}", "landlock-abi", g_variant_new_uint32(landlock->abi));
    g_variant_builder_add(&report, "{sv}", "landlock-rules", rules);
    g_variant_builder_add(&report, "{sv}", "landlock-scoped",
                          g_variant_new_boolean(landlock->scoped != 0));
    g_variant_builder_add(&report, "{sv}", "landlock-log",
                          g_variant_new_boolean((landlock->restrict_flags &
                                                 LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON) != 0));
    g_variant_builder_add(&report, "{sv}", "seccomp-allowed",
                          g_variant_new_strv((const char *const *)box->plugin->seccomp_allow, -1));
    g_variant_builder_add(&report, "{sv}", "degraded", g_variant_new_strv(box->info.degraded, -1));
    box->report = g_variant_ref_sink(g_variant_builder_end(&report));
    box->info.report = box->report;
    osh_process_describe_level(box);
}

/* Without a listener the owners of a socket have to tell who connects. */
static gboolean
begin_connect_identity(OshBox *box, int listener, GError **error)
{
    if (listener >= 0)
        return osh_process_watch_connects(box, listener, error);
    if (!box->network_served || !g_str_equal(box->plugin->connect_identity, "connect"))
        return TRUE;
    g_set_error_literal(
        error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
        "process.identity=connect: this kernel, or a supervisor around this one, does not let "
        "connect(2) be observed; with best a program is identified as the owner of its socket");
    return FALSE;
}

gboolean
osh_process_box_seal(OshBox *box, const OshContributions *contributions, GError **error)
{
    g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) files = list_files(box, contributions, owned);
    g_autoptr(OshLandlockPlan) landlock = plan_landlock(box, files);
    g_autofree OshBoxRuleReport *reports = g_new0(OshBoxRuleReport, landlock->rules->len);
    g_autoptr(GBytes) ruleset = NULL;
    OshBoxNetlink netlink = {0};
    OshBoxSeal seal = {
        .files = (const OshBoxFile *)(gpointer)files->data,
        .file_count = files->len,
        .handled_fs = landlock->handled_fs,
        .scoped = landlock->scoped,
        .restrict_flags = landlock->restrict_flags,
        .path_rules = (const OshBoxPathRule *)(gpointer)landlock->rules->data,
        .path_rule_count = landlock->rules->len,
        .path_reports = reports,
    };
    int listener = -1;
    GError *cause = NULL;
    gsize size;

    if (box->sealed) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "the box is sealed already");
        return FALSE;
    }
    if (box->network_served && box->network->capture != OSH_NETWORK_CAPTURE_NONE &&
        box->claims != OSH_NETWORK_CLAIM_ALL) {
        ruleset = osh_network_ruleset_new(box->network->capture, box->claims, TRUE);
        netlink.protocol = NETLINK_NETFILTER;
        netlink.bytes = g_bytes_get_data(ruleset, &size);
        netlink.size = size;
        netlink.acks = OSH_NETWORK_RULESET_ACKS;
        seal.netlinks = &netlink;
        seal.netlink_count = 1;
    }
    if (box->can_notify) {
        seal.connect_filter = box->connect_filter;
        seal.connect_listener = &listener;
    }
    if (!osh_box_seal(box->handle, &seal, &cause)) {
        osh_process_propagate(error, cause);
        return FALSE;
    }
    if (!begin_connect_identity(box, listener, error))
        return FALSE;
    keep_variables(box, contributions);
    box->sealed = TRUE;
    report(box, landlock, reports);
    osh_process_watch_refusals(box);
    return TRUE;
}
