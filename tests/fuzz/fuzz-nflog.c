/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-nflog.c: refused packets as the kernel hands them out; what is inside was written by a
 * program of the box. Every packet reported is one that the bytes can hold.
 */
#include "nflog.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
count(const OshRefusedPacket *packet, gpointer data)
{
    gsize *n = data;

    (*n)++;
    if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP &&
        packet->protocol != IPPROTO_UDPLITE && packet->protocol != IPPROTO_SCTP)
        g_assert_cmpuint(packet->destination_port, ==, 0);
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
