/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer-terminal.h: the modes of the terminal that the host was started on. [main].
 */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <termios.h>

G_BEGIN_DECLS

/**
 * OshOuterTerminal:
 * @fd: (-1 for none): of the terminal; borrowed
 * @shared: other programs set its modes as well
 * @set: the modes are ours
 * @saved: with @set: what they were
 * @current: with @set: what they are, unless another program has changed them
 */
typedef struct {
    int fd;
    gboolean shared;
    gboolean set;
    struct termios saved;
    struct termios current;
} OshOuterTerminal;

/**
 * osh_outer_in_foreground:
 *
 * Returns: whether this process may read from the terminal and set its modes: it is in the
 *   foreground, or the terminal does not control its session, so that job control does not hold
 */
gboolean osh_outer_in_foreground(const OshOuterTerminal *outer);

/** osh_outer_is_controlling: Returns: whether its foreground process group is our own. */
gboolean osh_outer_is_controlling(const OshOuterTerminal *outer);

/** osh_outer_make_raw: no effect in the background. */
void osh_outer_make_raw(OshOuterTerminal *outer);

/** osh_outer_set: gives it @modes; no effect in the background. */
void osh_outer_set(OshOuterTerminal *outer, const struct termios *modes);

/**
 * osh_outer_restore:
 *
 * Gives it back the modes that it had; not where it belongs to another program by now: in the
 * background, or shared and set anew by another program.
 */
void osh_outer_restore(OshOuterTerminal *outer);

/**
 * osh_outer_equals:
 * @modes: of a terminal
 *
 * Returns: whether the terminal takes keys in the same way: in lines or one by one, with or without
 *   an echo, with or without keys that send signals
 */
gboolean osh_outer_equals(const OshOuterTerminal *outer, const struct termios *modes);

/** osh_outer_adds_returns: Returns: whether a newline becomes a carriage return and a newline. */
gboolean osh_outer_adds_returns(int fd);

G_END_DECLS
