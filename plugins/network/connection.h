/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h: one connection of the workload, from accept to close.
 *
 * The steps are the same for every way in: head (explicit only), identify, decide, resolve,
 * destination check, audit, dial, verify, tunnel. Each step is a short function that ends by
 * entering the next or by refusing. All of it is [shard]; a connection lives on one shard.
 *
 * Whoever calls a function that says "may free" returns at once and does not look at the
 * connection again.
 */
#pragma once

#include "identity-question.h"
#include "network.h"
#include "osh-authority.h"
#include "osh-http1-body.h"
#include "pipe-pool.h"

#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/** OSH_NO_LOOK: look_index of a connection that waits for no look. */
#define OSH_NO_LOOK G_MAXUINT

/** OshTransport: the way in; osh_transport_name() gives the word used in events. */
typedef enum {
    OSH_TRANSPORT_CONNECT,
    OSH_TRANSPORT_FORWARD,
    OSH_TRANSPORT_TRANSPARENT,
} OshTransport;

/**
 * OshAddressList:
 * @length: how many
 * @at: IPv4 in v4-mapped form, in the order to try
 */
typedef struct {
    guint length;
    struct in6_addr at[];
} OshAddressList;

/**
 * OshRelayDirection: bytes from one side to the other.
 * @pipe: (nullable): only while bytes are in it
 * @rest: (nullable): what follows the bytes in @pipe where they did not fit
 * @moved: bytes delivered
 * @readable: the source may have bytes; edge-triggered, so remembered
 * @blocked: the sink takes nothing for the moment
 * @hung_up: the source has announced its end: only a read that returns 0 or fails is the last
 * @ended: the source's end was read
 * @done: the sink was told so
 * @bulk: whole buffers were read, so splice
 */
typedef struct {
    OshPipe *pipe;
    GByteArray *rest;
    guint64 moved;
    guint readable : 1;
    guint blocked : 1;
    guint hung_up : 1;
    guint ended : 1;
    guint done : 1;
    guint bulk : 1;
} OshRelayDirection;

typedef struct _OshDial OshDial;
typedef struct _OshForward OshForward;
typedef struct _OshResolution OshResolution;
typedef struct _OshRequestFacts OshRequestFacts;
typedef struct _OshIdentityLookup OshIdentityLookup;

/**
 * OshConnection:
 * @since: when the present step was entered; for a tunnel, when bytes last moved
 * @client_address: of the program's socket, with @client_port its key for sock_diag
 * @local_address: what the program connected to, before any capture
 * @host: (nullable): what it asked for, canonical
 * @addresses: (nullable): resolved, until connected
 * @upstream_address: the address connected to
 * @request: (nullable): of plain HTTP, only while a recording is wanted
 * @identity: with @identified, what is known of the program that made it
 * @identity_problem: (nullable): why it is not known which
 * @peer: (nullable): the program
 * @peer_read_at: when it, or an owner of the socket that is it, was last read
 * @by_connect: @peer was read at its connect(2)
 * @owners_seen: the owners of the socket were found to be @peer
 * @owners_first: nothing goes on before they were
 * @owners_differ: they were found to be another program once; a second time ends the connection
 * @missed_owners: by how many sweeps in succession none was found
 * @by_sweep: the question under way is a sweep's
 * @look_index: place among those whose owners are looked at next; %OSH_NO_LOOK
 * @reservation: room for the allowed event, until it is published
 * @protocol: (nullable): interned; part of the treatment that a reload must not change
 * @treatment: from the verdict, likewise
 * @swept_bytes: of both directions, at the last sweep
 */
