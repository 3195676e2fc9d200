/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-log.c: the event sink behind `--events FILE`.
 *
 * [main] A batch of events becomes one write(2). What the file could not take is not taken from
 * the bus either: the queue keeps it and refuses reservations, so nothing is allowed that cannot be
 * recorded (security rule 11, capacity of the record). What can be waited for is watched until it
 * takes more; a full disk is tried again once a second.
 *
 * It must never leave half a line behind: what a short write has put into a file is cut off again,
 * and what it has put into a pipe is completed before anything else goes out. A failure is said in
 * one line when it begins and in one when it is over.
 */
#include "event-log.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event-json.h"
#include "openshell/ext/draft/event-sink.h"
#include "osh-text.h"
#include "output-file.h"

#define EVENT_LOG_RETRY_MS 1000
#define LAST_LINE_MAX      65536

struct _OshEventLog {
    int fd;
    char *path;
    gboolean is_file;
    GString *line; /* what must be written before anything else */
    gsize written; /* how much of it is */
    int failure;   /* errno of the last write, 0 when it worked */
    gboolean said; /* that it fails */
    GSource *retry;
    OshCallback resume;
    gpointer resume_data;
};

/*
 * A run that was killed may have left half a line, which ours must not continue. It is cut off
 * where it is a beginning of ours; anything else that has no end of line gets one.
 */
static void
end_last_line(OshEventLog *log, off_t size)
{
    static const char ours[] = "{\"id\":\"";
    off_t from = MAX(size - LAST_LINE_MAX, 0);
    g_autofree char *end = g_malloc0(LAST_LINE_MAX + 1);
    gssize n = pread(log->fd, end, LAST_LINE_MAX, from);
    const char *line;

    if (n <= 0 || end[n - 1] == '\n')
        return;
    line = memrchr(end, '\n', (gsize)n);
    line = line != NULL ? line + 1 : end;
    if ((line == end && from > 0) || strncmp(line, ours, MIN(strlen(line), strlen(ours))) != 0 ||
        ftruncate(log->fd, from + (line - end)) != 0)
        g_string_append_c(log->line, '\n');
}

OshEventLog *
osh_event_log_new(int fd, const char *path)
{
    OshEventLog *log = g_new0(OshEventLog, 1);
    struct stat status;

    log->fd = fd;
    log->path = g_strdup(path);
    log->line = g_string_new(NULL);
    log->is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (log->is_file)
        end_last_line(log, status.st_size);
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

static void
event_log_say(OshEventLog *log)
{
    g_autoptr(GString) line = g_string_new("openshell: the event log ");
    gboolean fails = log->failure != 0 && log->failure != EAGAIN;

    if (log->said == fails)
        return;
    log->said = fails;
    osh_text_append_word(line, log->path, OSH_TEXT_MAX);
    if (fails)
        g_string_append_printf(line,
                               " cannot be written: %s; until it can be written, what the policy "
                               "allows is denied too (audit-full)",
                               g_strerror(log->failure));
    else
        g_string_append(line, " is written again");
    g_printerr("%s\n", line->str);
}

/*
 * Cuts what there is of a line off the end of the file, unless another run has appended to it
 * since.
 */
static void
event_log_take_back(OshEventLog *log)
{
    const char *start = log->line->str;
    const char *line = log->written > 0 ? memrchr(start, '\n', log->written) : NULL;
    gsize whole = line != NULL ? (gsize)(line - start) + 1 : 0;
    off_t part = (off_t)(log->written - whole);
    off_t end = lseek(log->fd, 0, SEEK_CUR);
    struct stat status;

    if (part == 0 || fstat(log->fd, &status) != 0 || status.st_size != end ||
        ftruncate(log->fd, end - part) != 0)
        return;
    log->written = whole;
}

/* Writes what is pending; FALSE when some of it is left. */
static gboolean
event_log_write(OshEventLog *log)
{
    while (log->written < log->line->len) {
        gssize n = write(log->fd, log->line->str + log->written, log->line->len - log->written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log->failure = n < 0 ? errno : ENOSPC;
            if (log->is_file)
                event_log_take_back(log);
            event_log_say(log);
            event_log_wait(log);
            return FALSE;
        }
        log->written += (gsize)n;
    }
    log->failure = 0;
    event_log_say(log);
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
