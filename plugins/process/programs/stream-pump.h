/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-pump.h: a thread that carries one stream of a program between a pipe of the box's own and
 * the descriptor that the host was given (security rule 15, streams and terminal).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshStreamPump OshStreamPump;

/**
 * OshStreamPumpDone:
 *
 * [main] Everything that is to be delivered has been, or cannot be.
 */
typedef void (*OshStreamPumpDone)(gpointer data);

/**
 * osh_stream_pump_new_output:
 * @from: (transfer full): read end of a pipe that has no other reader
 * @to: (transfer full): what the host was given; its file status flags are left alone
 *
 * When the reader behind @to is gone, or @to fails, @from is closed, so that the program gets
 * SIGPIPE or EPIPE as it would have without us. SIGPIPE and SIGXFSZ must be ignored.
 *
 * Returns: (transfer full) (nullable): a pump that runs; %NULL with @error set when there can be no
 *   further thread
 */
OshStreamPump *osh_stream_pump_new_output(int from, int to, GError **error);

/**
 * osh_stream_pump_new_input:
 * @from: (transfer full): what the host was given; its file status flags are left alone
 * @to: (transfer full): write end of a pipe that has no other writer
 * @reader: (transfer full): the read end of the same pipe
 *
 * What the program leaves unread stays in @from for the next program, where @from is a pipe or can
 * be positioned.
 *
 * Returns: (transfer full) (nullable): a pump that runs; %NULL with @error set when there can be no
 *   further thread
 */
OshStreamPump *osh_stream_pump_new_input(int from, int to, int reader, GError **error);

/**
 * osh_stream_pump_finish:
 * @done: called once from the main context, never from within this function
 *
 * To be called when the program has ended: an output pump delivers what the pipe holds now, for as
 * long as its reader takes; what a process left behind writes later is not waited for, but carried
 * all the same until the pump is freed.
 */
void osh_stream_pump_finish(OshStreamPump *pump, OshStreamPumpDone done, gpointer data);

/**
 * osh_stream_pump_hurry:
 *
 * From now on a finish gives up when the reader has taken nothing for two seconds.
 */
void osh_stream_pump_hurry(OshStreamPump *pump);

/**
 * osh_stream_pump_problem:
 *
 * To be asked after the finish.
 *
 * Returns: (transfer full) (nullable): why bytes of the program were not delivered, and how many;
 *   %NULL also when the reader had gone, which the program was told
 */
char *osh_stream_pump_problem(OshStreamPump *pump);

/** osh_stream_pump_has_ended: Returns: whether nothing can come any more; %TRUE for %NULL. */
gboolean osh_stream_pump_has_ended(OshStreamPump *pump);

/**
 * osh_stream_pump_free:
 * @pump: (transfer full) (nullable)
 *
 * Ends the thread, after half a second at most; one that blocks in a write is left behind. A
 * callback that is still to come does not come.
 */
void osh_stream_pump_free(OshStreamPump *pump);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshStreamPump, osh_stream_pump_free)

G_END_DECLS
