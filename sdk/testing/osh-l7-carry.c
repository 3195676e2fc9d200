/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the actions of a session do in the L7 harness, and the answers that it gets.
 *
 * Belongs to the test's thread. Everything here was checked against the ledger before; a
 * function must not call the session but to hand over an answer.
 */
#include <string.h>

#include "osh-l7-run.h"

static void
lease_free(gpointer data)
{
    OshLease *lease = data;

    g_free(lease->text);
    g_free(lease);
}

static void
content_free(gpointer data)
{
    OshContent *content = data;

    g_free(content->bytes);
    g_free(content);
}

void
osh_l7_message_free(gpointer data)
{
    OshL7Message *message = data;

    g_free(message->reason);
    osh_fact_copy_clear(&message->facts);
    osh_fact_copy_clear(&message->content_facts);
    if (message->responses != NULL)
        g_string_free(message->responses, TRUE);
    g_array_unref(message->slots);
    g_ptr_array_unref(message->leases);
    g_ptr_array_unref(message->handles);
    g_array_unref(message->contents);
    g_array_unref(message->edits);
    g_string_free(message->content, TRUE);
    g_free(message);
}

OshL7Message *
osh_l7_run_begin(OshL7Run *run, guint64 number)
{
    OshL7Message *message = g_new0(OshL7Message, 1);

    message->number = number;
    message->slots = g_array_new(FALSE, TRUE, sizeof(OshL7SlotAnswer));
    message->leases = g_ptr_array_new_with_free_func(lease_free);
    message->handles = g_ptr_array_new_with_free_func(content_free);
    message->contents = g_array_new(FALSE, TRUE, sizeof(OshL7ContentAnswer));
    message->edits = g_array_new(FALSE, TRUE, sizeof(OshL7Edit));
    message->content = g_string_new(NULL);
    g_ptr_array_add(run->messages, message);
    return message;
}

OshL7Message *
osh_l7_run_find(const OshL7Run *run, guint64 number)
{
    for (guint i = 0; i < run->messages->len; i++) {
        OshL7Message *message = g_ptr_array_index(run->messages, i);

        if (message->number == number)
            return message;
    }
    return NULL;
}

OshL7LedgerEntry *
osh_l7_run_open(OshL7Run *run, guint64 number)
{
    return osh_l7_ledger_find(&run->ledger, number);
}

static void
send_piece(OshL7Run *run, guint direction, const OshL7Piece *piece)
{
    GString *out = run->outcome->released[direction];
    gsize start = out->len;

    switch ((OshL7PieceType)piece->type) {
    case OSH_L7_PIECE_BYTES:
        g_string_append_len(out, piece->bytes.data, (gssize)piece->bytes.length);
        break;
    case OSH_L7_PIECE_WINDOW:
        g_string_append_len(out, run->ledger.window.data + piece->offset, (gssize)piece->length);
        break;
    case OSH_L7_PIECE_LEASE:
        g_string_append(out, piece->lease->text);
        break;
    case OSH_L7_PIECE_CONTENT:
    default:
        g_string_append_len(out, piece->content->bytes + piece->offset, (gssize)piece->length);
    }
    for (gsize i = start; piece->has_mask && i < out->len; i++)
        out->str[i] = (char)(out->str[i] ^ piece->mask[(piece->mask_phase + i - start) % 4]);
}

static void
send_pieces(OshL7Run *run, guint direction, const OshL7Action *action)
{
    for (gsize i = 0; i < action->u.send.n_pieces; i++)
        send_piece(run, direction, &action->u.send.pieces[i]);
}

static char *
replaced(const char *text, gsize length, const char *from, const char *to)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) parts = from[0] != '\0' ? g_strsplit(copy, from, -1) : NULL;

    return parts != NULL ? g_strjoinv(to, parts) : g_strconcat(to, copy, NULL);
}

static void
add_lease(OshL7Run *run, OshL7Message *message, const char *text, OshLease **ret_lease,
          guint64 *ret_length)
{
    OshLease *lease = g_new0(OshLease, 1);

    lease->text = g_strdup(text);
    lease->message = message->number;
    g_ptr_array_add(message->leases, lease);
    osh_l7_ledger_grant(osh_l7_run_open(run, message->number), lease, strlen(text));
    *ret_lease = lease;
    *ret_length = strlen(text);
}

