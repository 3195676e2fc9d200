/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c: what the policy says of a message, and what the bus hears of it. [shard]
 *
 * A message is allowed only with the capacity for its event reserved. Facts of the connection are
 * ours; facts of the message are the session's, and never name the network or a process.
 */
#include "audit.h"
#include "driver-private.h"
#include "facts.h"
#include "judge.h"

#include <string.h>

#define MAX_FACTS 64

/* What the events of every protocol show alike. */
typedef struct {
    OshSpan action;
    OshSpan target;
} Shown;

static gboolean
is_stated_by_host(const char *name)
{
    return g_str_has_prefix(name, "network.") || g_str_has_prefix(name, "process.") ||
           g_str_equal(name, OSH_FACT_REQUEST_PROTOCOL);
}

/* Returns: how many; 0 when a fact may not be stated, or there are too many. */
static gsize
gather_facts(const OshDriver *driver, const OshFacts *stated, OshFact facts[MAX_FACTS])
{
    gsize n = osh_connection_facts(driver->connection, facts);

    facts[n++] =
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PROTOCOL, osh_span(driver->protocol_name));
    if (stated->n_facts > MAX_FACTS - n)
        return 0;
    for (gsize i = 0; i < stated->n_facts; i++) {
        if (stated->facts[i].name == NULL || is_stated_by_host(stated->facts[i].name))
            return 0;
        facts[n++] = stated->facts[i];
    }
    return n;
}

static OshSpan
string_fact(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (facts->facts[i].type == OSH_FACT_STRING && g_strcmp0(facts->facts[i].name, name) == 0)
            return facts->facts[i].value.string;
    return (OshSpan){NULL, 0};
}

static Shown
shown_of(const OshFacts *facts)
{
    return (Shown){string_fact(facts, OSH_FACT_REQUEST_METHOD),
                   string_fact(facts, OSH_FACT_REQUEST_PATH)};
}

static char *
copy_span(OshSpan span)
{
    return g_strndup(span.data != NULL ? span.data : "", span.length);
}

static guint64
publish_denied(OshDriver *driver, guint64 number, const char *layer, const OshFacts *facts,
               const OshVerdict *verdict, const char *reason, gboolean ends)
{
    const OshConnection *connection = driver->connection;
    Shown shown = shown_of(facts);
    g_autofree char *action = copy_span(shown.action);
    g_autofree char *target = copy_span(shown.target);
    g_autofree char *collapse = g_strdup_printf("l7|%s|%u|%s|%s|%s", connection->host,
                                                connection->port, action, target, reason);
    const OshEventL7Denied denied = {
        .connection = connection->id,
        .message = number,
        .layer = layer,
        .protocol = driver->protocol_name,
        .action = action,
        .target = target,
        .host = connection->host,
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .policy = verdict != NULL ? verdict->policy : NULL,
        .reason = reason,
        .generation = verdict != NULL ? verdict->generation : connection->generation,
        .pid = osh_audit_pid(connection),
        .hint = verdict != NULL ? verdict->hint : NULL,
        .ends_connection = ends,
    };

    return osh_audit_publish(connection, connection->shard->network->l7_denied, 0, collapse,
                             osh_event_l7_denied_pack(&denied));
}

static void
publish_allowed(OshDriver *driver, const OshMessage *message, const OshFacts *facts,
                guint64 reservation)
{
    const OshConnection *connection = driver->connection;
    const OshVerdict *verdict = &message->verdict;
    Shown shown = shown_of(facts);
    g_autofree char *action = copy_span(shown.action);
    g_autofree char *target = copy_span(shown.target);
    const OshEventL7Allowed allowed = {
        .connection = connection->id,
        .message = message->number,
        .protocol = driver->protocol_name,
        .action = action,
        .target = target,
        .host = connection->host,
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .policy = verdict->policy,
        .rule = verdict->rule,
        .generation = verdict->generation,
        .pid = osh_audit_pid(connection),
        .audited = verdict->action != OSH_ACTION_ALLOW,
        .reason = verdict->action != OSH_ACTION_ALLOW ? verdict->reason : NULL,
    };

    osh_audit_publish(connection, connection->shard->network->l7_allowed, reservation, NULL,
                      osh_event_l7_allowed_pack(&allowed));
}

/* Keys of the schema that say how a session reads a message. */
static const char *const session_options[] = {"allow_encoded_slash"};

/* Of the endpoint that was chosen; the same object as long as that is the same. Returns:
 * (transfer none) (nullable) */
static GVariant *
options_of(OshDriver *driver, const OshVerdict *verdict)
{
    const OshNetworkShard *shard = driver->connection->shard;
    GVariantBuilder builder;

    if (driver->options != NULL && driver->options_of == verdict->endpoint &&
        driver->options_in == verdict->generation)
        return driver->options;
    driver->options_of = verdict->endpoint;
    driver->options_in = verdict->generation;
    g_clear_pointer(&driver->options, g_variant_unref);
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    for (gsize i = 0; i < G_N_ELEMENTS(session_options); i++) {
        g_autoptr(GVariant) value = osh_policy_interface_endpoint_option(
            &shard->network->policy, shard->snapshot, verdict->endpoint, session_options[i]);

        if (value != NULL)
            g_variant_builder_add(&builder, "{sv}", session_options[i], value);
    }
    driver->options = g_variant_ref_sink(g_variant_builder_end(&builder));
    return driver->options;
}

