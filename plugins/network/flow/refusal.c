/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.c: records, publishes, answers and ends. [shard]. It must never show the client an
 * address or a header of its own request, only the destination that it asked for and the reason.
 */
#include "refusal.h"

#include "audit.h"
#include "connection.h"
#include "facts.h"
#include "reuse.h"

#include <sys/socket.h>

static const struct {
    guint status;
    const char *error;
} errors[] = {
    {403, "policy_denied"},
    {502, "upstream_unreachable"},
    {503, "too_many_connections"},
    {504, "upstream_timeout"},
};

const char *
osh_refusal_error(const OshRefusal *refusal)
{
    if (refusal->error != NULL)
        return refusal->error;
    if (refusal->address != NULL)
        return "ssrf_denied";
    for (gsize i = 0; i < G_N_ELEMENTS(errors); i++)
        if (errors[i].status == refusal->status)
            return errors[i].error;
    return "refused";
}

char *
osh_refusal_detail(const OshRefusal *refusal, const OshConnection *connection)
{
    const char *verb = connection->transport->verb;
    const char *what = refusal->outcome != 0 ? "not permitted by policy" : "failed";

    if (refusal->detail != NULL)
        return g_strdup(refusal->detail);
    if (connection->host == NULL)
        return g_strdup_printf("request %s", what);
    return g_strdup_printf(connection->host_kind == OSH_HOST_IPV6 ? "%s[%s]:%u %s" : "%s%s:%u %s",
                           verb, connection->host, connection->port, what);
}

gboolean
osh_refusal_has_words(const OshConnection *connection)
{
    /* In an exchange of plain HTTP interim responses may have gone out. */
    return connection->awaits_answer &&
           (connection->step == OSH_STEP_FORWARD || connection->down.moved == 0);
}

/* Returns: whether the client was told. */
static gboolean
refusal_tell(OshConnection *connection, const OshRefusal *refusal, guint64 id)
{
    const OshTransport *transport = connection->transport;
    g_autoptr(GString) words = NULL;

    if (!osh_connection_step(connection)->is_open)
        return transport->answer != NULL && transport->answer(connection, refusal, id);
    if (!osh_refusal_has_words(connection))
        return FALSE;
    words = transport->words(connection, refusal, id);
    /* An end in good order could be taken for the end of the request. */
    osh_upstream_drop(connection, TRUE);
    return send(connection->client_fd, words->str, words->len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

OshFlow
osh_refuse(OshConnection *connection, const OshRefusal *refusal)
{
    const char *end = refusal->end != NULL ? refusal->end : osh_refusal_error(refusal);
    guint64 id;

    if (refusal->outcome != 0) {
        osh_connection_record(connection, refusal->outcome, refusal->verdict);
        id = osh_audit_denied(connection, refusal);
    } else {
        id = osh_audit_failed(connection, refusal);
    }
    if (!refusal->is_silent && refusal_tell(connection, refusal, id))
        return OSH_FLOW_REFUSED;
    if (!refusal->is_silent && connection->transport->is_unaware &&
        !osh_connection_step(connection)->is_open) {
        connection->new_head = connection->transport->words(connection, refusal, id);
        connection->end = end;
        return OSH_FLOW_ANSWER;
    }
    /* An end in good order could be taken for the end of what was sent. */
    return osh_connection_reset(connection, end);
}

OshFlow
osh_refuse_identity(OshConnection *connection, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "identity",
                                      .outcome = OSH_DECISION_DENIED_IDENTITY,
                                      .status = 403,
                                      .reason = reason,
                                      .end = "identity changed",
                                  });
}

OshFlow
osh_refuse_no_authority(OshConnection *connection, const OshVerdict *verdict)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "tls",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 503,
                                      .error = "tls_termination_unavailable",
                                      .reason = "the endpoint has its content inspected, and this "
                                                "run has no certificate authority",
                                      .verdict = verdict,
                                  });
}

OshFlow
osh_refuse_limit(OshConnection *connection, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "limit",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 503,
                                      .detail = reason,
                                      .reason = reason,
                                  });
}

OshFlow
osh_refuse_failed(OshConnection *connection, const char *stage, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = stage,
                                      .status = g_str_equal(stage, "timeout") ? 504 : 502,
                                      .reason = reason,
                                  });
}
