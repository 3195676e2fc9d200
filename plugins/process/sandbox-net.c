/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox-net.c: openshell.draft.sandbox-net/1 over the sockets that were made inside the box.
 *
 * [main], except diag_socket, which is [any]: the sockets are handed out by an atomic counter.
 */
#include "osh-socket-address.h"
#include "process-plugin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    OshSandboxListenerKind kind;
    OshNetworkClaims claim;
    OshNetworkSocketRole v4;
    OshNetworkSocketRole v6;
} Listener;

static const Listener listeners[] = {
    {OSH_SANDBOX_LISTENER_PROXY, OSH_NETWORK_CLAIM_EXPLICIT, OSH_NETWORK_SOCKET_EXPLICIT_V4,
     OSH_NETWORK_SOCKET_EXPLICIT_V6},
    {OSH_SANDBOX_LISTENER_TRANSPARENT, OSH_NETWORK_CLAIM_TRANSPARENT,
     OSH_NETWORK_SOCKET_TRANSPARENT_V4, OSH_NETWORK_SOCKET_TRANSPARENT_V6},
    {OSH_SANDBOX_LISTENER_DNS_UDP, OSH_NETWORK_CLAIM_DNS, OSH_NETWORK_SOCKET_DNS_UDP_V4,
     OSH_NETWORK_SOCKET_DNS_UDP_V6},
    {OSH_SANDBOX_LISTENER_DNS_TCP, OSH_NETWORK_CLAIM_DNS, OSH_NETWORK_SOCKET_DNS_TCP_V4,
     OSH_NETWORK_SOCKET_DNS_TCP_V6},
};

static OshOriginalDestination
original_destination(const OshBox *box, OshSandboxListenerKind kind)
{
    if (kind != OSH_SANDBOX_LISTENER_TRANSPARENT)
        return OSH_ORIGINAL_DESTINATION_NONE;
    return box->network->capture == OSH_NETWORK_CAPTURE_TPROXY
               ? OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS
               : OSH_ORIGINAL_DESTINATION_SOCKET_OPTION;
}

static void
fill(const OshBox *box, const Listener *listener, gsize index, int fd,
     OshSandboxListener *ret_listener)
{
    const OshBoxSocket *socket = &box->network->sockets[index];

    *ret_listener = (OshSandboxListener){
        .struct_size = sizeof(OshSandboxListener),
        .kind = listener->kind,
        .original_destination = original_destination(box, listener->kind),
        .fd = fd,
        .port = socket->port,
    };
    if (socket->family == AF_INET6) {
        memcpy(&ret_listener->address, socket->address, sizeof(ret_listener->address));
        return;
    }
    osh_address_map_ipv4(socket->address, &ret_listener->address);
}

static gsize
claim_kind(OshBox *box, const Listener *listener, OshSandboxListener *ret_listeners, gsize capacity)
{
    gsize n = 0;

    for (gsize i = 0; i < box->network->n_sockets && n < capacity; i++) {
        int fd;

        if (box->network->roles[i] != listener->v4 && box->network->roles[i] != listener->v6)
            continue;
        fd = osh_box_take_socket(box->handle, i);
        if (fd >= 0)
            fill(box, listener, i, fd, &ret_listeners[n++]);
    }
    if (n > 0)
        box->claims |= listener->claim;
    return n;
}

static gsize
net_claim(gpointer instance, OshSandboxListenerKind kind, OshSandboxListener *ret_listeners,
          gsize capacity)
{
    OshProcessPlugin *plugin = instance;
    OshBox *box = plugin->box;

    if (box == NULL || !box->network_served || box->sealed)
        return 0;
    for (gsize i = 0; i < G_N_ELEMENTS(listeners); i++)
        if (listeners[i].kind == kind)
            return claim_kind(box, &listeners[i], ret_listeners, capacity);
    return 0;
}

int
osh_process_take_diag_socket(OshBox *box)
{
    gint index = g_atomic_int_add(&box->next_diag_socket, 1);

    if (index >= OSH_NETWORK_N_SOCK_DIAG || box->diag_sockets[index] < 0)
        return -1;
    return g_steal_fd(&box->diag_sockets[index]);
}

static int
net_diag_socket(gpointer instance)
{
    OshProcessPlugin *plugin = instance;

    return plugin->box != NULL ? osh_process_take_diag_socket(plugin->box) : -1;
}

