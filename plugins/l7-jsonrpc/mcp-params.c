/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp-params.c: the params of MCP's own methods, as its published schemas have them. [shard]. What
 * is checked is what decides about a message or what a server cannot do without; other members are
 * not looked at, since revisions add some.
 */
#include <string.h>

#include "osh-line-reader.h"

#include "jsonrpc.h"

/* What a member must be. */
typedef enum {
    TEXT = 1 << 0,
    NUMBER = 1 << 1,
    OBJECT = 1 << 2,
    OPTIONAL = 1 << 3,
} Shape;

#define MAX_MEMBERS 3

typedef struct {
    const char *name;
    guint shape;
} Member;

static const struct {
    const char *method;
    Member members[MAX_MEMBERS];
} schemas[] = {
    {"tools/call", {{"name", TEXT}, {"arguments", OBJECT | OPTIONAL}}},
    {"prompts/get", {{"name", TEXT}, {"arguments", OBJECT | OPTIONAL}}},
    {"resources/read", {{"uri", TEXT}}},
    {"resources/subscribe", {{"uri", TEXT}}},
    {"resources/unsubscribe", {{"uri", TEXT}}},
    {"tools/list", {{"cursor", TEXT | OPTIONAL}}},
    {"prompts/list", {{"cursor", TEXT | OPTIONAL}}},
    {"resources/list", {{"cursor", TEXT | OPTIONAL}}},
    {"resources/templates/list", {{"cursor", TEXT | OPTIONAL}}},
    {"tasks/list", {{"cursor", TEXT | OPTIONAL}}},
    {"tasks/get", {{"taskId", TEXT}}},
    {"tasks/result", {{"taskId", TEXT}}},
    {"tasks/cancel", {{"taskId", TEXT}}},
    {"completion/complete", {{"ref", OBJECT}, {"argument", OBJECT}}},
    {"logging/setLevel", {{"level", TEXT}}},
    {"initialize", {{"protocolVersion", TEXT}, {"capabilities", OBJECT}, {"clientInfo", OBJECT}}},
    {"notifications/cancelled", {{"requestId", TEXT | NUMBER | OPTIONAL}}},
    {"notifications/progress", {{"progressToken", TEXT | NUMBER}, {"progress", NUMBER}}},
    {"notifications/tasks/status", {{"taskId", TEXT}}},
};

static JsonrpcProblem
fine(void)
{
    return (JsonrpcProblem){JSONRPC_FINE, NULL};
}

static JsonrpcProblem
invalid(const char *words)
{
    return (JsonrpcProblem){JSONRPC_INVALID_MESSAGE, words};
}

static gboolean
has_shape(const json_t *value, guint shape)
{
    if (value == NULL)
        return (shape & OPTIONAL) != 0;
    return ((shape & TEXT) != 0 && json_is_string(value)) ||
           ((shape & NUMBER) != 0 && json_is_number(value)) ||
           ((shape & OBJECT) != 0 && json_is_object(value));
}

static JsonrpcProblem
check_members(const json_t *params, const Member *members)
{
    const char *known[MAX_MEMBERS + 2] = {NULL};
    gsize n = 0;

    for (; n < MAX_MEMBERS && members[n].name != NULL; n++)
        known[n] = members[n].name;
    known[n] = "_meta";
    if (osh_json_confusable(params, known) != NULL)
        return invalid("a member of params differs from one of MCP in letter case alone");
    for (gsize i = 0; i < n; i++)
        if (!has_shape(json_object_get(params, members[i].name), members[i].shape))
            return invalid("the params are not what the method needs");
    return fine();
}

static JsonrpcProblem
check_tool(const JsonrpcMessage *message, const JsonrpcRules *rules)
{
    OshSpan name = osh_json_text(json_object_get(message->params, "name"));

    if (name.length == 0)
        return invalid("the name of the tool is empty");
    if (rules->strict_tool_names && !jsonrpc_tool_name_is_strict(name))
        return invalid("the name of the tool is not 1 to 128 letters, digits, '_', '.' and '-' "
                       "(mcp.strict_tool_names)");
    return fine();
}

JsonrpcProblem
jsonrpc_mcp_params(const JsonrpcMessage *message, const JsonrpcRules *rules)
{
    static const Member none[1] = {{NULL, 0}};
    const Member *members = none;
    const json_t *meta = json_object_get(message->params, "_meta");
    JsonrpcProblem problem;

    if (meta != NULL && !json_is_object(meta))
        return invalid("the _meta of params is no object");
    for (gsize i = 0; i < G_N_ELEMENTS(schemas); i++)
        if (osh_span_equal(message->method, schemas[i].method))
            members = schemas[i].members;
    problem = check_members(message->params, members);
    if (problem.kind != JSONRPC_FINE || !osh_span_equal(message->method, "tools/call"))
        return problem;
    return check_tool(message, rules);
}
