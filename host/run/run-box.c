/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-box.c: the box of a run: what is asked of the launcher, what plugins put into it, and what
 * becomes of the run when it is lost. [main]. Opened while there is one thread.
 */
#include "run-private.h"

#include "contributions.h"
#include "own-files.h"

static void
run_box_lost(const GError *error, gpointer data)
{
    OshRun *run = data;

    run->process_id = 0;
    if (!run->finishing)
        osh_run_fail(run, error);
}

gboolean
osh_run_open_box(OshRun *run, GError **error)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->services->policy);
    g_autoptr(GPtrArray) allowed = osh_run_allow_degraded(run->options, run->config);
    OshOwnFilesRequest own = {
        .options = run->options,
        .config = run->config,
        .registry = run->services->registry,
        .policy = osh_run_policy_path(run),
        .writable = (const char *const *)run->writable->pdata,
    };
    g_autoptr(GPtrArray) protected_paths = osh_own_files_list(&own, error);
    OshBoxRequest request = {
        .struct_size = sizeof(OshBoxRequest),
        .policy = osh_policy_static_part(policy),
        .workdir = run->workdir,
        .network = run->network,
        .workdir_required = osh_run_text(run, "workdir", run->options->workdir) != NULL,
    };

    if (protected_paths == NULL)
        return FALSE;
    request.allow_degraded = (const char *const *)allowed->pdata;
    request.protected_paths = (const char *const *)protected_paths->pdata;
    if (!osh_registry_get_interface(run->services->registry, OSH_INTERFACE_PROCESS_LAUNCHER,
                                    &run->launcher)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "no plugin provides a process launcher");
        return FALSE;
    }
    run->box = osh_launcher_box_open(&run->launcher, &request, run_box_lost, run, error);
    return run->box != NULL;
}

gboolean
osh_run_seal(OshRun *run, GError **error)
{
    g_autoptr(OshContributionSet) contributions = osh_contributions_gather(
        run->services->registry, osh_launcher_box_info(&run->launcher, run->box), error);

    return contributions != NULL &&
           osh_launcher_seal(&run->launcher, run->box, osh_contributions_get(contributions), error);
}
