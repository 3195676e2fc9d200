/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspected.c: feeds an inspector with what the session marks, has the policy's middlewares see
 * the whole, and offers it to the credential provider. [shard]. Content that is not looked into to
 * its end never goes on.
 */
#include "inspected.h"

#include "driver-private.h"
#include "facts.h"
#include "middleware-chain.h"
#include "osh-fact-copy.h"
#include "readable.h"
#include "secrets.h"

#include <openshell/ext/draft/content-inspector.h>

#include <string.h>

/* One of the two. */
struct _OshContent {
    OshLease *lease;
    OshSpan bytes;
};

/**
 * OshInspected:
 * @inspector: (nullable): who finds facts in it
 * @name: (nullable): of it, in the policy
 * @inspection: (nullable): of @inspector
 * @kept: (nullable): all of it, where middlewares see it or placeholders are replaced
 * @rewrites: placeholders are replaced
 * @has_middleware: middlewares see it
 * @is_passed_over: none of them can look into it, and each may be passed over
 * @is_changed: one of them left other content in @kept
 * @media_type: (nullable): of the first that was marked
 * @length: bytes that were marked
 * @limit: that may be
 * @limit_name: (nullable): what a person calls it
 * @is_too_large: more was marked
 * @head: facts that came with it, for the inspector alone
 * @number: the session's
 * @has_number: something was marked
 * @is_last: all of it was marked
 * @is_pending: the inspector computes
 * @is_woken: it has something to say
 * @is_done: its facts are complete
 * @is_settled: @answer is final
 * @problem: (nullable): why the message is refused
 * @answer: the content's part of the next answer
 * @handle: what @answer points to
 * @handle_length: of it
 */
struct _OshInspected {
    OshMessage *message;
    const OshInterface *inspector;
    char *name;
    gpointer inspection;
    GByteArray *kept;
    gboolean rewrites;
    gboolean has_middleware;
    gboolean is_passed_over;
    gboolean is_changed;
    char *media_type;
    guint64 length;
    guint64 limit;
    char *limit_name;
    gboolean is_too_large;
    OshFactCopy head;
    guint64 number;
    gboolean has_number;
    gboolean is_last;
    gboolean is_pending;
    gboolean is_woken;
    gboolean is_done;
    gboolean is_settled;
    char *problem;
    OshL7ContentAnswer answer;
    OshContent handle;
    guint64 handle_length;
};

static const OshInterface *
find_inspector(const OshMessage *message)
{
    const OshProviders *providers = message->driver->connection->shard->network->providers;

    return providers != NULL && message->verdict.inspector != NULL
               ? g_hash_table_lookup(providers->inspectors, message->verdict.inspector)
               : NULL;
}

/* It is fed again outside of this call, which is its own. */
static void
inspector_woken(gpointer data)
{
    OshInspected *inspected = data;

    inspected->is_woken = TRUE;
    osh_connection_again(inspected->message->driver->connection);
}

static void
begin_inspection(OshInspected *inspected, const OshFacts *facts)
{
    const OshMessage *message = inspected->message;
    const OshFacts *more = &inspected->head.facts;
    gsize n = facts->n_facts + more->n_facts;
    g_autofree OshFact *head = g_new0(OshFact, n + OSH_CONNECTION_FACTS);
    g_autoptr(GError) error = NULL;
    OshInspectionRequest request = {
        .struct_size = sizeof request,
        .inspector = inspected->name,
        .media_type = inspected->media_type != NULL ? inspected->media_type : "",
        .limit = inspected->limit,
        .options = message->options,
        .wake = inspector_woken,
        .wake_data = inspected,
    };

    if (facts->n_facts > 0)
        memcpy(head, facts->facts, facts->n_facts * sizeof head[0]);
    if (more->n_facts > 0)
        memcpy(head + facts->n_facts, more->facts, more->n_facts * sizeof head[0]);
    n += osh_connection_facts(message->driver->connection, head + n);
    request.head = (OshFacts){head, n};
    inspected->inspection = osh_inspector_open(inspected->inspector, &request, &error);
    if (inspected->inspection == NULL)
        inspected->problem =
            g_strdup(error != NULL ? error->message : "the content cannot be inspected");
}

