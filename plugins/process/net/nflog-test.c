/* SPDX-License-Identifier: Apache-2.0 */
/* Refused packets: what is read from well-formed and from hostile bytes, and how floods are told.
 */
#include "nflog.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One NFULNL_MSG_PACKET as the kernel sends it: nlmsghdr, nfgenmsg, prefix, uid, payload. */
static gsize
build(guint8 *message, const guint8 *packet, gsize packet_length, guint32 uid, const char *prefix)
{
    gsize prefix_length = strlen(prefix) + 1;
    gsize at = 20;
    const struct {
        guint16 type;
        const void *bytes;
        gsize length;
    } attributes[] = {
        {10, prefix, prefix_length}, {11, &(guint32){htonl(uid)}, 4}, {9, packet, packet_length}};

    memset(message, 0, 512);
    for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++) {
        guint16 length = (guint16)(4 + attributes[i].length);

        memcpy(message + at, &length, 2);
        memcpy(message + at + 2, &attributes[i].type, 2);
        memcpy(message + at + 4, attributes[i].bytes, attributes[i].length);
        at += (length + 3u) & ~3u;
    }
    memcpy(message, &(guint32){(guint32)at}, 4);
    memcpy(message + 4, &(guint16){0x0400}, 2);
    message[16] = AF_INET;
    return at;
}

static const guint8 udp_packet[] = {0x45, 0,    0,    28,   0, 0, 0,   0, 64,  IPPROTO_UDP,
                                    0,    0,    10,   200,  0, 2, 203, 0, 113, 7,
                                    0x0f, 0xa0, 0x01, 0xbb, 0, 8, 0,   0};

typedef struct {
    guint calls;
    guint64 count;
    guint lost;
    OshRefusedPacket last;
} Seen;

static void
remember(const OshRefusedPacket *packet, gpointer data)
{
    Seen *seen = data;

    seen->calls++;
    seen->last = *packet;
}

static void
test_packet_is_read_with_its_owner(void)
{
    guint8 message[512];
    gsize size = build(message, udp_packet, sizeof udp_packet, 1000, "refused");
    Seen seen = {0};
    char address[INET6_ADDRSTRLEN];

    g_assert_true(osh_nflog_parse(message, size, remember, &seen));
    g_assert_cmpuint(seen.calls, ==, 1);
    g_assert_cmpuint(seen.last.protocol, ==, IPPROTO_UDP);
    g_assert_cmpuint(seen.last.destination_port, ==, 443);
    g_assert_cmpuint(seen.last.source_port, ==, 4000);
    g_assert_cmpuint(seen.last.uid, ==, 1000);
    g_assert_false(seen.last.spoofed);
    inet_ntop(AF_INET6, &seen.last.destination, address, sizeof address);
    g_assert_cmpstr(address, ==, "::ffff:203.0.113.7");
}

static void
test_hostile_packets_are_survived(void)
{
    guint8 message[512];
    guint8 packet[sizeof udp_packet];

    for (gsize cut = 0; cut <= sizeof udp_packet; cut++) {
        gsize size = build(message, udp_packet, cut, 1, "spoofed");
        Seen seen = {0};

        g_assert_true(osh_nflog_parse(message, size, remember, &seen));
        g_assert_cmpuint(seen.calls, ==, cut >= 20 ? 1 : 0);
        if (cut >= 20)
            g_assert_cmpuint(seen.last.destination_port, ==, cut >= 24 ? 443 : 0);
    }
    memcpy(packet, udp_packet, sizeof packet);
    for (guint first = 0; first < 256; first++) {
        Seen seen = {0};

        packet[0] = (guint8)first;
        osh_nflog_parse(message, build(message, packet, sizeof packet, 1, "refused"), remember,
                        &seen);
        g_assert_cmpuint(seen.calls, ==, first == 0x45 || first == 0x46 || first == 0x47 ? 1 : 0);
    }
    g_assert_false(osh_nflog_parse(message, 0, remember, &(Seen){0}));
    g_assert_false(osh_nflog_parse(message, 15, remember, &(Seen){0}));
}

