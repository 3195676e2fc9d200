/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of the L7 harness led to, as text that can be compared. Belongs to the test's thread;
 * changes nothing of a run.
 */
#include "osh-l7-run.h"

void
osh_l7_outcome_free(OshL7Outcome *outcome)
{
    if (outcome == NULL)
        return;
    for (guint i = 0; i < 2; i++) {
        g_string_free(outcome->released[i], TRUE);
        g_string_free(outcome->left[i], TRUE);
    }
    g_string_free(outcome->records, TRUE);
    g_free(outcome->violation);
    g_free(outcome->reason);
    g_free(outcome);
}

static const char *
state_word(const OshL7Message *message)
{
    static const char *const words[] = {
        [OSH_L7_MESSAGE_NEW] = "unanswered",  [OSH_L7_MESSAGE_INSPECT] = "unanswered",
        [OSH_L7_MESSAGE_ALLOWED] = "allowed", [OSH_L7_MESSAGE_REFUSED] = "denied",
        [OSH_L7_MESSAGE_FAILED] = "failed",   [OSH_L7_MESSAGE_CANCELLED] = "cancelled",
    };

    return words[message->state];
}

void
osh_l7_run_write_records(OshL7Run *run)
{
    const OshL7Declaration *declared = run->harness->declared;
    GString *text = run->outcome->records;

    for (guint i = 0; i < run->messages->len; i++) {
        const OshL7Message *message = g_ptr_array_index(run->messages, i);
        g_autofree char *action =
            osh_l7_fact_text(&message->facts.facts, declared != NULL ? declared->action : NULL);
        g_autofree char *target =
            osh_l7_fact_text(&message->facts.facts, declared != NULL ? declared->target : NULL);

        g_string_append_printf(text, "%" G_GUINT64_FORMAT " %s", message->number,
                               state_word(message));
        if (action != NULL)
            g_string_append_printf(text, " %s", action);
        if (target != NULL)
            g_string_append_printf(text, " %s", target);
        if (message->facts.facts.n_facts > 0) {
            g_string_append(text, " [");
            osh_l7_facts_print(text, message->facts.facts.facts, message->facts.facts.n_facts);
            g_string_append_c(text, ']');
        }
        if (message->content_facts.facts.n_facts > 0) {
            g_string_append(text, " content [");
            osh_l7_facts_print(text, message->content_facts.facts.facts,
                               message->content_facts.facts.n_facts);
            g_string_append_c(text, ']');
        }
        if (message->responses != NULL)
            g_string_append_printf(text, " response%s", message->responses->str);
        if (message->reason != NULL)
            g_string_append_printf(text, " \"%s\"", message->reason);
        if (message->done)
            g_string_append_printf(text, " done %u %" G_GUINT64_FORMAT, message->status,
                                   message->bytes);
        g_string_append_c(text, '\n');
    }
}

static void
append_bytes(GString *text, const char *name, const GString *bytes)
{
    g_string_append_printf(text, "%s: \"", name);
    for (gsize i = 0; i < bytes->len; i++) {
        guchar byte = (guchar)bytes->str[i];

        if (byte == '\n')
            g_string_append(text, "\\n");
        else if (byte == '\r')
            g_string_append(text, "\\r");
        else if (byte < 0x20 || byte >= 0x7f || byte == '\\' || byte == '"')
            g_string_append_printf(text, "\\x%02x", byte);
        else
            g_string_append_c(text, (char)byte);
    }
    g_string_append(text, "\"\n");
}

char *
osh_l7_outcome_describe(const OshL7Outcome *outcome)
{
    static const char *const ended[] = {
        [OSH_L7_ENDED_NOT] = "open",
        [OSH_L7_ENDED_CLOSED] = "closed",
        [OSH_L7_ENDED_END] = "END",
        [OSH_L7_ENDED_DENIED] = "denied",
        [OSH_L7_ENDED_FAILED] = "failed",
        [OSH_L7_ENDED_RETARGET] = "RETARGET",
        [OSH_L7_ENDED_UPGRADE] = "UPGRADE",
        [OSH_L7_ENDED_OPAQUE] = "OPAQUE",
        [OSH_L7_ENDED_BROKEN] = "rule broken",
    };
    GString *text = g_string_new(NULL);

    append_bytes(text, "to the server", outcome->released[OSH_CLIENT_TO_SERVER]);
    append_bytes(text, "to the client", outcome->released[OSH_SERVER_TO_CLIENT]);
    append_bytes(text, "left of the client", outcome->left[OSH_CLIENT_TO_SERVER]);
    append_bytes(text, "left of the server", outcome->left[OSH_SERVER_TO_CLIENT]);
    g_string_append_printf(text, "ends passed on: client %s, server %s; TLS %s\n",
                           outcome->half_closed[0] ? "yes" : "no",
                           outcome->half_closed[1] ? "yes" : "no", outcome->tls ? "yes" : "no");
    g_string_append_printf(text, "ended: %s %s\n", ended[outcome->ended],
                           outcome->reason != NULL ? outcome->reason : "");
    g_string_append(text, outcome->records->str);
    if (outcome->violation != NULL)
        g_string_append_printf(text, "violation: %s\n", outcome->violation);
    return g_string_free(text, FALSE);
}