/* Returns: whether the content of @message has to be marked. */
static gboolean
needs_content(OshMessage *message)
{
    const OshVerdict *verdict = &message->verdict;
    OshInspected *inspected;
    gboolean rewrites = osh_secrets_rewrite_content(message);
    gboolean has_middleware = osh_middleware_applies(message, OSH_CLIENT_TO_SERVER);

    if (verdict->action != OSH_ACTION_INSPECT && !rewrites && !has_middleware)
        return FALSE;
    inspected = message->inspected = g_new0(OshInspected, 1);
    inspected->message = message;
    inspected->rewrites = rewrites;
    inspected->has_middleware = has_middleware;
    inspected->limit = rewrites ? OSH_CONTENT_REWRITE_MAX : OSH_MIDDLEWARE_CONTENT_MAX;
    if (rewrites || has_middleware)
        inspected->kept = g_byte_array_new();
    if (verdict->action == OSH_ACTION_INSPECT &&
        ((!rewrites && !has_middleware) || verdict->inspect_limit < inspected->limit)) {
        inspected->limit = verdict->inspect_limit;
        inspected->limit_name = g_strdup(verdict->inspect_limit_name);
    } else {
        inspected->limit_name =
            g_strdup(rewrites ? "request_body_credential_rewrite" : "network_middlewares");
    }
    if (verdict->action != OSH_ACTION_INSPECT)
        return TRUE;
    inspected->name = g_strdup(verdict->inspector);
    inspected->inspector = find_inspector(message);
    if (inspected->inspector == NULL)
        inspected->problem =
            g_strdup_printf("no plugin of this run inspects %s",
                            verdict->inspector != NULL ? verdict->inspector : "its content");
    return TRUE;
}

static OshSlotContext
context_of(const char *media_type)
{
    if (g_str_has_suffix(media_type, "json"))
        return OSH_SLOT_JSON;
    return g_str_equal(media_type, "application/x-www-form-urlencoded") ? OSH_SLOT_FORM
                                                                        : OSH_SLOT_TEXT;
}

/* Without a credential. Returns: %NULL */
static const char *
settle_as_kept(OshInspected *inspected)
{
    if (!inspected->is_changed) {
        inspected->answer.settled = inspected->length;
        return NULL;
    }
    inspected->handle.bytes = (OshSpan){(const char *)inspected->kept->data, inspected->kept->len};
    inspected->answer.disposition = OSH_L7_REPLACED;
    inspected->answer.handle = &inspected->handle;
    inspected->answer.length = inspected->kept->len;
    return NULL;
}

/* Returns: (nullable): why the content may not go on. */
static const char *
settle(OshInspected *inspected)
{
    const char *reason = NULL;
    OshSpan text;

    inspected->is_settled = TRUE;
    if (inspected->kept == NULL) {
        inspected->answer.settled = inspected->length;
        return NULL;
    }
    if (!inspected->rewrites)
        return settle_as_kept(inspected);
    text = (OshSpan){(const char *)inspected->kept->data, inspected->kept->len};
    switch (osh_secrets_lease(inspected->message, text, context_of(inspected->media_type),
                              &inspected->handle.lease, &inspected->handle_length, &reason)) {
    case OSH_LEASE_UNTOUCHED:
        return settle_as_kept(inspected);
    case OSH_LEASE_REPLACED:
        inspected->answer.disposition = OSH_L7_REPLACED;
        inspected->answer.handle = &inspected->handle;
        inspected->answer.length = inspected->handle_length;
        return NULL;
    case OSH_LEASE_REFUSED:
    default:
        inspected->answer.disposition = OSH_L7_REFUSED;
        return reason;
    }
}

static gboolean
wants_more(const OshInspected *inspected)
{
    if (!inspected->has_number)
        return TRUE;
    return (inspected->inspector != NULL && !inspected->is_done) ||
           (inspected->kept != NULL && !inspected->is_last);
}

static void
feed_inspector(OshInspected *inspected, OshSpan bytes)
{
    OshInspection found;

    if (inspected->is_done || inspected->problem != NULL)
        return;
    if (inspected->inspection == NULL) {
        begin_inspection(inspected, &inspected->message->facts.facts);
        if (inspected->problem != NULL)
            return;
    }
    inspected->is_woken = FALSE;
    found =
        osh_inspector_feed(inspected->inspector, inspected->inspection, bytes, inspected->is_last);
    inspected->is_pending = found == OSH_INSPECTION_PENDING;
    inspected->is_done = found == OSH_INSPECTION_DONE;
    if (inspected->is_last && found == OSH_INSPECTION_MORE)
        inspected->problem = g_strdup("the inspector wants more than there is");
}

/* A middleware has left other content. */
static void
inspect_again(OshInspected *inspected, GBytes *content)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(content, &length);

    g_byte_array_set_size(inspected->kept, 0);
    g_byte_array_append(inspected->kept, bytes, (guint)length);
    inspected->is_changed = TRUE;
    if (inspected->inspector == NULL)
        return;
    if (length > inspected->limit) {
        inspected->problem = g_strdup_printf("a middleware left more than may be inspected: "
                                             "%" G_GUINT64_FORMAT " bytes",
                                             inspected->limit);
        return;
    }
    if (inspected->inspection != NULL)
        osh_inspector_close(inspected->inspector, g_steal_pointer(&inspected->inspection));
    inspected->is_done = FALSE;
    feed_inspector(inspected, (OshSpan){(const char *)inspected->kept->data, length});
}

