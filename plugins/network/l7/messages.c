/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.c: which messages are open, and what may be said about them. [shard]
 */
#include "messages.h"

void
osh_messages_init(OshMessages *messages)
{
    messages->open = g_array_new(FALSE, TRUE, sizeof(OshMessage));
    messages->last = 0;
}

static void
message_clear(OshMessage *message)
{
    osh_verdict_clear(&message->verdict);
    g_clear_pointer(&message->options, g_variant_unref);
}

void
osh_messages_clear(OshMessages *messages)
{
    if (messages->open == NULL)
        return;
    for (guint i = 0; i < messages->open->len; i++)
        message_clear(&g_array_index(messages->open, OshMessage, i));
    g_clear_pointer(&messages->open, g_array_unref);
}

OshMessage *
osh_messages_find(const OshMessages *messages, guint64 number)
{
    for (guint i = 0; i < messages->open->len; i++) {
        OshMessage *message = &g_array_index(messages->open, OshMessage, i);

        if (message->number == number)
            return message;
    }
    return NULL;
}

OshMessage *
osh_messages_begin(OshMessages *messages, guint64 number)
{
    const OshMessage fresh = {.number = number, .verdict = OSH_VERDICT_INIT};

    if (number <= messages->last)
        return NULL;
    messages->last = number;
    g_array_append_val(messages->open, fresh);
    return &g_array_index(messages->open, OshMessage, messages->open->len - 1);
}

void
osh_messages_end(OshMessages *messages, OshMessage *message)
{
    message_clear(message);
    g_array_remove_index(messages->open,
                         (guint)(message - (OshMessage *)(gpointer)messages->open->data));
}

OshBrokenRule
osh_messages_check_send(const OshMessages *messages, const OshL7Action *action, guint direction)
{
    const OshMessage *message;

    if ((action->flags & OSH_L7_FRAMING) != 0)
        return action->message == 0 ? OSH_RULES_KEPT : OSH_BROKEN_FRAMING;
    if (action->message == 0)
        return direction == OSH_SERVER_TO_CLIENT ? OSH_RULES_KEPT : OSH_BROKEN_JUDGED;
    message = osh_messages_find(messages, action->message);
    if (message == NULL)
        return OSH_BROKEN_OPEN;
    return direction == OSH_SERVER_TO_CLIENT || message->state == OSH_MESSAGE_ALLOWED
               ? OSH_RULES_KEPT
               : OSH_BROKEN_JUDGED;
}

const char *
osh_broken_rule_text(OshBrokenRule rule)
{
    static const char *const texts[] = {[OSH_RULES_KEPT] = "",
#define OSH_L7_RULE_TEXT(symbol, name, words) [OSH_BROKEN_##symbol] = name ": " words,
                                        OSH_L7_RULES(OSH_L7_RULE_TEXT)
#undef OSH_L7_RULE_TEXT
    };

    return texts[rule];
}
