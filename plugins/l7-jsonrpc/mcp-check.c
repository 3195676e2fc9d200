/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp-check.c: whether a request is MCP as its revision and its endpoint have it. [shard]. The
 * order is OpenShell's: the endpoint's list, the method of HTTP, what the revision has not, its
 * metadata, the message itself. A policy is asked only about what passed all of it.
 */
#include <string.h>

#include "osh-line-reader.h"

#include "jsonrpc.h"

#define META_VERSION      "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define NEWEST            OSH_MCP_REVISION_2026_07_28

static JsonrpcProblem
fine(void)
{
    return (JsonrpcProblem){JSONRPC_FINE, NULL};
}

static JsonrpcProblem
problem_of(JsonrpcKind kind, const char *words)
{
    return (JsonrpcProblem){kind, words};
}

static const JsonrpcMessage *
message_at(const JsonrpcInspection *inspection, guint index)
{
    return &g_array_index(inspection->messages, JsonrpcMessage, index);
}

gboolean
jsonrpc_tool_name_is_strict(OshSpan name)
{
    for (gsize i = 0; i < name.length; i++)
        if (!g_ascii_isalnum(name.data[i]) &&
            (name.data[i] == '\0' || strchr("_.-", name.data[i]) == NULL))
            return FALSE;
    return name.length >= 1 && name.length <= 128;
}

gboolean
jsonrpc_mcp_negotiates(const JsonrpcInspection *inspection)
{
    return !inspection->is_batch && inspection->messages->len == 1 &&
           inspection->revision != NEWEST && inspection->rules.versions != NEWEST &&
           message_at(inspection, 0)->type == JSONRPC_CALL &&
           osh_span_equal(message_at(inspection, 0)->method, "initialize");
}

static JsonrpcProblem
check_method(const JsonrpcMessage *message, guint revision)
{
    guint having;

    switch (osh_mcp_method_class(message->method.data, (gssize)message->method.length, &having)) {
    case OSH_MCP_METHOD_SERVER_ONLY:
        return problem_of(JSONRPC_REQUEST, "only an MCP server sends this method");
    case OSH_MCP_METHOD_CORE:
        if ((having & revision) == 0)
            return problem_of(JSONRPC_REQUEST,
                              "the MCP revision of the request has no such method");
        break;
    case OSH_MCP_METHOD_EXTENSION:
    default:
        break;
    }
    return fine();
}

/* What 2026-07-28 repeats in each request, because there is no session to remember it. */
static JsonrpcProblem
check_meta(const JsonrpcMessage *message)
{
    const json_t *meta = json_object_get(message->params, "_meta");
    OshSpan version = osh_json_text(json_object_get(meta, META_VERSION));

    if (message->type == JSONRPC_NOTIFICATION &&
        osh_mcp_method_class(message->method.data, (gssize)message->method.length, NULL) ==
            OSH_MCP_METHOD_EXTENSION)
        return fine();
    if (!osh_span_equal(version, osh_mcp_revision_name(NEWEST)))
        return problem_of(JSONRPC_METADATA,
                          "params._meta does not name the revision of the header");
    return json_is_object(json_object_get(meta, META_CAPABILITIES))
               ? fine()
               : problem_of(JSONRPC_METADATA, "params._meta has no client capabilities");
}

/* A request is answered and a notification is not: a server that takes one for the other does what
 * nobody waits for. */
static JsonrpcProblem
check_type(const JsonrpcMessage *message)
{
    gboolean is_notification =
        message->method.length > 14 && memcmp(message->method.data, "notifications/", 14) == 0;

    if (osh_mcp_method_class(message->method.data, (gssize)message->method.length, NULL) !=
        OSH_MCP_METHOD_CORE)
        return fine();
    if (is_notification && message->type == JSONRPC_CALL)
        return problem_of(JSONRPC_INVALID_MESSAGE, "a notification with an id");
    return !is_notification && message->type == JSONRPC_NOTIFICATION
               ? problem_of(JSONRPC_INVALID_MESSAGE, "a request without an id")
               : fine();
}

static JsonrpcProblem
check_message(const JsonrpcInspection *inspection, const JsonrpcMessage *message)
{
    JsonrpcProblem problem = fine();

    if (message->type == JSONRPC_RESPONSE)
        return inspection->revision == NEWEST
                   ? problem_of(JSONRPC_REQUEST, "clients of MCP 2026-07-28 send no responses")
                   : fine();
    /* One that negotiates is judged by what it asks for later. */
    if (!jsonrpc_mcp_negotiates(inspection))
        problem = check_method(message, inspection->revision);
    if (problem.kind == JSONRPC_FINE && inspection->revision == NEWEST)
        problem = check_meta(message);
    if (problem.kind == JSONRPC_FINE)
        problem = check_type(message);
    return problem.kind == JSONRPC_FINE ? jsonrpc_mcp_params(message, &inspection->rules) : problem;
}

static JsonrpcProblem
check_batch(const JsonrpcInspection *inspection)
{
    if (!inspection->is_batch)
        return fine();
    if (inspection->revision != OSH_MCP_REVISION_2025_03_26)
        return problem_of(JSONRPC_REQUEST, "only MCP 2025-03-26 has batches");
    return inspection->messages->len <= OSH_MCP_MAX_BATCH
               ? fine()
               : problem_of(JSONRPC_REQUEST, "a batch of more than 64 messages");
}

static JsonrpcProblem
check_endpoint(const JsonrpcInspection *inspection)
{
    if ((inspection->revision & inspection->rules.versions) == 0 &&
        !jsonrpc_mcp_negotiates(inspection))
        return problem_of(JSONRPC_VERSION_NOT_ALLOWED,
                          "the endpoint does not accept the MCP revision of the request "
                          "(mcp.versions)");
    if (inspection->revision == NEWEST && !jsonrpc_head_is(&inspection->head, "POST"))
        return problem_of(JSONRPC_HTTP_METHOD, "MCP 2026-07-28 has POST requests alone");
    return fine();
}

JsonrpcProblem
jsonrpc_mcp_check(const JsonrpcInspection *inspection)
{
    guint n = inspection->messages->len;
    gboolean is_one = n == 1 && !inspection->is_batch;
    const JsonrpcMessage *one = is_one ? message_at(inspection, 0) : NULL;
    JsonrpcProblem problem = check_endpoint(inspection);

    if (problem.kind == JSONRPC_FINE)
        problem = check_batch(inspection);
    for (guint i = 0; i < n && problem.kind == JSONRPC_FINE; i++)
        problem = check_message(inspection, message_at(inspection, i));
    if (problem.kind != JSONRPC_FINE)
        return problem;
    return jsonrpc_mcp_agrees(&inspection->head,
                              one != NULL && one->type != JSONRPC_RESPONSE ? one : NULL,
                              inspection->revision);
}