/* What stands where the ports would be is the middle of somebody's data. */
static void
test_later_fragments_have_no_ports(void)
{
    static const guint8 offsets[][2] = {{0x00, 0x01}, {0x1f, 0xff}, {0x20, 0x08}, {0x01, 0x00}};
    guint8 message[512];
    guint8 packet[sizeof udp_packet];

    memcpy(packet, udp_packet, sizeof packet);
    for (gsize i = 0; i < G_N_ELEMENTS(offsets); i++) {
        Seen seen = {0};

        memcpy(packet + 6, offsets[i], 2);
        osh_nflog_parse(message, build(message, packet, sizeof packet, 1, "refused"), remember,
                        &seen);
        g_assert_cmpuint(seen.calls, ==, 1);
        g_assert_cmpuint(seen.last.protocol, ==, IPPROTO_UDP);
        g_assert_cmpuint(seen.last.destination_port, ==, 0);
    }
    /* "More fragments" and "don't fragment" say nothing of the offset: this is the first. */
    for (guint flags = 0x20; flags <= 0x40; flags += 0x20) {
        Seen seen = {0};

        packet[6] = (guint8)flags;
        packet[7] = 0;
        osh_nflog_parse(message, build(message, packet, sizeof packet, 1, "refused"), remember,
                        &seen);
        g_assert_cmpuint(seen.last.destination_port, ==, 443);
    }
}

/* ---- IPv6 extension headers ---- */

typedef struct {
    const char *name;
    guint8 first;
    guint8 headers[64];
    gsize length;
    guint8 protocol;
    guint16 port;
} Chain;

/* Each chain ends in a UDP header to port 443. */
#define UDP_443 0x0f, 0xa0, 0x01, 0xbb, 0, 8, 0, 0
static const Chain chains[] = {
    {"none", IPPROTO_UDP, {UDP_443}, 8, IPPROTO_UDP, 443},
    {"hop-by-hop",
     IPPROTO_HOPOPTS,
     {IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0, UDP_443},
     16,
     IPPROTO_UDP,
     443},
    {"two of them",
     IPPROTO_HOPOPTS,
     {IPPROTO_DSTOPTS,
      0,
      1,
      4,
      0,
      0,
      0,
      0,
      IPPROTO_UDP,
      1,
      1,
      12,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      UDP_443},
     32,
     IPPROTO_UDP,
     443},
    {"authentication",
     IPPROTO_AH,
     {IPPROTO_UDP, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, UDP_443},
     20,
     IPPROTO_UDP,
     443},
    {"first fragment",
     IPPROTO_FRAGMENT,
     {IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 9, UDP_443},
     16,
     IPPROTO_UDP,
     443},
    {"later fragment",
     IPPROTO_FRAGMENT,
     {IPPROTO_UDP, 0, 0, 8, 0, 0, 0, 9, UDP_443},
     16,
     IPPROTO_UDP,
     0},
    {"far fragment",
     IPPROTO_FRAGMENT,
     {IPPROTO_UDP, 0, 1, 0, 0, 0, 0, 9, UDP_443},
     16,
     IPPROTO_UDP,
     0},
    {"one that lies about its length",
     IPPROTO_DSTOPTS,
     {IPPROTO_UDP, 255, 1, 4, 0, 0, 0, 0, UDP_443},
     16,
     IPPROTO_DSTOPTS,
     0},
    {"one that is cut short", IPPROTO_ROUTING, {IPPROTO_UDP, 0, 0, 0}, 4, IPPROTO_ROUTING, 0},
    {"nothing behind", IPPROTO_HOPOPTS, {IPPROTO_NONE, 0, 1, 4, 0, 0, 0, 0}, 8, IPPROTO_NONE, 0},
};

