/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c: what becomes of the question about a message. [shard]
 *
 *   identity -> endpoint -> upgrade -> policy -> credentials -> content -> capacity -> answer
 *
 * A question goes through this from the first row each time that something it waits for has come,
 * so that the policy in force when it is answered is the one that decided, about a program that was
 * read a moment before. What was found meanwhile (an upgrade's state, a set of credentials, the
 * facts of its content) is in the message and is not asked for again.
 *
 * A message is allowed only with the capacity for its event reserved. Facts of the connection are
 * ours; facts of the message are the session's.
 */
#include "audit.h"
#include "driver-private.h"
#include "facts.h"
#include "inspected.h"
#include "judge.h"
#include "middleware-chain.h"
#include "owner-check.h"
#include "record.h"
#include "responded.h"
#include "secrets.h"
#include "upgrade.h"

#include <string.h>

/* A question that has no answer by then is refused. */
#define GIVE_UP_AFTER (10 * G_TIME_SPAN_SECOND)
/* Of the bus: when its sinks take events again is not known. */
#define CAPACITY_LOOK (100 * G_TIME_SPAN_MILLISECOND)

/* Keys of the schema that say how a session or an inspector reads a message. */
static const char *const session_options[] = {
    "allow_encoded_slash",
    "mcp.pin_tools",
    "mcp.strict_tool_names",
    "mcp.versions",
    "protocol",
    "request_body_credential_rewrite",
    "websocket_credential_rewrite",
};

/* Of the endpoint that was chosen; the same object as long as that is the same. Returns:
 * (transfer none) */
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

/* Returns: how many there are then; 0 when it is too much, as before. */
static gsize
add_facts(OshFact facts[OSH_MESSAGE_FACTS], gsize n, const OshFacts *more)
{
    if (n == 0 || more->n_facts > OSH_MESSAGE_FACTS - n)
        return 0;
    if (more->n_facts > 0)
        memcpy(facts + n, more->facts, more->n_facts * sizeof facts[0]);
    return n + more->n_facts;
}

/* Everything that is known of the message by now. Returns: 0 when it is too much. */
static gsize
gather_facts(const OshMessage *message, OshFact facts[OSH_MESSAGE_FACTS])
{
    const OshDriver *driver = message->driver;
    OshFacts found = osh_inspected_facts(message);
    gsize n = osh_connection_facts(driver->connection, facts);

    facts[n++] =
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PROTOCOL, osh_span(driver->protocol_name));
    n = add_facts(facts, n, &message->facts.facts);
    if (message->direction == OSH_SERVER_TO_CLIENT)
        n = add_facts(facts, n, &message->response.facts);
    return add_facts(facts, n, &found);
}

/* What the verdict borrows from the policy does not outlive a wait. */
static void
forget_verdict(OshMessage *message)
{
    osh_verdict_clear(&message->verdict);
    message->verdict = (OshVerdict)OSH_VERDICT_INIT;
}

/* No endpoint has rules about messages that only middlewares see: what holds for the connection
 * holds for them. @facts: all that is known; then what was judged. */
static void
judge_message(OshConnection *connection, OshFacts *facts, OshVerdict *verdict)
{
    OshFact own[OSH_MESSAGE_FACTS];
    const OshFacts of_connection = {facts->facts, osh_connection_facts(connection, own)};

    if (connection->is_unjudged) {
        osh_judge_facts(connection, &of_connection, verdict);
        if (verdict->unjudged || verdict->action == OSH_ACTION_DENY) {
            *facts = of_connection;
            return;
        }
        osh_verdict_clear(verdict);
        *verdict = (OshVerdict)OSH_VERDICT_INIT;
    }
    osh_judge_facts(connection, facts, verdict);
}

/* Decides by the policy in force. Returns: whether the message may go on so far. */
static gboolean
ask_policy(OshMessage *message, const OshFacts *all)
{
    OshDriver *driver = message->driver;
    OshVerdict *verdict = &message->verdict;
    OshFacts facts = *all;

    forget_verdict(message);
    judge_message(driver->connection, &facts, verdict);
    g_clear_pointer(&message->options, g_variant_unref);
    message->options = g_variant_ref(options_of(driver, verdict));
    if (verdict->action == OSH_ACTION_DENY && !verdict->audit)
        return FALSE;
    return osh_judge_owners_facts(driver->connection, &facts, verdict);
}

static OshAsked
ask_refuse(OshMessage *message, const OshFacts *facts, const char *layer, const char *reason,
           OshDecisionOutcome outcome)
{
    osh_message_refuse(message, layer, reason);
    osh_record_refused(message, facts, outcome);
    return OSH_ASKED_ANSWERED;
}

static OshAsked
ask_capacity(OshMessage *message, const OshFacts *facts)
{
    message->awaits_capacity = FALSE;
    /* A response, or what a server says by itself: recorded before, or not at all. */
    if (!message->is_recorded && message->direction != OSH_SERVER_TO_CLIENT) {
        message->awaits_capacity = !osh_audit_reserve(message->driver->connection,
                                                      OSH_CAPACITY_MESSAGE, &message->reservation);
        if (message->awaits_capacity)
            return OSH_ASKED_WAITS;
        osh_record_allowed(message, facts);
    }
    message->outcome = OSH_L7_JUDGEMENT_ALLOWED;
    return OSH_ASKED_ANSWERED;
}

