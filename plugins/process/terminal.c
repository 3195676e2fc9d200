/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c: carries bytes, size and stops between the outer terminal and that of a program.
 *
 * [main]. The outer terminal is shared with whoever started us: it is raw only while we are in its
 * foreground, it is never made non-blocking (that would be seen by everyone who has it open), and
 * it gets its modes back before we stop and before we end. It may be stopped (Ctrl-S) for hours,
 * and a write to it then blocks although poll(2) found it writable: a thread writes, and nothing
 * here waits for the terminal (no TCSADRAIN). Keys are read from a descriptor of our own where the
 * terminal can be opened again, since another reader may take what poll(2) has promised.
 *
 * A program that is the leader of its session is an orphan to job control: the kernel drops its
 * own ^Z. So the suspend character is looked for here, and stops the program and this process, as
 * the shell outside expects. While a shell in the box runs a job of its own, the character is that
 * shell's business and passes.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "osh-fd-writer.h"

#define TERMINAL_BUFFER 16384
/* A reader that takes nothing for so long after the program's end is given up on. */
#define FINISH_USEC    (2 * G_USEC_PER_SEC)
#define FINISH_LOOK_MS 50

typedef struct {
    gsize start;
    gsize end;
    char bytes[TERMINAL_BUFFER];
} Buffer;

struct OshTerminalRelay {
    int master;
    int input;
    int keys; /* what is read for @input: the same terminal, opened again; or @input */
    int output;
    int outer;           /* of the two, the terminal; -1 when neither is */
    OshFdWriter *writer; /* (nullable): of @output */
    int signals;
    pid_t pid;
    void (*signal)(int signal_number, gpointer data);
    void (*tap)(const char *bytes, gsize length, gpointer data);
    void (*room)(gpointer data);
    gpointer signal_data;
    gboolean raw;
    gboolean input_ended;
    gboolean master_ended;
    struct termios saved;
    Buffer to_master;
    GSource *master_source;
    GSource *input_source;
    GSource *output_source;
    GSource *signal_source;
    GSource *finish_source;
    gint64 finish_began;
    gint64 progress; /* while finishing: time of the last, and what was pending then */
    gsize pending;
    void (*done)(gpointer data);
    gpointer done_data;
};

static void arrange(OshTerminalRelay *relay);

OshTerminalChoice
osh_terminal_choose(const int stdio[3])
{
    OshTerminalChoice choice = {.outer = -1, .output = -1};
    struct winsize size = {0};

    for (gsize i = 0; i < 3; i++) {
        choice.is_terminal[i] = stdio[i] >= 0 && isatty(stdio[i]);
        if (choice.is_terminal[i] && choice.outer < 0)
            choice.outer = stdio[i];
    }
    choice.output = choice.is_terminal[1]   ? stdio[1]
                    : choice.is_terminal[2] ? stdio[2]
                                            : choice.outer;
    if (choice.outer >= 0 && ioctl(choice.outer, TIOCGWINSZ, &size) == 0) {
        choice.rows = size.ws_row;
        choice.columns = size.ws_col;
    }
    return choice;
}

static void
fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGWINCH);
    sigaddset(set, SIGCONT);
    sigaddset(set, SIGTSTP);
}

