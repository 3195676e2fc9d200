/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c: JSON-RPC 2.0 messages out of a JSON value. [shard]. It must never read a message that
 * another reader could take for a different one: so method beside result, a member that differs
 * from one of these in letter case alone, and ids of odd types are refused.
 */
#include <string.h>

#include "jsonrpc.h"

static JsonrpcProblem
invalid(const char *words)
{
    return (JsonrpcProblem){JSONRPC_INVALID_MESSAGE, words};
}

static JsonrpcProblem
fine(void)
{
    return (JsonrpcProblem){JSONRPC_FINE, NULL};
}

/* JSON-RPC 2.0 section 4: a string, a number or null; of requests, MCP has no null. */
static gboolean
is_id(const json_t *id, gboolean may_be_null)
{
    if (json_is_string(id))
        return json_string_length(id) <= JSONRPC_MAX_ID;
    return json_is_number(id) || (may_be_null && json_is_null(id));
}

static JsonrpcProblem
check_response(const json_t *object, const JsonrpcMessage *message)
{
    const json_t *error = json_object_get(object, "error");
    const json_t *result = json_object_get(object, "result");

    if ((error != NULL) == (result != NULL))
        return invalid("neither a method nor exactly one of result and error");
    if (error != NULL && !json_is_object(error))
        return invalid("the error of a response is no object");
    if (message->id == NULL)
        return invalid("a response without an id");
    return is_id(message->id, TRUE) ? fine()
                                    : invalid("the id of a response is no string, number or null");
}

static JsonrpcProblem
check_request(const json_t *object, gboolean is_mcp, const JsonrpcMessage *message)
{
    if (json_object_get(object, "result") != NULL || json_object_get(object, "error") != NULL)
        return invalid("a method beside a result or an error");
    if (message->method.data == NULL)
        return invalid("the method is no string");
    if (message->method.length == 0 || message->method.length > JSONRPC_MAX_METHOD)
        return invalid("the method is empty or too long");
    if (message->id != NULL && !is_id(message->id, !is_mcp))
        return invalid("the id is not what an id may be");
    if (message->params == NULL || json_is_object(message->params))
        return fine();
    if (is_mcp)
        return invalid("the params are no object");
    return json_is_array(message->params) ? fine()
                                          : invalid("the params are neither object nor array");
}

static JsonrpcProblem
read_message(json_t *object, gboolean is_mcp, JsonrpcMessage *ret_message)
{
    static const char *const known[] = {"jsonrpc", "method", "params", "id",
                                        "result",  "error",  NULL};
    OshSpan version = osh_json_text(json_object_get(object, "jsonrpc"));
    json_t *method = json_object_get(object, "method");

    *ret_message = (JsonrpcMessage){0};
    if (!json_is_object(object))
        return invalid("a message is no object");
    if (osh_json_confusable(object, known) != NULL)
        return invalid("a member differs from one of JSON-RPC in letter case alone");
    if (version.length != 3 || memcmp(version.data, "2.0", 3) != 0)
        return invalid("jsonrpc is not \"2.0\"");
    ret_message->id = json_object_get(object, "id");
    if (method == NULL) {
        ret_message->type = JSONRPC_RESPONSE;
        return check_response(object, ret_message);
    }
    ret_message->type = ret_message->id != NULL ? JSONRPC_CALL : JSONRPC_NOTIFICATION;
    ret_message->method = osh_json_text(method);
    ret_message->params = json_object_get(object, "params");
    return check_request(object, is_mcp, ret_message);
}

static JsonrpcProblem
read_one(json_t *value, gboolean is_mcp, GArray *messages)
{
    JsonrpcMessage message;
    JsonrpcProblem problem = read_message(value, is_mcp, &message);

    if (problem.kind == JSONRPC_FINE)
        g_array_append_val(messages, message);
    return problem;
}

JsonrpcProblem
jsonrpc_messages_read(json_t *value, gboolean is_mcp, GArray *messages, gboolean *ret_is_batch)
{
    gsize n = json_array_size(value);
    JsonrpcProblem problem = fine();

    *ret_is_batch = json_is_array(value);
    if (!json_is_array(value))
        return read_one(value, is_mcp, messages);
    if (n == 0)
        return invalid("an empty batch");
    if (!is_mcp && n > JSONRPC_MAX_BATCH)
        return invalid("a batch of more than 256 messages");
    for (gsize i = 0; i < n && problem.kind == JSONRPC_FINE; i++)
        problem = read_one(json_array_get(value, i), is_mcp, messages);
    return problem;
}
