/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port-relay.c: carries bytes between two connected stream sockets. [shard], the one that made it.
 *
 * Each direction has one buffer that is filled when it is empty: a side that does not read holds up
 * its peer and no other. What a wake-up may move is bounded, so that others get their turn.
 */
#include "port-relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE 65536
#define TURNS       16

typedef struct {
    guint8 *bytes;
    gsize start;
    gsize end;
    gboolean at_end; /* nothing more arrives */
    gboolean shut;   /* the other side knows */
} Direction;

typedef struct {
    OshPortRelay *relay;
    int fd;
    OshShardWatch *watch; /* (nullable) */
    guint32 events;
} Side;

struct OshPortRelay {
    OshInterface shard;
    Side sides[2];
    Direction directions[2]; /* from the side of that number to the other */
    OshPortRelayEnded ended;
    gpointer data;
};

static void
reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void
relay_close(OshPortRelay *relay, gboolean abort)
{
    for (guint i = 0; i < 2; i++) {
        osh_shard_remove(&relay->shard, g_steal_pointer(&relay->sides[i].watch));
        if (abort)
            reset(relay->sides[i].fd);
        close(relay->sides[i].fd);
        g_free(relay->directions[i].bytes);
    }
}

void
osh_port_relay_free(OshPortRelay *relay)
{
    if (relay == NULL)
        return;
    relay_close(relay, TRUE);
    g_free(relay);
}

static void
relay_end(OshPortRelay *relay, gboolean abort)
{
    relay_close(relay, abort);
    relay->ended(relay, relay->data);
    g_free(relay);
}

/* Returns: FALSE when the connection is broken. */
static gboolean
fill(Direction *direction, int from, gboolean *moved)
{
    gssize length;

    if (direction->at_end || direction->end > 0)
        return TRUE;
    if (direction->bytes == NULL)
        direction->bytes = g_malloc(BUFFER_SIZE);
    length = recv(from, direction->bytes, BUFFER_SIZE, 0);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR;
    *moved = TRUE;
    direction->at_end = length == 0;
    direction->end = (gsize)length;
    return TRUE;
}

static gboolean
drain(Direction *direction, int to, gboolean *moved)
{
    gssize length;

    if (direction->end > 0) {
        length = send(to, direction->bytes + direction->start, direction->end - direction->start,
                      MSG_NOSIGNAL);
        if (length < 0)
            return errno == EAGAIN || errno == EINTR;
        *moved = TRUE;
        direction->start += (gsize)length;
        if (direction->start == direction->end)
            direction->start = direction->end = 0;
    }
    if (direction->at_end && direction->end == 0 && !direction->shut) {
        shutdown(to, SHUT_WR);
        direction->shut = TRUE;
        g_clear_pointer(&direction->bytes, g_free);
    }
    return TRUE;
}

static void side_event(int fd, guint32 events, gpointer data);

/* A side that is done for both directions would report its hang-up for ever. */
static void
side_wait(OshPortRelay *relay, guint i)
{
    Side *side = &relay->sides[i];
    const Direction *out = &relay->directions[i];
    const Direction *in = &relay->directions[1 - i];
    guint32 events = 0;

    if (!out->at_end && out->end == 0)
        events |= EPOLLIN;
    if (in->end > 0)
        events |= EPOLLOUT;
    if (out->at_end && in->shut) {
        osh_shard_remove(&relay->shard, g_steal_pointer(&side->watch));
        return;
    }
    if (side->watch != NULL && events != side->events)
        osh_shard_modify(&relay->shard, side->watch, events);
    side->events = events;
}

static void
relay_run(OshPortRelay *relay)
{
    gboolean moved = TRUE;

    for (guint turn = 0; moved && turn < TURNS; turn++) {
        moved = FALSE;
        for (guint i = 0; i < 2; i++) {
            Direction *direction = &relay->directions[i];

            if (!fill(direction, relay->sides[i].fd, &moved) ||
                !drain(direction, relay->sides[1 - i].fd, &moved)) {
                relay_end(relay, TRUE);
                return;
            }
        }
    }
    if (relay->directions[0].shut && relay->directions[1].shut) {
        relay_end(relay, FALSE);
        return;
    }
    side_wait(relay, 0);
    side_wait(relay, 1);
}

static void
side_event(int fd, guint32 events, gpointer data)
{
    const Side *side = data;

    (void)fd;
    if (events & EPOLLERR)
        relay_end(side->relay, TRUE);
    else
        relay_run(side->relay);
}

OshPortRelay *
osh_port_relay_new(const OshInterface *shard, const int fds[2], OshPortRelayEnded ended,
                   gpointer data)
{
    OshPortRelay *relay = g_new0(OshPortRelay, 1);

    relay->shard = *shard;
    relay->ended = ended;
    relay->data = data;
    for (guint i = 0; i < 2; i++) {
        Side *side = &relay->sides[i];

        side->relay = relay;
        side->fd = fds[i];
        side->events = EPOLLIN;
        side->watch = osh_shard_add_fd(shard, side->fd, side->events, side_event, side);
    }
    if (relay->sides[0].watch == NULL || relay->sides[1].watch == NULL) {
        osh_port_relay_free(relay);
        return NULL;
    }
    return relay;
}
