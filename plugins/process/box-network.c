/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-network.c: the best network that this kernel gives a box.
 *
 * [main], before the process has a second thread. Each attempt is a whole box that is opened or
 * not: the kernel is asked by trying. TPROXY comes before redirect, IPv6 before none; nothing of
 * that is less protected. A box without any capture is weaker: programs that ignore the proxy are
 * not served, and what they try is not recorded. It must never be made unless the request allows
 * it.
 */
#include "own-names.h"
#include "process-plugin.h"

#include <string.h>

#define CAPTURE_PROTECTION "capture"

typedef struct {
    OshNetworkCapture capture;
    gboolean ipv6;
    const char *lacks;
} Attempt;

static const Attempt attempts[] = {
    {OSH_NETWORK_CAPTURE_TPROXY, TRUE, NULL},
    {OSH_NETWORK_CAPTURE_TPROXY, FALSE, "ipv6"},
    {OSH_NETWORK_CAPTURE_REDIRECT, TRUE, "tproxy"},
    {OSH_NETWORK_CAPTURE_REDIRECT, FALSE, "tproxy, ipv6"},
    {OSH_NETWORK_CAPTURE_NONE, TRUE, NULL},
    {OSH_NETWORK_CAPTURE_NONE, FALSE, "ipv6"},
};

/* By value of OshNetworkCapture. */
static const char *const capture_names[] = {"tproxy", "redirect", "none"};

const char *
osh_process_capture_word(OshNetworkCapture capture)
{
    return capture == OSH_NETWORK_CAPTURE_NONE ? "proxy only" : capture_names[capture];
}

gboolean
osh_process_check_capture(const char *name, GError **error)
{
    if (g_str_equal(name, "best"))
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(capture_names); i++)
        if (g_str_equal(name, capture_names[i]))
            return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "capture: \"%s\" is none of \"best\", \"tproxy\", \"redirect\" and \"none\"", name);
    return FALSE;
}

static void
box_died(OshBoxHandle *handle, const char *reason, gpointer data)
{
    OshBox *box = data;
    g_autoptr(GError) error =
        g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the box has ended by itself: %s", reason);

    (void)handle;
    if (box->lost != NULL && !box->closing)
        box->lost(error, box->lost_data);
}

static gboolean
try_to_open(OshBox *box, const OshBoxRequest *request, const Attempt *attempt, GError **error)
{
    OshNetworkClaims claims = request->network ? OSH_NETWORK_CLAIM_ALL : OSH_NETWORK_CLAIM_NONE;
    OshBoxPlan plan = {
        .mounts = box->mounts,
        .hostname = OSH_BOX_HOSTNAME,
        .uid = box->identity->uid,
        .gid = box->identity->gid,
        .host_proc_ok = osh_process_may_lack(request, "proc"),
        .meanwhile = osh_process_build_filters,
        .meanwhile_data = box,
    };

    g_clear_pointer(&box->network, osh_network_plan_free);
    box->network = osh_network_plan_new(attempt->capture, attempt->ipv6, claims);
    plan.netlinks = box->network->netlinks;
    plan.netlink_count = G_N_ELEMENTS(box->network->netlinks);
    plan.sockets = box->network->sockets;
    plan.socket_count = box->network->n_sockets;
    box->handle = osh_box_open(&plan, box_died, box, error);
    return box->handle != NULL;
}

static void
note_attempt(OshBox *box, const Attempt *attempt, gboolean chosen)
{
    if (attempt->lacks != NULL && !chosen)
        g_ptr_array_add(box->notes, g_strdup_printf("this kernel lacks %s in a network namespace",
                                                    attempt->lacks));
    if (attempt->capture != OSH_NETWORK_CAPTURE_NONE)
        return;
    g_ptr_array_add(box->degraded, g_strdup(CAPTURE_PROTECTION));
    g_ptr_array_add(box->warnings,
                    g_strdup("only programs that use the proxy are served; what others "
                             "try fails and is not recorded"));
}

static gboolean
may_try(const OshBox *box, const OshBoxRequest *request, const Attempt *attempt)
{
    const char *wanted = box->plugin->capture;

    if (attempt->capture == OSH_NETWORK_CAPTURE_NONE &&
        !osh_process_may_lack(request, CAPTURE_PROTECTION))
        return FALSE;
    return g_str_equal(wanted, "best") || g_str_equal(wanted, capture_names[attempt->capture]);
}

static void
explain_failure(GError **error, GError *first)
{
    if (first == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_DEGRADED,
                    "capture=none serves only programs that use the proxy and records nothing of "
                    "the others; accept that with --allow-degraded=%s",
                    CAPTURE_PROTECTION);
        return;
    }
    if (g_error_matches(first, OSH_BOX_ERROR, OSH_BOX_ERROR_NETWORK))
        g_prefix_error(&first,
                       "the box cannot be made (if nftables is what is missing, "
                       "--allow-degraded=%s does without capture): ",
                       CAPTURE_PROTECTION);
    g_propagate_error(error, first);
}

gboolean
osh_process_open_with_network(OshBox *box, const OshBoxRequest *request, GError **error)
{
    gboolean chosen = !g_str_equal(box->plugin->capture, "best");
    GError *first = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(attempts); i++) {
        g_autoptr(GError) cause = NULL;

        if (!may_try(box, request, &attempts[i]))
            continue;
        if (try_to_open(box, request, &attempts[i], &cause)) {
            note_attempt(box, &attempts[i], chosen);
            g_clear_error(&first);
            return TRUE;
        }
        if (first == NULL)
            first = g_steal_pointer(&cause);
        if (!g_error_matches(first, OSH_BOX_ERROR, OSH_BOX_ERROR_NETWORK))
            break;
    }
    explain_failure(error, first);
    return FALSE;
}
