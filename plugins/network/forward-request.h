/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-request.h: one absolute-form HTTP request, sent on in origin form. [shard]
 */
#pragma once

#include "connection.h"
#include "osh-http1-head.h"

G_BEGIN_DECLS

/** osh_forward_begin: takes a complete head that is not CONNECT. May free @connection. */
void osh_forward_begin(OshConnection *connection, const OshHttp1Head *head, const guint8 *window);

/**
 * osh_forward_pump:
 *
 * Sends on the new head and the body of the first request, and not one byte more.
 *
 * Returns: TRUE when the connection was closed
 */
gboolean osh_forward_pump(OshConnection *connection);

/** osh_forward_free: @forward: (nullable) (transfer full). */
void osh_forward_free(OshForward *forward);

G_END_DECLS
