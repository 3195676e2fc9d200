/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nflog.c: packets that the ruleset of a box refused, as the kernel's log socket tells them.
 *
 * [main]. The netlink framing is the kernel's; the packet inside was written by a program of the
 * box, so every length in it is checked against what is there. Source of the layout: the kernel's
 * include/uapi/linux/netfilter/nfnetlink_log.h; RFC 791, RFC 8200.
 *
 * Equal packets within a second become one report with a count, and different ones beyond a bound
 * become one loss, so that a flood costs the reader and not the bus. One socket gets a small share
 * of that bound, and the last places are for sockets that had none: a program that tries
 * many destinations uses up its own share and not another program's. Packets of many sockets to one
 * destination become one kind, whose sender is then unknown.
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

#include "drop-source.h"
#include "network-plan.h"
#include "osh-socket-address.h"

#define NFLOG_MAX_KINDS          256
#define NFLOG_KEPT_FOR_NEW       64
#define NFLOG_MAX_OF_SOCKET      16
#define NFLOG_MAX_OF_DESTINATION 16
#define NFLOG_PERIOD_MS          1000
#define NFLOG_BATCH              64
#define NFLOG_BUFFER_SIZE        (4 * 1024 * 1024)
/* Longer chains of extension headers are no program's honest work. */
#define MAX_EXTENSION_HEADERS 8

struct OshNflogReader {
    int fd;
    OshRefusedFunc refused;
    OshRefusedLostFunc lost;
    gpointer data;
    GSource *source;
    GSource *period;
    GHashTable *kinds;        /* OshRefusedPacket -> Kind */
    GHashTable *sockets;      /* hash of a sender's end -> kinds of it */
    GHashTable *destinations; /* hash of a destination's end -> kinds to it */
    guint64 lost_count;
    gboolean lost_unknown;
};

typedef struct {
    OshRefusedPacket packet;
    guint64 pending;
} Kind;

