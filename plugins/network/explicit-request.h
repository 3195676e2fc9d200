/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explicit-request.h: the request head of a client that knows it speaks to a proxy. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** osh_explicit_read: reads what is there; goes on when the head is complete. May free. */
void osh_explicit_read(OshConnection *connection);

G_END_DECLS
