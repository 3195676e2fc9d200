/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry.c: what an action does, each after the rules that it must keep. [shard]
 */
#include "driver-private.h"

static gboolean
is_in_window(const OshDriver *driver, guint64 offset, guint64 length)
{
    return offset <= driver->window.length && length <= driver->window.length - offset;
}

static OshLeg *
leg_towards(OshDriver *driver, guint direction)
{
    return &driver->sides[1 - direction].leg;
}

/* Returns: the rule that @piece breaks. Adds what it sends. */
static OshBrokenRule
check_piece(const OshDriver *driver, const OshL7Piece *piece, gsize *total, gsize *bytes)
{
    if (piece->mask_phase > 3)
        return OSH_BROKEN_PIECE;
    switch ((OshL7PieceType)piece->type) {
    case OSH_L7_PIECE_BYTES:
        *bytes += piece->bytes.length;
        *total += piece->bytes.length;
        return OSH_RULES_KEPT;
    case OSH_L7_PIECE_WINDOW:
        *total += piece->length;
        return is_in_window(driver, piece->offset, piece->length) ? OSH_RULES_KEPT
                                                                  : OSH_BROKEN_RANGE;
    case OSH_L7_PIECE_LEASE:
        return OSH_BROKEN_LEASE;
    case OSH_L7_PIECE_CONTENT:
        return OSH_BROKEN_HANDLE;
    default:
        return OSH_BROKEN_PIECE;
    }
}

static OshBrokenRule
check_pieces(const OshDriver *driver, const OshL7Action *action, gsize *ret_total)
{
    gsize bytes = 0;

    *ret_total = 0;
    for (gsize i = 0; i < action->u.send.n_pieces; i++) {
        OshBrokenRule rule = check_piece(driver, &action->u.send.pieces[i], ret_total, &bytes);

        if (rule != OSH_RULES_KEPT)
            return rule;
    }
    if (*ret_total == 0)
        return OSH_BROKEN_EMPTY;
    return bytes > OSH_L7_BYTES_MAX ? OSH_BROKEN_BYTES : OSH_RULES_KEPT;
}

static void
send_pieces(OshDriver *driver, const OshL7Action *action, guint direction)
{
    OshLeg *leg = leg_towards(driver, direction);

    for (gsize i = 0; i < action->u.send.n_pieces; i++) {
        const OshL7Piece *piece = &action->u.send.pieces[i];
        OshSpan span = piece->type == OSH_L7_PIECE_BYTES
                           ? piece->bytes
                           : (OshSpan){driver->window.data + piece->offset, piece->length};

        if (piece->has_mask)
            osh_leg_send_masked(leg, (const guint8 *)span.data, span.length, piece->mask,
                                piece->mask_phase);
        else
            osh_leg_send(leg, span.data, span.length);
    }
}

static OshBrokenRule
check_release(const OshDriver *driver, const OshL7Action *action)
{
    if (action->offset != driver->released)
        return OSH_BROKEN_ORDER;
    if (action->length == 0)
        return OSH_BROKEN_EMPTY;
    return is_in_window(driver, action->offset, action->length) ? OSH_RULES_KEPT : OSH_BROKEN_RANGE;
}

/* PASS, REPLACE, DROP */
static OshBrokenRule
carry_release(OshDriver *driver, const OshL7Action *action)
{
    OshBrokenRule rule = check_release(driver, action);
    gsize total;

    if (rule != OSH_RULES_KEPT)
        return rule;
    if (action->type == OSH_L7_DROP) {
        if (action->message != 0 && osh_messages_find(&driver->messages, action->message) == NULL)
            return OSH_BROKEN_OPEN;
        driver->released += action->length;
        return OSH_RULES_KEPT;
    }
    rule = osh_messages_check_send(&driver->messages, action, driver->direction);
    if (rule == OSH_RULES_KEPT && action->type == OSH_L7_REPLACE)
        rule = check_pieces(driver, action, &total);
    if (rule != OSH_RULES_KEPT)
        return rule;
    if (action->type == OSH_L7_REPLACE)
        send_pieces(driver, action, driver->direction);
    else
        osh_leg_send(leg_towards(driver, driver->direction), driver->window.data + action->offset,
                     action->length);
    driver->released += action->length;
    return OSH_RULES_KEPT;
}

static OshBrokenRule
carry_emit(OshDriver *driver, const OshL7Action *action)
{
    OshBrokenRule rule;
    gsize total;

    if (action->direction > OSH_SERVER_TO_CLIENT)
        return OSH_BROKEN_SHAPE;
    if (driver->capacity[action->direction] == 0)
        return OSH_BROKEN_CAPACITY;
    rule = osh_messages_check_send(&driver->messages, action, action->direction);
    if (rule == OSH_RULES_KEPT)
        rule = check_pieces(driver, action, &total);
    if (rule != OSH_RULES_KEPT)
        return rule;
    send_pieces(driver, action, action->direction);
    driver->capacity[action->direction] -= MIN(driver->capacity[action->direction], total);
    return OSH_RULES_KEPT;
}

