/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-reload.c: when the policy file is read again. [main]; a large file is compiled on a
 * worker.
 *
 *   something happened -> a pause -> read, compile -> still the same file? -> announce
 *
 * What a reading means for the run, and what is said about it, stands in policy-adopt.c. It must
 * never look at a file that a program of the box could have put there, and never wait.
 */
#include "policy-reload.h"

#include <string.h>

#include "file-chain.h"
#include "file-watch.h"
#include "openshell/host.h"
#include "osh-text.h"
#include "policy-adopt.h"
#include "policy-candidate.h"

/*
 * Programs that do not replace the file truncate, write and close it: one change within this time.
 */
#define SETTLE     (100 * G_TIME_SPAN_MILLISECOND)
#define MAX_SETTLE (2 * G_TIME_SPAN_SECOND)
/* A file that is gone or empty gets this long to come back before it counts as an answer. */
#define ABSENCE (1 * G_TIME_SPAN_SECOND)
/* After this a person is told what a reload waits for. */
#define WRITER_NOTICE (10 * G_TIME_SPAN_SECOND)
/* About a millisecond of compiling. */
#define LARGE_FILE (32 * 1024)
/* The kernel takes longer to give a watch back than a short run takes. */
#define WATCH_AFTER_MSEC 100

struct _OshPolicyReload {
    OshPolicyAdopt *adopt;
    OshPolicyService *service;
    OshWorkerPool *workers;
    char *path;
    char **writable;
    OshPolicyVet vet;
    gpointer vet_data;
    gboolean quiet;
    const char *grant;   /* (nullable): why the file is not read again */
    OshFileWatch *watch; /* (nullable): not before WATCH_AFTER_MSEC have passed */
    GSource *watch_timer;
    GSource *timer;
    gint64 first_change;   /* of those not read yet, 0 for none */
    gint64 absent_since;   /* 0 while there is something */
    gint64 unstable_since; /* 0 while nobody writes */
    gboolean writer_named;
    gboolean asked;
    gboolean again;   /* something happened while a candidate was read */
    gboolean reading; /* the candidate belongs to a worker */
    OshPolicyCandidate candidate;
};

static void reload_read(OshPolicyReload *reload);

gboolean
osh_policy_posture_parse(const char *text, OshPolicyPosture *ret_posture, GError **error)
{
    if (text == NULL || g_str_equal(text, "retain_last_valid")) {
        *ret_posture = OSH_POSTURE_RETAIN_LAST_VALID;
        return TRUE;
    }
    if (g_str_equal(text, "fail_closed")) {
        *ret_posture = OSH_POSTURE_FAIL_CLOSED;
        return TRUE;
    }
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "policy-posture: '%s' is neither retain_last_valid nor fail_closed", text);
    return FALSE;
}

static void
say(const OshPolicyReload *reload, const char *text)
{
    g_autoptr(GString) line = g_string_new("openshell: policy ");

    osh_text_append_terminal(line, reload->path);
    g_printerr("%s %s\n", line->str, text);
}

static gboolean
reload_due(gpointer data)
{
    OshPolicyReload *reload = data;

    g_clear_pointer(&reload->timer, g_source_unref);
    reload_read(reload);
    return G_SOURCE_REMOVE;
}

static void
stop_timer(OshPolicyReload *reload)
{
    if (reload->timer == NULL)
        return;
    g_source_destroy(reload->timer);
    g_clear_pointer(&reload->timer, g_source_unref);
}

static void
read_in(OshPolicyReload *reload, gint64 pause)
{
    stop_timer(reload);
    reload->timer = g_timeout_source_new((guint)(MAX(pause, 0) / G_TIME_SPAN_MILLISECOND));
    g_source_set_callback(reload->timer, reload_due, reload, NULL);
    g_source_attach(reload->timer, g_main_context_get_thread_default());
}

static void
reload_changed(gpointer data)
{
    OshPolicyReload *reload = data;
    gint64 now = g_get_monotonic_time();

    if (reload->first_change == 0)
        reload->first_change = now;
    read_in(reload, MIN(SETTLE, reload->first_change + MAX_SETTLE - now));
}

/* It will be read once more. Returns: TRUE, for the caller to return. */
static gboolean
try_again(OshPolicyReload *reload)
{
    if (reload->timer == NULL)
        read_in(reload, SETTLE);
    return TRUE;
}

/* Returns: whether the file is to be read again before anything is made of it. */
static gboolean
is_premature(OshPolicyReload *reload)
{
    const OshPolicyCandidate *candidate = &reload->candidate;
    gint64 now = g_get_monotonic_time();

    if (candidate->state == OSH_CANDIDATE_UNSTABLE || !osh_policy_candidate_is_current(candidate)) {
        if (reload->unstable_since == 0)
            reload->unstable_since = now;
        if (now - reload->unstable_since >= WRITER_NOTICE && !reload->writer_named) {
            reload->writer_named = TRUE;
            say(reload, "changed, and some process still has it open for writing: it is read when "
                        "that one closes it");
        }
        return try_again(reload);
    }
    reload->unstable_since = 0;
    reload->writer_named = FALSE;
    if (candidate->state == OSH_CANDIDATE_ABSENT) {
        if (reload->absent_since == 0)
            reload->absent_since = now;
        if (now - reload->absent_since < ABSENCE)
            return try_again(reload);
    }
    reload->absent_since = 0;
    return FALSE;
}