/* One end of a packet as a number. Two ends that collide only share a share. */
static guint64
end_hash(const OshRefusedPacket *packet, const struct in6_addr *address, guint16 port)
{
    guint64 hash = (guint64)port << 32 | (guint64)packet->protocol << 24 | packet->spoofed;

    for (gsize i = 0; i < sizeof *address; i += sizeof(guint64)) {
        guint64 word;

        memcpy(&word, address->s6_addr + i, sizeof word);
        hash = (hash ^ word) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

guint
osh_refused_packet_hash(gconstpointer key)
{
    const OshRefusedPacket *packet = key;
    guint64 hash = end_hash(packet, &packet->destination, packet->destination_port) * 31 +
                   end_hash(packet, &packet->source, packet->source_port) + packet->uid;

    return (guint)(hash ^ hash >> 32);
}

gboolean
osh_refused_packet_equal(gconstpointer a, gconstpointer b)
{
    const OshRefusedPacket *left = a;
    const OshRefusedPacket *right = b;

    return left->protocol == right->protocol && left->uid == right->uid &&
           left->source_port == right->source_port &&
           left->destination_port == right->destination_port && left->spoofed == right->spoofed &&
           memcmp(&left->source, &right->source, sizeof left->source) == 0 &&
           memcmp(&left->destination, &right->destination, sizeof left->destination) == 0;
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

static gboolean
parse_v4(OshRefusedPacket *packet, const guint8 *bytes, gsize length)
{
    gsize header = (gsize)(bytes[0] & 0xf) * 4;

    if (header < 20 || length < header)
        return FALSE;
    packet->protocol = bytes[9];
    osh_address_map_ipv4(bytes + 12, &packet->source);
    osh_address_map_ipv4(bytes + 16, &packet->destination);
    /* Only the first fragment holds ports. */
    if (((bytes[6] & 0x1f) | bytes[7]) == 0)
        parse_ports(packet, bytes + header, length - header);
    return TRUE;
}

/* Returns: the length of the extension header at @bytes, 0 when there is none or it is cut short */
static gsize
extension_length(guint8 protocol, const guint8 *bytes, gsize length)
{
    gsize size;

    if (length < 8)
        return 0;
    switch (protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_DSTOPTS:
    case IPPROTO_MH:
        size = ((gsize)bytes[1] + 1) * 8;
        break;
    case IPPROTO_FRAGMENT:
        size = 8;
        break;
    case IPPROTO_AH:
        size = ((gsize)bytes[1] + 2) * 4;
        break;
    default:
        return 0;
    }
    return size <= length ? size : 0;
}

/* A chain that is too long or cut short ends at the header that is not followed: its number is the
   protocol then, and there are no ports. */
static gboolean
parse_v6(OshRefusedPacket *packet, const guint8 *bytes, gsize length)
{
    gsize at = 40;

    if (length < at)
        return FALSE;
    packet->protocol = bytes[6];
    memcpy(&packet->source, bytes + 8, 16);
    memcpy(&packet->destination, bytes + 24, 16);
    for (guint i = 0; i < MAX_EXTENSION_HEADERS; i++) {
        gsize size = extension_length(packet->protocol, bytes + at, length - at);
        gboolean later_fragment = packet->protocol == IPPROTO_FRAGMENT && size > 0 &&
                                  (bytes[at + 2] != 0 || (bytes[at + 3] & 0xf8) != 0);

        if (size == 0)
            break;
        packet->protocol = bytes[at];
        if (later_fragment)
            return TRUE;
        at += size;
    }
    parse_ports(packet, bytes + at, length - at);
    return TRUE;
}

static gboolean
parse_packet(OshRefusedPacket *packet, const guint8 *bytes, gsize length)
{
    if (length < 1)
        return FALSE;
    if (bytes[0] >> 4 == 4)
        return parse_v4(packet, bytes, length);
    return bytes[0] >> 4 == 6 && parse_v6(packet, bytes, length);
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

static guint
kinds_of(GHashTable *table, guint64 key)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(table, &key));
}

static void
count_kind(GHashTable *table, guint64 key)
{
    guint n = kinds_of(table, key);

    g_hash_table_insert(table, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(n + 1));
}

static gboolean
has_place(const OshNflogReader *reader, guint of_socket)
{
    guint taken = g_hash_table_size(reader->kinds);

    if (of_socket >= NFLOG_MAX_OF_SOCKET)
        return FALSE;
    return taken < NFLOG_MAX_KINDS - NFLOG_KEPT_FOR_NEW ||
           (of_socket == 0 && taken < NFLOG_MAX_KINDS);
}

static void
new_kind(OshNflogReader *reader, const OshRefusedPacket *packet)
{
    guint64 sender = end_hash(packet, &packet->source, packet->source_port);
    Kind *kind;

    if (!has_place(reader, kinds_of(reader->sockets, sender))) {
        reader->lost_count++;
        return;
    }
    kind = g_new0(Kind, 1);
    kind->packet = *packet;
    g_hash_table_insert(reader->kinds, &kind->packet, kind);
    count_kind(reader->sockets, sender);
    count_kind(reader->destinations,
               end_hash(packet, &packet->destination, packet->destination_port));
    report(reader, packet, 1);
}

static void
packet_found(const OshRefusedPacket *found, gpointer data)
{
    OshNflogReader *reader = data;
    OshRefusedPacket packet = *found;
    guint64 destination = end_hash(found, &found->destination, found->destination_port);
    Kind *kind = g_hash_table_lookup(reader->kinds, &packet);

    begin_period(reader);
    if (kind == NULL && kinds_of(reader->destinations, destination) >= NFLOG_MAX_OF_DESTINATION) {
        memset(&packet.source, 0, sizeof packet.source);
        packet.source_port = 0;
        kind = g_hash_table_lookup(reader->kinds, &packet);
    }
    if (kind != NULL)
        kind->pending++;
    else
        new_kind(reader, &packet);
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

/* The default holds some 250 packets; without CAP_NET_ADMIN the limit allows twice that. */
static void
enlarge_buffer(int fd)
{
    const int wanted = NFLOG_BUFFER_SIZE;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
}

OshNflogReader *
osh_nflog_reader_new(int fd, OshRefusedFunc refused, OshRefusedLostFunc lost, gpointer data)
{
    OshNflogReader *reader = g_new0(OshNflogReader, 1);

    enlarge_buffer(fd);
    reader->fd = fd;
    reader->refused = refused;
    reader->lost = lost;
    reader->data = data;
    reader->kinds =
        g_hash_table_new_full(osh_refused_packet_hash, osh_refused_packet_equal, NULL, g_free);
    reader->sockets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    reader->destinations = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
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
    g_hash_table_remove_all(reader->sockets);
    g_hash_table_remove_all(reader->destinations);
    if (reader->lost_count > 0)
        reader->lost(reader->lost_count, reader->data);
    if (reader->lost_unknown)
        reader->lost(0, reader->data);
    reader->lost_count = 0;
    reader->lost_unknown = FALSE;
}

void
osh_nflog_reader_free(OshNflogReader *reader)
{
    if (reader == NULL)
        return;
    osh_drop_source(&reader->source);
    osh_drop_source(&reader->period);
    g_hash_table_unref(reader->kinds);
    g_hash_table_unref(reader->sockets);
    g_hash_table_unref(reader->destinations);
    close(reader->fd);
    g_free(reader);
}
