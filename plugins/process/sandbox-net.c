/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox-net.c: openshell.sandbox-net/1 over the sockets that were made inside the box.
 *
 * [main], except diag_socket, which is [any]: the sockets are handed out by an atomic counter.
 */
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
    ret_listener->address.s6_addr[10] = 0xff;
    ret_listener->address.s6_addr[11] = 0xff;
    memcpy(ret_listener->address.s6_addr + 12, socket->address, 4);
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

    return plugin->box != NULL && plugin->box->network_served ? OSH_NETWORK_EXPLICIT_ADDRESS_V4
                                                              : NULL;
}

typedef struct {
    int fd;
    OshSandboxConnectFunc done;
    gpointer data;
} Connect;

static void
connect_finish(Connect *request, int failure)
{
    g_autoptr(GError) error = NULL;

    if (failure != 0) {
        error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "cannot connect to the box: %s",
                            g_strerror(failure));
        close(request->fd);
        request->fd = -1;
    }
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

static void
connect_start(Connect *request, guint16 port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    g_autoptr(GSource) source = NULL;

    if (connect(request->fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
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

static void
net_connect_loopback(gpointer instance, guint16 port, OshSandboxConnectFunc done, gpointer data)
{
    OshProcessPlugin *plugin = instance;
    g_autoptr(GError) error = NULL;
    Connect *request;
    int fd = -1;

    if (plugin->box == NULL)
        error = g_error_new(OSH_ERROR, OSH_ERROR_NOT_FOUND, "there is no box");
    else
        fd = osh_box_new_socket(plugin->box->handle, AF_INET, SOCK_STREAM, &error);
    if (fd < 0) {
        done(-1, error, data);
        return;
    }
    request = g_new0(Connect, 1);
    *request = (Connect){fd, done, data};
    connect_start(request, port);
}

const OshSandboxNetInterface osh_sandbox_net_vtable = {
    .struct_size = sizeof(OshSandboxNetInterface),
    .claim = net_claim,
    .diag_socket = net_diag_socket,
    .resolver_address = net_resolver_address,
    .connect_loopback = net_connect_loopback,
};
