/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-streams.h: pipes between a program without a terminal and the run's own standard input,
 * output and error, so that a session sees what passes. [main].
 */
#pragma once

#include "session.h"

G_BEGIN_DECLS

typedef struct _OshSessionStreams OshSessionStreams;

/**
 * osh_session_streams_new:
 * @session: sees what the program writes; outlives the streams
 * @outer: (array fixed-size=3): the run's own, -1 where closed; duplicated
 * @uid: owner of the pipes
 * @gid: likewise
 * @ret_inner: (array fixed-size=3) (out caller-allocates) (transfer full): the program's
 * @error: return location
 *
 * Standard input that is /dev/null or closed is left out: then those who attach may type, and the
 * program's input stays open.
 *
 * Returns: (transfer full) (nullable): streams that run
 */
OshSessionStreams *osh_session_streams_new(OshSession *session, const int outer[3], uid_t uid,
                                           gid_t gid, int ret_inner[3], GError **error);

/** osh_session_streams_has_local_input: Returns: %TRUE when the run's own standard input types. */
gboolean osh_session_streams_has_local_input(const OshSessionStreams *streams);

/** osh_session_streams_input: see #OshSessionProgram.input; @data: the streams. */
gssize osh_session_streams_input(const char *bytes, gsize length, gpointer data);

/**
 * osh_session_streams_finish:
 * @done: called once, never from within this function, when what the program has left in its pipes
 *   was delivered
 *
 * Processes that it has left behind go on to be served until the streams are freed.
 */
void osh_session_streams_finish(OshSessionStreams *streams, void (*done)(gpointer data),
                                gpointer data);

/** osh_session_streams_hurry: a reader that takes nothing for two seconds is given up from now on.
 */
void osh_session_streams_hurry(OshSessionStreams *streams);

/** osh_session_streams_free: @streams: (transfer full) (nullable). */
void osh_session_streams_free(OshSessionStreams *streams);

G_END_DECLS
