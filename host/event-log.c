/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-log.c: the event sink behind `--events FILE`.
 *
 * [main] A batch of events becomes one write(2). What the file could not take is not taken from
 * the bus either: the queue keeps it and refuses reservations, so nothing is allowed that cannot be
 * recorded (security rule 11). What can be waited for is watched until it has room; a full disk is
 * tried again once a second.
 *
 * It must never leave half a line behind that another write would continue wrongly: the rest of a
 * line that was cut by a short write goes out first.
 */
#include "event-log.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#include "event-json.h"
#include "openshell/ext/event-sink.h"
#include "output-file.h"

#define EVENT_LOG_RETRY_MS 1000

struct _OshEventLog {
    int fd;
    char *path;
    GString *line; /* what must be written before anything else */
    gsize written; /* how much of it is */
    int failure;   /* errno of the last write, 0 when it worked */
    GSource *retry;
    OshCallback resume;
    gpointer resume_data;
};

OshEventLog *
osh_event_log_new(int fd, const char *path)
{
    OshEventLog *log = g_new0(OshEventLog, 1);

    log->fd = fd;
    log->path = g_strdup(path);
    log->line = g_string_new(NULL);
    return log;
}

OshEventLog *
osh_event_log_open(const char *path, const char *const *writable, GError **error)
{
    int fd = osh_output_file_open("the event log", path, writable, error);

    return fd >= 0 ? osh_event_log_new(fd, path) : NULL;
}

static void
event_log_stop_waiting(OshEventLog *log)
{
    if (log->retry == NULL)
        return;
    g_source_destroy(log->retry);
    g_clear_pointer(&log->retry, g_source_unref);
}

static gboolean
event_log_retry(OshEventLog *log)
{
    event_log_stop_waiting(log);
    if (log->resume != NULL)
        log->resume(log->resume_data);
    return G_SOURCE_REMOVE;
}

static gboolean
event_log_writable(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    return event_log_retry(data);
}

static gboolean
event_log_timed(gpointer data)
{
    return event_log_retry(data);
}

static void
event_log_wait(OshEventLog *log)
{
    if (log->retry != NULL)
        return;
    if (log->failure == EAGAIN) {
        log->retry = g_unix_fd_source_new(log->fd, G_IO_OUT);
        g_source_set_callback(log->retry, G_SOURCE_FUNC(event_log_writable), log, NULL);
    } else {
        log->retry = g_timeout_source_new(EVENT_LOG_RETRY_MS);
        g_source_set_callback(log->retry, event_log_timed, log, NULL);
    }
    g_source_attach(log->retry, g_main_context_get_thread_default());
}

/* Writes what is pending; FALSE when some of it is left. */
static gboolean
event_log_write(OshEventLog *log)
{
    while (log->written < log->line->len) {
        gssize n = write(log->fd, log->line->str + log->written, log->line->len - log->written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            log->failure = errno;
            event_log_wait(log);
            return FALSE;
        }
        log->written += (gsize)n;
    }
    log->failure = 0;
    log->written = 0;
    g_string_truncate(log->line, 0);
    return TRUE;
}

static gsize
event_log_consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    OshEventLog *log = instance;

    if (!event_log_write(log))
        return 0;
    for (gsize i = 0; i < n_events; i++) {
        osh_event_append_json(log->line, events[i]);
        g_string_append_c(log->line, '\n');
    }
    /* What does not fit now is ours to finish: it is pending here, not lost. */
    event_log_write(log);
    return n_events;
}

static void
event_log_flush(gpointer instance, void (*done)(const GError *error, gpointer data), gpointer data)
{
    OshEventLog *log = instance;
    g_autoptr(GError) error = NULL;

    if (!event_log_write(log))
        error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "cannot write the event log %s: %s",
                            log->path, g_strerror(log->failure));
    done(error, data);
}

static void
event_log_resume(gpointer instance, OshCallback resume, gpointer data)
{
    OshEventLog *log = instance;

    log->resume = resume;
    log->resume_data = data;
}

void
osh_event_log_interface(OshEventLog *log, OshInterface *ret_interface)
{
    static const OshEventSinkInterface vtable = {
        .struct_size = sizeof(OshEventSinkInterface),
        .consume = event_log_consume,
        .flush = event_log_flush,
        .resume = event_log_resume,
    };

    *ret_interface = (OshInterface){"host", &vtable, log};
}

void
osh_event_log_close(OshEventLog *log)
{
    if (log == NULL)
        return;
    event_log_stop_waiting(log);
    close(log->fd);
    g_string_free(log->line, TRUE);
    g_free(log->path);
    g_free(log);
}
