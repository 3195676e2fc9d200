/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-plan.c: the links, the sockets and the NFLOG set-up of a box's network, as bytes.
 *
 * Trust model: nothing here reads anything; the addresses and ports are constants. The namespace
 * has only `lo`. Its `local default` routes make every address local, so each packet of the box
 * crosses our prerouting hook, and nothing can leave since there is no way out.
 *
 * Any thread; no state. It must never open a socket: the buffers are sent by init inside the box.
 * The ruleset stands in network-ruleset.c.
 */
#include "network-plan.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "init/protocol.h"

#define LINKS_BUFFER_SIZE 1024
#define NFLOG_BUFFER_SIZE 512
/* In a new network namespace the loopback device is always the first. */
#define LOOPBACK_INDEX 1
/* Enough for the IPv6 header and the ports behind it; the rest of a packet is not read. */
#define NFLOG_COPY_BYTES 128
#define TCP_BACKLOG      1024

static struct nlmsghdr *
begin_request(GByteArray *bytes, guint16 type, guint16 flags, guint sequence)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(bytes->data + bytes->len);

    request->nlmsg_type = type;
    request->nlmsg_flags = (guint16)(NLM_F_REQUEST | NLM_F_ACK | flags);
    request->nlmsg_seq = sequence;
    return request;
}

static void
end_request(GByteArray *bytes, const struct nlmsghdr *request)
{
    bytes->len += MNL_ALIGN(request->nlmsg_len);
}

static void
put_address(struct nlmsghdr *request, guint16 attribute, int family, const char *text)
{
    struct in6_addr address;

    g_assert(inet_pton(family, text, &address) == 1);
    mnl_attr_put(request, attribute, family == AF_INET ? 4 : 16, &address);
}

static void
add_link_up(GByteArray *bytes, guint sequence)
{
    struct nlmsghdr *request = begin_request(bytes, RTM_NEWLINK, 0, sequence);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof *link);

    link->ifi_family = AF_UNSPEC;
    link->ifi_index = LOOPBACK_INDEX;
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    end_request(bytes, request);
}

static void
add_address(GByteArray *bytes, guint sequence, int family, const char *text)
{
    struct nlmsghdr *request =
        begin_request(bytes, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sequence);
    struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(request, sizeof *address);

    address->ifa_family = (guint8)family;
    address->ifa_prefixlen = family == AF_INET ? 32 : 128;
    address->ifa_scope = RT_SCOPE_UNIVERSE;
    address->ifa_index = LOOPBACK_INDEX;
    put_address(request, IFA_LOCAL, family, text);
    put_address(request, IFA_ADDRESS, family, text);
    /*
     * Without NODAD a v6 address stays tentative for a second on links that do detection. The
     * local route of a v6 address is added by a work item of the kernel's, some time after the
     * acknowledgement; its prefix route is there at once, and on lo that is a route that refuses
     * (ENETUNREACH). So no prefix route: until the local one comes, our local default serves.
     */
    if (family == AF_INET6)
        mnl_attr_put_u32(request, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
    end_request(bytes, request);
}

static void
add_local_default(GByteArray *bytes, guint sequence, int family, const char *source)
{
    struct nlmsghdr *request =
        begin_request(bytes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sequence);
    struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof *route);

    route->rtm_family = (guint8)family;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = RT_SCOPE_HOST;
    route->rtm_type = RTN_LOCAL;
    mnl_attr_put_u32(request, RTA_OIF, LOOPBACK_INDEX);
    put_address(request, RTA_PREFSRC, family, source);
    end_request(bytes, request);
}