void
osh_terminal_block_signals(void)
{
    sigset_t set;

    fill_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static gboolean
in_foreground(const OshTerminalRelay *relay)
{
    return relay->outer >= 0 && tcgetpgrp(relay->outer) == getpgrp();
}

static void
make_raw(OshTerminalRelay *relay)
{
    struct termios raw;

    if (relay->raw || !in_foreground(relay) || tcgetattr(relay->outer, &relay->saved) != 0)
        return;
    raw = relay->saved;
    cfmakeraw(&raw);
    relay->raw = tcsetattr(relay->outer, TCSANOW, &raw) == 0;
}

static void
restore(OshTerminalRelay *relay)
{
    if (!relay->raw)
        return;
    relay->raw = FALSE;
    /* In the background this would stop us; then the terminal is somebody else's by now. */
    if (in_foreground(relay))
        tcsetattr(relay->outer, TCSANOW, &relay->saved);
}

static void
copy_size(OshTerminalRelay *relay)
{
    struct winsize size;

    if (relay->outer >= 0 && ioctl(relay->outer, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        ioctl(relay->master, TIOCSWINSZ, &size);
}

/* Stops the program and ourselves; comes back when somebody has us go on. */
static void
suspend(OshTerminalRelay *relay)
{
    if (relay->signal != NULL)
        relay->signal(SIGSTOP, relay->signal_data);
    restore(relay);
    kill(getpid(), SIGSTOP);
}

static void
go_on(OshTerminalRelay *relay)
{
    make_raw(relay);
    copy_size(relay);
    if (relay->signal != NULL)
        relay->signal(SIGCONT, relay->signal_data);
    arrange(relay);
}

static gboolean
signals_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;
    struct signalfd_siginfo info;

    (void)condition;
    while (read(fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            copy_size(relay);
        else if (info.ssi_signo == SIGTSTP)
            suspend(relay);
        else
            go_on(relay);
    }
    return G_SOURCE_CONTINUE;
}

static void
drop(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

/* Returns: where the suspend character stands in what was typed and is ours to act on, or -1. */
static gssize
find_suspend(const OshTerminalRelay *relay, const char *bytes, gsize length)
{
    struct termios inner;
    const char *found;

    if (relay->outer < 0 || tcgetattr(relay->master, &inner) != 0 || !(inner.c_lflag & ISIG) ||
        inner.c_cc[VSUSP] == _POSIX_VDISABLE || tcgetpgrp(relay->master) != relay->pid)
        return -1;
    found = memchr(bytes, inner.c_cc[VSUSP], length);
    return found != NULL ? found - bytes : -1;
}

static gboolean
input_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;
    Buffer *buffer = &relay->to_master;
    gssize n = read(fd, buffer->bytes, sizeof buffer->bytes);
    gssize suspend_at;

    (void)condition;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (n <= 0) {
        struct termios inner;

        /* What a terminal's user would type to say the same. */
        relay->input_ended = TRUE;
        buffer->bytes[0] = tcgetattr(relay->master, &inner) == 0 ? (char)inner.c_cc[VEOF] : 4;
        buffer->end = 1;
    } else {
        suspend_at = find_suspend(relay, buffer->bytes, (gsize)n);
        buffer->end = (gsize)n;
        if (suspend_at >= 0) {
            memmove(buffer->bytes + suspend_at, buffer->bytes + suspend_at + 1,
                    (gsize)(n - suspend_at - 1));
            buffer->end--;
            suspend(relay);
        }
    }
    buffer->start = 0;
    arrange(relay);
    return G_SOURCE_CONTINUE;
}

static void
write_some(int fd, Buffer *buffer, gsize most)
{
    gssize n = write(fd, buffer->bytes + buffer->start, MIN(buffer->end - buffer->start, most));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    /* A side that takes nothing any more must not hold up the other. */
    buffer->start = n < 0 ? buffer->end : buffer->start + (gsize)n;
}

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
    arrange(data);
    return G_SOURCE_CONTINUE;
}

/* Returns: whether anything came. */
static gboolean
read_master(OshTerminalRelay *relay)
{
    char bytes[TERMINAL_BUFFER];
    gssize n = read(relay->master, bytes, sizeof bytes);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return FALSE;
    /* EIO: nobody in the box has the terminal open. */
    relay->master_ended |= n <= 0;
    /* All of it fits: nothing is read before the queue is empty. */
    if (n > 0 && relay->writer != NULL)
        osh_fd_writer_add(relay->writer, bytes, (gsize)n);
    if (n > 0 && relay->tap != NULL)
        relay->tap(bytes, (gsize)n, relay->signal_data);
    return n > 0;
}

static gboolean
master_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    if (condition & G_IO_OUT)
        write_some(fd, &relay->to_master, TERMINAL_BUFFER);
    if ((condition & G_IO_OUT) && relay->room != NULL &&
        relay->to_master.start == relay->to_master.end)
        relay->room(relay->signal_data);
    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        read_master(relay);
    arrange(relay);
    return G_SOURCE_CONTINUE;
}

static void
watch(OshTerminalRelay *relay, GSource **source, int fd, GIOCondition condition,
      GUnixFDSourceFunc function)
{
    drop(source);
    if (condition == 0 || fd < 0)
        return;
    *source = g_unix_fd_source_new(fd, condition);
    g_source_set_callback(*source, G_SOURCE_FUNC(function), relay, NULL);
    g_source_attach(*source, g_main_context_get_thread_default());
}

/* Waits for exactly what can be done: a full buffer stops whoever fills it. */
static void
arrange(OshTerminalRelay *relay)
{
    gboolean to_master = relay->to_master.start < relay->to_master.end;
    gboolean to_output = pending_output(relay) > 0;
    gboolean may_read =
        !relay->input_ended && !to_master && (relay->outer != relay->input || in_foreground(relay));
    GIOCondition master = 0;

    if (!relay->master_ended)
        master = (to_master ? G_IO_OUT : 0) | (to_output ? 0 : G_IO_IN);
    watch(relay, &relay->master_source, relay->master, master, master_ready);
    watch(relay, &relay->input_source, relay->keys, may_read ? G_IO_IN : 0, input_ready);
    watch(relay, &relay->output_source, to_output ? osh_fd_writer_progress_fd(relay->writer) : -1,
          G_IO_IN, output_progressed);
}

static int
duplicate(int fd)
{
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
}

/* An open file of our own, which may be non-blocking; where it cannot be had, the shared one. */
static int
open_keys(int input)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", input);
    int fd =
        input >= 0 && isatty(input) ? open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK) : -1;

    return fd >= 0 ? fd : input;
}

