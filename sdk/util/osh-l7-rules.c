/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-rules.c: %OSH_L7_RULES held against one action, before anything of it is carried out. A
 * function here changes nothing of a ledger but its detail.
 */
#include "osh-l7-ledger.h"

#include <string.h>

#define KEPT       OSH_L7_N_RULES
#define NUMBER_OF  "message %" G_GUINT64_FORMAT
#define RANGE_TEXT "%" G_GUINT64_FORMAT " bytes at %" G_GUINT64_FORMAT

static const struct {
    const char *name;
    const char *words;
} rules[] = {
#define ROW(symbol, name, words) [OSH_L7_RULE_##symbol] = {name, words},
    OSH_L7_RULES(ROW)
#undef ROW
};

const char *
osh_l7_rule_name(OshL7Rule rule)
{
    return rule < OSH_L7_N_RULES ? rules[rule].name : "none";
}

const char *
osh_l7_rule_words(OshL7Rule rule)
{
    return rule < OSH_L7_N_RULES ? rules[rule].words : "no rule was broken";
}

/* Returns: @rule, with what broke it in the detail. */
static OshL7Rule G_GNUC_PRINTF(3, 4)
    broken(OshL7Ledger *ledger, OshL7Rule rule, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_vsnprintf(ledger->detail, sizeof ledger->detail, format, arguments);
    va_end(arguments);
    return rule;
}

/* --- Shape and place ---------------------------------------------------------------------------
 */

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

static OshL7Rule
check_shape(OshL7Ledger *ledger, const OshL7Action *action)
{
    if (action->type >= G_N_ELEMENTS(flags_of))
        return broken(ledger, OSH_L7_RULE_SHAPE, "type %u", action->type);
    if ((action->flags & ~flags_of[action->type]) != 0)
        return broken(ledger, OSH_L7_RULE_SHAPE, "type %u has flags 0x%x", action->type,
                      action->flags);
    if (action->type == OSH_L7_EMIT && action->direction > OSH_SERVER_TO_CLIENT)
        return broken(ledger, OSH_L7_RULE_SHAPE, "an EMIT in direction %u", action->direction);
    if (action->type == OSH_L7_RETARGET &&
        (action->u.retarget.host == NULL || action->u.retarget.port == 0 ||
         action->u.retarget.port > 65535 || ledger->direction != OSH_CLIENT_TO_SERVER))
        return broken(ledger, OSH_L7_RULE_SHAPE,
                      "RETARGET needs a host and a port, for the client");
    if (action->type == OSH_L7_UPGRADE && action->u.upgrade.protocol == NULL)
        return broken(ledger, OSH_L7_RULE_SHAPE, "UPGRADE needs a protocol");
    return KEPT;
}

static gboolean
ends_list(const OshL7Action *action)
{
    static const guint32 always = 1u << OSH_L7_MORE | 1u << OSH_L7_RETARGET |
                                  1u << OSH_L7_START_TLS | 1u << OSH_L7_UPGRADE |
                                  1u << OSH_L7_OPAQUE | 1u << OSH_L7_END;

    return (always & 1u << action->type) != 0 ||
           (action->flags & (OSH_L7_PAUSES | OSH_L7_CONNECTION)) != 0;
}

static OshL7Rule
check_in_window(OshL7Ledger *ledger, guint64 offset, guint64 length)
{
    if (offset <= ledger->window.length && length <= ledger->window.length - offset)
        return KEPT;
    return broken(ledger, OSH_L7_RULE_RANGE, RANGE_TEXT " of a window of %zu", length, offset,
                  ledger->window.length);
}

static OshL7Rule
check_order(OshL7Ledger *ledger, const OshL7Action *action)
{
    if (action->offset == ledger->released)
        return KEPT;
    return broken(ledger, OSH_L7_RULE_ORDER,
                  "an offset of %" G_GUINT64_FORMAT " where %zu bytes were released",
                  action->offset, ledger->released);
}

