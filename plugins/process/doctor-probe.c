/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor-probe.c: `openshell-host doctor`, the process plugin's part.
 *
 * [main]. A claim here is something that was just done: the namespaces, the ruleset and /proc by
 * opening a box and closing it, Landlock and seccomp by asking the kernel. It must leave nothing.
 */
#include "doctor-probe.h"

#include <grp.h>
#include <unistd.h>

#include "box.h"
#include "landlock-plan.h"
#include "network-plan.h"
#include "seccomp-filter.h"

static void
add(GVariantBuilder *rows, const char *name, const char *state, const char *detail,
    const char *remedy)
{
    g_variant_builder_add(rows, "(ssss)", name, state, detail, remedy);
}

static OshBoxHandle *
try_box(OshNetworkCapture capture, gboolean host_proc_ok, GError **error)
{
    static const char *const read_only[] = {"/usr", NULL};
    OshMountRequest request = {.read_only = read_only};
    g_autoptr(OshMountPlan) mounts = osh_mount_plan_new(&request, error);
    g_autoptr(OshNetworkPlan) network = osh_network_plan_new(capture, FALSE, OSH_NETWORK_CLAIM_ALL);
    OshBoxPlan plan = {
        .mounts = mounts,
        .netlinks = network->netlinks,
        .netlink_count = G_N_ELEMENTS(network->netlinks),
        .sockets = network->sockets,
        .socket_count = network->n_sockets,
        .uid = geteuid() != 0 ? geteuid() : 65530,
        .gid = geteuid() != 0 ? getegid() : 65530,
        .host_proc_ok = host_proc_ok,
    };

    return mounts != NULL ? osh_box_open(&plan, NULL, NULL, error) : NULL;
}

static void
probe_box(GVariantBuilder *rows)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) redirect_error = NULL;
    g_autoptr(OshBoxHandle) box = try_box(OSH_NETWORK_CAPTURE_TPROXY, TRUE, &error);
    const char *capture = "TPROXY keeps the exact tuple";
    const char *capture_state = "ok";

    if (box == NULL && g_error_matches(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED)) {
        box = try_box(OSH_NETWORK_CAPTURE_REDIRECT, TRUE, &redirect_error);
        capture = "NAT redirect; TPROXY was refused";
        capture_state = "weak";
    }
    if (box == NULL) {
        add(rows, "namespaces", "missing", error->message,
            "see the message; without them no box can be made");
        return;
    }
    add(rows, "namespaces", "ok",
        geteuid() == 0 ? "mount, PID, IPC, UTS and network, as root"
                       : "user, mount, PID, IPC, UTS and network",
        "");
    add(rows, "capture", capture_state, capture, "");
    if (osh_box_degraded(box) & OSH_INIT_DEGRADED_HOST_PROC)
        add(rows, "proc", "missing", "a fresh /proc is refused here, as in many containers",
            "--allow-degraded=proc keeps the host's /proc");
    else
        add(rows, "proc", "ok", "a fresh one for each box", "");
}

static void
probe_landlock(GVariantBuilder *rows)
{
    guint abi;
    OshLandlockState state = osh_landlock_probe(&abi);
    g_autofree char *detail = NULL;

    if (state != OSH_LANDLOCK_AVAILABLE) {
        add(rows, "landlock", "missing", osh_landlock_state_reason(state),
            "boot with lsm=...,landlock, or accept it with --allow-degraded=landlock");
        return;
    }
    detail = g_strdup_printf("ABI %u%s%s%s", abi, abi >= 3 ? ", truncate" : "",
                             abi >= 5 ? ", ioctl" : "", abi >= 6 ? ", scopes" : "");
    add(rows, "landlock", abi >= 3 ? "ok" : "weak", detail,
        abi >= 3 ? "" : "a kernel of 6.2 or later also controls truncation");
}

static void
probe_seccomp(GVariantBuilder *rows)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) filter = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, NULL, &error);

    if (filter != NULL)
        add(rows, "seccomp", "ok", "both filters", "");
    else
        add(rows, "seccomp", "missing", error->message, "a kernel with CONFIG_SECCOMP_FILTER");
}

/* A user namespace cannot drop groups: programs of the box keep what they give (rule 1). */
static void
probe_groups(GVariantBuilder *rows)
{
    gid_t groups[256];
    int n = geteuid() != 0 ? getgroups(G_N_ELEMENTS(groups), groups) : 0;
    g_autoptr(GString) names = g_string_new(NULL);

    for (int i = 0; i < n; i++) {
        const struct group *entry = getgrgid(groups[i]);

        if (groups[i] == getegid())
            continue;
        if (entry != NULL)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", entry->gr_name);
        else
            g_string_append_printf(names, "%s%u", names->len > 0 ? ", " : "", groups[i]);
    }
    if (names->len == 0)
        add(rows, "groups", "ok", "programs of the box are in no supplementary group", "");
    else
        add(rows, "groups", "weak", names->str,
            "an ordinary user cannot drop these groups: files that they may read stay readable "
            "where the policy grants their paths");
}

GVariant *
osh_doctor_probe(void)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE("a(ssss)"));
    probe_box(&rows);
    probe_landlock(&rows);
    probe_seccomp(&rows);
    probe_groups(&rows);
    return g_variant_ref_sink(g_variant_builder_end(&rows));
}
