/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal-private.h: what the files of a relay share: terminal.c, which says what it does,
 * terminal-modes.c and terminal-keys.c. [main].
 */
#pragma once

#include "terminal.h"

#include <glib-unix.h>

#include "drop-source.h"
#include "osh-fd-writer.h"
#include "osh-screen-watch.h"
#include "outer-terminal.h"

G_BEGIN_DECLS

#define TERMINAL_BUFFER 16384

typedef struct {
    gsize start;
    gsize end;
    char bytes[TERMINAL_BUFFER];
} OshTerminalBuffer;

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
    gint64 drawn_at; /* when a program was last seen to have the screen; 0: not, or all is shown */
    OshTerminalBuffer to_master;
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

/** osh_terminal_arrange: waits for exactly what can be done. */
void osh_terminal_arrange(OshTerminalRelay *relay);

/** osh_terminal_look_later: @source: (out): calls @function with @relay. */
void osh_terminal_look_later(OshTerminalRelay *relay, GSource **source, guint milliseconds,
                             GSourceFunc function);

/** osh_terminal_get_inner: Returns: %FALSE when the terminal is gone. The modes are without
 * EXTPROC. */
gboolean osh_terminal_get_inner(const OshTerminalRelay *relay, struct termios *ret_modes);

/** osh_terminal_choose_modes: of the box's terminal, from the outer one of @choice. */
void osh_terminal_choose_modes(OshTerminalChoice *choice);

/** osh_terminal_begin_modes: @modes: (nullable): that the box's terminal had at first. */
void osh_terminal_begin_modes(OshTerminalRelay *relay, const struct termios *modes);

/** osh_terminal_follow_modes: the program has set modes of a shared terminal. */
void osh_terminal_follow_modes(OshTerminalRelay *relay);

/** osh_terminal_follow_newlines: before what the program wrote is delivered. */
void osh_terminal_follow_newlines(OshTerminalRelay *relay);

/** osh_terminal_set_foreground: of the box's terminal. */
void osh_terminal_set_foreground(OshTerminalRelay *relay, gboolean foreground);

/** osh_terminal_keys_function: Returns: what is to be called when keys are there. */
GUnixFDSourceFunc osh_terminal_keys_function(const OshTerminalRelay *relay);

/** osh_terminal_write_keys: the box's terminal takes some. */
void osh_terminal_write_keys(OshTerminalRelay *relay);

G_END_DECLS