static OshBrokenRule
carry_ask(OshDriver *driver, const OshL7Action *action)
{
    OshMessage *message = osh_messages_find(&driver->messages, action->message);

    if (message == NULL) {
        if (driver->direction != OSH_CLIENT_TO_SERVER)
            return OSH_BROKEN_OPEN;
        message = osh_messages_begin(&driver->messages, action->message);
        if (message == NULL)
            return OSH_BROKEN_NUMBER;
    } else if (message->question) {
        return OSH_BROKEN_QUESTION;
    } else if (driver->direction == OSH_CLIENT_TO_SERVER || message->state != OSH_MESSAGE_ALLOWED) {
        return OSH_BROKEN_ASKED;
    }
    message->question = TRUE;
    message->direction = driver->direction;
    if ((action->flags & OSH_L7_PAUSES) != 0)
        driver->sides[driver->direction].paused_by = message->number;
    osh_driver_ask(driver, message, &action->u.ask.facts);
    return OSH_RULES_KEPT;
}

static void
forget_question(OshDriver *driver, guint64 number)
{
    for (guint i = 0; i < 2; i++)
        if (driver->sides[i].paused_by == number)
            driver->sides[i].paused_by = 0;
    for (guint i = 0; i < driver->due->len; i++)
        if (g_array_index(driver->due, guint64, i) == number)
            g_array_remove_index(driver->due, i--);
}

/* DONE, CANCEL */
static OshBrokenRule
carry_end_of_message(OshDriver *driver, const OshL7Action *action)
{
    OshMessage *message = osh_messages_find(&driver->messages, action->message);

    if (message == NULL)
        return OSH_BROKEN_OPEN;
    if (action->type == OSH_L7_DONE && message->question)
        return OSH_BROKEN_DONE;
    if (action->type == OSH_L7_CANCEL && !message->question)
        return OSH_BROKEN_CANCEL;
    if (action->type == OSH_L7_CANCEL)
        forget_question(driver, message->number);
    else
        osh_driver_done(driver, message, action);
    osh_messages_end(&driver->messages, message);
    return OSH_RULES_KEPT;
}

/* Returns: whether the client may have got a part of a response. */
static gboolean
is_answering(const OshDriver *driver)
{
    for (guint i = 0; i < driver->messages.open->len; i++)
        if (g_array_index(driver->messages.open, OshMessage, i).state == OSH_MESSAGE_ALLOWED)
            return TRUE;
    return FALSE;
}

static OshBrokenRule
carry_deny(OshDriver *driver, const OshL7Action *action)
{
    OshMessage *message = NULL;

    if (action->u.deny.reason == NULL || action->u.deny.reason[0] == '\0')
        return OSH_BROKEN_DENY;
    if (action->message != 0) {
        message = osh_messages_find(&driver->messages, action->message);
        if (message == NULL)
            message = osh_messages_begin(&driver->messages, action->message);
        if (message == NULL)
            return OSH_BROKEN_NUMBER;
        if (message->state == OSH_MESSAGE_REFUSED)
            return OSH_BROKEN_DENY;
        if (message->question && (action->flags & OSH_L7_CONNECTION) == 0)
            return OSH_BROKEN_QUESTION;
    } else if ((action->flags & OSH_L7_CONNECTION) == 0) {
        return OSH_BROKEN_NUMBER;
    }
    /* An end in good order could be taken for the end of the response. */
    if ((action->flags & OSH_L7_CONNECTION) != 0 && (action->flags & OSH_L7_FAILURE) != 0 &&
        is_answering(driver))
        driver->connection->client_aborted = TRUE;
    osh_driver_refuse(driver, message, action);
    if ((action->flags & OSH_L7_CONNECTION) != 0)
        osh_driver_end(driver, (action->flags & OSH_L7_FAILURE) != 0 ? "failed" : "denied");
    return OSH_RULES_KEPT;
}

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
ends_list(const OshL7Action *action)
{
    static const guint32 always = 1u << OSH_L7_MORE | 1u << OSH_L7_RETARGET |
                                  1u << OSH_L7_START_TLS | 1u << OSH_L7_UPGRADE |
                                  1u << OSH_L7_OPAQUE | 1u << OSH_L7_END;

    return (always & 1u << action->type) != 0 ||
           (action->flags & (OSH_L7_PAUSES | OSH_L7_CONNECTION)) != 0;
}

OshBrokenRule
osh_driver_carry_out(OshDriver *driver, const OshL7Action *action, gboolean is_last)
{
    if (action->type >= G_N_ELEMENTS(flags_of) || (action->flags & ~flags_of[action->type]) != 0)
        return OSH_BROKEN_SHAPE;
    if (ends_list(action) && !is_last)
        return OSH_BROKEN_LAST;
    switch ((OshL7ActionType)action->type) {
    case OSH_L7_MORE:
        return OSH_RULES_KEPT;
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
    case OSH_L7_DROP:
        return carry_release(driver, action);
    case OSH_L7_EMIT:
        return carry_emit(driver, action);
    case OSH_L7_ASK:
        return carry_ask(driver, action);
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
        return carry_end_of_message(driver, action);
    case OSH_L7_DENY:
        return carry_deny(driver, action);
    case OSH_L7_END:
        osh_driver_end(driver, "end");
        return OSH_RULES_KEPT;
    case OSH_L7_RETARGET:
        return osh_driver_retarget(driver, action);
    case OSH_L7_SLOT:
    case OSH_L7_CONTENT:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    default:
        osh_driver_deny(driver, "the protocol asks for what the data plane does not serve yet");
        return OSH_RULES_KEPT;
    }
}
