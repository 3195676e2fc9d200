/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonrpc.h: what the files of this plugin share: the head of a request, its messages, what is
 * wrong with them, and the facts made of them.
 *
 * Everything of an inspection belongs to it and is used on its shard alone. Spans point into the
 * inspection's own memory (@texts and the JSON values), never into what was fed.
 */
#pragma once

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/plugin.h>

#include "osh-json.h"
#include "osh-mcp.h"

/** Messages of a batch of `json-rpc`; MCP has %OSH_MCP_MAX_BATCH. */
#define JSONRPC_MAX_BATCH 256
/** Values of all params of a message: each is a record that the policy may look at. */
#define JSONRPC_MAX_PARAMS 8192
/** Bytes of the names of those values, which are repeated in arrays of objects. */
#define JSONRPC_MAX_PARAM_NAMES (512 * 1024)
/** Bytes of a method. */
#define JSONRPC_MAX_METHOD 1024
/** Bytes of an id that is sent back. */
#define JSONRPC_MAX_ID 1024

/**
 * JsonrpcKind: what is wrong with a message. All but %JSONRPC_FINE are hard denials.
 *
 * The first three are of JSON-RPC; the others are the words of OpenShell for the revisions of MCP.
 */
typedef enum {
    JSONRPC_FINE = 0,
    JSONRPC_INVALID_JSON,
    JSONRPC_INVALID_MESSAGE,
    JSONRPC_TRANSPORT,
    JSONRPC_VERSION_HEADER,
    JSONRPC_VERSION_UNSUPPORTED,
    JSONRPC_VERSION_NOT_ALLOWED,
    JSONRPC_HTTP_METHOD,
    JSONRPC_METADATA,
    JSONRPC_REQUEST,
} JsonrpcKind;

/**
 * JsonrpcProblem: zero it for none.
 * @kind: what is wrong
 * @words: (nullable): in words of ours, never text of the message
 */
typedef struct {
    JsonrpcKind kind;
    const char *words;
} JsonrpcProblem;

/**
 * JsonrpcField: a field of the head.
 * @count: field lines of this name
 * @is_of_hop: Connection names it: a hop that obeys removes it
 * @value: of the first, without outer blanks
 */
typedef struct {
    guint count;
    gboolean is_of_hop;
    OshSpan value;
} JsonrpcField;

/**
 * JsonrpcHead: what the head of a request says.
 * @method: of HTTP
 * @path: of the request
 * @host: (nullable): that was asked for
 * @port: likewise, 0 when unknown
 * @binary: (nullable): of the process
 * @wants_stream: Accept names text/event-stream
 * @is_encoded: Content-Encoding is something other than identity
 * @version: MCP-Protocol-Version
 * @mcp_method: Mcp-Method
 * @mcp_name: Mcp-Name
 */
typedef struct {
    char *method;
    char *path;
    char *host;
    gint64 port;
    char *binary;
    gboolean wants_stream;
    gboolean is_encoded;
    JsonrpcField version;
    JsonrpcField mcp_method;
    JsonrpcField mcp_name;
} JsonrpcHead;

/** JsonrpcType: of a message. */
typedef enum {
    JSONRPC_CALL,
    JSONRPC_NOTIFICATION,
    JSONRPC_RESPONSE,
} JsonrpcType;

/**
 * JsonrpcMessage: one JSON-RPC message, borrowed from the JSON value.
 * @type: what it is
 * @method: empty for a response
 * @id: (nullable): as it was sent
 * @params: (nullable): an object or an array
 */
typedef struct {
    JsonrpcType type;
    OshSpan method;
    json_t *id;
    json_t *params;
} JsonrpcMessage;

/**
 * JsonrpcRules: what the endpoint says.
 * @is_mcp: the protocol is mcp, not json-rpc
 * @strict_tool_names: mcp.strict_tool_names
 * @versions: mcp.versions, a sum of #OshMcpRevision
 * @pin_tools: mcp.pin_tools, a #JsonrpcPinning
 */
typedef struct {
    gboolean is_mcp;
    gboolean strict_tool_names;
    guint versions;
    guint pin_tools;
} JsonrpcRules;

/**
 * JsonrpcFacts: the facts of one message, and the memory behind them.
 * @facts: (element-type OshFact)
 * @memory: (element-type gpointer): arrays that @facts points to
 * @texts: names of params and texts of numbers
 */
typedef struct {
    GArray *facts;
    GPtrArray *memory;
    GStringChunk *texts;
} JsonrpcFacts;

struct _JsonrpcResponse;
struct _JsonrpcPins;

/**
 * JsonrpcInspection: one message of HTTP.
 * @rules: of the endpoint
 * @head: of the request
 * @limit: bytes of content
 * @body: what was fed
 * @texts: what spans of @head point into
 * @value: (nullable): the body as JSON
 * @messages: (element-type JsonrpcMessage): of the body
 * @is_batch: the body is an array
 * @revision: an #OshMcpRevision; 0 for json-rpc, and where none is known
 * @problem: what is wrong
 * @facts: what the policy is asked with
 * @is_done: @facts are complete
 * @plain_refusals: refusals are OpenShell's plain 403
 * @is_stream: it asks for the receive stream of MCP
 * @refusal: what a refusal says
 * @refusal_body: behind it
 * @response: (nullable): the content of the response that is looked into
 * @host_table: (nullable): where a changed tool is reported
 * @pins: (nullable): tools that were seen before
 */
