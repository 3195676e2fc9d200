/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A captured connection: the program connected to some address and knows of no proxy. Where it
 * wanted to go is read from the socket in the way that the listener states. The name is the one
 * that our resolver handed that address out for; any other address is judged and dialled as the
 * literal that it is (security rule 7, names of destinations). Runs on the connection's shard.
 */
#include "transparent.h"

#include "connection.h"
#include "http-answer.h"
#include "osh-destination.h"
#include "osh-socket-address.h"
#include "refusal.h"
#include "synthetic-host.h"
#include "synthetic-names.h"

#include <linux/netfilter_ipv4.h>
#include <openshell/ext/draft/sandbox-net.h>
#include <string.h>
#include <sys/socket.h>

/* Returns: FALSE when the socket does not tell. */
static gboolean
transparent_destination(const OshConnection *connection, struct sockaddr_storage *ret_address)
{
    socklen_t length = sizeof *ret_address;
    gboolean v4 = IN6_IS_ADDR_V4MAPPED(&connection->local_address);

    memset(ret_address, 0, sizeof *ret_address);
    switch ((OshOriginalDestination)connection->original_destination) {
    case OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS:
        return getsockname(connection->client_fd, (struct sockaddr *)(void *)ret_address,
                           &length) == 0;
    case OSH_ORIGINAL_DESTINATION_SOCKET_OPTION:
        return getsockopt(connection->client_fd, v4 ? SOL_IP : SOL_IPV6, SO_ORIGINAL_DST,
                          ret_address, &length) == 0;
    case OSH_ORIGINAL_DESTINATION_NONE:
        break;
    }
    return FALSE;
}

static void
transparent_set_destination(OshConnection *connection, const struct sockaddr_storage *destination)
{
    osh_socket_address_map((const struct sockaddr *)destination, &connection->local_address,
                           &connection->local_port);
    connection->host = osh_address_text(&connection->local_address);
    connection->host_kind =
        IN6_IS_ADDR_V4MAPPED(&connection->local_address) ? OSH_HOST_IPV4 : OSH_HOST_IPV6;
    connection->port = connection->local_port;
}

static OshFlow
transparent_refuse(OshConnection *connection, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "transparent",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 403,
                                      .reason = reason,
                                  });
}

OshFlow
osh_captured_run(OshConnection *connection)
{
    struct sockaddr_storage destination;

    if (!transparent_destination(connection, &destination))
        return transparent_refuse(connection,
                                  "the original destination of the connection is not known");
    transparent_set_destination(connection, &destination);
    if (!osh_synthetic_host(connection, &connection->local_address) &&
        osh_synthetic_names_contains(connection->local_address.s6_addr, 16))
        return transparent_refuse(connection,
                                  "the address belongs to the resolver and was never handed out");
    return OSH_FLOW_NEXT;
}

const OshTransport osh_transport_transparent = {
    .name = "transparent",
    .verb = "",
    .first_step = OSH_STEP_CAPTURED,
    .open_step = OSH_STEP_FIRST_BYTES,
    .words = osh_http_words,
    .is_unaware = TRUE,
};
