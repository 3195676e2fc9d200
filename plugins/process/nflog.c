/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nflog.c: packets that the ruleset of a box refused, as the kernel's log socket tells them.
 *
 * [main]. The netlink framing is the kernel's; the packet inside was written by a program of the
 * box, so every length in it is checked against what is there. Source of the layout: the kernel's
 * include/uapi/linux/netfilter/nfnetlink_log.h; RFC 791, RFC 8200.
 *
 * Equal packets within a second become one report with a count, and different ones beyond a bound
 * become one loss, so that a flood costs the reader and not the bus.
 */
#include "nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network-plan.h"

#define NFLOG_MAX_KINDS 256
#define NFLOG_PERIOD_MS 1000
#define NFLOG_BATCH     64

struct OshNflogReader {
    int fd;
    OshRefusedFunc refused;
    OshRefusedLostFunc lost;
    gpointer data;
    GSource *source;
    GSource *period;
    GHashTable *kinds; /* OshRefusedPacket -> count that was not reported yet */
    guint64 lost_count;
    gboolean lost_unknown;
};

typedef struct {
    OshRefusedPacket packet;
    guint64 pending;
} Kind;

static guint
packet_hash(gconstpointer key)
{
    const OshRefusedPacket *packet = key;
    guint hash = packet->protocol ^ ((guint)packet->destination_port << 8) ^ packet->uid;

    for (gsize i = 0; i < 16; i += 4) {
        guint word;

        memcpy(&word, packet->destination.s6_addr + i, sizeof word);
        hash = hash * 31 + word;
    }
    return hash;
}

static gboolean
packet_equal(gconstpointer a, gconstpointer b)
{
    const OshRefusedPacket *left = a;
    const OshRefusedPacket *right = b;

    return left->protocol == right->protocol && left->uid == right->uid &&
           left->destination_port == right->destination_port && left->spoofed == right->spoofed &&
           memcmp(&left->destination, &right->destination, sizeof left->destination) == 0;
}

static void
map_v4(struct in6_addr *ret_address, const guint8 *bytes)
{
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->s6_addr[10] = 0xff;
    ret_address->s6_addr[11] = 0xff;
    memcpy(ret_address->s6_addr + 12, bytes, 4);
}

static void
parse_ports(OshRefusedPacket *packet, const guint8 *bytes, gsize length)
{
    if (length < 4 || (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP &&
                       packet->protocol != IPPROTO_UDPLITE && packet->protocol != IPPROTO_SCTP))
        return;
    packet->source_port = (guint16)(bytes[0] << 8 | bytes[1]);
    packet->destination_port = (guint16)(bytes[2] << 8 | bytes[3]);
}

/* Extension headers of IPv6 are not followed: the protocol is then the header's number. */
static gboolean
parse_packet(OshRefusedPacket *packet, const guint8 *bytes, gsize length)
{
    gsize header;

    if (length < 1)
        return FALSE;
    if (bytes[0] >> 4 == 4) {
        header = (gsize)(bytes[0] & 0xf) * 4;
        if (header < 20 || length < header)
            return FALSE;
        packet->protocol = bytes[9];
        map_v4(&packet->source, bytes + 12);
        map_v4(&packet->destination, bytes + 16);
        /* Only the first fragment holds ports. */
        if (((bytes[6] & 0x1f) | bytes[7]) != 0)
            return TRUE;
    } else if (bytes[0] >> 4 == 6) {
        header = 40;
        if (length < header)
            return FALSE;
        packet->protocol = bytes[6];
        memcpy(&packet->source, bytes + 8, 16);
        memcpy(&packet->destination, bytes + 24, 16);
    } else {
        return FALSE;
    }
    parse_ports(packet, bytes + header, length - header);
    return TRUE;
}

typedef struct {
    const guint8 *payload;
    gsize payload_length;
    guint32 uid;
    gboolean spoofed;
} Attributes;

static int
take_attribute(const struct nlattr *attribute, void *data)
{
    Attributes *attributes = data;
    gsize length = mnl_attr_get_payload_len(attribute);
    const char *text = mnl_attr_get_payload(attribute);

    if (mnl_attr_get_type(attribute) == NFULA_PAYLOAD) {
        attributes->payload = (const guint8 *)text;
        attributes->payload_length = length;
    } else if (mnl_attr_get_type(attribute) == NFULA_UID && length == 4) {
        attributes->uid = ntohl(mnl_attr_get_u32(attribute));
    } else if (mnl_attr_get_type(attribute) == NFULA_PREFIX) {
        attributes->spoofed = length >= 5 && memcmp(text, "spoof", 5) == 0;
    }
    return MNL_CB_OK;
}