static OshRefusedPacket
read_v6(guint8 first, const guint8 *headers, gsize length)
{
    guint8 packet[400] = {0x60};
    guint8 message[512];
    Seen seen = {0};

    packet[6] = first;
    packet[8] = 0xfd;
    packet[24] = 0x20;
    memcpy(packet + 40, headers, length);
    g_assert_true(osh_nflog_parse(message, build(message, packet, 40 + length, 1, "refused"),
                                  remember, &seen));
    g_assert_cmpuint(seen.calls, ==, 1);
    return seen.last;
}

static void
test_extension_headers_are_followed(void)
{
    guint8 many[8 * 20];

    for (gsize i = 0; i < G_N_ELEMENTS(chains); i++) {
        OshRefusedPacket seen = read_v6(chains[i].first, chains[i].headers, chains[i].length);

        g_test_message("%s", chains[i].name);
        g_assert_cmpuint(seen.protocol, ==, chains[i].protocol);
        g_assert_cmpuint(seen.destination_port, ==, chains[i].port);
    }
    memset(many, 0, sizeof many);
    for (gsize i = 0; i < sizeof many; i += 8)
        many[i] = IPPROTO_DSTOPTS;
    g_assert_cmpuint(read_v6(IPPROTO_DSTOPTS, many, sizeof many).protocol, ==, IPPROTO_DSTOPTS);
}

static void
count_refused(const OshRefusedPacket *packet, guint64 count, gpointer data)
{
    Seen *seen = data;

    remember(packet, data);
    seen->count += count;
}

static void
count_lost(guint64 count, gpointer data)
{
    Seen *seen = data;

    g_assert_cmpuint(count, >, 0);
    seen->lost += (guint)count;
}

typedef struct {
    OshNflogReader *reader;
    int fd;
    guint8 packet[sizeof udp_packet];
} Flood;

static void
flood_begin(Flood *flood, Seen *seen)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), ==, 0);
    flood->reader = osh_nflog_reader_new(fds[0], count_refused, count_lost, seen);
    flood->fd = fds[1];
    memcpy(flood->packet, udp_packet, sizeof udp_packet);
}

static void
flood_end(Flood *flood)
{
    osh_nflog_reader_flush(flood->reader);
    osh_nflog_reader_free(flood->reader);
    close(flood->fd);
}

static void
flood_send_as(Flood *flood, guint16 source_port, guint16 destination, guint32 uid)
{
    guint8 message[512];
    gsize size;

    flood->packet[18] = (guint8)(destination >> 8);
    flood->packet[19] = (guint8)destination;
    flood->packet[20] = (guint8)(source_port >> 8);
    flood->packet[21] = (guint8)source_port;
    size = build(message, flood->packet, sizeof flood->packet, uid, "refused");
    while (send(flood->fd, message, size, 0) < 0)
        g_main_context_iteration(NULL, FALSE);
}

static void
flood_send(Flood *flood, guint16 source_port, guint16 destination)
{
    flood_send_as(flood, source_port, destination, 1);
}

