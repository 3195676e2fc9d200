/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording from anywhere: it is read or refused, what is read can be repeated with a policy, and
 * the report holds nothing that a terminal obeys.
 */
#include <stdint.h>
#include <string.h>

#include "replay-report.h"

static const char policy_text[] =
    "version: 1\n"
    "network_policies:\n"
    "  a:\n"
    "    endpoints:\n"
    "    - {host: \"**.hosts.example\", port: 443, protocol: rest, access: read-only}\n"
    "    - {host: q.test, port: 443, protocol: graphql, enforcement: enforce, access: full}\n"
    "    - host: mcp.test\n"
    "      port: 443\n"
    "      protocol: mcp\n"
    "      enforcement: enforce\n"
    "      rules: [{allow: {method: tools/call, tool: read_*}}]\n"
    "    binaries: [{path: /usr/**}]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static OshPolicySnapshot *policy;
    g_autoptr(OshRecording) recording =
        osh_recording_read((const char *)data, size, "fuzz.jsonl", NULL);
    g_autoptr(OshReplayReport) report = NULL;
    g_autofree char *text = NULL;
    g_autofree char *json = NULL;

    if (recording == NULL)
        return 0;
    if (policy == NULL) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

        policy = osh_policy_load(&(OshPolicyLoadRequest){.text = policy_text,
                                                         .length = strlen(policy_text),
                                                         .file_name = "fuzz.yaml",
                                                         .generation = 1},
                                 diagnostics);
        g_assert_nonnull(policy);
    }
    report = osh_replay_report_new(policy, recording);
    text = osh_replay_report_text(report, "fuzz.jsonl");
    json = osh_replay_report_json(report, "fuzz.jsonl");
    for (const char *at = text; *at != '\0'; at++)
        g_assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
    for (const char *at = json; *at != '\0'; at++)
        g_assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
    return 0;
}