static OshL7Rule
check_release(OshL7Ledger *ledger, const OshL7Action *action)
{
    OshL7Rule rule = check_order(ledger, action);

    if (rule == KEPT && action->length == 0)
        rule = broken(ledger, OSH_L7_RULE_EMPTY, "a release of no bytes");
    return rule == KEPT ? check_in_window(ledger, action->offset, action->length) : rule;
}

/* --- Messages ----------------------------------------------------------------------------------
 */

static OshL7Rule
check_open(OshL7Ledger *ledger, guint64 number, const OshL7LedgerEntry **ret_entry)
{
    *ret_entry = osh_l7_ledger_find(ledger, number);
    if (*ret_entry != NULL)
        return KEPT;
    return broken(ledger, OSH_L7_RULE_OPEN, NUMBER_OF " %s", number,
                  number != 0 && number <= ledger->last ? "has ended" : "was not begun");
}

/* A message that is open, or one that begins. @ret_entry: NULL where it begins. */
static OshL7Rule
check_may_begin(OshL7Ledger *ledger, guint64 number, const OshL7LedgerEntry **ret_entry)
{
    *ret_entry = osh_l7_ledger_find(ledger, number);
    if (*ret_entry != NULL || number > ledger->last)
        return KEPT;
    return broken(ledger, OSH_L7_RULE_NUMBER, NUMBER_OF " after %" G_GUINT64_FORMAT, number,
                  ledger->last);
}

static OshL7Rule
check_judged(OshL7Ledger *ledger, const OshL7Action *action, guint direction)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule;

    if ((action->flags & OSH_L7_FRAMING) != 0)
        return action->message == 0
                   ? KEPT
                   : broken(ledger, OSH_L7_RULE_FRAMING, NUMBER_OF, action->message);
    if (action->message == 0)
        return direction == OSH_SERVER_TO_CLIENT
                   ? KEPT
                   : broken(ledger, OSH_L7_RULE_JUDGED, "no message is named");
    rule = check_open(ledger, action->message, &entry);
    if (rule != KEPT || direction == OSH_SERVER_TO_CLIENT ||
        entry->judgement == OSH_L7_JUDGEMENT_ALLOWED ||
        (entry->judgement == OSH_L7_JUDGEMENT_INSPECT && entry->begins))
        return rule;
    return broken(ledger, OSH_L7_RULE_JUDGED, NUMBER_OF " %s", action->message,
                  entry->judgement == OSH_L7_JUDGEMENT_REFUSED ? "was refused" : "was not allowed");
}

/* --- Pieces ------------------------------------------------------------------------------------
 */

static OshL7Rule
check_lease(OshL7Ledger *ledger, const OshL7Action *action, guint direction,
            const OshL7Piece *piece, gsize *total)
{
    const OshL7LedgerEntry *entry = osh_l7_ledger_find(ledger, action->message);
    guint64 length;

    if ((action->flags & OSH_L7_FRAMING) != 0)
        return broken(ledger, OSH_L7_RULE_FRAMING, "a lease in framing");
    if (direction != OSH_CLIENT_TO_SERVER)
        return broken(ledger, OSH_L7_RULE_LEASE, "a lease towards the client");
    if (entry == NULL || !osh_l7_ledger_granted(entry, piece->lease, &length))
        return broken(ledger, OSH_L7_RULE_LEASE, "a lease that " NUMBER_OF " was not given",
                      action->message);
    *total += length;
    return KEPT;
}

static OshL7Rule
check_content_piece(OshL7Ledger *ledger, const OshL7Action *action, guint direction,
                    const OshL7Piece *piece)
{
    const OshL7LedgerEntry *entry = osh_l7_ledger_find(ledger, action->message);
    guint64 length;

    if ((action->flags & OSH_L7_FRAMING) != 0)
        return broken(ledger, OSH_L7_RULE_FRAMING, "a content handle in framing");
    if (entry == NULL || !osh_l7_ledger_granted(entry, piece->content, &length))
        return broken(ledger, OSH_L7_RULE_HANDLE, "a handle that " NUMBER_OF " was not given",
                      action->message);
    /* That of a request may hold what a lease stands for. */
    if (osh_l7_ledger_is_response(entry, piece->content) != (direction == OSH_SERVER_TO_CLIENT))
        return broken(ledger, OSH_L7_RULE_HANDLE, "a content handle towards the %s",
                      direction == OSH_SERVER_TO_CLIENT ? "client" : "server");
    if (piece->offset > length || piece->length > length - piece->offset)
        return broken(ledger, OSH_L7_RULE_RANGE, "a range beyond the end of the content");
    return KEPT;
}

