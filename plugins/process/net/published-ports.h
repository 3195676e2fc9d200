/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published-ports.h: servers of the box that can be reached from outside. [main].
 */
#pragma once

#include <glib.h>

#include "openshell/ext/shard.h"
#include "openshell/host.h"

G_BEGIN_DECLS

/** OshPublishedPorts: the listening sockets, and the connections that came by them. */
typedef struct OshPublishedPorts OshPublishedPorts;

/**
 * OshPublishedPortsRequest:
 * @host: for messages
 * @shard: where bytes are carried
 * @net: provides openshell.draft.sandbox-net/1 of the box
 * @ports: (array zero-terminated=1): each "[ADDRESS:]PORT"; 127.0.0.1 unless an address is given
 *
 * @host must live as long as the ports; the rest is borrowed for the call.
 */
typedef struct {
    const OshHost *host;
    const OshInterface *shard;
    const OshInterface *net;
    const char *const *ports;
} OshPublishedPortsRequest;

/** osh_published_ports_check: Returns: whether each of @ports is "[ADDRESS:]PORT". */
gboolean osh_published_ports_check(const char *const *ports, GError **error);

/**
 * osh_published_ports_new:
 *
 * Listens. A client is connected to the same port on the box's loopback, and reset when nothing
 * listens there.
 *
 * Returns: (transfer full) (nullable): the ports
 */
OshPublishedPorts *osh_published_ports_new(const OshPublishedPortsRequest *request, GError **error);

/** osh_published_ports_text: Returns: (transfer none): "ADDRESS:PORT, ADDRESS:PORT" */
const char *osh_published_ports_text(const OshPublishedPorts *ports);

/**
 * osh_published_ports_stop:
 * @ports: (transfer full): ports
 * @done: called when no shard works for them any more, inside the call or later
 */
void osh_published_ports_stop(OshPublishedPorts *ports, OshCallback done, gpointer data);

G_END_DECLS