static void
carry_slot(OshL7Run *run, const OshL7Action *action)
{
    OshL7Message *message = osh_l7_run_find(run, action->message);
    OshL7SlotAnswer answer = {.slot = action->u.slot.slot};
    OshSpan text = action->u.slot.bytes;
    const GPtrArray *secrets = run->harness->secrets;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    if (message == NULL)
        message = osh_l7_run_begin(run, action->message);
    if (text.length == 0)
        text = (OshSpan){run->ledger.window.data + action->offset, action->length};
    before = g_strndup(text.data, text.length);
    after = g_strdup(before);
    for (guint i = 0; i + 1 < secrets->len; i += 2) {
        char *next = replaced(after, strlen(after), g_ptr_array_index(secrets, i),
                              g_ptr_array_index(secrets, i + 1));

        g_free(after);
        after = next;
    }
    if (strstr(after, "openshell:resolve:") != NULL) {
        answer.disposition = OSH_L7_REFUSED;
    } else if (!g_str_equal(before, after)) {
        answer.disposition = OSH_L7_REPLACED;
        add_lease(run, message, after, &answer.lease, &answer.length);
    }
    g_array_append_val(message->slots, answer);
}

static void
refuse(OshL7Message *message, const char *reason)
{
    message->answer = OSH_L7_MESSAGE_REFUSED;
    g_free(message->reason);
    message->reason = g_strdup(reason);
}

static void
open_question(OshL7Run *run, OshL7Message *message, const OshL7Action *action)
{
    if ((action->flags & OSH_L7_PAUSES) != 0)
        run->paused_by[run->ledger.direction] = message->number;
    g_array_append_val(run->due, message->number);
}

static void
add_edits(OshL7Run *run, OshL7Message *message)
{
    for (guint i = 0; i < run->harness->edits->len; i++) {
        const OshL7HarnessEdit *edit = g_ptr_array_index(run->harness->edits, i);
        OshL7Edit answer = {.name = edit->name, .value = edit->value};

        if (edit->secret != NULL)
            add_lease(run, message, edit->secret, &answer.lease, &answer.length);
        g_array_append_val(message->edits, answer);
    }
}

static void
decide(OshL7Run *run, OshL7Message *message, const OshFacts *facts)
{
    OshVerdict verdict = OSH_VERDICT_INIT;

    osh_scripted_policy_decide(run->harness->policy, facts, &verdict);
    if (run->terminated)
        refuse(message, "the connection ends");
    else if (verdict.action == OSH_ACTION_DENY)
        refuse(message, verdict.reason);
    else if (verdict.action == OSH_ACTION_INSPECT &&
             run->ledger.direction == OSH_CLIENT_TO_SERVER && message->state == OSH_L7_MESSAGE_NEW)
        message->answer = OSH_L7_MESSAGE_INSPECT;
    else
        message->answer = OSH_L7_MESSAGE_ALLOWED;
    message->limit = verdict.inspect_limit;
    osh_verdict_clear(&verdict);
}

static void
carry_ask(OshL7Run *run, const OshL7Action *action)
{
    OshL7Message *message = osh_l7_run_find(run, action->message);
    gboolean is_new = message == NULL;

    if (is_new)
        message = osh_l7_run_begin(run, action->message);
    if (is_new || run->ledger.direction == OSH_CLIENT_TO_SERVER)
        osh_fact_copy_set(&message->facts, &action->u.ask.facts);
    decide(run, message, &action->u.ask.facts);
    for (guint i = 0; i < message->slots->len; i++)
        if (g_array_index(message->slots, OshL7SlotAnswer, i).disposition == OSH_L7_REFUSED)
            refuse(message, "a credential may not go there");
    if (message->answer != OSH_L7_MESSAGE_REFUSED && run->ledger.direction == OSH_CLIENT_TO_SERVER)
        add_edits(run, message);
    message->begin = message->answer == OSH_L7_MESSAGE_INSPECT && run->harness->stream;
    open_question(run, message, action);
}

/* How much of what was marked is final: all but what a match that is not complete could take. */
static guint64
settled(const OshL7Run *run, const OshL7Message *message)
{
    const char *from = run->harness->replace_from;
    const char *found;

    if (from == NULL)
        return message->content->len;
    found = g_strstr_len(message->content->str, (gssize)message->content->len, from);
    if (found != NULL)
        return (guint64)(found - message->content->str);
    return message->content->len - MIN(message->content->len, strlen(from) - 1);
}

