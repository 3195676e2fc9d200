/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-plan.h: everything a box's network namespace will be told, as bytes made beforehand.
 *
 * The host builds a plan before it clones the box; init only sends the buffers and makes the
 * sockets in it. Thread: any; a plan is plain data and its functions keep no state.
 */
#pragma once

#include "box.h"

#include <glib.h>

G_BEGIN_DECLS

#define OSH_NETWORK_EXPLICIT_ADDRESS_V4 "10.200.0.1"
#define OSH_NETWORK_BOX_ADDRESS_V4      "10.200.0.2"
#define OSH_NETWORK_EXPLICIT_ADDRESS_V6 "fd00:200::1"
#define OSH_NETWORK_BOX_ADDRESS_V6      "fd00:200::2"
#define OSH_NETWORK_EXPLICIT_PORT       3128
#define OSH_NETWORK_TRANSPARENT_PORT    15001
#define OSH_NETWORK_DNS_PORT            15053
#define OSH_NETWORK_NFLOG_GROUP         7

/**
 * OshNetworkCapture:
 * @OSH_NETWORK_CAPTURE_TPROXY: TCP keeps its exact tuple; the original destination is getsockname()
 * @OSH_NETWORK_CAPTURE_REDIRECT: for kernels without TPROXY; the original destination is
 *   SO_ORIGINAL_DST, and the peer port can differ from the client's own (security rule 6, exact
 * tuple)
 * @OSH_NETWORK_CAPTURE_NONE: for kernels without nftables: no route leads anywhere, and only the
 *   explicit proxy's listeners are made
 */
typedef enum {
    OSH_NETWORK_CAPTURE_TPROXY,
    OSH_NETWORK_CAPTURE_REDIRECT,
    OSH_NETWORK_CAPTURE_NONE,
} OshNetworkCapture;

/**
 * OshNetworkClaims:
 * @OSH_NETWORK_CLAIM_NONE: a box with no network at all: everything but its own loopback is refused
 * @OSH_NETWORK_CLAIM_EXPLICIT: the explicit proxy's listeners are served
 * @OSH_NETWORK_CLAIM_TRANSPARENT: the transparent listeners are served
 * @OSH_NETWORK_CLAIM_DNS: the resolver's sockets are served
 * @OSH_NETWORK_CLAIM_ALL: all of them
 *
 * Which of the listeners are served. What is not served is refused in the ruleset.
 */
typedef enum {
    OSH_NETWORK_CLAIM_NONE = 0,
    OSH_NETWORK_CLAIM_EXPLICIT = 1 << 0,
    OSH_NETWORK_CLAIM_TRANSPARENT = 1 << 1,
    OSH_NETWORK_CLAIM_DNS = 1 << 2,
    OSH_NETWORK_CLAIM_ALL = (1 << 3) - 1,
} OshNetworkClaims;

/**
 * OshNetworkSocketRole:
 *
 * What a socket of the plan is for. The sock_diag sockets are several because each user needs a
 * queue of its own; ask for them by index.
 */
typedef enum {
    OSH_NETWORK_SOCKET_NFLOG,
    OSH_NETWORK_SOCKET_EXPLICIT_V4,
    OSH_NETWORK_SOCKET_TRANSPARENT_V4,
    OSH_NETWORK_SOCKET_DNS_UDP_V4,
    OSH_NETWORK_SOCKET_DNS_TCP_V4,
    OSH_NETWORK_SOCKET_EXPLICIT_V6,
    OSH_NETWORK_SOCKET_TRANSPARENT_V6,
    OSH_NETWORK_SOCKET_DNS_UDP_V6,
    OSH_NETWORK_SOCKET_DNS_TCP_V6,
    OSH_NETWORK_SOCKET_SOCK_DIAG,
} OshNetworkSocketRole;

#define OSH_NETWORK_N_SOCK_DIAG   16
#define OSH_NETWORK_MAX_SOCKETS   (OSH_NETWORK_SOCKET_SOCK_DIAG + OSH_NETWORK_N_SOCK_DIAG)
#define OSH_NETWORK_MAX_LISTENERS 8

/**
 * OshNetworkPlan:
 * @capture: how TCP is captured
 * @ipv6: whether the box has IPv6
 * @netlinks: the links, then the ruleset, which is empty without capture: for OshBoxPlan.netlinks
 * @sockets: for OshBoxPlan.sockets
 * @roles: what each of @sockets is for
 * @n_sockets: how many
 *
 * Owns the bytes that its members point to.
 */
typedef struct {
    OshNetworkCapture capture;
    gboolean ipv6;
    OshBoxNetlink netlinks[2];
    OshBoxSocket sockets[OSH_NETWORK_MAX_SOCKETS];
    OshNetworkSocketRole roles[OSH_NETWORK_MAX_SOCKETS];
    gsize n_sockets;

    /*< private >*/
    GBytes *links;
    GBytes *ruleset;
    GBytes *nflog;
} OshNetworkPlan;

/**
 * osh_network_plan_new:
 * @capture: how TCP is captured; a kernel without TPROXY refuses that ruleset, so it is tried
 * @ipv6: give the box IPv6; a kernel with it switched off refuses the addresses, so it is tried
 * @claims: %OSH_NETWORK_CLAIM_NONE makes a box with no network at all and no listeners; anything
 *   else makes all listeners, with a ruleset that serves @claims
 *
 * The links are `lo` up, the four addresses, and `local default` routes on it with the box's
 * address as preferred source, so that every address there is reaches a hook of ours.
 *
 * Returns: (transfer full): the plan
 */
OshNetworkPlan *osh_network_plan_new(OshNetworkCapture capture, gboolean ipv6,
                                     OshNetworkClaims claims);

/**
 * osh_network_plan_free:
 * @plan: (nullable) (transfer full): a plan
 */
void osh_network_plan_free(OshNetworkPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshNetworkPlan, osh_network_plan_free)

/**
 * osh_network_ruleset_new:
 * @capture: how TCP is captured
 * @claims: what is served
 * @replace: there is a ruleset of this function already, which goes
 *
 * One nfnetlink batch that makes table `inet openshell` as a whole. The kernel answers with one
 * acknowledgement (of the last rule) when all is well, and otherwise with an error for each message
 * that it refused.
 *
 * Returns: (transfer full): the bytes to send in one go on a NETLINK_NETFILTER socket
 */
GBytes *osh_network_ruleset_new(OshNetworkCapture capture, OshNetworkClaims claims,
                                gboolean replace);

/** OSH_NETWORK_RULESET_ACKS: acknowledgements that follow a ruleset. */
#define OSH_NETWORK_RULESET_ACKS 1

G_END_DECLS
