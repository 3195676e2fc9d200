/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.h: connects to the first address that answers, of those that were checked. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** osh_dial_begin: tries the connection's addresses. May free @connection. */
void osh_dial_begin(OshConnection *connection);

/** osh_dial_event: epoll events of a socket that is being connected. May free @connection. */
void osh_dial_event(OshConnection *connection, int fd, guint32 events);

/** osh_dial_free: @dial: (nullable) (transfer full): closes every attempt. */
void osh_dial_free(OshDial *dial);

G_END_DECLS
