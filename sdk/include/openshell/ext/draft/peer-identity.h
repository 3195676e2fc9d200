/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/peer-identity.h: "openshell.draft.peer-identity/1": which program is at the other end.
 *
 * Provided by the plugin beside the workload: in a box the process plugin. There are two questions.
 * Which program made a connection is asked once, when the connection arrives; where the provider
 * saw connect(2) being called, the answer is exact. Which processes own its socket is asked later,
 * as the second check: a descriptor can be handed on. Over a bridge to another pod both are
 * answered by the process half. A process that cannot be read makes an answer an error, and so a
 * denial.
 */
#pragma once

#include <netinet/in.h>

#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_PEER_IDENTITY "openshell.draft.peer-identity/1"

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
 * OshPeerBasis: how a program was found.
 * @OSH_PEER_BASIS_OWNERS: by the processes that own the socket; a descriptor that moves between
 *   processes while it is looked for can be missed
 * @OSH_PEER_BASIS_CONNECT: by its call of connect(2), while it stood still in it
 */
typedef enum {
    OSH_PEER_BASIS_OWNERS = 1,
    OSH_PEER_BASIS_CONNECT = 2,
} OshPeerBasis;

/**
 * OshPeer:
 * @struct_size: sizeof(OshPeer) of the provider
 * @pid: outer pid; of several processes of one program the oldest
 * @start_time: /proc/PID/stat field 22
 * @uid: owner of the socket
 * @read_at: g_get_monotonic_time() at which the program was read, or the scan that found it began
 * @binary: path of the executable image
 * @binary_sha256: (nullable): lower-case hex of its content
 * @ancestors: (array length=n_ancestors): images of its ancestors, nearest first
 * @cmdline: (array length=n_cmdline): absolute paths in argv; a hint only
 * @basis: an #OshPeerBasis
 * @execution: (nullable): names one execution of the program: the same in a process and its forks,
 *   another after execve(2)
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
    guint32 basis;
    OshSpan execution;
} OshPeer;

/** OshPeerFunc: exactly one of @peer and @error is set; both borrowed. */
typedef void (*OshPeerFunc)(const OshPeer *peer, const GError *error, gpointer data);

/**
 * OshPeerOwners: which processes own a socket.
 * @OSH_PEER_OWNERS_ONE: one program, in one or several processes
 * @OSH_PEER_OWNERS_NONE: none was seen, although a descriptor of the socket is open somewhere
 * @OSH_PEER_OWNERS_UNCERTAIN: different programs, of which none was known, or a process that cannot
 *   be read
 * @OSH_PEER_OWNERS_CLOSED: no descriptor of the socket is open any more, or there is no socket
 * @OSH_PEER_OWNERS_SHARED: a program that was known, and another one
 */
typedef enum {
    OSH_PEER_OWNERS_ONE = 1,
    OSH_PEER_OWNERS_NONE = 2,
    OSH_PEER_OWNERS_UNCERTAIN = 3,
    OSH_PEER_OWNERS_CLOSED = 4,
    OSH_PEER_OWNERS_SHARED = 5,
} OshPeerOwners;

/**
 * OshPeerOwnersFunc:
 * @peer: (nullable): with %OSH_PEER_OWNERS_ONE the program, with %OSH_PEER_OWNERS_SHARED one that
 * was not known
 * @problem: (nullable): with any other answer, why
 *
 * Everything is borrowed for the call.
 */
typedef void (*OshPeerOwnersFunc)(OshPeerOwners owners, const OshPeer *peer, const char *problem,
                                  gpointer data);

/**
 * OshPeerIdentityInterface:
 * @struct_size: sizeof(OshPeerIdentityInterface) of the provider
 * @lookup: [main, shard] which program made the connection; once for each, answers inside the call
 *   or later, on the calling thread, before @deadline (g_get_monotonic_time() microseconds) or with
 *   %OSH_ERROR_TIMEOUT
 * @owners: [main, shard] which processes own its socket now; questions that are asked together are
 *   answered by one scan; likewise, but that what was read after @deadline is an answer as well.
 * With
 *   @known, (array length=n_known) of OshPeer.execution, the question is which program owns it
 * beside those: a program that leaves a connection to a child of another executable is no
 * uncertainty for who has judged both.
 */
typedef struct {
    guint32 struct_size;
    void (*lookup)(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
                   gpointer data);
    void (*owners)(gpointer instance, const OshPeerTuple *tuple, const OshSpan *known,
                   gsize n_known, gint64 deadline, OshPeerOwnersFunc done, gpointer data);
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

/** osh_peer_identity_owners: [main, shard] answers "uncertain" when it cannot be asked. */
static inline void
osh_peer_identity_owners(const OshInterface *identity, const OshPeerTuple *tuple,
                         const OshSpan *known, gsize n_known, gint64 deadline,
                         OshPeerOwnersFunc done, gpointer data)
{
    const OshPeerIdentityInterface *vtable = (const OshPeerIdentityInterface *)identity->vtable;

    if (osh_can_call(vtable, OshPeerIdentityInterface, owners))
        vtable->owners(identity->instance, tuple, known, n_known, deadline, done, data);
    else
        done(OSH_PEER_OWNERS_UNCERTAIN, NULL, "the owners of connections cannot be asked for",
             data);
}

G_END_DECLS
