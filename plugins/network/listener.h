/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h: one listening TCP socket, accepted from by every shard.
 */
#pragma once

#include "network.h"

#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/** OshListenerKind: what its clients speak. */
typedef enum {
    OSH_LISTENER_EXPLICIT,
    OSH_LISTENER_TRANSPARENT,
} OshListenerKind;

/**
 * OshListener:
 * @fd: owned
 * @original_destination: an #OshOriginalDestination
 * @address: where clients reach it, IPv4 in v4-mapped form
 * @of_box: its clients are the programs of a box
 * @watches: (array length=n_shards): one for each shard, used by it alone
 */
struct _OshListener {
    OshNetwork *network;
    int fd;
    OshListenerKind kind;
    guint32 original_destination;
    struct in6_addr address;
    guint16 port;
    gboolean of_box;
    struct OshListenerWatch *watches;
};

/** OshAcceptClass: what an error of accept(2) means for the listener. */
typedef enum {
    OSH_ACCEPT_EMPTY,
    OSH_ACCEPT_TRANSIENT,
    OSH_ACCEPT_RESOURCE,
    OSH_ACCEPT_TERMINAL,
    OSH_ACCEPT_UNKNOWN,
} OshAcceptClass;

/** osh_accept_classify: [any] Returns: the class of @error_number. */
OshAcceptClass osh_accept_classify(int error_number);

/** osh_accept_backoff: [any] Returns: microseconds to pause after the @n th failure in a row. */
gint64 osh_accept_backoff(OshAcceptClass class, guint n);

/**
 * osh_listener_new:
 * @fd: (transfer full): bound, listening, non-blocking
 *
 * [main] Returns: (transfer full): a listener that accepts nothing yet
 */
OshListener *osh_listener_new(OshNetwork *network, int fd, OshListenerKind kind,
                              guint32 original_destination, const struct in6_addr *address,
                              guint16 port);

/**
 * osh_listener_bind:
 * @text: ADDRESS:PORT, IPv6 in brackets
 *
 * [main] Returns: (transfer full) (nullable): an explicit listener
 */
OshListener *osh_listener_bind(OshNetwork *network, const char *text, GError **error);

/** osh_listener_free: [main] after every shard has left it. */
void osh_listener_free(OshListener *listener);

/** osh_listener_join: [shard] begins to accept on the calling shard. */
void osh_listener_join(OshListener *listener, OshNetworkShard *shard);

/** osh_listener_take_waiting: [shard] accepts what waits, as long as there is something. */
void osh_listener_take_waiting(OshListener *listener, OshNetworkShard *shard);

/** osh_listener_leave: [shard] accepts no more on the calling shard. */
void osh_listener_leave(OshListener *listener, OshNetworkShard *shard);

G_END_DECLS
