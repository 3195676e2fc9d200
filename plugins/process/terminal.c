/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c: carries bytes, modes and size between the outer terminal and that of a program.
 *
 * [main]. The outer terminal is shared with whoever started us: its modes are set only while we are
 * in its foreground, it is never made non-blocking (that would be seen by everyone who has it
 * open), and it gets its modes back before we stop and before we end. It may be stopped (Ctrl-S)
 * for hours, and a write to it then blocks although poll(2) found it writable: a thread writes, and
 * nothing here waits for the terminal (no TCSADRAIN). Keys are read from a descriptor of our own
 * where the terminal can be opened again, since another reader may take what poll(2) has promised.
 *
 * Where stdin and stdout are the outer terminal it is raw, and the box's terminal does all the
 * rest: lines, echo, keys that send signals. Such a signal goes to our own process group too, where
 * a shell script or the other programs of a pipeline wait for it.
 *
 * Where they are not both that terminal, a pager or a password prompt of another program may have
 * it as well. Then it stays as it is and does the rest itself; the box's terminal has EXTPROC
 * (RFC 1116: the local side edits), passes bytes as they come, and tells when the program sets
 * modes, which the outer terminal then gets. A line is taken from it only when nobody else has
 * taken it for a moment, while its modes are those that we know, and after the program has read the
 * line before: as much as can be is left to the others. A program that reads key by key (an editor,
 * a shell with jobs) has claimed the terminal: from then on it is as if it were not shared, except
 * that newlines are left to whichever of the two terminals the program wants.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outer-terminal.h"

#include "osh-fd-writer.h"
#include "osh-screen-watch.h"

#define TERMINAL_BUFFER 16384
/* A reader that takes nothing for so long after the program's end is given up on. */
#define FINISH_USEC    (2 * G_USEC_PER_SEC)
#define FINISH_LOOK_MS 50
#define LEAVE_USEC     (G_USEC_PER_SEC / 3)
/* What another program waits for it takes at once. */
#define PATIENCE_MS    40
#define LOOK_MS        250
#define UNREAD_MS      2
#define MOST_UNREAD_MS 64

typedef struct {
    gsize start;
    gsize end;
    char bytes[TERMINAL_BUFFER];
} Buffer;

struct OshTerminalRelay {
    int master;
    int slave; /* of a shared one, to see what the program has not read; or -1 */
    int input;
    int keys; /* what is read for @input: the same terminal, opened again; or @input */
    int output;
    OshOuterTerminal outer; /* input or output, whichever is a terminal */
    struct termios agreed;  /* of a shared one: modes in which keys are ours to take */
    gboolean follows;       /* and they are the program's own */
    gboolean claimed;       /* of a shared one: the program reads key by key */
    OshFdWriter *writer;    /* (nullable): of @output */
    pid_t pid;
    void (*foreground)(gboolean foreground, gpointer data);
    void (*tap)(const char *bytes, gsize length, gpointer data);
    void (*room)(gpointer data);
    gpointer data;
    gboolean given; /* the program is in the foreground of its terminal */
    gboolean away;  /* we are about to stop */
    gboolean input_ended;
    gboolean master_ended;
    gboolean finished;
    guint unread_ms; /* of a shared one: the program has not read the last line; time to look */
    OshScreenWatch screen;
    Buffer to_master;
    GSource *master_source;
    GSource *input_source;
    GSource *output_source;
    GSource *look_source;
    GSource *unread_source;
    GSource *finish_source;
    gint64 finish_began;
    gint64 progress; /* while finishing: time of the last, and what was pending then */
    gsize pending;
    void (*done)(gpointer data);
    gpointer done_data;
};