typedef struct {
    JsonrpcRules rules;
    JsonrpcHead head;
    guint64 limit;
    GByteArray *body;
    GStringChunk *texts;
    json_t *value;
    GArray *messages;
    gboolean is_batch;
    guint revision;
    JsonrpcProblem problem;
    JsonrpcFacts facts;
    gboolean is_done;
    gboolean is_stream;
    gboolean plain_refusals;
    OshInspectionRefusal refusal;
    GString *refusal_body;
    struct _JsonrpcResponse *response;
    const OshHost *host_table;
    struct _JsonrpcPins *pins;
} JsonrpcInspection;

/* head.c */

/** jsonrpc_head_read: @texts keeps what @ret_head points to. */
void jsonrpc_head_read(const OshFacts *facts, GStringChunk *texts, JsonrpcHead *ret_head);
/** jsonrpc_head_clear: [any] frees it. */
void jsonrpc_head_clear(JsonrpcHead *head);
/** jsonrpc_head_is: [any] Returns: whether the method of HTTP is @method. */
gboolean jsonrpc_head_is(const JsonrpcHead *head, const char *method);

/* message.c */

/**
 * jsonrpc_messages_read: takes a JSON value apart.
 * @value: the body
 * @is_mcp: where ids and params are what MCP has, which is less than JSON-RPC has
 * @messages: (element-type JsonrpcMessage): they are appended
 * @ret_is_batch: (out): whether the value is an array
 *
 * Returns: what is wrong; @messages holds what came before it
 */
JsonrpcProblem jsonrpc_messages_read(json_t *value, gboolean is_mcp, GArray *messages,
                                     gboolean *ret_is_batch);

/* params.c */

/**
 * jsonrpc_params_records: every scalar of @params as a record, in document order.
 * @params: (nullable): an object
 * @budget: values that may still come; what was used is taken away
 * @names: bytes of names that may still come, likewise
 * @facts: whose memory the records live in
 * @ret_fact: (out): the fact "params"
 *
 * Returns: what is wrong
 */
JsonrpcProblem jsonrpc_params_records(const json_t *params, guint *budget, gsize *names,
                                      JsonrpcFacts *facts, OshFact *ret_fact);

/** jsonrpc_number_text: @ret_text: (out caller-allocates): the one text of a number. */
#define JSONRPC_NUMBER_SIZE 40
void jsonrpc_number_text(const json_t *number, char ret_text[JSONRPC_NUMBER_SIZE]);

/* mcp-header.c */

/** jsonrpc_mcp_header: reads MCP-Protocol-Version alone. @ret_revision: an #OshMcpRevision. */
JsonrpcProblem jsonrpc_mcp_header(const JsonrpcHead *head, guint *ret_revision);

/** jsonrpc_mcp_agrees: Returns: whether Mcp-Method and Mcp-Name say what @message says. Without a
 * message (a batch, a response) they must not be there. */
JsonrpcProblem jsonrpc_mcp_agrees(const JsonrpcHead *head, const JsonrpcMessage *message,
                                  guint revision);

/* mcp-check.c */

/** jsonrpc_mcp_check: checks what @inspection found against its revision and MCP's own schema. */
JsonrpcProblem jsonrpc_mcp_check(const JsonrpcInspection *inspection);
/** jsonrpc_mcp_negotiates: Returns: whether it is one initialize request alone. */
gboolean jsonrpc_mcp_negotiates(const JsonrpcInspection *inspection);
/** jsonrpc_tool_name_is_strict: Returns: whether @name is 1 to 128 of letters, digits, `_.-`. */
gboolean jsonrpc_tool_name_is_strict(OshSpan name);

/* mcp-params.c */

/** jsonrpc_mcp_params: Returns: whether the params of a core method are what its schema has. */
JsonrpcProblem jsonrpc_mcp_params(const JsonrpcMessage *message, const JsonrpcRules *rules);

/* facts.c */

void jsonrpc_facts_init(JsonrpcFacts *facts);
void jsonrpc_facts_clear(JsonrpcFacts *facts);
/** jsonrpc_facts_take: Returns: (transfer none): memory that lives as long as @facts. */
gpointer jsonrpc_facts_take(JsonrpcFacts *facts, gsize size);
/** jsonrpc_facts_make: makes the facts of @inspection, which may find one more problem. */
void jsonrpc_facts_make(JsonrpcInspection *inspection);

/* problem.c */

/** jsonrpc_kind_name: Returns: (transfer none): the word for programs. */
const char *jsonrpc_kind_name(JsonrpcKind kind);
/** jsonrpc_kind_status: Returns: the status of HTTP with which OpenShell answers. */
guint jsonrpc_kind_status(JsonrpcKind kind);
/** jsonrpc_kind_is_of_revision: Returns: whether it is one of MCP's revisions. */
gboolean jsonrpc_kind_is_of_revision(JsonrpcKind kind);

/* refusal.c */

/** jsonrpc_refusal_make: Returns: (nullable) (transfer none): words for the client, valid as long
 * as @inspection; NULL leaves it to the protocol that carries it. */
const OshInspectionRefusal *jsonrpc_refusal_make(JsonrpcInspection *inspection,
                                                 const OshInspectionDenial *denial);

/* inspection.c */

JsonrpcInspection *jsonrpc_inspection_new(const OshInspectionRequest *request);
OshInspection jsonrpc_inspection_feed(JsonrpcInspection *inspection, OshSpan bytes, gboolean last);
void jsonrpc_inspection_free(JsonrpcInspection *inspection);