static void
make_links(OshNetworkPlan *plan)
{
    GByteArray *bytes = g_byte_array_sized_new(LINKS_BUFFER_SIZE);
    gboolean captures = plan->capture != OSH_NETWORK_CAPTURE_NONE;
    guint sequence = 0;

    add_link_up(bytes, ++sequence);
    add_address(bytes, ++sequence, AF_INET, OSH_NETWORK_EXPLICIT_ADDRESS_V4);
    add_address(bytes, ++sequence, AF_INET, OSH_NETWORK_BOX_ADDRESS_V4);
    if (captures)
        add_local_default(bytes, ++sequence, AF_INET, OSH_NETWORK_BOX_ADDRESS_V4);
    if (plan->ipv6) {
        add_address(bytes, ++sequence, AF_INET6, OSH_NETWORK_EXPLICIT_ADDRESS_V6);
        add_address(bytes, ++sequence, AF_INET6, OSH_NETWORK_BOX_ADDRESS_V6);
        if (captures)
            add_local_default(bytes, ++sequence, AF_INET6, OSH_NETWORK_BOX_ADDRESS_V6);
    }
    g_assert(bytes->len <= LINKS_BUFFER_SIZE);
    plan->links = g_byte_array_free_to_bytes(bytes);
    plan->netlinks[0] = (OshBoxNetlink){.protocol = NETLINK_ROUTE,
                                        .bytes = g_bytes_get_data(plan->links, NULL),
                                        .size = g_bytes_get_size(plan->links),
                                        .acks = sequence};
}

static struct nlmsghdr *
begin_nflog_request(GByteArray *bytes, guint sequence)
{
    struct nlmsghdr *request =
        begin_request(bytes, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0, sequence);
    struct nfgenmsg *general = mnl_nlmsg_put_extra_header(request, sizeof *general);

    general->nfgen_family = AF_UNSPEC;
    general->version = NFNETLINK_V0;
    general->res_id = htons(OSH_NETWORK_NFLOG_GROUP);
    return request;
}

/* Binding the group needs CAP_NET_ADMIN over the namespace, so init sends this, not the host. */
static void
make_nflog(OshNetworkPlan *plan)
{
    GByteArray *bytes = g_byte_array_sized_new(NFLOG_BUFFER_SIZE);
    struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(NFLOG_COPY_BYTES),
                                          .copy_mode = NFULNL_COPY_PACKET};
    struct nlmsghdr *request = begin_nflog_request(bytes, 1);

    mnl_attr_put(request, NFULA_CFG_CMD, sizeof bind, &bind);
    end_request(bytes, request);

    request = begin_nflog_request(bytes, 2);
    mnl_attr_put(request, NFULA_CFG_MODE, sizeof mode, &mode);
    /* Without a threshold of one the kernel holds packets back for about a second. */
    mnl_attr_put_u32(request, NFULA_CFG_QTHRESH, htonl(1));
    end_request(bytes, request);

    g_assert(bytes->len <= NFLOG_BUFFER_SIZE);
    plan->nflog = g_byte_array_free_to_bytes(bytes);
    plan->roles[plan->n_sockets] = OSH_NETWORK_SOCKET_NFLOG;
    plan->sockets[plan->n_sockets++] =
        (OshBoxSocket){.kind = OSH_INIT_SOCKET_NETLINK,
                       .netlink = {.protocol = NETLINK_NETFILTER,
                                   .bytes = g_bytes_get_data(plan->nflog, NULL),
                                   .size = g_bytes_get_size(plan->nflog),
                                   .acks = 2}};
}

static void
add_socket(OshNetworkPlan *plan, OshNetworkSocketRole role, int family, const char *address,
           guint16 port)
{
    gboolean datagrams =
        role == OSH_NETWORK_SOCKET_DNS_UDP_V4 || role == OSH_NETWORK_SOCKET_DNS_UDP_V6;
    OshBoxSocket *box_socket = &plan->sockets[plan->n_sockets];

    *box_socket = (OshBoxSocket){
        .kind = datagrams ? OSH_INIT_SOCKET_UDP : OSH_INIT_SOCKET_TCP_LISTENER,
        .family = family,
        .port = port,
        .backlog = TCP_BACKLOG,
        .transparent =
            role == OSH_NETWORK_SOCKET_TRANSPARENT_V4 || role == OSH_NETWORK_SOCKET_TRANSPARENT_V6,
    };
    g_assert(inet_pton(family, address, box_socket->address) == 1);
    plan->roles[plan->n_sockets++] = role;
}