/* Has the middlewares see it. */
static OshAsked
ask_middlewares(OshInspected *inspected, const char **ret_reason)
{
    const OshMiddlewareContent content = {
        .side = OSH_CLIENT_TO_SERVER,
        .bytes = {(const char *)inspected->kept->data, inspected->kept->len},
        .media_type = inspected->media_type,
        .facts = inspected->message->facts.facts,
    };
    g_autoptr(GBytes) changed = NULL;
    OshAsked asked = osh_middleware_ask(inspected->message, &content, &changed, ret_reason);

    if (asked != OSH_ASKED_ALLOWED || changed == NULL)
        return asked;
    inspect_again(inspected, changed);
    osh_driver_question_is_due(inspected->message);
    return OSH_ASKED_WAITS;
}

OshAsked
osh_inspected_ask(OshMessage *message, const char **ret_reason)
{
    OshInspected *inspected = message->inspected;
    OshAsked asked;

    if (inspected == NULL && !needs_content(message))
        return OSH_ASKED_ALLOWED;
    inspected = message->inspected;
    *ret_reason = inspected->problem;
    if (inspected->is_too_large)
        message->control = OSH_CONTROL_LIMIT;
    if (inspected->problem != NULL)
        return OSH_ASKED_REFUSED;
    if (inspected->is_pending)
        return OSH_ASKED_WAITS;
    if (inspected->is_passed_over && !osh_middleware_is_current(message)) {
        *ret_reason = "the policy changed: its content would have to be inspected";
        return OSH_ASKED_REFUSED;
    }
    if (wants_more(inspected)) {
        message->outcome = OSH_L7_JUDGEMENT_INSPECT;
        return OSH_ASKED_ANSWERED;
    }
    if (message->verdict.action == OSH_ACTION_INSPECT && inspected->inspector != NULL &&
        osh_inspected_facts(message).n_facts == 0)
        *ret_reason = "the inspector found nothing by which the policy could decide";
    else if (message->verdict.action == OSH_ACTION_INSPECT)
        *ret_reason = "the policy asks for another inspection of what was inspected";
    if (*ret_reason != NULL)
        return OSH_ASKED_REFUSED;
    if (inspected->has_middleware) {
        asked = ask_middlewares(inspected, ret_reason);
        if (asked != OSH_ASKED_ALLOWED)
            return asked;
    }
    if (!inspected->is_settled)
        *ret_reason = settle(inspected);
    return *ret_reason == NULL ? OSH_ASKED_ALLOWED : OSH_ASKED_REFUSED;
}

/* Whose inspector has computed something is fed again, with nothing new. */
void
osh_inspected_go_on(OshMessage *message)
{
    static const OshSpan none = {"", 0};
    OshInspected *inspected = message->inspected;

    if (inspected != NULL && inspected->is_pending && inspected->is_woken)
        feed_inspector(inspected, none);
}

/* Middlewares cannot look into the content, as @code says. */
static void
pass_over(OshInspected *inspected, const char *code)
{
    const char *reason = NULL;

    if (!osh_middleware_pass_over(inspected->message, OSH_CLIENT_TO_SERVER, code, inspected->limit,
                                  &reason)) {
        inspected->problem = g_strdup(reason);
        return;
    }
    inspected->has_middleware = FALSE;
    inspected->is_passed_over = TRUE;
    if (!inspected->rewrites)
        g_clear_pointer(&inspected->kept, g_byte_array_unref);
}

/* Content of that size is for no middleware. Returns: whether it may go on without them. */
static gboolean
passes_over(OshInspected *inspected)
{
    if (!inspected->has_middleware || inspected->rewrites || inspected->inspector != NULL)
        return FALSE;
    pass_over(inspected, "over_limit");
    return TRUE;
}

/* With the first piece. An inspector decides for itself what it makes of a coding. */
static void
check_readable(OshInspected *inspected)
{
    const OshFacts *head = &inspected->head.facts;
    const char *obstacle =
        osh_readable_obstacle(osh_facts_string(head, OSH_FACT_REQUEST_CONTENT_ENCODING),
                              osh_facts_string(head, OSH_FACT_REQUEST_CONTENT_TYPE));

    if (inspected->has_middleware && obstacle != NULL)
        pass_over(inspected, obstacle);
}

