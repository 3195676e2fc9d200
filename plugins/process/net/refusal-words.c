/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal-words.c: a refused packet in words: what it was, and what to do instead.
 *
 * Any thread; no state. Every word is ours but addresses and numbers, which are formatted from
 * their binary form, so nothing that a program wrote is repeated.
 */
#include "refusal-words.h"

#include <arpa/inet.h>

#define DNS_PORT   53
#define QUIC_PORT  443
#define MDNS_PORT  5353
#define NAMES_HINT "let the program ask the nameserver of /etc/resolv.conf in the box"

static void
format_address(const struct in6_addr *address, char *ret_text)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, ret_text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, ret_text, INET6_ADDRSTRLEN);
}

static const char *
protocol_name(guint8 protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_UDPLITE:
        return "udplite";
    case IPPROTO_SCTP:
        return "sctp";
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return "icmp";
    default:
        return "";
    }
}

static gboolean
is_for_many(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return address->s6_addr[12] >= 224;
    return IN6_IS_ADDR_MULTICAST(address);
}

static const char *
hint_for(const OshRefusedPacket *packet, gboolean network_served)
{
    guint16 port = packet->destination_port;

    if (packet->spoofed)
        return "let the program send from an address of the box, or bind none";
    if (!network_served)
        return "this box has no network: name the host in network_policies of a policy, and leave "
               "out "
               "--disable network";
    if (packet->protocol == IPPROTO_UDP && port == MDNS_PORT)
        return NAMES_HINT;
    if (is_for_many(&packet->destination))
        return "multicast and broadcast stay in the box: name one server by its address";
    if (port == DNS_PORT)
        return NAMES_HINT;
    if (packet->protocol == IPPROTO_UDP && port == QUIC_PORT)
        return "QUIC is not carried; clients fall back to TCP by themselves";
    if (packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE)
        return "UDP leaves the box for name resolution only; use the TCP form of the protocol";
    if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
        return "ping is not forwarded; try the port itself, for example with curl -v";
    if (packet->protocol == IPPROTO_TCP)
        return "let the program obey http_proxy and https_proxy (Node: NODE_USE_ENV_PROXY=1)";
    return "only TCP leaves the box, to what the policy names";
}

static char *
words_for_protocol(guint8 protocol)
{
    const char *name = protocol_name(protocol);

    return *name != '\0' ? g_ascii_strup(name, -1) : g_strdup_printf("IP protocol %u", protocol);
}

void
osh_refusal_describe(const OshRefusedPacket *packet, gboolean network_served,
                     OshRefusal *ret_refusal)
{
    char destination[INET6_ADDRSTRLEN];
    char source[INET6_ADDRSTRLEN];
    g_autofree char *protocol = words_for_protocol(packet->protocol);
    GString *reason = g_string_new(NULL);

    format_address(&packet->destination, destination);
    format_address(&packet->source, source);
    if (packet->spoofed)
        g_string_printf(reason, "%s from %s, which is not an address of the box", protocol, source);
    else
        g_string_printf(reason, "%s is not carried", protocol);
    if (packet->uid != OSH_NFLOG_NO_UID)
        g_string_append_printf(reason, " (uid %u)", packet->uid);
    *ret_refusal = (OshRefusal){
        .host = g_strdup(destination),
        .port = packet->destination_port,
        .protocol = protocol_name(packet->protocol),
        .reason = g_string_free(reason, FALSE),
        .hint = hint_for(packet, network_served),
        .uid = packet->uid,
    };
}

void
osh_refusal_clear(OshRefusal *refusal)
{
    g_clear_pointer(&refusal->host, g_free);
    g_clear_pointer(&refusal->reason, g_free);
}
