/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c: carries bytes, modes and size between the outer terminal and that of a program.
 *
 * [main]. The outer terminal is shared with the program that started us: its modes are set only
 * while we are in its foreground, it is never made non-blocking (that would be seen by everyone who
 * has it open), and it gets its modes back before we stop and before we end. It may be stopped
 * (Ctrl-S) for hours, and a write to it then blocks although poll(2) found it writable: a thread
 * writes, and nothing here waits for the terminal (no TCSADRAIN). Keys are read from a descriptor
 * of our own where the terminal can be opened again, since another reader may take what poll(2) has
 * promised.
 *
 * Where stdin and stdout are the outer terminal it is raw, and the box's terminal does all the
 * rest: lines, echo, keys that send signals. Such a signal goes to our own process group too, where
 * a shell script or the other programs of a pipeline wait for it.
 *
 * Where they are not both that terminal, a pager or a password prompt of another program may have
 * it as well. Then it stays as it is and does the rest itself; the box's terminal has EXTPROC
 * (RFC 1116: the local side edits), passes bytes as they come, and tells when the program sets
 * modes, which the outer terminal then gets. A line is taken from it only when no other program has
 * taken it for a moment, while its modes are those that we know, and after the program has read the
 * line before: as much as can be is left to the others. A program that reads key by key (an editor,
 * a shell with jobs) has claimed the terminal: from then on it is as if it were not shared, except
 * that newlines are left to whichever of the two terminals the program wants.
 */
#include "terminal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A reader that takes nothing for so long after the program's end is given up on. */
#define FINISH_USEC    (2 * G_USEC_PER_SEC)
#define FINISH_LOOK_MS 50
#define LEAVE_USEC     (G_USEC_PER_SEC / 3)

/* --- Which descriptors --------------------------------------------------------------------------
 */

static gboolean
is_one_device(int one, int other)
{
    struct stat about;
    struct stat other_about;

    return fstat(one, &about) == 0 && fstat(other, &other_about) == 0 &&
           about.st_rdev == other_about.st_rdev;
}

OshTerminalChoice
osh_terminal_choose(const int stdio[3])
{
    OshTerminalChoice choice = {.outer = -1, .output = -1};
    OshOuterTerminal outer = {.fd = -1};
    struct winsize size = {0};

    for (gsize i = 0; i < 3; i++) {
        choice.is_terminal[i] = stdio[i] >= 0 && isatty(stdio[i]);
        if (choice.is_terminal[i] && choice.outer < 0)
            choice.outer = stdio[i];
    }
    choice.output = choice.is_terminal[1]   ? stdio[1]
                    : choice.is_terminal[2] ? stdio[2]
                                            : choice.outer;
    if (choice.outer < 0)
        return choice;
    outer.fd = choice.outer;
    choice.shared =
        !choice.is_terminal[0] || !choice.is_terminal[1] || !is_one_device(stdio[0], stdio[1]);
    choice.background = !osh_outer_in_foreground(&outer);
    osh_terminal_choose_modes(&choice);
    if (ioctl(choice.outer, TIOCGWINSZ, &size) == 0) {
        choice.rows = size.ws_row;
        choice.columns = size.ws_col;
    }
    return choice;
}

static int
duplicate(int fd)
{
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
}

/* An open file of our own, which may be non-blocking; where it cannot be had, the shared one. */
static int
open_again(int shared, int flags)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", shared);
    int fd = shared >= 0 && isatty(shared) ? open(path, flags | O_NOCTTY | O_CLOEXEC) : -1;

    return fd >= 0 ? fd : shared;
}

