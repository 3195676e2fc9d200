/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shown-calls.c: the calls of a JSON-RPC message for its event. Pure; [any]. It must never show a
 * value of the params but the name of a tool.
 */
#include "shown-calls.h"

#include <string.h>

static const OshFact *
find(const OshFact *facts, gsize n_facts, const char *name, OshFactType type)
{
    for (gsize i = 0; i < n_facts; i++)
        if (facts[i].type == (guint32)type && g_strcmp0(facts[i].name, name) == 0)
            return &facts[i];
    return NULL;
}

static gboolean
is_text(OshSpan span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.data, text, span.length) == 0;
}

static void
append_name(GString *text, OshSpan name)
{
    for (gsize i = 0; i < MIN(name.length, OSH_SHOWN_NAME); i++)
        g_string_append_c(text, g_ascii_iscntrl(name.data[i]) ? '?' : name.data[i]);
    g_string_append(text, name.length > OSH_SHOWN_NAME ? "..." : "");
}

static const OshFact *
tool_of(const OshFactRecord *call)
{
    const OshFact *params = find(call->fields, call->n_fields, "params", OSH_FACT_RECORDS);

    for (guint32 i = 0; params != NULL && i < params->count; i++) {
        const OshFactRecord *param = &params->value.records[i];
        const OshFact *key = find(param->fields, param->n_fields, "key", OSH_FACT_STRING);

        if (key != NULL && is_text(key->value.string, "name"))
            return find(param->fields, param->n_fields, "value", OSH_FACT_STRING);
    }
    return NULL;
}

static void
append_call(GString *text, const OshFactRecord *call)
{
    const OshFact *method = find(call->fields, call->n_fields, "method", OSH_FACT_STRING);
    const OshFact *tool = NULL;

    if (method == NULL)
        return;
    append_name(text, method->value.string);
    if (is_text(method->value.string, "tools/call"))
        tool = tool_of(call);
    if (tool == NULL)
        return;
    g_string_append_c(text, ' ');
    append_name(text, tool->value.string);
}

char *
osh_shown_calls(const OshFacts *facts)
{
    const OshFact *calls =
        find(facts->facts, facts->n_facts, OSH_FACT_JSONRPC_CALLS, OSH_FACT_RECORDS);
    GString *text;

    if (calls == NULL || calls->count == 0)
        return NULL;
    text = g_string_new(NULL);
    for (guint32 i = 0; i < MIN(calls->count, OSH_SHOWN_CALLS); i++) {
        g_string_append(text, i > 0 ? ", " : "");
        append_call(text, &calls->value.records[i]);
    }
    if (calls->count > OSH_SHOWN_CALLS)
        g_string_append_printf(text, ", and %u more", calls->count - OSH_SHOWN_CALLS);
    return g_string_free(text, FALSE);
}
