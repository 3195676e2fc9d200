/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer-terminal.c: sets and restores modes of a terminal that others use as well. [main].
 *
 * It must never set anything while another process group has the foreground: the kernel would stop
 * us, and the modes are that group's. Nor must it wait for the terminal, which may be stopped
 * (Ctrl-S) for hours: TCSANOW, never TCSADRAIN.
 */
#include "outer-terminal.h"

#include <errno.h>
#include <unistd.h>

gboolean
osh_outer_in_foreground(const OshOuterTerminal *outer)
{
    pid_t group = outer->fd >= 0 ? tcgetpgrp(outer->fd) : 0;

    if (group < 0)
        return errno == ENOTTY;
    return outer->fd >= 0 && group == getpgrp();
}

gboolean
osh_outer_is_controlling(const OshOuterTerminal *outer)
{
    return outer->fd >= 0 && tcgetpgrp(outer->fd) == getpgrp();
}

void
osh_outer_set(OshOuterTerminal *outer, const struct termios *modes)
{
    if (!osh_outer_in_foreground(outer))
        return;
    if (!outer->set && tcgetattr(outer->fd, &outer->saved) != 0)
        return;
    if (tcsetattr(outer->fd, TCSANOW, modes) != 0)
        return;
    outer->set = TRUE;
    outer->current = *modes;
}

void
osh_outer_make_raw(OshOuterTerminal *outer)
{
    struct termios raw;

    if (outer->set || outer->fd < 0 || tcgetattr(outer->fd, &raw) != 0)
        return;
    cfmakeraw(&raw);
    osh_outer_set(outer, &raw);
}

void
osh_outer_restore(OshOuterTerminal *outer)
{
    if (!outer->set)
        return;
    outer->set = FALSE;
    if (osh_outer_in_foreground(outer) &&
        (!outer->shared || osh_outer_equals(outer, &outer->current)))
        tcsetattr(outer->fd, TCSANOW, &outer->saved);
}

gboolean
osh_outer_equals(const OshOuterTerminal *outer, const struct termios *modes)
{
    const tcflag_t kind = ICANON | ECHO | ISIG;
    struct termios now;

    return outer->fd >= 0 && tcgetattr(outer->fd, &now) == 0 &&
           (now.c_lflag & kind) == (modes->c_lflag & kind);
}

gboolean
osh_outer_adds_returns(int fd)
{
    struct termios now;

    return tcgetattr(fd, &now) == 0 && (now.c_oflag & OPOST) && (now.c_oflag & ONLCR);
}