static void arrange(OshTerminalRelay *relay);

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
    choice.shared = !choice.is_terminal[0] || !choice.is_terminal[1] ||
                    !is_one_device(stdio[0], stdio[1]);
    choice.background = !osh_outer_in_foreground(&outer);
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
drop(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
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

static void
look_later(OshTerminalRelay *relay, GSource **source, guint milliseconds, GSourceFunc function)
{
    drop(source);
    *source = g_timeout_source_new(milliseconds);
    g_source_set_callback(*source, function, relay, NULL);
    g_source_attach(*source, g_main_context_get_thread_default());
}

/* --- Modes --------------------------------------------------------------------------------------
 */

void
osh_terminal_relay_copy_size(OshTerminalRelay *relay)
{
    struct winsize size;

    if (relay->outer.fd >= 0 && ioctl(relay->outer.fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        ioctl(relay->master, TIOCSWINSZ, &size);
}

/* Returns: FALSE when the terminal is gone. The modes are without EXTPROC. */
static gboolean
get_inner(const OshTerminalRelay *relay, struct termios *ret_modes)
{
    if (tcgetattr(relay->master, ret_modes) != 0)
        return FALSE;
    ret_modes->c_lflag &= (tcflag_t)~EXTPROC;
    return TRUE;
}

static void
set_inner(const OshTerminalRelay *relay, const struct termios *modes)
{
    struct termios inner = *modes;

    if (relay->outer.shared && !relay->claimed)
        inner.c_lflag |= EXTPROC;
    tcsetattr(relay->master, TCSANOW, &inner);
}

/* What it was before a pager beside us, or the shell whose prompt we are behind, set its own. */
static void
make_lines(struct termios *modes)
{
    modes->c_iflag |= ICRNL;
    modes->c_oflag |= OPOST | ONLCR;
    modes->c_lflag |= ICANON | ECHO | ISIG | IEXTEN;
    modes->c_lflag &= (tcflag_t)~EXTPROC;
}

static void
copy_modes(OshTerminalRelay *relay)
{
    int on = 1;

    if (relay->outer.fd < 0)
        return;
    if (relay->outer.shared) {
        ioctl(relay->master, TIOCPKT, &on);
        relay->slave = ioctl(relay->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    if (tcgetattr(relay->outer.fd, &relay->agreed) != 0)
        return;
    if (relay->outer.shared || !relay->given)
        make_lines(&relay->agreed);
    set_inner(relay, &relay->agreed);
    osh_terminal_relay_copy_size(relay);
}

static gboolean
is_same(const struct termios *one, const struct termios *other)
{
    return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag &&
           one->c_lflag == other->c_lflag &&
           memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

/* Keys as they come; newlines as the program has them. */
static void
claim(OshTerminalRelay *relay, const struct termios *inner)
{
    relay->claimed = TRUE;
    relay->unread_ms = 0;
    drop(&relay->unread_source);
    set_inner(relay, inner);
    relay->agreed = *inner;
    cfmakeraw(&relay->agreed);
    relay->agreed.c_oflag = inner->c_oflag;
}

/* The program has set modes of a shared terminal. */
static void
follow_modes(OshTerminalRelay *relay)
{
    struct termios inner;
    gboolean passes;

    if (tcgetattr(relay->master, &inner) != 0)
        return;
    passes = (inner.c_lflag & EXTPROC) != 0;
    inner.c_lflag &= (tcflag_t)~EXTPROC;
    /* The program may have set what it had saved before. */
    if (passes == relay->claimed)
        set_inner(relay, &inner);
    if (relay->claimed || is_same(&inner, &relay->agreed))
        return;
    if (!(inner.c_lflag & ICANON))
        claim(relay, &inner);
    else
        relay->agreed = inner;
    relay->follows = TRUE;
    if (!relay->finished && !relay->away)
        osh_outer_set(&relay->outer, &relay->agreed);
}

static void
follow_newlines(OshTerminalRelay *relay)
{
    struct termios inner;

    if (!relay->claimed || !relay->outer.set || !get_inner(relay, &inner) ||
        inner.c_oflag == relay->agreed.c_oflag)
        return;
    relay->agreed.c_oflag = inner.c_oflag;
    osh_outer_set(&relay->outer, &relay->agreed);
}

gboolean
osh_terminal_relay_is_controlling(const OshTerminalRelay *relay)
{
    return osh_outer_is_controlling(&relay->outer);
}

static void
take_outer(OshTerminalRelay *relay)
{
    if (!relay->outer.shared)
        osh_outer_make_raw(&relay->outer);
    else if (relay->follows)
        osh_outer_set(&relay->outer, &relay->agreed);
}

static void
set_foreground(OshTerminalRelay *relay, gboolean foreground)
{
    relay->given = foreground;
    if (relay->foreground != NULL)
        relay->foreground(foreground, relay->data);
}

gboolean
osh_terminal_relay_give(OshTerminalRelay *relay)
{
    if (relay->outer.fd >= 0 && !osh_outer_in_foreground(&relay->outer))
        return FALSE;
    set_foreground(relay, TRUE);
    if (relay->outer.fd >= 0 && !relay->outer.shared)
        osh_outer_make_raw(&relay->outer);
    arrange(relay);
    return TRUE;
}

void
osh_terminal_relay_return(OshTerminalRelay *relay)
{
    gboolean foreground = relay->outer.fd < 0 || osh_outer_in_foreground(&relay->outer);

    relay->away = FALSE;
    osh_terminal_relay_copy_size(relay);
    if (foreground != relay->given)
        set_foreground(relay, foreground);
    if (foreground && relay->outer.fd >= 0)
        take_outer(relay);
    arrange(relay);
}

gboolean
osh_terminal_relay_signal(OshTerminalRelay *relay, int signal_number)
{
    return relay->outer.shared && !relay->claimed && relay->given &&
           ioctl(relay->master, TIOCSIG, signal_number) == 0;
}

gboolean
osh_terminal_relay_screen_taken(const OshTerminalRelay *relay)
{
    struct termios inner;

    return !relay->finished && get_inner(relay, &inner) &&
           (relay->screen.alternate || !(inner.c_lflag & ICANON));
}

/* --- Keys ---------------------------------------------------------------------------------------
 */

/* Whether keys are for the program, and not for another one that has the same terminal. */
static gboolean
may_read(const OshTerminalRelay *relay)
{
    return relay->outer.fd != relay->input ||
           (relay->given && osh_outer_in_foreground(&relay->outer) &&
            (relay->outer.shared ? osh_outer_equals(&relay->outer, &relay->agreed)
                                 : relay->outer.set));
}

/* What the kernel does for a terminal that is not raw; it comes to ourselves as well. */
static void
signal_own_group(int signal_number)
{
    struct timespec none = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal_number);
    if (kill(0, signal_number) == 0)
        sigtimedwait(&set, NULL, &none);
}

static void
send_key_signals(const OshTerminalRelay *relay, const char *bytes, gsize length)
{
    struct termios inner;

    if ((relay->outer.shared && !relay->claimed) || !osh_outer_is_controlling(&relay->outer) ||
        !get_inner(relay, &inner) || !(inner.c_lflag & ISIG) ||
        tcgetpgrp(relay->master) != relay->pid)
        return;
    for (gsize i = 0; i < length; i++) {
        cc_t key = (cc_t)bytes[i];

        if (key == _POSIX_VDISABLE)
            continue;
        if (key == inner.c_cc[VLNEXT] && (inner.c_lflag & IEXTEN))
            i++;
        else if (key == inner.c_cc[VINTR])
            signal_own_group(SIGINT);
        else if (key == inner.c_cc[VQUIT])
            signal_own_group(SIGQUIT);
    }
}

static gboolean
is_hung_up(const OshTerminalRelay *relay)
{
    struct termios modes;

    return relay->outer.fd != relay->input || tcgetattr(relay->keys, &modes) != 0;
}

/* What a terminal's user would type to say the same. */
static void
type_end(OshTerminalRelay *relay)
{
    Buffer *buffer = &relay->to_master;
    struct termios inner;

    buffer->bytes[0] = get_inner(relay, &inner) ? (char)inner.c_cc[VEOF] : 4;
    buffer->start = 0;
    buffer->end = 1;
}

void
osh_terminal_relay_end_input(OshTerminalRelay *relay)
{
    relay->input_ended = TRUE;
    set_foreground(relay, TRUE);
    type_end(relay);
    arrange(relay);
}

static gboolean
look_again(gpointer data)
{
    OshTerminalRelay *relay = data;
    struct pollfd keys = {.fd = relay->keys, .events = POLLIN};

    drop(&relay->look_source);
    /* A shell has put us into the foreground, and that makes no signal where nothing is stopped. */
    if (poll(&keys, 1, 0) > 0 && osh_outer_in_foreground(&relay->outer)) {
        if (!relay->given)
            set_foreground(relay, TRUE);
        if (!relay->outer.shared)
            osh_outer_make_raw(&relay->outer);
    }
    arrange(relay);
    return G_SOURCE_REMOVE;
}

/* Keys are there that may be another program's. */
static gboolean
keys_wait(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    (void)fd;
    (void)condition;
    drop(&relay->input_source);
    look_later(relay, &relay->look_source, LOOK_MS, look_again);
    return G_SOURCE_REMOVE;
}

static gboolean
input_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;
    Buffer *buffer = &relay->to_master;
    gssize n;

    (void)condition;
    if (!may_read(relay))
        return keys_wait(fd, condition, data);
    n = read(fd, buffer->bytes, sizeof buffer->bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (n < 0 && errno == EIO && !is_hung_up(relay))
        return keys_wait(fd, condition, data);
    if (n <= 0) {
        relay->input_ended = is_hung_up(relay);
        type_end(relay);
    } else {
        buffer->start = 0;
        buffer->end = (gsize)n;
        send_key_signals(relay, buffer->bytes, buffer->end);
    }
    arrange(relay);
    return G_SOURCE_CONTINUE;
}

static gboolean
still_there(gpointer data)
{
    OshTerminalRelay *relay = data;
    struct pollfd keys = {.fd = relay->keys, .events = POLLIN};

    drop(&relay->look_source);
    if (poll(&keys, 1, 0) > 0)
        input_ready(relay->keys, G_IO_IN, relay);
    else
        arrange(relay);
    return G_SOURCE_REMOVE;
}

/* Another program that waits for the same line gets it. */
static gboolean
be_patient(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    (void)fd;
    (void)condition;
    drop(&relay->input_source);
    look_later(relay, &relay->look_source, PATIENCE_MS, still_there);
    return G_SOURCE_REMOVE;
}

/* poll(2) makes the kernel move what is on its way, so that what comes next counts all of it. */
static gboolean
has_read_all(const OshTerminalRelay *relay)
{
    struct pollfd slave = {.fd = relay->slave, .events = POLLIN};
    int count = 0;

    return poll(&slave, 1, 0) < 0 || ioctl(relay->slave, FIONREAD, &count) != 0 || count == 0;
}

static gboolean
look_at_unread(gpointer data)
{
    OshTerminalRelay *relay = data;

    drop(&relay->unread_source);
    if (has_read_all(relay)) {
        relay->unread_ms = 0;
        arrange(relay);
        return G_SOURCE_REMOVE;
    }
    relay->unread_ms = MIN(relay->unread_ms * 2, MOST_UNREAD_MS);
    look_later(relay, &relay->unread_source, relay->unread_ms, look_at_unread);
    return G_SOURCE_REMOVE;
}

/* In lines, a terminal gives its reader one at a time, and leaves the rest to the next one. */
static void
wait_until_read(OshTerminalRelay *relay)
{
    if (relay->slave < 0 || relay->claimed)
        return;
    relay->unread_ms = UNREAD_MS;
    look_later(relay, &relay->unread_source, relay->unread_ms, look_at_unread);
}

static void
write_keys(OshTerminalRelay *relay)
{
    Buffer *buffer = &relay->to_master;
    gssize n = write(relay->master, buffer->bytes + buffer->start, buffer->end - buffer->start);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    /* A side that takes nothing any more must not hold up the other. */
    buffer->start = n < 0 ? buffer->end : buffer->start + (gsize)n;
    wait_until_read(relay);
    if (relay->room != NULL && buffer->start == buffer->end)
        relay->room(relay->data);
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
    arrange(data);
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
    follow_newlines(relay);
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
    /* EIO: nobody in the box has the terminal open. */
    relay->master_ended |= n <= 0;
    if (n <= 0)
        return FALSE;
    if (head > 0 && bytes[0] != TIOCPKT_DATA) {
        if (bytes[0] & TIOCPKT_IOCTL)
            follow_modes(relay);
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
        write_keys(relay);
    if (condition & (G_IO_IN | G_IO_PRI | G_IO_HUP | G_IO_ERR))
        read_master(relay);
    arrange(relay);
    return G_SOURCE_CONTINUE;
}

/* Waits for exactly what can be done: a full buffer stops whoever fills it. */
static void
arrange(OshTerminalRelay *relay)
{
    gboolean to_master = relay->to_master.start < relay->to_master.end;
    gboolean to_output = pending_output(relay) > 0;
    gboolean reads = !relay->input_ended && !relay->away && !relay->finished && !to_master &&
                     relay->unread_ms == 0 && relay->look_source == NULL;
    gboolean shares = relay->outer.shared && !relay->outer.set;
    GIOCondition master = 0;

    if (relay->finish_source != NULL)
        return;
    if (!relay->master_ended)
        master = (to_master ? G_IO_OUT : 0) | (to_output ? 0 : G_IO_IN);
    watch(relay, &relay->master_source, relay->master, master, master_ready);
    watch(relay, &relay->input_source, relay->keys, reads ? G_IO_IN : 0,
          !may_read(relay) ? keys_wait
          : shares         ? be_patient
                           : input_ready);
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
    relay->outer.shared = request->shared && relay->outer.fd >= 0;
    fcntl(relay->master, F_SETFL, fcntl(relay->master, F_GETFL) | O_NONBLOCK);
    copy_modes(relay);
    if (relay->given && !relay->outer.shared)
        osh_outer_make_raw(&relay->outer);
    arrange(relay);
    return relay;
}

static void
stop_sources(OshTerminalRelay *relay)
{
    drop(&relay->master_source);
    drop(&relay->input_source);
    drop(&relay->output_source);
    drop(&relay->look_source);
    drop(&relay->unread_source);
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
    drop(&relay->look_source);
    arrange(relay);
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
        look_later(relay, &relay->finish_source, pending > 0 ? FINISH_LOOK_MS : 0, finish);
        return G_SOURCE_REMOVE;
    }
    drop(&relay->finish_source);
    osh_outer_restore(&relay->outer);
    relay->finished = TRUE;
    arrange(relay);
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
    if (relay->finished)
        deliver_now(relay);
    osh_outer_restore(&relay->outer);
    stop_sources(relay);
    drop(&relay->finish_source);
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
