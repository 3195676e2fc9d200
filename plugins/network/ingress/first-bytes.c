/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first-bytes.c: compares the name in a ClientHello with the name that the connection was allowed
 * for. [shard]
 *
 * The bytes stay in the socket; they are looked at by MSG_PEEK, behind what came with the request
 * head. An address that a client wrote itself was judged as that address, so no name in a
 * ClientHello contradicts it. A connection whose server speaks first is none of TLS. Nothing passes
 * before the name is known, however long the client takes to say it.
 */
#include "first-bytes.h"

#include "connection.h"
#include "http-answer.h"
#include "judge.h"
#include "notice.h"
#include "refusal.h"
#include "second-hello.h"

#include <string.h>
#include <sys/epoll.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

OshFlow
osh_first_bytes_refuse(OshConnection *connection, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "name",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 403,
                                      .error = "request_authority_mismatch",
                                      .reason = reason,
                                  });
}

/* Returns: whether the bytes of @connection go on as they are, in TLS that is not ours. */
static gboolean
first_bytes_leave_tls(const OshConnection *connection)
{
    return (connection->tls == OSH_TLS_SKIP && connection->virtual_host == NULL) ||
           osh_network_protocol(connection->shard->network, connection->protocol) == NULL;
}

/*
 * RFC 9849: the name that is there in the clear may be a public one in front of another. Browsers
 * send an imitation of the extension too, and nobody can tell one from the other, so the connection
 * is reported and goes on, unless credentials are at stake (security rule 7, names of
 * destinations). Where TLS is ours, nothing is hidden from us.
 */
static OshFlow
first_bytes_judge_encrypted(OshConnection *connection)
{
    if (!first_bytes_leave_tls(connection))
        return OSH_FLOW_NEXT;
    if (connection->owners_first)
        return osh_first_bytes_refuse(connection,
                                      "the client hides the name that it asks for (encrypted "
                                      "ClientHello), and the endpoint carries credentials");
    osh_notice(connection,
               &(OshNotice){
                   .kind = "encrypted-client-hello",
                   .text = "the program hides the name that it asks for in TLS (encrypted "
                           "ClientHello, or an imitation of it): only the one in the clear was "
                           "compared with the name that was allowed",
                   .alert = -1,
               });
    return OSH_FLOW_NEXT;
}

OshFlow
osh_first_bytes_judge(OshConnection *connection, const OshClientHello *hello)
{
    g_autofree char *reason = NULL;
    OshFlow flow = hello->encrypted ? first_bytes_judge_encrypted(connection) : OSH_FLOW_NEXT;

    if (flow != OSH_FLOW_NEXT)
        return flow;
    if (connection->host_kind != OSH_HOST_NAME || hello->name[0] == '\0' ||
        strcmp(hello->name, connection->host) == 0)
        return OSH_FLOW_NEXT;
    reason = g_strdup_printf("the connection was allowed to %s, and the client asks for %s "
                             "in it (TLS server name)",
                             connection->host, hello->name);
    return osh_first_bytes_refuse(connection, reason);
}

OshFlow
osh_first_bytes_run(OshConnection *connection)
{
    g_autofree OshClientHello *hello = NULL;
    OshFlow flow;
    gsize length;

    G_STATIC_ASSERT(OSH_NETWORK_SCRATCH_SIZE >= OSH_CLIENT_HELLO_PEEK + 2 * OSH_NETWORK_HEAD_SIZE);

    if (connection->down.readable ||
        (connection->host_kind != OSH_HOST_NAME && !connection->owners_first &&
         osh_network_protocol(connection->shard->network, connection->protocol) == NULL))
        return OSH_FLOW_NEXT;
    if (!osh_connection_peek(connection, OSH_CLIENT_HELLO_PEEK, &length))
        return osh_connection_reset(connection, "reset");
    connection->has_begun = length > 0;
    hello = g_new(OshClientHello, 1);
    switch (osh_client_hello_parse(connection->shard->scratch, length, hello)) {
    case OSH_CLIENT_HELLO_NEED_MORE:
        if (length >= OSH_CLIENT_HELLO_PEEK)
            return osh_first_bytes_refuse(connection, "the client's first TLS message is too long");
        if (!connection->up.hung_up)
            return OSH_FLOW_WAIT;
        /* Behind an urgent mark (RFC 9293 section 3.8.5) there may be more than can be looked at.
         */
        return length == 0 ? OSH_FLOW_NEXT
                           : osh_first_bytes_refuse(connection,
                                                    "the client's first TLS message is cut short");
    case OSH_CLIENT_HELLO_OTHER:
        connection->awaits_answer =
            osh_http_probe(connection->shard->scratch, length) == OSH_HTTP_PROBE_REQUEST;
        return OSH_FLOW_NEXT;
    case OSH_CLIENT_HELLO_MALFORMED:
        return osh_first_bytes_refuse(connection, "the client's first TLS message is malformed");
    case OSH_CLIENT_HELLO_COMPLETE:
        break;
    }
    flow = osh_first_bytes_judge(connection, hello);
    if (flow == OSH_FLOW_NEXT && connection->host_kind == OSH_HOST_NAME && hello->may_be_retried &&
        first_bytes_leave_tls(connection))
        osh_second_hello_expect(connection, hello->size);
    return flow;
}

OshFlow
osh_first_bytes_expire(OshConnection *connection)
{
    if (connection->has_begun)
        return osh_first_bytes_refuse(connection,
                                      "the client's first TLS message was not complete in "
                                      "time");
    /* It may stay silent as long as a tunnel may be idle. */
    osh_connection_enlist(connection);
    return OSH_FLOW_WAIT;
}

OshFlow
osh_first_bytes_client(OshConnection *connection, guint32 events)
{
    if (events & (EPOLLIN | END_EVENTS))
        connection->up.readable = TRUE;
    if (events & END_EVENTS)
        connection->up.hung_up = TRUE;
    return events & (EPOLLIN | END_EVENTS) ? osh_first_bytes_run(connection) : OSH_FLOW_WAIT;
}

OshFlow
osh_first_bytes_upstream(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    if (events & (EPOLLIN | END_EVENTS))
        connection->down.readable = TRUE;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
    return connection->down.readable ? OSH_FLOW_NEXT : OSH_FLOW_WAIT;
}