/* Standard input may be all that there is, and open to be read only. */
static int
open_output(int output)
{
    int copy = duplicate(output);
    int writable = copy;

    if (copy >= 0 && (fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDONLY)
        writable = open_again(copy, O_WRONLY);
    if (writable != copy)
        close(copy);
    return writable;
}

/* --- Sources ------------------------------------------------------------------------------------
 */

static void
watch(OshTerminalRelay *relay, GSource **source, int fd, GIOCondition condition,
      GUnixFDSourceFunc function)
{
    osh_drop_source(source);
    if (condition == 0 || fd < 0)
        return;
    *source = g_unix_fd_source_new(fd, condition);
    g_source_set_callback(*source, G_SOURCE_FUNC(function), relay, NULL);
    g_source_attach(*source, g_main_context_get_thread_default());
}

void
osh_terminal_look_later(OshTerminalRelay *relay, GSource **source, guint milliseconds,
                        GSourceFunc function)
{
    osh_drop_source(source);
    *source = g_timeout_source_new(milliseconds);
    g_source_set_callback(*source, function, relay, NULL);
    g_source_attach(*source, g_main_context_get_thread_default());
}

/* --- Output -------------------------------------------------------------------------------------
 */

/* Returns: how much of what the program wrote is not written yet */
static gsize
pending_output(const OshTerminalRelay *relay)
{
    return relay->writer != NULL && !osh_fd_writer_is_broken(relay->writer)
               ? osh_fd_writer_pending(relay->writer)
               : 0;
}

static gboolean
output_progressed(gint fd, GIOCondition condition, gpointer data)
{
    guint64 ignored;

    (void)condition;
    if (read(fd, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
        return G_SOURCE_REMOVE;
    osh_terminal_arrange(data);
    return G_SOURCE_CONTINUE;
}

/* An outer terminal that is not raw adds carriage returns, as the box's has done. */
static gsize
take_out_returns(char *bytes, gsize length)
{
    gsize kept = 0;

    for (gsize i = 0; i < length; i++)
        if (bytes[i] != '\r' || i + 1 == length || bytes[i + 1] != '\n')
            bytes[kept++] = bytes[i];
    return kept;
}

static void
deliver(OshTerminalRelay *relay, char *bytes, gsize length)
{
    osh_screen_watch(&relay->screen, bytes, length);
    if (relay->tap != NULL)
        relay->tap(bytes, length, relay->data);
    if (relay->writer == NULL)
        return;
    osh_terminal_follow_newlines(relay);
    if (osh_outer_adds_returns(relay->output))
        length = take_out_returns(bytes, length);
    /* All of it fits: nothing is read before the queue is empty. */
    osh_fd_writer_add(relay->writer, bytes, length);
}

/* Returns: whether anything came. */
static gboolean
read_master(OshTerminalRelay *relay)
{
    char bytes[TERMINAL_BUFFER];
    gssize n = read(relay->master, bytes, sizeof bytes);
    gsize head = relay->outer.shared ? 1 : 0; /* tty_ioctl(4), packet mode */

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return FALSE;
    /* EIO: no process in the box has the terminal open. */
    relay->master_ended |= n <= 0;
    if (n <= 0)
        return FALSE;
    if (head > 0 && bytes[0] != TIOCPKT_DATA) {
        if (bytes[0] & TIOCPKT_IOCTL)
            osh_terminal_follow_modes(relay);
        return TRUE;
    }
    if ((gsize)n > head)
        deliver(relay, bytes + head, (gsize)n - head);
    return TRUE;
}

static gboolean
master_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    (void)fd;
    if (condition & G_IO_OUT)
        osh_terminal_write_keys(relay);
    if (condition & (G_IO_IN | G_IO_PRI | G_IO_HUP | G_IO_ERR))
        read_master(relay);
    osh_terminal_arrange(relay);
    return G_SOURCE_CONTINUE;
}

gboolean
osh_terminal_relay_screen_taken(OshTerminalRelay *relay)
{
    gint64 now = g_get_monotonic_time();
    struct termios inner;
    gboolean taken;

    if (relay->finished || relay->finish_source != NULL)
        return FALSE;
    /* What the program has written before that is on its way. */
    if (pending_output(relay) == 0 && !relay->master_ended && read_master(relay))
        osh_terminal_arrange(relay);
    taken = osh_terminal_get_inner(relay, &inner) &&
            (relay->screen.alternate || !(inner.c_lflag & ICANON));
    if (taken)
        relay->drawn_at = now;
    else if (now > relay->drawn_at + LEAVE_USEC || pending_output(relay) == 0)
        relay->drawn_at = 0;
    /* The last drawing of the program is perhaps not shown yet. */
    return relay->drawn_at != 0;
}

/* Waits for exactly what can be done: a full buffer stops the side that fills it. */
void
osh_terminal_arrange(OshTerminalRelay *relay)
{
    gboolean to_master = relay->to_master.start < relay->to_master.end;
    gboolean to_output = pending_output(relay) > 0;
    gboolean reads = !relay->input_ended && !relay->away && !relay->finished && !to_master &&
                     relay->unread_ms == 0 && relay->look_source == NULL;
    GIOCondition master = 0;

    if (relay->finish_source != NULL)
        return;
    if (!relay->master_ended)
        master = (to_master ? G_IO_OUT : 0) | (to_output ? 0 : G_IO_IN);
    watch(relay, &relay->master_source, relay->master, master, master_ready);
    watch(relay, &relay->input_source, relay->keys, reads ? G_IO_IN : 0,
          osh_terminal_keys_function(relay));
    watch(relay, &relay->output_source, to_output ? osh_fd_writer_progress_fd(relay->writer) : -1,
          G_IO_IN, output_progressed);
}

/* --- Life ---------------------------------------------------------------------------------------
 */

OshTerminalRelay *
osh_terminal_relay_new(const OshTerminalRequest *request)
{
    OshTerminalRelay *relay = g_new0(OshTerminalRelay, 1);

    relay->master = request->master;
    relay->slave = -1;
    relay->input = duplicate(request->input);
    relay->keys = open_again(relay->input, O_RDONLY | O_NONBLOCK);
    relay->output = open_output(request->output);
    if (relay->output >= 0) {
        relay->writer = osh_fd_writer_new(duplicate(relay->output), TERMINAL_BUFFER, NULL);
        osh_fd_writer_start(relay->writer);
    }
    relay->pid = request->pid;
    relay->foreground = request->foreground;
    relay->tap = request->tap;
    relay->room = request->room;
    relay->data = request->data;
    relay->given = !request->background;
    relay->outer.fd = relay->input >= 0 && isatty(relay->input)     ? relay->input
                      : relay->output >= 0 && isatty(relay->output) ? relay->output
                                                                    : -1;
    relay->outer.shared = request->shared && request->modes != NULL && relay->outer.fd >= 0;
    fcntl(relay->master, F_SETFL, fcntl(relay->master, F_GETFL) | O_NONBLOCK);
    osh_terminal_begin_modes(relay, request->modes);
    if (relay->given && !relay->outer.shared)
        osh_outer_make_raw(&relay->outer);
    osh_terminal_arrange(relay);
    return relay;
}

static void
stop_sources(OshTerminalRelay *relay)
{
    osh_drop_source(&relay->master_source);
    osh_drop_source(&relay->input_source);
    osh_drop_source(&relay->output_source);
    osh_drop_source(&relay->look_source);
    osh_drop_source(&relay->unread_source);
}

/* Blocks, but not for long. */
static void
deliver_now(OshTerminalRelay *relay)
{
    gint64 deadline = g_get_monotonic_time() + LEAVE_USEC;

    while (relay->writer == NULL || osh_fd_writer_is_broken(relay->writer) ||
           osh_fd_writer_flush(relay->writer, deadline))
        if (g_get_monotonic_time() > deadline || !read_master(relay))
            break;
}

void
osh_terminal_relay_leave(OshTerminalRelay *relay)
{
    deliver_now(relay);
    osh_outer_restore(&relay->outer);
    relay->away = TRUE;
    osh_drop_source(&relay->look_source);
    osh_terminal_arrange(relay);
}

/*
 * Delivers what the program wrote before it ended; a reader that takes nothing is given up on. A
 * process that was left behind may go on writing: reading has an end of its own.
 */
static gboolean
finish(gpointer data)
{
    OshTerminalRelay *relay = data;
    gint64 now = g_get_monotonic_time();
    gsize pending = pending_output(relay);
    gboolean more = TRUE;

    if (pending == 0)
        more =
            !relay->master_ended && now < relay->finish_began + FINISH_USEC && read_master(relay);
    if (pending != relay->pending)
        relay->progress = now;
    relay->pending = pending;
    if (more && now < relay->progress + FINISH_USEC) {
        osh_terminal_look_later(relay, &relay->finish_source, pending > 0 ? FINISH_LOOK_MS : 0,
                                finish);
        return G_SOURCE_REMOVE;
    }
    osh_drop_source(&relay->finish_source);
    osh_outer_restore(&relay->outer);
    relay->finished = TRUE;
    osh_terminal_arrange(relay);
    relay->done(relay->done_data);
    return G_SOURCE_REMOVE;
}

void
osh_terminal_relay_finish(OshTerminalRelay *relay, void (*done)(gpointer data), gpointer data)
{
    stop_sources(relay);
    relay->done = done;
    relay->done_data = data;
    relay->finish_began = relay->progress = g_get_monotonic_time();
    relay->pending = pending_output(relay);
    relay->finish_source = g_idle_source_new();
    g_source_set_priority(relay->finish_source, G_PRIORITY_DEFAULT);
    g_source_set_callback(relay->finish_source, finish, relay, NULL);
    g_source_attach(relay->finish_source, g_main_context_get_thread_default());
}

gboolean
osh_terminal_relay_resize(OshTerminalRelay *relay, guint16 rows, guint16 columns)
{
    struct winsize size = {.ws_row = MAX(rows, 1), .ws_col = MAX(columns, 1)};

    return ioctl(relay->master, TIOCSWINSZ, &size) == 0;
}

gssize
osh_terminal_relay_type(OshTerminalRelay *relay, const char *bytes, gsize length)
{
    OshTerminalBuffer *buffer = &relay->to_master;

    if (relay->master_ended)
        return -1;
    if (buffer->start < buffer->end)
        return 0;
    buffer->start = 0;
    buffer->end = MIN(length, sizeof buffer->bytes);
    memcpy(buffer->bytes, bytes, buffer->end);
    osh_terminal_arrange(relay);
    return (gssize)buffer->end;
}

void
osh_terminal_relay_free(OshTerminalRelay *relay)
{
    if (relay == NULL)
        return;
    if (relay->finished)
        deliver_now(relay);
    osh_outer_restore(&relay->outer);
    stop_sources(relay);
    osh_drop_source(&relay->finish_source);
    close(relay->master);
    if (relay->slave >= 0)
        close(relay->slave);
    osh_fd_writer_free(relay->writer);
    if (relay->keys >= 0 && relay->keys != relay->input)
        close(relay->keys);
    if (relay->input >= 0)
        close(relay->input);
    if (relay->output >= 0)
        close(relay->output);
    g_free(relay);
}
