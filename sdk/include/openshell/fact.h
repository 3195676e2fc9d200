/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fact.h: the inputs of a decision.
 *
 * A decision is a pure function of a policy snapshot and a set of facts. A fact is a name and a
 * value of one of five shapes; everything is a borrowed span, so building a set costs no
 * allocation and the same set can be written to a recording and decided again later.
 *
 * Ownership: the caller of a function that takes facts owns every byte behind them; the callee
 * must not keep a pointer after it returns unless its contract says so.
 *
 * Layout: OshSpan, OshFact and OshFactRecord are passed in arrays and so can never grow. New kinds
 * of value are new members of #OshFactType whose payload fits the union; a reader that meets a
 * type it does not know treats the fact as absent, which matches no allow rule and every deny rule.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshSpan:
 * @data: (nullable): first byte; may be NULL only when @length is 0
 * @length: number of bytes
 *
 * Borrowed bytes, not NUL-terminated.
 */
typedef struct {
    const char *data;
    gsize length;
} OshSpan;

/**
 * OSH_SPAN_INIT:
 * @text: a string literal
 *
 * Initialises a span over @text, without its NUL, also one of static storage.
 */
#define OSH_SPAN_INIT(text)                                                                        \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/**
 * OSH_SPAN_LITERAL:
 * @text: a string literal
 *
 * The same as a value, for an argument or an assignment; in C not for static storage.
 */
#ifdef __cplusplus
#define OSH_SPAN_LITERAL(text)                                                                     \
    OshSpan                                                                                        \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#else
#define OSH_SPAN_LITERAL(text) ((OshSpan)OSH_SPAN_INIT(text))
#endif

/**
 * osh_span:
 * @text: (nullable): a NUL-terminated string
 *
 * Returns: a span over @text, borrowed; empty when @text is NULL
 */
static inline OshSpan
osh_span(const char *text)
{
    OshSpan span = {text, 0};

    if (text != NULL)
        while (text[span.length] != '\0')
            span.length++;
    return span;
}

/**
 * OshFactType:
 * @OSH_FACT_STRING: one string
 * @OSH_FACT_INTEGER: one signed 64-bit integer
 * @OSH_FACT_BOOLEAN: TRUE or FALSE
 * @OSH_FACT_STRINGS: a list of strings; an allow rule needs every one to match, a deny rule any
 * @OSH_FACT_RECORDS: a list of records; every record must be allowed
 */
typedef enum {
    OSH_FACT_STRING = 1,
    OSH_FACT_INTEGER = 2,
    OSH_FACT_BOOLEAN = 3,
    OSH_FACT_STRINGS = 4,
    OSH_FACT_RECORDS = 5,
} OshFactType;

typedef struct _OshFact OshFact;

/**
 * OshFactRecord:
 * @fields: (array length=n_fields): the facts of the record
 * @n_fields: how many
 *
 * One element of a list of records, for example one GraphQL operation.
 */
typedef struct {
    const OshFact *fields;
    gsize n_fields;
} OshFactRecord;

/**
 * OshFact:
 * @name: dotted lower-case name, NUL-terminated, constant for the life of the call
 * @type: an #OshFactType
 * @count: number of elements when @type is a list, otherwise 0
 * @value: the value, by @type
 */
struct _OshFact {
    const char *name;
    guint32 type;
    guint32 count;
    union {
        OshSpan string;
        gint64 integer;
        gboolean boolean;
        const OshSpan *strings;
        const OshFactRecord *records;
    } value;
};

/**
 * OshFacts:
 * @facts: (array length=n_facts): the facts, in any order; a repeated name is an error of the
 *   caller and makes the decision a denial
 * @n_facts: how many
 */
typedef struct {
    const OshFact *facts;
    gsize n_facts;
} OshFacts;

/*
 * Names that the host itself understands. A protocol plugin adds its own, declared in its manifest.
 */

/** Host name or address literal as the client asked for it, without brackets. String. */
#define OSH_FACT_NETWORK_HOST "network.host"
/** Destination port, 1..65535. Integer. */
#define OSH_FACT_NETWORK_PORT "network.port"
/** Absolute path of the executable image as the workload sees it. String. */
#define OSH_FACT_PROCESS_BINARY "process.binary"
/** Executable images of its ancestors, nearest first. Strings. */
#define OSH_FACT_PROCESS_ANCESTORS "process.ancestors"
/** Absolute paths found in argv; a hint for messages, never an identity. Strings. */
#define OSH_FACT_PROCESS_CMDLINE "process.cmdline"
/** "required" (the default) or "relaxed": with relaxed, every binary matches. String. */
#define OSH_FACT_PROCESS_IDENTITY "process.identity"
/** HTTP method, or WEBSOCKET_TEXT, _BINARY, _SERVER_TEXT or _SERVER_BINARY. String. */
#define OSH_FACT_REQUEST_METHOD "request.method"
/** Canonical request path, without the query. String. */
#define OSH_FACT_REQUEST_PATH "request.path"
/** Decoded query: records of {"key": string, "values": strings}. Records. */
#define OSH_FACT_REQUEST_QUERY "request.query"
/**
 * Protocol of the message, a value of `protocol:` in the policy, as the driver states it; makes the
 * question one about a message even where the plugin has no other fact to state. String.
 */
