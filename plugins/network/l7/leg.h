/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg.h: one of the two sockets of an inspected connection, and what is to be written to it.
 * [shard]
 *
 * What a list of actions sends is gathered and written by one call. What the socket does not take
 * is copied and written first, before anything that comes later.
 */
#pragma once

#include "tls-module.h"

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/** OSH_LEG_GATHERED: pieces that one write takes. */
#define OSH_LEG_GATHERED 32

/**
 * OshLeg:
 * @fd: borrowed
 * @tls: (nullable): with it, @session is spoken over @fd; both borrowed
 * @gathered: (array length=n_gathered): of the present list; the memory is its owner's
 * @rest: (nullable): what the socket did not take
 * @is_secret: @rest is wiped before its memory is given back
 * @written: bytes that the socket took
 * @is_broken: nothing can be written any more; what is sent is thrown away
 * @error: errno of the write that found it out; 0 where something else did
 * @is_ended: the other side was told that nothing follows
 */
typedef struct {
    int fd;
    const OshTlsModule *tls;
    OshTlsSession *session;
    struct iovec gathered[OSH_LEG_GATHERED];
    guint n_gathered;
    GByteArray *rest;
    gboolean is_secret;
    guint64 written;
    gboolean is_broken;
    int error;
    gboolean is_ended;
} OshLeg;

/** osh_leg_receive: osh_leg_read() of a socket that is nothing to be written to. @tls: (nullable):
 * with it, @session is spoken over @fd. */
gssize osh_leg_receive(int fd, const OshTlsModule *tls, OshTlsSession *session, guint8 *bytes,
                       gsize length);

/** osh_leg_read: Returns: bytes read, 0 at the end, or a negative errno; an end without the
 * peer's close_notify is %ECONNRESET. */
gssize osh_leg_read(OshLeg *leg, guint8 *bytes, gsize length);

/** osh_leg_send: @bytes: stay until osh_leg_flush(). */
void osh_leg_send(OshLeg *leg, gconstpointer bytes, gsize length);

/** osh_leg_send_masked: the same, each byte xor'ed with the key; copies. */
void osh_leg_send_masked(OshLeg *leg, const guint8 *bytes, gsize length, const guint8 key[4],
                         guint phase);

/** osh_leg_send_secret: the same for what is in memory no longer than it must be. @key: (nullable).
 */
void osh_leg_send_secret(OshLeg *leg, const guint8 *bytes, gsize length, const guint8 *key,
                         guint phase);

/** osh_leg_flush: writes what was gathered, and what was left before it; nothing borrowed stays. */
void osh_leg_flush(OshLeg *leg);

/** osh_leg_left: Returns: bytes that the socket has not taken. */
gsize osh_leg_left(const OshLeg *leg);

/** osh_leg_end: tells the other side that nothing follows. Returns: FALSE where the socket does not
 * take that for now: call it again. */
gboolean osh_leg_end(OshLeg *leg);

/** osh_leg_clear: frees what was not taken. */
void osh_leg_clear(OshLeg *leg);

G_END_DECLS