static void
ask_refuse(OshDriver *driver, OshMessage *message, const char *layer, const OshFacts *facts,
           const char *reason, OshDecisionOutcome outcome)
{
    message->outcome = OSH_MESSAGE_REFUSED;
    message->reason = reason;
    osh_facts_record(driver->connection, facts, outcome, &message->verdict);
    message->event =
        publish_denied(driver, message->number, layer, facts, &message->verdict,
                       reason != NULL ? reason
                                      : (message->verdict.reason != NULL ? message->verdict.reason
                                                                         : "no rule allows it"),
                       FALSE);
}

void
osh_driver_ask(OshDriver *driver, OshMessage *message, const OshFacts *stated)
{
    OshConnection *connection = driver->connection;
    const OshNetwork *network = connection->shard->network;
    OshFact facts[MAX_FACTS];
    OshFacts set = {facts, gather_facts(driver, stated, facts)};
    guint64 reservation;
    gboolean allowed;

    g_array_append_val(driver->due, message->number);
    osh_verdict_clear(&message->verdict);
    message->verdict = (OshVerdict)OSH_VERDICT_INIT;
    if (set.n_facts == 0) {
        ask_refuse(driver, message, "protocol", stated, "the message states what it may not",
                   OSH_DECISION_DENIED_HARD);
        return;
    }
    allowed = osh_judge_facts(connection, &set, &message->verdict);
    g_clear_pointer(&message->options, g_variant_unref);
    message->options = g_variant_ref(options_of(driver, &message->verdict));
    if (!allowed) {
        ask_refuse(driver, message, "policy", &set, NULL, OSH_DECISION_DENIED_POLICY);
        return;
    }
    reservation =
        osh_host_reserve(network->host, network->l7_allowed, osh_audit_process_key(connection));
    if (reservation == 0) {
        ask_refuse(driver, message, "audit", &set, "audit-full", OSH_DECISION_DENIED_HARD);
        return;
    }
    message->outcome = OSH_MESSAGE_ALLOWED;
    osh_facts_record(connection, &set,
                     message->verdict.action == OSH_ACTION_ALLOW ? OSH_DECISION_ALLOWED
                                                                 : OSH_DECISION_AUDITED,
                     &message->verdict);
    publish_allowed(driver, message, &set, reservation);
}

void
osh_driver_refuse(OshDriver *driver, OshMessage *message, const OshL7Action *action)
{
    const OshFacts *facts = &action->u.deny.facts;
    gboolean ends = (action->flags & OSH_L7_CONNECTION) != 0;
    guint64 event;

    if (message != NULL)
        message->state = OSH_MESSAGE_REFUSED;
    if ((action->flags & OSH_L7_FAILURE) != 0)
        event = osh_audit_failed(driver->connection,
                                 &(OshRefusal){.layer = "relay", .reason = action->u.deny.reason});
    else
        event = publish_denied(driver, action->message, "protocol", facts, NULL,
                               action->u.deny.reason, ends);
    if (action->u.deny.ret_event != NULL)
        *action->u.deny.ret_event = event;
}

void
osh_driver_done(OshDriver *driver, const OshMessage *message, const OshL7Action *action)
{
    const OshConnection *connection = driver->connection;
    const OshNetwork *network = connection->shard->network;
    const OshEventL7Response response = {
        .connection = connection->id,
        .message = message->number,
        .status = action->u.done.status,
        .bytes = action->u.done.bytes,
    };

    if (message->state == OSH_MESSAGE_ALLOWED &&
        osh_host_topic_wanted(network->host, network->l7_response))
        osh_audit_publish(connection, network->l7_response, 0, NULL,
                          osh_event_l7_response_pack(&response));
}

void
osh_driver_deny(OshDriver *driver, const char *reason)
{
    static const OshFacts none = {NULL, 0};

    publish_denied(driver, 0, "protocol", &none, NULL, reason, TRUE);
    /* There are no words: an end in good order could be taken for the end of what was sent. */
    driver->connection->client_aborted = TRUE;
    osh_driver_end(driver, "denied");
}

void
osh_driver_answer(OshDriver *driver)
{
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);

    while (driver->due->len > 0) {
        guint64 number = g_array_index(driver->due, guint64, 0);
        OshMessage *message = osh_messages_find(&driver->messages, number);
        OshL7Answer answer = {
            .struct_size = sizeof answer,
            .action = OSH_ACTION_ALLOW,
            .policy = message->verdict.policy,
            .options = message->options,
            .binary = osh_audit_binary(driver->connection),
        };
        OshVerdict verdict = message->verdict;

        g_array_remove_index(driver->due, 0);
        message->question = FALSE;
        message->state = message->outcome;
        message->verdict = (OshVerdict)OSH_VERDICT_INIT;
        for (guint i = 0; i < 2; i++)
            if (driver->sides[i].paused_by == number)
                driver->sides[i].paused_by = 0;
        if (message->state == OSH_MESSAGE_REFUSED) {
            answer.action = OSH_ACTION_DENY;
            answer.reason = message->reason != NULL  ? message->reason
                            : verdict.reason != NULL ? verdict.reason
                                                     : "no rule allows it";
            answer.event = message->event;
            answer.status = 403;
        }
        osh_l7_resume(driver->protocol, driver->session, now, number, &answer);
        osh_verdict_clear(&verdict);
    }
}
