/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-relay.h: carries bytes from one descriptor to another and shows them to somebody on the
 * way. [main]: belongs to the thread of the GMainContext that was the default when it was made.
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
 * @to: (transfer full) (-1 for none): is written, and closed at the end of @from
 * @tap: (nullable): sees everything
 * @data: for @tap
 *
 * A full @to stops the reading of @from: nothing is lost, and nothing is made non-blocking.
 *
 * Returns: (transfer full): a relay that runs
 */
OshStreamRelay *osh_stream_relay_new(int from, int to, OshStreamTap tap, gpointer data);

/** osh_stream_relay_ended: Returns: %TRUE when @from has ended. */
gboolean osh_stream_relay_ended(const OshStreamRelay *relay);

/**
 * osh_stream_relay_drain:
 * @deadline: g_get_monotonic_time() microseconds
 *
 * Delivers what is there already, without waiting for more.
 */
void osh_stream_relay_drain(OshStreamRelay *relay, gint64 deadline);

/** osh_stream_relay_free: @relay: (transfer full) (nullable): closes both ends. */
void osh_stream_relay_free(OshStreamRelay *relay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshStreamRelay, osh_stream_relay_free)

G_END_DECLS
