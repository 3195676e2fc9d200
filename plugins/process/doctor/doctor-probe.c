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
#include "landlock-probe.h"
#include "network-plan.h"
#include "protection-proof.h"

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

/* How a box captures connections, from the strongest way; the last is weaker and says so. */
static const struct {
    OshNetworkCapture capture;
    const char *state;
    const char *detail;
    const char *remedy;
} capture_probes[] = {
    {OSH_NETWORK_CAPTURE_TPROXY, "ok", "TPROXY keeps the exact tuple", ""},
    {OSH_NETWORK_CAPTURE_REDIRECT, "weak", "NAT redirect; TPROXY was refused",
     "a kernel with nft_tproxy and nft_socket"},
    {OSH_NETWORK_CAPTURE_NONE, "missing", "nftables was refused",
     "a kernel with nftables; --allow-degraded=capture serves only what uses the proxy"},
};

static void
probe_box(GVariantBuilder *rows)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshBoxHandle) box = NULL;
    gsize i = 0;

    for (;;) {
        g_autoptr(GError) cause = NULL;

        box = try_box(capture_probes[i].capture, TRUE, &cause);
        if (error == NULL)
            error = g_steal_pointer(&cause);
        if (box != NULL || !g_error_matches(error, OSH_BOX_ERROR, OSH_BOX_ERROR_NETWORK) ||
            i + 1 == G_N_ELEMENTS(capture_probes))
            break;
        i++;
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
    add(rows, "capture", capture_probes[i].state, capture_probes[i].detail,
        capture_probes[i].remedy);
    if (osh_box_degraded(box) & OSH_INIT_DEGRADED_HOST_PROC)
        add(rows, "proc", "missing", "a fresh /proc is refused here, as in many containers",
            "--allow-degraded=proc keeps the host's /proc");
    else
        add(rows, "proc", "ok", "a fresh one for each box", "");
}

static void
probe_act(GVariantBuilder *rows, const OshLandlockProof *proof, guint abi)
{
    g_autofree char *name = g_strdup_printf("landlock %s", proof->name);
    g_autofree char *detail = NULL;
    g_autofree char *remedy = NULL;

    if (abi < proof->abi) {
        detail = g_strdup_printf("not in ABI %u: %s instead", abi, proof->stands_in);
        remedy = g_strdup_printf("Linux %s or later", proof->since);
        add(rows, name, "weak", detail, remedy);
        return;
    }
    switch (proof->attempt()) {
    case OSH_PROOF_HOLDS:
        detail = g_strdup_printf("ABI %u: %s", proof->abi, proof->proved);
        add(rows, name, "ok", detail, "");
        break;
    case OSH_PROOF_OPEN:
        detail = g_strdup_printf("the kernel reports ABI %u and does not refuse it", abi);
        add(rows, name, "missing", detail, "report this kernel; do not rely on its Landlock");
        break;
    case OSH_PROOF_UNKNOWN:
    default:
        detail = g_strdup_printf("ABI %u: could not be tried here", proof->abi);
        add(rows, name, "weak", detail, "see that /tmp is writable and that processes can start");
        break;
    }
}

static void
probe_landlock(GVariantBuilder *rows)
{
    guint abi;
    gsize count;
    const OshLandlockProof *proofs = osh_landlock_proofs(&count);
    OshLandlockState state = osh_landlock_probe(&abi);
    g_autofree char *detail = g_strdup_printf("ABI %u", abi);

    if (state != OSH_LANDLOCK_AVAILABLE) {
        add(rows, "landlock", "missing", osh_landlock_state_reason(state),
            "boot with lsm=...,landlock, or accept it with --allow-degraded=landlock");
        return;
    }
    add(rows, "landlock", "ok", detail, "");
    for (gsize i = 0; i < count; i++)
        probe_act(rows, &proofs[i], abi);
}

static void
probe_seccomp(GVariantBuilder *rows, const char *const *allowed)
{
    guint refused;
    const char *open;
    OshProofVerdict verdict = osh_seccomp_prove(allowed, &refused, &open);
    g_autofree char *names = g_strjoinv(", ", (char **)allowed);
    g_autofree char *detail = NULL;

    if (verdict == OSH_PROOF_UNKNOWN) {
        add(rows, "seccomp", "missing", "the filters cannot be installed",
            "a kernel with CONFIG_SECCOMP_FILTER");
    } else if (verdict == OSH_PROOF_OPEN) {
        detail = g_strdup_printf("%s is not refused as it should be", open);
        add(rows, "seccomp", "missing", detail, "report this kernel");
    } else if (allowed[0] != NULL) {
        detail = g_strdup_printf("%u calls tried and refused; allowed by configuration: %s",
                                 refused, names);
        add(rows, "seccomp", "weak", detail, "take seccomp-allow out of the configuration");
    } else {
        detail = g_strdup_printf("%u calls tried and refused", refused);
        add(rows, "seccomp", "ok", detail, "");
    }
}

/* A user namespace cannot drop groups: programs of the box keep their rights (security rule 1, own
 * namespaces). */
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
osh_doctor_probe(const char *const *seccomp_allow)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE("a(ssss)"));
    probe_box(&rows);
    probe_landlock(&rows);
    probe_seccomp(&rows, seccomp_allow);
    probe_groups(&rows);
    return g_variant_ref_sink(g_variant_builder_end(&rows));
}
