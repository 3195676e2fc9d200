/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal-keys.c: keys of the outer terminal, which may be meant for others; terminal.c says how
 * that is told. [main]. It must never read one that it cannot pass on.
 */
#include "terminal-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What another program waits for it takes at once. */
#define PATIENCE_MS    40
#define LOOK_MS        250
#define UNREAD_MS      2
#define MOST_UNREAD_MS 64

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
        !osh_terminal_get_inner(relay, &inner) || !(inner.c_lflag & ISIG) ||
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
    OshTerminalBuffer *buffer = &relay->to_master;
    struct termios inner;

    buffer->bytes[0] = osh_terminal_get_inner(relay, &inner) ? (char)inner.c_cc[VEOF] : 4;
    buffer->start = 0;
    buffer->end = 1;
}

void
osh_terminal_relay_end_input(OshTerminalRelay *relay)
{
    relay->input_ended = TRUE;
    osh_terminal_set_foreground(relay, TRUE);
    type_end(relay);
    osh_terminal_arrange(relay);
}

static gboolean
look_again(gpointer data)
{
    OshTerminalRelay *relay = data;
    struct pollfd keys = {.fd = relay->keys, .events = POLLIN};

    osh_drop_source(&relay->look_source);
    /* A shell has put us into the foreground, and that makes no signal where nothing is stopped. */
    if (poll(&keys, 1, 0) > 0 && osh_outer_in_foreground(&relay->outer)) {
        if (!relay->given)
            osh_terminal_set_foreground(relay, TRUE);
        if (!relay->outer.shared)
            osh_outer_make_raw(&relay->outer);
    }
    osh_terminal_arrange(relay);
    return G_SOURCE_REMOVE;
}

/* Keys are there that may be another program's. */
static gboolean
keys_wait(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    (void)fd;
    (void)condition;
    osh_drop_source(&relay->input_source);
    osh_terminal_look_later(relay, &relay->look_source, LOOK_MS, look_again);
    return G_SOURCE_REMOVE;
}

static gboolean
input_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;
    OshTerminalBuffer *buffer = &relay->to_master;
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
    osh_terminal_arrange(relay);
    return G_SOURCE_CONTINUE;
}

static gboolean
still_there(gpointer data)
{
    OshTerminalRelay *relay = data;
    struct pollfd keys = {.fd = relay->keys, .events = POLLIN};

    osh_drop_source(&relay->look_source);
    if (poll(&keys, 1, 0) > 0)
        input_ready(relay->keys, G_IO_IN, relay);
    else
        osh_terminal_arrange(relay);
    return G_SOURCE_REMOVE;
}

/* Another program that waits for the same line gets it. */
static gboolean
be_patient(gint fd, GIOCondition condition, gpointer data)
{
    OshTerminalRelay *relay = data;

    (void)fd;
    (void)condition;
    osh_drop_source(&relay->input_source);
    osh_terminal_look_later(relay, &relay->look_source, PATIENCE_MS, still_there);
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

    osh_drop_source(&relay->unread_source);
    if (has_read_all(relay)) {
        relay->unread_ms = 0;
        osh_terminal_arrange(relay);
        return G_SOURCE_REMOVE;
    }
    relay->unread_ms = MIN(relay->unread_ms * 2, MOST_UNREAD_MS);
    osh_terminal_look_later(relay, &relay->unread_source, relay->unread_ms, look_at_unread);
    return G_SOURCE_REMOVE;
}

/* In lines, a terminal gives its reader one at a time, and leaves the rest to the next one. */
static void
wait_until_read(OshTerminalRelay *relay)
{
    if (relay->slave < 0 || relay->claimed)
        return;
    relay->unread_ms = UNREAD_MS;
    osh_terminal_look_later(relay, &relay->unread_source, relay->unread_ms, look_at_unread);
}

void
osh_terminal_write_keys(OshTerminalRelay *relay)
{
    OshTerminalBuffer *buffer = &relay->to_master;
    gssize n = write(relay->master, buffer->bytes + buffer->start, buffer->end - buffer->start);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    /* A side that takes nothing any more must not hold up the other. */
    buffer->start = n < 0 ? buffer->end : buffer->start + (gsize)n;
    wait_until_read(relay);
    if (relay->room != NULL && buffer->start == buffer->end)
        relay->room(relay->data);
}

GUnixFDSourceFunc
osh_terminal_keys_function(const OshTerminalRelay *relay)
{
    if (!may_read(relay))
        return keys_wait;
    return relay->outer.shared && !relay->outer.set ? be_patient : input_ready;
}
