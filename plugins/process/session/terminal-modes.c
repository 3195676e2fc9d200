/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal-modes.c: sets the modes of both terminals; terminal.c says when and why. [main].
 */
#include "terminal-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
osh_terminal_relay_copy_size(OshTerminalRelay *relay)
{
    struct winsize size;

    if (relay->outer.fd >= 0 && ioctl(relay->outer.fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        ioctl(relay->master, TIOCSWINSZ, &size);
}

/* Returns: FALSE when the terminal is gone. The modes are without EXTPROC. */
gboolean
osh_terminal_get_inner(const OshTerminalRelay *relay, struct termios *ret_modes)
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

void
osh_terminal_choose_modes(OshTerminalChoice *choice)
{
    choice->has_modes = tcgetattr(choice->outer, &choice->modes) == 0;
    if (choice->shared || choice->background)
        make_lines(&choice->modes);
    if (choice->shared)
        choice->modes.c_lflag |= EXTPROC;
}

static gboolean
is_same(const struct termios *one, const struct termios *other)
{
    return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag &&
           one->c_lflag == other->c_lflag && memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

/* Keys as they come; newlines as the program has them. */
static void
claim(OshTerminalRelay *relay, const struct termios *inner)
{
    relay->claimed = TRUE;
    relay->unread_ms = 0;
    osh_drop_source(&relay->unread_source);
    set_inner(relay, inner);
    relay->agreed = *inner;
    cfmakeraw(&relay->agreed);
    relay->agreed.c_oflag = inner->c_oflag;
}

/* The program has set modes of a shared terminal. */
void
osh_terminal_follow_modes(OshTerminalRelay *relay)
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

void
osh_terminal_begin_modes(OshTerminalRelay *relay, const struct termios *modes)
{
    int on = 1;

    if (relay->outer.fd < 0)
        return;
    osh_terminal_relay_copy_size(relay);
    if (modes != NULL)
        relay->agreed = *modes;
    relay->agreed.c_lflag &= (tcflag_t)~EXTPROC;
    if (!relay->outer.shared)
        return;
    ioctl(relay->master, TIOCPKT, &on);
    relay->slave = ioctl(relay->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    /* What the program has set before we were told. */
    osh_terminal_follow_modes(relay);
}

void
osh_terminal_follow_newlines(OshTerminalRelay *relay)
{
    struct termios inner;

    if (!relay->claimed || !relay->outer.set || !osh_terminal_get_inner(relay, &inner) ||
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

void
osh_terminal_set_foreground(OshTerminalRelay *relay, gboolean foreground)
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
    /* What has it already was stopped by a kill(2) from elsewhere. */
    if (relay->given && tcgetpgrp(relay->master) == relay->pid)
        return FALSE;
    osh_terminal_set_foreground(relay, TRUE);
    if (relay->outer.fd >= 0 && !relay->outer.shared)
        osh_outer_make_raw(&relay->outer);
    osh_terminal_arrange(relay);
    return TRUE;
}

void
osh_terminal_relay_return(OshTerminalRelay *relay)
{
    gboolean foreground = relay->outer.fd < 0 || osh_outer_in_foreground(&relay->outer);

    relay->away = FALSE;
    osh_terminal_relay_copy_size(relay);
    if (foreground != relay->given)
        osh_terminal_set_foreground(relay, foreground);
    if (foreground && relay->outer.fd >= 0)
        take_outer(relay);
    osh_terminal_arrange(relay);
}

gboolean
osh_terminal_relay_signal(OshTerminalRelay *relay, int signal_number)
{
    return relay->outer.shared && !relay->claimed && relay->given &&
           ioctl(relay->master, TIOCSIG, signal_number) == 0;
}
