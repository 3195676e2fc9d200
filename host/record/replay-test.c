/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded decisions, made again. */
#include "replay-report.h"

#include <string.h>

#define HEADER                                                                                     \
    "{\"openshell-recording\":1,\"time\":\"t\",\"host\":\"h\",\"mode\":\"enforce\",\"policy\":{}}" \
    "\n"
#define CURL           ",\"process.binary\":\"/usr/bin/curl\""
#define TO(host, port) "\"network.host\":\"" host "\",\"network.port\":" port CURL

static const char policy_yaml[] = "version: 1\n"
                                  "network_policies:\n"
                                  "  web:\n"
                                  "    endpoints:\n"
                                  "    - {host: a.example, port: 443}\n"
                                  "    - {host: \"*.wild.example\", port: 443}\n"
                                  "    - {host: c.example, port: 6443}\n"
                                  "    - {host: 10.1.2.3, port: 443}\n"
                                  "    - {host: \"10.8.*.*\", port: 443}\n"
                                  "    - host: api.example\n"
                                  "      port: 443\n"
                                  "      protocol: rest\n"
                                  "      enforcement: enforce\n"
                                  "      rules:\n"
                                  "      - allow: {method: GET, path: /v1/**}\n"
                                  "      - allow:\n"
                                  "          method: GET\n"
                                  "          path: /search\n"
                                  "          query: {q: \"safe*\"}\n"
                                  "    - host: soft.example\n"
                                  "      port: 443\n"
                                  "      protocol: rest\n"
                                  "      access: read-only\n"
                                  "    - host: store.example\n"
                                  "      port: 6380\n"
                                  "      protocol: demo\n"
                                  "      enforcement: enforce\n"
                                  "      rules:\n"
                                  "      - allow: {bytes: {min: 1, max: 1048576}}\n"
                                  "    binaries: [{path: /usr/bin/curl}]\n";

typedef struct {
    const char *name;
    const char *outcome;
    const char *layer;
    const char *facts;
    const char *more;
    OshReplayAnswer answer;
    const char *reason; /* (nullable): part of it */
} Row;

