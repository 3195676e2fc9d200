/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-listener.c: carries queries to the answerer and replies back.
 *
 * [shard], the first one, except where said otherwise. A datagram is answered or not within one
 * call. A TCP client gets one buffer, may send query after query, and has ten seconds for each;
 * beyond a bound of clients the newest is closed. A lack of descriptors pauses a listener.
 */
#include "dns-listener.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept-error.h"
#include "dns-answerer.h"
#include "interceptor.h"
#include "judge.h"
#include "synthetic-names.h"

#define DNS_MAX_SOCKETS 4
#define DNS_MAX_CLIENTS 64
#define DNS_BATCH       64
#define DNS_TCP_TIMEOUT (10 * G_TIME_SPAN_SECOND)

typedef struct {
    OshDnsListener *listener;
    int fd;
    gboolean tcp;
    OshShardWatch *watch;
    OshShardTimer *pause;
} Socket;

typedef struct {
    OshDnsListener *listener;
    int fd;
    OshShardWatch *watch;
    OshShardTimer *timer;
    gsize length;
    guint8 bytes[2 + OSH_DNS_MESSAGE_SIZE];
} Client;

struct _OshDnsListener {
    OshNetwork *network;
    Socket sockets[DNS_MAX_SOCKETS];
    guint n_sockets;
    GPtrArray *clients;
};

OshDnsListener *
osh_dns_listener_new(OshNetwork *network)
{
    OshDnsListener *listener = g_new0(OshDnsListener, 1);

    listener->network = network;
    listener->clients = g_ptr_array_new();
    return listener;
}

void
osh_dns_listener_add(OshDnsListener *listener, int fd, gboolean tcp)
{
    if (listener->n_sockets == DNS_MAX_SOCKETS) {
        close(fd);
        return;
    }
    listener->sockets[listener->n_sockets++] = (Socket){listener, fd, tcp, NULL, NULL};
}

typedef struct {
    const OshNetwork *network;
    const OshPolicySnapshot *snapshot;
} Known;

static gboolean
name_is_known(const char *name, gpointer data)
{
    const Known *known = data;

    if (osh_network_virtual_host(known->network, name) != NULL ||
        (known->network->interceptor != NULL && g_str_equal(name, OSH_REVOCATION_HOST)))
        return TRUE;
    return osh_policy_interface_name_is_known(&known->network->policy, known->snapshot, name);
}

static void
publish_refusal(OshDnsListener *listener, const OshDnsOutcome *outcome)
{
    const OshHost *host = listener->network->host;
    g_autofree char *collapse = g_strdup_printf("dns|%s", outcome->name);
    const OshEventNetworkDenied denied = {
        .layer = "dns",
        .host = outcome->name,
        .port = 53,
        .reason = outcome->refused,
        .generation = osh_policy_interface_generation(&listener->network->policy),
    };
    const OshPublication publication = {
        .struct_size = sizeof publication,
        .topic = listener->network->denied,
        .collapse_key = collapse,
        .payload = osh_event_network_denied_pack(&denied),
    };

    osh_host_publish(host, &publication);
}

/* Of a query only the name is known. */
static void
record_refusal(const OshDnsListener *listener, const OshDnsOutcome *outcome)
{
    const OshInterface *policy = &listener->network->policy;
    const OshFact host = OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(outcome->name));
    const OshFacts facts = {&host, 1};
    const OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = OSH_DECISION_DENIED_POLICY,
        .layer = "dns",
        .facts = &facts,
    };

    if (osh_policy_interface_is_recording(policy))
        osh_policy_interface_record(policy, &decision);
}

static gsize
answer(OshDnsListener *listener, const guint8 *message, gsize size, guint8 *reply)
{
    Known known = {listener->network, NULL};
    OshPolicySnapshot *snapshot = osh_policy_interface_current(&listener->network->policy);
    OshDnsOutcome outcome;
    gsize length;

    known.snapshot = snapshot;
    /* Whose query it is would cost a look-up for each datagram: the box shares one allowance. */
    length = osh_dns_answer(listener->network->names, name_is_known, &known, 0, message, size,
                            reply, &outcome);
    osh_policy_interface_release(&listener->network->policy, snapshot);
    if (outcome.refused != NULL) {
        record_refusal(listener, &outcome);
        publish_refusal(listener, &outcome);
    }
    return length;
}

static void
datagram_ready(int fd, guint32 events, gpointer data)
{
    Socket *socket = data;
    guint8 message[OSH_DNS_MESSAGE_SIZE + 1];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];

    (void)events;
    for (guint i = 0; i < DNS_BATCH; i++) {
        struct sockaddr_storage peer;
        socklen_t peer_length = sizeof peer;
        gssize n = recvfrom(fd, message, sizeof message, MSG_DONTWAIT,
                            (struct sockaddr *)(void *)&peer, &peer_length);
        gsize length;

        if (n < 0)
            return;
        length = answer(socket->listener, message, (gsize)n, reply);
        if (length > 0)
            sendto(fd, reply, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)(void *)&peer,
                   peer_length);
    }
}

