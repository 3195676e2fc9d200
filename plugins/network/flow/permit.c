/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permit.c: what may be dialled. [shard]
 *
 * What is dialled is exactly what was checked: addresses are resolved once, validated and pinned.
 * The policy is asked before a name is looked up, and once more with its addresses, since it may
 * have changed meanwhile.
 */
#include "permit.h"

#include "audit.h"
#include "connection.h"
#include "facts.h"
#include "judge.h"
#include "refusal.h"
#include "reuse.h"

/* A virtual host has no address, and is told of requests alone: of an endpoint without a protocol
 * nothing would be judged but the connection. */
static OshFlow
permit_virtual(OshConnection *connection, const OshVerdict *verdict)
{
    const OshNetworkProtocol *protocol =
        osh_network_protocol(connection->shard->network, verdict->protocol);

    if (protocol == NULL || !protocol->is_http)
        return osh_refuse(connection, &(OshRefusal){
                                          .layer = "virtual-host",
                                          .outcome = OSH_DECISION_DENIED_HARD,
                                          .status = 403,
                                          .reason = "a virtual host answers requests that were "
                                                    "judged one by one; its endpoint in the policy "
                                                    "needs protocol: rest",
                                          .verdict = verdict,
                                      });
    if (connection->addresses == NULL)
        connection->addresses = g_new0(OshAddressList, 1);
    return OSH_FLOW_NEXT;
}

OshFlow
osh_decide_run(OshConnection *connection)
{
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshFlow flow = OSH_FLOW_NEXT;

    connection->virtual_host =
        osh_network_virtual_host(connection->shard->network, connection->host);
    /* What is no name is decided with its address. */
    if (connection->virtual_host == NULL && connection->host_kind != OSH_HOST_NAME)
        return OSH_FLOW_NEXT;
    if (!osh_judge(connection, &verdict))
        flow = osh_judge_refuse(connection, &verdict);
    else if (connection->virtual_host != NULL)
        flow = permit_virtual(connection, &verdict);
    osh_verdict_clear(&verdict);
    return flow;
}

/* Returns: %OSH_FLOW_NEXT when @verdict lets @connection reach its addresses. */
static OshFlow
permit_destination(OshConnection *connection, const OshVerdict *verdict)
{
    OshDestinationRequest request;
    const struct in6_addr *refused = NULL;
    g_autofree char *reason = NULL;
    gsize n_addresses;
    const struct in6_addr *addresses = osh_connection_addresses(connection, &n_addresses);

    /* Of a virtual host the port alone is looked at. */
    if (connection->virtual_host != NULL)
        n_addresses = 0;
    osh_judge_destination(connection, verdict, &request);
    if (osh_destination_check(&request, addresses, n_addresses, &refused, &reason))
        return OSH_FLOW_NEXT;
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "destination",
                                      .outcome = OSH_DECISION_DENIED_DESTINATION,
                                      .status = 403,
                                      .reason = reason,
                                      .verdict = verdict,
                                      .address = refused,
                                  });
}

/* A tunnel is for TLS where its messages are HTTP's: without an authority it could be neither
 * inspected nor left alone. Other transports carry plain HTTP too, and are refused when their
 * client begins TLS. Returns: %OSH_FLOW_NEXT when there is one, or no need. */
static OshFlow
permit_termination(OshConnection *connection, const OshVerdict *verdict)
{
    const OshNetwork *network = connection->shard->network;
    const OshNetworkProtocol *protocol = osh_network_protocol(network, verdict->protocol);

    if (protocol == NULL || !protocol->is_http || verdict->tls == OSH_TLS_SKIP ||
        network->interceptor != NULL || !g_str_equal(connection->transport->name, "connect"))
        return OSH_FLOW_NEXT;
    return osh_refuse_no_authority(connection, verdict);
}

static OshFlow
permit(OshConnection *connection, OshVerdict *verdict)
{
    OshFlow flow;

    if (!osh_judge(connection, verdict))
        return osh_judge_refuse(connection, verdict);
    flow = permit_destination(connection, verdict);
    if (flow != OSH_FLOW_NEXT)
        return flow;
    flow = permit_termination(connection, verdict);
    if (flow != OSH_FLOW_NEXT)
        return flow;
    if (!osh_audit_reserve(connection, OSH_CAPACITY_CONNECTION, &connection->reservation))
        return OSH_FLOW_WAIT;
    connection->awaits_capacity = FALSE;
    connection->tls = (guint8)verdict->tls;
    connection->protocol = verdict->protocol != NULL ? g_intern_string(verdict->protocol) : "";
    connection->handling = verdict->handling;
    connection->is_unjudged = verdict->unjudged;
    connection->may_be_opaque = verdict->unjudged && verdict->uninspectable != NULL;
    /* What a plugin forwards may carry credentials that the policy does not know of. */
    connection->owners_first = verdict->credentials || connection->virtual_host != NULL;
    osh_upstream_suits_verdict(connection);
    osh_connection_record(
        connection,
        verdict->action == OSH_ACTION_ALLOW ? OSH_DECISION_ALLOWED : OSH_DECISION_AUDITED, verdict);
    osh_audit_allowed(connection, verdict);
    return OSH_FLOW_NEXT;
}

OshFlow
osh_permit_run(OshConnection *connection)
{
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshFlow flow = permit(connection, &verdict);

    osh_verdict_clear(&verdict);
    return flow;
}

OshFlow
osh_permit_expire(OshConnection *connection)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "audit",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 403,
                                      .reason = "audit-full",
                                  });
}

OshFlow
osh_open_run(OshConnection *connection)
{
    g_clear_pointer(&connection->addresses, g_free);
    /* A request that is repeated on another connection is one exchange. */
    if (!connection->announced)
        osh_audit_opened(connection);
    if (connection->transport->opened != NULL && !connection->transport->opened(connection))
        return osh_connection_gone(connection, "client gone");
    return OSH_FLOW_NEXT;
}
