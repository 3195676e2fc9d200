/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program-streams.h: what a program of the box gets as standard input, output and error where that
 * is no terminal (security rule 15, streams and terminal). [main].
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _OshProgramStreams OshProgramStreams;

/**
 * OshStreamHandling:
 * @OSH_STREAM_NOTHING: closed, or /dev/null: the program gets the box's /dev/null
 * @OSH_STREAM_INHERITED: the program gets the descriptor: a terminal, a connected Unix stream
 *   socket, a device without state
 * @OSH_STREAM_PIPED: the program gets a pipe, and the host carries the bytes
 */
typedef enum {
    OSH_STREAM_NOTHING,
    OSH_STREAM_INHERITED,
    OSH_STREAM_PIPED,
} OshStreamHandling;

/**
 * osh_stream_handling:
 * @fd: a descriptor that is meant for a program, or -1
 * @which: 0, 1 or 2
 * @ret_handling: (out): what is to be done with it
 *
 * A directory, a descriptor opened with O_PATH, and whatever is no file, pipe, socket or device is
 * refused: by the first two a program would reach files that its box does not show. So is a socket
 * that could send elsewhere than to its peer.
 *
 * Returns: %FALSE with @error set when it is refused
 */
gboolean osh_stream_handling(int fd, guint which, OshStreamHandling *ret_handling, GError **error);

/**
 * osh_program_streams_new:
 * @outer: (array fixed-size=3): what the host was given; duplicated
 * @piped: (array fixed-size=3): which of them are carried by pipes
 * @uid: owner of the pipes, so that the program can open /dev/stdout
 * @gid: likewise
 * @ret_inner: (array fixed-size=3) (out caller-allocates) (transfer full): the program's ends, -1
 *   where none is piped
 *
 * Where standard output and error are one open file, the program's are one pipe, so that the order
 * of what it writes to the two stays as it is.
 *
 * Returns: (transfer full) (nullable): streams that run, %NULL with @error set
 */
OshProgramStreams *osh_program_streams_new(const int outer[3], const gboolean piped[3], uid_t uid,
                                           gid_t gid, int ret_inner[3], GError **error);

/**
 * osh_stream_pipe:
 * @ret_ends: (out caller-allocates) (transfer full): read end and write end, close-on-exec
 * @uid: its owner, who can open it again by /proc/self/fd
 * @gid: likewise
 *
 * Returns: %FALSE with @error set
 */
gboolean osh_stream_pipe(int ret_ends[2], uid_t uid, gid_t gid, GError **error);

/**
 * osh_program_streams_finish:
 * @done: called once, never from within this function, when what the program wrote was delivered
 *
 * To be called when the program has ended.
 */
void osh_program_streams_finish(OshProgramStreams *streams, void (*done)(gpointer data),
                                gpointer data);

/** osh_program_streams_hurry: a reader that takes nothing for two seconds is given up from now on.
 */
void osh_program_streams_hurry(OshProgramStreams *streams);

/**
 * osh_program_streams_problem:
 *
 * To be asked after the finish.
 *
 * Returns: (transfer full) (nullable): a sentence on what was not delivered
 */
char *osh_program_streams_problem(OshProgramStreams *streams);

/** osh_program_streams_have_ended: Returns: whether nothing more can be written to them. */
gboolean osh_program_streams_have_ended(OshProgramStreams *streams);

/** osh_program_streams_free: @streams: (transfer full) (nullable): see osh_stream_pump_free(). */
void osh_program_streams_free(OshProgramStreams *streams);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshProgramStreams, osh_program_streams_free)

G_END_DECLS
