/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h: one connection of the workload, from accept to close.
 *
 * What happens to it, and in which order, is a table (step.h). All of it is [shard]; a connection
 * lives on one shard. A function whose comment says "may free" may have freed the connection when
 * it returns: its caller returns at once.
 */
#pragma once

#include "identity-question.h"
#include "network.h"
#include "osh-authority.h"
#include "step.h"
#include "transport.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/** OSH_NO_LOOK: look_index of a connection that waits for no look. */
#define OSH_NO_LOOK G_MAXUINT

/** OSH_CONNECTION_WATCHED: epoll(7) events of both sockets. */
#define OSH_CONNECTION_WATCHED (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET)

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
 * @urgent: there was urgent data: a read stops at its mark, and says nothing about what is behind
 */
typedef struct {
    struct _OshPipe *pipe;
    GByteArray *rest;
    guint64 moved;
    guint readable : 1;
    guint blocked : 1;
    guint hung_up : 1;
    guint ended : 1;
    guint done : 1;
    guint bulk : 1;
    guint urgent : 1;
} OshRelayDirection;

/**
 * OshLastRequest: where the request before the present one went, and how it was handled
 * @host: (nullable): NULL for the first request of a connection
 */
typedef struct {
    char *host;
    const char *protocol;
    guint64 handling;
    guint16 port;
    guint8 tls;
} OshLastRequest;

/** OSH_CO_OWNERS_MAX: programs beside the first that may own one connection. */
#define OSH_CO_OWNERS_MAX 8

typedef struct _OshDial OshDial;
typedef struct _OshForward OshForward;
typedef struct _OshDriver OshDriver;
struct _OshIntercept;
typedef struct _OshSecondHello OshSecondHello;
typedef struct _OshVirtualOrigin OshVirtualOrigin;
typedef struct _OshResolution OshResolution;
typedef struct _OshRequestFacts OshRequestFacts;
typedef struct _OshIdentityLookup OshIdentityLookup;

/**
 * OshConnection:
 * @listed: the step in whose list it is; %OSH_N_STEPS while it is in none
 * @since: when it entered that list
 * @moved_at: while it is open, when bytes last moved
 * @running: a step of it is being carried out
 * @woken: what the step waits for has come meanwhile
 * @pending: an #OshFlow that came meanwhile and goes before the step's own
 * @end: (nullable): why it ends, for the closed event; constant
 * @answered: words of a refusal were sent
 * @greeted: the greeting of a SOCKS client was answered
 * @socks_reply: an #OshSocksReply that a refusal is to have; 0 for the one that fits it
 * @has_begun: the client has said something in the open connection
 * @keeps_upstream: the upstream connection is left in order by the request, for one that follows
 * @is_reused: the upstream connection served a request before
 * @retargets: the request was taken out of an inspected connection, since it goes elsewhere
 * @is_head: the request's method is HEAD: an answer has no content
 * @awaits_answer: open, and the client, which speaks HTTP in clear, has got nothing of a response
 * @last: of a client that sends one request after the other
 * @new_head: (nullable): a request head of ours that goes before what is in @head
 * @client_address: of the program's socket, with @client_port its key for sock_diag
 * @local_address: what the program connected to, before any capture
 * @original_destination: an #OshOriginalDestination: how the socket tells that
 * @of_box: the client is a program of a box
 * @host: (nullable): what it asked for, canonical
 * @virtual_host: (nullable): the plugin that answers for @host: nothing is looked up or dialled
 * @addresses: (nullable): resolved, until connected; empty for a virtual host
 * @upstream_address: the address connected to
 * @request: (nullable): of plain HTTP, only while a recording is wanted
 * @identity: with @identified, what is known of the program that made it
 * @identified_early: before the step that uses it
 * @identity_problem: (nullable): why it is not known which
 * @peer: (nullable): the program
 * @co_owners: (nullable) (element-type OshPeerIdentity): other programs that own its socket too,
 * and that the policy allows what it allows @peer
 * @peer_read_at: when it, or an owner of the socket that is it, was last read
 * @by_connect: @peer was read at its connect(2)
 * @owners_seen: the owners of the socket were found to be @peer
 * @owners_first: nothing goes on before they were
 * @owners_differ: they were found to be another program once; a second time ends the connection
 * @awaits_owners: a message waits for its program to be read again
 * @awaits_capacity: it, or a message of it, waits for capacity for its event
 * @is_unjudged: no endpoint has rules about its messages, which only middlewares see
 * @may_be_opaque: what of it cannot be inspected may go on all the same
 * @starts_tls: an inspected connection changes to TLS, as its protocol agreed to
 * @missed_owners: by how many sweeps in succession none was found
 * @by_sweep: the question under way is a sweep's
 * @look_index: place among those whose owners are looked at next; %OSH_NO_LOOK
 * @reservation: room for the allowed event, until it is published
 * @protocol: (nullable): interned; part of the handling that a reload must not change
 * @handling: from the verdict, likewise
 * @swept_bytes: of both directions, at the last sweep
 */
