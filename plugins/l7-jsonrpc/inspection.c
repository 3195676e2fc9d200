/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspection.c: one message of HTTP from its head and body to its facts. [shard]. The body is kept
 * whole, decoded where the endpoint asks for that, up to the endpoint's limit, and read once, when
 * its last byte is there: so it is read the same however it came. It must never answer "done"
 * before that.
 */
#include <string.h>

#include "osh-content-type.h"
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

static JsonrpcProblem
problem_of(JsonrpcKind kind, const char *words)
{
    return (JsonrpcProblem){kind, words};
}

/* What the head says about how the body is written. */
static JsonrpcProblem
begin_content(JsonrpcInspection *inspection)
{
    const OshContentLimits limits = {.max_bytes = inspection->limit};
    const JsonrpcHead *head = &inspection->head;
    const char *refusal =
        head->content_type != NULL ? osh_content_type_refusal(osh_span(head->content_type)) : NULL;
    OshContentProblem problem = OSH_CONTENT_FINE;
    OshContentCoding coding = OSH_CONTENT_IDENTITY;

    if (refusal != NULL)
        return problem_of(JSONRPC_TRANSPORT, refusal);
    if (head->content_encoding != NULL)
        problem = osh_content_coding_check(osh_span(head->content_encoding),
                                           inspection->rules.codings, &coding);
    if (problem != OSH_CONTENT_FINE)
        return problem_of(JSONRPC_TRANSPORT, osh_content_problem_words(problem));
    if (coding != OSH_CONTENT_IDENTITY)
        inspection->decoder = osh_content_decoder_new(coding, &limits);
    return problem_of(JSONRPC_FINE, NULL);
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
        .codings = osh_content_codings(request->options),
    };
    inspection->limit = request->limit;
    inspection->body = g_byte_array_new();
    inspection->texts = g_string_chunk_new(256);
    inspection->messages = g_array_new(FALSE, FALSE, sizeof(JsonrpcMessage));
    inspection->refusal_body = g_string_new(NULL);
    jsonrpc_facts_init(&inspection->facts);
    jsonrpc_head_read(&request->head, inspection->texts, &inspection->head);
    if (jsonrpc_head_is(&inspection->head, "POST"))
        inspection->content_problem = begin_content(inspection);
    return inspection;
}

static JsonrpcProblem
read_body(JsonrpcInspection *inspection)
{
    const OshJsonLimits limits = {.max_bytes = inspection->limit, .flags = OSH_JSON_LARGE_INTEGERS};
    OshSpan text = {(const char *)inspection->body->data, inspection->body->len};
    OshJsonProblem problem;

    if (inspection->content_problem.kind != JSONRPC_FINE)
        return inspection->content_problem;
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

/* Bytes above the limit are not decoded: what was cut off could be the end of the coding. */
static void
decode(JsonrpcInspection *inspection, OshSpan bytes, gboolean last)
{
    gboolean is_cut = inspection->received > inspection->limit;
    OshContentProblem problem =
        osh_content_decoder_feed(inspection->decoder, bytes, last && !is_cut, inspection->body);

    if (problem == OSH_CONTENT_FINE && is_cut)
        problem = OSH_CONTENT_TOO_LARGE;
    if (problem == OSH_CONTENT_TOO_LARGE)
        inspection->content_problem = problem_of(
            JSONRPC_TRANSPORT,
            inspection->rules.is_mcp
                ? "the body or what it decodes to is larger than mcp.max_body_bytes"
                : "the body or what it decodes to is larger than json_rpc.max_body_bytes");
    else if (problem != OSH_CONTENT_FINE)
        inspection->content_problem =
            problem_of(JSONRPC_TRANSPORT, osh_content_problem_words(problem));
}

OshInspection
jsonrpc_inspection_feed(JsonrpcInspection *inspection, OshSpan bytes, gboolean last)
{
    if (inspection->is_done)
        return OSH_INSPECTION_DONE;
    /* The driver refuses more than the limit by itself; one byte more is enough to see it here. */
    if (inspection->received <= inspection->limit)
        bytes.length = MIN(bytes.length, inspection->limit - inspection->received + 1);
    else
        bytes.length = 0;
    inspection->received += bytes.length;
    if (inspection->decoder != NULL)
        decode(inspection, bytes, last);
    else if (bytes.length > 0)
        g_byte_array_append(inspection->body, (const guint8 *)bytes.data, (guint)bytes.length);
    if (!last)
        return OSH_INSPECTION_MORE;
    analyse(inspection);
    return OSH_INSPECTION_DONE;
}

void
jsonrpc_inspection_free(JsonrpcInspection *inspection)
{
    json_decref(inspection->value);
    osh_content_decoder_free(inspection->decoder);
    g_byte_array_unref(inspection->body);
    g_string_chunk_free(inspection->texts);
    g_array_unref(inspection->messages);
    g_string_free(inspection->refusal_body, TRUE);
    jsonrpc_facts_clear(&inspection->facts);
    jsonrpc_head_clear(&inspection->head);
    jsonrpc_response_free(inspection->response);
    g_free(inspection);
}
