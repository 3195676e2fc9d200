/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry.c: what an action does. [shard]. Each was held against the rules of the contract before; a
 * function here must not call the session.
 */
#include "audit.h"
#include "driver-private.h"
#include "handover.h"
#include "inspected.h"
#include "record.h"
#include "responded.h"
#include "secrets.h"

#include <string.h>

/* A lease is read in parts of this size. */
#define LEASE_PART 4096

static OshLeg *
leg_towards(OshDriver *driver, guint direction)
{
    return &driver->sides[1 - direction].leg;
}

static OshMessage *
message_of(OshDriver *driver, guint64 number)
{
    OshL7LedgerEntry *entry = osh_l7_ledger_find(&driver->ledger, number);

    return entry != NULL ? entry->data : NULL;
}

/* --- Bytes -------------------------------------------------------------------------------------
 */

/* Sends @length bytes of @lease from @offset on. */
static void
send_lease(OshDriver *driver, OshLeg *leg, const OshMessage *message, const OshL7Piece *piece,
           OshLease *lease, guint64 offset, guint64 length)
{
    guint8 part[LEASE_PART];

    for (guint64 sent = 0; sent < length && !driver->is_ending;) {
        gsize n = (gsize)MIN(length - sent, sizeof part);

        if (osh_secrets_read(message, lease, offset + sent, part, n))
            osh_leg_send_secret(leg, part, n, piece->has_mask ? piece->mask : NULL,
                                (guint)((piece->mask_phase + sent) % 4));
        else
            osh_driver_fail(driver, "a credential was revoked while it was used");
        explicit_bzero(part, sizeof part);
        sent += n;
    }
}

static void
send_span(OshLeg *leg, const OshL7Piece *piece, OshSpan span)
{
    if (piece->has_mask)
        osh_leg_send_masked(leg, (const guint8 *)span.data, span.length, piece->mask,
                            piece->mask_phase);
    else
        osh_leg_send(leg, span.data, span.length);
}

static guint64
lease_length(const OshDriver *driver, guint64 number, const OshLease *lease)
{
    const OshL7LedgerEntry *entry = osh_l7_ledger_find(&driver->ledger, number);
    guint64 length = 0;

    (void)osh_l7_ledger_granted(entry, lease, &length);
    return length;
}

static void
send_content(OshDriver *driver, OshLeg *leg, guint64 number, const OshL7Piece *piece)
{
    OshLease *lease = osh_content_lease(piece->content);

    if (lease != NULL)
        send_lease(driver, leg, message_of(driver, number), piece, lease, piece->offset,
                   piece->length);
    else
        send_span(leg, piece,
                  (OshSpan){osh_content_bytes(piece->content).data + piece->offset, piece->length});
}

static void
send_piece(OshDriver *driver, OshLeg *leg, guint64 number, const OshL7Piece *piece)
{
    const OshMessage *message;

    switch ((OshL7PieceType)piece->type) {
    case OSH_L7_PIECE_BYTES:
        send_span(leg, piece, piece->bytes);
        break;
    case OSH_L7_PIECE_WINDOW:
        send_span(leg, piece, (OshSpan){driver->ledger.window.data + piece->offset, piece->length});
        break;
    case OSH_L7_PIECE_LEASE:
        message = message_of(driver, number);
        send_lease(driver, leg, message, piece, piece->lease, 0,
                   lease_length(driver, number, piece->lease));
        break;
    case OSH_L7_PIECE_CONTENT:
    default:
        send_content(driver, leg, number, piece);
    }
}

static void
send_pieces(OshDriver *driver, const OshL7Action *action, guint direction)
{
    OshLeg *leg = leg_towards(driver, direction);

    for (gsize i = 0; i < action->u.send.n_pieces && !driver->is_ending; i++)
        send_piece(driver, leg, action->message, &action->u.send.pieces[i]);
}

/* Returns: FALSE where a credential of a message of which nothing has gone out was revoked. */
static gboolean
carry_begins(OshDriver *driver, guint direction, guint64 number)
{
    OshMessage *message =
        direction == OSH_CLIENT_TO_SERVER && number != 0 ? message_of(driver, number) : NULL;

    if (message == NULL || message->secrets == NULL || message->has_begun)
        return TRUE;
    message->has_begun = TRUE;
    return osh_secrets_are_valid(message);
}

/* What was not sent of a refused message is dropped, and the server sees that it is cut short. */
static void
carry_cut(OshDriver *driver)
{
    driver->connection->client_aborted = TRUE;
    osh_leg_clear(leg_towards(driver, OSH_CLIENT_TO_SERVER));
    osh_driver_end(driver, "policy changed");
}

void
osh_driver_withdraw(OshDriver *driver, gboolean all)
{
    gboolean any = FALSE;

    for (guint i = 0; i < driver->ledger.entries->len; i++) {
        OshMessage *message = g_array_index(driver->ledger.entries, OshL7LedgerEntry, i).data;

        if (message != NULL)
            message->is_withdrawn |= all;
        any |= message != NULL && message->is_withdrawn;
    }
    /* Of which message it is is not known. */
    if (any && osh_leg_left(leg_towards(driver, OSH_CLIENT_TO_SERVER)) > 0)
        carry_cut(driver);
}

/* A session that was asked to end may go on until it has, and does not know which message is
 * refused. */
static gboolean
carry_is_withdrawn(OshDriver *driver, guint direction, guint64 number)
{
    const OshMessage *message =
        direction == OSH_CLIENT_TO_SERVER && number != 0 ? message_of(driver, number) : NULL;

    return message != NULL && message->is_withdrawn;
}