static gboolean
parse_message(const struct nlmsghdr *message, OshNflogPacketFunc found, gpointer data)
{
    Attributes attributes = {.uid = OSH_NFLOG_NO_UID};
    OshRefusedPacket packet = {0};

    if (message->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
        message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
        return message->nlmsg_type < NLMSG_MIN_TYPE;
    if (mnl_attr_parse(message, sizeof(struct nfgenmsg), take_attribute, &attributes) < 0)
        return FALSE;
    if (!parse_packet(&packet, attributes.payload, attributes.payload_length))
        return attributes.payload != NULL;
    packet.uid = attributes.uid;
    packet.spoofed = attributes.spoofed;
    found(&packet, data);
    return TRUE;
}

gboolean
osh_nflog_parse(const guint8 *bytes, gsize length, OshNflogPacketFunc found, gpointer data)
{
    /* The kernel's messages are aligned; a copy makes sure that these are. */
    g_autofree struct nlmsghdr *copy = g_memdup2(bytes, length);
    const struct nlmsghdr *message = copy;
    int left = (int)MIN(length, G_MAXINT);

    if (length == 0)
        return FALSE;
    while (mnl_nlmsg_ok(message, left)) {
        /* libmnl compares the length as a signed number. */
        if (message->nlmsg_len > (guint32)left || !parse_message(message, found, data))
            return FALSE;
        message = mnl_nlmsg_next(message, &left);
    }
    return left == 0;
}

static void
report(OshNflogReader *reader, const OshRefusedPacket *packet, guint64 count)
{
    reader->refused(packet, count, reader->data);
}

static gboolean
period_over(gpointer data)
{
    OshNflogReader *reader = data;

    g_clear_pointer(&reader->period, g_source_unref);
    osh_nflog_reader_flush(reader);
    return G_SOURCE_REMOVE;
}

static void
begin_period(OshNflogReader *reader)
{
    if (reader->period != NULL)
        return;
    reader->period = g_timeout_source_new(NFLOG_PERIOD_MS);
    g_source_set_callback(reader->period, period_over, reader, NULL);
    g_source_attach(reader->period, g_main_context_get_thread_default());
}

static void
packet_found(const OshRefusedPacket *packet, gpointer data)
{
    OshNflogReader *reader = data;
    Kind *kind = g_hash_table_lookup(reader->kinds, packet);

    begin_period(reader);
    if (kind != NULL) {
        kind->pending++;
        return;
    }
    if (g_hash_table_size(reader->kinds) >= NFLOG_MAX_KINDS) {
        reader->lost_count++;
        return;
    }
    kind = g_new0(Kind, 1);
    kind->packet = *packet;
    g_hash_table_insert(reader->kinds, &kind->packet, kind);
    report(reader, packet, 1);
}

/* Returns: whether there may be more. */
static gboolean
read_datagram(OshNflogReader *reader)
{
    guint8 buffer[16384];
    gssize n = recv(reader->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (n < 0 && errno == ENOBUFS) {
        reader->lost_unknown = TRUE;
        begin_period(reader);
        return TRUE;
    }
    if (n < 0)
        return errno == EINTR;
    if (!osh_nflog_parse(buffer, (gsize)n, packet_found, reader)) {
        reader->lost_unknown = TRUE;
        begin_period(reader);
    }
    return TRUE;
}

static gboolean
socket_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshNflogReader *reader = data;

    (void)fd;
    (void)condition;
    for (guint i = 0; i < NFLOG_BATCH && read_datagram(reader); i++)
        continue;
    return G_SOURCE_CONTINUE;
}

OshNflogReader *
osh_nflog_reader_new(int fd, OshRefusedFunc refused, OshRefusedLostFunc lost, gpointer data)
{
    OshNflogReader *reader = g_new0(OshNflogReader, 1);

    reader->fd = fd;
    reader->refused = refused;
    reader->lost = lost;
    reader->data = data;
    reader->kinds = g_hash_table_new_full(packet_hash, packet_equal, NULL, g_free);
    reader->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(reader->source, G_SOURCE_FUNC(socket_ready), reader, NULL);
    g_source_attach(reader->source, g_main_context_get_thread_default());
    return reader;
}

void
osh_nflog_reader_flush(OshNflogReader *reader)
{
    GHashTableIter iter;
    gpointer value;

    while (read_datagram(reader))
        continue;
    g_hash_table_iter_init(&iter, reader->kinds);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Kind *kind = value;

        if (kind->pending > 0)
            report(reader, &kind->packet, kind->pending);
    }
    g_hash_table_remove_all(reader->kinds);
    if (reader->lost_count > 0 || reader->lost_unknown)
        reader->lost(reader->lost_unknown ? 0 : reader->lost_count, reader->data);
    reader->lost_count = 0;
    reader->lost_unknown = FALSE;
}

void
osh_nflog_reader_free(OshNflogReader *reader)
{
    if (reader == NULL)
        return;
    g_source_destroy(reader->source);
    g_source_unref(reader->source);
    if (reader->period != NULL) {
        g_source_destroy(reader->period);
        g_source_unref(reader->period);
    }
    g_hash_table_unref(reader->kinds);
    close(reader->fd);
    g_free(reader);
}
