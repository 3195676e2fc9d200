/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp-header.c: what the head of a request says about MCP, and whether it says what the body says.
 * [shard]. A server may route by a field alone, so a field that says something else, or that a hop
 * may remove, is refused in every revision, though only 2026-07-28 requires them.
 */
#include <string.h>

#include "osh-line-reader.h"

#include "jsonrpc.h"

#define PREFIX "=?base64?"
#define SUFFIX "?="

static JsonrpcProblem
fine(void)
{
    return (JsonrpcProblem){JSONRPC_FINE, NULL};
}

static JsonrpcProblem
metadata(const char *words)
{
    return (JsonrpcProblem){JSONRPC_METADATA, words};
}

JsonrpcProblem
jsonrpc_mcp_header(const JsonrpcHead *head, guint *ret_revision)
{
    const JsonrpcField *field = &head->version;

    *ret_revision = OSH_MCP_REVISION_UNSTATED;
    if (field->is_of_hop)
        return (JsonrpcProblem){JSONRPC_VERSION_HEADER,
                                "Connection names MCP-Protocol-Version, so it may be removed"};
    if (field->count > 1)
        return (JsonrpcProblem){JSONRPC_VERSION_HEADER, "MCP-Protocol-Version stands twice"};
    if (field->count == 0)
        return fine();
    if (field->value.length == 0)
        return (JsonrpcProblem){JSONRPC_VERSION_HEADER, "MCP-Protocol-Version is empty"};
    *ret_revision = osh_mcp_revision_parse(field->value.data, (gssize)field->value.length);
    return *ret_revision != 0
               ? fine()
               : (JsonrpcProblem){JSONRPC_VERSION_UNSUPPORTED,
                                  "MCP-Protocol-Version names no published revision"};
}

/* RFC 4648 section 4, strictly: padded, and no bit that decodes to nothing. */
static guchar *
decode(OshSpan text, gsize *ret_length)
{
    g_autofree char *copy = g_strndup(text.data, text.length);
    g_autofree char *again = NULL;
    g_autofree guchar *bytes = g_base64_decode(copy, ret_length);

    again = g_base64_encode(bytes, *ret_length);
    return strcmp(again, copy) == 0 ? g_steal_pointer(&bytes) : NULL;
}

static gboolean
is_encoded(OshSpan value)
{
    return value.length >= sizeof PREFIX - 1 + sizeof SUFFIX - 1 &&
           memcmp(value.data, PREFIX, sizeof PREFIX - 1) == 0 &&
           memcmp(value.data + value.length - (sizeof SUFFIX - 1), SUFFIX, sizeof SUFFIX - 1) == 0;
}

static gboolean
is_plain(OshSpan value)
{
    for (gsize i = 0; i < value.length; i++)
        if (value.data[i] != '\t' && (value.data[i] < 0x20 || value.data[i] > 0x7e))
            return FALSE;
    return TRUE;
}

static gboolean
are_equal(OshSpan left, OshSpan right)
{
    return left.length == right.length &&
           (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}

/* Whether the value of a field stands for @text. */
static gboolean
stands_for(OshSpan value, OshSpan text)
{
    g_autofree guchar *bytes = NULL;
    gsize length;

    if (!is_plain(value))
        return FALSE;
    if (!is_encoded(value))
        return are_equal(value, text);
    bytes = decode((OshSpan){value.data + sizeof PREFIX - 1,
                             value.length - (sizeof PREFIX - 1) - (sizeof SUFFIX - 1)},
                   &length);
    return bytes != NULL && g_utf8_validate_len((const char *)bytes, length, NULL) &&
           are_equal((OshSpan){(const char *)bytes, length}, text);
}

/* The member that Mcp-Name repeats. NULL data: the method has none. */
static OshSpan
name_of(const JsonrpcMessage *message)
{
    if (osh_span_equal(message->method, "tools/call") ||
        osh_span_equal(message->method, "prompts/get"))
        return osh_json_text(json_object_get(message->params, "name"));
    if (osh_span_equal(message->method, "resources/read"))
        return osh_json_text(json_object_get(message->params, "uri"));
    return (OshSpan){NULL, 0};
}

static gboolean
is_extension(const JsonrpcMessage *message)
{
    return osh_mcp_method_class(message->method.data, (gssize)message->method.length, NULL) ==
           OSH_MCP_METHOD_EXTENSION;
}

static JsonrpcProblem
check_method(const JsonrpcField *field, const JsonrpcMessage *message)
{
    if (field->is_of_hop || field->count != 1)
        return metadata("Mcp-Method stands more than once, or Connection names it");
    return are_equal(field->value, message->method)
               ? fine()
               : metadata("Mcp-Method is not the method of the body");
}

static JsonrpcProblem
check_name(const JsonrpcField *field, const JsonrpcMessage *message)
{
    OshSpan name = name_of(message);

    if (field->is_of_hop || field->count != 1)
        return metadata("Mcp-Name stands more than once, or Connection names it");
    if (name.data == NULL && is_extension(message))
        return fine();
    if (name.data == NULL)
        return metadata("Mcp-Name stands beside a method without a name");
    return stands_for(field->value, name) ? fine()
                                          : metadata("Mcp-Name is not the name in the body");
}

JsonrpcProblem
jsonrpc_mcp_agrees(const JsonrpcHead *head, const JsonrpcMessage *message, guint revision)
{
    JsonrpcProblem problem = fine();
    gboolean required;

    if (message == NULL)
        return head->mcp_method.count + head->mcp_name.count == 0
                   ? fine()
                   : metadata("Mcp-Method or Mcp-Name beside a body without one method");
    required = revision == OSH_MCP_REVISION_2026_07_28 &&
               !(message->type == JSONRPC_NOTIFICATION && is_extension(message));
    if (head->mcp_method.count > 0)
        problem = check_method(&head->mcp_method, message);
    else if (required)
        problem = metadata("no Mcp-Method");
    if (problem.kind != JSONRPC_FINE)
        return problem;
    if (head->mcp_name.count > 0)
        return check_name(&head->mcp_name, message);
    return required && name_of(message).data != NULL ? metadata("no Mcp-Name") : fine();
}
