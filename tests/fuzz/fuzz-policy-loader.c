/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-policy-loader.c: any bytes as a policy, and one decision of the snapshot.
 *
 * Loading twice must give the same messages, and a policy without errors must answer.
 */
#include "policy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static OshPolicySnapshot *
load(const uint8_t *data, size_t size, char **ret_messages)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = (const char *)data, .length = size, .file_name = "fuzz.yaml", .generation = 1},
        diagnostics);

    if ((policy == NULL) != (osh_policy_diagnostics_n_errors(diagnostics) > 0))
        abort();
    *ret_messages = osh_policy_diagnostics_format(diagnostics);
    return policy;
}

static void
ask(const OshPolicySnapshot *policy, const OshPolicyEndpoint *endpoint)
{
    OshSpan values[] = {OSH_SPAN_LITERAL("x")};
    OshFact pair[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("tag")),
                      OSH_FACT_STRINGS_INIT("values", values, 1)};
    OshFactRecord query[] = {{pair, 2}};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(endpoint->host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, endpoint->ports[0]),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/a/b")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, query, 1),
    };

    for (gsize n = 3; n <= G_N_ELEMENTS(facts); n += 3) {
        OshFacts all = {facts, n};
        OshPolicyVerdict verdict;

        osh_policy_decide(policy, &all, &verdict);
        if ((verdict.action == OSH_POLICY_ALLOW) != (verdict.reason == NULL))
            abort();
        osh_policy_verdict_clear(&verdict);
    }
    osh_policy_name_is_known(policy, endpoint->host);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *messages = NULL;
    g_autofree char *again = NULL;
    OshPolicySnapshot *policy = load(data, size, &messages);
    OshPolicySnapshot *second = load(data, size, &again);

    if (strcmp(messages, again) != 0)
        abort();
    if (policy != NULL) {
        for (guint i = 0; i < osh_policy_n_endpoints(policy) && i < 4; i++)
            ask(policy, osh_policy_endpoint(policy, i));
        osh_policy_snapshot_unref(policy);
        osh_policy_snapshot_unref(second);
    }
    return 0;
}
