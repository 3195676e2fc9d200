/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the L7 contract, held against each action before it is carried out.
 *
 * Belongs to the test's thread. A function here changes nothing of a run but to end it: what an
 * action does is in osh-l7-carry.c.
 */
#include <string.h>

#include "osh-l7-run.h"

/* Flags that an action type knows. */
static const guint32 flags_of[] = {
    [OSH_L7_MORE] = 0,
    [OSH_L7_PASS] = OSH_L7_FRAMING,
    [OSH_L7_REPLACE] = OSH_L7_FRAMING,
    [OSH_L7_DROP] = 0,
    [OSH_L7_EMIT] = OSH_L7_FRAMING,
    [OSH_L7_SLOT] = 0,
    [OSH_L7_CONTENT] = OSH_L7_PAUSES | OSH_L7_LAST,
    [OSH_L7_ASK] = OSH_L7_PAUSES,
    [OSH_L7_CANCEL] = 0,
    [OSH_L7_DENY] = OSH_L7_CONNECTION | OSH_L7_FAILURE,
    [OSH_L7_RETARGET] = 0,
    [OSH_L7_START_TLS] = 0,
    [OSH_L7_UPGRADE] = 0,
    [OSH_L7_OPAQUE] = 0,
    [OSH_L7_END] = 0,
    [OSH_L7_DONE] = 0,
};

static gboolean
check_shape(OshL7Run *run, const OshL7Action *action)
{
    if (action->type >= G_N_ELEMENTS(flags_of)) {
        osh_l7_run_break(run, OSH_L7_RULE_SHAPE, "type %u", action->type);
        return FALSE;
    }
    if ((action->flags & ~flags_of[action->type]) != 0) {
        osh_l7_run_break(run, OSH_L7_RULE_SHAPE, "type %u has flags 0x%x", action->type,
                         action->flags);
        return FALSE;
    }
    if (action->type == OSH_L7_EMIT && action->direction > OSH_SERVER_TO_CLIENT) {
        osh_l7_run_break(run, OSH_L7_RULE_SHAPE, "an EMIT in direction %u", action->direction);
        return FALSE;
    }
    if (action->type == OSH_L7_RETARGET &&
        (action->u.retarget.host == NULL || action->u.retarget.port == 0 ||
         action->u.retarget.port > 65535 || run->direction != OSH_CLIENT_TO_SERVER)) {
        osh_l7_run_break(run, OSH_L7_RULE_SHAPE,
                         "RETARGET needs a host and a port, for the client");
        return FALSE;
    }
    if (action->type == OSH_L7_UPGRADE && action->u.upgrade.protocol == NULL) {
        osh_l7_run_break(run, OSH_L7_RULE_SHAPE, "UPGRADE needs a protocol");
        return FALSE;
    }
    return TRUE;
}

static gboolean
ends_list(const OshL7Action *action)
{
    switch ((OshL7ActionType)action->type) {
    case OSH_L7_MORE:
    case OSH_L7_RETARGET:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    case OSH_L7_END:
        return TRUE;
    case OSH_L7_DENY:
        return (action->flags & OSH_L7_CONNECTION) != 0;
    case OSH_L7_ASK:
    case OSH_L7_CONTENT:
        return (action->flags & OSH_L7_PAUSES) != 0;
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
    case OSH_L7_DROP:
    case OSH_L7_EMIT:
    case OSH_L7_SLOT:
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
    default:
        return FALSE;
    }
}

static gboolean
in_window(OshL7Run *run, guint64 offset, guint64 length)
{
    if (offset <= run->span.length && length <= run->span.length - offset)
        return TRUE;
    osh_l7_run_break(run, OSH_L7_RULE_RANGE,
                     "%" G_GUINT64_FORMAT " bytes at %" G_GUINT64_FORMAT " of a window of %zu",
                     length, offset, run->span.length);
    return FALSE;
}

static gboolean
check_release(OshL7Run *run, const OshL7Action *action)
{
    if (action->offset != run->released) {
        osh_l7_run_break(run, OSH_L7_RULE_ORDER,
                         "an offset of %" G_GUINT64_FORMAT " where %zu bytes were released",
                         action->offset, run->released);
        return FALSE;
    }
    if (action->length == 0) {
        osh_l7_run_break(run, OSH_L7_RULE_EMPTY, "a release of no bytes");
        return FALSE;
    }
    return in_window(run, action->offset, action->length);
}