/* Adds what the piece sends to the sums. */
static OshL7Rule
check_piece(OshL7Ledger *ledger, const OshL7Action *action, guint direction,
            const OshL7Piece *piece, gsize *total, gsize *bytes)
{
    if (piece->mask_phase > 3)
        return broken(ledger, OSH_L7_RULE_PIECE, "a mask phase of %u", piece->mask_phase);
    switch ((OshL7PieceType)piece->type) {
    case OSH_L7_PIECE_BYTES:
        *bytes += piece->bytes.length;
        *total += piece->bytes.length;
        return KEPT;
    case OSH_L7_PIECE_WINDOW:
        *total += piece->length;
        return check_in_window(ledger, piece->offset, piece->length);
    case OSH_L7_PIECE_LEASE:
        return check_lease(ledger, action, direction, piece, total);
    case OSH_L7_PIECE_CONTENT:
        *total += piece->length;
        return check_content_piece(ledger, action, direction, piece);
    default:
        return broken(ledger, OSH_L7_RULE_PIECE, "type %u", piece->type);
    }
}

static OshL7Rule
check_pieces(OshL7Ledger *ledger, const OshL7Action *action, guint direction)
{
    gsize total = 0;
    gsize bytes = 0;

    for (gsize i = 0; i < action->u.send.n_pieces; i++) {
        OshL7Rule rule =
            check_piece(ledger, action, direction, &action->u.send.pieces[i], &total, &bytes);

        if (rule != KEPT)
            return rule;
    }
    if (total == 0)
        return broken(ledger, OSH_L7_RULE_EMPTY, "nothing is sent");
    return bytes > OSH_L7_BYTES_MAX ? broken(ledger, OSH_L7_RULE_BYTES, "%zu bytes", bytes) : KEPT;
}

static OshL7Rule
check_send(OshL7Ledger *ledger, const OshL7Action *action, guint direction)
{
    OshL7Rule rule = check_judged(ledger, action, direction);

    return rule == KEPT && action->type != OSH_L7_PASS ? check_pieces(ledger, action, direction)
                                                       : rule;
}

static OshL7Rule
check_emit(OshL7Ledger *ledger, const OshL7Action *action)
{
    if (ledger->capacity[action->direction] == 0)
        return broken(ledger, OSH_L7_RULE_CAPACITY, "none is left towards the %s",
                      action->direction == OSH_CLIENT_TO_SERVER ? "server" : "client");
    return check_send(ledger, action, action->direction);
}

/* --- Facts -------------------------------------------------------------------------------------
 */

static const char *
type_word(guint type)
{
    static const char *const words[] = {
        [OSH_FACT_STRING] = "string",   [OSH_FACT_INTEGER] = "integer",
        [OSH_FACT_BOOLEAN] = "boolean", [OSH_FACT_STRINGS] = "strings",
        [OSH_FACT_RECORDS] = "records",
    };

    return type < G_N_ELEMENTS(words) && words[type] != NULL ? words[type] : "of no type";
}

static gboolean
is_among(char **values, OshSpan span)
{
    for (char **value = values; *value != NULL; value++)
        if (strlen(*value) == span.length &&
            (span.length == 0 || memcmp(*value, span.data, span.length) == 0))
            return TRUE;
    return FALSE;
}

