/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h: what stands in the upstream's place for a name that a plugin answers. [shard]
 *
 * The connection's upstream socket is one end of a pair; the other end is served here, on the same
 * shard: HTTP/1 requests come in, one after the other, as the protocol plugin released them, and
 * HTTP/1 that is made of the plugin's answers goes out.
 */
#pragma once

#include "connection.h"

#include "osh-http1-body.h"

G_BEGIN_DECLS

typedef struct _OshVirtualExchange OshVirtualExchange;

/** OSH_VIRTUAL_CAPACITY: bytes of an answer that wait for the client. */
#define OSH_VIRTUAL_CAPACITY (128 * 1024)
/** OSH_VIRTUAL_WINDOW: bytes of a head; what is read of a body at once. */
#define OSH_VIRTUAL_WINDOW 32768

/**
 * osh_virtual_origin_new:
 * @connection: has a virtual host and no upstream socket; gets one, with its watch
 *
 * Returns: (transfer full) (nullable): NULL where no descriptor is left
 */
OshVirtualOrigin *osh_virtual_origin_new(OshConnection *connection);

/** osh_virtual_origin_free: @origin: (transfer full) (nullable): tells the plugin, if a request is
 * under way. */
void osh_virtual_origin_free(OshVirtualOrigin *origin);

/** osh_virtual_origin_connection: Returns: (transfer none): its connection. */
OshConnection *osh_virtual_origin_connection(const OshVirtualOrigin *origin);

/** osh_virtual_origin_put: bytes towards the client, copied, for osh_virtual_origin_flush(). */
void osh_virtual_origin_put(OshVirtualOrigin *origin, gconstpointer bytes, gsize length);

/** osh_virtual_origin_flush: writes what the client takes now. */
void osh_virtual_origin_flush(OshVirtualOrigin *origin);

/** osh_virtual_origin_left: Returns: bytes that the client has not taken. */
gsize osh_virtual_origin_left(const OshVirtualOrigin *origin);

/** osh_virtual_origin_kick: something has changed; goes on soon, never inside the call. */
void osh_virtual_origin_kick(OshVirtualOrigin *origin);

/** osh_virtual_origin_blame: the plugin broke its contract: the connection ends, soon. @rule:
 * constant; what it broke. */
void osh_virtual_origin_blame(OshVirtualOrigin *origin, const char *rule);

G_END_DECLS