static void
copy_modes(OshTerminalRelay *relay)
{
    struct termios modes;

    if (relay->outer < 0)
        return;
    if (tcgetattr(relay->outer, &modes) == 0)
        tcsetattr(relay->master, TCSANOW, &modes);
    copy_size(relay);
}

OshTerminalRelay *
osh_terminal_relay_new(const OshTerminalRequest *request)
{
    OshTerminalRelay *relay = g_new0(OshTerminalRelay, 1);
    sigset_t set;

    relay->master = request->master;
    relay->input = duplicate(request->input);
    relay->keys = open_keys(relay->input);
    relay->output = duplicate(request->output);
    if (relay->output >= 0) {
        relay->writer = osh_fd_writer_new(duplicate(relay->output), TERMINAL_BUFFER, NULL);
        osh_fd_writer_start(relay->writer);
    }
    relay->pid = request->pid;
    relay->signal = request->signal;
    relay->tap = request->tap;
    relay->room = request->room;
    relay->signal_data = request->data;
    relay->outer = relay->input >= 0 && isatty(relay->input)     ? relay->input
                   : relay->output >= 0 && isatty(relay->output) ? relay->output
                                                                 : -1;
    fcntl(relay->master, F_SETFL, fcntl(relay->master, F_GETFL) | O_NONBLOCK);
    copy_modes(relay);
    make_raw(relay);
    fill_signals(&set);
    relay->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (relay->outer >= 0)
        watch(relay, &relay->signal_source, relay->signals, G_IO_IN, signals_ready);
    arrange(relay);
    return relay;
}

static void
stop_sources(OshTerminalRelay *relay)
{
    drop(&relay->master_source);
    drop(&relay->input_source);
    drop(&relay->output_source);
    drop(&relay->signal_source);
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
        drop(&relay->finish_source);
        relay->finish_source = g_timeout_source_new(pending > 0 ? FINISH_LOOK_MS : 0);
        g_source_set_callback(relay->finish_source, finish, relay, NULL);
        g_source_attach(relay->finish_source, g_main_context_get_thread_default());
        return G_SOURCE_REMOVE;
    }
    drop(&relay->finish_source);
    restore(relay);
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
    Buffer *buffer = &relay->to_master;

    if (relay->master_ended)
        return -1;
    if (buffer->start < buffer->end)
        return 0;
    buffer->start = 0;
    buffer->end = MIN(length, sizeof buffer->bytes);
    memcpy(buffer->bytes, bytes, buffer->end);
    arrange(relay);
    return (gssize)buffer->end;
}

void
osh_terminal_relay_free(OshTerminalRelay *relay)
{
    if (relay == NULL)
        return;
    restore(relay);
    stop_sources(relay);
    drop(&relay->finish_source);
    close(relay->master);
    osh_fd_writer_free(relay->writer);
    if (relay->keys >= 0 && relay->keys != relay->input)
        close(relay->keys);
    if (relay->input >= 0)
        close(relay->input);
    if (relay->output >= 0)
        close(relay->output);
    if (relay->signals >= 0)
        close(relay->signals);
    g_free(relay);
}