static OshContent *
add_handle(OshL7Message *message, const char *bytes, gsize length, const OshL7Harness *harness)
{
    OshContent *handle = g_new0(OshContent, 1);

    handle->bytes = replaced(bytes, length, harness->replace_from, harness->replace_to);
    handle->length = strlen(handle->bytes);
    handle->message = message->number;
    g_ptr_array_add(message->handles, handle);
    return handle;
}

static void
finish_content(OshL7Run *run, OshL7Message *message, OshL7ContentAnswer *answer)
{
    const OshFacts *head = &message->facts.facts;
    g_autofree OshFact *facts = g_new0(OshFact, head->n_facts + 1);
    OshFacts all = {facts, head->n_facts + 1};
    const char *rest = message->content->str + answer->settled;
    gsize length = message->content->len - answer->settled;
    OshContent *handle;

    if (head->n_facts > 0)
        memcpy(facts, head->facts, head->n_facts * sizeof(OshFact));
    facts[head->n_facts] = (OshFact)OSH_FACT_STRING_INIT(
        OSH_SCRIPTED_CONTENT, ((OshSpan){message->content->str, message->content->len}));
    decide(run, message, &all);
    if (message->answer == OSH_L7_MESSAGE_REFUSED || run->harness->replace_from == NULL ||
        g_strstr_len(rest, (gssize)length, run->harness->replace_from) == NULL) {
        answer->settled = message->content->len;
        return;
    }
    handle = add_handle(message, rest, length, run->harness);
    osh_l7_ledger_grant(osh_l7_run_open(run, message->number), handle, handle->length);
    answer->disposition = OSH_L7_REPLACED;
    answer->handle = handle;
    answer->length = handle->length;
}

static void
carry_response(OshL7Run *run, OshL7Message *message, const OshL7Action *action, OshSpan text)
{
    const OshL7Harness *harness = run->harness;
    const OshFact fact = OSH_FACT_STRING_INIT(OSH_SCRIPTED_RESPONSE, text);
    const OshFacts facts = {&fact, 1};
    OshVerdict verdict = OSH_VERDICT_INIT;

    if (message->responses == NULL)
        message->responses = g_string_new(NULL);
    g_string_append_printf(message->responses, " %s {%.*s} [", action->u.content.media_type,
                           (int)text.length, text.length > 0 ? text.data : "");
    osh_l7_facts_print(message->responses, action->u.content.facts.facts,
                       action->u.content.facts.n_facts);
    g_string_append_c(message->responses, ']');
    message->answers_response = TRUE;
    message->response_passes = (action->flags & OSH_L7_LAST) == 0 && harness->response_passes;
    message->response =
        (OshL7ContentAnswer){.content = action->u.content.content, .settled = text.length};
    osh_scripted_policy_decide(harness->policy, &facts, &verdict);
    if (verdict.action == OSH_ACTION_DENY) {
        refuse(message, verdict.reason);
    } else if (harness->replace_from != NULL && text.length > 0 &&
               g_strstr_len(text.data, (gssize)text.length, harness->replace_from) != NULL) {
        OshContent *handle = add_handle(message, text.data, text.length, harness);

        message->response.settled = 0;
        message->response.disposition = OSH_L7_REPLACED;
        message->response.handle = handle;
        message->response.length = handle->length;
        osh_l7_ledger_grant_response(osh_l7_run_open(run, message->number), handle, handle->length);
    }
    osh_verdict_clear(&verdict);
    open_question(run, message, action);
}

