/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-listener.h: the box's resolver sockets, UDP and TCP, served on the first shard.
 */
#pragma once

#include "network.h"
#include "synthetic-names.h"

G_BEGIN_DECLS

typedef struct _OshDnsListener OshDnsListener;

/** osh_dns_listener_new: [main] Returns: (transfer full): a listener without sockets. */
OshDnsListener *osh_dns_listener_new(OshNetwork *network);

/** osh_dns_listener_add: [main] @fd: (transfer full): a bound socket, listening where TCP. */
void osh_dns_listener_add(OshDnsListener *listener, int fd, gboolean tcp);

/** osh_dns_listener_begin: [shard] serves from now on, on the calling shard. */
void osh_dns_listener_begin(OshDnsListener *listener);

/** osh_dns_listener_end: [shard] closes what is open; on the shard that began. */
void osh_dns_listener_end(OshDnsListener *listener);

/** osh_dns_listener_free: [main] @listener: (transfer full) (nullable): after its end. */
void osh_dns_listener_free(OshDnsListener *listener);

G_END_DECLS