/* Every value is of the vocabulary that is declared. */
static OshL7Rule
check_vocabulary(OshL7Ledger *ledger, const OshFact *fact, const OshL7DeclaredFact *declared)
{
    gsize n = fact->type == OSH_FACT_STRINGS ? fact->count : 1;
    const OshSpan *spans =
        fact->type == OSH_FACT_STRINGS ? fact->value.strings : &fact->value.string;

    if (declared->values == NULL ||
        (fact->type != OSH_FACT_STRINGS && fact->type != OSH_FACT_STRING))
        return KEPT;
    for (gsize i = 0; i < n; i++)
        if (!is_among(declared->values, spans[i]))
            return broken(ledger, OSH_L7_RULE_FACTS,
                          "%s is stated as %.*s, which is not in values=", fact->name,
                          (int)MIN(spans[i].length, 40), spans[i].length > 0 ? spans[i].data : "");
    return KEPT;
}

static OshL7Rule
check_fact(OshL7Ledger *ledger, const OshFact *fact)
{
    const OshL7DeclaredFact *declared;

    if (fact->name == NULL)
        return broken(ledger, OSH_L7_RULE_FACTS, "a fact without a name");
    if (g_str_has_prefix(fact->name, "network.") || g_str_has_prefix(fact->name, "process.") ||
        g_str_equal(fact->name, OSH_FACT_REQUEST_PROTOCOL))
        return broken(ledger, OSH_L7_RULE_FACTS, "%s is stated by the host alone", fact->name);
    if (ledger->declared == NULL || g_str_has_prefix(fact->name, "request.") ||
        g_str_has_prefix(fact->name, "response."))
        return KEPT;
    declared = osh_l7_declaration_fact(ledger->declared, fact->name);
    if (declared == NULL)
        return broken(ledger, OSH_L7_RULE_FACTS, "%s is not declared", fact->name);
    if (declared->type != fact->type)
        return broken(ledger, OSH_L7_RULE_FACTS, "%s is declared as %s and stated as %s",
                      fact->name, type_word(declared->type), type_word(fact->type));
    return check_vocabulary(ledger, fact, declared);
}

static OshL7Rule
check_facts(OshL7Ledger *ledger, const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++) {
        OshL7Rule rule = check_fact(ledger, &facts->facts[i]);

        if (rule != KEPT)
            return rule;
        for (gsize k = 0; k < i; k++)
            if (g_str_equal(facts->facts[i].name, facts->facts[k].name))
                return broken(ledger, OSH_L7_RULE_FACTS, "%s is stated twice",
                              facts->facts[i].name);
    }
    return KEPT;
}

/* An ASK about a new message states the fact that is the protocol's action. */
static OshL7Rule
check_states_action(OshL7Ledger *ledger, const OshFacts *facts)
{
    const char *action = ledger->declared != NULL ? ledger->declared->action : NULL;

    if (action == NULL)
        return KEPT;
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, action))
            return KEPT;
    return broken(ledger, OSH_L7_RULE_FACTS, "%s, the action of the protocol, is not stated",
                  action);
}

/* --- Questions ---------------------------------------------------------------------------------
 */

static OshL7Rule
check_slot(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule = check_may_begin(ledger, action->message, &entry);
    const char *fault = NULL;

    if (rule != KEPT)
        return rule;
    if (ledger->direction != OSH_CLIENT_TO_SERVER)
        fault = "it stands in the server's direction";
    else if (entry != NULL && (entry->asked || entry->judgement != OSH_L7_JUDGEMENT_NONE))
        fault = "its message was asked about before";
    else if (action->u.slot.context < OSH_SLOT_HEADER || action->u.slot.context > OSH_SLOT_RAW)
        fault = "it has no context";
    else if (action->u.slot.context != OSH_SLOT_RAW && action->u.slot.forbidden.length > 0)
        fault = "only a RAW slot names forbidden bytes";
    else if (action->u.slot.bytes.length == 0 && action->length == 0)
        fault = "it has no text";
    for (guint i = 0; entry != NULL && entry->slots != NULL && i < entry->slots->len; i++)
        if (g_array_index(entry->slots, guint64, i) == action->u.slot.slot)
            fault = "its number was used";
    if (fault != NULL)
        return broken(ledger, OSH_L7_RULE_SLOT, "%s", fault);
    return action->u.slot.bytes.length > 0
               ? KEPT
               : check_in_window(ledger, action->offset, action->length);
}