#define OSH_FACT_REQUEST_PROTOCOL "request.protocol"
/**
 * Header fields of a request: records of {"name": string, lower-case, "value": string}, one for
 * each field line, in order, without authorization, cookie and proxy-authorization. Stated where
 * request.upgrade is, and with the content of a request for its inspector. Never recorded. Records.
 */
#define OSH_FACT_REQUEST_HEADERS "request.headers"
/** Content-Type of a request as sent, for the inspector of its content; several field lines are
 * joined by ", "; absent where there is none. Never recorded. String. */
#define OSH_FACT_REQUEST_CONTENT_TYPE "request.content_type"
/** Content-Encoding of a request, likewise. What is marked as content is in this encoding: an
 * inspector that does not undo it refuses the message. String. */
#define OSH_FACT_REQUEST_CONTENT_ENCODING "request.content_encoding"
/** SQL command word. String. */
#define OSH_FACT_SQL_COMMAND "sql.command"
/**
 * GraphQL operations: records of {"type": string, "name": string, "fields": strings,
 * "persisted": boolean, "hash": string, "id": string}; a field left out is absent. Records.
 */
#define OSH_FACT_GRAPHQL_OPERATIONS "graphql.operations"
/** Why a GraphQL request could not be understood; its presence is a hard denial. String. */
#define OSH_FACT_GRAPHQL_ERROR "graphql.error"
/**
 * Type of a WebSocket's text that keeps a GraphQL connection going and asks for no operation:
 * connection_init, connection_terminate, ping, pong, complete, stop. An endpoint of protocol
 * websocket with rules about operations allows it, no other does. String.
 */
#define OSH_FACT_GRAPHQL_CONTROL "graphql.control"
/**
 * Calls of a JSON-RPC message: records of {"method": string, "params": records of
 * {"key": dotted string, "value": string}}. Records.
 *
 * Every scalar of params is one record whose key is the path of its member names joined by dots:
 * `name`, `arguments.path`, `arguments.options.depth`. An element of an array has the key of the
 * array, which is so repeated; an array or object without elements is a record without "value". A
 * string is itself, a boolean `true` or `false`, null `null`; a number whose value is an integer
 * between -2^53 and 2^53 is its decimal digits however it was written (1e2 and 100.0 are `100`),
 * any other the shortest decimal text that reads back as the same double.
 */
#define OSH_FACT_JSONRPC_CALLS "jsonrpc.calls"
/** TRUE when the message holds a response frame from the client. Boolean. */
#define OSH_FACT_JSONRPC_RESPONSE "jsonrpc.response"
/** TRUE for a bodiless GET that opens an event stream. Boolean. */
#define OSH_FACT_JSONRPC_RECEIVE_STREAM "jsonrpc.receive_stream"
/**
 * TRUE in a question about a tool that a server lists, before anybody calls it: what a rule says of
 * arguments is open, so it holds in an allow rule and does not in a deny rule, and the method of
 * HTTP is not looked at. Never of a message. Boolean.
 */
#define OSH_FACT_JSONRPC_LISTED "jsonrpc.listed"
/** Why a JSON-RPC message could not be understood; its presence is a hard denial. String. */
#define OSH_FACT_JSONRPC_ERROR "jsonrpc.error"
/**
 * Revision of MCP of the request, as osh_mcp_revision_parse() knows it, for example
 * "2025-11-25"; one that the endpoint's mcp.versions does not list makes the decision a denial that
 * audit does not soften. Without it a call is judged by any revision of that list: so a standalone
 * initialize request, which is still to negotiate one, has no such fact. String.
 */
#define OSH_FACT_MCP_VERSION "mcp.version"

/*
 * Constructors for the shapes, so that a set reads as a table:
 *
 * |[<!-- language="C" -->
 * const OshFact facts[] = {
 *     OSH_FACT_STRING_INIT("redis.command", OSH_SPAN_INIT("GET")),
 *     OSH_FACT_INTEGER_INIT("redis.database", 0),
 * };
 * ]|
 *
 * In C they are initialisers, also for static storage; as a value they take a cast: `(OshFact)
 * OSH_FACT_INTEGER_INIT("redis.database", 0)`, which means the same in C++. There they are calls of
 * the functions below, because C++17 has no initialiser for a member of a union.
 */

/**
 * osh_fact_string:
 * @name: of the fact; kept, not copied, as in all of these
 * @value: borrowed
 *
 * [any] Returns: a fact with one string
 */
static inline OshFact
osh_fact_string(const char *name, OshSpan value)
{
    OshFact fact;

    fact.name = name;
    fact.type = OSH_FACT_STRING;
    fact.count = 0;
    fact.value.string = value;
    return fact;
}

