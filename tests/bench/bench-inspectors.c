/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-inspectors.c: what looking into the body of one request costs, without the carrier:
 * microseconds and calls of the allocator for each inspection, opened, fed, read and closed.
 * Sessions that carry messages allocate nothing for a further one: their tests prove it.
 */
#include <openshell/plugin.h>

#include "jsonrpc.h"
#include "openshell/ext/draft/content-inspector.h"
#include "osh-fake-host.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 20000

#define QUERY "{\"query\": \"query Me { viewer { login name } repository { name } }\"}"
#define BATCH "[" QUERY ", " QUERY ", " QUERY ", " QUERY "]"
#define CALL                                                                                       \
    "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": "        \
    "\"read\", \"arguments\": {\"path\": \"/work/a\", \"lines\": [1, 20]}}}"

/* Counts calls of the allocator: the program's own definition comes before libc's. */
static guint64 allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
/* Exported, or GLib would go on calling libc's own. */
__attribute__((visibility("default"))) void *malloc(size_t size);
__attribute__((visibility("default"))) void *calloc(size_t count, size_t size);
__attribute__((visibility("default"))) void *realloc(void *old, size_t size);

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

static void
inspect_graphql(const OshInterface *inspector, const OshInspectionRequest *request, OshSpan body)
{
    gpointer inspection = osh_inspector_open(inspector, request, NULL);

    g_assert_cmpint(osh_inspector_feed(inspector, inspection, body, TRUE), ==, OSH_INSPECTION_DONE);
    g_assert_cmpstr(osh_inspector_facts(inspector, inspection).facts[0].name, ==,
                    OSH_FACT_GRAPHQL_OPERATIONS);
    osh_inspector_close(inspector, inspection);
}

static void
inspect_jsonrpc(const OshInterface *inspector, const OshInspectionRequest *request, OshSpan body)
{
    JsonrpcInspection *inspection = jsonrpc_inspection_new(request);
    const OshFact *facts;

    (void)inspector;
    g_assert_cmpint(jsonrpc_inspection_feed(inspection, body, TRUE), ==, OSH_INSPECTION_DONE);
    facts = (const OshFact *)(gconstpointer)inspection->facts.facts->data;
    g_assert_cmpstr(facts[0].name, ==, OSH_FACT_JSONRPC_CALLS);
    jsonrpc_inspection_free(inspection);
}

static gint64
now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int
main(void)
{
    static const struct {
        const char *title;
        const char *inspector;
        const char *body;
        void (*inspect)(const OshInterface *inspector, const OshInspectionRequest *request,
                        OshSpan body);
    } rows[] = {
        {"GraphQL, one query", "graphql", QUERY, inspect_graphql},
        {"GraphQL, a batch of four", "graphql", BATCH, inspect_graphql},
        {"JSON-RPC, one call", "json-rpc", CALL, inspect_jsonrpc},
        {"MCP, one call of a tool", "mcp", CALL, inspect_jsonrpc},
    };
    OshFact fields[2][2] = {
        {OSH_FACT_STRING_INIT("name", osh_span("content-type")),
         OSH_FACT_STRING_INIT("value", osh_span("application/json"))},
        {OSH_FACT_STRING_INIT("name", osh_span("mcp-protocol-version")),
         OSH_FACT_STRING_INIT("value", osh_span("2025-11-25"))},
    };
    OshFactRecord records[] = {{fields[0], 2}, {fields[1], 2}};
    OshFact head[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span("POST")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span("/mcp")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_CONTENT_TYPE, osh_span("application/json")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_HEADERS, records, G_N_ELEMENTS(records)),
    };
    OshFakeHost *host = osh_fake_host_new("[plugin]\nid=l7-graphql\n");
    OshInterface graphql;
    gpointer plugin;

    g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &plugin, NULL));
    g_assert_true(
        openshell_plugin_v1.get_interface(plugin, OSH_INTERFACE_CONTENT_INSPECTOR, &graphql));
    printf("%-28s%8s%10s%14s\n", "", "bytes", "us", "allocations");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshInspectionRequest request = {
            .struct_size = sizeof request,
            .inspector = rows[i].inspector,
            .media_type = "application/json",
            .head = {head, G_N_ELEMENTS(head)},
            .limit = 65536,
        };
        OshSpan body = osh_span(rows[i].body);
        guint64 counted;
        gint64 began;

        for (guint n = 0; n < ROUNDS / 10; n++)
            rows[i].inspect(&graphql, &request, body);
        counted = allocations;
        began = now();
        for (guint n = 0; n < ROUNDS; n++)
            rows[i].inspect(&graphql, &request, body);
        printf("%-28s%8" G_GSIZE_FORMAT "%10.2f%14.1f\n", rows[i].title, body.length,
               (double)(now() - began) / ROUNDS / 1000, (double)(allocations - counted) / ROUNDS);
    }
    openshell_plugin_v1.destroy(plugin);
    osh_fake_host_free(host);
    return 0;
}