/* What is asked of a message that the policy allows. */
static OshAsked
ask_rest(OshMessage *message, const OshFacts *facts)
{
    const char *reason = NULL;
    const char *layer = "credential";
    OshAsked asked = OSH_ASKED_ALLOWED;

    if (message->direction == OSH_CLIENT_TO_SERVER)
        asked = osh_secrets_ask(message, &reason);
    if (asked == OSH_ASKED_ALLOWED && message->direction == OSH_CLIENT_TO_SERVER) {
        layer = "content";
        asked = osh_inspected_ask(message, &reason);
    }
    switch (asked) {
    case OSH_ASKED_ALLOWED:
        return ask_capacity(message, facts);
    case OSH_ASKED_REFUSED:
        return ask_refuse(message, facts, layer, reason, OSH_DECISION_DENIED_HARD);
    case OSH_ASKED_ANSWERED:
    case OSH_ASKED_WAITS:
        break;
    }
    return asked;
}

/* Of the endpoint that was chosen, where it lets nobody pass whatever its rules say; then of the
 * rules. */
static OshAsked
ask_endpoint(OshMessage *message, const OshFacts *facts)
{
    const char *reason = NULL;
    gboolean allowed = ask_policy(message, facts);
    OshAsked asked;

    if (!osh_upgrade_is_served(message, &reason)) {
        ask_refuse(message, facts, "protocol", reason, OSH_DECISION_DENIED_HARD);
        message->error = "unsupported_l7_protocol";
        return OSH_ASKED_ANSWERED;
    }
    asked = osh_upgrade_ask(message, &reason);
    if (asked == OSH_ASKED_REFUSED)
        return ask_refuse(message, facts, "protocol", reason, OSH_DECISION_DENIED_HARD);
    if (asked == OSH_ASKED_ALLOWED && !allowed)
        return ask_refuse(message, facts, "policy", NULL, OSH_DECISION_DENIED_POLICY);
    return asked == OSH_ASKED_ALLOWED ? ask_rest(message, facts) : asked;
}

/* About a content of the response to a message that was allowed. */
static void
ask_response(OshMessage *message)
{
    const char *reason = NULL;

    if (osh_responded_ask(message, &reason) == OSH_ASKED_REFUSED)
        ask_refuse(message, &message->facts.facts, "content", reason, OSH_DECISION_DENIED_HARD);
    else
        message->outcome = OSH_L7_JUDGEMENT_ALLOWED;
}

static gboolean
ask_waits(OshMessage *message)
{
    forget_verdict(message);
    return FALSE;
}

/* Returns: whether the answer can be given. */
static gboolean
ask_go(OshMessage *message)
{
    OshDriver *driver = message->driver;
    OshFact facts[OSH_MESSAGE_FACTS];
    OshFacts set = {facts, 0};

    /* That of the question before may be of a policy that is no more. */
    forget_verdict(message);
    message->awaits_capacity = FALSE;
    if (!osh_owner_check_is_fresh(driver->connection))
        return ask_waits(message);
    if (osh_responded_is_asked(message)) {
        ask_response(message);
        return TRUE;
    }
    osh_inspected_go_on(message);
    set.n_facts = gather_facts(message, facts);
    if (set.n_facts == 0)
        ask_refuse(message, &message->facts.facts, "protocol", "the message has too many facts",
                   OSH_DECISION_DENIED_HARD);
    else if (driver->is_terminating)
        ask_refuse(message, &set, "protocol", "the connection is about to end",
                   OSH_DECISION_DENIED_HARD);
    else if (ask_endpoint(message, &set) == OSH_ASKED_WAITS)
        return ask_waits(message);
    return TRUE;
}

/* --- Answers -----------------------------------------------------------------------------------
 */

static guint32
action_of(const OshMessage *message)
{
    switch (message->outcome) {
    case OSH_L7_JUDGEMENT_ALLOWED:
        return OSH_ACTION_ALLOW;
    case OSH_L7_JUDGEMENT_INSPECT:
        return OSH_ACTION_INSPECT;
    case OSH_L7_JUDGEMENT_REFUSED:
    case OSH_L7_JUDGEMENT_NONE:
    default:
        return OSH_ACTION_DENY;
    }
}