static OshL7Rule
check_asked_before(OshL7Ledger *ledger, const OshL7LedgerEntry *entry)
{
    OshL7Judgement needed = ledger->direction == OSH_CLIENT_TO_SERVER ? OSH_L7_JUDGEMENT_NONE
                                                                      : OSH_L7_JUDGEMENT_ALLOWED;

    if (entry->question)
        return broken(ledger, OSH_L7_RULE_QUESTION, NUMBER_OF, entry->number);
    return entry->judgement == needed ? KEPT
                                      : broken(ledger, OSH_L7_RULE_ASKED, NUMBER_OF, entry->number);
}

static OshL7Rule
check_ask(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule = check_may_begin(ledger, action->message, &entry);

    if (rule == KEPT && entry != NULL)
        rule = check_asked_before(ledger, entry);
    if (rule == KEPT)
        rule = check_facts(ledger, &action->u.ask.facts);
    return rule == KEPT && (entry == NULL || ledger->direction == OSH_CLIENT_TO_SERVER)
               ? check_states_action(ledger, &action->u.ask.facts)
               : rule;
}

/* Returns: (nullable): what is wrong with a content of a response. */
static const char *
response_fault(const OshL7LedgerEntry *entry, const OshL7Action *action)
{
    if (entry->judgement != OSH_L7_JUDGEMENT_ALLOWED || !entry->responds)
        return "that of a response was not asked for";
    if (action->u.content.media_type == NULL)
        return "it has no media type; \"\" says that it is unknown";
    /* Before it comes its head. */
    if ((action->flags & OSH_L7_LAST) == 0 &&
        (entry->response > 0 || action->length > 0 || action->u.content.bytes.length > 0))
        return "that of a response is marked whole";
    return action->u.content.content <= entry->response ? "its number was used" : NULL;
}

static const char *
request_fault(const OshL7LedgerEntry *entry, const OshL7Action *action)
{
    if (entry->judgement != OSH_L7_JUDGEMENT_INSPECT)
        return "it was not asked for";
    if (action->u.content.media_type == NULL)
        return "it has no media type; \"\" says that it is unknown";
    if (entry->has_content && entry->content != action->u.content.content)
        return "another content had not ended";
    return entry->has_content && action->u.content.facts.n_facts > 0
               ? "facts of the head stand with the first piece"
               : NULL;
}

static OshL7Rule
check_content(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule = check_open(ledger, action->message, &entry);
    const char *fault = NULL;

    if (rule != KEPT)
        return rule;
    if (entry->question)
        return broken(ledger, OSH_L7_RULE_QUESTION, NUMBER_OF, action->message);
    fault = ledger->direction == OSH_SERVER_TO_CLIENT ? response_fault(entry, action)
                                                      : request_fault(entry, action);
    if (fault != NULL)
        return broken(ledger, OSH_L7_RULE_CONTENT, "%s", fault);
    rule = check_facts(ledger, &action->u.content.facts);
    if (rule != KEPT)
        return rule;
    return action->u.content.bytes.length > 0
               ? KEPT
               : check_in_window(ledger, action->offset, action->length);
}

/* --- Ends --------------------------------------------------------------------------------------
 */

static OshL7Rule
check_deny(OshL7Ledger *ledger, const OshL7Action *action)
{
    gboolean connection = (action->flags & OSH_L7_CONNECTION) != 0;
    const OshL7LedgerEntry *entry;
    OshL7Rule rule;

    if (action->u.deny.reason == NULL || action->u.deny.reason[0] == '\0')
        return broken(ledger, OSH_L7_RULE_DENY, "it has no reason");
    rule = check_facts(ledger, &action->u.deny.facts);
    if (rule != KEPT || (connection && action->message == 0))
        return rule;
    rule = check_may_begin(ledger, action->message, &entry);
    if (rule != KEPT || entry == NULL)
        return rule;
    if (entry->judgement == OSH_L7_JUDGEMENT_REFUSED)
        return broken(ledger, OSH_L7_RULE_DENY, NUMBER_OF " was refused already", action->message);
    return entry->question && !connection
               ? broken(ledger, OSH_L7_RULE_QUESTION, NUMBER_OF, action->message)
               : KEPT;
}

