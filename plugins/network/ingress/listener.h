/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h: one listening TCP socket, accepted from by every shard.
 */
#pragma once

#include "transport.h"

#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * OshListener:
 * @fd: owned
 * @transport: how its connections begin
 * @original_destination: an #OshOriginalDestination
 * @address: where clients reach it, IPv4 in v4-mapped form
 * @of_box: its clients are the programs of a box
 * @watches: (array length=n_shards): one for each shard, used by it alone
 */
struct _OshListener {
    OshNetwork *network;
    int fd;
    const OshTransport *transport;
    guint32 original_destination;
    struct in6_addr address;
    guint16 port;
    gboolean of_box;
    struct OshListenerWatch *watches;
};

/**
 * osh_listener_new:
 * @fd: (transfer full): bound, listening, non-blocking
 *
 * [main] Returns: (transfer full): a listener that accepts nothing yet
 */
OshListener *osh_listener_new(OshNetwork *network, int fd, const OshTransport *transport,
                              guint32 original_destination, const struct in6_addr *address,
                              guint16 port);

/**
 * osh_listener_bind:
 * @transport: how its clients name their destination
 * @key: the configuration key that @text is a value of, for messages
 * @text: ADDRESS:PORT, IPv6 in brackets
 *
 * [main] Returns: (transfer full) (nullable): a listener outside any box
 */
OshListener *osh_listener_bind(OshNetwork *network, const OshTransport *transport, const char *key,
                               const char *text, GError **error);

/** osh_listener_free: [main] after every shard has left it. */
void osh_listener_free(OshListener *listener);

/** osh_listener_join: [shard] begins to accept on the calling shard. */
void osh_listener_join(OshListener *listener, OshNetworkShard *shard);

/** osh_listener_take_waiting: [shard] accepts what waits, as long as there is something. */
void osh_listener_take_waiting(OshListener *listener, OshNetworkShard *shard);

/** osh_listener_leave: [shard] accepts no more on the calling shard. */
void osh_listener_leave(OshListener *listener, OshNetworkShard *shard);

G_END_DECLS
