/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c: builds and publishes the events of messages. [shard]. It must never put into an event
 * what the manifest declares sensitive, nor a header field, a query or content.
 */
#include "record.h"

#include "audit.h"
#include "facts.h"
#include "middleware-chain.h"
#include "shown-calls.h"

#include <openshell/ext/draft/http-upgrade.h>

/* What the events of every protocol show alike. */
typedef struct {
    char *action;
    char *target;
    char *calls; /* (nullable) */
} Shown;

static char *
copy_span(OshSpan span)
{
    return g_strndup(span.data != NULL ? span.data : "", span.length);
}

/* Returns: (transfer full): a fact of text, a list with spaces between its elements. */
static char *
text_of(const OshDriver *driver, const OshFacts *facts, const char *name)
{
    const OshL7DeclaredFact *declared = osh_l7_declaration_fact(driver->declared, name);

    for (gsize i = 0; i < facts->n_facts && (declared == NULL || !declared->sensitive); i++) {
        const OshFact *fact = &facts->facts[i];

        if (g_strcmp0(fact->name, name) != 0)
            continue;
        if (fact->type == OSH_FACT_STRING)
            return copy_span(fact->value.string);
        if (fact->type == OSH_FACT_STRINGS) {
            GString *text = g_string_new(NULL);

            for (guint32 k = 0; k < fact->count; k++) {
                g_string_append(text, k > 0 ? " " : "");
                g_string_append_len(text, fact->value.strings[k].data,
                                    (gssize)fact->value.strings[k].length);
            }
            return g_string_free(text, FALSE);
        }
    }
    return g_strdup("");
}

static Shown
shown_of(const OshDriver *driver, const OshFacts *facts)
{
    return (Shown){text_of(driver, facts, osh_l7_declaration_action(driver->declared)),
                   text_of(driver, facts, osh_l7_declaration_target(driver->declared)),
                   osh_shown_calls(facts)};
}

static void
shown_clear(Shown *shown)
{
    g_free(shown->action);
    g_free(shown->target);
    g_free(shown->calls);
}

static guint64
publish_denied(OshDriver *driver, guint64 number, const char *layer, OshControl control,
               const OshFacts *facts, const OshVerdict *verdict, const char *reason, gboolean ends)
{
    const OshConnection *connection = driver->connection;
    Shown shown = shown_of(driver, facts);
    g_autofree char *collapse =
        g_strdup_printf("l7|%s|%u|%s|%s|%s", connection->host, connection->port, shown.action,
                        shown.target, reason);
    const OshEventL7Denied denied = {
        .connection = connection->id,
        .message = number != 0 ? driver->first_number + number : 0,
        .layer = layer,
        .protocol = driver->protocol_name,
        .action = shown.action,
        .target = shown.target,
        .host = connection->host,
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .policy = verdict != NULL ? verdict->policy : NULL,
        .reason = reason,
        .generation = verdict != NULL ? verdict->generation : connection->generation,
        .pid = osh_audit_pid(connection),
        .hint = verdict != NULL ? verdict->hint : NULL,
        .ends_connection = ends,
        .control = osh_control_name(control, layer),
        .tls = driver->sides[OSH_CLIENT_TO_SERVER].leg.tls != NULL,
        .calls = shown.calls,
    };
    guint64 event = osh_audit_publish(connection, connection->shard->network->l7_denied, 0,
                                      collapse, osh_event_l7_denied_pack(&denied));

    shown_clear(&shown);
    return event;
}

/* Header fields are for the judge of an upgrade alone. */
static gboolean
is_never_recorded(const OshFact *fact)
{
    return g_strcmp0(fact->name, OSH_FACT_REQUEST_HEADERS) == 0 ||
           g_strcmp0(fact->name, OSH_FACT_RESPONSE_HEADERS) == 0;
}

static void
record(OshMessage *message, const OshFacts *facts, OshDecisionOutcome outcome)
{
    const OshConnection *connection = message->driver->connection;
    OshFact kept[OSH_MESSAGE_FACTS];
    gsize n = 0;

    if (!osh_policy_interface_is_recording(&connection->shard->network->policy))
        return;
    for (gsize i = 0; i < facts->n_facts && n < G_N_ELEMENTS(kept); i++)
        if (!is_never_recorded(&facts->facts[i]))
            kept[n++] = facts->facts[i];
    osh_facts_record(connection, &(OshFacts){kept, n}, outcome, &message->verdict);
}

void
osh_record_allowed(OshMessage *message, const OshFacts *facts)
{
    OshDriver *driver = message->driver;
    const OshConnection *connection = driver->connection;
    const OshVerdict *verdict = &message->verdict;
    gboolean audited = verdict->action == OSH_ACTION_DENY;
    Shown shown = shown_of(driver, facts);
    const OshEventL7Allowed allowed = {
        .connection = connection->id,
        .message = driver->first_number + message->number,
        .protocol = driver->protocol_name,
        .action = shown.action,
        .target = shown.target,
        .host = connection->host,
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .policy = verdict->policy,
        .rule = verdict->rule,
        .generation = verdict->generation,
        .pid = osh_audit_pid(connection),
        .audited = audited,
        .reason = audited ? verdict->reason : NULL,
        .middleware = osh_middleware_notes(message, OSH_CLIENT_TO_SERVER),
        .tls = driver->sides[OSH_CLIENT_TO_SERVER].leg.tls != NULL,
        .calls = shown.calls,
    };
    guint64 reservation = message->reservation;

    message->reservation = 0;
    message->is_recorded = TRUE;
    record(message, facts, audited ? OSH_DECISION_AUDITED : OSH_DECISION_ALLOWED);
    osh_audit_publish(connection, connection->shard->network->l7_allowed, reservation, NULL,
                      osh_event_l7_allowed_pack(&allowed));
    shown_clear(&shown);
}

void
osh_record_refused(OshMessage *message, const OshFacts *facts, OshDecisionOutcome outcome)
{
    record(message, facts, outcome);
    message->event =
        publish_denied(message->driver, message->number, message->layer, message->control, facts,
                       &message->verdict, osh_message_reason(message), FALSE);
}

guint64
osh_record_denied(OshDriver *driver, guint64 number, OshControl control, const OshFacts *facts,
                  const char *reason, gboolean ends)
{
    return publish_denied(driver, number, "protocol", control, facts, NULL, reason, ends);
}

void
osh_record_response(const OshMessage *message, const OshL7Action *done)
{
    const OshDriver *driver = message->driver;
    const OshConnection *connection = driver->connection;
    const OshNetwork *network = connection->shard->network;
    const OshEventL7Response response = {
        .connection = connection->id,
        .message = driver->first_number + done->message,
        .status = done->u.done.status,
        .bytes = done->u.done.bytes,
        .middleware = osh_middleware_notes(message, OSH_SERVER_TO_CLIENT),
    };

    if (osh_host_topic_wanted(network->host, network->l7_response))
        osh_audit_publish(connection, network->l7_response, 0, NULL,
                          osh_event_l7_response_pack(&response));
}
