/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.c: what a client is told that was refused. [shard].
 *
 * A client of JSON-RPC shows its user an error that comes as an answer to its call, with status 200
 * and the call's id; a status of 400 or more ends, in most libraries, as a failure of the
 * transport. What OpenShell defines for the revisions of MCP keeps OpenShell's words. It must never
 * hold params: an id is sent back to the client that sent it, and a method and a tool are named.
 */
#include <string.h>

#include "jsonrpc.h"

/* JSON-RPC 2.0 section 5.1; the last is ours, of those that a server may define. MCP and its
 * libraries use -32000 to -32002 and -32042 for other things. */
#define PARSE_ERROR      (-32700)
#define INVALID_REQUEST  (-32600)
#define REFUSED_BY_RULES (-32050)

static void
set_text(json_t *object, const char *name, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);

    json_object_set_new(object, name, json_string(valid));
}

static void
set_known(json_t *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        set_text(object, name, text);
}

static void
set_request(const JsonrpcInspection *inspection, json_t *object)
{
    set_known(object, "method", inspection->head.method);
    set_known(object, "path", inspection->head.path);
    set_known(object, "host", inspection->head.host);
    if (inspection->head.port > 0)
        json_object_set_new(object, "port", json_integer(inspection->head.port));
    set_known(object, "binary", inspection->head.binary);
}

static const char *
protocol_of(const JsonrpcInspection *inspection)
{
    return inspection->rules.is_mcp ? "mcp" : "json-rpc";
}

static json_t *
missing_rule(const JsonrpcInspection *inspection)
{
    g_autofree char *type = g_strdup_printf("%s_allow", protocol_of(inspection));
    json_t *missing = json_object();

    set_text(missing, "type", type);
    set_text(missing, "layer", "l7");
    set_request(inspection, missing);
    return missing;
}

/* The members of the body of a 403. */
static json_t *
make_data(const JsonrpcInspection *inspection, const OshInspectionDenial *denial)
{
    g_autofree char *rule =
        g_strdup_printf("%s %s", inspection->head.method != NULL ? inspection->head.method : "",
                        inspection->head.path != NULL ? inspection->head.path : "");
    g_autofree char *id = g_strdup_printf("e%" G_GUINT64_FORMAT, denial->event);
    json_t *data = json_object();

    set_text(data, "error", "policy_denied");
    set_text(data, "policy", denial->policy != NULL ? denial->policy : "-");
    set_text(data, "rule", rule);
    set_text(data, "detail", denial->reason);
    set_text(data, "layer", "l7");
    set_text(data, "protocol", protocol_of(inspection));
    set_request(inspection, data);
    if (denial->event != 0)
        set_text(data, "id", id);
    if (inspection->problem.kind != JSONRPC_FINE)
        set_text(data, "kind", jsonrpc_kind_name(inspection->problem.kind));
    json_object_set_new(data, "rule_missing", missing_rule(inspection));
    json_object_set_new(data, "next_steps", json_array());
    return data;
}

static int
code_of(const JsonrpcInspection *inspection)
{
    if (inspection->problem.kind == JSONRPC_INVALID_JSON)
        return PARSE_ERROR;
    return inspection->problem.kind == JSONRPC_FINE ? REFUSED_BY_RULES : INVALID_REQUEST;
}

/* @data: (transfer none). @id: (nullable). */
static json_t *
make_error(const JsonrpcInspection *inspection, json_t *id, const OshInspectionDenial *denial,
           json_t *data)
{
    g_autofree char *message =
        g_strdup_printf("refused by the sandbox's policy: %s", denial->reason);
    json_t *answer = json_object();
    json_t *error = json_object();

    json_object_set_new(error, "code", json_integer(code_of(inspection)));
    set_text(error, "message", message);
    json_object_set(error, "data", data);
    json_object_set_new(answer, "jsonrpc", json_string("2.0"));
    if (id != NULL)
        json_object_set(answer, "id", id);
    else
        json_object_set_new(answer, "id", json_null());
    json_object_set_new(answer, "error", error);
    return answer;
}

/* One error for each call, or NULL where no call waits for an answer. */
static json_t *
answer_calls(const JsonrpcInspection *inspection, const OshInspectionDenial *denial, json_t *data)
{
    json_t *list = json_array();
    json_t *first;

    for (guint i = 0; i < inspection->messages->len; i++) {
        const JsonrpcMessage *message = &g_array_index(inspection->messages, JsonrpcMessage, i);

        if (message->type == JSONRPC_CALL)
            json_array_append_new(list, make_error(inspection, message->id, denial, data));
    }
    if (json_array_size(list) > 0 && inspection->is_batch)
        return list;
    first = json_incref(json_array_get(list, 0));
    json_decref(list);
    return first;
}

static void
set_body(JsonrpcInspection *inspection, const json_t *body, guint status)
{
    char *text = json_dumps(body, JSON_COMPACT);

    g_string_printf(inspection->refusal_body, "%s\n", text);
    free(text);
    inspection->refusal = (OshInspectionRefusal){
        .struct_size = sizeof inspection->refusal,
        .status = status,
        .media_type = "application/json",
        .body = {inspection->refusal_body->str, inspection->refusal_body->len},
    };
}

/* In OpenShell's words, which have no "rule". */
static const OshInspectionRefusal *
refuse_revision(JsonrpcInspection *inspection, const OshInspectionDenial *denial)
{
    static const char *const allow[] = {"Allow", "POST", NULL};
    json_t *body = json_object();

    set_text(body, "error", jsonrpc_kind_name(inspection->problem.kind));
    set_text(body, "detail", inspection->problem.words);
    set_text(body, "policy", denial->policy != NULL ? denial->policy : "-");
    set_text(body, "layer", "l7");
    set_text(body, "protocol", "mcp");
    set_known(body, "method", inspection->head.method);
    set_known(body, "path", inspection->head.path);
    set_body(inspection, body, jsonrpc_kind_status(inspection->problem.kind));
    json_decref(body);
    if (inspection->problem.kind == JSONRPC_HTTP_METHOD)
        inspection->refusal.fields = allow;
    return &inspection->refusal;
}

const OshInspectionRefusal *
jsonrpc_refusal_make(JsonrpcInspection *inspection, const OshInspectionDenial *denial)
{
    gboolean is_fine = inspection->problem.kind == JSONRPC_FINE;
    json_t *data;
    json_t *answer;

    if (jsonrpc_kind_is_of_revision(inspection->problem.kind))
        return refuse_revision(inspection, denial);
    if (inspection->plain_refusals || !jsonrpc_head_is(&inspection->head, "POST"))
        return NULL;
    data = make_data(inspection, denial);
    answer = answer_calls(inspection, denial, data);
    if (answer == NULL && !is_fine)
        answer = make_error(inspection, NULL, denial, data);
    /* A notification or a response waits for no answer: the status alone says it. */
    if (answer != NULL)
        set_body(inspection, answer, is_fine ? 200 : 400);
    json_decref(answer);
    json_decref(data);
    return answer != NULL ? &inspection->refusal : NULL;
}
