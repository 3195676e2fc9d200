/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published-ports.c: servers of the box that can be reached from outside.
 *
 * [main] accepts and connects into the box, which is how openshell.draft.sandbox-net/1 wants it;
 * bytes are carried on the shards in turn. `relays` of a shard belong to that shard. The policy
 * does not judge what a client outside sends to a server in the box: it is about what the box
 * reaches.
 */
#include "published-ports.h"

#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drop-source.h"
#include "openshell/ext/draft/sandbox-net.h"
#include "osh-socket-address.h"
#include "port-relay.h"

#define MAX_CONNECTIONS 512
#define ACCEPT_BATCH    16
#define BACKLOG         128
#define PAUSE_MSEC      100

typedef struct {
    OshPublishedPorts *ports;
    guint index;
    GHashTable *relays; /* OshPortRelay; of this shard alone */
} ShardPart;

typedef struct {
    OshPublishedPorts *ports;
    int fd;
    guint16 port;
    GSource *source; /* (nullable) */
} Listener;

struct OshPublishedPorts {
    gint references; /* of [main], each connection on its way and each shard's part */
    const OshHost *host;
    OshInterface shard;
    OshInterface net;
    GPtrArray *listeners;
    GString *text;
    ShardPart *parts;
    guint n_parts;
    guint next_part;
    gint n_connections; /* atomic */
    gboolean stopped;
    gint parts_left; /* atomic */
    OshCallback done;
    gpointer done_data;
};

/* A client that was accepted and the server's socket, once there is one. */
typedef struct {
    OshPublishedPorts *ports;
    ShardPart *part;
    int fds[2];
} Pair;

/* Returns: FALSE with @error set. */
static gboolean
parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length, GError **error)
{
    if (osh_socket_address_parse(text, "127.0.0.1", ret_address, ret_length))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "publish: \"%s\" is not [ADDRESS:]PORT, for example 8000 or 192.0.2.1:8000", text);
    return FALSE;
}

gboolean
osh_published_ports_check(const char *const *ports, GError **error)
{
    struct sockaddr_storage address;
    socklen_t length;

    for (gsize i = 0; ports[i] != NULL; i++)
        if (!parse(ports[i], &address, &length, error))
            return FALSE;
    return TRUE;
}

static void
listener_free(gpointer data)
{
    Listener *listener = data;

    osh_drop_source(&listener->source);
    close(listener->fd);
    g_free(listener);
}

static void
ports_unref(OshPublishedPorts *ports)
{
    if (!g_atomic_int_dec_and_test(&ports->references))
        return;
    for (guint i = 0; i < ports->n_parts; i++)
        g_hash_table_unref(ports->parts[i].relays);
    g_ptr_array_unref(ports->listeners);
    g_string_free(ports->text, TRUE);
    g_free(ports->parts);
    g_free(ports);
}

