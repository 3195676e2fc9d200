/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-adopt.c: swap, keep, or quarantine. [main].
 *
 * Every change of what is in force goes through adopt_swap(), which raises the generation and tells
 * the bus; a plugin decides its open connections again then. It must never leave a run without a
 * policy, nor announce the same text twice.
 */
#include "policy-adopt.h"

#include <string.h>

#include "fixed-changes.h"
#include "openshell/host.h"
#include "osh-text.h"

/* By then the shards hold no reference, so the memory is freed on the main loop. */
#define RETIREMENT_SECONDS 2
#define SHOWN_ERRORS       20

struct _OshPolicyAdopt {
    OshPolicyService *service;
    OshBusPublisher *publisher;
    OshPolicyPosture posture;
    gboolean quiet;
    OshPolicySnapshot *boxed; /* (nullable): what the box was made from; NULL without one */
    char *restart;            /* changes that were said to need a restart, "" for none */
    char rejected[65];
    char *problem; /* (nullable): of the text rejected last; NULL while the file is good */
    GPtrArray *retired;
    GSource *retirement;
};

OshPolicyAdopt *
osh_policy_adopt_new(const OshPolicyReloadRequest *request)
{
    OshPolicyAdopt *adopt = g_new0(OshPolicyAdopt, 1);

    adopt->service = request->service;
    adopt->publisher = request->publisher;
    adopt->posture = request->posture;
    adopt->quiet = request->quiet;
    adopt->restart = g_strdup("");
    adopt->retired = g_ptr_array_new_with_free_func((GDestroyNotify)osh_policy_snapshot_unref);
    if (request->writable != NULL)
        adopt->boxed = osh_policy_service_ref_current(request->service);
    return adopt;
}

static void
publish(OshPolicyAdopt *adopt, const char *topic, GVariant *payload)
{
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = osh_bus_topic(adopt->publisher, topic),
        .payload = payload,
    };

    publication.reservation = osh_bus_reserve(adopt->publisher, publication.topic, 0);
    osh_bus_publish(adopt->publisher, &publication);
}

static char *
shown_path(const char *path)
{
    GString *text = g_string_new(NULL);

    osh_text_append_terminal(text, path);
    return g_string_free(text, FALSE);
}

static gboolean
retirement_over(gpointer data)
{
    OshPolicyAdopt *adopt = data;

    g_clear_pointer(&adopt->retirement, g_source_unref);
    g_ptr_array_set_size(adopt->retired, 0);
    return G_SOURCE_REMOVE;
}

static void
retire(OshPolicyAdopt *adopt, OshPolicySnapshot *old)
{
    g_ptr_array_add(adopt->retired, old);
    if (adopt->retirement != NULL)
        return;
    adopt->retirement = g_timeout_source_new_seconds(RETIREMENT_SECONDS);
    g_source_set_callback(adopt->retirement, retirement_over, adopt, NULL);
    g_source_attach(adopt->retirement, g_main_context_get_thread_default());
}

/* @snapshot: (transfer full); @restart: (nullable): what of it needs a restart */
static void
adopt_swap(OshPolicyAdopt *adopt, OshPolicySnapshot *snapshot, const char *const *restart)
{
    const OshEventPolicyChanged changed = {
        .which = OSH_EVENT_POLICY_CURRENT,
        .generation = osh_policy_generation(snapshot),
        .sha256 = osh_policy_sha256(snapshot),
        .file = osh_policy_file_name(snapshot),
        .restart = restart,
        .quarantine = osh_policy_quarantine_reason(snapshot),
    };
    GVariant *payload = osh_event_policy_changed_pack(&changed);
    OshPolicySnapshot *old = osh_policy_service_ref_current(adopt->service);

    osh_policy_service_swap(adopt->service, snapshot);
    retire(adopt, old);
    publish(adopt, OSH_TOPIC_POLICY_CHANGED, payload);
}

/*
 * Says what of @snapshot the box cannot take up, once for the same changes.
 *
 * Returns: (transfer full) (nullable): these changes, one line each; NULL when there are none
 */
