/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responded.c: asks an inspector about each content of a response, the policy about what the
 * inspector asks, and then the middlewares about what the inspector left. [shard]. A response that
 * one of them does not let pass never goes on.
 */
#include "responded.h"

#include "driver-private.h"
#include "facts.h"
#include "inspected.h"
#include "judge.h"
#include "middleware-chain.h"
#include "osh-fact-copy.h"
#include "osh-line-reader.h"
#include "readable.h"
#include "record.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/http-upgrade.h>
#include <openshell/ext/draft/middleware.h>

#include <string.h>

/**
 * OshResponded:
 * @limit: bytes of one content
 * @has_inspector: an inspector looks into it
 * @has_middleware: middlewares do
 * @is_asked: the question that is open is about a content of the response
 * @is_preflight: only its head is known yet
 * @passes: middlewares were passed over by its head; it goes on as it comes
 * @is_too_large: that content is
 * @is_inspected: the inspector has said what becomes of it
 * @n_questions: of the inspector about it
 * @reason: (nullable): of a refusal
 * @handle: (nullable): what a content was replaced by; the same object for each
 * @answer: the content's part of the next answer
 * @kept: (nullable): the content, where middlewares see it
 * @media_type: of it
 * @head: facts that came with it
 * @is_changed: a middleware left other content in @kept
 */
struct _OshResponded {
    guint64 limit;
    gboolean has_inspector;
    gboolean has_middleware;
    gboolean is_asked;
    gboolean is_preflight;
    gboolean passes;
    gboolean is_too_large;
    gboolean is_inspected;
    gsize n_questions;
    char *reason;
    OshContent *handle;
    OshL7ContentAnswer answer;
    GBytes *kept;
    char *media_type;
    OshFactCopy head;
    gboolean is_changed;
};

static void
keep(OshResponded *responded, OshSpan content)
{
    g_clear_pointer(&responded->kept, g_bytes_unref);
    responded->kept = g_bytes_new(content.data, content.length);
}

/* Middlewares may take their time, and see what stands here. */
static void
keep_response(OshMessage *message, const OshInspectedResponse *response)
{
    OshResponded *responded = message->responded;

    keep(responded, response->content);
    g_free(responded->media_type);
    responded->media_type = g_strdup(response->media_type);
    osh_fact_copy_set(&responded->head, &response->head);
    responded->is_changed = FALSE;
    osh_middleware_begin(message);
}

void
osh_responded_add(OshMessage *message, const OshL7Action *action, OshSpan window)
{
    OshResponded *responded = message->responded;
    const OshInterface *inspector;
    gpointer inspection;
    OshInspectedResponse response = {
        .struct_size = sizeof response,
        .head = action->u.content.facts,
        .media_type = action->u.content.media_type,
        .is_event = g_str_equal(action->u.content.media_type, "text/event-stream"),
        .content = action->u.content.bytes,
    };

    if (response.content.length == 0 && action->length > 0)
        response.content = (OshSpan){window.data + action->offset, action->length};
    responded->is_asked = TRUE;
    responded->is_preflight = (action->flags & OSH_L7_LAST) == 0;
    responded->answer = (OshL7ContentAnswer){.content = action->u.content.content,
                                             .settled = response.content.length};
    responded->is_inspected = !responded->has_inspector;
    responded->n_questions = OSH_RESPONSE_QUESTIONS + 1;
    responded->is_too_large = response.content.length > responded->limit;
    if (responded->is_too_large)
        return;
    if (responded->has_inspector && osh_inspected_inspection(message, &inspector, &inspection))
        responded->n_questions = osh_inspector_response(inspector, inspection, &response);
    if (responded->has_middleware)
        keep_response(message, &response);
}

gboolean
osh_responded_is_asked(const OshMessage *message)
{
    return message->responded != NULL && message->responded->is_asked;
}