static void
pair_drop(Pair *pair)
{
    const struct linger at_once = {.l_onoff = 1};

    for (guint i = 0; i < 2; i++) {
        if (pair->fds[i] < 0)
            continue;
        setsockopt(pair->fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(pair->fds[i]);
    }
    g_atomic_int_add(&pair->ports->n_connections, -1);
    ports_unref(pair->ports);
    g_free(pair);
}

/* [shard] */
static void
relay_ended(OshPortRelay *relay, gpointer data)
{
    ShardPart *part = data;

    g_hash_table_steal(part->relays, relay);
    g_atomic_int_add(&part->ports->n_connections, -1);
}

/* [shard] */
static void
pair_begin(gpointer data)
{
    Pair *pair = data;
    ShardPart *part = pair->part;
    OshPortRelay *relay;

    relay = osh_port_relay_new(&pair->ports->shard, pair->fds, relay_ended, part);
    if (relay == NULL)
        g_atomic_int_add(&pair->ports->n_connections, -1);
    else
        g_hash_table_add(part->relays, relay);
    ports_unref(pair->ports);
    g_free(pair);
}

static void
pair_connected(int fd, const GError *error, gpointer data)
{
    Pair *pair = data;
    OshPublishedPorts *ports = pair->ports;

    pair->fds[1] = fd;
    if (fd < 0 || error != NULL || ports->stopped) {
        pair_drop(pair);
        return;
    }
    pair->part = &ports->parts[ports->next_part++ % ports->n_parts];
    if (!osh_shard_post(&ports->shard, pair->part->index, pair_begin, pair))
        pair_drop(pair);
}

static void listener_watch(Listener *listener);

static gboolean
listener_resume(gpointer data)
{
    listener_watch(data);
    return G_SOURCE_REMOVE;
}

static void
listener_pause(Listener *listener)
{
    osh_drop_source(&listener->source);
    listener->source = g_timeout_source_new(PAUSE_MSEC);
    g_source_set_callback(listener->source, listener_resume, listener, NULL);
    g_source_attach(listener->source, g_main_context_get_thread_default());
}

static gboolean
listener_ready(gint fd, GIOCondition condition, gpointer data)
{
    Listener *listener = data;
    OshPublishedPorts *ports = listener->ports;

    (void)condition;
    for (guint n = 0; n < ACCEPT_BATCH; n++) {
        const int on = 1;
        Pair *pair;
        int client;

        if (g_atomic_int_get(&ports->n_connections) >= MAX_CONNECTIONS) {
            listener_pause(listener);
            return G_SOURCE_CONTINUE;
        }
        client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 &&
            (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            listener_pause(listener);
        if (client < 0)
            return G_SOURCE_CONTINUE;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pair = g_new0(Pair, 1);
        *pair = (Pair){.ports = ports, .fds = {client, -1}};
        g_atomic_int_inc(&ports->references);
        g_atomic_int_inc(&ports->n_connections);
        osh_sandbox_net_connect_loopback(&ports->net, listener->port, pair_connected, pair);
    }
    return G_SOURCE_CONTINUE;
}

static void
listener_watch(Listener *listener)
{
    if (listener->source != NULL)
        g_source_unref(listener->source);
    listener->source = g_unix_fd_source_new(listener->fd, G_IO_IN);
    g_source_set_callback(listener->source, G_SOURCE_FUNC(listener_ready), listener, NULL);
    g_source_attach(listener->source, g_main_context_get_thread_default());
}

static gboolean
listen_on(OshPublishedPorts *ports, const char *text, GError **error)
{
    struct sockaddr_storage address;
    struct in6_addr mapped;
    socklen_t length;
    guint16 port;
    const int on = 1;
    Listener *listener;
    int fd;

    if (!parse(text, &address, &length, error))
        return FALSE;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (const struct sockaddr *)(const void *)&address, length) != 0 ||
        listen(fd, BACKLOG) != 0) {
        g_set_error(error, OSH_ERROR, errno == EADDRINUSE ? OSH_ERROR_BUSY : OSH_ERROR_FAILED,
                    "publish: cannot listen on %s: %s", text, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    osh_socket_address_map((const struct sockaddr *)&address, &mapped, &port);
    listener = g_new0(Listener, 1);
    *listener = (Listener){.ports = ports, .fd = fd, .port = port};
    g_ptr_array_add(ports->listeners, listener);
    g_string_append_printf(ports->text, "%s%s%s", ports->text->len > 0 ? ", " : "",
                           strchr(text, ':') == NULL ? "127.0.0.1:" : "", text);
    listener_watch(listener);
    return TRUE;
}

OshPublishedPorts *
osh_published_ports_new(const OshPublishedPortsRequest *request, GError **error)
{
    OshPublishedPorts *ports = g_new0(OshPublishedPorts, 1);
    gboolean worked = TRUE;

    ports->references = 1;
    ports->host = request->host;
    ports->shard = *request->shard;
    ports->net = *request->net;
    ports->text = g_string_new(NULL);
    ports->listeners = g_ptr_array_new_with_free_func(listener_free);
    ports->n_parts = osh_shard_count(&ports->shard);
    ports->parts = g_new0(ShardPart, ports->n_parts);
    for (guint i = 0; i < ports->n_parts; i++)
        ports->parts[i] = (ShardPart){
            .ports = ports,
            .index = i,
            .relays = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)osh_port_relay_free, NULL)};
    for (gsize i = 0; worked && request->ports[i] != NULL; i++)
        worked = listen_on(ports, request->ports[i], error);
    if (worked)
        return ports;
    ports_unref(ports);
    return NULL;
}

const char *
osh_published_ports_text(const OshPublishedPorts *ports)
{
    return ports->text->str;
}

/* [main] */
static void
ports_stopped(gpointer data)
{
    OshPublishedPorts *ports = data;
    OshCallback done = ports->done;
    gpointer done_data = ports->done_data;

    ports_unref(ports);
    done(done_data);
}

/* [shard] */
static void
part_end(gpointer data)
{
    ShardPart *part = data;
    OshPublishedPorts *ports = part->ports;

    g_hash_table_remove_all(part->relays);
    if (g_atomic_int_dec_and_test(&ports->parts_left))
        osh_host_invoke(ports->host, ports_stopped, ports, NULL);
}

void
osh_published_ports_stop(OshPublishedPorts *ports, OshCallback done, gpointer data)
{
    ports->stopped = TRUE;
    ports->done = done;
    ports->done_data = data;
    g_ptr_array_set_size(ports->listeners, 0);
    ports->parts_left = (gint)ports->n_parts;
    for (guint i = 0; i < ports->n_parts; i++)
        if (!osh_shard_post(&ports->shard, i, part_end, &ports->parts[i]) &&
            g_atomic_int_dec_and_test(&ports->parts_left))
            ports_stopped(ports);
}