static const Row rows[] = {
    {"a-host-that-the-policy-names-passes", "allowed", "connect", TO("a.example", "443"),
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, NULL},
    {"another-port-is-refused", "allowed", "connect", TO("a.example", "80"),
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_DENIED, "is not allowed by any policy"},
    {"a-private-address-behind-an-exact-host-passes", "allowed", "connect", TO("a.example", "443"),
     ",\"addresses\":[\"10.0.0.1\"]", OSH_REPLAY_PASSES, NULL},
    {"a-private-address-behind-a-wildcard-is-refused-as-then", "allowed", "connect",
     TO("x.wild.example", "443"), ",\"addresses\":[\"8.8.8.8\",\"10.0.0.1\"]", OSH_REPLAY_DENIED,
     "internal address 10.0.0.1"},
    {"loopback-is-refused-whatever-the-policy-says", "allowed", "connect", TO("a.example", "443"),
     ",\"addresses\":[\"127.0.0.1\"]", OSH_REPLAY_DENIED, "always-blocked"},
    {"a-control-plane-port-is-refused-without-an-address", "denied-policy", "connect",
     TO("c.example", "6443"), "", OSH_REPLAY_DENIED, "control-plane"},
    {"a-literal-needs-no-look-up", "denied-policy", "connect", TO("10.1.2.3", "443"), "",
     OSH_REPLAY_PASSES, NULL},
    {"a-private-literal-behind-a-wildcard-is-refused", "denied-policy", "connect",
     TO("10.8.0.1", "443"), "", OSH_REPLAY_DENIED, "internal address 10.8.0.1"},
    {"nobody-named-is-refused-by-every-policy", "denied-identity", "connect",
     TO("a.example", "443"), "", OSH_REPLAY_DENIED, "could not be identified"},
    {"hard-is-refused-by-every-policy", "denied-hard", "connect", TO("a.example", "443"), "",
     OSH_REPLAY_DENIED, "whatever"},
    {"a-withheld-program-is-not-guessed", "allowed", "connect",
     "\"network.host\":\"a.example\",\"network.port\":443,\"process.binary\":{\"withheld\":true}",
     "", OSH_REPLAY_UNKNOWN, "withheld"},
    {"a-name-asked-of-the-resolver-is-looked-for", "denied-policy", "dns",
     "\"network.host\":\"y.wild.example\"", "", OSH_REPLAY_PASSES, NULL},
    {"an-unknown-name-stays-unknown", "denied-policy", "dns", "\"network.host\":\"b.example\"", "",
     OSH_REPLAY_DENIED, "to no program"},
    {"a-request-that-a-rule-allows-passes", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"GET\",\"request.path\":\"/v1/x\"",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, NULL},
    {"a-request-that-no-rule-allows-is-refused", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"POST\",\"request.path\":\"/v1/x\"",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_DENIED, "POST /v1/x not permitted"},
    {"a-request-to-an-endpoint-that-judges-none-passes", "allowed", "forward",
     TO("a.example", "443") ",\"request.method\":\"POST\",\"request.path\":\"/v1/x\"",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, NULL},
    {"an-audited-endpoint-lets-it-pass", "allowed", "forward",
     TO("soft.example", "443") ",\"request.method\":\"POST\",\"request.path\":\"/\"",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, "not permitted"},
    {"requests-that-nobody-recorded-are-not-guessed", "allowed", "connect",
     TO("api.example", "443"), ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_UNKNOWN,
     "none of them is recorded"},
    {"requests-of-an-inspected-tunnel-are-rows-of-their-own", "allowed", "connect",
     TO("api.example", "443"),
     ",\"verdict\":{\"action\":\"allow\",\"protocol\":\"rest\"},\"addresses\":[\"8.8.8.8\"]",
     OSH_REPLAY_PASSES, NULL},
    {"a-rule-about-a-query-value-is-not-guessed", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"GET\",\"request.path\":\"/search\","
                              "\"request.query\":{\"records\":[{\"key\":\"q\",\"values\":"
                              "[{\"withheld\":true}]}]}",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_UNKNOWN, "value of a query"},
    {"a-query-that-no-rule-asks-about-does-not-matter", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"GET\",\"request.path\":\"/v1/x\","
                              "\"request.query\":{\"records\":[{\"key\":\"z\",\"values\":"
                              "[{\"withheld\":true}]}]}",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, NULL},
    {"a-withheld-segment-is-not-guessed", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"GET\",\"request.path\":{\"segments\":"
                              "[\"\",\"v1\",{\"withheld\":true}]}",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_UNKNOWN, "not recorded"},
    {"omitted-facts-are-not-guessed", "allowed", "forward",
     TO("api.example", "443") ",\"request.method\":\"GET\",\"request.path\":\"/v1/x\"",
     ",\"omitted\":[\"redis.key\"],\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_UNKNOWN,
     "not recorded"},
    {"a-number-at-the-limit-of-a-rule-passes", "allowed", "l7",
     TO("store.example", "6380") ",\"request.protocol\":\"demo\",\"demo.bytes\":1048576",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_PASSES, NULL},
    {"a-number-beyond-the-limit-of-a-rule-is-refused", "denied-policy", "l7",
     TO("store.example", "6380") ",\"request.protocol\":\"demo\",\"demo.bytes\":1048577",
     ",\"addresses\":[\"8.8.8.8\"]", OSH_REPLAY_DENIED,
     "bytes=1048577; the nearest rule 'bytes=1..1048576' differs in bytes"},
};

static OshPolicySnapshot *
load(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicyProtocolTable) protocols = osh_policy_protocol_table_new();
    OshPolicySnapshot *policy;
    g_autofree char *messages = NULL;

    osh_policy_protocol_add_fact(
        osh_policy_protocol_table_add(protocols, "demo", "tcp", "com.example.demo", NULL),
        "demo.bytes", "integer", FALSE, NULL, NULL, NULL);
    policy = osh_policy_load(&(OshPolicyLoadRequest){.text = text,
                                                     .length = strlen(text),
                                                     .file_name = "policy.yaml",
                                                     .generation = 1,
                                                     .protocols = protocols},
                             diagnostics);
    messages = osh_policy_diagnostics_format(diagnostics);

    if (policy == NULL)
        g_error("%s", messages);
    return policy;
}

static char *
row_text(const Row *row)
{
    return g_strdup_printf(
        "{\"time\":\"t\",\"outcome\":\"%s\",\"layer\":\"%s\",\"facts\":{%s}%s}\n", row->outcome,
        row->layer, row->facts, row->more);
}