static void
client_close(Client *client)
{
    const OshInterface *shard = &client->listener->network->shard;

    g_ptr_array_remove_fast(client->listener->clients, client);
    osh_shard_remove(shard, client->watch);
    osh_shard_cancel_timer(shard, client->timer);
    close(client->fd);
    g_free(client);
}

static void
client_expired(gpointer data)
{
    Client *client = data;

    client->timer = NULL;
    client_close(client);
}

static void
client_set_timer(Client *client)
{
    const OshInterface *shard = &client->listener->network->shard;

    osh_shard_cancel_timer(shard, g_steal_pointer(&client->timer));
    client->timer =
        osh_shard_add_timer(shard, osh_shard_now(shard) + DNS_TCP_TIMEOUT, client_expired, client);
}

/* Answers the query at the front, if it is whole. Returns: FALSE when the client is to go. */
static gboolean
client_answer_one(Client *client, gboolean *ret_progress)
{
    gsize size = (gsize)client->bytes[0] << 8 | client->bytes[1];
    guint8 reply[2 + OSH_DNS_MESSAGE_SIZE];
    gsize length;

    *ret_progress = FALSE;
    if (client->length < 2)
        return TRUE;
    if (size > OSH_DNS_MESSAGE_SIZE)
        return FALSE;
    if (client->length < 2 + size)
        return TRUE;
    length = answer(client->listener, client->bytes + 2, size, reply + 2);
    reply[0] = (guint8)(length >> 8);
    reply[1] = (guint8)length;
    /* Room for a reply is there unless the client reads nothing: then it has had its chance. */
    if (length == 0 ||
        send(client->fd, reply, length + 2, MSG_DONTWAIT | MSG_NOSIGNAL) != (gssize)(length + 2))
        return FALSE;
    client->length -= 2 + size;
    memmove(client->bytes, client->bytes + 2 + size, client->length);
    client_set_timer(client);
    *ret_progress = TRUE;
    return TRUE;
}

static void
client_ready(int fd, guint32 events, gpointer data)
{
    Client *client = data;
    gboolean progress = TRUE;
    gssize n = recv(fd, client->bytes + client->length, sizeof client->bytes - client->length,
                    MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_close(client);
        return;
    }
    client->length += (gsize)n;
    while (progress)
        if (!client_answer_one(client, &progress)) {
            client_close(client);
            return;
        }
}

static void stream_ready(int fd, guint32 events, gpointer data);

static void
stream_watch(gpointer data)
{
    Socket *socket = data;

    socket->pause = NULL;
    socket->watch = osh_shard_add_fd(&socket->listener->network->shard, socket->fd, EPOLLIN,
                                     stream_ready, socket);
}

/* Without a free descriptor the connection stays in the queue and would wake the shard at once. */
static void
stream_failed(Socket *socket, int error_number)
{
    const OshInterface *shard = &socket->listener->network->shard;
    OshAcceptClass class = osh_accept_classify(error_number);

    if (class == OSH_ACCEPT_EMPTY || class == OSH_ACCEPT_TRANSIENT)
        return;
    osh_shard_remove(shard, g_steal_pointer(&socket->watch));
    socket->pause = osh_shard_add_timer(shard, osh_shard_now(shard) + osh_accept_backoff(class, 1),
                                        stream_watch, socket);
}

static void
stream_ready(int fd, guint32 events, gpointer data)
{
    Socket *socket = data;
    OshDnsListener *listener = socket->listener;
    Client *client;
    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (accepted < 0) {
        stream_failed(socket, errno);
        return;
    }
    if (listener->clients->len >= DNS_MAX_CLIENTS) {
        close(accepted);
        return;
    }
    client = g_new0(Client, 1);
    client->listener = listener;
    client->fd = accepted;
    client->watch =
        osh_shard_add_fd(&listener->network->shard, accepted, EPOLLIN, client_ready, client);
    g_ptr_array_add(listener->clients, client);
    client_set_timer(client);
    if (client->watch == NULL)
        client_close(client);
}

void
osh_dns_listener_begin(OshDnsListener *listener)
{
    for (guint i = 0; i < listener->n_sockets; i++) {
        Socket *socket = &listener->sockets[i];

        if (socket->tcp)
            stream_watch(socket);
        else
            socket->watch = osh_shard_add_fd(&listener->network->shard, socket->fd, EPOLLIN,
                                             datagram_ready, socket);
    }
}

void
osh_dns_listener_end(OshDnsListener *listener)
{
    while (listener->clients->len > 0)
        client_close(g_ptr_array_index(listener->clients, 0));
    for (guint i = 0; i < listener->n_sockets; i++) {
        const OshInterface *shard = &listener->network->shard;

        osh_shard_remove(shard, g_steal_pointer(&listener->sockets[i].watch));
        osh_shard_cancel_timer(shard, g_steal_pointer(&listener->sockets[i].pause));
    }
}

void
osh_dns_listener_free(OshDnsListener *listener)
{
    if (listener == NULL)
        return;
    for (guint i = 0; i < listener->n_sockets; i++)
        close(listener->sockets[i].fd);
    g_ptr_array_unref(listener->clients);
    g_free(listener);
}
