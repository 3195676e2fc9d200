/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standard-error.c: a queue between the host and its standard error.
 *
 * Begun, started and ended on [main]; written to from [any]. Standard error may be a pipe that
 * nobody reads or a terminal that is stopped. Whatever the host has to do (end a program whose time
 * is over, decide) must not wait for it, so a thread writes, and a line that finds the queue full
 * is counted; the count is written as soon as there is capacity.
 *
 * The writer is global because GLib's handlers have no place for an instance. A process has one
 * standard error.
 */
#include "standard-error.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "osh-fd-writer.h"
#include "osh-text.h"

#define QUEUE_BYTES (256 * 1024)
#define GRACE_USEC  G_USEC_PER_SEC

static OshFdWriter *standard_error; /* (nullable); set before the first thread, never freed */

void
osh_standard_streams_open(void)
{
    for (int fd = 0; fd <= 2; fd++)
        /* The lowest number that is free is this one. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

static void
say_loss(GString *note, guint64 lines)
{
    g_string_append_printf(note,
                           "openshell: %" G_GUINT64_FORMAT
                           " lines are missing here: standard error took nothing meanwhile\n",
                           lines);
}

static void
print_error(const char *text)
{
    osh_fd_writer_add_line(standard_error, text, strlen(text));
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
osh_standard_error_end(void)
{
    if (standard_error == NULL)
        return;
    osh_fd_writer_start(standard_error);
    osh_fd_writer_flush(standard_error, g_get_monotonic_time() + GRACE_USEC);
}