/* The message that an action names, if it is open. */
static OshL7Message *
open_message(OshL7Run *run, const OshL7Action *action)
{
    OshL7Message *message = osh_l7_run_find(run, action->message);

    if (message != NULL && !message->ended)
        return message;
    osh_l7_run_break(run, OSH_L7_RULE_OPEN, "message %" G_GUINT64_FORMAT " %s", action->message,
                     message != NULL ? "has ended" : "was not begun");
    return NULL;
}

/* As open_message(), but a number that is new may begin one: then FALSE with the run going on. */
static gboolean
begins_message(OshL7Run *run, const OshL7Action *action)
{
    const OshL7Message *last = NULL;

    if (osh_l7_run_find(run, action->message) != NULL)
        return FALSE;
    if (run->messages->len > 0)
        last = g_ptr_array_index(run->messages, run->messages->len - 1);
    if (action->message == 0 || (last != NULL && action->message < last->number))
        osh_l7_run_break(run, OSH_L7_RULE_NUMBER,
                         "message %" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT, action->message,
                         last != NULL ? last->number : 0);
    return TRUE;
}

static gboolean
check_judged(OshL7Run *run, const OshL7Action *action, guint direction)
{
    const OshL7Message *message;

    if ((action->flags & OSH_L7_FRAMING) != 0) {
        if (action->message == 0)
            return TRUE;
        osh_l7_run_break(run, OSH_L7_RULE_FRAMING, "message %" G_GUINT64_FORMAT, action->message);
        return FALSE;
    }
    if (action->message == 0) {
        if (direction == OSH_SERVER_TO_CLIENT)
            return TRUE;
        osh_l7_run_break(run, OSH_L7_RULE_JUDGED, "no message is named");
        return FALSE;
    }
    message = open_message(run, action);
    if (message == NULL)
        return FALSE;
    if (direction == OSH_SERVER_TO_CLIENT || message->state == OSH_L7_MESSAGE_ALLOWED ||
        (message->state == OSH_L7_MESSAGE_INSPECT && message->begin))
        return TRUE;
    osh_l7_run_break(run, OSH_L7_RULE_JUDGED, "message %" G_GUINT64_FORMAT " %s", action->message,
                     message->state == OSH_L7_MESSAGE_REFUSED ? "was refused" : "was not allowed");
    return FALSE;
}

static gboolean
check_lease(OshL7Run *run, const OshL7Action *action, guint direction, const OshL7Piece *piece)
{
    const OshL7Message *message = osh_l7_run_find(run, action->message);

    if ((action->flags & OSH_L7_FRAMING) != 0)
        osh_l7_run_break(run, OSH_L7_RULE_FRAMING, "a lease in framing");
    else if (direction != OSH_CLIENT_TO_SERVER)
        osh_l7_run_break(run, OSH_L7_RULE_LEASE, "a lease towards the client");
    else if (message == NULL || !g_ptr_array_find(message->leases, piece->lease, NULL))
        osh_l7_run_break(run, OSH_L7_RULE_LEASE,
                         "a lease that message %" G_GUINT64_FORMAT " was not given",
                         action->message);
    return !run->ended;
}

static gboolean
check_content_piece(OshL7Run *run, const OshL7Action *action, const OshL7Piece *piece)
{
    const OshL7Message *message = osh_l7_run_find(run, action->message);

    if ((action->flags & OSH_L7_FRAMING) != 0)
        osh_l7_run_break(run, OSH_L7_RULE_FRAMING, "a content handle in framing");
    else if (message == NULL || !g_ptr_array_find(message->handles, piece->content, NULL))
        osh_l7_run_break(run, OSH_L7_RULE_HANDLE,
                         "a handle that message %" G_GUINT64_FORMAT " was not given",
                         action->message);
    else if (piece->offset > piece->content->length ||
             piece->length > piece->content->length - piece->offset)
        osh_l7_run_break(run, OSH_L7_RULE_RANGE, "a range beyond the end of the content");
    return !run->ended;
}

/* Adds what the piece sends to the sums. */
static gboolean
check_piece(OshL7Run *run, const OshL7Action *action, guint direction, const OshL7Piece *piece,
            gsize *total, gsize *bytes)
{
    if (piece->mask_phase > 3) {
        osh_l7_run_break(run, OSH_L7_RULE_PIECE, "a mask phase of %u", piece->mask_phase);
        return FALSE;
    }
    switch ((OshL7PieceType)piece->type) {
    case OSH_L7_PIECE_BYTES:
        *bytes += piece->bytes.length;
        *total += piece->bytes.length;
        return TRUE;
    case OSH_L7_PIECE_WINDOW:
        *total += piece->length;
        return in_window(run, piece->offset, piece->length);
    case OSH_L7_PIECE_LEASE:
        if (!check_lease(run, action, direction, piece))
            return FALSE;
        *total += strlen(piece->lease->text);
        return TRUE;
    case OSH_L7_PIECE_CONTENT:
        *total += piece->length;
        return check_content_piece(run, action, piece);
    default:
        osh_l7_run_break(run, OSH_L7_RULE_PIECE, "type %u", piece->type);
        return FALSE;
    }
}