static const char *
net_resolver_address(gpointer instance)
{
    OshProcessPlugin *plugin = instance;

    const OshBox *box = plugin->box;

    return box != NULL && box->network_served && box->network->capture != OSH_NETWORK_CAPTURE_NONE
               ? OSH_NETWORK_EXPLICIT_ADDRESS_V4
               : NULL;
}

/* @ipv6: the second attempt, for a server that listens on ::1 alone. */
typedef struct {
    OshProcessPlugin *plugin;
    guint16 port;
    gboolean ipv6;
    int fd;
    OshSandboxConnectFunc done;
    gpointer data;
} Connect;

static void connect_start(Connect *request);

static void
connect_finish(Connect *request, int failure)
{
    g_autoptr(GError) error = NULL;

    if (failure != 0 && request->fd >= 0)
        close(g_steal_fd(&request->fd));
    if (failure == ECONNREFUSED && !request->ipv6) {
        request->ipv6 = TRUE;
        connect_start(request);
        return;
    }
    if (failure != 0)
        error =
            g_error_new(OSH_ERROR, failure == ECONNREFUSED ? OSH_ERROR_NOT_FOUND : OSH_ERROR_FAILED,
                        "nothing in the box can be reached on its port %u: %s", request->port,
                        g_strerror(failure));
    request->done(request->fd, error, request->data);
    g_free(request);
}

static gboolean
connect_ready(gint fd, GIOCondition condition, gpointer data)
{
    int failure = 0;
    socklen_t length = sizeof(failure);

    (void)condition;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0)
        failure = errno;
    connect_finish(data, failure);
    return G_SOURCE_REMOVE;
}

static int
connect_begin(int fd, gboolean ipv6, guint16 port)
{
    const struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};

    return ipv6 ? connect(fd, (const struct sockaddr *)&v6, sizeof(v6))
                : connect(fd, (const struct sockaddr *)&v4, sizeof(v4));
}

static void
connect_start(Connect *request)
{
    OshBox *box = request->plugin->box;
    g_autoptr(GError) error = NULL;
    g_autoptr(GSource) source = NULL;

    if (box != NULL)
        request->fd = osh_box_new_socket(box->handle, request->ipv6 ? AF_INET6 : AF_INET,
                                         SOCK_STREAM, &error);
    if (request->fd < 0) {
        /* A box that has ended meanwhile, or a kernel without IPv6. */
        connect_finish(request, request->ipv6 ? EADDRNOTAVAIL : ENETDOWN);
        return;
    }
    if (connect_begin(request->fd, request->ipv6, request->port) == 0) {
        connect_finish(request, 0);
        return;
    }
    if (errno != EINPROGRESS) {
        connect_finish(request, errno);
        return;
    }
    source = g_unix_fd_source_new(request->fd, G_IO_OUT);
    g_source_set_callback(source, G_SOURCE_FUNC(connect_ready), request, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
}

/* Our own listeners in the box are no servers of the box; port 53 is redirected to one. */
static gboolean
is_own_port(guint16 port)
{
    return port == OSH_NETWORK_TRANSPARENT_PORT || port == OSH_NETWORK_DNS_PORT || port == 53;
}

static void
net_connect_loopback(gpointer instance, guint16 port, OshSandboxConnectFunc done, gpointer data)
{
    OshProcessPlugin *plugin = instance;
    g_autoptr(GError) error = NULL;
    Connect *request;

    if (plugin->box == NULL)
        error = g_error_new(OSH_ERROR, OSH_ERROR_NOT_FOUND, "there is no box");
    else if (port == 0 || is_own_port(port))
        error = g_error_new(OSH_ERROR, OSH_ERROR_INVALID,
                            "port %u of the box's loopback is not a program's", port);
    if (error != NULL) {
        done(-1, error, data);
        return;
    }
    request = g_new0(Connect, 1);
    *request = (Connect){
        .plugin = plugin,
        .port = port,
        .fd = -1,
        .done = done,
        .data = data,
    };
    connect_start(request);
}

const OshSandboxNetInterface osh_sandbox_net_vtable = {
    .struct_size = sizeof(OshSandboxNetInterface),
    .claim = net_claim,
    .diag_socket = net_diag_socket,
    .resolver_address = net_resolver_address,
    .connect_loopback = net_connect_loopback,
};
