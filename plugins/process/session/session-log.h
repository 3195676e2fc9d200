/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-log.h: what a program wrote lately, in numbered pieces, for those who come later or read
 * slowly. One owner thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshSessionLog OshSessionLog;

/**
 * osh_session_log_new:
 * @max_bytes: how much is kept; the oldest pieces go first
 *
 * Returns: (transfer full): an empty log
 */
OshSessionLog *osh_session_log_new(gsize max_bytes);

/** osh_session_log_free: @log: (transfer full) (nullable). */
void osh_session_log_free(OshSessionLog *log);

/**
 * osh_session_log_append:
 * @stream: 1 or 2; 0 for what the host says
 * @bytes: (array length=length): a piece; one that is longer than the log is cut at its start
 */
void osh_session_log_append(OshSessionLog *log, guint stream, const char *bytes, gsize length);

/** osh_session_log_first: Returns: the number of the oldest piece that is kept. */
guint64 osh_session_log_first(const OshSessionLog *log);

/** osh_session_log_next: Returns: the number that the next piece will have. */
guint64 osh_session_log_next(const OshSessionLog *log);

/**
 * osh_session_log_get:
 * @number: from osh_session_log_first() to one before osh_session_log_next()
 * @ret_stream: (out): its stream
 * @ret_length: (out): its length
 *
 * Returns: (transfer none): the bytes, valid until the next append
 */
const char *osh_session_log_get(const OshSessionLog *log, guint64 number, guint *ret_stream,
                                gsize *ret_length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshSessionLog, osh_session_log_free)

G_END_DECLS
