/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspection.c: one message of HTTP from its head and body to its facts. [shard]. The body is kept
 * whole, up to the endpoint's limit, and read once, when its last byte is there: so it is read the
 * same however it came. It must never answer "done" before that.
 */
#include <string.h>

#include "response.h"

static gboolean
option_switch(GVariant *options, const char *name, gboolean otherwise)
{
    gboolean value = otherwise;

    if (options != NULL)
        (void)g_variant_lookup(options, name, "b", &value);
    return value;
}

static guint
option_versions(GVariant *options)
{
    g_autofree const char **names = NULL;
    guint versions = 0;

    if (options == NULL || !g_variant_lookup(options, "mcp.versions", "^a&s", &names))
        return OSH_MCP_REVISION_DEFAULT;
    for (gsize i = 0; names[i] != NULL; i++)
        versions |= osh_mcp_revision_parse(names[i], -1);
    return versions;
}

static JsonrpcPinning
option_pinning(GVariant *options)
{
    const char *word = NULL;

    if (options == NULL || !g_variant_lookup(options, "mcp.pin_tools", "&s", &word))
        return JSONRPC_PINS_OFF;
    return g_str_equal(word, "report") ? JSONRPC_PINS_REPORT : JSONRPC_PINS_REFUSE;
}

JsonrpcInspection *
jsonrpc_inspection_new(const OshInspectionRequest *request)
{
    JsonrpcInspection *inspection = g_new0(JsonrpcInspection, 1);

    inspection->rules = (JsonrpcRules){
        .is_mcp = g_str_equal(request->inspector, "mcp"),
        .strict_tool_names = option_switch(request->options, "mcp.strict_tool_names", TRUE),
        .versions = option_versions(request->options),
        .pin_tools = option_pinning(request->options),
    };
    inspection->limit = request->limit;
    inspection->body = g_byte_array_new();
    inspection->texts = g_string_chunk_new(256);
    inspection->messages = g_array_new(FALSE, FALSE, sizeof(JsonrpcMessage));
    inspection->refusal_body = g_string_new(NULL);
    jsonrpc_facts_init(&inspection->facts);
    jsonrpc_head_read(&request->head, inspection->texts, &inspection->head);
    return inspection;
}

static JsonrpcProblem
problem_of(JsonrpcKind kind, const char *words)
{
    return (JsonrpcProblem){kind, words};
}

static JsonrpcProblem
read_body(JsonrpcInspection *inspection)
{
    const OshJsonLimits limits = {.max_bytes = inspection->limit, .flags = OSH_JSON_LARGE_INTEGERS};
    OshSpan text = {(const char *)inspection->body->data, inspection->body->len};
    OshJsonProblem problem;

    if (inspection->head.is_encoded)
        return problem_of(JSONRPC_TRANSPORT, "the body has a Content-Encoding");
    inspection->value = osh_json_load(text, &limits, &problem);
    if (inspection->value == NULL)
        return problem_of(JSONRPC_INVALID_JSON, osh_json_problem_words(problem));
    return jsonrpc_messages_read(inspection->value, inspection->rules.is_mcp, inspection->messages,
                                 &inspection->is_batch);
}

/* Any method but POST and GET says nothing that is JSON-RPC, and no rule allows it. */
static JsonrpcProblem
read_content(JsonrpcInspection *inspection)
{
    if (jsonrpc_head_is(&inspection->head, "POST"))
        return read_body(inspection);
    if (!jsonrpc_head_is(&inspection->head, "GET") || !inspection->head.wants_stream)
        return problem_of(JSONRPC_FINE, NULL);
    if (inspection->body->len > 0)
        return problem_of(JSONRPC_INVALID_MESSAGE, "a GET with a body");
    inspection->is_stream = TRUE;
    return problem_of(JSONRPC_FINE, NULL);
}

static void
analyse(JsonrpcInspection *inspection)
{
    if (inspection->rules.is_mcp)
        inspection->problem = jsonrpc_mcp_header(&inspection->head, &inspection->revision);
    if (inspection->problem.kind == JSONRPC_FINE)
        inspection->problem = read_content(inspection);
    if (inspection->problem.kind == JSONRPC_FINE && inspection->rules.is_mcp)
        inspection->problem = jsonrpc_mcp_check(inspection);
    jsonrpc_facts_make(inspection);
    inspection->is_done = TRUE;
}

OshInspection
jsonrpc_inspection_feed(JsonrpcInspection *inspection, OshSpan bytes, gboolean last)
{
    if (inspection->is_done)
        return OSH_INSPECTION_DONE;
    /* The driver refuses more than the limit by itself; one byte more is enough to see it here. */
    if (bytes.length > 0 && inspection->body->len <= inspection->limit)
        g_byte_array_append(
            inspection->body, (const guint8 *)bytes.data,
            (guint)MIN(bytes.length, inspection->limit - inspection->body->len + 1));
    if (!last)
        return OSH_INSPECTION_MORE;
    analyse(inspection);
    return OSH_INSPECTION_DONE;
}

void
jsonrpc_inspection_free(JsonrpcInspection *inspection)
{
    json_decref(inspection->value);
    g_byte_array_unref(inspection->body);
    g_string_chunk_free(inspection->texts);
    g_array_unref(inspection->messages);
    g_string_free(inspection->refusal_body, TRUE);
    jsonrpc_facts_clear(&inspection->facts);
    jsonrpc_head_clear(&inspection->head);
    jsonrpc_response_free(inspection->response);
    g_free(inspection);
}