void
osh_inspected_add(OshMessage *message, const OshL7Action *action, OshSpan window)
{
    OshInspected *inspected = message->inspected;
    OshSpan bytes = action->u.content.bytes;

    if (bytes.length == 0 && action->length > 0)
        bytes = (OshSpan){window.data + action->offset, action->length};
    if (action->u.content.facts.n_facts > 0)
        osh_fact_copy_set(&inspected->head, &action->u.content.facts);
    if (!inspected->has_number) {
        inspected->media_type = g_strdup(action->u.content.media_type);
        check_readable(inspected);
    }
    inspected->has_number = TRUE;
    inspected->number = action->u.content.content;
    inspected->length += bytes.length;
    inspected->is_last = (action->flags & OSH_L7_LAST) != 0;
    inspected->is_too_large = inspected->length > inspected->limit && !passes_over(inspected);
    if (inspected->is_too_large && inspected->problem == NULL)
        inspected->problem = g_strdup_printf(
            "its content is larger than may be inspected: %" G_GUINT64_FORMAT " bytes%s%s",
            inspected->limit, inspected->limit_name != NULL ? ", see " : "",
            inspected->limit_name != NULL ? inspected->limit_name : "");
    if (inspected->problem != NULL)
        return;
    if (inspected->kept != NULL)
        g_byte_array_append(inspected->kept, (const guint8 *)bytes.data, (guint)bytes.length);
    if (inspected->inspector != NULL)
        feed_inspector(inspected, bytes);
}

OshFacts
osh_inspected_facts(const OshMessage *message)
{
    const OshInspected *inspected = message->inspected;
    const OshFacts none = {NULL, 0};

    return inspected != NULL && inspected->is_done && inspected->inspection != NULL
               ? osh_inspector_facts(inspected->inspector, inspected->inspection)
               : none;
}

gboolean
osh_inspected_inspection(const OshMessage *message, const OshInterface **ret_inspector,
                         gpointer *ret_inspection)
{
    const OshInspected *inspected = message->inspected;

    if (inspected == NULL || !inspected->is_done || inspected->inspection == NULL)
        return FALSE;
    *ret_inspector = inspected->inspector;
    *ret_inspection = inspected->inspection;
    return TRUE;
}

/* The refusal is recorded, and the inspector has words for the client. */
static void
fill_refusal(OshMessage *message, OshL7Answer *answer)
{
    const OshInspected *inspected = message->inspected;
    const OshInspectionDenial denial = {
        .struct_size = sizeof denial,
        .reason = answer->reason,
        .policy = answer->policy,
        .event = answer->event,
        .by_policy = g_strcmp0(message->layer, "policy") == 0,
    };
    const OshInspectionRefusal *refusal;

    if (!inspected->is_done || inspected->inspection == NULL)
        return;
    refusal = osh_inspector_refusal(inspected->inspector, inspected->inspection, &denial);
    if (refusal != NULL && refusal->status >= 200 && refusal->status <= 599 &&
        refusal->media_type != NULL && refusal->body.length <= OSH_L7_BYTES_MAX)
        answer->refusal = refusal;
}

static void
fill_refused(OshMessage *message, OshL7Answer *answer)
{
    if (!message->inspected->is_too_large) {
        fill_refusal(message, answer);
        return;
    }
    answer->status = 413;
    answer->error = "content_too_large";
}

void
osh_inspected_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer)
{
    OshInspected *inspected = message->inspected;

    if (inspected == NULL)
        return;
    answer->inspect_limit = inspected->limit;
    answer->limit_name = inspected->limit_name;
    if (answer->action == OSH_ACTION_DENY)
        fill_refused(message, answer);
    if (!inspected->has_number)
        return;
    inspected->answer.content = inspected->number;
    answer->contents = &inspected->answer;
    answer->n_contents = 1;
    if (inspected->answer.handle != NULL && answer->action == OSH_ACTION_ALLOW)
        osh_l7_ledger_grant(entry, inspected->answer.handle, inspected->answer.length);
}

OshLease *
osh_content_lease(const OshContent *content)
{
    return content->lease;
}

OshSpan
osh_content_bytes(const OshContent *content)
{
    return content->bytes;
}

OshContent *
osh_content_set(OshContent *content, OshSpan bytes)
{
    if (content == NULL)
        content = g_new0(OshContent, 1);
    g_free((gpointer)content->bytes.data);
    content->bytes.data = bytes.length > 0 ? g_memdup2(bytes.data, bytes.length) : NULL;
    content->bytes.length = bytes.length;
    return content;
}

void
osh_content_free(OshContent *content)
{
    if (content != NULL)
        g_free((gpointer)content->bytes.data);
    g_free(content);
}

void
osh_inspected_free(OshInspected *inspected)
{
    if (inspected->inspection != NULL)
        osh_inspector_close(inspected->inspector, inspected->inspection);
    if (inspected->kept != NULL)
        g_byte_array_unref(inspected->kept);
    osh_fact_copy_clear(&inspected->head);
    g_free(inspected->limit_name);
    g_free(inspected->name);
    g_free(inspected->media_type);
    g_free(inspected->problem);
    g_free(inspected);
}
