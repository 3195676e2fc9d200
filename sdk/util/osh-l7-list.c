/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of actions of one feed. It belongs to its session, and with that to one shard; it must
 * never keep a pointer into a window beyond the feed.
 */
#include "osh-l7-list.h"

void
osh_l7_list_begin(OshL7List *list, const OshL7Input *input, OshL7Action *actions, gsize max_actions)
{
    list->input = input;
    list->actions = actions;
    list->max_actions = max_actions;
    list->n = 0;
    list->released = 0;
    list->deadline = 0;
    list->capacity[0] = input->capacity[0];
    list->capacity[1] = input->capacity[1];
    list->call++;
}

OshSpan
osh_l7_list_window(const OshL7List *list)
{
    OshSpan window = list->input->window;

    if (window.length > 0)
        window.data += list->released;
    window.length -= list->released;
    return window;
}

gboolean
osh_l7_list_has_space(const OshL7List *list, gsize n)
{
    return n <= list->max_actions - list->n;
}

OshL7Action *
osh_l7_list_add(OshL7List *list, OshL7ActionType type, guint64 message)
{
    OshL7Action *action;

    if (!osh_l7_list_has_space(list, 1))
        g_error("a list of %zu actions is full", list->max_actions);
    action = &list->actions[list->n++];
    *action = (OshL7Action){.type = type, .message = message};
    return action;
}

static OshL7Action *
add_release(OshL7List *list, OshL7ActionType type, guint64 message, gsize length)
{
    OshL7Action *action = osh_l7_list_add(list, type, message);

    action->offset = list->released;
    action->length = length;
    list->released += length;
    return action;
}

void
osh_l7_list_pass(OshL7List *list, guint64 message, gsize length)
{
    if (length > 0)
        add_release(list, OSH_L7_PASS, message, length);
}

void
osh_l7_list_pass_framing(OshL7List *list, gsize length)
{
    if (length > 0)
        add_release(list, OSH_L7_PASS, 0, length)->flags = OSH_L7_FRAMING;
}

void
osh_l7_list_drop(OshL7List *list, guint64 message, gsize length)
{
    if (length > 0)
        add_release(list, OSH_L7_DROP, message, length);
}

void
osh_l7_list_release(OshL7List *list, guint64 message, gsize length, gboolean allowed)
{
    if (length > 0)
        add_release(list, allowed ? OSH_L7_PASS : OSH_L7_DROP, message, length);
}

void
osh_l7_list_replace(OshL7List *list, guint64 message, gsize length, const OshL7Piece *pieces,
                    gsize n)
{
    OshL7Action *action = add_release(list, OSH_L7_REPLACE, message, length);

    action->u.send.pieces = pieces;
    action->u.send.n_pieces = n;
}

OshL7Action *
osh_l7_list_emit(OshL7List *list, OshDirection direction, guint64 message, const OshL7Piece *piece,
                 gsize size)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_EMIT, message);

    action->direction = direction;
    action->u.send.pieces = piece;
    action->u.send.n_pieces = 1;
    list->capacity[direction] -= MIN(list->capacity[direction], size);
    return action;
}

gsize
osh_l7_list_ask(OshL7List *list, guint64 message, const OshFact *facts, gsize n)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_ASK, message);

    action->flags = OSH_L7_PAUSES;
    action->u.ask.facts.facts = facts;
    action->u.ask.facts.n_facts = n;
    return list->n;
}

void
osh_l7_list_deny(OshL7List *list, guint64 message, const char *reason)
{
    osh_l7_list_add(list, OSH_L7_DENY, message)->u.deny.reason = reason;
}

gsize
osh_l7_list_fail(OshL7List *list, const char *reason)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_DENY, 0);

    action->flags = OSH_L7_CONNECTION | OSH_L7_FAILURE;
    action->u.deny.reason = reason;
    return list->n;
}

gsize
osh_l7_list_refuse(OshL7List *list, guint64 message, const char *reason)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_DENY, message);

    action->flags = OSH_L7_CONNECTION;
    action->u.deny.reason = reason;
    return list->n;
}

void
osh_l7_list_done(OshL7List *list, guint64 message, guint32 status, guint64 bytes)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_DONE, message);

    action->u.done.status = status;
    action->u.done.bytes = bytes;
}

gsize
osh_l7_list_more(OshL7List *list)
{
    osh_l7_list_add(list, OSH_L7_MORE, 0);
    return list->n;
}

gsize
osh_l7_list_retarget(OshL7List *list, const char *host, guint16 port)
{
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_RETARGET, 0);

    action->offset = list->released;
    action->u.retarget.host = host;
    action->u.retarget.port = port;
    return list->n;
}

gsize
osh_l7_list_end(OshL7List *list)
{
    osh_l7_list_add(list, OSH_L7_END, 0);
    return list->n;
}

gsize
osh_l7_list_opaque(OshL7List *list)
{
    osh_l7_list_add(list, OSH_L7_OPAQUE, 0);
    return list->n;
}
