/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standard-error.c: a queue between the host and its standard error.
 *
 * Begun, started and ended on [main]; written to from [any]. Standard error may be a pipe that
 * nobody reads or a terminal that is stopped. Whatever the host has to do (end a program whose time
 * is over, decide) must not wait for it, so a thread writes, and a line that finds the queue full
 * is counted; the count is written as soon as there is capacity.
 *
 * A program of the box may draw on the terminal that standard error is. Nobody tells us when it is
 * through with that, so it is looked at now and then while something waits.
 *
 * The writer and who has the screen are global because GLib's handlers have no place for an
 * instance. A process has one standard error.
 */
#include "standard-error.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auto-fd.h"
#include "osh-fd-writer.h"
#include "osh-text.h"

#define QUEUE_BYTES (256 * 1024)
#define GRACE_USEC  G_USEC_PER_SEC
#define LOOK_MS     200

static OshFdWriter *standard_error; /* (nullable); set before the first thread, never freed */
static gint shared;                 /* atomic: a program may have the screen */
/* [main]: */
static OshScreenTaken screen_taken;
static gpointer screen_data;
static GSource *look_source;

gboolean
osh_standard_streams_open(void)
{
    gboolean has_output = TRUE;

    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        has_output = has_output && fd != STDOUT_FILENO;
        /* The lowest number that is free is this one. */
        if (open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) < 0)
            break;
    }
    return has_output;
}

void
osh_standard_output_discard(void)
{
    osh_autofd int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        dup2(fd, STDOUT_FILENO);
}

static void
say_loss(GString *note, guint64 lines)
{
    g_string_append_printf(
        note,
        "openshell: %" G_GUINT64_FORMAT
        " lines are missing here: standard error could not be written meanwhile\n",
        lines);
}

static gboolean look(gpointer data);

static void
drop_look(void)
{
    if (look_source == NULL)
        return;
    g_source_destroy(look_source);
    g_clear_pointer(&look_source, g_source_unref);
}

static gboolean
look_again(gpointer data)
{
    drop_look();
    return look(data);
}

/* What waits is written, or waits on. */
static gboolean
look(gpointer data)
{
    if (screen_taken == NULL)
        return G_SOURCE_REMOVE;
    if (!screen_taken(screen_data)) {
        drop_look();
        osh_fd_writer_limit(standard_error, TRUE);
    } else if (look_source == NULL) {
        look_source = g_timeout_source_new(LOOK_MS);
        g_source_set_callback(look_source, look_again, data, NULL);
        g_source_attach(look_source, NULL);
    }
    return G_SOURCE_REMOVE;
}

/* Where the terminal is raw, a newline alone does not begin a line. */
static gboolean
wants_returns(void)
{
    struct termios modes;

    return tcgetattr(STDERR_FILENO, &modes) == 0 &&
           (!(modes.c_oflag & OPOST) || !(modes.c_oflag & ONLCR));
}

static void
print_error(const char *text)
{
    g_autoptr(GString) line = NULL;

    if (g_atomic_int_get(&shared) && wants_returns()) {
        line = g_string_new(text);
        g_string_replace(line, "\n", "\r\n", 0);
        text = line->str;
    }
    osh_fd_writer_add_line(standard_error, text, strlen(text));
    if (g_atomic_int_get(&shared))
        g_main_context_invoke(NULL, look, NULL);
}

static const char *
field_of(const GLogField *fields, gsize n_fields, const char *key)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
            return fields[i].value;
    return "";
}

/* GLib ends the process behind a fatal message: it is the last chance to have it written. */
static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    const char *domain = field_of(fields, n_fields, "GLIB_DOMAIN");
    g_autoptr(GString) line = g_string_new("openshell: ");

    (void)data;
    if ((level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) &&
        g_log_writer_default_would_drop(level, domain))
        return G_LOG_WRITER_HANDLED;
    if (*domain != '\0')
        g_string_append_printf(line, "%s: ", domain);
    osh_text_append_terminal(line, field_of(fields, n_fields, "MESSAGE"));
    g_string_append_c(line, '\n');
    print_error(line->str);
    if ((level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) == 0)
        return G_LOG_WRITER_HANDLED;
    osh_fd_writer_limit(standard_error, FALSE);
    osh_fd_writer_start(standard_error);
    osh_fd_writer_flush(standard_error, g_get_monotonic_time() + GRACE_USEC);
    return G_LOG_WRITER_HANDLED;
}

void
osh_standard_error_begin(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    if (fd < 0 || standard_error != NULL)
        return;
    standard_error = osh_fd_writer_new(fd, QUEUE_BYTES, say_loss);
    g_set_printerr_handler(print_error);
    g_log_set_writer_func(write_log, NULL, NULL);
}

void
osh_standard_error_start(void)
{
    if (standard_error != NULL)
        osh_fd_writer_start(standard_error);
}

void
osh_standard_error_share(OshScreenTaken taken, gpointer data)
{
    if (standard_error == NULL || !isatty(STDERR_FILENO))
        return;
    screen_taken = taken;
    screen_data = data;
    drop_look();
    g_atomic_int_set(&shared, taken != NULL);
    osh_fd_writer_limit(standard_error, taken != NULL);
}

void
osh_standard_error_end(void)
{
    if (standard_error == NULL)
        return;
    osh_standard_error_share(NULL, NULL);
    osh_fd_writer_start(standard_error);
    osh_fd_writer_flush(standard_error, g_get_monotonic_time() + GRACE_USEC);
}