static OshL7Rule
check_end_of_message(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule = check_open(ledger, action->message, &entry);

    if (rule != KEPT)
        return rule;
    if (action->type == OSH_L7_DONE && entry->question)
        return broken(ledger, OSH_L7_RULE_DONE, NUMBER_OF " waits for an answer", action->message);
    if (action->type == OSH_L7_CANCEL && !entry->question)
        return broken(ledger, OSH_L7_RULE_CANCEL, NUMBER_OF, action->message);
    return KEPT;
}

static OshL7Rule
check_boundary(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *upgraded = NULL;
    OshL7Rule rule = KEPT;

    if (action->type == OSH_L7_UPGRADE && action->message != 0)
        rule = check_open(ledger, action->message, &upgraded);
    if (rule == KEPT && (action->type == OSH_L7_RETARGET || action->type == OSH_L7_UPGRADE))
        rule = check_order(ledger, action);
    if (rule != KEPT)
        return rule;
    if (upgraded != NULL && (upgraded->judgement != OSH_L7_JUDGEMENT_ALLOWED || upgraded->question))
        return broken(ledger, OSH_L7_RULE_JUDGED, "an UPGRADE that was not allowed");
    for (guint i = 0; i < ledger->entries->len; i++) {
        const OshL7LedgerEntry *entry = &g_array_index(ledger->entries, OshL7LedgerEntry, i);

        if (entry != upgraded)
            return broken(ledger, OSH_L7_RULE_BOUNDARY, NUMBER_OF " is open", entry->number);
    }
    if (action->type == OSH_L7_START_TLS && !ledger->may_start_tls)
        return broken(ledger, OSH_L7_RULE_TLS, "it is FALSE here");
    if (action->type == OSH_L7_OPAQUE && !ledger->may_be_opaque)
        return broken(ledger, OSH_L7_RULE_OPAQUE, "it is FALSE here");
    if (action->type == OSH_L7_RETARGET && !ledger->may_retarget)
        return broken(ledger, OSH_L7_RULE_RETARGET, "it is FALSE here");
    return KEPT;
}

static OshL7Rule
check_type(OshL7Ledger *ledger, const OshL7Action *action)
{
    const OshL7LedgerEntry *entry;
    OshL7Rule rule;

    switch ((OshL7ActionType)action->type) {
    case OSH_L7_MORE:
    case OSH_L7_END:
        return KEPT;
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
        rule = check_release(ledger, action);
        return rule == KEPT ? check_send(ledger, action, ledger->direction) : rule;
    case OSH_L7_DROP:
        rule = check_release(ledger, action);
        return rule == KEPT && action->message != 0 ? check_open(ledger, action->message, &entry)
                                                    : rule;
    case OSH_L7_EMIT:
        return check_emit(ledger, action);
    case OSH_L7_SLOT:
        return check_slot(ledger, action);
    case OSH_L7_CONTENT:
        return check_content(ledger, action);
    case OSH_L7_ASK:
        return check_ask(ledger, action);
    case OSH_L7_DENY:
        return check_deny(ledger, action);
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
        return check_end_of_message(ledger, action);
    case OSH_L7_RETARGET:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    default:
        return check_boundary(ledger, action);
    }
}

OshL7Rule
osh_l7_ledger_check(OshL7Ledger *ledger, const OshL7Action *actions, gsize index, gsize n)
{
    const OshL7Action *action = &actions[index];
    OshL7Rule rule = check_shape(ledger, action);

    if (rule != KEPT)
        return rule;
    if (ends_list(action) && index + 1 < n)
        return broken(ledger, OSH_L7_RULE_LAST, "%zu actions follow type %u", n - index - 1,
                      action->type);
    return check_type(ledger, action);
}
