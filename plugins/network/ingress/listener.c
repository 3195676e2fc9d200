/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting: every shard watches the same listening socket with EPOLLEXCLUSIVE, so one arrival
 * wakes one shard and no second socket could be joined by somebody else (security rule 5, listeners
 * of the box: neither SO_REUSEADDR in the box nor SO_REUSEPORT anywhere). An error of accept never
 * ends a listener that may still work: it pauses, and a spare descriptor turns exhaustion into an
 * answer.
 */
#include "listener.h"

#include "accept-error.h"
#include "connection.h"
#include "osh-socket-address.h"
#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One wake-up takes at most this many, so that open tunnels get their turn in a flood. */
#define ACCEPT_BATCH    64
#define ACCEPT_BACKLOG  4096
#define SPARE_PAUSE     (100 * G_TIME_SPAN_MILLISECOND)
#define UNKNOWN_ALLOWED 5
/* Clients beyond the limit that are told so as connections of their own: such an answer is not lost
   to a reset while its client still sends. */
#define TOLD_BEYOND    64
#define SAY_FULL_EVERY (10 * G_TIME_SPAN_SECOND)

struct OshListenerWatch {
    OshListener *listener;
    OshNetworkShard *shard;
    OshShardWatch *watch;
    OshShardTimer *pause;
    int spare;
    gint64 say_full_at; /* not sooner again that the table of descriptors is full */
    guint resource_failures;
    guint unknown_failures;
};

OshListener *
osh_listener_new(OshNetwork *network, int fd, const OshTransport *transport,
                 guint32 original_destination, const struct in6_addr *address, guint16 port)
{
    OshListener *listener = g_new0(OshListener, 1);
    const int on = 1;
    const int keepalive_idle = 30;     /* seconds */
    const int keepalive_interval = 10; /* likewise */

    listener->network = network;
    listener->fd = fd;
    listener->transport = transport;
    listener->original_destination = original_destination;
    listener->address = *address;
    listener->port = port;
    /* Accepted sockets inherit these. A client that has gone for good while its server is silent is
     * found out by keepalive alone (RFC 9293 section 3.8.4): its end looks like a half-close. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_idle, sizeof keepalive_idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &keepalive_interval, sizeof keepalive_interval);
    listener->watches = g_new0(struct OshListenerWatch, network->n_shards);
    return listener;
}

OshListener *
osh_listener_bind(OshNetwork *network, const OshTransport *transport, const char *key,
                  const char *text, GError **error)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct in6_addr mapped;
    guint16 port;
    const int on = 1;
    int fd;

    if (!osh_socket_address_parse(text, NULL, &address, &length)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s: \"%s\" is not ADDRESS:PORT, for example 127.0.0.1:3128", key, text);
        return NULL;
    }
    osh_socket_address_map((struct sockaddr *)&address, &mapped, &port);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Reuse is for restarts on this machine: a TCP listener cannot be shadowed by it, only an old
       connection in TIME_WAIT be ignored. */
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)(void *)&address, length) != 0 ||
        listen(fd, ACCEPT_BACKLOG) != 0) {
        int saved = errno;

        g_set_error(error, OSH_ERROR, saved == EADDRINUSE ? OSH_ERROR_BUSY : OSH_ERROR_FAILED,
                    "%s: cannot listen on %s: %s", key, text, g_strerror(saved));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    return osh_listener_new(network, fd, transport, OSH_ORIGINAL_DESTINATION_NONE, &mapped, port);
}

void
osh_listener_free(OshListener *listener)
{
    close(listener->fd);
    g_free(listener->watches);
    g_free(listener);
}

static int
listener_open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_event(int fd, guint32 events, gpointer data);

static void
listener_watch(struct OshListenerWatch *watch)
{
    watch->watch = osh_shard_add_fd(&watch->shard->network->shard, watch->listener->fd,
                                    EPOLLIN | EPOLLEXCLUSIVE, listener_event, watch);
}

/* Waits for a spare descriptor: another thread may have taken the one that was given up. */
static void
listener_resume(gpointer data)
{
    struct OshListenerWatch *watch = data;
    const OshInterface *shard = &watch->shard->network->shard;

    watch->pause = NULL;
    if (watch->spare < 0)
        watch->spare = listener_open_spare();
    if (watch->spare < 0)
        watch->pause =
            osh_shard_add_timer(shard, osh_shard_now(shard) + SPARE_PAUSE, listener_resume, watch);
    else
        listener_watch(watch);
}

static gboolean
is_full_table(int error_number)
{
    return error_number == EMFILE || error_number == ENFILE;
}

static void
listener_say(struct OshListenerWatch *watch, int error_number)
{
    const OshInterface *shard = &watch->shard->network->shard;
    gboolean is_full = is_full_table(error_number);

    if (is_full && osh_shard_now(shard) < watch->say_full_at)
        return;
    if (is_full)
        watch->say_full_at = osh_shard_now(shard) + SAY_FULL_EVERY;
    osh_network_log(watch->shard->network, G_LOG_LEVEL_WARNING, "accept on port %u failed: %s",
                    watch->listener->port, g_strerror(error_number));
}

