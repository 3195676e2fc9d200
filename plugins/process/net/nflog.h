/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nflog.h: what the ruleset refused, read from the box's NFLOG socket. [main]: a reader belongs to
 * the thread of the GMainContext that was the thread default when it was made.
 */
#pragma once

#include <glib.h>
#include <netinet/in.h>

G_BEGIN_DECLS

/** OSH_NFLOG_NO_UID: the packet came from no socket that the kernel could name. */
#define OSH_NFLOG_NO_UID G_MAXUINT32

/**
 * OshRefusedPacket:
 * @protocol: IPPROTO_*; of IPv6 that behind the extension headers, as far as they can be followed
 * @source: IPv4 in v4-mapped form
 * @destination: likewise
 * @source_port: 0 where the protocol has none, or the packet is too short
 * @destination_port: likewise
 * @uid: owner of the socket, in the host's user namespace, or %OSH_NFLOG_NO_UID
 * @spoofed: it was dropped for its source address rather than for its destination
 */
typedef struct {
    guint8 protocol;
    struct in6_addr source;
    struct in6_addr destination;
    guint16 source_port;
    guint16 destination_port;
    guint32 uid;
    gboolean spoofed;
} OshRefusedPacket;

/** osh_refused_packet_hash: a #GHashFunc over all members. */
guint osh_refused_packet_hash(gconstpointer key);
/** osh_refused_packet_equal: a #GEqualFunc over all members. */
gboolean osh_refused_packet_equal(gconstpointer a, gconstpointer b);

/**
 * OshRefusedFunc:
 * @packet: the first of its kind; source and source port are all zeros when it stands for packets
 *   of many sockets
 * @count: how many alike it stands for, 1 at least
 *
 * Packets that are equal in everything are called for at once, with a count of 1, and at the end of
 * their second with the count of the others.
 */
typedef void (*OshRefusedFunc)(const OshRefusedPacket *packet, guint64 count, gpointer data);

/**
 * OshRefusedLostFunc:
 * @count: how many packets were not reported, or 0 when the kernel does not say
 *
 * The loss is itself an event (security rule 11, capacity of the record). At most once a second for
 * each of the two.
 */
typedef void (*OshRefusedLostFunc)(guint64 count, gpointer data);

typedef struct OshNflogReader OshNflogReader;

/**
 * osh_nflog_reader_new:
 * @fd: (transfer full): the NFLOG socket
 * @refused: called for what was refused
 * @lost: called for what is not known
 * @data: for both
 *
 * Returns: (transfer full): a reader that runs
 */
OshNflogReader *osh_nflog_reader_new(int fd, OshRefusedFunc refused, OshRefusedLostFunc lost,
                                     gpointer data);

/**
 * osh_nflog_reader_flush:
 * @reader: a reader
 *
 * Reads what has arrived and reports every count that waits for its second to end.
 */
void osh_nflog_reader_flush(OshNflogReader *reader);

/**
 * osh_nflog_reader_free:
 * @reader: (nullable) (transfer full): a reader
 */
void osh_nflog_reader_free(OshNflogReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshNflogReader, osh_nflog_reader_free)

/** OshNflogPacketFunc: one packet of a datagram. */
typedef void (*OshNflogPacketFunc)(const OshRefusedPacket *packet, gpointer data);

/**
 * osh_nflog_parse:
 * @bytes: (array length=length): one datagram of an NFLOG socket
 * @length: its length
 * @found: called for each packet in it
 * @data: for @found
 *
 * Parses without trust: the headers inside were written by a program of the box.
 *
 * Returns: %FALSE when the datagram is not what the kernel sends
 */
gboolean osh_nflog_parse(const guint8 *bytes, gsize length, OshNflogPacketFunc found,
                         gpointer data);

G_END_DECLS
