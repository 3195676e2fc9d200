/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach-verb.c: a client of a session socket, see openshell/session.h.
 *
 * No main loop: one thread waits for descriptors and decides, and two write, because standard
 * output and standard error may take nothing for hours (security rule 15, streams and terminal):
 * meanwhile nothing is read from the host, which skips what we do not take, and signals are obeyed.
 * A terminal of ours is raw only while we are attached to a program that has one, passes the detach
 * keys at once in any case, and gets its modes back however this ends, short of SIGKILL. What the
 * host sends is written out as it is: it is the program's output, and who attaches asks to see it;
 * notes of the host are escaped, and wait while the program shows the alternate screen.
 */
#include "attach-verb.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "exit-code.h"
#include "openshell/session.h"
#include "osh-fd-writer.h"
#include "osh-screen-watch.h"
#include "osh-text.h"

#define QUEUE_BYTES (4 * OSH_SESSION_MAX_MESSAGE)
#define NOTE_BYTES  (64 * 1024)
#define GIVE_UP_MS  2000
#define LOOK_MS     500
#define CTRL_Q      0x11

typedef struct {
    int fd;
    int signals;
    gboolean only_looks; /* asked for */
    gboolean read_only;  /* asked for, or told */
    gboolean greeted;
    gboolean has_terminal; /* the program */
    gboolean input_ended;
    gboolean set; /* the modes of our terminal are ours */
    struct termios saved;
    OshScreenWatch screen;
    GString *notes;      /* wait for the end of the alternate screen */
    OshFdWriter *output; /* threads write: a reader that takes nothing must not make us deaf */
    OshFdWriter *errors;
    int asked; /* the signal that somebody wants us to end with, 0 for none */
    gint64 asked_at;
    gboolean over;
    int exit_code;
} Client;

static void
complain(const char *text)
{
    g_autoptr(GString) line = g_string_new("openshell: error: ");

    osh_text_append_terminal(line, text);
    g_printerr("%s\n", line->str);
}

