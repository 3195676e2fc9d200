/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-mcp.h: what the revisions of the Model Context Protocol have in common and what not.
 *
 * One table for everyone who has to know it: the policy engine, which lets a rule allow only what
 * the revision in use has, and a plugin that reads MCP, which has to refuse a message that its
 * revision does not know before a policy is asked. A plugin finds the revisions that an endpoint
 * accepts in the endpoint option "mcp.versions" and states the one in use as the fact
 * %OSH_FACT_MCP_VERSION:
 *
 * |[<!-- language="C" -->
 * guint revision = header != NULL ? osh_mcp_revision_parse(header, header_length)
 *                                 : OSH_MCP_REVISION_UNSTATED;
 * guint revisions;
 *
 * if (revision == 0)
 *     refuse("unsupported_mcp_protocol_version");
 * if (osh_mcp_method_class(method, method_length, &revisions) == OSH_MCP_METHOD_CORE &&
 *     (revisions & revision) == 0)
 *     refuse("invalid_mcp_request");
 * ]|
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshMcpRevision: a published revision, one bit each; a set of them is their sum.
 * @OSH_MCP_REVISION_2025_03_26: the only one with batches
 * @OSH_MCP_REVISION_2025_06_18: `MCP-Protocol-Version` on every request
 * @OSH_MCP_REVISION_2025_11_25: tasks
 * @OSH_MCP_REVISION_2026_07_28: without sessions: POST requests alone, no initialize
 */
typedef enum {
    OSH_MCP_REVISION_2025_03_26 = 1 << 0,
    OSH_MCP_REVISION_2025_06_18 = 1 << 1,
    OSH_MCP_REVISION_2025_11_25 = 1 << 2,
    OSH_MCP_REVISION_2026_07_28 = 1 << 3,
} OshMcpRevision;

/** OSH_MCP_REVISIONS: number of revisions. */
#define OSH_MCP_REVISIONS 4

/** OSH_MCP_REVISIONS_OF_2025: the revisions with sessions. */
#define OSH_MCP_REVISIONS_OF_2025                                                                  \
    (OSH_MCP_REVISION_2025_03_26 | OSH_MCP_REVISION_2025_06_18 | OSH_MCP_REVISION_2025_11_25)

/** OSH_MCP_REVISION_DEFAULT: what a policy without `mcp.versions` accepts. */
#define OSH_MCP_REVISION_DEFAULT OSH_MCP_REVISION_2025_11_25

/** OSH_MCP_REVISION_UNSTATED: the revision of a request without `MCP-Protocol-Version`. */
#define OSH_MCP_REVISION_UNSTATED OSH_MCP_REVISION_2025_03_26

/** OSH_MCP_MAX_BATCH: most messages of one batch. */
#define OSH_MCP_MAX_BATCH 64

/**
 * OshMcpMethodClass: what a method of a message from a client is.
 * @OSH_MCP_METHOD_EXTENSION: in no revision; only a rule with exactly this method allows it
 * @OSH_MCP_METHOD_CORE: in some revision; no rule allows it in another
 * @OSH_MCP_METHOD_SERVER_ONLY: only a server sends it; nothing allows it
 */
typedef enum {
    OSH_MCP_METHOD_EXTENSION,
    OSH_MCP_METHOD_CORE,
    OSH_MCP_METHOD_SERVER_ONLY,
} OshMcpMethodClass;

/**
 * osh_mcp_revision_parse: [any]
 * @text: (array length=length): `2025-11-25`, exactly
 * @length: its length, or -1 when NUL-terminated
 *
 * Returns: the #OshMcpRevision, or 0 when there is none of this name
 */
guint osh_mcp_revision_parse(const char *text, gssize length);

/** osh_mcp_revision_at: [any] Returns: revision @index of %OSH_MCP_REVISIONS, oldest first; or 0.
 */
guint osh_mcp_revision_at(guint index);

/** osh_mcp_revision_name: [any] Returns: (transfer none) (nullable): the name of one revision. */
const char *osh_mcp_revision_name(guint revision);

/**
 * osh_mcp_method_class: [any]
 * @method: (array length=length): method of a JSON-RPC message; letter case counts
 * @length: its length, or -1 when NUL-terminated
 * @ret_revisions: (out) (nullable): sum of the revisions that have it; 0 unless it is a core method
 *
 * Returns: what kind of method it is when a client sends it
 */
OshMcpMethodClass osh_mcp_method_class(const char *method, gssize length, guint *ret_revisions);

G_END_DECLS