static char **
report_restart(OshPolicyAdopt *adopt, const OshPolicySnapshot *snapshot, const char *path)
{
    g_autoptr(GPtrArray) changes = NULL;
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    g_autofree char *all = NULL;

    if (adopt->boxed == NULL)
        return NULL;
    changes = osh_policy_fixed_changes(osh_policy_fixed(adopt->boxed), osh_policy_fixed(snapshot));
    for (guint i = 0; i < changes->len; i++)
        g_ptr_array_add(lines, ((OshPolicyFixedChange *)g_ptr_array_index(changes, i))->line);
    g_ptr_array_add(lines, NULL);
    all = g_strjoinv("\n", (char **)lines->pdata);
    if (!adopt->quiet && strcmp(all, adopt->restart) != 0) {
        for (guint i = 0; i < changes->len; i++)
            g_printerr("openshell: policy %s: %s\n", path, (char *)g_ptr_array_index(lines, i));
        if (changes->len == 0)
            g_printerr("openshell: policy %s: nothing in it needs a restart any more\n", path);
    }
    g_free(adopt->restart);
    adopt->restart = g_steal_pointer(&all);
    return changes->len > 0 ? g_strdupv((char **)lines->pdata) : NULL;
}

static void
say_warnings(const OshPolicyAdopt *adopt, OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *text = osh_policy_diagnostics_format(diagnostics);

    if (text[0] != '\0' && !adopt->quiet)
        g_printerr("%s\n", g_strchomp(text));
}

static void
forget_rejection(OshPolicyAdopt *adopt)
{
    adopt->rejected[0] = '\0';
    g_clear_pointer(&adopt->problem, g_free);
}

static void
adopt_loaded(OshPolicyAdopt *adopt, OshPolicyCandidate *candidate)
{
    OshPolicySnapshot *snapshot = g_steal_pointer(&candidate->snapshot);
    g_autofree char *path = shown_path(candidate->path);
    g_autofree char *line = NULL;
    g_auto(GStrv) restart = NULL;

    forget_rejection(adopt);
    say_warnings(adopt, candidate->diagnostics);
    restart = report_restart(adopt, snapshot, path);
    line = g_strdup_printf("openshell: policy %s: generation %" G_GUINT64_FORMAT
                           " is in force (sha256 %.12s)",
                           path, osh_policy_generation(snapshot), osh_policy_sha256(snapshot));
    adopt_swap(adopt, snapshot, (const char *const *)restart);
    /* A reader of the line may count on it. */
    if (!adopt->quiet)
        g_printerr("%s\n", line);
}

/* Returns: (transfer full): the first error as @candidate's file has it; without the folder, since
 * a quarantine shows it to programs. */
static char *
first_error(const OshPolicyCandidate *candidate)
{
    g_autofree char *name = g_path_get_basename(candidate->path);
    GString *text = g_string_new(NULL);

    osh_text_append_terminal(text, name);
    if (candidate->state == OSH_CANDIDATE_ABSENT) {
        g_string_append(text, candidate->about.st_ino != 0 ? ": the file is empty"
                                                           : ": the file is not there");
        return g_string_free(text, FALSE);
    }
    for (guint i = 0; i < osh_policy_diagnostics_length(candidate->diagnostics); i++) {
        const OshPolicyDiagnostic *one = osh_policy_diagnostics_get(candidate->diagnostics, i);

        if (one->severity != OSH_POLICY_DIAGNOSTIC_ERROR)
            continue;
        if (one->line > 0)
            g_string_append_printf(text, ":%u:%u", one->line, one->column);
        g_string_append(text, ": ");
        osh_policy_append_printable(text, one->message);
        break;
    }
    return g_string_free(text, FALSE);
}

static void
say_errors(const OshPolicyCandidate *candidate, const char *path)
{
    OshPolicyDiagnostics *diagnostics = candidate->diagnostics;
    guint shown = 0;
    guint errors = osh_policy_diagnostics_n_errors(diagnostics);

    if (candidate->state == OSH_CANDIDATE_ABSENT)
        g_printerr("%s: error: %s\n", path,
                   candidate->about.st_ino != 0 ? "the file is empty" : "the file is not there");
    for (guint i = 0; i < osh_policy_diagnostics_length(diagnostics) && shown < SHOWN_ERRORS; i++) {
        const OshPolicyDiagnostic *one = osh_policy_diagnostics_get(diagnostics, i);
        g_autofree char *line = NULL;

        if (one->severity != OSH_POLICY_DIAGNOSTIC_ERROR)
            continue;
        line = osh_policy_diagnostic_format(diagnostics, one);
        g_printerr("%s\n", line);
        shown++;
    }
    if (errors > shown)
        g_printerr("%s: %u more errors; openshell-host check lists them\n", path, errors - shown);
}