static gboolean
send_message(const Client *client, OshSessionMessage type, const void *content, gsize length)
{
    char message[OSH_SESSION_MAX_MESSAGE];

    message[0] = (char)type;
    if (length > 0)
        memcpy(message + 1, content, length);
    return send(client->fd, message, length + 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static void
say(const Client *client, const char *text)
{
    osh_fd_writer_add_line(client->errors, text, strlen(text));
}

/* Returns: whether all that came was written, so that it can take one more message */
static gboolean
can_take(const Client *client)
{
    return osh_fd_writer_pending(client->output) == 0 && osh_fd_writer_pending(client->errors) == 0;
}

/* In the background we would be stopped; another session's terminal stops nobody. */
static gboolean
is_in_foreground(void)
{
    pid_t group = tcgetpgrp(STDIN_FILENO);

    return group == getpgrp() || (group < 0 && errno == ENOTTY);
}

/*
 * The detach keys must come at once, and Ctrl-Q must not mean "go on". Where the program has no
 * terminal, whoever types does so in lines, of which Ctrl-Q is one more end.
 */
static void
set_modes(Client *client)
{
    struct termios modes;

    if (client->set || !client->greeted || !is_in_foreground() ||
        tcgetattr(STDIN_FILENO, &client->saved) != 0)
        return;
    modes = client->saved;
    if (client->has_terminal)
        cfmakeraw(&modes);
    modes.c_iflag &= (tcflag_t)~IXON;
    if (client->read_only) {
        /* Ctrl-C is ours. */
        modes.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        modes.c_lflag |= ISIG;
        modes.c_cc[VMIN] = 1;
        modes.c_cc[VTIME] = 0;
    } else if (!client->has_terminal) {
        modes.c_cc[VEOL] = CTRL_Q;
    }
    client->set = tcsetattr(STDIN_FILENO, TCSANOW, &modes) == 0;
}

static void
restore(Client *client)
{
    if (client->set && is_in_foreground())
        tcsetattr(STDIN_FILENO, TCSANOW, &client->saved);
    client->set = FALSE;
}

static void
print_notes(const Client *client)
{
    if (client->notes->len == 0 || client->screen.alternate)
        return;
    say(client, client->notes->str);
    g_string_truncate(client->notes, 0);
}

static void
print_note(const Client *client, const char *bytes, gsize length)
{
    g_autofree char *note = g_strndup(bytes, length);

    if (client->notes->len < NOTE_BYTES) {
        osh_text_append_terminal(client->notes, note);
        g_string_append(client->notes, "\r\n");
    }
    print_notes(client);
}

/* Our terminal as it was, whatever the program left it in. */
static void
give_back(Client *client)
{
    static const char plain[] = "\x1b[?1049l\x1b[?25h\x1b[m";

    if (client->screen.alternate && isatty(STDOUT_FILENO)) {
        osh_fd_writer_add(client->output, plain, sizeof plain - 1);
        osh_fd_writer_flush(client->output, g_get_monotonic_time() + G_USEC_PER_SEC / 5);
    }
    client->screen.alternate = FALSE;
    restore(client);
    print_notes(client);
}

static void
finish(Client *client, int exit_code)
{
    client->over = TRUE;
    client->exit_code = exit_code;
}

static void
send_size(const Client *client)
{
    struct winsize size;
    guint16 content[2];

    if (client->read_only || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0)
        return;
    content[0] = size.ws_row;
    content[1] = size.ws_col;
    send_message(client, OSH_SESSION_RESIZE, content, sizeof content);
}

static void
take_hello(Client *client, const char *content, gsize length)
{
    OshSessionHello hello;

    if (length < sizeof hello)
        return;
    memcpy(&hello, content, sizeof hello);
    client->read_only = client->only_looks || (hello.flags & OSH_SESSION_READ_ONLY) != 0;
    client->has_terminal = (hello.flags & OSH_SESSION_TERMINAL) != 0;
    if (!client->greeted)
        say(client, client->read_only ? "openshell: attached, read-only; Ctrl-P Ctrl-Q leaves, "
                                        "and the program goes on\r\n"
                                      : "openshell: attached; Ctrl-P Ctrl-Q leaves, and the "
                                        "program goes on\r\n");
    client->greeted = TRUE;
    /* Another one: whoever typed has left. */
    restore(client);
    set_modes(client);
    send_size(client);
}

static void
take_exit(Client *client, const char *content, gsize length)
{
    OshSessionExit last = {.code = OSH_EXIT_HOST_ERROR};

    if (length >= sizeof last)
        memcpy(&last, content, sizeof last);
    finish(client, last.signal != 0 ? OSH_EXIT_SIGNAL_BASE + last.signal : last.code);
}

static void
take_message(Client *client, const char *message, gsize length)
{
    OshFdWriter *writer;

    switch (message[0]) {
    case OSH_SESSION_HELLO:
        take_hello(client, message + 1, length - 1);
        return;
    case OSH_SESSION_OUTPUT:
        writer = message[1] == 2 ? client->errors : client->output;
        if (length > 2)
            osh_fd_writer_add(writer, message + 2, length - 2);
        if (length > 2 && client->has_terminal)
            osh_screen_watch(&client->screen, message + 2, length - 2);
        print_notes(client);
        if (osh_fd_writer_is_broken(writer))
            finish(client, OSH_EXIT_OK);
        return;
    case OSH_SESSION_NOTE:
        print_note(client, message + 1, length - 1);
        return;
    case OSH_SESSION_DETACHED:
        give_back(client);
        say(client, "\nopenshell: detached; the program goes on\n");
        finish(client, OSH_EXIT_OK);
        return;
    case OSH_SESSION_EXITED:
        take_exit(client, message + 1, length - 1);
        return;
    default:
        return;
    }
}

static void
socket_ready(Client *client)
{
    char message[OSH_SESSION_MAX_MESSAGE];
    gssize n = recv(client->fd, message, sizeof message, 0);

    /* A host that ended suddenly resets; what it had said before comes behind that. */
    if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        return;
    if (n > 0) {
        take_message(client, message, (gsize)n);
        return;
    }
    give_back(client);
    say(client,
        "openshell: error: the session is over, and the exit status of the program is not known\n");
    finish(client, OSH_EXIT_HOST_ERROR);
}

static void
input_ready(Client *client)
{
    char bytes[4096];
    gssize n = read(STDIN_FILENO, bytes, sizeof bytes);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        send_message(client, OSH_SESSION_INPUT, bytes, (gsize)n);
        return;
    }
    client->input_ended = TRUE;
    send_message(client, OSH_SESSION_END_INPUT, NULL, 0);
}

/* Our terminal is somebody else's meanwhile. */
static void
stop(Client *client)
{
    sigset_t set;

    restore(client);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    kill(getpid(), SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    set_modes(client);
    send_size(client);
}

/* Signals that somebody sends to us are meant for the program, as long as we may type. */
static void
signal_ready(Client *client)
{
    struct signalfd_siginfo info;
    char number;

    if (read(client->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGWINCH) {
        send_size(client);
        return;
    }
    if (info.ssi_signo == SIGTSTP) {
        stop(client);
        return;
    }
    if (client->read_only) {
        finish(client, OSH_EXIT_SIGNAL_BASE + (int)info.ssi_signo);
        return;
    }
    /* A second one is for us. */
    if (client->asked == (int)info.ssi_signo && info.ssi_signo == SIGTERM) {
        finish(client, OSH_EXIT_SIGNAL_BASE + (int)info.ssi_signo);
        return;
    }
    client->asked = (int)info.ssi_signo;
    client->asked_at = g_get_monotonic_time();
    number = (char)info.ssi_signo;
    send_message(client, OSH_SESSION_SIGNAL, &number, 1);
}

static gboolean
connect_to(Client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *problem = NULL;

    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        complain("the path is longer than the path of a Unix socket can be");
        return FALSE;
    }
    client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (client->fd >= 0 &&
        connect(client->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return TRUE;
    problem = g_strdup_printf("cannot attach to %s: %s", path, g_strerror(errno));
    complain(problem);
    return FALSE;
}

static gboolean
open_signals(Client *client)
{
    static const int numbers[] = {SIGWINCH, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    sigset_t set;

    sigemptyset(&set);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    client->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return client->signals >= 0;
}

static void
say_hello(const Client *client)
{
    struct winsize size = {0};
    OshSessionHello hello = {.version = OSH_SESSION_VERSION};

    if (client->only_looks)
        hello.flags |= OSH_SESSION_READ_ONLY;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
        hello.rows = size.ws_row;
        hello.columns = size.ws_col;
    }
    send_message(client, OSH_SESSION_HELLO, &hello, sizeof hello);
}

static void
take_progress(OshFdWriter *writer)
{
    guint64 ignored;

    if (read(osh_fd_writer_progress_fd(writer), &ignored, sizeof ignored) < 0)
        return;
}

/* Whoever has asked for the end gets it also where our own reader takes nothing. */
static void
give_up_if_asked(Client *client)
{
    if (client->asked != 0 && !can_take(client) &&
        g_get_monotonic_time() > client->asked_at + GIVE_UP_MS * 1000)
        finish(client, OSH_EXIT_SIGNAL_BASE + client->asked);
}

static gboolean
can_send(const Client *client)
{
    struct pollfd entry = {.fd = client->fd, .events = POLLOUT};

    return poll(&entry, 1, 0) > 0;
}

/* Whoever only looks types nothing but the detach keys. */
static gboolean
is_typing(const Client *client)
{
    if (client->input_ended || (client->only_looks && !isatty(STDIN_FILENO)))
        return FALSE;
    return is_in_foreground() || !isatty(STDIN_FILENO);
}

static void
run(Client *client)
{
    while (!client->over) {
        gboolean typing = is_typing(client);
        gboolean sendable = can_send(client);
        short wanted = (can_take(client) ? POLLIN : 0) | (typing && !sendable ? POLLOUT : 0);
        struct pollfd entries[] = {
            {.fd = wanted != 0 ? client->fd : -1, .events = wanted},
            {.fd = client->signals, .events = POLLIN},
            {.fd = typing && sendable ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = osh_fd_writer_progress_fd(client->output), .events = POLLIN},
            {.fd = osh_fd_writer_progress_fd(client->errors), .events = POLLIN},
        };

        int milliseconds = client->asked != 0                ? GIVE_UP_MS / 10
                           : !typing && isatty(STDIN_FILENO) ? LOOK_MS
                                                             : -1;

        if (poll(entries, G_N_ELEMENTS(entries), milliseconds) < 0)
            continue;
        set_modes(client);
        take_progress(client->output);
        take_progress(client->errors);
        if (entries[1].revents != 0)
            signal_ready(client);
        if (entries[2].revents != 0)
            input_ready(client);
        if (!client->over && (entries[0].revents & ~POLLOUT) != 0)
            socket_ready(client);
        give_up_if_asked(client);
    }
}

/* As write(2) would wait for the reader, but not past a signal. */
static void
write_rest(Client *client)
{
    while (!can_take(client) && !osh_fd_writer_is_broken(client->output)) {
        struct pollfd entries[] = {
            {.fd = client->signals, .events = POLLIN},
            {.fd = osh_fd_writer_progress_fd(client->output), .events = POLLIN},
            {.fd = osh_fd_writer_progress_fd(client->errors), .events = POLLIN},
        };

        if (client->asked != 0 ||
            (poll(entries, G_N_ELEMENTS(entries), -1) > 0 && entries[0].revents != 0))
            break;
        take_progress(client->output);
        take_progress(client->errors);
    }
    osh_fd_writer_flush(client->errors, g_get_monotonic_time() + G_USEC_PER_SEC / 5);
}

static gboolean
open_outputs(Client *client)
{
    int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    signal(SIGPIPE, SIG_IGN);
    if (output < 0 || errors < 0)
        return FALSE;
    client->output = osh_fd_writer_new(output, QUEUE_BYTES, NULL);
    client->errors = osh_fd_writer_new(errors, QUEUE_BYTES, NULL);
    osh_fd_writer_start(client->output);
    osh_fd_writer_start(client->errors);
    return TRUE;
}

int
osh_verb_attach(int argc, char **argv)
{
    Client client = {.fd = -1, .signals = -1, .exit_code = OSH_EXIT_HOST_ERROR};
    const char *path = NULL;

    client.notes = g_string_new(NULL);
    for (int i = 1; i < argc; i++) {
        if (g_str_equal(argv[i], "--read-only"))
            client.only_looks = client.read_only = TRUE;
        else if (path == NULL && argv[i][0] != '-')
            path = argv[i];
        else
            path = "";
    }
    if (path == NULL || *path == '\0') {
        complain("write: openshell-host attach [--read-only] SOCKET");
        g_string_free(client.notes, TRUE);
        return OSH_EXIT_HOST_ERROR;
    }
    if (connect_to(&client, path) && open_signals(&client) && open_outputs(&client)) {
        say_hello(&client);
        run(&client);
        write_rest(&client);
        give_back(&client);
        osh_fd_writer_flush(client.errors, g_get_monotonic_time() + G_USEC_PER_SEC / 5);
    }
    restore(&client);
    g_string_free(client.notes, TRUE);
    osh_fd_writer_free(client.output);
    osh_fd_writer_free(client.errors);
    if (client.fd >= 0)
        close(client.fd);
    if (client.signals >= 0)
        close(client.signals);
    return client.exit_code;
}
