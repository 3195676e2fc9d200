/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-policy.c: what a decision costs, and a large policy.
 *
 * For 10, 1,000 and 10,000 endpoints (a tenth of them wildcards): load time and memory, then
 * nanoseconds and allocations for one connection and one request. Fails when an allow allocates,
 * when 10,000 endpoints take longer than 0.5 s of processor
 * time or 200 MiB, or when the cost grows with the policy.
 */
#include "policy.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000000

/* Counts calls of the allocator: the program's own definition comes before libc's. */
static guint64 allocations;

void *__libc_malloc(size_t size);
/* exported, or GLib would go on calling libc's own */
__attribute__((visibility("default"))) void *malloc(size_t size);

void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *
calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *
realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

static char *
make_policy(guint n_endpoints)
{
    GString *text = g_string_new("version: 1\nnetwork_policies:\n");

    for (guint i = 0; i < n_endpoints; i += 5) {
        g_string_append_printf(text, "  policy_%06u:\n    endpoints:\n", i);
        for (guint k = i; k < i + 5; k++) {
            if (k % 10 == 9)
                g_string_append_printf(
                    text, "      - { host: \"*.host%06u.example.com\", port: 443 }\n", k);
            else if (k % 10 == 4)
                g_string_append_printf(
                    text,
                    "      - { host: host%06u.example.com, port: 443, protocol: rest, "
                    "enforcement: enforce, rules: [{ allow: { method: GET, path: \"/repos/**\" } "
                    "}, { allow: { method: POST, path: \"/repos/*/issues\" } }] }\n",
                    k);
            else
                g_string_append_printf(text, "      - { host: host%06u.example.com, port: 443 }\n",
                                       k);
        }
        g_string_append_printf(text,
                               "    binaries: [{ path: /usr/bin/tool%u }, { path: /usr/bin/curl "
                               "}]\n",
                               i % 50);
    }
    return g_string_free(text, FALSE);
}

/* Not the time that others took from us. */
static double
processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
nanoseconds(const OshPolicySnapshot *policy, const OshFacts *facts, OshPolicyAction expected,
            guint rounds, double *ret_allocations)
{
    guint64 before = allocations;
    double start = processor_seconds();
    double taken;

    for (guint i = 0; i < rounds; i++) {
        OshPolicyVerdict verdict;

        osh_policy_decide(policy, facts, &verdict);
        if (verdict.action != expected)
            g_error("a decision of the benchmark is wrong: %s", verdict.reason);
        osh_policy_verdict_clear(&verdict);
    }
    taken = processor_seconds() - start;
    *ret_allocations = (double)(allocations - before) / rounds;
    return taken * 1e9 / rounds;
}

typedef struct {
    double exact;
    double load_seconds;
    double peak_mib;
    double snapshot_mib;
    double allow_allocations;
} Result;

static long
peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void
ask(const OshPolicySnapshot *policy, const char *what, const char *host, const char *path,
    OshPolicyAction expected, double *ret_nanoseconds, double *ret_allocations)
{
    OshSpan ancestors[] = {OSH_SPAN_LITERAL("/usr/bin/bash"), OSH_SPAN_LITERAL("/usr/bin/node")};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
        OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, ancestors, 2),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(path)),
    };
    OshFacts all = {facts, path != NULL ? 6 : 4};

    *ret_nanoseconds = nanoseconds(policy, &all, expected, ROUNDS, ret_allocations);
    printf("    %-22s %7.0f ns %9.2f million/s %6.2f allocations\n", what, *ret_nanoseconds,
           1000.0 / *ret_nanoseconds, *ret_allocations);
}

