/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.h: a program of the box has a terminal of its own, and this carries bytes, modes and
 * window size between it and the outer terminal (security rule 15, streams and terminal). [main]: a
 * relay belongs to the thread of the GMainContext that was the thread default when it was made.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <termios.h>

G_BEGIN_DECLS

typedef struct OshTerminalRelay OshTerminalRelay;

/**
 * OshTerminalChoice:
 * @is_terminal: which of stdin, stdout and stderr are terminals, and so become the box's terminal
 * @outer: (-1 for none): the descriptor, of the three, of the outer terminal
 * @output: (-1 for none): the one that takes what the box's terminal says
 * @shared: stdin and stdout are not both that terminal, so that another program may have it too, as
 *   a pager has behind a pipe
 * @background: the host is not in the foreground of the outer terminal
 * @has_modes: there are some
 * @modes: that the box's terminal must have before the program starts
 * @rows: window size of the outer terminal, 0 when unknown
 * @columns: likewise
 */
typedef struct {
    gboolean is_terminal[3];
    int outer;
    int output;
    gboolean shared;
    gboolean background;
    gboolean has_modes;
    struct termios modes;
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
 * @shared: see #OshTerminalChoice
 * @background: the program is not in the foreground of its terminal
 * @modes: (nullable): that the box's terminal had when the program started
 * @pid: the program, as the host sees it: leader of its process group
 * @foreground: (nullable): puts that group into the foreground of the box's terminal, or takes it
 *   out
 * @tap: (nullable): sees what the terminal says before it is delivered
 * @room: (nullable): osh_terminal_relay_type() takes bytes again
 * @data: for @foreground, @tap and @room
 *
 * If @input or @output is a terminal, it is the outer one: its window size is copied to the box's
 * terminal. It is set to raw while this process is in its foreground; a shared
 * one stays in its own modes and has those that the program sets.
 */
typedef struct {
    int master;
    int input;
    int output;
    gboolean shared;
    gboolean background;
    const struct termios *modes;
    pid_t pid;
    void (*foreground)(gboolean foreground, gpointer data);
    void (*tap)(const char *bytes, gsize length, gpointer data);
    void (*room)(gpointer data);
    gpointer data;
} OshTerminalRequest;

/**
 * osh_terminal_relay_new:
 * @request: what to connect
 *
 * Returns: (transfer full): a relay that runs
 */
OshTerminalRelay *osh_terminal_relay_new(const OshTerminalRequest *request);

/** osh_terminal_relay_is_controlling: Returns: whether this process has the foreground of the outer
 * terminal, which controls its session. */
gboolean osh_terminal_relay_is_controlling(const OshTerminalRelay *relay);

/**
 * osh_terminal_relay_give:
 *
 * The program wants to read from its terminal or set its modes, and is in the background of it.
 *
 * Returns: %TRUE when it is in the foreground now; %FALSE where it was before, and where we are not
 *   in that of the outer terminal
 */
gboolean osh_terminal_relay_give(OshTerminalRelay *relay);

/** osh_terminal_relay_end_input: the program gets the end of its input when it reads. */
void osh_terminal_relay_end_input(OshTerminalRelay *relay);

/**
 * osh_terminal_relay_leave:
 *
 * To be called before this process stops: delivers what the program has written, for as long as a
 * third of a second, and gives the outer terminal its own modes.
 */
void osh_terminal_relay_leave(OshTerminalRelay *relay);

/**
 * osh_terminal_relay_return:
 *
 * To be called when this process goes on: takes modes and size as they are now. In the background
 * of the outer terminal the program is put into that of its own.
 */
void osh_terminal_relay_return(OshTerminalRelay *relay);

/** osh_terminal_relay_copy_size: the window of the outer terminal may have changed. */
void osh_terminal_relay_copy_size(OshTerminalRelay *relay);

/**
 * osh_terminal_relay_signal:
 * @signal_number: SIGINT, SIGQUIT or SIGTSTP, from a key of a shared terminal
 *
 * Returns: %TRUE when the foreground of the box's terminal got it
 */
gboolean osh_terminal_relay_signal(OshTerminalRelay *relay, int signal_number);

/**
 * osh_terminal_relay_screen_taken:
 *
 * Returns: whether the program draws on the screen, which a line of another program would spoil: it
 *   reads key by key or shows the alternate screen
 */
gboolean osh_terminal_relay_screen_taken(OshTerminalRelay *relay);

/**
 * osh_terminal_relay_finish:
 * @relay: a relay
 * @done: called once, never from within this function, when everything that the program wrote has
 *   been delivered and the outer terminal has its own modes again
 * @data: for @done
 *
 * To be called when the program has ended. What a process left behind writes later is not waited
 * for, but carried until the relay is freed.
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
 * @bytes: (array length=length): typed by another person than the outer terminal's user
 *
 * Returns: how many were taken; 0 when its buffer is full, -1 when the terminal is gone
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

G_END_DECLS