static void
begin_quarantine(OshPolicyAdopt *adopt, OshPolicySnapshot *current, const char *problem)
{
    OshPolicySnapshot *quarantine =
        osh_policy_quarantine(current, osh_policy_generation(current) + 1, problem);

    adopt_swap(adopt, quarantine, NULL);
}

static void
adopt_rejected(OshPolicyAdopt *adopt, const OshPolicyCandidate *candidate, gboolean asked)
{
    g_autoptr(OshPolicySnapshot) current = osh_policy_service_ref_current(adopt->service);
    g_autofree char *path = shown_path(candidate->path);
    g_autofree char *problem = first_error(candidate);
    const OshEventPolicyRejected rejected = {
        .generation = osh_policy_generation(current),
        .file = candidate->path,
        .problem = problem,
    };
    gboolean same =
        strcmp(candidate->sha256, adopt->rejected) == 0 && g_strcmp0(problem, adopt->problem) == 0;
    gboolean close = adopt->posture == OSH_POSTURE_FAIL_CLOSED;

    if (same && !asked)
        return;
    g_printerr("openshell: error: the policy changed and cannot be used; generation "
               "%" G_GUINT64_FORMAT "%s:\n",
               osh_policy_generation(current) + (close && !same ? 1 : 0),
               close ? " is a quarantine, in which everything is denied" : " stays in force");
    say_errors(candidate, path);
    if (same)
        return;
    publish(adopt, OSH_TOPIC_POLICY_REJECTED, osh_event_policy_rejected_pack(&rejected));
    if (close)
        begin_quarantine(adopt, current, problem);
    memcpy(adopt->rejected, candidate->sha256, sizeof(adopt->rejected));
    g_free(adopt->problem);
    adopt->problem = g_steal_pointer(&problem);
}

/* The text in force; in between the file may have been another. */
static void
adopt_unchanged(OshPolicyAdopt *adopt, const OshPolicyCandidate *candidate, gboolean asked)
{
    g_autoptr(OshPolicySnapshot) current = osh_policy_service_ref_current(adopt->service);
    g_autofree char *path = shown_path(candidate->path);

    if ((asked || adopt->problem != NULL) && !adopt->quiet)
        g_printerr("openshell: policy %s: %s, generation %" G_GUINT64_FORMAT " stays in force\n",
                   path, adopt->problem != NULL ? "it is valid again" : "it has not changed",
                   osh_policy_generation(current));
    forget_rejection(adopt);
}

void
osh_policy_adopt_prepare(const OshPolicyAdopt *adopt, OshPolicyCandidate *candidate, gboolean asked)
{
    g_autoptr(OshPolicySnapshot) current = osh_policy_service_ref_current(adopt->service);

    candidate->generation = osh_policy_generation(current) + 1;
    candidate->protocols = osh_policy_protocols(current);
    /* A quarantine is left by the very policy that was in force before it. */
    if (osh_policy_quarantine_reason(current) == NULL)
        g_strlcpy(candidate->in_force, osh_policy_sha256(current), sizeof(candidate->in_force));
    if (!asked)
        g_strlcpy(candidate->rejected, adopt->rejected, sizeof(candidate->rejected));
}

void
osh_policy_adopt_candidate(OshPolicyAdopt *adopt, OshPolicyCandidate *candidate, gboolean asked)
{
    switch (candidate->state) {
    case OSH_CANDIDATE_LOADED:
        adopt_loaded(adopt, candidate);
        return;
    case OSH_CANDIDATE_UNCHANGED:
        adopt_unchanged(adopt, candidate, asked);
        return;
    case OSH_CANDIDATE_REJECTED:
    case OSH_CANDIDATE_ABSENT:
        adopt_rejected(adopt, candidate, asked);
        return;
    case OSH_CANDIDATE_REJECTED_BEFORE:
    case OSH_CANDIDATE_UNSTABLE:
        return;
    }
}

void
osh_policy_adopt_free(OshPolicyAdopt *adopt)
{
    if (adopt == NULL)
        return;
    if (adopt->retirement != NULL)
        g_source_destroy(adopt->retirement);
    g_clear_pointer(&adopt->retirement, g_source_unref);
    g_ptr_array_unref(adopt->retired);
    g_clear_pointer(&adopt->boxed, osh_policy_snapshot_unref);
    g_free(adopt->problem);
    g_free(adopt->restart);
    g_free(adopt);
}