static gboolean
check_pieces(OshL7Run *run, const OshL7Action *action, guint direction)
{
    gsize total = 0;
    gsize bytes = 0;

    for (gsize i = 0; i < action->u.send.n_pieces; i++)
        if (!check_piece(run, action, direction, &action->u.send.pieces[i], &total, &bytes))
            return FALSE;
    if (total == 0)
        osh_l7_run_break(run, OSH_L7_RULE_EMPTY, "nothing is sent");
    else if (bytes > OSH_L7_BYTES_MAX)
        osh_l7_run_break(run, OSH_L7_RULE_BYTES, "%zu bytes", bytes);
    return !run->ended;
}

static gboolean
check_emit(OshL7Run *run, const OshL7Action *action)
{
    if (run->left_capacity[action->direction] == 0) {
        osh_l7_run_break(run, OSH_L7_RULE_CAPACITY, "none is left towards the %s",
                         action->direction == OSH_CLIENT_TO_SERVER ? "server" : "client");
        return FALSE;
    }
    return check_judged(run, action, action->direction) &&
           check_pieces(run, action, action->direction);
}

static gboolean
check_slot(OshL7Run *run, const OshL7Action *action)
{
    const OshL7Message *message = osh_l7_run_find(run, action->message);
    const char *fault = NULL;

    if (begins_message(run, action) && run->ended)
        return FALSE;
    if (run->direction != OSH_CLIENT_TO_SERVER)
        fault = "it stands in the server's direction";
    else if (message != NULL && (message->ended || message->asked))
        fault = "its message was asked about before";
    else if (message != NULL && osh_l7_message_has_slot(message, action->u.slot.slot))
        fault = "its number was used";
    else if (action->u.slot.context < OSH_SLOT_HEADER || action->u.slot.context > OSH_SLOT_RAW)
        fault = "it has no context";
    else if (action->u.slot.context != OSH_SLOT_RAW && action->u.slot.forbidden.length > 0)
        fault = "only a RAW slot names forbidden bytes";
    else if (action->u.slot.bytes.length == 0 && action->length == 0)
        fault = "it has no text";
    if (fault != NULL) {
        osh_l7_run_break(run, OSH_L7_RULE_SLOT, "%s", fault);
        return FALSE;
    }
    return action->u.slot.bytes.length > 0 || in_window(run, action->offset, action->length);
}

static const char *
type_word(guint32 type)
{
    static const char *const words[] = {
        [OSH_FACT_STRING] = "string",   [OSH_FACT_INTEGER] = "integer",
        [OSH_FACT_BOOLEAN] = "boolean", [OSH_FACT_STRINGS] = "strings",
        [OSH_FACT_RECORDS] = "records",
    };

    return type < G_N_ELEMENTS(words) && words[type] != NULL ? words[type] : "of no type";
}

/* A value that the vocabulary of the fact does not have, or NULL. */
static char *
foreign_value(const OshFact *fact, const OshL7Declared *declared)
{
    gsize n = fact->type == OSH_FACT_STRINGS ? fact->count : 1;
    const OshSpan *spans =
        fact->type == OSH_FACT_STRINGS ? fact->value.strings : &fact->value.string;

    if (declared->values == NULL ||
        (fact->type != OSH_FACT_STRINGS && fact->type != OSH_FACT_STRING))
        return NULL;
    for (gsize i = 0; i < n; i++) {
        g_autofree char *value =
            g_strndup(spans[i].data != NULL ? spans[i].data : "", spans[i].length);

        if (!g_strv_contains((const char *const *)declared->values, value))
            return g_steal_pointer(&value);
    }
    return NULL;
}

