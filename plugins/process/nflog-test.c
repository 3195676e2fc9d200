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

static void
test_flood_costs_a_bounded_number_of_reports(void)
{
    guint8 message[512];
    guint8 packet[sizeof udp_packet];
    Seen seen = {0};
    int fds[2];
    OshNflogReader *reader;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), ==, 0);
    reader = osh_nflog_reader_new(fds[0], count_refused, count_lost, &seen);
    memcpy(packet, udp_packet, sizeof packet);
    for (guint i = 0; i < 600; i++) {
        gsize size;

        packet[18] = (guint8)(i < 300 ? 1 : i >> 8);
        packet[19] = (guint8)(i < 300 ? 1 : i);
        size = build(message, packet, sizeof packet, 1, "refused");
        while (send(fds[1], message, size, 0) < 0)
            g_main_context_iteration(NULL, FALSE);
    }
    osh_nflog_reader_flush(reader);
    g_assert_cmpuint(seen.calls, <=, 257);
    g_assert_cmpuint(seen.count + seen.lost, ==, 600);
    osh_nflog_reader_free(reader);
    close(fds[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process/nflog/packet-is-read-with-its-owner",
                    test_packet_is_read_with_its_owner);
    g_test_add_func("/process/nflog/hostile-packets-are-survived",
                    test_hostile_packets_are_survived);
    g_test_add_func("/process/nflog/flood-costs-a-bounded-number-of-reports",
                    test_flood_costs_a_bounded_number_of_reports);
    return g_test_run();
}