struct _OshConnection {
    OshConnection *previous;
    OshConnection *next;
    OshNetworkShard *shard;
    guint64 id;
    gint64 since;
    gint64 moved_at;
    gint64 opened_at;
    int client_fd;
    int upstream_fd;
    OshShardWatch *client_watch;
    OshShardWatch *upstream_watch;
    OshBuffer *head;
    GString *new_head;
    struct in6_addr client_address;
    struct in6_addr local_address;
    struct in6_addr upstream_address;
    guint16 client_port;
    guint16 local_port;
    guint16 port;
    const OshTransport *transport;
    const char *end;
    guint32 original_destination;
    guint8 step;
    guint8 listed;
    guint8 pending;
    guint8 socks_reply;
    guint8 host_kind;
    guint8 tls;
    guint of_box : 1;
    guint running : 1;
    guint woken : 1;
    guint answered : 1;
    guint keeps_upstream : 1;
    guint is_reused : 1;
    guint retargets : 1;
    guint is_head : 1;
    guint awaits_answer : 1;
    guint greeted : 1;
    guint has_begun : 1;
    guint announced : 1;
    guint again : 1;
    guint counted : 1;
    guint client_aborted : 1;
    guint is_opaque : 1;
    guint is_unjudged : 1;
    guint may_be_opaque : 1;
    guint identified : 1;
    guint identified_early : 1;
    guint by_connect : 1;
    guint owners_seen : 1;
    guint owners_first : 1;
    guint owners_differ : 1;
    guint awaits_owners : 1;
    guint awaits_capacity : 1;
    guint starts_tls : 1;
    guint missed_owners : 4;
    guint by_sweep : 1;
    guint look_index;
    char *host;
    const OshVirtualHost *virtual_host;
    OshAddressList *addresses;
    OshResolution *resolution;
    OshDial *dial;
    OshForward *forward;
    OshDriver *driver;
    struct _OshIntercept *intercept;
    OshSecondHello *second_hello;
    OshVirtualOrigin *origin;
    OshRequestFacts *request;
    OshIdentityQuestion *question;
    OshIdentityAnswer identity;
    char *identity_problem;
    OshPeerIdentity *peer;
    GPtrArray *co_owners;
    gint64 peer_read_at;
    guint64 reservation;
    guint64 generation;
    const char *protocol;
    guint64 handling;
    guint64 swept_bytes;
    OshLastRequest last;
    OshRelayDirection up;
    OshRelayDirection down;
};

/**
 * osh_connection_new:
 * @fd: (transfer full): an accepted, non-blocking socket
 * @peer: its peer address
 *
 * Returns: (transfer none) (nullable): a connection that waits for osh_connection_begin(); NULL
 *   where it could not be watched, and is closed
 */
OshConnection *osh_connection_new(OshNetworkShard *shard, int fd,
                                  const struct sockaddr_storage *peer,
                                  const OshTransport *transport);

/** osh_connection_prepare_fd: urgent data (RFC 9293 section 3.8.5) is data like any other. */
void osh_connection_prepare_fd(int fd);

/**
 * osh_connection_peek:
 * @connection: a connection
 * @most: how many bytes of the socket are looked at
 * @ret_length: (out): how many bytes of the client are in the shard's scratch memory: what came
 *   behind the request head, then what stays in the socket
 *
 * Returns: FALSE when the socket has an error
 */
gboolean osh_connection_peek(OshConnection *connection, gsize most, gsize *ret_length);

/** osh_connection_begin: carries out the first step of its transport, and more. May free. */
void osh_connection_begin(OshConnection *connection);

/** osh_connection_enlist: moves @connection to the end of the list of its step, as of now. */
void osh_connection_enlist(OshConnection *connection);

/**
 * osh_connection_addresses:
 * @ret_length: (out): how many
 *
 * Returns: (transfer none): the address that it is connected to, otherwise those to try
 */
const struct in6_addr *osh_connection_addresses(const OshConnection *connection, gsize *ret_length);

/** osh_connection_client_gone: Returns: whether the client has reset its connection. */
gboolean osh_connection_client_gone(const OshConnection *connection);

/**
 * osh_connection_release:
 *
 * Gives back what the steps have under way; nothing may take @connection any further.
 */
void osh_connection_release(OshConnection *connection);

/**
 * osh_connection_close:
 * @reason: why, for the closed event; constant
 *
 * Frees. Not from inside a step: a step returns %OSH_FLOW_GONE.
 */
void osh_connection_close(OshConnection *connection, const char *reason);

/** osh_connection_abort_client: the client will see a reset; what goes upstream is delivered. */
void osh_connection_abort_client(const OshConnection *connection);

/** osh_connection_close_fd: @abort_it: the other side sees a reset. @fd: -1 for none. */
void osh_connection_close_fd(int fd, gboolean abort_it);

/** osh_connection_again: wakes it after the other connections had their turn. */
void osh_connection_again(OshConnection *connection);

/** osh_connection_upstream_event: the #OshShardFdFunc of every upstream socket. */
void osh_connection_upstream_event(int fd, guint32 events, gpointer data);

G_END_DECLS
