/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects to a server in the box and asks who that is: what a port forwarder does, and the
 * contract of openshell.draft.peer-identity/1. Says on the log what it was told, for
 * e2e/box-network-test.py.
 *
 * [main] but for the one question that it asks on a shard; must never do anything else.
 */
#include <errno.h>
#include <openshell/ext/draft/peer-identity.h>
#include <openshell/ext/draft/sandbox-net.h>
#include <openshell/ext/shard.h>
#include <openshell/plugin.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

OSH_PLUGIN_MANIFEST(
    "[plugin]\n"
    "id=box-client\n"
    "version=1.0.0\n"
    "abi=1.0\n"
    "summary=Connects to a server in the box for a test\n"
    "license=Apache-2.0\n"
    "requires=openshell.draft.sandbox-net/1;openshell.draft.peer-identity/1;openshell.shard/1\n"
    "[config port]\n"
    "type=integer\n"
    "default=8080\n"
    "min=1\n"
    "max=65535\n"
    "help=of the server\n");

#define RETRY_MS    20
#define WAIT_MS     5000
#define MAX_RETRIES 400

typedef struct {
    const OshHost *host;
    OshInterface net;
    OshInterface identity;
    OshInterface shard;
    guint16 port;
    guint retries;
    guint64 subscription;
    int fd;
    OshPeerTuple tuple;
} Client;

static void say(const Client *client, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
say(const Client *client, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    osh_host_log(client->host, G_LOG_LEVEL_MESSAGE, line);
}

static const char *
thread_word(const Client *client)
{
    return osh_shard_current(&client->shard) >= 0 ? "shard" : "main";
}

static void
told(const OshPeer *peer, const GError *error, gpointer data)
{
    say(data, "lookup on %s: %s", thread_word(data), peer == NULL ? error->message : "found");
}

static void
told_owners(OshPeerOwners owners, const OshPeer *peer, const char *problem, gpointer data)
{
    const Client *client = data;

    if (peer == NULL)
        say(client, "on %s: owners %u: %s", thread_word(client), (guint)owners, problem);
    else
        say(client, "on %s: uid %u, pid %d, %.*s, hash of %zu, %zu ancestors, %s",
            thread_word(client), (guint)peer->uid, (int)peer->pid, (int)peer->binary.length,
            peer->binary.data, peer->binary_sha256.length, peer->n_ancestors,
            g_get_monotonic_time() - peer->read_at < G_TIME_SPAN_SECOND ? "fresh" : "old");
}

static void
ask(const Client *client, guint16 port_offset, gint64 allowance)
{
    OshPeerTuple tuple = client->tuple;

    tuple.destination_port = (guint16)(tuple.destination_port + port_offset);
    osh_peer_identity_owners(&client->identity, &tuple, NULL, 0, g_get_monotonic_time() + allowance,
                             told_owners, (gpointer)client);
}

/* The server in the box has accepted its socket, and called no connect(2). */
static void
ask_connector(const Client *client)
{
    osh_peer_identity_lookup(&client->identity, &client->tuple,
                             g_get_monotonic_time() + G_TIME_SPAN_SECOND, told, (gpointer)client);
}

/* [shard] */
static void
ask_on_shard(gpointer data)
{
    ask(data, 0, G_TIME_SPAN_SECOND * 5);
}

static struct in6_addr
mapped(const struct sockaddr_storage *address, guint16 *ret_port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    struct in6_addr result = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    *ret_port = g_ntohs(v4->sin_port);
    if (address->ss_family == AF_INET6)
        return v6->sin6_addr;
    memcpy(&result.s6_addr[12], &v4->sin_addr, 4);
    return result;
}

static void
ask_who_serves(Client *client)
{
    struct sockaddr_storage peer, own;
    socklen_t peer_length = sizeof peer, own_length = sizeof own;

    getpeername(client->fd, (struct sockaddr *)(void *)&peer, &peer_length);
    getsockname(client->fd, (struct sockaddr *)(void *)&own, &own_length);
    client->tuple.struct_size = sizeof client->tuple;
    client->tuple.protocol = IPPROTO_TCP;
    client->tuple.client = mapped(&peer, &client->tuple.client_port);
    client->tuple.destination = mapped(&own, &client->tuple.destination_port);
    ask(client, 0, G_TIME_SPAN_SECOND * 5);
    ask(client, 1, G_TIME_SPAN_SECOND * 5);
    ask(client, 0, -1);
    ask_connector(client);
    osh_shard_post(&client->shard, 0, ask_on_shard, client);
}

static void try_again(Client *client);

static void
connected(int fd, const GError *error, gpointer data)
{
    Client *client = data;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char text[64] = "";

    if (fd < 0 && g_error_matches(error, OSH_ERROR, OSH_ERROR_NOT_FOUND) &&
        client->retries++ < MAX_RETRIES) {
        try_again(client);
        return;
    }
    if (fd < 0) {
        say(client, "not connected: %s", error->message);
        return;
    }
    client->fd = fd;
    poll(&readable, 1, WAIT_MS);
    if (recv(fd, text, sizeof text - 1, MSG_DONTWAIT) < 0)
        say(client, "connected, and nothing was said: %s", g_strerror(errno));
    else
        say(client, "the server said: %s", text);
    ask_who_serves(client);
}

static gboolean
connect_now(gpointer data)
{
    Client *client = data;

    osh_sandbox_net_connect_loopback(&client->net, client->port, connected, client);
    return G_SOURCE_REMOVE;
}

static void
try_again(Client *client)
{
    g_autoptr(GSource) timer = g_timeout_source_new(RETRY_MS);

    g_source_set_callback(timer, connect_now, client, NULL);
    g_source_attach(timer, g_main_context_get_thread_default());
}

static void
refused(int fd, const GError *error, gpointer data)
{
    if (fd >= 0)
        close(fd);
    say(data, "our own listener: %s", fd >= 0 ? "CONNECTED" : error->message);
}

static void
program_started(const OshEvent *event, gpointer data)
{
    Client *client = data;

    (void)event;
    osh_sandbox_net_connect_loopback(&client->net, 15001, refused, client);
    osh_sandbox_net_connect_loopback(&client->net, 53, refused, client);
    connect_now(client);
}

static gboolean
client_create(const OshHost *host, Client **ret_self, GError **error)
{
    Client *client = g_new0(Client, 1);

    (void)error;
    client->host = host;
    client->fd = -1;
    client->port = (guint16)osh_host_config_integer(host, "port", 8080);
    *ret_self = client;
    return TRUE;
}

static void
client_start(Client *client, OshReadyFunc ready, gpointer data)
{
    if (osh_host_get_interface(client->host, OSH_INTERFACE_SANDBOX_NET, &client->net) &&
        osh_host_get_interface(client->host, OSH_INTERFACE_PEER_IDENTITY, &client->identity) &&
        osh_host_get_interface(client->host, OSH_INTERFACE_SHARD, &client->shard))
        client->subscription = osh_host_subscribe(client->host, OSH_TOPIC_PROCESS_STARTED,
                                                  program_started, client, NULL);
    ready(data, NULL);
}

OSH_PLUGIN_DEFINE(Client, .create = client_create, .start = client_start)