static gboolean
check_fact(OshL7Run *run, const OshFact *fact)
{
    const OshL7Declared *declared;
    g_autofree char *foreign = NULL;

    if (fact->name == NULL) {
        osh_l7_run_break(run, OSH_L7_RULE_FACTS, "a fact without a name");
        return FALSE;
    }
    if (g_str_has_prefix(fact->name, "network.") || g_str_has_prefix(fact->name, "process.")) {
        osh_l7_run_break(run, OSH_L7_RULE_FACTS, "%s is stated by the host alone", fact->name);
        return FALSE;
    }
    if (run->harness->declared == NULL || g_str_has_prefix(fact->name, "request.") ||
        g_str_has_prefix(fact->name, "response."))
        return TRUE;
    declared = g_hash_table_lookup(run->harness->declared, fact->name);
    if (declared == NULL) {
        osh_l7_run_break(run, OSH_L7_RULE_FACTS, "%s is not declared", fact->name);
        return FALSE;
    }
    if (g_strcmp0(declared->type, type_word(fact->type)) != 0) {
        osh_l7_run_break(run, OSH_L7_RULE_FACTS, "%s is declared as %s and stated as %s",
                         fact->name, declared->type, type_word(fact->type));
        return FALSE;
    }
    foreign = foreign_value(fact, declared);
    if (foreign != NULL)
        osh_l7_run_break(run, OSH_L7_RULE_FACTS,
                         "%s is stated as %s, which is not in values=", fact->name, foreign);
    return !run->ended;
}

static gboolean
check_facts(OshL7Run *run, const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++) {
        if (!check_fact(run, &facts->facts[i]))
            return FALSE;
        for (gsize k = 0; k < i; k++)
            if (g_str_equal(facts->facts[i].name, facts->facts[k].name)) {
                osh_l7_run_break(run, OSH_L7_RULE_FACTS, "%s is stated twice",
                                 facts->facts[i].name);
                return FALSE;
            }
    }
    return TRUE;
}

/* An ASK for the client states the fact that is the protocol's action. */
static gboolean
states_action(OshL7Run *run, const OshFacts *facts)
{
    if (run->harness->action == NULL || run->direction != OSH_CLIENT_TO_SERVER)
        return TRUE;
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, run->harness->action))
            return TRUE;
    osh_l7_run_break(run, OSH_L7_RULE_FACTS, "%s, the action of the protocol, is not stated",
                     run->harness->action);
    return FALSE;
}

static gboolean
check_ask(OshL7Run *run, const OshL7Action *action)
{
    const OshL7Message *message = osh_l7_run_find(run, action->message);

    if (run->direction == OSH_CLIENT_TO_SERVER && begins_message(run, action)) {
        if (run->ended)
            return FALSE;
    } else {
        message = open_message(run, action);
        if (message == NULL)
            return FALSE;
        if (message->question) {
            osh_l7_run_break(run, OSH_L7_RULE_QUESTION, "message %" G_GUINT64_FORMAT,
                             action->message);
            return FALSE;
        }
        if (run->direction == OSH_CLIENT_TO_SERVER ? message->state != OSH_L7_MESSAGE_NEW
                                                   : message->state != OSH_L7_MESSAGE_ALLOWED) {
            osh_l7_run_break(run, OSH_L7_RULE_ASKED, "message %" G_GUINT64_FORMAT, action->message);
            return FALSE;
        }
    }
    return check_facts(run, &action->u.ask.facts) && states_action(run, &action->u.ask.facts);
}

static gboolean
check_content(OshL7Run *run, const OshL7Action *action)
{
    const OshL7Message *message = open_message(run, action);
    const char *fault = NULL;

    if (message == NULL)
        return FALSE;
    if (message->question) {
        osh_l7_run_break(run, OSH_L7_RULE_QUESTION, "message %" G_GUINT64_FORMAT, action->message);
        return FALSE;
    }
    if (message->state != OSH_L7_MESSAGE_INSPECT)
        fault = "it was not asked for";
    else if (action->u.content.media_type == NULL)
        fault = "it has no media type; \"\" says that it is unknown";
    else if (message->contents->len > 0 &&
             g_array_index(message->contents, OshL7ContentAnswer, 0).content !=
                 action->u.content.content)
        fault = "another content had not ended";
    if (fault != NULL) {
        osh_l7_run_break(run, OSH_L7_RULE_CONTENT, "%s", fault);
        return FALSE;
    }
    return action->u.content.bytes.length > 0 || in_window(run, action->offset, action->length);
}