struct _OshConnection {
    OshConnection *previous;
    OshConnection *next;
    OshNetworkShard *shard;
    OshListener *listener;
    guint64 id;
    gint64 since;
    gint64 opened_at;
    int client_fd;
    int upstream_fd;
    OshShardWatch *client_watch;
    OshShardWatch *upstream_watch;
    OshBuffer *head;
    struct in6_addr client_address;
    struct in6_addr local_address;
    struct in6_addr upstream_address;
    guint16 client_port;
    guint16 local_port;
    guint16 port;
    guint8 step;
    guint8 transport;
    guint8 host_kind;
    guint8 tls;
    guint announced : 1;
    guint again : 1;
    guint counted : 1;
    guint client_aborted : 1;
    guint identified : 1;
    guint by_connect : 1;
    guint owners_seen : 1;
    guint owners_first : 1;
    guint owners_differ : 1;
    guint missed_owners : 4;
    guint by_sweep : 1;
    guint look_index;
    char *host;
    OshAddressList *addresses;
    OshResolution *resolution;
    OshDial *dial;
    OshForward *forward;
    OshRequestFacts *request;
    OshIdentityQuestion *question;
    OshIdentityAnswer identity;
    char *identity_problem;
    OshPeerIdentity *peer;
    gint64 peer_read_at;
    guint64 reservation;
    guint64 generation;
    const char *protocol;
    guint64 treatment;
    guint64 swept_bytes;
    OshRelayDirection up;
    OshRelayDirection down;
};

/** osh_transport_name: Returns: (transfer none): the word for events and messages. */
const char *osh_transport_name(OshTransport transport);

/**
 * osh_connection_accepted:
 * @fd: (transfer full): an accepted, non-blocking socket
 * @peer: its peer address
 *
 * Makes a connection and begins its first step. Every connection over a cap is answered and
 * closed here.
 */
void osh_connection_accepted(OshNetworkShard *shard, OshListener *listener, int fd,
                             const struct sockaddr_storage *peer);

/** osh_connection_set_destination: what a captured connection was made to, as literal address. */
void osh_connection_set_destination(OshConnection *connection,
                                    const struct sockaddr_storage *destination);

/** osh_connection_enter: moves @connection to the end of the list of @step, as of now. */
void osh_connection_enter(OshConnection *connection, OshConnectionStep step);

/**
 * osh_connection_take_identity: asks which program made @connection, as soon as it has arrived.
 * Decides where osh_connection_identify() waits for it. May free.
 */
void osh_connection_take_identity(OshConnection *connection);

/** osh_connection_identify: decides, once it is known who it is. May free. */
void osh_connection_identify(OshConnection *connection);

/** osh_connection_refuse_identity: records and answers that it is not clear who it is. May free. */
void osh_connection_refuse_identity(OshConnection *connection, const char *problem);

/** osh_connection_client_gone: Returns: whether the client has reset its connection. */
gboolean osh_connection_client_gone(const OshConnection *connection);

/** osh_connection_decide: policy, resolution, destination, audit, dial. May free. */
void osh_connection_decide(OshConnection *connection);

/**
 * osh_connection_connected:
 * @connection: whose upstream_fd, upstream_watch and upstream_address are set
 *
 * Has the owners looked at where the last reading is too old, then opens the tunnel. May free.
 */
void osh_connection_connected(OshConnection *connection);

/** osh_shard_refresh_policy: takes the policy that is in force now, if @shard has another. */
void osh_shard_refresh_policy(OshNetworkShard *shard);

/**
 * osh_connection_redecide:
 * @connection: dialled, verified or open
 *
 * After a reload: refuses or closes it if it, or the way it is treated, is no longer what the
 * policy says. May free.
 */
void osh_connection_redecide(OshConnection *connection);

/**
 * osh_connection_linger:
 *
 * After an answer was written: ends our direction and waits a moment for the client to do the
 * same, because closing with unread bytes would destroy the answer on its way. May free.
 */
void osh_connection_linger(OshConnection *connection);

/**
 * osh_connection_close:
 * @reason: why, for the closed event; constant
 *
 * Frees.
 */
void osh_connection_close(OshConnection *connection, const char *reason);

/** osh_connection_again: goes on with the relay after the other connections had their turn. */
void osh_connection_again(OshConnection *connection);

/** osh_connection_upstream_event: the #OshShardFdFunc of every upstream socket. */
void osh_connection_upstream_event(int fd, guint32 events, gpointer data);

G_END_DECLS