static Result
measure(guint n_endpoints)
{
    g_autofree char *text = make_policy(n_endpoints);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;
    long before;
    double start;
    Result result = {0};
    double ignored;
    double allocated;
    guint middle = n_endpoints / 2 / 10 * 10;
    g_autofree char *exact = g_strdup_printf("host%06u.example.com", middle);
    g_autofree char *inspected = g_strdup_printf("host%06u.example.com", middle + 4);
    g_autofree char *wildcard = g_strdup_printf("api.host%06u.example.com", middle + 9);

    malloc_trim(0);
    before = peak_kib();
    start = processor_seconds();
    policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "bench.yaml", .generation = 1},
        diagnostics);
    result.load_seconds = processor_seconds() - start;
    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_error("%s", messages);
    }
    result.peak_mib = (double)(peak_kib() - before) / 1024;
    result.snapshot_mib = (double)osh_policy_memory(policy) / (1024 * 1024);
    printf("%u endpoints: load %.3f s, peak +%.1f MiB, snapshot %.1f MiB\n", n_endpoints,
           result.load_seconds, result.peak_mib, result.snapshot_mib);
    ask(policy, "exact host, allow", exact, NULL, OSH_POLICY_ALLOW, &result.exact, &allocated);
    result.allow_allocations += allocated;
    ask(policy, "wildcard host, allow", wildcard, NULL, OSH_POLICY_ALLOW, &ignored, &allocated);
    result.allow_allocations += allocated;
    ask(policy, "request, allow", inspected, "/repos/org/name/pulls", OSH_POLICY_ALLOW, &ignored,
        &allocated);
    result.allow_allocations += allocated;
    ask(policy, "unknown host, deny", "elsewhere.example.org", NULL, OSH_POLICY_DENY, &ignored,
        &allocated);
    return result;
}

static const char content_policy[] =
    "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n"
    "      - { host: cache.test, port: 443, protocol: demo, enforcement: enforce, rules: [{ allow: "
    "{ "
    "command: { any: [GET, MGET] }, key: \"user:*\" } }], deny_rules: [{ key: \"user:root:*\" }] "
    "}\n"
    "      - { host: mcp.test, port: 443, protocol: mcp, enforcement: enforce, rules: [{ allow: { "
    "method: tools/call, tool: read, mcp_arguments: { path: \"/work/*\" } } }] }\n"
    "    binaries: [{ path: /usr/bin/curl }]\n";

/* What looks into a message: facts of a plugin's protocol, arguments of a tool. */
static double
measure_content(void)
{
    g_autoptr(OshPolicyProtocolTable) table = osh_policy_protocol_table_new();
    OshPolicyProtocolDecl *demo = osh_policy_protocol_table_add(table, "demo", "tcp", "x", NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;
    OshSpan keys[] = {OSH_SPAN_LITERAL("user:1"), OSH_SPAN_LITERAL("user:2")};
    OshFact tool[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                      OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("read"))};
    OshFact path[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("arguments.path")),
                      OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("/work/a/b"))};
    OshFactRecord params[] = {{tool, 2}, {path, 2}};
    OshFact call[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call")),
                      OSH_FACT_RECORDS_INIT("params", params, 2)};
    OshFactRecord calls[] = {{call, 2}};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("cache.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
        OSH_FACT_STRING_INIT("demo.command", OSH_SPAN_LITERAL("MGET")),
        OSH_FACT_STRINGS_INIT("demo.key", keys, 2),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, 1),
    };
    OshFacts all = {facts, 5};
    double allocated[2];
    double cost;

    osh_policy_protocol_add_fact(demo, "demo.command", "string", FALSE, NULL, NULL, NULL);
    osh_policy_protocol_add_fact(demo, "demo.key", "strings", FALSE, ":", NULL, NULL);
    policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = table,
                                                     .text = content_policy,
                                                     .length = strlen(content_policy),
                                                     .file_name = "bench.yaml",
                                                     .generation = 1},
                             diagnostics);
    cost = nanoseconds(policy, &all, OSH_POLICY_ALLOW, ROUNDS, &allocated[0]);
    printf("facts of a plugin, allow  %7.0f ns %6.2f allocations\n", cost, allocated[0]);
    facts[0] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("mcp.test"));
    facts[3] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("POST"));
    facts[4] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/"));
    all.n_facts = 6;
    cost = nanoseconds(policy, &all, OSH_POLICY_ALLOW, ROUNDS, &allocated[1]);
    printf("arguments of a tool, allow%7.0f ns %6.2f allocations\n", cost, allocated[1]);
    return allocated[0] + allocated[1];
}

