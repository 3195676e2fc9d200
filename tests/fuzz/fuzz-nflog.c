/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-nflog.c: refused packets as the kernel hands them out; what is inside was written by a
 * program of the box. Every packet reported is one that the bytes can hold, and is told in words
 * that a terminal can show.
 */
#include "nflog.h"
#include "refusal-words.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
count(const OshRefusedPacket *packet, gpointer data)
{
    gsize *n = data;

    (*n)++;
    if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP &&
        packet->protocol != IPPROTO_UDPLITE && packet->protocol != IPPROTO_SCTP)
        g_assert_cmpuint(packet->destination_port, ==, 0);
    g_assert_true(osh_refused_packet_equal(packet, packet));
    for (guint served = 0; served < 2; served++) {
        g_auto(OshRefusal) refusal = {0};

        osh_refusal_describe(packet, served == 1, &refusal);
        g_assert_true(g_str_is_ascii(refusal.host) && g_str_is_ascii(refusal.reason));
        for (const char *at = refusal.reason; *at != '\0'; at++)
            g_assert_true(g_ascii_isprint(*at));
        g_assert_cmpuint(strlen(refusal.hint), >, 0);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    gsize n = 0;

    osh_nflog_parse(data, size, count, &n);
    /* The smallest message with a packet in it. */
    g_assert_cmpuint(n, <=, size / 40);
    return 0;
}