static void
carry_content(OshL7Run *run, const OshL7Action *action)
{
    OshL7Message *message = osh_l7_run_find(run, action->message);
    OshSpan text = action->u.content.bytes;
    OshL7ContentAnswer *answer;

    if (text.length == 0 && action->length > 0)
        text = (OshSpan){run->ledger.window.data + action->offset, action->length};
    if (run->ledger.direction == OSH_SERVER_TO_CLIENT) {
        carry_response(run, message, action, text);
        return;
    }
    if (message->contents->len == 0) {
        OshL7ContentAnswer first = {.content = action->u.content.content};

        g_array_append_val(message->contents, first);
    }
    answer = &g_array_index(message->contents, OshL7ContentAnswer, 0);
    if (action->u.content.facts.n_facts > 0)
        osh_fact_copy_set(&message->content_facts, &action->u.content.facts);
    g_string_append_len(message->content, text.length > 0 ? text.data : "", (gssize)text.length);
    message->inspected = (action->flags & OSH_L7_LAST) != 0;
    if (run->terminated) {
        refuse(message, "the connection ends");
    } else if (message->content->len > message->limit) {
        refuse(message, "its content is larger than may be inspected");
        message->error = "content_too_large";
    } else if ((action->flags & OSH_L7_LAST) != 0) {
        finish_content(run, message, answer);
    } else if (run->harness->allow_after > 0 &&
               message->content->len >= run->harness->allow_after) {
        message->answer = OSH_L7_MESSAGE_ALLOWED;
    } else if (run->harness->stream) {
        answer->settled = MAX(answer->settled, settled(run, message));
    }
    open_question(run, message, action);
}

static void
carry_deny(OshL7Run *run, const OshL7Action *action)
{
    gboolean failure = (action->flags & OSH_L7_FAILURE) != 0;
    OshL7Message *message = NULL;

    if (action->message != 0) {
        message = osh_l7_run_find(run, action->message);
        if (message == NULL)
            message = osh_l7_run_begin(run, action->message);
        message->state = failure ? OSH_L7_MESSAGE_FAILED : OSH_L7_MESSAGE_REFUSED;
        g_free(message->reason);
        message->reason = g_strdup(action->u.deny.reason);
        if (message->facts.memory == NULL)
            osh_fact_copy_set(&message->facts, &action->u.deny.facts);
    }
    /* The event of an answer has the number of its message too. */
    if (action->u.deny.ret_event != NULL)
        *action->u.deny.ret_event = MAX(action->message, 1);
    if ((action->flags & OSH_L7_CONNECTION) != 0)
        osh_l7_run_end(run, failure ? OSH_L7_ENDED_FAILED : OSH_L7_ENDED_DENIED,
                       action->u.deny.reason);
}

static void
carry_end_of_message(OshL7Run *run, const OshL7Action *action)
{
    OshL7Message *message = osh_l7_run_find(run, action->message);

    osh_l7_ledger_end(&run->ledger, osh_l7_run_open(run, message->number));
    if (action->type == OSH_L7_DONE) {
        message->done = TRUE;
        message->status = action->u.done.status;
        message->bytes = action->u.done.bytes;
        return;
    }
    message->state = OSH_L7_MESSAGE_CANCELLED;
    for (guint i = 0; i < 2; i++)
        if (run->paused_by[i] == message->number)
            run->paused_by[i] = 0;
    for (guint i = 0; i < run->due->len; i++)
        if (g_array_index(run->due, guint64, i) == message->number)
            g_array_remove_index(run->due, i--);
}

static void
carry_start_tls(OshL7Run *run)
{
    const OshL7Ledger *ledger = &run->ledger;

    if (run->window[ledger->direction]->len > ledger->released ||
        run->window[1 - ledger->direction]->len > 0 || run->pending[0]->len > 0 ||
        run->pending[1]->len > 0)
        osh_l7_run_end(run, OSH_L7_ENDED_DENIED, "bytes were said in clear before TLS");
    else
        run->outcome->tls = TRUE;
}

static void
carry_last(OshL7Run *run, const OshL7Action *action)
{
    g_autofree char *authority = NULL;

    switch ((OshL7ActionType)action->type) {
    case OSH_L7_RETARGET:
        authority = g_strdup_printf("%s:%u", action->u.retarget.host, action->u.retarget.port);
        osh_l7_run_end(run, OSH_L7_ENDED_RETARGET, authority);
        break;
    case OSH_L7_UPGRADE:
        osh_l7_run_end(run, OSH_L7_ENDED_UPGRADE, action->u.upgrade.protocol);
        break;
    case OSH_L7_OPAQUE:
        osh_l7_run_end(run, OSH_L7_ENDED_OPAQUE, NULL);
        break;
    case OSH_L7_START_TLS:
        carry_start_tls(run);
        break;
    case OSH_L7_END:
        osh_l7_run_end(run, OSH_L7_ENDED_END, NULL);
        break;
    case OSH_L7_MORE:
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
    case OSH_L7_DROP:
    case OSH_L7_EMIT:
    case OSH_L7_SLOT:
    case OSH_L7_CONTENT:
    case OSH_L7_ASK:
    case OSH_L7_CANCEL:
    case OSH_L7_DENY:
    case OSH_L7_DONE:
    default:
        break;
    }
}