/* What the inspector would state of a message stands beside what the head of its own says. */
static gboolean
policy_allows(OshMessage *message, const OshFacts *question)
{
    OshConnection *connection = message->driver->connection;
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshFact facts[OSH_MESSAGE_FACTS];
    gsize n = osh_connection_facts(connection, facts);
    OshFacts set = {facts, 0};
    gboolean allowed;

    facts[n++] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PROTOCOL,
                                               osh_span(message->driver->protocol_name));
    if (message->facts.facts.n_facts + question->n_facts > OSH_MESSAGE_FACTS - n ||
        question->n_facts == 0)
        return FALSE;
    if (message->facts.facts.n_facts > 0)
        memcpy(facts + n, message->facts.facts.facts,
               message->facts.facts.n_facts * sizeof facts[0]);
    n += message->facts.facts.n_facts;
    memcpy(facts + n, question->facts, question->n_facts * sizeof facts[0]);
    set.n_facts = n + question->n_facts;
    allowed = osh_judge_facts(connection, &set, &verdict) &&
              osh_judge_owners_facts(connection, &set, &verdict);
    osh_verdict_clear(&verdict);
    return allowed;
}

static OshAsked
refuse(OshResponded *responded, const char *reason, const char **ret_reason)
{
    g_free(responded->reason);
    responded->reason = g_strdup(reason);
    *ret_reason = responded->reason;
    return OSH_ASKED_REFUSED;
}

static const char too_much[] = "the response is more than may be looked into";

static void
replace(OshResponded *responded, OshSpan content)
{
    responded->handle = osh_content_set(responded->handle, content);
    responded->answer.disposition = OSH_L7_REPLACED;
    responded->answer.handle = responded->handle;
    responded->answer.length = content.length;
    responded->answer.settled = 0;
}

static OshAsked
ask_inspector(OshMessage *message, const char **ret_reason)
{
    OshResponded *responded = message->responded;
    g_autofree gboolean *allowed = NULL;
    const OshInterface *inspector;
    gpointer inspection;
    OshResponseResult result;

    if (responded->n_questions > OSH_RESPONSE_QUESTIONS ||
        !osh_inspected_inspection(message, &inspector, &inspection))
        return refuse(responded, too_much, ret_reason);
    allowed = g_new0(gboolean, responded->n_questions);
    for (gsize i = 0; i < responded->n_questions; i++) {
        const OshFacts question = osh_inspector_response_question(inspector, inspection, i);

        allowed[i] = policy_allows(message, &question);
    }
    osh_inspector_response_result(inspector, inspection, allowed, responded->n_questions, &result);
    if (result.outcome != OSH_RESPONSE_PASS && result.outcome != OSH_RESPONSE_REPLACE)
        return refuse(responded,
                      result.reason != NULL ? result.reason : "the inspector refuses the response",
                      ret_reason);
    if (result.outcome == OSH_RESPONSE_REPLACE && responded->has_middleware)
        keep(responded, result.content);
    if (result.outcome == OSH_RESPONSE_REPLACE)
        replace(responded, result.content);
    responded->is_inspected = TRUE;
    return OSH_ASKED_ALLOWED;
}

/* --- Middlewares -------------------------------------------------------------------------------
 */

/* Of one header field of a response. Returns: (nullable): why a middleware cannot look into it. */
static const char *
field_obstacle(OshSpan name, OshSpan value)
{
    const OshSpan none = {"", 0};
    g_autofree char *text = g_ascii_strdown(value.data, (gssize)value.length);

    if (osh_span_equal(name, "content-encoding"))
        return osh_readable_obstacle(value, none);
    if (osh_span_equal(name, "content-type"))
        return osh_readable_obstacle(none, value);
    return osh_span_equal(name, "cache-control") && strstr(text, "no-transform") != NULL
               ? "no_transform"
               : NULL;
}

/**
 * Head: what middlewares are told of the head of a response.
 * @status: of it
 * @type: its Content-Type
 * @length: its Content-Length; 0 where it states none that can be read
 * @obstacle: (nullable): why they cannot look into its content
 */
typedef struct {
    gint64 status;
    OshSpan type;
    guint64 length;
    const char *obstacle;
} Head;

