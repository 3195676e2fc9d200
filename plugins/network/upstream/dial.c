/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy eyeballs (RFC 8305): the next address is tried when the one before has failed or has
 * taken a quarter of a second; the first that connects wins and the others are closed. Runs on
 * its owner's shard; the deadline for all of them is the owner's. Never dials an address that is
 * not in the checked list.
 */
#include "dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPT_DELAY (250 * G_TIME_SPAN_MILLISECOND)
#define MAX_ATTEMPTS  16

typedef struct {
    int fd;
    OshShardWatch *watch;
    guint index;
} DialAttempt;

struct _OshDial {
    const OshInterface *shard;
    OshDialTarget target;
    OshShardTimer *timer;
    guint next;
    guint n_attempts;
    guint won;
    int last_error;
    DialAttempt attempts[MAX_ATTEMPTS];
};

OshDial *
osh_dial_new(const OshInterface *shard, const OshDialTarget *target)
{
    OshDial *dial = g_new0(OshDial, 1);

    dial->shard = shard;
    dial->target = *target;
    return dial;
}

void
osh_dial_free(OshDial *dial)
{
    if (dial == NULL)
        return;
    osh_shard_cancel_timer(dial->shard, dial->timer);
    for (guint i = 0; i < dial->n_attempts; i++) {
        osh_shard_remove(dial->shard, dial->attempts[i].watch);
        close(dial->attempts[i].fd);
    }
    g_free(dial);
}

void
osh_dial_take(OshDial *dial, int *ret_fd, OshShardWatch **ret_watch, struct in6_addr *ret_address)
{
    DialAttempt *won = &dial->attempts[dial->won];

    *ret_fd = won->fd;
    *ret_watch = won->watch;
    *ret_address = dial->target.addresses->at[won->index];
    *won = dial->attempts[--dial->n_attempts];
    osh_dial_free(dial);
}

const char *
osh_dial_problem(const OshDial *dial)
{
    return g_strerror(dial->last_error);
}

static socklen_t
dial_address(const struct in6_addr *address, guint16 port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret_address;

    memset(ret_address, 0, sizeof *ret_address);
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        v4->sin_family = AF_INET;
        v4->sin_port = g_htons(port);
        memcpy(&v4->sin_addr, &address->s6_addr[12], 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = g_htons(port);
    v6->sin6_addr = *address;
    return sizeof *v6;
}

static OshDialResult
dial_won(OshDial *dial, guint attempt)
{
    dial->won = attempt;
    return OSH_DIAL_WON;
}

static OshDialResult
dial_lost(OshDial *dial, guint attempt, int error_number)
{
    dial->last_error = error_number;
    osh_shard_remove(dial->shard, dial->attempts[attempt].watch);
    close(dial->attempts[attempt].fd);
    dial->attempts[attempt] = dial->attempts[--dial->n_attempts];
    return osh_dial_next(dial);
}

static void
dial_delayed(gpointer data)
{
    OshDial *dial = data;

    dial->timer = NULL;
    dial->target.delayed(dial->target.owner);
}

/* Returns: 0 when an attempt is under way, 1 when it is connected already, or a negative errno. */
static int
dial_attempt(OshDial *dial, guint index)
{
    DialAttempt *attempt = &dial->attempts[dial->n_attempts];
    struct sockaddr_storage address;
    socklen_t length =
        dial_address(&dial->target.addresses->at[index], dial->target.port, &address);
    const int on = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    osh_connection_prepare_fd(fd);
    result = connect(fd, (struct sockaddr *)(void *)&address, length);
    if (result != 0 && errno != EINPROGRESS) {
        result = -errno;
        close(fd);
        return result;
    }
    attempt->fd = fd;
    attempt->index = index;
    attempt->watch = osh_shard_add_fd(dial->shard, fd, OSH_CONNECTION_WATCHED, dial->target.event,
                                      dial->target.owner);
    if (attempt->watch == NULL) {
        close(fd);
        return -ENOMEM;
    }
    dial->n_attempts++;
    /* An upstream on this machine has answered by now; asking again saves a turn of the loop. */
    if (result != 0)
        result = connect(fd, (struct sockaddr *)(void *)&address, length);
    return result == 0 || errno == EISCONN ? 1 : 0;
}

OshDialResult
osh_dial_next(OshDial *dial)
{
    const OshAddressList *addresses = dial->target.addresses;

    osh_shard_cancel_timer(dial->shard, g_steal_pointer(&dial->timer));
    while (dial->next < addresses->length) {
        int result = dial_attempt(dial, dial->next++);

        if (result > 0)
            return dial_won(dial, dial->n_attempts - 1);
        if (result == 0)
            break;
        dial->last_error = -result;
    }
    if (dial->n_attempts == 0)
        return OSH_DIAL_LOST;
    if (dial->next < addresses->length)
        dial->timer = osh_shard_add_timer(dial->shard, osh_shard_now(dial->shard) + ATTEMPT_DELAY,
                                          dial_delayed, dial);
    return OSH_DIAL_WAITS;
}

OshDialResult
osh_dial_event(OshDial *dial, int fd, guint32 events)
{
    int error_number = 0;
    socklen_t length = sizeof error_number;

    for (guint i = 0; i < dial->n_attempts; i++) {
        if (dial->attempts[i].fd != fd)
            continue;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &length);
        if (error_number != 0 || (events & (EPOLLERR | EPOLLHUP)) != 0)
            return dial_lost(dial, i, error_number != 0 ? error_number : ECONNREFUSED);
        return events & EPOLLOUT ? dial_won(dial, i) : OSH_DIAL_WAITS;
    }
    return OSH_DIAL_WAITS;
}
