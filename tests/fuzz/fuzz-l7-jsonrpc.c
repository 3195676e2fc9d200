/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of JSON-RPC and MCP. The first byte chooses protocol, method and revision, the second the
 * size of pieces, a line of its own is Mcp-Name. What is read in pieces must be what is read in the
 * whole, a message with an error has no calls, and the words of a refusal are JSON.
 */
#include <string.h>

#include "jsonrpc-fixture.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static const char *const versions[] = {"2025-03-26", "2025-06-18", "2025-11-25",
                                       "2026-07-28", "2024-11-05", ""};

static gboolean
has(const JsonrpcInspection *inspection, const char *name)
{
    for (guint i = 0; i < inspection->facts.facts->len; i++)
        if (strcmp(g_array_index(inspection->facts.facts, OshFact, i).name, name) == 0)
            return TRUE;
    return FALSE;
}

static void
check_refusal(JsonrpcInspection *inspection)
{
    const OshInspectionDenial denial = {
        .struct_size = sizeof denial, .reason = "refused", .policy = "p", .event = 1};
    const OshInspectionRefusal *refusal = jsonrpc_refusal_make(inspection, &denial);
    const OshJsonLimits limits = {.max_bytes = G_MAXINT32, .flags = OSH_JSON_LARGE_INTEGERS};
    json_t *body;

    if (refusal == NULL)
        return;
    g_assert(refusal->status >= 200 && refusal->status < 500);
    body = osh_json_load(refusal->body, &limits, NULL);
    g_assert(body != NULL);
    json_decref(body);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint choice = size > 0 ? data[0] : 0;
    const char *text = size > 2 ? (const char *)data + 2 : "";
    gsize length = size > 2 ? size - 2 : 0;
    const char *end = length > 0 ? memchr(text, '\n', length) : NULL;
    g_autofree char *name = g_strndup(text, end != NULL ? (gsize)(end - text) : 0);
    const char *fields[] = {"mcp-protocol-version",
                            versions[choice % G_N_ELEMENTS(versions)],
                            "accept",
                            "text/event-stream",
                            name[0] != '\0' ? "mcp-name" : NULL,
                            name,
                            NULL};
    JsonrpcAsked asked = {
        .protocol = (choice & 0x80) != 0 ? "json-rpc" : "mcp",
        .method = (choice & 0x40) != 0 ? "GET" : "POST",
        .fields = fields,
        .versions = "2025-03-26,2025-06-18,2025-11-25,2026-07-28",
        .loose_names = (choice & 0x20) != 0,
        .body = {end != NULL ? end + 1 : text,
                 length - (end != NULL ? (gsize)(end - text) + 1 : 0)},
    };
    g_autoptr(JsonrpcInspection) whole = jsonrpc_fixture_inspect(&asked);
    g_autoptr(JsonrpcInspection) pieces = NULL;
    g_autofree char *facts = jsonrpc_fixture_facts(whole);
    g_autofree char *same = NULL;

    asked.piece = size > 1 ? 1 + data[1] : 1;
    pieces = jsonrpc_fixture_inspect(&asked);
    same = jsonrpc_fixture_facts(pieces);
    g_assert(strcmp(facts, same) == 0);
    g_assert(has(whole, OSH_FACT_JSONRPC_ERROR) != has(whole, OSH_FACT_JSONRPC_CALLS));
    g_assert(has(whole, OSH_FACT_JSONRPC_ERROR) == (whole->problem.kind != JSONRPC_FINE));
    check_refusal(whole);
    return 0;
}
