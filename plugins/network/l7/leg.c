/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg.c: reads from and writes to one socket of an inspected connection. [shard]. It must never
 * keep a pointer past osh_leg_flush().
 */
#include "leg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static gssize
receive_tls(const OshTlsModule *tls, OshTlsSession *session, guint8 *bytes, gsize length)
{
    gsize n;

    switch (tls->session_read(session, bytes, length, &n)) {
    case OSH_TLS_DONE:
        return (gssize)n;
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return -EAGAIN;
    case OSH_TLS_END:
        return 0;
    case OSH_TLS_FAILED:
        break;
    }
    return -ECONNRESET;
}

gssize
osh_leg_receive(int fd, const OshTlsModule *tls, OshTlsSession *session, guint8 *bytes,
                gsize length)
{
    ssize_t n;

    if (tls != NULL)
        return receive_tls(tls, session, bytes, length);
    do
        n = recv(fd, bytes, length, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

gssize
osh_leg_read(OshLeg *leg, guint8 *bytes, gsize length)
{
    return osh_leg_receive(leg->fd, leg->tls, leg->session, bytes, length);
}

/* As leg_write(). The next call begins with the same bytes, since what was not taken is kept. */
static gsize
leg_write_tls(OshLeg *leg, const struct iovec *pieces, guint n_pieces)
{
    OshSpan spans[OSH_LEG_GATHERED];
    guint first = 0;
    gsize total = 0;

    for (guint i = 0; i < n_pieces; i++)
        spans[i] = (OshSpan){pieces[i].iov_base, pieces[i].iov_len};
    while (first < n_pieces) {
        gsize n;
        OshTlsResult result =
            leg->tls->session_write(leg->session, spans + first, n_pieces - first, &n);

        if (result != OSH_TLS_DONE) {
            leg->is_broken = result == OSH_TLS_FAILED || result == OSH_TLS_END;
            break;
        }
        total += n;
        while (first < n_pieces && n >= spans[first].length)
            n -= spans[first++].length;
        if (n > 0) {
            spans[first].data += n;
            spans[first].length -= n;
        }
    }
    leg->written += total;
    return total;
}

/* Returns: bytes that the socket took; 0 when it takes none for now. */
static gsize
leg_write(OshLeg *leg, const struct iovec *pieces, guint n_pieces)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = n_pieces};
    ssize_t n;

    if (leg->tls != NULL)
        return leg_write_tls(leg, pieces, n_pieces);
    do
        n = sendmsg(leg->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        leg->is_broken = TRUE;
        leg->error = errno;
    }
    if (n <= 0)
        return 0;
    leg->written += (guint64)n;
    return (gsize)n;
}

static void
leg_drop_rest(OshLeg *leg)
{
    if (leg->rest != NULL && leg->rest->len > 0 && leg->is_secret)
        explicit_bzero(leg->rest->data, leg->rest->len);
    leg->is_secret = FALSE;
    g_clear_pointer(&leg->rest, g_byte_array_unref);
}

/* A secret never lies in memory that is given back as it is, so what holds one does not grow. */
static void
leg_grow_secret(OshLeg *leg, gsize length)
{
    GByteArray *larger = g_byte_array_sized_new(leg->rest->len + (guint)length);

    g_byte_array_append(larger, leg->rest->data, leg->rest->len);
    leg_drop_rest(leg);
    leg->rest = larger;
    leg->is_secret = TRUE;
}

static void
leg_keep(OshLeg *leg, gconstpointer bytes, gsize length)
{
    if (length == 0 || leg->is_broken)
        return;
    if (leg->rest == NULL)
        leg->rest = g_byte_array_new();
    if (leg->is_secret)
        leg_grow_secret(leg, length);
    g_byte_array_append(leg->rest, bytes, (guint)length);
}

/* Returns: whether nothing is left. */
static gboolean
leg_write_rest(OshLeg *leg)
{
    struct iovec piece;
    gsize n;

    if (osh_leg_left(leg) == 0)
        return TRUE;
    piece = (struct iovec){leg->rest->data, leg->rest->len};
    n = leg_write(leg, &piece, 1);
    /* What is moved to the front leaves its end behind. */
    if (n > 0 && n < leg->rest->len && leg->is_secret) {
        gsize left = leg->rest->len - n;

        memmove(leg->rest->data, leg->rest->data + n, left);
        explicit_bzero(leg->rest->data + left, n);
        g_byte_array_set_size(leg->rest, (guint)left);
    } else if (n > 0 && n < leg->rest->len) {
        g_byte_array_remove_range(leg->rest, 0, (guint)n);
    } else if (n > 0) {
        leg_drop_rest(leg);
    }
    return leg->rest == NULL;
}

static void
leg_keep_from(OshLeg *leg, gsize taken)
{
    for (guint i = 0; i < leg->n_gathered; i++) {
        const struct iovec *piece = &leg->gathered[i];
        gsize skip = MIN(taken, piece->iov_len);

        leg_keep(leg, (const guint8 *)piece->iov_base + skip, piece->iov_len - skip);
        taken -= skip;
    }
}

void
osh_leg_flush(OshLeg *leg)
{
    gsize taken = 0;

    if (leg_write_rest(leg) && leg->n_gathered > 0 && !leg->is_broken)
        taken = leg_write(leg, leg->gathered, leg->n_gathered);
    leg_keep_from(leg, taken);
    leg->n_gathered = 0;
    if (leg->is_broken)
        leg_drop_rest(leg);
}

void
osh_leg_send(OshLeg *leg, gconstpointer bytes, gsize length)
{
    if (length == 0)
        return;
    if (leg->n_gathered == OSH_LEG_GATHERED)
        osh_leg_flush(leg);
    leg->gathered[leg->n_gathered++] = (struct iovec){(gpointer)bytes, length};
}

void
osh_leg_send_masked(OshLeg *leg, const guint8 *bytes, gsize length, const guint8 key[4],
                    guint phase)
{
    guint at;

    osh_leg_flush(leg);
    leg_keep(leg, bytes, length);
    if (leg->rest == NULL)
        return;
    at = leg->rest->len - (guint)length;
    for (gsize i = 0; i < length; i++)
        leg->rest->data[at + i] ^= key[(phase + i) % 4];
}

void
osh_leg_send_secret(OshLeg *leg, const guint8 *bytes, gsize length, const guint8 *key, guint phase)
{
    static const guint8 plain[4] = {0};

    osh_leg_flush(leg);
    if (leg->is_broken)
        return;
    if (leg->rest == NULL)
        leg->rest = g_byte_array_new();
    leg->is_secret = TRUE;
    leg_grow_secret(leg, length);
    osh_leg_send_masked(leg, bytes, length, key != NULL ? key : plain, phase);
}

gsize
osh_leg_left(const OshLeg *leg)
{
    return leg->rest != NULL ? leg->rest->len : 0;
}

gboolean
osh_leg_end(OshLeg *leg)
{
    if (leg->is_ended)
        return TRUE;
    /* A peer that gets no close_notify takes the end for a cut. */
    if (leg->tls != NULL && leg->tls->session_shutdown(leg->session) == OSH_TLS_WANT_WRITE)
        return FALSE;
    leg->is_ended = TRUE;
    shutdown(leg->fd, SHUT_WR);
    return TRUE;
}

void
osh_leg_clear(OshLeg *leg)
{
    leg_drop_rest(leg);
}
