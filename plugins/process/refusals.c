/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusals.c: what a box's network refused, as denials on the bus.
 *
 * [main]. A refused packet names its owner's uid and nothing more: the socket is often gone by the
 * time it is read, so no process is guessed.
 */
#include "process-plugin.h"

#include <arpa/inet.h>

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
        return "TCP";
    case IPPROTO_UDP:
        return "UDP";
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return "ICMP";
    default:
        return "a protocol";
    }
}

static const char *
hint_for(const OshRefusedPacket *packet)
{
    if (packet->protocol == IPPROTO_UDP && packet->destination_port == 443)
        return "QUIC is not carried; clients fall back to TCP by themselves";
    if (packet->protocol == IPPROTO_UDP)
        return "UDP leaves the box for name resolution only; use TCP";
    return "only TCP leaves the box, to what the policy names";
}

static void
publish_denial(OshBox *box, const char *host, guint16 port, const char *reason, const char *hint,
               guint64 count)
{
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = box->plugin->network_denied,
        .collapse_key = reason,
    };
    GVariantDict details;

    g_variant_dict_init(&details, NULL);
    g_variant_dict_insert(&details, "hint", "s", hint);
    g_variant_dict_insert(&details, "packets", "t", count);
    publication.payload =
        g_variant_new("(tssqsss@t@a{sv})", (guint64)0, "capture", host, port, "-", "", reason,
                      g_variant_new_uint64(0), g_variant_dict_end(&details));
    osh_host_publish(box->plugin->host, &publication);
}

static void
packet_refused(const OshRefusedPacket *packet, guint64 count, gpointer data)
{
    char address[INET6_ADDRSTRLEN];
    g_autofree char *reason = NULL;

    format_address(&packet->destination, address);
    reason =
        packet->uid != OSH_NFLOG_NO_UID
            ? g_strdup_printf("%s to %s is not carried (uid %u)", protocol_name(packet->protocol),
                              address, packet->uid)
            : g_strdup_printf("%s to %s is not carried", protocol_name(packet->protocol), address);
    publish_denial(data, address, packet->destination_port, reason, hint_for(packet), count);
}

static void
packets_lost(guint64 count, gpointer data)
{
    publish_denial(data, "", 0, "refused packets were not recorded one by one: there were too many",
                   "look for a program that floods the network", count);
}

void
osh_process_watch_refusals(OshBox *box)
{
    for (gsize i = 0; i < box->network->n_sockets; i++) {
        int fd;

        if (box->network->roles[i] != OSH_NETWORK_SOCKET_NFLOG)
            continue;
        fd = osh_box_take_socket(box->handle, i);
        if (fd >= 0 && box->nflog == NULL)
            box->nflog = osh_nflog_reader_new(fd, packet_refused, packets_lost, box);
    }
}
