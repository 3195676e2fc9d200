/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: several people at one program: a socket to attach to, a log to replay, one who types.
 * [main]: belongs to the thread of the GMainContext that was the default when it was made.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _OshSession OshSession;

/**
 * OshSessionProgram: how a session reaches its program.
 * @input: takes up to @length bytes; returns how many it took, 0 when it is full for now, -1 when
 *   the program reads nothing any more
 * @resize: sets the size of its terminal; does nothing without one
 * @send_signal: to its process group
 * @screen_taken: (nullable): whether it draws on its terminal, so that a note would spoil the
 * screen
 * @has_terminal: it has one
 * @local_input: the run's own standard input types, and no client may
 * @data: for the functions
 */
typedef struct {
    gssize (*input)(const char *bytes, gsize length, gpointer data);
    void (*resize)(guint16 rows, guint16 columns, gpointer data);
    void (*send_signal)(int signal_number, gpointer data);
    gboolean (*screen_taken)(gpointer data);
    gboolean has_terminal;
    gboolean local_input;
    gpointer data;
} OshSessionProgram;

/**
 * osh_session_new:
 * @path: of the socket; a stale one is replaced, one that answers belongs to another run
 * @visible: (array zero-terminated=1): what a program of the box can see: the socket's folder must
 *   lie in none of it (security rule 2, control sockets)
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a session that listens; a client that attaches before there
 *   is a program waits for it
 */
OshSession *osh_session_new(const char *path, const char *const *visible, GError **error);

/**
 * osh_session_begin:
 * @program: copied
 * @init_pid: the box's init, 0 without one
 */
void osh_session_begin(OshSession *session, const OshSessionProgram *program, pid_t init_pid);

/** osh_session_output: @bytes: what the program wrote on @stream (1 or 2). */
void osh_session_output(OshSession *session, guint stream, const char *bytes, gsize length);

/** osh_session_note: says @text to all clients that are attached now. */
void osh_session_note(OshSession *session, const char *text);

/**
 * osh_session_line:
 * @line: what the host says of the run
 *
 * Those who are attached see it in its place among what the program writes, and so do those who
 * come later. While the program draws on its screen it waits; a client that leaves meanwhile sees
 * it then.
 */
void osh_session_line(OshSession *session, const char *line);

/**
 * osh_session_input_room: the program may be able to take what is waiting.
 */
void osh_session_input_room(OshSession *session);

/**
 * osh_session_exited:
 * @code: exit code, or -1
 * @signal_number: the signal, or 0
 * @done: called once, never from within this function, when all attached clients have all
 *   output and the exit, two seconds from now at the latest
 */
void osh_session_exited(OshSession *session, gint code, gint signal_number,
                        void (*done)(gpointer data), gpointer data);

/** osh_session_free: @session: (transfer full) (nullable): ends all attachments, removes the
 * socket. */
void osh_session_free(OshSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshSession, osh_session_free)

G_END_DECLS