static const char protocols_policy[] =
    "version: 1\n"
    "network_policies:\n"
    "  all:\n"
    "    endpoints:\n"
    "      - { host: rest.test, port: 443, protocol: rest, enforcement: enforce, rules: [{ allow: "
    "{ "
    "method: POST, path: \"/repos/*/issues\", query: { state: { any: [open, \"clos*\"] } } } }], "
    "deny_rules: [{ method: POST, path: \"/repos/secret/**\" }] }\n"
    "      - { host: websocket.test, port: 443, protocol: websocket, enforcement: enforce, access: "
    "read-write }\n"
    "      - { host: graphql.test, port: 443, protocol: graphql, enforcement: enforce, rules: [{ "
    "allow: { operation_type: query, fields: [viewer, \"repo*\"] } }], deny_rules: [{ "
    "operation_type: mutation }] }\n"
    "      - { host: rpc.test, port: 443, protocol: json-rpc, enforcement: enforce, rules: [{ "
    "allow: "
    "{ method: ping } }, { allow: { method: get } }] }\n"
    "      - { host: mcp.test, port: 443, protocol: mcp, enforcement: enforce, rules: [{ allow: { "
    "method: tools/call, tool: { any: [read, \"list_*\"] } } }] }\n"
    "    binaries: [{ path: /usr/bin/curl }]\n";

/* One request of each protocol that is inspected; returns the allocations of all. */
static double
measure_protocols(void)
{
    OshSpan values[] = {OSH_SPAN_LITERAL("closed")};
    OshFact pair[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("state")),
                      OSH_FACT_STRINGS_INIT("values", values, 1)};
    OshFactRecord query = {pair, 2};
    OshSpan fields[] = {OSH_SPAN_LITERAL("viewer"), OSH_SPAN_LITERAL("repository")};
    OshFact said[] = {OSH_FACT_STRING_INIT("type", OSH_SPAN_LITERAL("query")),
                      OSH_FACT_STRINGS_INIT("fields", fields, 2)};
    OshFactRecord operation = {said, 2};
    OshFact name[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                      OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("list_files"))};
    OshFactRecord param = {name, 2};
    OshFact get[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("get"))};
    OshFact tool[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call")),
                      OSH_FACT_RECORDS_INIT("params", &param, 1)};
    OshFactRecord get_call = {get, 1};
    OshFactRecord tool_call = {tool, 2};
    struct {
        const char *host;
        const char *method;
        OshFact fact;
    } rows[] = {
        {"rest.test", "POST", OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, &query, 1)},
        {"websocket.test", "WEBSOCKET_TEXT",
         OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, &query, 1)},
        {"graphql.test", "POST", OSH_FACT_RECORDS_INIT(OSH_FACT_GRAPHQL_OPERATIONS, &operation, 1)},
        {"rpc.test", "POST", OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, &get_call, 1)},
        {"mcp.test", "POST", OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, &tool_call, 1)},
    };
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = protocols_policy,
                                                .length = strlen(protocols_policy),
                                                .file_name = "bench.yaml",
                                                .generation = 1},
                        diagnostics);
    double total = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        OshFact facts[] = {
            OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(rows[i].host)),
            OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
            OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(rows[i].method)),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/repos/name/issues")),
            rows[i].fact,
        };
        OshFacts all = {facts, 6};
        double allocated;
        double cost = nanoseconds(policy, &all, OSH_POLICY_ALLOW, ROUNDS, &allocated);

        printf("    %-22s %7.0f ns %9.2f million/s %6.2f allocations\n", rows[i].host, cost,
               1000.0 / cost, allocated);
        total += allocated;
    }
    return total;
}

int
main(void)
{
    Result small = measure(10);
    Result middle = measure(1000);
    Result large = measure(10000);
    gboolean good = TRUE;
    double of_content = measure_protocols() + measure_content();

    if (small.allow_allocations + middle.allow_allocations + large.allow_allocations + of_content >
        0) {
        printf("FAIL: an allow allocates\n");
        good = FALSE;
    }
    if (large.load_seconds > 0.5 || large.peak_mib > 40) {
        printf("FAIL: 10,000 endpoints take more than 0.5 s or 40 MiB\n");
        good = FALSE;
    }
    if (large.exact > 4 * small.exact + 200 || middle.exact > 4 * small.exact + 200) {
        printf("FAIL: the cost of a decision grows with the policy\n");
        good = FALSE;
    }
    return good ? 0 : 1;
}
