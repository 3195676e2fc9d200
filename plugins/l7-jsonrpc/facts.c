/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.c: what the policy is asked with, exactly the facts that its decision reads. [shard]. A
 * message that something is wrong with has its error and no calls: nothing can allow it.
 */
#include <string.h>

#include "jsonrpc.h"

void
jsonrpc_facts_init(JsonrpcFacts *facts)
{
    facts->facts = g_array_new(FALSE, FALSE, sizeof(OshFact));
    facts->memory = g_ptr_array_new_with_free_func(g_free);
    facts->texts = g_string_chunk_new(1024);
}

void
jsonrpc_facts_clear(JsonrpcFacts *facts)
{
    g_array_unref(facts->facts);
    g_ptr_array_unref(facts->memory);
    g_string_chunk_free(facts->texts);
}

gpointer
jsonrpc_facts_take(JsonrpcFacts *facts, gsize size)
{
    gpointer memory = g_malloc0(MAX(size, 1));

    g_ptr_array_add(facts->memory, memory);
    return memory;
}

static void
add(JsonrpcFacts *facts, OshFact fact)
{
    g_array_append_val(facts->facts, fact);
}

static void
add_problem(JsonrpcInspection *inspection)
{
    JsonrpcFacts *facts = &inspection->facts;
    g_autofree char *text = g_strdup_printf("%s: %s", jsonrpc_kind_name(inspection->problem.kind),
                                            inspection->problem.words);

    add(facts, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_JSONRPC_ERROR,
                                             osh_span(g_string_chunk_insert(facts->texts, text))));
}

/* Rules of json-rpc do not look at params, so theirs are not stated. */
static OshFactRecord
make_call(JsonrpcInspection *inspection, const JsonrpcMessage *message, guint *budget, gsize *names)
{
    OshFact *fields = jsonrpc_facts_take(&inspection->facts, 2 * sizeof *fields);

    fields[0] = (OshFact)OSH_FACT_STRING_INIT("method", message->method);
    if (!inspection->rules.is_mcp)
        return (OshFactRecord){fields, 1};
    inspection->problem =
        jsonrpc_params_records(message->params, budget, names, &inspection->facts, &fields[1]);
    return (OshFactRecord){fields, 2};
}

static void
add_calls(JsonrpcInspection *inspection)
{
    guint n_messages = inspection->messages->len;
    OshFactRecord *calls =
        jsonrpc_facts_take(&inspection->facts, n_messages * sizeof(OshFactRecord));
    guint budget = JSONRPC_MAX_PARAMS;
    gsize names = JSONRPC_MAX_PARAM_NAMES;
    gboolean has_response = FALSE;
    gsize n = 0;

    for (guint i = 0; i < n_messages && inspection->problem.kind == JSONRPC_FINE; i++) {
        const JsonrpcMessage *message = &g_array_index(inspection->messages, JsonrpcMessage, i);

        if (message->type == JSONRPC_RESPONSE)
            has_response = TRUE;
        else
            calls[n++] = make_call(inspection, message, &budget, &names);
    }
    if (inspection->problem.kind != JSONRPC_FINE)
        return;
    add(&inspection->facts, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, n));
    if (has_response)
        add(&inspection->facts, (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RESPONSE, TRUE));
    if (inspection->is_stream)
        add(&inspection->facts,
            (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RECEIVE_STREAM, TRUE));
}

void
jsonrpc_facts_make(JsonrpcInspection *inspection)
{
    if (inspection->problem.kind == JSONRPC_FINE)
        add_calls(inspection);
    if (inspection->problem.kind != JSONRPC_FINE)
        add_problem(inspection);
    if (inspection->revision != 0 && !jsonrpc_mcp_negotiates(inspection))
        add(&inspection->facts,
            (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_MCP_VERSION,
                                          osh_span(osh_mcp_revision_name(inspection->revision))));
}
