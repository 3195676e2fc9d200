/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-announce.c: what a run says on standard error and on the bus. [main]. It must never say that
 * something holds that does not.
 */
#include "run-private.h"

#include "file-chain.h"
#include "start-line.h"

/* A path in it may have been made in a box. */
void
osh_run_complain(const OshRun *run, const GError *error)
{
    g_autoptr(GString) line = g_string_new("openshell: error: ");

    osh_policy_append_printable(line, error->message);
    g_string_append_c(line, '\n');
    if (run->policy_errors != NULL)
        g_string_append_printf(line, "%s\n", run->policy_errors);
    g_printerr("%s", line->str);
}

/* The variable says so to whoever asks; that it is true shows by the failure. */
void
osh_run_complain_of_start(const OshRun *run, const GError *error)
{
    osh_run_complain(run, error);
    if (run->options->command != NULL && g_getenv("OPENSHELL_SANDBOX") != NULL)
        g_printerr("openshell: this is a box already (OPENSHELL_SANDBOX is set), and a box cannot "
                   "be made inside a box: run the command itself\n");
}

void
osh_run_publish(OshRun *run, const char *topic, GVariant *payload)
{
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = osh_bus_topic(run->services->publisher, topic),
        .payload = payload,
    };

    publication.reservation = osh_bus_reserve(run->services->publisher, publication.topic, 0);
    osh_bus_publish(run->services->publisher, &publication);
}

void
osh_run_announce_policy(OshRun *run)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->services->policy);
    const OshEventPolicyChanged changed = {
        .which = OSH_EVENT_POLICY_CURRENT,
        .generation = osh_policy_generation(policy),
        .sha256 = osh_policy_sha256(policy),
        .file = osh_policy_file_name(policy),
    };

    osh_run_publish(run, OSH_TOPIC_POLICY_CHANGED, osh_event_policy_changed_pack(&changed));
}

/* A program in the box may write where the policy lies, so that it is not read again. */
static gboolean
is_read_once(const OshRun *run)
{
    const char *path = osh_run_policy_path(run);

    return path == NULL ||
           (run->options->command != NULL &&
            osh_file_chain_writable(path, (const char *const *)run->writable->pdata) != NULL);
}

void
osh_run_announce_start(OshRun *run)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->services->policy);
    const OshBoxInfo *info = osh_launcher_box_info(&run->launcher, run->box);
    const OshStartLine start = {.registry = run->services->registry,
                                .box = info,
                                .workdir = run->workdir,
                                .policy = policy,
                                .policy_given = osh_run_policy_is_given(run),
                                .network = run->network,
                                .policy_read_once = is_read_once(run),
                                .verbose = run->options->verbose};
    g_autofree char *line = osh_start_line(&start);
    const OshEventHostStarted started = {
        .level = info != NULL ? info->level : "no box",
        .version = OSH_VERSION,
        .more = osh_box_info_report(info),
    };

    osh_run_publish(run, OSH_TOPIC_HOST_STARTED, osh_event_host_started_pack(&started));
    if (!osh_run_is_quiet(run))
        g_printerr("%s\n", line);
    /* Never silent: a box that refuses less than its policy says looks like any other. */
    if (run->options->audit)
        g_printerr(
            "openshell: AUDIT: what the policy denies is NOT refused, only recorded; address "
            "checks and identity still hold, and malformed requests are still refused\n");
}

void
osh_run_print_denial(const char *line, gpointer data)
{
    const OshRun *run = data;

    g_printerr("%s\n", line);
    osh_launcher_note(&run->launcher, run->box, line);
}