static guint64
number_of(OshSpan value)
{
    g_autofree char *text = g_strndup(value.data, value.length);
    guint64 number = 0;

    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL) ? number : 0;
}

static void
read_fields(Head *head, const OshFact *fields)
{
    for (guint32 i = 0; i < fields->count; i++) {
        const OshFactRecord *record = &fields->value.records[i];
        const OshFacts field = {record->fields, record->n_fields};
        const OshSpan name = osh_facts_string(&field, "name");
        const OshSpan value = osh_facts_string(&field, "value");

        if (head->obstacle == NULL)
            head->obstacle = field_obstacle(name, value);
        if (osh_span_equal(name, "content-type"))
            head->type = value;
        if (osh_span_equal(name, "content-length"))
            head->length = number_of(value);
    }
}

static Head
read_head(const OshFacts *facts)
{
    Head head = {0, {"", 0}, 0, NULL};

    for (gsize i = 0; i < facts->n_facts; i++) {
        const OshFact *fact = &facts->facts[i];

        if (fact->type == OSH_FACT_INTEGER && g_str_equal(fact->name, OSH_FACT_RESPONSE_STATUS))
            head.status = fact->value.integer;
        if (fact->type == OSH_FACT_RECORDS && g_str_equal(fact->name, OSH_FACT_RESPONSE_HEADERS))
            read_fields(&head, fact);
    }
    if (head.status == 206)
        head.obstacle = "partial";
    return head;
}

/* Asks until one takes its time. */
static OshAsked
ask_each(OshMessage *message, const OshFacts *facts, const char **ret_reason)
{
    OshResponded *responded = message->responded;
    OshAsked asked = OSH_ASKED_ALLOWED;
    GBytes *changed;

    do {
        OshMiddlewareContent content = {
            .side = OSH_SERVER_TO_CLIENT,
            .media_type = responded->media_type,
            .facts = *facts,
        };

        content.bytes.data = g_bytes_get_data(responded->kept, &content.bytes.length);
        changed = NULL;
        asked = osh_middleware_ask(message, &content, &changed, ret_reason);
        if (changed != NULL) {
            g_bytes_unref(responded->kept);
            responded->kept = changed;
            responded->is_changed = TRUE;
        }
    } while (asked == OSH_ASKED_ALLOWED && changed != NULL);
    return asked;
}

/* Middlewares cannot look into the response, as @code says. */
static OshAsked
pass_over(OshMessage *message, const char *code, const char **ret_reason)
{
    OshResponded *responded = message->responded;

    if (!osh_middleware_pass_over(message, OSH_SERVER_TO_CLIENT, code, responded->limit,
                                  ret_reason))
        return OSH_ASKED_REFUSED;
    responded->passes = responded->is_preflight;
    return OSH_ASKED_ALLOWED;
}

/* Of which each event is held, not the whole. */
static gboolean
is_stream(const OshResponded *responded)
{
    return g_str_equal(responded->media_type, "text/event-stream");
}

static OshAsked
ask_middlewares(OshMessage *message, const char **ret_reason)
{
    OshResponded *responded = message->responded;
    const OshFacts *own = &message->facts.facts;
    const Head head = read_head(&responded->head.facts);
    OshFact facts[OSH_MESSAGE_FACTS + 2];
    OshFacts set = {facts, MIN(own->n_facts, OSH_MESSAGE_FACTS)};
    OshSpan left;
    OshAsked asked;

    if (head.obstacle != NULL)
        return pass_over(message, head.obstacle, ret_reason);
    if (responded->is_preflight)
        return head.length > responded->limit && !is_stream(responded)
                   ? pass_over(message, "over_limit", ret_reason)
                   : OSH_ASKED_ALLOWED;
    if (set.n_facts > 0)
        memcpy(facts, own->facts, set.n_facts * sizeof facts[0]);
    facts[set.n_facts++] = (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_RESPONSE_STATUS, head.status);
    if (head.type.length > 0)
        facts[set.n_facts++] =
            (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_RESPONSE_CONTENT_TYPE, head.type);
    asked = ask_each(message, &set, ret_reason);
    if (asked != OSH_ASKED_ALLOWED || !responded->is_changed)
        return asked;
    left.data = g_bytes_get_data(responded->kept, &left.length);
    replace(responded, left);
    return OSH_ASKED_ALLOWED;
}

