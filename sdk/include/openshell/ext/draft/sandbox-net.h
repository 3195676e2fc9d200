/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/sandbox-net.h: "openshell.draft.sandbox-net/1", the box's network as sockets.
 *
 * One provider at most. The box's network namespace has nothing but lo. Whatever its programs
 * connect to arrives at listening sockets that were made inside the namespace and are handed out
 * here, so the data plane serves the box from outside without entering it. A listener that nobody
 * claims before the box is sealed is refused in the ruleset.
 *
 * Available from box_open() on, thus in start.
 */
#pragma once

#include <netinet/in.h>

#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_SANDBOX_NET "openshell.draft.sandbox-net/1"

/**
 * OshSandboxListenerKind:
 * @OSH_SANDBOX_LISTENER_PROXY: TCP; programs that use proxy variables connect here by choice
 * @OSH_SANDBOX_LISTENER_TRANSPARENT: TCP; every connection to a foreign address arrives here
 * @OSH_SANDBOX_LISTENER_DNS_UDP: UDP; every datagram to port 53
 * @OSH_SANDBOX_LISTENER_DNS_TCP: TCP; every connection to port 53
 */
typedef enum {
    OSH_SANDBOX_LISTENER_PROXY = 1,
    OSH_SANDBOX_LISTENER_TRANSPARENT = 2,
    OSH_SANDBOX_LISTENER_DNS_UDP = 3,
    OSH_SANDBOX_LISTENER_DNS_TCP = 4,
} OshSandboxListenerKind;

/**
 * OshOriginalDestination: how the address that the program asked for is found on an accepted fd.
 * @OSH_ORIGINAL_DESTINATION_NONE: it is not there; the protocol names the destination
 * @OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS: getsockname(2): captured by TPROXY, the tuple is exact
 * @OSH_ORIGINAL_DESTINATION_SOCKET_OPTION: SO_ORIGINAL_DST (80) at SOL_IP or SOL_IPV6: captured by
 *   redirect; a tuple that sock_diag does not know exactly is denied
 */
typedef enum {
    OSH_ORIGINAL_DESTINATION_NONE = 0,
    OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS = 1,
    OSH_ORIGINAL_DESTINATION_SOCKET_OPTION = 2,
} OshOriginalDestination;

/**
 * OshSandboxListener:
 * @struct_size: sizeof(OshSandboxListener) of the provider
 * @kind: an #OshSandboxListenerKind
 * @original_destination: an #OshOriginalDestination
 * @fd: bound, listening where TCP, non-blocking, close-on-exec; owned by whoever claimed it
 * @address: where programs of the box reach it; IPv4 in v4-mapped form
 * @port: likewise, host order
 */
typedef struct {
    guint32 struct_size;
    guint32 kind;
    guint32 original_destination;
    int fd;
    struct in6_addr address;
    guint16 port;
} OshSandboxListener;

/**
 * OshSandboxConnectFunc:
 * @fd: (transfer full): a connected socket, or -1
 * @error: (nullable): why not; borrowed
 *
 * [main]
 */
typedef void (*OshSandboxConnectFunc)(int fd, const GError *error, gpointer data);

/**
 * OshSandboxNetInterface:
 * @struct_size: sizeof(OshSandboxNetInterface) of the provider
 *
 * Functions are documented at their inlines.
 */
typedef struct {
    guint32 struct_size;
    gsize (*claim)(gpointer instance, OshSandboxListenerKind kind,
                   OshSandboxListener *ret_listeners, gsize capacity);
    int (*diag_socket)(gpointer instance);
    const char *(*resolver_address)(gpointer instance);
    void (*connect_loopback)(gpointer instance, guint16 port, OshSandboxConnectFunc done,
                             gpointer data);
} OshSandboxNetInterface;

/**
 * osh_sandbox_net_claim:
 * @ret_listeners: (array length=capacity) (out caller-allocates): one for each address family
 *
 * [main] Takes the listeners of a kind. Once only: a second claim gets none.
 *
 * Returns: how many were filled; 0 when there is no box, no network or no room for all of them
 */
static inline gsize
osh_sandbox_net_claim(const OshInterface *net, OshSandboxListenerKind kind,
                      OshSandboxListener *ret_listeners, gsize capacity)
{
    const OshSandboxNetInterface *vtable = (const OshSandboxNetInterface *)net->vtable;

    return osh_can_call(vtable, OshSandboxNetInterface, claim)
               ? vtable->claim(net->instance, kind, ret_listeners, capacity)
               : 0;
}

/**
 * osh_sandbox_net_diag_socket:
 *
 * [any] A NETLINK_SOCK_DIAG socket made inside the box's network namespace: it finds the inode
 * and uid behind a tuple. Each call returns a socket of its own, so that every shard has one.
 *
 * Returns: (transfer full): the socket, or -1
 */
static inline int
osh_sandbox_net_diag_socket(const OshInterface *net)
{
    const OshSandboxNetInterface *vtable = (const OshSandboxNetInterface *)net->vtable;

    return osh_can_call(vtable, OshSandboxNetInterface, diag_socket)
               ? vtable->diag_socket(net->instance)
               : -1;
}

/**
 * osh_sandbox_net_resolver_address:
 *
 * [main] What /etc/resolv.conf of the box should name. Returns: (transfer none) (nullable)
 */
static inline const char *
osh_sandbox_net_resolver_address(const OshInterface *net)
{
    const OshSandboxNetInterface *vtable = (const OshSandboxNetInterface *)net->vtable;

    return osh_can_call(vtable, OshSandboxNetInterface, resolver_address)
               ? vtable->resolver_address(net->instance)
               : NULL;
}

/**
 * osh_sandbox_net_connect_loopback:
 * @port: a program's; that of a listener of this interface is refused
 * @done: called inside or later; %OSH_ERROR_NOT_FOUND when nothing listens there
 *
 * [main] Connects to a server inside the box, on its loopback (127.0.0.1, then ::1): for port
 * forwarding. The caller decides who may ask for it.
 */
static inline void
osh_sandbox_net_connect_loopback(const OshInterface *net, guint16 port, OshSandboxConnectFunc done,
                                 gpointer data)
{
    const OshSandboxNetInterface *vtable = (const OshSandboxNetInterface *)net->vtable;

    if (osh_can_call(vtable, OshSandboxNetInterface, connect_loopback)) {
        vtable->connect_loopback(net->instance, port, done, data);
    } else {
        g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                                              "%s cannot connect into the box", net->provider);

        done(-1, error, data);
    }
}

G_END_DECLS
