/* SPDX-License-Identifier: Apache-2.0 */
/* jsonrpc-fixture.h: inspections for tests: a request in, its facts as one line of text out. */
#pragma once

#include "jsonrpc.h"

/**
 * JsonrpcAsked: a request of HTTP; what is zero has the value named here.
 * @protocol: mcp
 * @method: POST
 * @fields: (nullable) (array zero-terminated=1): name, value, name, and so on
 * @versions: (nullable): names of revisions, separated by commas; the policy's default
 * @loose_names: mcp.strict_tool_names is off
 * @decode_content: (nullable): codings, separated by commas
 * @limit: 65536
 * @body: its content
 * @piece: bytes that are fed at once: all
 */
typedef struct {
    const char *protocol;
    const char *method;
    const char *const *fields;
    const char *versions;
    gboolean loose_names;
    const char *decode_content;
    guint64 limit;
    OshSpan body;
    gsize piece;
} JsonrpcAsked;

/** jsonrpc_fixture_inspect: Returns: (transfer full): a finished inspection. */
JsonrpcInspection *jsonrpc_fixture_inspect(const JsonrpcAsked *asked);

/** jsonrpc_fixture_facts: Returns: (transfer full): its facts, calls first, for example
 * `tools/call(name=read arguments.a=1 l) response stream version=2025-11-25`, or `error=…`. */
char *jsonrpc_fixture_facts(const JsonrpcInspection *inspection);

/** jsonrpc_fixture_ask: Returns: (transfer full): the facts of @body posted to an endpoint that
 * accepts the revisions of 2025, with MCP-Protocol-Version: 2025-11-25. */
char *jsonrpc_fixture_ask(const char *body);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonrpcInspection, jsonrpc_inspection_free)