static OshRecording *
read_rows(const char *text)
{
    g_autofree char *whole = g_strconcat(HEADER, text, NULL);
    g_autoptr(GError) error = NULL;
    OshRecording *recording = osh_recording_read(whole, strlen(whole), "run.jsonl", &error);

    g_assert_no_error(error);
    return recording;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(OshPolicySnapshot) policy = load(policy_yaml);
    g_autofree char *text = row_text(row);
    g_autoptr(OshRecording) recording = read_rows(text);
    g_auto(OshReplayResult) result = {0};

    osh_replay(policy, g_ptr_array_index(recording->rows, 0), &result);
    g_assert_cmpint(result.answer, ==, row->answer);
    if (row->reason == NULL)
        g_assert_null(result.reason);
    else if (result.reason == NULL || strstr(result.reason, row->reason) == NULL)
        g_error("\"%s\" does not say \"%s\"", result.reason, row->reason);
}

static OshReplayReport *
report_of(const OshPolicySnapshot *policy, OshRecording **ret_recording)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = row_text(&rows[i]);

        g_string_append(all, text);
    }
    *ret_recording = read_rows(all->str);
    return osh_replay_report_new(policy, *ret_recording);
}

static void
test_every_decision_is_counted_once(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(policy_yaml);
    g_autoptr(OshRecording) recording = NULL;
    g_autoptr(OshReplayReport) report = report_of(policy, &recording);
    g_autofree char *text = osh_replay_report_text(report, "run.jsonl");
    g_autofree char *json = osh_replay_report_json(report, "run.jsonl");

    g_assert_cmpuint(report->newly_pass->len, ==, 2);
    g_assert_cmpuint(report->newly_break->len, ==, 4);
    g_assert_cmpuint(report->cannot->len, ==, 5);
    g_assert_cmpuint(report->n_unchanged, ==, recording->rows->len - 11);
    g_assert_nonnull(strstr(text, "newly pass: 2 (2 times)\n"
                                  "  /usr/bin/curl -> 10.1.2.3:443\n"
                                  "      web.endpoints[3] (10.1.2.3:443)  policy.yaml:8\n"));
    g_assert_nonnull(strstr(text, "/usr/bin/curl -> api.example:443 POST /v1/x\n"));
    g_assert_nonnull(strstr(json, "\"newly_break\":[{\"line\":"));
}

static void
test_addresses_that_were_not_looked_up_are_said(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(policy_yaml);
    g_autoptr(OshRecording) recording =
        read_rows("{\"outcome\":\"denied-policy\",\"layer\":\"connect\",\"facts\":{" TO(
            "a.example", "443") "}}\n");
    g_autoptr(OshReplayReport) report = osh_replay_report_new(policy, recording);
    g_autofree char *text = osh_replay_report_text(report, "run.jsonl");

    g_assert_cmpuint(report->newly_pass->len, ==, 1);
    g_assert_nonnull(strstr(text, "its addresses were not looked up then"));
}

static void
test_report_escapes_what_the_box_said(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(policy_yaml);
    g_autoptr(OshRecording) recording =
        read_rows("{\"outcome\":\"allowed\",\"layer\":\"\\u001b[2J\",\"facts\":{\"network.host\":"
                  "\"\\u001b[2J\","
                  "\"network.port\":1,\"process.binary\":\"/\\u009b2J\\n\"}}\n");
    g_autoptr(OshReplayReport) report = osh_replay_report_new(policy, recording);
    g_autofree char *text = osh_replay_report_text(report, "\033]0;x\007");
    g_autofree char *json = osh_replay_report_json(report, "\033]0;x\007");

    for (const char *at = text; *at != '\0'; at++)
        g_assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
    for (const char *at = json; *at != '\0'; at++)
        g_assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/record/replay/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/record/replay/every-decision-is-counted-once",
                    test_every_decision_is_counted_once);
    g_test_add_func("/record/replay/addresses-that-were-not-looked-up-are-said",
                    test_addresses_that_were_not_looked_up_are_said);
    g_test_add_func("/record/replay/report-escapes-what-the-box-said",
                    test_report_escapes_what_the_box_said);
    return g_test_run();
}
