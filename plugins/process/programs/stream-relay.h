/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-relay.h: carries what a program writes to a descriptor of the host and shows it to
 * a session on the way. [main]: belongs to the thread of the GMainContext that was the default when
 * it was made.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshStreamRelay OshStreamRelay;

/** OshStreamTap: [main] sees @bytes before they are delivered; borrowed for the call. */
typedef void (*OshStreamTap)(const char *bytes, gsize length, gpointer data);

/**
 * osh_stream_relay_new:
 * @from: (transfer full): is read
 * @to: (transfer full) (-1 for none): is written, by a thread, and closed at the end of @from
 * @tap: (nullable): sees everything
 * @data: for @tap
 *
 * A full @to stops the reading of @from: nothing is lost, and nothing is made non-blocking. Where
 * the reader behind @to is gone, the tap sees what follows all the same.
 *
 * Returns: (transfer full): a relay that runs
 */
OshStreamRelay *osh_stream_relay_new(int from, int to, OshStreamTap tap, gpointer data);

/**
 * osh_stream_relay_finish:
 * @done: called once, never from within this function, when what @from holds now was delivered
 *
 * What comes into @from later is not waited for, but carried until the relay is freed.
 */
void osh_stream_relay_finish(OshStreamRelay *relay, void (*done)(gpointer data), gpointer data);

/** osh_stream_relay_hurry: a reader that takes nothing for two seconds is given up from now on. */
void osh_stream_relay_hurry(OshStreamRelay *relay);

/** osh_stream_relay_free: @relay: (transfer full) (nullable): closes both ends; what came after a
 * finish has a fifth of a second. */
void osh_stream_relay_free(OshStreamRelay *relay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshStreamRelay, osh_stream_relay_free)

G_END_DECLS
