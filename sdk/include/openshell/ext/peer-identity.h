/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/peer-identity.h: "openshell.peer-identity/1": who is at the other end of a connection.
 *
 * Provided by whoever lives beside the workload: in one host the network plugin looks by itself;
 * over a bridge to another pod the process half answers. A holder or ancestor that cannot be read
 * makes the identity ambiguous, which is an error and so a denial.
 */
#pragma once

#include <netinet/in.h>

#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_PEER_IDENTITY "openshell.peer-identity/1"

/**
 * OshPeerTuple:
 * @struct_size: sizeof(OshPeerTuple) of the caller
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @client: address of the program's socket; IPv4 in v4-mapped form
 * @destination: what the program asked for, before any capture
 * @client_port: host order
 * @destination_port: host order
 *
 * The exact tuple is the key; a port alone never is.
 */
typedef struct {
    guint32 struct_size;
    guint32 protocol;
    struct in6_addr client;
    struct in6_addr destination;
    guint16 client_port;
    guint16 destination_port;
} OshPeerTuple;

/**
 * OshPeer:
 * @struct_size: sizeof(OshPeer) of the provider
 * @pid: outer pid of the lowest holder
 * @start_time: /proc/PID/stat field 22
 * @uid: owner of the socket
 * @read_at: g_get_monotonic_time() at which the scan that found the holders began
 * @binary: path of the executable image
 * @binary_sha256: (nullable): lower-case hex of its content
 * @ancestors: (array length=n_ancestors): images of its ancestors, nearest first
 * @cmdline: (array length=n_cmdline): absolute paths in argv; a hint only
 *
 * Borrowed for the call of the callback.
 */
typedef struct {
    guint32 struct_size;
    pid_t pid;
    guint64 start_time;
    uid_t uid;
    gint64 read_at;
    OshSpan binary;
    OshSpan binary_sha256;
    const OshSpan *ancestors;
    gsize n_ancestors;
    const OshSpan *cmdline;
    gsize n_cmdline;
} OshPeer;

/** OshPeerFunc: exactly one of @peer and @error is set; both borrowed. */
typedef void (*OshPeerFunc)(const OshPeer *peer, const GError *error, gpointer data);

/**
 * OshPeerIdentityInterface:
 * @struct_size: sizeof(OshPeerIdentityInterface) of the provider
 * @lookup: [main, shard] answers inside the call or later, on the calling thread, before
 *   @deadline (g_get_monotonic_time() microseconds) or with %OSH_ERROR_TIMEOUT
 */
typedef struct {
    guint32 struct_size;
    void (*lookup)(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
                   gpointer data);
} OshPeerIdentityInterface;

/** osh_peer_identity_lookup: [main, shard] answers with an error when it cannot be asked. */
static inline void
osh_peer_identity_lookup(const OshInterface *identity, const OshPeerTuple *tuple, gint64 deadline,
                         OshPeerFunc done, gpointer data)
{
    const OshPeerIdentityInterface *vtable = (const OshPeerIdentityInterface *)identity->vtable;

    if (osh_can_call(vtable, OshPeerIdentityInterface, lookup)) {
        vtable->lookup(identity->instance, tuple, deadline, done, data);
    } else {
        g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                                              "%s cannot tell who connects", identity->provider);

        done(NULL, error, data);
    }
}

G_END_DECLS
