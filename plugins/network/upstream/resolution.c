/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name look-up through a worker. The object belongs to the shard that began it; the worker
 * touches only the members meant for it. Never caches: an address is good for the connection
 * that it was looked up for.
 */
#include "resolution.h"

#include "osh-destination.h"
#include "osh-socket-address.h"
#include "refusal.h"

#include <netdb.h>
#include <sys/socket.h>

/* More addresses than this are never tried. */
#define MAX_ADDRESSES 16

struct _OshResolution {
    char *host;
    OshResolutionFunc done;
    gpointer data;
    OshAddressList *addresses;
    int result;
};

OshAddressList *
osh_resolution_literal(const char *literal)
{
    OshAddressList *list = g_malloc0(sizeof *list + sizeof list->at[0]);

    list->length = 1;
    osh_address_mapped_parse(literal, &list->at[0]);
    return list;
}

/* RFC 8305: the families take turns, beginning with the one that the system prefers. */
static OshAddressList *
resolution_interleave(const struct addrinfo *info)
{
    OshAddressList *list = g_malloc0(sizeof *list + MAX_ADDRESSES * sizeof list->at[0]);
    const struct addrinfo *next[2] = {info, info};
    int family[2] = {info->ai_family, info->ai_family == AF_INET ? AF_INET6 : AF_INET};

    for (guint turn = 0; list->length < MAX_ADDRESSES && (next[0] != NULL || next[1] != NULL);
         turn ^= 1) {
        while (next[turn] != NULL && next[turn]->ai_family != family[turn])
            next[turn] = next[turn]->ai_next;
        if (next[turn] == NULL)
            continue;
        osh_socket_address_map(next[turn]->ai_addr, &list->at[list->length++], NULL);
        next[turn] = next[turn]->ai_next;
    }
    return list;
}

/* [worker] */
static void
resolution_work(gpointer data)
{
    OshResolution *resolution = data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;

    resolution->result = getaddrinfo(resolution->host, NULL, &hints, &info);
    if (resolution->result != 0)
        return;
    resolution->addresses = resolution_interleave(info);
    freeaddrinfo(info);
}

/* [shard] */
static void
resolution_done(gpointer data)
{
    OshResolution *resolution = data;
    OshAddressList *addresses = g_steal_pointer(&resolution->addresses);

    if (addresses != NULL && addresses->length == 0)
        g_clear_pointer(&addresses, g_free);
    if (resolution->done == NULL)
        g_free(addresses);
    else if (addresses != NULL)
        resolution->done(addresses, NULL, resolution->data);
    else
        resolution->done(NULL,
                         resolution->result != 0 ? gai_strerror(resolution->result)
                                                 : "the name has no address",
                         resolution->data);
    g_free(resolution->host);
    g_free(resolution);
}

OshResolution *
osh_resolution_begin(OshNetwork *network, const char *host, OshResolutionFunc done, gpointer data)
{
    OshResolution *resolution = g_new0(OshResolution, 1);

    resolution->host = g_strdup(host);
    resolution->done = done;
    resolution->data = data;
    if (osh_worker_submit(&network->worker, resolution_work, resolution_done, resolution))
        return resolution;
    g_free(resolution->host);
    g_free(resolution);
    return NULL;
}

void
osh_resolution_cancel(OshResolution *resolution)
{
    if (resolution != NULL)
        resolution->done = NULL;
}

static void
resolve_told(OshAddressList *addresses, const char *problem, gpointer data)
{
    OshConnection *connection = data;

    connection->resolution = NULL;
    connection->addresses = addresses;
    if (addresses != NULL)
        osh_connection_wake(connection);
    else
        osh_connection_advance(connection, osh_refuse_failed(connection, "resolve", problem));
}

OshFlow
osh_resolve_run(OshConnection *connection)
{
    if (connection->addresses == NULL && connection->upstream_fd < 0 &&
        connection->host_kind != OSH_HOST_NAME)
        connection->addresses = osh_resolution_literal(connection->host);
    if (connection->addresses != NULL || connection->upstream_fd >= 0)
        return OSH_FLOW_NEXT;
    if (connection->resolution == NULL)
        connection->resolution = osh_resolution_begin(connection->shard->network, connection->host,
                                                      resolve_told, connection);
    if (connection->resolution == NULL)
        return osh_refuse_failed(connection, "resolve", "too many names are being looked up");
    return OSH_FLOW_WAIT;
}

OshFlow
osh_resolve_expire(OshConnection *connection)
{
    return osh_refuse_failed(connection, "timeout", "the name was not resolved in time");
}

void
osh_resolve_clear(OshConnection *connection)
{
    osh_resolution_cancel(g_steal_pointer(&connection->resolution));
}