static void
answer(OshDriver *driver, OshL7LedgerEntry *entry)
{
    OshMessage *message = entry->data;
    const guint64 number = message->number;
    OshL7Answer said = {
        .struct_size = sizeof said,
        .action = action_of(message),
        .policy = message->verdict.policy,
        .options = message->options,
        .binary = osh_audit_binary(driver->connection),
    };

    message->gives_up_at = 0;
    entry->question = FALSE;
    entry->judgement = message->outcome;
    osh_driver_forget_question(driver, number);
    if (said.action == OSH_ACTION_DENY) {
        said.reason = osh_message_reason(message);
        said.event = message->event;
        said.status = message->status;
        said.error = message->error;
        said.members = message->members;
        said.rule_missing = message->reason == NULL && message->verdict.rule_missing;
    }
    said.upgrades = said.action == OSH_ACTION_ALLOW && osh_upgrade_is_agreed(message);
    osh_secrets_fill_answer(message, entry, &said);
    osh_inspected_fill_answer(message, entry, &said);
    osh_responded_fill_answer(message, entry, &said);
    /* The message may be ended, and the verdict with it, when the session is fed next. */
    osh_l7_resume(driver->protocol, driver->session,
                  osh_shard_now(&driver->connection->shard->network->shard), number, &said);
}

void
osh_driver_answer(OshDriver *driver)
{
    guint waiting = 0;

    while (waiting < driver->due->len && !driver->is_ending) {
        guint64 number = g_array_index(driver->due, guint64, waiting);
        OshL7LedgerEntry *entry = osh_l7_ledger_find(&driver->ledger, number);
        OshMessage *message = entry->data;

        if (message->gives_up_at == 0)
            message->gives_up_at =
                osh_shard_now(&driver->connection->shard->network->shard) + GIVE_UP_AFTER;
        if (ask_go(message))
            answer(driver, entry);
        else
            waiting++;
    }
}

void
osh_driver_question_is_due(OshMessage *message)
{
    osh_connection_wake(message->driver->connection);
}

/* Of a question that has waited too long. */
static void
refuse_unanswered(OshMessage *message)
{
    if (message->awaits_capacity)
        ask_refuse(message, &message->facts.facts, "audit", "audit-full", OSH_DECISION_DENIED_HARD);
    else
        ask_refuse(message, &message->facts.facts, "limit", "no answer came in time",
                   OSH_DECISION_DENIED_HARD);
}

void
osh_driver_give_up(OshDriver *driver, gint64 now)
{
    for (guint i = 0; i < driver->due->len && !driver->is_ending; i++) {
        OshL7LedgerEntry *entry =
            osh_l7_ledger_find(&driver->ledger, g_array_index(driver->due, guint64, i));
        OshMessage *message = entry->data;

        osh_middleware_expire(message, now);
        if (message->gives_up_at == 0 || message->gives_up_at > now)
            continue;
        refuse_unanswered(message);
        answer(driver, entry);
        i--;
    }
}

gint64
osh_driver_next_question(const OshDriver *driver, gint64 now)
{
    gint64 earliest = 0;

    for (guint i = 0; i < driver->due->len; i++) {
        const OshL7LedgerEntry *entry =
            osh_l7_ledger_find(&driver->ledger, g_array_index(driver->due, guint64, i));
        gint64 at = ((const OshMessage *)entry->data)->gives_up_at;
        gint64 expires = osh_middleware_deadline(entry->data);

        if (expires != 0 && (at == 0 || expires < at))
            at = expires;
        if (at != 0 && (earliest == 0 || at < earliest))
            earliest = at;
    }
    /* What the bus says of its capacity may be lost when a sink goes away. */
    if (driver->connection->awaits_capacity)
        earliest = earliest == 0 ? now + CAPACITY_LOOK : MIN(earliest, now + CAPACITY_LOOK);
    return earliest;
}

/* Returns: whether @message, which was allowed, still is. */
static gboolean
is_allowed_again(OshMessage *message)
{
    OshFact facts[OSH_MESSAGE_FACTS];
    OshFacts set = {facts, gather_facts(message, facts)};
    g_autofree char *reason = NULL;
    gboolean allowed;
    gboolean inspected;

    allowed = ask_policy(message, &set);
    inspected =
        allowed &&
        (message->verdict.action == OSH_ACTION_INSPECT ||
         (message->direction == OSH_CLIENT_TO_SERVER && !osh_middleware_is_current(message)));
    if (allowed && !inspected)
        return TRUE;
    message->is_withdrawn = TRUE;
    reason = g_strdup_printf("the policy changed: %s",
                             inspected ? "its content would have to be inspected"
                                       : osh_message_reason(message));
    osh_message_refuse(message, "policy", reason);
    message->control = OSH_CONTROL_RELOAD;
    osh_record_refused(message, &set, OSH_DECISION_DENIED_POLICY);
    return FALSE;
}

gboolean
osh_driver_ask_again(OshDriver *driver)
{
    gboolean allowed = TRUE;

    for (guint i = 0; i < driver->ledger.entries->len; i++) {
        OshL7LedgerEntry *entry = &g_array_index(driver->ledger.entries, OshL7LedgerEntry, i);
        OshMessage *message = entry->data;

        /* One that waits is decided when it is answered. */
        if (message == NULL || entry->question)
            continue;
        forget_verdict(message);
        if (entry->judgement == OSH_L7_JUDGEMENT_ALLOWED && !is_allowed_again(message))
            allowed = FALSE;
    }
    return allowed;
}
