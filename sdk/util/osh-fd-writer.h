/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-fd-writer.h: writes to a descriptor that may block, from a thread of its own.
 *
 * Standard output and standard error are shared with the processes around us: O_NONBLOCK on them
 * would be seen by all, and poll(2) promises nothing, because another process may fill a pipe
 * between the poll and the write, and a terminal takes part of a write and blocks for the rest.
 * So the write itself is left to a thread that may block for as long as the reader likes
 * (security rule 15, streams and terminal). Not installed: a plugin logs through its host.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshFdWriter OshFdWriter;

/**
 * OshFdWriterLoss:
 * @note: appended to: a line, with its newline, that says how many lines were lost
 * @lines: how many
 *
 * [any]: called by whichever thread finds that there is capacity again.
 */
typedef void (*OshFdWriterLoss)(GString *note, guint64 lines);

/**
 * osh_fd_writer_new:
 * @fd: (transfer full): is written, and closed at the end
 * @capacity: how many bytes may wait
 * @loss: (nullable): says what osh_fd_writer_add_line() had to give up
 *
 * Nothing is written before osh_fd_writer_start(), so that one can be made before the first thread.
 *
 * Returns: (transfer full): a writer
 */
OshFdWriter *osh_fd_writer_new(int fd, gsize capacity, OshFdWriterLoss loss);

/** osh_fd_writer_start: begins to write; a second call does nothing. SIGPIPE must be ignored. */
void osh_fd_writer_start(OshFdWriter *writer);

/**
 * osh_fd_writer_add:
 * @bytes: (array length=length): what to write
 *
 * [any]. Never blocks.
 *
 * Returns: how many bytes were taken, from the first on; all of them once the reader is gone
 */
gsize osh_fd_writer_add(OshFdWriter *writer, const char *bytes, gsize length);

/**
 * osh_fd_writer_add_line:
 * @line: with its newline; written by one write(2) where it has no more than PIPE_BUF bytes
 *
 * [any]. Never blocks. A line that there is no capacity for is counted, and the count is written as
 * soon as there is.
 *
 * Returns: %FALSE when the line was lost
 */
gboolean osh_fd_writer_add_line(OshFdWriter *writer, const char *line, gsize length);

/**
 * osh_fd_writer_limit:
 * @limit: whether only what waits now is written, and what is added later has to wait for another
 *   call
 *
 * [any]. A flush writes no more than that either.
 */
void osh_fd_writer_limit(OshFdWriter *writer, gboolean limit);

/** osh_fd_writer_pending: Returns: how many bytes were taken and are not written yet. */
gsize osh_fd_writer_pending(OshFdWriter *writer);

/** osh_fd_writer_is_broken: Returns: %TRUE when the descriptor takes nothing ever again. */
gboolean osh_fd_writer_is_broken(OshFdWriter *writer);

/**
 * osh_fd_writer_progress_fd:
 *
 * Returns: (transfer none): an eventfd(2) that becomes readable after each write that succeeded,
 * and when the descriptor breaks; a caller that waits for capacity reads it
 */
int osh_fd_writer_progress_fd(OshFdWriter *writer);

/**
 * osh_fd_writer_flush:
 * @deadline: g_get_monotonic_time() microseconds
 *
 * Waits until everything is written, but not beyond @deadline.
 *
 * Returns: %FALSE when something is left
 */
gboolean osh_fd_writer_flush(OshFdWriter *writer, gint64 deadline);

/**
 * osh_fd_writer_free:
 * @writer: (transfer full) (nullable)
 *
 * What is not written yet is given up. A thread that blocks in its write is left behind with the
 * descriptor, and ends with that write or with the process.
 */
void osh_fd_writer_free(OshFdWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshFdWriter, osh_fd_writer_free)

G_END_DECLS