/* @fd: (transfer full): never becomes a connection. */
static void
listener_turn_away(const OshListener *listener, int fd)
{
    if (listener->transport->answer_unserved != NULL)
        listener->transport->answer_unserved(fd);
    close(fd);
}

/* @fd: (transfer full) */
static void
listener_serve(OshNetworkShard *shard, OshListener *listener, int fd,
               const struct sockaddr_storage *peer)
{
    OshNetwork *network = shard->network;
    guint open = (guint)g_atomic_int_add(&network->n_connections, 1);
    guint limit = network->config.max_connections;
    OshConnection *connection;

    if (shard->stopping ||
        open >= limit + (listener->transport->answer_unserved != NULL ? TOLD_BEYOND : 0)) {
        g_atomic_int_add(&network->n_connections, -1);
        listener_turn_away(listener, fd);
        return;
    }
    connection = osh_connection_new(shard, fd, peer, listener->transport);
    if (connection == NULL)
        return;
    connection->local_address = listener->address;
    connection->local_port = listener->port;
    connection->original_destination = listener->original_destination;
    connection->of_box = listener->of_box;
    if (open < limit)
        osh_connection_begin(connection);
    else
        osh_connection_advance(connection, osh_refuse_limit(connection, "the proxy has no capacity "
                                                                        "for another connection"));
}

/*
 * Gives up the spare descriptor for as long as it takes to say no to one client. Returns: 0, or why
 * no other can be accepted now.
 */
static int
listener_answer_with_spare(struct OshListenerWatch *watch)
{
    int error_number;
    int fd;

    if (watch->spare < 0)
        return EMFILE;
    close(watch->spare);
    fd = accept4(watch->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    error_number = fd < 0 ? errno : 0;
    if (fd >= 0)
        listener_turn_away(watch->listener, fd);
    watch->spare = listener_open_spare();
    return watch->spare < 0 ? EMFILE : error_number;
}

static void
listener_failed(struct OshListenerWatch *watch, int error_number)
{
    OshNetwork *network = watch->shard->network;
    OshAcceptClass class = osh_accept_classify(error_number);
    guint n = 1;

    if (class == OSH_ACCEPT_RESOURCE) {
        n = ++watch->resource_failures;
        watch->unknown_failures = 0;
    } else if (class == OSH_ACCEPT_UNKNOWN) {
        n = ++watch->unknown_failures;
    } else {
        watch->unknown_failures = 0;
    }
    listener_say(watch, error_number);
    osh_shard_remove(&network->shard, g_steal_pointer(&watch->watch));
    if (class == OSH_ACCEPT_TERMINAL || watch->unknown_failures > UNKNOWN_ALLOWED) {
        g_autoptr(GError) error =
            g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the listener on port %u has ended: %s",
                        watch->listener->port, g_strerror(error_number));

        osh_host_fault(network->host, OSH_FAULT_FATAL, error);
        return;
    }
    /* A spare descriptor is looked for soon; other resources are given time. */
    if (watch->spare < 0)
        n = 1;
    watch->pause = osh_shard_add_timer(
        &network->shard, osh_shard_now(&network->shard) + osh_accept_backoff(class, n),
        listener_resume, watch);
}

/* Returns: whether there may be more. */
static gboolean
listener_accept(struct OshListenerWatch *watch)
{
    int fd = watch->listener->fd;

    for (guint n = 0; n < ACCEPT_BATCH; n++) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        int accepted =
            accept4(fd, (struct sockaddr *)(void *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int error_number = accepted < 0 ? errno : 0;

        /* A full table is found out before whether there is a client at all. */
        if (is_full_table(error_number)) {
            int full = error_number;

            error_number = listener_answer_with_spare(watch);
            if (error_number == 0) {
                listener_say(watch, full);
                continue;
            }
        }
        if (error_number == EAGAIN || error_number == EINTR || error_number == ECONNABORTED)
            return error_number != EAGAIN;
        if (error_number != 0) {
            listener_failed(watch, error_number);
            return FALSE;
        }
        watch->resource_failures = 0;
        watch->unknown_failures = 0;
        listener_serve(watch->shard, watch->listener, accepted, &peer);
    }
    return TRUE;
}

static void
listener_event(int fd, guint32 events, gpointer data)
{
    (void)fd;
    (void)events;
    listener_accept(data);
}

void
osh_listener_take_waiting(OshListener *listener, OshNetworkShard *shard)
{
    struct OshListenerWatch *watch = &listener->watches[shard->index];

    /* One that has failed pauses, or has ended. */
    while (watch->watch != NULL && listener_accept(watch)) {
    }
}

void
osh_listener_join(OshListener *listener, OshNetworkShard *shard)
{
    struct OshListenerWatch *watch = &listener->watches[shard->index];

    watch->listener = listener;
    watch->shard = shard;
    watch->spare = listener_open_spare();
    listener_watch(watch);
}

void
osh_listener_leave(OshListener *listener, OshNetworkShard *shard)
{
    struct OshListenerWatch *watch = &listener->watches[shard->index];

    if (watch->listener == NULL)
        return;
    osh_shard_remove(&shard->network->shard, g_steal_pointer(&watch->watch));
    osh_shard_cancel_timer(&shard->network->shard, g_steal_pointer(&watch->pause));
    if (watch->spare >= 0)
        close(watch->spare);
    watch->spare = -1;
}
