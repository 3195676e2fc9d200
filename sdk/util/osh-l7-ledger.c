/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-ledger.c: the open messages of a session. The rules are in osh-l7-rules.c. Allocates
 * nothing for a message without slots, leases and contents.
 */
#include "osh-l7-ledger.h"

/* A lease or a content. */
typedef struct {
    gconstpointer handle;
    guint64 length;
    gboolean is_response;
} Grant;

void
osh_l7_ledger_init(OshL7Ledger *ledger, const OshL7Declaration *declared)
{
    *ledger = (OshL7Ledger){.declared = declared};
    ledger->entries = g_array_new(FALSE, TRUE, sizeof(OshL7LedgerEntry));
}

static void
entry_clear(OshL7LedgerEntry *entry)
{
    g_clear_pointer(&entry->slots, g_array_unref);
    g_clear_pointer(&entry->grants, g_array_unref);
}

void
osh_l7_ledger_clear(OshL7Ledger *ledger)
{
    if (ledger->entries == NULL)
        return;
    for (guint i = 0; i < ledger->entries->len; i++)
        entry_clear(&g_array_index(ledger->entries, OshL7LedgerEntry, i));
    g_clear_pointer(&ledger->entries, g_array_unref);
}

void
osh_l7_ledger_begin_list(OshL7Ledger *ledger, guint direction, OshSpan window,
                         const gsize capacity[2])
{
    ledger->direction = direction;
    ledger->window = window;
    ledger->released = 0;
    ledger->capacity[0] = capacity[0];
    ledger->capacity[1] = capacity[1];
}

OshL7LedgerEntry *
osh_l7_ledger_find(const OshL7Ledger *ledger, guint64 number)
{
    for (guint i = 0; i < ledger->entries->len; i++) {
        OshL7LedgerEntry *entry = &g_array_index(ledger->entries, OshL7LedgerEntry, i);

        if (entry->number == number)
            return entry;
    }
    return NULL;
}

static OshL7LedgerEntry *
ledger_begin(OshL7Ledger *ledger, guint64 number)
{
    const OshL7LedgerEntry fresh = {.number = number};

    ledger->last = number;
    g_array_append_val(ledger->entries, fresh);
    return &g_array_index(ledger->entries, OshL7LedgerEntry, ledger->entries->len - 1);
}

void
osh_l7_ledger_end(OshL7Ledger *ledger, OshL7LedgerEntry *entry)
{
    entry_clear(entry);
    g_array_remove_index(ledger->entries,
                         (guint)(entry - (OshL7LedgerEntry *)(gpointer)ledger->entries->data));
}

static const Grant *
find_grant(const OshL7LedgerEntry *entry, gconstpointer handle)
{
    for (guint i = 0; entry->grants != NULL && i < entry->grants->len; i++) {
        const Grant *grant = &g_array_index(entry->grants, Grant, i);

        if (grant->handle == handle)
            return grant;
    }
    return NULL;
}

static void
add_grant(OshL7LedgerEntry *entry, Grant grant)
{
    if (entry->grants == NULL)
        entry->grants = g_array_new(FALSE, FALSE, sizeof grant);
    g_array_append_val(entry->grants, grant);
}

void
osh_l7_ledger_grant(OshL7LedgerEntry *entry, gconstpointer handle, guint64 length)
{
    add_grant(entry, (Grant){handle, length, FALSE});
}

/* The handles of one message may be the same object with other content. */
void
osh_l7_ledger_grant_response(OshL7LedgerEntry *entry, gconstpointer handle, guint64 length)
{
    Grant *known = (Grant *)find_grant(entry, handle);

    if (known != NULL)
        known->length = length;
    else
        add_grant(entry, (Grant){handle, length, TRUE});
}

gboolean
osh_l7_ledger_is_response(const OshL7LedgerEntry *entry, gconstpointer handle)
{
    const Grant *grant = find_grant(entry, handle);

    return grant != NULL && grant->is_response;
}

gboolean
osh_l7_ledger_granted(const OshL7LedgerEntry *entry, gconstpointer handle, guint64 *ret_length)
{
    const Grant *grant = find_grant(entry, handle);

    if (grant != NULL)
        *ret_length = grant->length;
    return grant != NULL;
}

/* How many bytes pieces that were checked send. */
static gsize
pieces_length(const OshL7LedgerEntry *entry, const OshL7Action *action)
{
    gsize total = 0;

    for (gsize i = 0; i < action->u.send.n_pieces; i++) {
        const OshL7Piece *piece = &action->u.send.pieces[i];
        guint64 length = 0;

        if (piece->type == OSH_L7_PIECE_BYTES)
            length = piece->bytes.length;
        else if (piece->type != OSH_L7_PIECE_LEASE)
            length = piece->length;
        else if (entry != NULL)
            (void)osh_l7_ledger_granted(entry, piece->lease, &length);
        total += length;
    }
    return total;
}

static void
take_slot(OshL7LedgerEntry *entry, guint64 slot)
{
    if (entry->slots == NULL)
        entry->slots = g_array_new(FALSE, FALSE, sizeof slot);
    g_array_append_val(entry->slots, slot);
}

static void
take_question(OshL7Ledger *ledger, OshL7LedgerEntry *entry, const OshL7Action *action)
{
    entry->question = TRUE;
    entry->direction = ledger->direction;
    if (action->type == OSH_L7_ASK && ledger->direction == OSH_CLIENT_TO_SERVER)
        entry->asked = TRUE;
    if (action->type == OSH_L7_CONTENT && ledger->direction == OSH_SERVER_TO_CLIENT) {
        entry->response = action->u.content.content;
    } else if (action->type == OSH_L7_CONTENT) {
        entry->has_content = TRUE;
        entry->content = action->u.content.content;
    }
}

OshL7LedgerEntry *
osh_l7_ledger_take(OshL7Ledger *ledger, const OshL7Action *action)
{
    OshL7LedgerEntry *entry =
        action->message != 0 ? osh_l7_ledger_find(ledger, action->message) : NULL;
    gsize *capacity = &ledger->capacity[action->direction <= 1 ? action->direction : 0];

    switch ((OshL7ActionType)action->type) {
    case OSH_L7_PASS:
    case OSH_L7_REPLACE:
    case OSH_L7_DROP:
        ledger->released += action->length;
        break;
    case OSH_L7_EMIT:
        *capacity -= MIN(*capacity, pieces_length(entry, action));
        break;
    case OSH_L7_SLOT:
    case OSH_L7_ASK:
    case OSH_L7_CONTENT:
    case OSH_L7_DENY:
        if (entry == NULL && action->message != 0)
            entry = ledger_begin(ledger, action->message);
        if (action->type == OSH_L7_SLOT)
            take_slot(entry, action->u.slot.slot);
        else if (action->type != OSH_L7_DENY)
            take_question(ledger, entry, action);
        else if (entry != NULL)
            entry->judgement = OSH_L7_JUDGEMENT_REFUSED;
        break;
    case OSH_L7_MORE:
    case OSH_L7_CANCEL:
    case OSH_L7_DONE:
    case OSH_L7_RETARGET:
    case OSH_L7_START_TLS:
    case OSH_L7_UPGRADE:
    case OSH_L7_OPAQUE:
    case OSH_L7_END:
    default:
        break;
    }
    return entry;
}
