/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responded.c: asks an inspector about each content of a response, and the policy about what the
 * inspector asks. [shard]. A response that it does not let pass never goes on.
 */
#include "responded.h"

#include "driver-private.h"
#include "facts.h"
#include "inspected.h"
#include "judge.h"
#include "record.h"

#include <openshell/ext/draft/content-inspector.h>

#include <string.h>

/**
 * OshResponded:
 * @limit: bytes of one content
 * @is_asked: the question that is open is about a content of the response
 * @n_questions: of the inspector about it; more than %OSH_RESPONSE_QUESTIONS refuses it
 * @reason: (nullable): of a refusal
 * @handle: (nullable): what a content was replaced by; the same object for each
 * @answer: the content's part of the next answer
 */
struct _OshResponded {
    guint64 limit;
    gboolean is_asked;
    gsize n_questions;
    char *reason;
    OshContent *handle;
    OshL7ContentAnswer answer;
};

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
    responded->answer = (OshL7ContentAnswer){.content = action->u.content.content,
                                             .settled = response.content.length};
    responded->n_questions = OSH_RESPONSE_QUESTIONS + 1;
    if (response.content.length <= responded->limit &&
        osh_inspected_inspection(message, &inspector, &inspection))
        responded->n_questions = osh_inspector_response(inspector, inspection, &response);
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
    responded->answer.disposition = OSH_L7_REFUSED;
    responded->answer.settled = 0;
    *ret_reason = responded->reason;
    return OSH_ASKED_REFUSED;
}

OshAsked
osh_responded_ask(OshMessage *message, const char **ret_reason)
{
    OshResponded *responded = message->responded;
    g_autofree gboolean *allowed = NULL;
    const OshInterface *inspector;
    gpointer inspection;
    OshResponseResult result;

    responded->is_asked = FALSE;
    if (responded->n_questions > OSH_RESPONSE_QUESTIONS ||
        !osh_inspected_inspection(message, &inspector, &inspection))
        return refuse(responded, "the response is more than may be looked into", ret_reason);
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
    if (result.outcome == OSH_RESPONSE_REPLACE) {
        responded->handle = osh_content_set(responded->handle, result.content);
        responded->answer.disposition = OSH_L7_REPLACED;
        responded->answer.handle = responded->handle;
        responded->answer.length = result.content.length;
        responded->answer.settled = 0;
    }
    return OSH_ASKED_ALLOWED;
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

void
osh_responded_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer)
{
    OshResponded *responded = message->responded;

    if (responded == NULL && answer->action == OSH_ACTION_ALLOW &&
        message->direction == OSH_CLIENT_TO_SERVER) {
        guint64 limit = response_limit(message);

        if (limit == 0)
            return;
        responded = message->responded = g_new0(OshResponded, 1);
        responded->limit = limit;
    } else if (responded != NULL && message->is_response_content) {
        answer->contents = &responded->answer;
        answer->n_contents = 1;
        if (responded->answer.handle != NULL && answer->action == OSH_ACTION_ALLOW)
            osh_l7_ledger_grant_response(entry, responded->answer.handle, responded->answer.length);
    }
    if (responded == NULL || answer->action != OSH_ACTION_ALLOW)
        return;
    answer->response_limit = responded->limit;
    entry->responds = TRUE;
}

void
osh_responded_free(OshResponded *responded)
{
    osh_content_free(responded->handle);
    g_free(responded->reason);
    g_free(responded);
}