void
osh_l7_run_carry_out(OshL7Run *run, const OshL7Action *action)
{
    guint direction = run->ledger.direction;

    osh_l7_ledger_take(&run->ledger, action);
    switch ((OshL7ActionType)action->type) {
    case OSH_L7_PASS:
        g_string_append_len(run->outcome->released[direction],
                            run->ledger.window.data + action->offset, (gssize)action->length);
        break;
    case OSH_L7_REPLACE:
        send_pieces(run, direction, action);
        break;
    case OSH_L7_EMIT:
        send_pieces(run, action->direction, action);
        break;
    case OSH_L7_SLOT:
        carry_slot(run, action);
        break;
    case OSH_L7_CONTENT:
        carry_content(run, action);
        break;
    case OSH_L7_ASK:
        carry_ask(run, action);
        break;
    case OSH_L7_DENY:
        carry_deny(run, action);
        break;
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
        carry_end_of_message(run, action);
        break;
    case OSH_L7_DROP:
    case OSH_L7_MORE:
    case OSH_L7_RETARGET:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    case OSH_L7_END:
    default:
        carry_last(run, action);
    }
}

static OshL7Judgement
judgement_of(OshL7MessageState state)
{
    switch (state) {
    case OSH_L7_MESSAGE_INSPECT:
        return OSH_L7_JUDGEMENT_INSPECT;
    case OSH_L7_MESSAGE_ALLOWED:
        return OSH_L7_JUDGEMENT_ALLOWED;
    case OSH_L7_MESSAGE_REFUSED:
        return OSH_L7_JUDGEMENT_REFUSED;
    case OSH_L7_MESSAGE_NEW:
    case OSH_L7_MESSAGE_FAILED:
    case OSH_L7_MESSAGE_CANCELLED:
    default:
        return OSH_L7_JUDGEMENT_NONE;
    }
}

static gboolean
asks_for_upgrade(const OshL7Message *message)
{
    g_autofree char *token = osh_l7_fact_text(&message->facts.facts, "request.upgrade");

    return token != NULL;
}

void
osh_l7_run_answer(OshL7Run *run, OshL7Message *message)
{
    OshL7LedgerEntry *entry = osh_l7_run_open(run, message->number);
    OshL7Answer answer = {
        .struct_size = sizeof(OshL7Answer),
        .policy = "scripted",
        .slots = (const OshL7SlotAnswer *)(gpointer)message->slots->data,
        .n_slots = message->slots->len,
        .contents = (const OshL7ContentAnswer *)(gpointer)message->contents->data,
        .n_contents = message->contents->len,
        .edits = (const OshL7Edit *)(gpointer)message->edits->data,
        .n_edits = message->edits->len,
        .begin = message->begin,
        .inspect_limit = message->limit,
        .limit_name = "scripted_limit",
    };

    message->state = message->answer;
    entry->question = FALSE;
    entry->begins = message->begin;
    entry->judgement = judgement_of(message->state);
    for (guint i = 0; i < 2; i++)
        if (run->paused_by[i] == message->number)
            run->paused_by[i] = 0;
    answer.action = OSH_ACTION_ALLOW;
    if (message->state == OSH_L7_MESSAGE_INSPECT)
        answer.action = OSH_ACTION_INSPECT;
    if (message->state == OSH_L7_MESSAGE_REFUSED) {
        answer.action = OSH_ACTION_DENY;
        answer.reason = message->reason;
        answer.event = message->number;
        answer.status = message->error != NULL ? 413 : 403;
        answer.error = message->error;
        answer.refusal =
            message->inspected && message->error == NULL ? run->harness->refusal : NULL;
    }
    if (message->answers_response) {
        answer.contents = &message->response;
        answer.n_contents = 1;
    }
    if (answer.action == OSH_ACTION_ALLOW)
        answer.response_limit = message->response_passes ? 0 : run->harness->response_limit;
    answer.response_preflight = run->harness->response_preflight;
    entry->responds = answer.response_limit > 0;
    answer.upgrades =
        answer.action == OSH_ACTION_ALLOW && run->harness->upgrades && asks_for_upgrade(message);
    osh_l7_resume(run->harness->protocol, run->session, run->now, message->number, &answer);
}