static void
add_listeners(OshNetworkPlan *plan)
{
    gboolean captures = plan->capture != OSH_NETWORK_CAPTURE_NONE;

    add_socket(plan, OSH_NETWORK_SOCKET_EXPLICIT_V4, AF_INET, OSH_NETWORK_EXPLICIT_ADDRESS_V4,
               OSH_NETWORK_EXPLICIT_PORT);
    if (plan->ipv6)
        add_socket(plan, OSH_NETWORK_SOCKET_EXPLICIT_V6, AF_INET6, OSH_NETWORK_EXPLICIT_ADDRESS_V6,
                   OSH_NETWORK_EXPLICIT_PORT);
    if (!captures)
        return;
    add_socket(plan, OSH_NETWORK_SOCKET_TRANSPARENT_V4, AF_INET, "127.0.0.1",
               OSH_NETWORK_TRANSPARENT_PORT);
    add_socket(plan, OSH_NETWORK_SOCKET_DNS_UDP_V4, AF_INET, "127.0.0.1", OSH_NETWORK_DNS_PORT);
    add_socket(plan, OSH_NETWORK_SOCKET_DNS_TCP_V4, AF_INET, "127.0.0.1", OSH_NETWORK_DNS_PORT);
    if (!plan->ipv6)
        return;
    add_socket(plan, OSH_NETWORK_SOCKET_TRANSPARENT_V6, AF_INET6, "::1",
               OSH_NETWORK_TRANSPARENT_PORT);
    add_socket(plan, OSH_NETWORK_SOCKET_DNS_UDP_V6, AF_INET6, "::1", OSH_NETWORK_DNS_PORT);
    add_socket(plan, OSH_NETWORK_SOCKET_DNS_TCP_V6, AF_INET6, "::1", OSH_NETWORK_DNS_PORT);
}

static void
make_ruleset(OshNetworkPlan *plan, OshNetworkClaims claims)
{
    plan->ruleset = osh_network_ruleset_new(plan->capture, claims, FALSE);
    plan->netlinks[1] = (OshBoxNetlink){.protocol = NETLINK_NETFILTER,
                                        .bytes = g_bytes_get_data(plan->ruleset, NULL),
                                        .size = g_bytes_get_size(plan->ruleset),
                                        .acks = OSH_NETWORK_RULESET_ACKS};
}

OshNetworkPlan *
osh_network_plan_new(OshNetworkCapture capture, gboolean ipv6, OshNetworkClaims claims)
{
    OshNetworkPlan *plan = g_new0(OshNetworkPlan, 1);

    plan->capture = capture;
    plan->ipv6 = ipv6;
    make_links(plan);
    if (capture != OSH_NETWORK_CAPTURE_NONE) {
        make_ruleset(plan, claims);
        make_nflog(plan);
    }
    if (claims == OSH_NETWORK_CLAIM_NONE)
        return plan;
    add_listeners(plan);
    for (guint i = 0; i < OSH_NETWORK_N_SOCK_DIAG; i++) {
        plan->roles[plan->n_sockets] = OSH_NETWORK_SOCKET_SOCK_DIAG;
        plan->sockets[plan->n_sockets++] = (OshBoxSocket){
            .kind = OSH_INIT_SOCKET_NETLINK, .netlink = {.protocol = NETLINK_SOCK_DIAG}};
    }
    return plan;
}

void
osh_network_plan_free(OshNetworkPlan *plan)
{
    if (plan == NULL)
        return;
    g_bytes_unref(plan->links);
    g_clear_pointer(&plan->ruleset, g_bytes_unref);
    g_clear_pointer(&plan->nflog, g_bytes_unref);
    g_free(plan);
}
