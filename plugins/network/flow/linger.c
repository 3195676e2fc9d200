/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linger.c: reads and drops what a refused client still sends. [shard]
 */
#include "linger.h"

#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* What is read of a refused client before other connections get their turn. */
#define LINGER_READS 32

static OshFlow
linger_drop(OshConnection *connection)
{
    for (guint reads = 0; reads < LINGER_READS; reads++) {
        ssize_t n =
            recv(connection->client_fd, connection->shard->scratch, OSH_NETWORK_SCRATCH_SIZE, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return osh_connection_gone(connection,
                                       connection->end != NULL ? connection->end : "refused");
        if (n < 0 && errno == EAGAIN)
            return OSH_FLOW_WAIT;
    }
    /* A client that sends without end does not hold up the others. */
    osh_connection_again(connection);
    return OSH_FLOW_WAIT;
}

OshFlow
osh_linger_run(OshConnection *connection)
{
    osh_connection_release(connection);
    shutdown(connection->client_fd, SHUT_WR);
    return linger_drop(connection);
}

OshFlow
osh_linger_client(OshConnection *connection, guint32 events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        return linger_drop(connection);
    return OSH_FLOW_WAIT;
}