OshAsked
osh_responded_ask(OshMessage *message, const char **ret_reason)
{
    OshResponded *responded = message->responded;
    OshAsked asked = OSH_ASKED_ALLOWED;

    if (responded->is_too_large)
        asked = refuse(responded, too_much, ret_reason);
    else if (!responded->has_middleware && !osh_responded_is_current(message))
        asked = refuse(responded, "the policy changed: the response would have to be inspected",
                       ret_reason);
    else if (!responded->is_inspected)
        asked = ask_inspector(message, ret_reason);
    if (asked == OSH_ASKED_ALLOWED && responded->has_middleware) {
        asked = ask_middlewares(message, ret_reason);
        message->response_middlewares = osh_middleware_fingerprint(message, OSH_SERVER_TO_CLIENT);
    }
    responded->is_asked = asked == OSH_ASKED_WAITS;
    if (asked == OSH_ASKED_REFUSED)
        responded->answer = (OshL7ContentAnswer){.content = responded->answer.content,
                                                 .disposition = OSH_L7_REFUSED};
    return asked;
}

gboolean
osh_responded_is_current(const OshMessage *message)
{
    return osh_middleware_fingerprint(message, OSH_SERVER_TO_CLIENT) ==
           message->response_middlewares;
}

/* Returns: what the inspector of an allowed message says about its response. */
static guint64
response_limit(const OshMessage *message)
{
    const OshInterface *inspector;
    gpointer inspection;

    return osh_inspected_inspection(message, &inspector, &inspection)
               ? osh_inspector_response_limit(inspector, inspection)
               : 0;
}

/* Returns: (transfer full) (nullable): %NULL where nobody looks into the response. */
static OshResponded *
responded_new(OshMessage *message)
{
    guint64 limit = response_limit(message);
    gboolean has_middleware = osh_middleware_applies(message, OSH_SERVER_TO_CLIENT);
    OshResponded *responded;

    message->response_middlewares = osh_middleware_fingerprint(message, OSH_SERVER_TO_CLIENT);
    if (limit == 0 && !has_middleware)
        return NULL;
    responded = g_new0(OshResponded, 1);
    responded->has_inspector = limit > 0;
    responded->has_middleware = has_middleware;
    responded->limit = limit > 0 ? limit : OSH_MIDDLEWARE_CONTENT_MAX;
    if (has_middleware)
        responded->limit = MIN(responded->limit, OSH_MIDDLEWARE_CONTENT_MAX);
    return responded;
}

void
osh_responded_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer)
{
    OshResponded *responded = message->responded;

    if (responded == NULL && answer->action == OSH_ACTION_ALLOW &&
        message->direction == OSH_CLIENT_TO_SERVER) {
        responded = message->responded = responded_new(message);
    } else if (responded != NULL && message->is_response_content) {
        answer->contents = &responded->answer;
        answer->n_contents = 1;
        if (responded->answer.handle != NULL && answer->action == OSH_ACTION_ALLOW)
            osh_l7_ledger_grant_response(entry, responded->answer.handle, responded->answer.length);
    }
    if (responded == NULL || answer->action != OSH_ACTION_ALLOW)
        return;
    answer->response_limit = responded->passes ? 0 : responded->limit;
    answer->response_preflight = responded->has_middleware && !responded->has_inspector;
    entry->responds = !responded->passes;
}

void
osh_responded_free(OshResponded *responded)
{
    osh_content_free(responded->handle);
    if (responded->kept != NULL)
        g_bytes_unref(responded->kept);
    osh_fact_copy_clear(&responded->head);
    g_free(responded->media_type);
    g_free(responded->reason);
    g_free(responded);
}