/* PASS, REPLACE and EMIT */
static void
carry_send(OshDriver *driver, const OshL7Action *action)
{
    guint direction = action->type == OSH_L7_EMIT ? action->direction : driver->ledger.direction;

    if (carry_is_withdrawn(driver, direction, action->message)) {
        carry_cut(driver);
        return;
    }
    if (!carry_begins(driver, direction, action->message)) {
        osh_driver_fail(driver, "a credential was revoked before it was used");
        return;
    }
    if (action->type == OSH_L7_PASS)
        osh_leg_send(leg_towards(driver, direction), driver->ledger.window.data + action->offset,
                     action->length);
    else
        send_pieces(driver, action, direction);
}

/* --- Messages ----------------------------------------------------------------------------------
 */

/* ASK and CONTENT; answered when the list is done. */
static void
carry_question(OshDriver *driver, OshMessage *message, const OshL7Action *action)
{
    guint direction = driver->ledger.direction;

    if ((action->flags & OSH_L7_PAUSES) != 0)
        driver->sides[direction].paused_by = message->number;
    message->direction = direction;
    message->gives_up_at = 0;
    message->is_response_content =
        action->type == OSH_L7_CONTENT && direction == OSH_SERVER_TO_CLIENT;
    if (message->is_response_content) {
        osh_responded_add(message, action, driver->ledger.window);
    } else if (action->type == OSH_L7_CONTENT) {
        message->direction = OSH_CLIENT_TO_SERVER;
        osh_inspected_add(message, action, driver->ledger.window);
    } else {
        osh_fact_copy_set(direction == OSH_CLIENT_TO_SERVER ? &message->facts : &message->response,
                          &action->u.ask.facts);
    }
    g_array_append_val(driver->due, message->number);
}

void
osh_driver_forget_question(OshDriver *driver, guint64 number)
{
    for (guint i = 0; i < 2; i++)
        if (driver->sides[i].paused_by == number)
            driver->sides[i].paused_by = 0;
    for (guint i = 0; i < driver->due->len; i++)
        if (g_array_index(driver->due, guint64, i) == number)
            g_array_remove_index(driver->due, i--);
}

static void
carry_end_of_message(OshDriver *driver, const OshL7Action *action)
{
    OshL7LedgerEntry *entry = osh_l7_ledger_find(&driver->ledger, action->message);
    const OshMessage *message = entry->data;

    if (action->type == OSH_L7_CANCEL)
        osh_driver_forget_question(driver, action->message);
    else if (entry->judgement == OSH_L7_JUDGEMENT_ALLOWED && message->is_recorded)
        osh_record_response(message, action);
    /* What was sent may be content that ends with the message. */
    for (guint i = 0; i < 2 && entry->grants != NULL; i++)
        osh_leg_flush(&driver->sides[i].leg);
    osh_message_end(driver, entry);
}

gboolean
osh_driver_is_answering(const OshDriver *driver)
{
    /* One whose response was looked into may have been refused in the middle of it. */
    for (guint i = 0; i < driver->ledger.entries->len; i++) {
        const OshL7LedgerEntry *entry = &g_array_index(driver->ledger.entries, OshL7LedgerEntry, i);

        if (entry->judgement == OSH_L7_JUDGEMENT_ALLOWED || entry->responds)
            return TRUE;
    }
    return FALSE;
}

static OshControl
control_of(guint kind)
{
    if (kind == OSH_L7_DENY_LIMIT)
        return OSH_CONTROL_LIMIT;
    return kind == OSH_L7_DENY_AUTHORITY ? OSH_CONTROL_AUTHORITY : OSH_CONTROL_FRAMING;
}

static void
carry_deny(OshDriver *driver, const OshL7Action *action)
{
    gboolean ends = (action->flags & OSH_L7_CONNECTION) != 0;
    gboolean failure = (action->flags & OSH_L7_FAILURE) != 0;
    guint64 event;

    /* An end in good order could be taken for the end of the response. */
    if (ends && failure && osh_driver_is_answering(driver))
        driver->connection->client_aborted = TRUE;
    if (failure)
        event = osh_audit_failed(driver->connection,
                                 &(OshRefusal){.layer = "relay", .reason = action->u.deny.reason});
    else
        event = osh_record_denied(driver, action->message, control_of(action->u.deny.kind),
                                  &action->u.deny.facts, action->u.deny.reason, ends);
    if (action->u.deny.ret_event != NULL)
        *action->u.deny.ret_event = event;
    if (action->message != 0)
        osh_driver_forget_question(driver, action->message);
    if (ends)
        osh_driver_end(driver, failure ? "failed" : "denied");
}

void
osh_driver_carry_out(OshDriver *driver, const OshL7Action *action)
{
    OshSpan window = driver->ledger.window;
    OshL7LedgerEntry *entry = osh_l7_ledger_take(&driver->ledger, action);

    switch ((OshL7ActionType)action->type) {
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
    case OSH_L7_EMIT:
        carry_send(driver, action);
        break;
    case OSH_L7_SLOT:
        osh_secrets_add_slot(osh_message_take(driver, entry), action, window);
        break;
    case OSH_L7_ASK:
    case OSH_L7_CONTENT:
        carry_question(driver, osh_message_take(driver, entry), action);
        break;
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
        carry_end_of_message(driver, action);
        break;
    case OSH_L7_DENY:
        carry_deny(driver, action);
        break;
    case OSH_L7_END:
        osh_driver_end(driver, "end");
        break;
    case OSH_L7_RETARGET:
        driver->flow = OSH_FLOW_REQUEST;
        break;
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
        osh_handover(driver, action);
        break;
    case OSH_L7_MORE:
    case OSH_L7_DROP:
    default:
        break;
    }
}
