/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: what a client and the host say to each other on a session socket.
 *
 * A run that is given a session socket (`[plugin process] session=PATH`) lets people attach to its
 * program: they see what it wrote lately and what it writes from then on, and one of them at a time
 * may type. `openshell-host attach PATH` is such a client.
 *
 * The socket is a Unix socket of type SOCK_SEQPACKET: one message, one packet. A message is one
 * byte of type and its content; numbers are in the byte order of the machine, which both ends
 * share. A client sends %OSH_SESSION_HELLO first. Unknown types from the host are to be ignored, so
 * that new ones can be added; unknown types from a client end the attachment.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_SESSION_VERSION: of what stands here; a host refuses a client of a higher one. */
#define OSH_SESSION_VERSION 1

/** OSH_SESSION_MAX_MESSAGE: no message is longer, in bytes. */
#define OSH_SESSION_MAX_MESSAGE 16385

/**
 * OshSessionMessage: the first byte of a message.
 * @OSH_SESSION_HELLO: both ways: an #OshSessionHello; once more from the host to one who was told
 * to look only and may type now
 * @OSH_SESSION_INPUT: from the client: bytes that the program shall read
 * @OSH_SESSION_RESIZE: from the client: rows, then columns, guint16 each
 * @OSH_SESSION_SIGNAL: from the client: one byte, the number: SIGHUP, SIGINT, SIGQUIT, SIGKILL or
 *   SIGTERM, to the program's process group
 * @OSH_SESSION_END_INPUT: from the client: it types no more; somebody else may. The program's input
 *   stays open
 * @OSH_SESSION_OUTPUT: from the host: one byte, 1 or 2 for stdout or stderr, then bytes. All that
 *   a terminal shows is 1
 * @OSH_SESSION_NOTE: from the host: UTF-8 text for a person
 * @OSH_SESSION_DETACHED: from the host: the detach keys were typed; the program goes on
 * @OSH_SESSION_EXITED: from the host: an #OshSessionExit; nothing follows
 */
typedef enum {
    OSH_SESSION_HELLO = 'H',
    OSH_SESSION_INPUT = 'I',
    OSH_SESSION_RESIZE = 'W',
    OSH_SESSION_SIGNAL = 'S',
    OSH_SESSION_END_INPUT = 'E',
    OSH_SESSION_OUTPUT = 'O',
    OSH_SESSION_NOTE = 'N',
    OSH_SESSION_DETACHED = 'D',
    OSH_SESSION_EXITED = 'X',
} OshSessionMessage;

/**
 * OshSessionFlags:
 * @OSH_SESSION_READ_ONLY: from the client: it only looks; from the host: it may only look
 * @OSH_SESSION_TERMINAL: from the host: the program has a terminal, so a client's terminal shall be
 *   raw
 */
typedef enum {
    OSH_SESSION_READ_ONLY = 1 << 0,
    OSH_SESSION_TERMINAL = 1 << 1,
} OshSessionFlags;

/**
 * OshSessionHello:
 * @version: %OSH_SESSION_VERSION
 * @flags: #OshSessionFlags
 * @rows: from the client: of its terminal, 0 without one
 * @columns: likewise
 */
typedef struct {
    guint16 version;
    guint16 flags;
    guint16 rows;
    guint16 columns;
} OshSessionHello;

/**
 * OshSessionExit:
 * @code: exit code, 0 when a signal ended it
 * @signal: the signal, or 0
 */
typedef struct {
    gint32 code;
    gint32 signal;
} OshSessionExit;

G_END_DECLS