/* [main] The candidate is ours again. */
static void
reload_read_done(gpointer data)
{
    OshPolicyReload *reload = data;

    reload->reading = FALSE;
    if (!is_premature(reload)) {
        osh_policy_adopt_candidate(reload->adopt, &reload->candidate, reload->asked);
        reload->asked = FALSE;
    }
    osh_policy_candidate_clear(&reload->candidate);
    if (reload->again)
        try_again(reload);
    reload->again = FALSE;
}

/* [worker] */
static void
reload_read_aside(gpointer data)
{
    OshPolicyReload *reload = data;

    osh_policy_candidate_read(&reload->candidate);
}

static gboolean
is_large(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && about.st_size > LARGE_FILE;
}

static void
reload_read(OshPolicyReload *reload)
{
    if (reload->reading) {
        reload->again = TRUE;
        return;
    }
    reload->first_change = 0;
    reload->candidate = (OshPolicyCandidate){
        .path = reload->path,
        .writable = (const char *const *)reload->writable,
        .flags = OSH_RUN_POLICY_FLAGS,
        .vet = reload->vet,
        .vet_data = reload->vet_data,
        .seen_writer = reload->watch != NULL && osh_file_watch_is_being_written(reload->watch),
    };
    osh_policy_adopt_prepare(reload->adopt, &reload->candidate, reload->asked);
    reload->reading = TRUE;
    if (reload->workers == NULL || !is_large(reload->path)) {
        osh_policy_candidate_read(&reload->candidate);
        reload_read_done(reload);
    } else if (!osh_worker_pool_submit(reload->workers, reload_read_aside, reload_read_done,
                                       reload)) {
        /* Every worker is busy; compiling here would block the main loop. */
        reload->reading = FALSE;
        try_again(reload);
    }
}

static gboolean
reload_watch(gpointer data)
{
    OshPolicyReload *reload = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new("is not followed everywhere: ");
    const char *problem;

    reload->watch = osh_file_watch_new(reload->path, reload_changed, reload, &error);
    problem = reload->watch != NULL ? osh_file_watch_problem(reload->watch) : error->message;
    if (problem != NULL && !reload->quiet) {
        osh_text_append_terminal(text, problem);
        g_string_append(text, "; SIGHUP to the host reads it again");
        say(reload, text->str);
    }
    /* The file may have changed before it was watched. */
    read_in(reload, 0);
    g_clear_pointer(&reload->watch_timer, g_source_unref);
    return G_SOURCE_REMOVE;
}

static void
say_not_read(const OshPolicyReload *reload)
{
    g_autoptr(GString) text = g_string_new("was read once and is not followed: programs in the box "
                                           "may write ");

    osh_text_append_terminal(text, reload->grant);
    g_string_append(text, "; a policy in another folder is followed");
    say(reload, text->str);
}

OshPolicyReload *
osh_policy_reload_new(const OshPolicyReloadRequest *request)
{
    static const char *const nothing[] = {NULL};
    OshPolicyReload *reload = g_new0(OshPolicyReload, 1);

    reload->adopt = osh_policy_adopt_new(request);
    reload->service = request->service;
    reload->workers = request->workers;
    reload->path = g_strdup(request->path);
    reload->writable =
        g_strdupv((char **)(request->writable != NULL ? request->writable : nothing));
    reload->vet = request->vet;
    reload->vet_data = request->vet_data;
    reload->quiet = request->quiet;
    reload->grant = osh_file_chain_writable(reload->path, (const char *const *)reload->writable);
    if (reload->grant != NULL) {
        if (request->verbose)
            say_not_read(reload);
        return reload;
    }
    reload->watch_timer = g_timeout_source_new(WATCH_AFTER_MSEC);
    g_source_set_callback(reload->watch_timer, reload_watch, reload, NULL);
    g_source_attach(reload->watch_timer, NULL);
    return reload;
}

void
osh_policy_reload_now(OshPolicyReload *reload)
{
    if (reload->grant != NULL) {
        say_not_read(reload);
        return;
    }
    reload->asked = TRUE;
    stop_timer(reload);
    reload_read(reload);
}

void
osh_policy_reload_free(OshPolicyReload *reload)
{
    if (reload == NULL)
        return;
    stop_timer(reload);
    if (reload->watch_timer != NULL)
        g_source_destroy(reload->watch_timer);
    g_clear_pointer(&reload->watch_timer, g_source_unref);
    osh_file_watch_free(reload->watch);
    osh_policy_candidate_clear(&reload->candidate);
    osh_policy_adopt_free(reload->adopt);
    g_strfreev(reload->writable);
    g_free(reload->path);
    g_free(reload);
}