static gboolean
check_deny(OshL7Run *run, const OshL7Action *action)
{
    gboolean connection = (action->flags & OSH_L7_CONNECTION) != 0;
    const OshL7Message *message;

    if (action->u.deny.reason == NULL || action->u.deny.reason[0] == '\0') {
        osh_l7_run_break(run, OSH_L7_RULE_DENY, "it has no reason");
        return FALSE;
    }
    if (!check_facts(run, &action->u.deny.facts))
        return FALSE;
    if (connection && action->message == 0)
        return TRUE;
    if (begins_message(run, action))
        return !run->ended;
    message = open_message(run, action);
    if (message == NULL)
        return FALSE;
    if (message->state == OSH_L7_MESSAGE_REFUSED || message->state == OSH_L7_MESSAGE_FAILED)
        osh_l7_run_break(run, OSH_L7_RULE_DENY, "message %" G_GUINT64_FORMAT " was refused already",
                         action->message);
    else if (message->question && !connection)
        osh_l7_run_break(run, OSH_L7_RULE_QUESTION, "message %" G_GUINT64_FORMAT, action->message);
    return !run->ended;
}

static gboolean
check_end_of_message(OshL7Run *run, const OshL7Action *action)
{
    const OshL7Message *message = open_message(run, action);

    if (message == NULL)
        return FALSE;
    if (action->type == OSH_L7_DONE && message->question)
        osh_l7_run_break(run, OSH_L7_RULE_DONE, "message %" G_GUINT64_FORMAT " waits for an answer",
                         action->message);
    if (action->type == OSH_L7_CANCEL && !message->question)
        osh_l7_run_break(run, OSH_L7_RULE_CANCEL, "message %" G_GUINT64_FORMAT, action->message);
    return !run->ended;
}

static gboolean
check_boundary(OshL7Run *run, const OshL7Action *action)
{
    gboolean named = action->type == OSH_L7_UPGRADE && action->message != 0;
    const OshL7Message *upgraded = named ? open_message(run, action) : NULL;

    if (run->ended)
        return FALSE;
    if ((action->type == OSH_L7_RETARGET || action->type == OSH_L7_UPGRADE) &&
        action->offset != run->released) {
        osh_l7_run_break(run, OSH_L7_RULE_ORDER,
                         "an offset of %" G_GUINT64_FORMAT " where %zu bytes were released",
                         action->offset, run->released);
        return FALSE;
    }
    if (upgraded != NULL && (upgraded->state != OSH_L7_MESSAGE_ALLOWED || upgraded->question)) {
        osh_l7_run_break(run, OSH_L7_RULE_JUDGED, "an UPGRADE that was not allowed");
        return FALSE;
    }
    for (guint i = 0; i < run->messages->len; i++) {
        const OshL7Message *message = g_ptr_array_index(run->messages, i);

        if (!message->ended && message != upgraded) {
            osh_l7_run_break(run, OSH_L7_RULE_BOUNDARY, "message %" G_GUINT64_FORMAT " is open",
                             message->number);
            return FALSE;
        }
    }
    if (action->type == OSH_L7_START_TLS && !run->harness->connection.may_start_tls)
        osh_l7_run_break(run, OSH_L7_RULE_TLS, "it is FALSE here");
    if (action->type == OSH_L7_OPAQUE && !run->harness->connection.may_be_opaque)
        osh_l7_run_break(run, OSH_L7_RULE_OPAQUE, "it is FALSE here");
    return !run->ended;
}

gboolean
osh_l7_run_check(OshL7Run *run, const OshL7Action *actions, gsize index, gsize n)
{
    const OshL7Action *action = &actions[index];

    if (!check_shape(run, action))
        return FALSE;
    if (ends_list(action) && index + 1 < n) {
        osh_l7_run_break(run, OSH_L7_RULE_LAST, "%zu actions follow type %u", n - index - 1,
                         action->type);
        return FALSE;
    }
    switch ((OshL7ActionType)action->type) {
    case OSH_L7_MORE:
    case OSH_L7_END:
        return TRUE;
    case OSH_L7_PASS:
        return check_release(run, action) && check_judged(run, action, run->direction);
    case OSH_L7_REPLACE:
        return check_release(run, action) && check_judged(run, action, run->direction) &&
               check_pieces(run, action, run->direction);
    case OSH_L7_DROP:
        return check_release(run, action) &&
               (action->message == 0 || open_message(run, action) != NULL);
    case OSH_L7_EMIT:
        return check_emit(run, action);
    case OSH_L7_SLOT:
        return check_slot(run, action);
    case OSH_L7_CONTENT:
        return check_content(run, action);
    case OSH_L7_ASK:
        return check_ask(run, action);
    case OSH_L7_DENY:
        return check_deny(run, action);
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
        return check_end_of_message(run, action);
    case OSH_L7_RETARGET:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    default:
        return check_boundary(run, action);
    }
}