static void
take_what_came(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* A hash tells most packets apart, and the comparison those that meet in it. */
static void
test_packets_are_compared_whole(void)
{
    const OshRefusedPacket one = {.protocol = IPPROTO_UDP, .uid = 1};
    OshRefusedPacket others[7];

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        others[i] = one;
    others[0].protocol = IPPROTO_TCP;
    others[1].uid = 2;
    others[2].source_port = 1;
    others[3].destination_port = 1;
    others[4].spoofed = TRUE;
    others[5].source.s6_addr[15] = 1;
    others[6].destination.s6_addr[15] = 1;
    g_assert_true(osh_refused_packet_equal(&one, &one));
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(osh_refused_packet_equal(&one, &others[i]));
}

static void
test_users_are_told_apart(void)
{
    Seen seen = {0};
    Flood flood;

    flood_begin(&flood, &seen);
    flood_send_as(&flood, 4000, 7, 1000);
    flood_send_as(&flood, 4000, 7, 1001);
    flood_send_as(&flood, 4000, 7, 1000);
    take_what_came();
    g_assert_cmpuint(seen.calls, ==, 2);
    g_assert_cmpuint(seen.last.uid, ==, 1001);
    flood_end(&flood);
    g_assert_cmpuint(seen.count, ==, 3);
}

/* Twelve sockets take all places but those that are kept for sockets that had none. */
static void
test_last_places_are_for_new_sockets(void)
{
    Seen seen = {0};
    Flood flood;

    flood_begin(&flood, &seen);
    for (guint i = 0; i < 12 * 16; i++)
        flood_send(&flood, (guint16)(5000 + i / 16), (guint16)i);
    take_what_came();
    g_assert_cmpuint(seen.calls, ==, 192);
    flood_send(&flood, 6000, 1000);
    flood_send(&flood, 6000, 1001);
    flood_send(&flood, 6001, 1002);
    take_what_came();
    g_assert_cmpuint(seen.calls, ==, 194);
    flood_end(&flood);
    g_assert_cmpuint(seen.lost, ==, 1);
}

static void
test_flood_costs_a_bounded_number_of_reports(void)
{
    Seen seen = {0};
    Flood flood;

    flood_begin(&flood, &seen);
    for (guint i = 0; i < 600; i++)
        flood_send(&flood, (guint16)i, (guint16)(i < 300 ? 1 : i));
    flood_end(&flood);
    g_assert_cmpuint(seen.calls, <=, 257);
    g_assert_cmpuint(seen.count + seen.lost, ==, 600);
    g_assert_cmpuint(seen.lost, >, 0);
}

static void
test_one_socket_cannot_take_every_place(void)
{
    Seen seen = {0};
    Flood flood;

    flood_begin(&flood, &seen);
    for (guint i = 0; i < 1000; i++)
        flood_send(&flood, 4000, (guint16)i);
    take_what_came();
    g_assert_cmpuint(seen.calls, ==, 16);
    flood_send(&flood, 5000, 7);
    take_what_came();
    g_assert_cmpuint(seen.calls, ==, 17);
    g_assert_cmpuint(seen.last.source_port, ==, 5000);
    flood_end(&flood);
    g_assert_cmpuint(seen.count + seen.lost, ==, 1001);
}

static void
test_many_sockets_to_one_place_become_one_kind(void)
{
    Seen seen = {0};
    Flood flood;

    flood_begin(&flood, &seen);
    for (guint i = 1; i <= 1000; i++)
        flood_send(&flood, (guint16)i, 7);
    flood_end(&flood);
    g_assert_cmpuint(seen.calls, <=, 20);
    g_assert_cmpuint(seen.lost, ==, 0);
    g_assert_cmpuint(seen.count, ==, 1000);
    g_assert_cmpuint(seen.last.source_port, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process/nflog/packet-is-read-with-its-owner",
                    test_packet_is_read_with_its_owner);
    g_test_add_func("/process/nflog/hostile-packets-are-survived",
                    test_hostile_packets_are_survived);
    g_test_add_func("/process/nflog/later-fragments-have-no-ports",
                    test_later_fragments_have_no_ports);
    g_test_add_func("/process/nflog/packets-are-compared-whole", test_packets_are_compared_whole);
    g_test_add_func("/process/nflog/users-are-told-apart", test_users_are_told_apart);
    g_test_add_func("/process/nflog/the-last-places-are-for-sockets-that-had-none",
                    test_last_places_are_for_new_sockets);
    g_test_add_func("/process/nflog/extension-headers-are-followed-as-far-as-they-can-be",
                    test_extension_headers_are_followed);
    g_test_add_func("/process/nflog/one-socket-cannot-take-every-place",
                    test_one_socket_cannot_take_every_place);
    g_test_add_func("/process/nflog/many-sockets-to-one-place-become-one-kind",
                    test_many_sockets_to_one_place_become_one_kind);
    g_test_add_func("/process/nflog/flood-costs-a-bounded-number-of-reports",
                    test_flood_costs_a_bounded_number_of_reports);
    return g_test_run();
}
