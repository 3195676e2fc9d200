/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c: the words for what is wrong with a message. Constant; [any]. */
#include "jsonrpc.h"

static const struct {
    const char *name;
    guint status;
    gboolean is_of_revision;
} kinds[] = {
    [JSONRPC_FINE] = {"", 403, FALSE},
    [JSONRPC_INVALID_JSON] = {"invalid-json", 403, FALSE},
    [JSONRPC_INVALID_MESSAGE] = {"invalid-message", 403, FALSE},
    [JSONRPC_TRANSPORT] = {"transport", 403, FALSE},
    [JSONRPC_VERSION_HEADER] = {"invalid_mcp_protocol_version_header", 400, TRUE},
    [JSONRPC_VERSION_UNSUPPORTED] = {"unsupported_mcp_protocol_version", 400, TRUE},
    [JSONRPC_VERSION_NOT_ALLOWED] = {"mcp_protocol_version_not_allowed", 403, TRUE},
    [JSONRPC_HTTP_METHOD] = {"mcp_http_method_not_allowed", 405, TRUE},
    [JSONRPC_METADATA] = {"invalid_mcp_request_metadata", 400, TRUE},
    [JSONRPC_REQUEST] = {"invalid_mcp_request", 400, TRUE},
};

const char *
jsonrpc_kind_name(JsonrpcKind kind)
{
    return kinds[kind].name;
}

guint
jsonrpc_kind_status(JsonrpcKind kind)
{
    return kinds[kind].status;
}

gboolean
jsonrpc_kind_is_of_revision(JsonrpcKind kind)
{
    return kinds[kind].is_of_revision;
}
