/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.h: a program of the box has a terminal of its own, and this carries bytes, window size
 * and stops between it and the outer terminal (security rule 15). [main]: a relay belongs to the
 * thread of the GMainContext that was the thread default when it was made.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct OshTerminalRelay OshTerminalRelay;

/**
 * OshTerminalChoice:
 * @is_terminal: which of stdin, stdout and stderr are terminals, and so become the box's terminal
 * @outer: (-1 for none): the descriptor, of the three, of the outer terminal
 * @output: (-1 for none): the one that takes what the box's terminal says
 * @rows: window size of the outer terminal, 0 when unknown
 * @columns: likewise
 */
typedef struct {
    gboolean is_terminal[3];
    int outer;
    int output;
    guint16 rows;
    guint16 columns;
} OshTerminalChoice;

/**
 * osh_terminal_choose:
 * @stdio: (array fixed-size=3): descriptors meant for a program
 *
 * Where only stdout or stderr is a terminal, its keys still reach the box's terminal, which a
 * pager opens as /dev/tty.
 *
 * Returns: whether any of them is a terminal, and which does what
 */
OshTerminalChoice osh_terminal_choose(const int stdio[3]);

/**
 * OshTerminalRequest:
 * @master: (transfer full): master of the box's terminal
 * @input: (-1 for none): keys come from here; duplicated
 * @output: (-1 for none): what the terminal says goes here; duplicated
 * @pid: the program, as the host sees it: leader of the session on the terminal
 * @signal: (nullable): sends a signal to the program's process group, for stopping and going on
 * @tap: (nullable): sees what the terminal says before it is delivered
 * @room: (nullable): osh_terminal_relay_type() has room again
 * @data: for @signal, @tap and @room
 *
 * If @input or @output is a terminal, it is the outer one: set to raw while this process is in
 * its foreground, its modes and window size copied to the box's terminal beforehand.
 */
typedef struct {
    int master;
    int input;
    int output;
    pid_t pid;
    void (*signal)(int signal_number, gpointer data);
    void (*tap)(const char *bytes, gsize length, gpointer data);
    void (*room)(gpointer data);
    gpointer data;
} OshTerminalRequest;

/**
 * osh_terminal_relay_new:
 * @request: what to connect
 *
 * SIGWINCH, SIGCONT and SIGTSTP must be blocked in every thread (osh_terminal_block_signals()).
 *
 * Returns: (transfer full): a relay that runs
 */
OshTerminalRelay *osh_terminal_relay_new(const OshTerminalRequest *request);

/**
 * osh_terminal_relay_finish:
 * @relay: a relay
 * @done: called once, never from within this function, when everything that the program wrote has
 *   been delivered and the outer terminal has its own modes again
 * @data: for @done
 *
 * To be called when the program has ended. What a process left behind writes later is not waited
 * for.
 */
void osh_terminal_relay_finish(OshTerminalRelay *relay, void (*done)(gpointer data), gpointer data);

/**
 * osh_terminal_relay_resize:
 * @relay: a relay
 * @rows: 1 at least
 * @columns: 1 at least
 *
 * Returns: %FALSE when the terminal is gone
 */
gboolean osh_terminal_relay_resize(OshTerminalRelay *relay, guint16 rows, guint16 columns);

/**
 * osh_terminal_relay_type:
 * @bytes: (array length=length): typed by somebody else than the outer terminal's user
 *
 * Returns: how many were taken; 0 when there is no room now, -1 when the terminal is gone
 */
gssize osh_terminal_relay_type(OshTerminalRelay *relay, const char *bytes, gsize length);

/**
 * osh_terminal_relay_free:
 * @relay: (nullable) (transfer full): a relay
 *
 * Restores the outer terminal and closes everything.
 */
void osh_terminal_relay_free(OshTerminalRelay *relay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshTerminalRelay, osh_terminal_relay_free)

/**
 * osh_terminal_block_signals:
 *
 * Blocks the signals that a relay reads from a descriptor of its own. To be called before any
 * thread is made, and after the box's init was forked, which would inherit it.
 */
void osh_terminal_block_signals(void);

G_END_DECLS