/**
 * osh_fact_integer:
 * @name: of the fact
 * @value: its value
 *
 * [any] Returns: a fact with one integer
 */
static inline OshFact
osh_fact_integer(const char *name, gint64 value)
{
    OshFact fact = osh_fact_string(name, osh_span(NULL));

    fact.type = OSH_FACT_INTEGER;
    fact.value.integer = value;
    return fact;
}

/**
 * osh_fact_boolean:
 * @name: of the fact
 * @value: its value
 *
 * [any] Returns: a fact with one boolean
 */
static inline OshFact
osh_fact_boolean(const char *name, gboolean value)
{
    OshFact fact = osh_fact_string(name, osh_span(NULL));

    fact.type = OSH_FACT_BOOLEAN;
    fact.value.boolean = value;
    return fact;
}

/**
 * osh_fact_strings:
 * @name: of the fact
 * @values: (array length=n_values): borrowed
 * @n_values: how many; an empty list is not an absent fact
 *
 * [any] Returns: a fact with a list of strings
 */
static inline OshFact
osh_fact_strings(const char *name, const OshSpan *values, gsize n_values)
{
    OshFact fact = osh_fact_string(name, osh_span(NULL));

    fact.type = OSH_FACT_STRINGS;
    fact.count = (guint32)n_values;
    fact.value.strings = values;
    return fact;
}

/**
 * osh_fact_records:
 * @name: of the fact
 * @records: (array length=n_records): borrowed
 * @n_records: how many; an empty list is not an absent fact
 *
 * [any] Returns: a fact with a list of records
 */
static inline OshFact
osh_fact_records(const char *name, const OshFactRecord *records, gsize n_records)
{
    OshFact fact = osh_fact_string(name, osh_span(NULL));

    fact.type = OSH_FACT_RECORDS;
    fact.count = (guint32)n_records;
    fact.value.records = records;
    return fact;
}

/**
 * OSH_FACT_STRING_INIT:
 * @fact_name: of the fact
 * @span: an #OshSpan, or OSH_SPAN_INIT() of a literal
 *
 * Initialises a fact with one string.
 */
/**
 * OSH_FACT_INTEGER_INIT:
 * @fact_name: of the fact
 * @number: its value
 *
 * Initialises a fact with one integer.
 */
/**
 * OSH_FACT_BOOLEAN_INIT:
 * @fact_name: of the fact
 * @flag: its value
 *
 * Initialises a fact with one boolean.
 */
/**
 * OSH_FACT_STRINGS_INIT:
 * @fact_name: of the fact
 * @spans: (array length=n): borrowed
 * @n: how many
 *
 * Initialises a fact with a list of strings.
 */
/**
 * OSH_FACT_RECORDS_INIT:
 * @fact_name: of the fact
 * @items: (array length=n): borrowed
 * @n: how many
 *
 * Initialises a fact with a list of records.
 */
#ifdef __cplusplus
#define OSH_FACT_STRING_INIT(fact_name, span)      osh_fact_string((fact_name), span)
#define OSH_FACT_INTEGER_INIT(fact_name, number)   osh_fact_integer((fact_name), (number))
#define OSH_FACT_BOOLEAN_INIT(fact_name, flag)     osh_fact_boolean((fact_name), (flag))
#define OSH_FACT_STRINGS_INIT(fact_name, spans, n) osh_fact_strings((fact_name), (spans), (n))
#define OSH_FACT_RECORDS_INIT(fact_name, items, n) osh_fact_records((fact_name), (items), (n))
#else
#define OSH_FACT_STRING_INIT(fact_name, span)                                                      \
    {                                                                                              \
        .name = (fact_name), .type = OSH_FACT_STRING, .count = 0, .value = {.string = span }       \
    }
#define OSH_FACT_INTEGER_INIT(fact_name, number)                                                   \
    {                                                                                              \
        .name = (fact_name), .type = OSH_FACT_INTEGER, .count = 0, .value = {.integer = (number) } \
    }
#define OSH_FACT_BOOLEAN_INIT(fact_name, flag)                                                     \
    {                                                                                              \
        .name = (fact_name), .type = OSH_FACT_BOOLEAN, .count = 0, .value = {.boolean = (flag) }   \
    }
#define OSH_FACT_STRINGS_INIT(fact_name, spans, n)                                                 \
    {                                                                                              \
        .name = (fact_name), .type = OSH_FACT_STRINGS, .count = (guint32)(n), .value = {           \
            .strings = (spans)                                                                     \
        }                                                                                          \
    }
#define OSH_FACT_RECORDS_INIT(fact_name, items, n)                                                 \
    {                                                                                              \
        .name = (fact_name), .type = OSH_FACT_RECORDS, .count = (guint32)(n), .value = {           \
            .records = (items)                                                                     \
        }                                                                                          \
    }
#endif

G_END_DECLS
