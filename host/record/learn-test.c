/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is learned, from recordings by hand and from hundreds of generated ones: it allows what it
 * was learned from, holds nothing that could be left out, and stays inside its ceiling.
 */
#include "learn.h"

#include <string.h>

#include "replay.h"

#define SEEDS 200
#define HEADER                                                                                     \
    "{\"openshell-recording\":1,\"time\":\"t\",\"host\":\"h\",\"mode\":\"audit\",\"policy\":{}}\n"

static OshPolicySnapshot *
load(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "test.yaml", .generation = 1},
        diagnostics);
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    if (policy == NULL)
        g_error("%s\n%s", messages, text);
    return policy;
}

static OshRecording *
read_rows(const char *rows)
{
    g_autofree char *whole = g_strconcat(HEADER, rows, NULL);
    g_autoptr(GError) error = NULL;
    OshRecording *recording = osh_recording_read(whole, strlen(whole), "run.jsonl", &error);

    g_assert_no_error(error);
    return recording;
}

static OshLearned *
learn(const OshRecording *recording, const OshPolicySnapshot *ceiling, gboolean requests)
{
    const OshLearnOptions options = {.name = "run.jsonl", .ceiling = ceiling, .requests = requests};
    g_autoptr(GError) error = NULL;
    OshLearned *learned = osh_learn(recording, &options, &error);

    if (learned == NULL)
        g_error("%s", error->message);
    return learned;
}

static const char *
network_part(const OshLearned *learned)
{
    const char *at = strstr(learned->text, "network_policies:\n");

    return at != NULL ? at : "";
}

/* --- By hand ------------------------------------------------------------------------------------
 */

#define ROW_OF(outcome, host, binary, rest)                                                        \
    "{\"time\":\"t\",\"outcome\":\"" outcome "\",\"layer\":\"connect\",\"facts\":{"                \
    "\"network.host\":\"" host "\",\"network.port\":443,\"process.identity\":\"required\","        \
    "\"process.binary\":\"" binary "\"" rest "},\"addresses\":[\"8.8.8.8\"]}\n"
#define ROW(host, rest) ROW_OF("audited", host, "/usr/bin/curl", rest)
#define GET(path)       ",\"request.method\":\"GET\",\"request.path\":\"" path "\""

static void
test_hosts_are_exact_and_binaries_share_them(void)
{
    g_autoptr(OshRecording) recording = read_rows(ROW("A.Example.com", "") ROW_OF(
        "allowed", "a.example.com", "/usr/bin/git", "") ROW("b.example.com", ""));
    g_autoptr(OshLearned) learned = learn(recording, NULL, FALSE);

    g_assert_cmpstr(network_part(learned), ==,
                    "network_policies:\n"
                    "  curl:\n"
                    "    endpoints:\n"
                    "    - host: b.example.com\n"
                    "      port: 443\n"
                    "    binaries:\n"
                    "    - path: /usr/bin/curl\n"
                    "  curl_git:\n"
                    "    endpoints:\n"
                    "    - host: a.example.com\n"
                    "      port: 443\n"
                    "    binaries:\n"
                    "    - path: /usr/bin/curl\n"
                    "    - path: /usr/bin/git\n");
    g_assert_cmpuint(learned->left->len, ==, 0);
}

static void
test_ids_become_any_and_words_stay(void)
{
    g_autoptr(OshRecording) recording = read_rows(ROW("a.example.com", GET("/v1/users/17/facade"))
                                                      ROW("a.example.com", GET("/v1/users/me")));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);

    g_assert_nonnull(strstr(learned->text, "path: /v1/users/*/facade}"));
    g_assert_nonnull(strstr(learned->text, "path: /v1/users/me}"));
}

static void
test_withheld_segment_becomes_any(void)
{
    g_autoptr(OshRecording) recording =
        read_rows(ROW("a.example.com", ",\"request.method\":\"GET\",\"request.path\":{\"segments\":"
                                       "[\"\",\"bot\",{\"withheld\":true},\"send\"]}"));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);

    g_assert_nonnull(strstr(learned->text, "path: /bot/*/send}"));
}

/* A text that keeps a GraphQL connection going is no leave to send any text. */
static void
test_control_texts_of_graphql_become_no_rule(void)
{
    g_autoptr(OshRecording) recording =
        read_rows(ROW("a.example.com", ",\"request.method\":\"WEBSOCKET_TEXT\",\"request.path\":"
                                       "\"/graphql\",\"graphql.control\":\"ping\""));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);

    g_assert_cmpstr(network_part(learned), ==, "");
    g_assert_cmpuint(learned->n_learned, ==, 0);
    g_assert_cmpuint(learned->left->len, ==, 1);
}

/* Without a rule the endpoint would not be inspected, and let through any request. */
static void
test_an_inspected_tunnel_is_never_learned_without_rules(void)
{
    static const char tunnel[] =
        "{\"time\":\"t\",\"outcome\":\"allowed\",\"layer\":\"connect\",\"facts\":{"
        "\"network.host\":\"a.example.com\",\"network.port\":443,\"process.identity\":"
        "\"required\",\"process.binary\":\"/usr/bin/curl\"},\"verdict\":{\"action\":\"allow\","
        "\"protocol\":\"rest\"},\"addresses\":[\"8.8.8.8\"]}\n";
    g_autofree char *odd = g_strconcat(tunnel,
                                       ROW("a.example.com", ",\"request.method\":\"G(T\","
                                                            "\"request.path\":\"/x\""),
                                       NULL);
    g_autofree char *plain = g_strconcat(tunnel, ROW("a.example.com", GET("/x")), NULL);
    g_autoptr(OshRecording) unreadable = read_rows(odd);
    g_autoptr(OshRecording) readable = read_rows(plain);
    g_autoptr(OshLearned) nothing = learn(unreadable, NULL, TRUE);
    g_autoptr(OshLearned) something = learn(readable, NULL, TRUE);

    g_assert_cmpstr(network_part(nothing), ==, "");
    g_assert_cmpuint(nothing->left->len, ==, 2);
    g_assert_cmpuint(nothing->n_learned, ==, 0);
    g_assert_nonnull(strstr(g_ptr_array_index(nothing->left, 1), "no rule for them was learned"));
    g_assert_nonnull(strstr(something->text, "path: /x}"));
    g_assert_cmpuint(something->left->len, ==, 0);
}

/* Neither the tunnel nor its messages: an endpoint without rules would let through any message. */
static void
test_a_plugins_messages_are_left_to_a_person(void)
{
    g_autoptr(OshRecording) recording = read_rows(
        "{\"time\":\"t\",\"outcome\":\"audited\",\"layer\":\"connect\",\"facts\":{"
        "\"network.host\":\"a.example.com\",\"network.port\":443,\"process.identity\":"
        "\"required\",\"process.binary\":\"/usr/bin/curl\"},\"verdict\":{\"action\":\"allow\","
        "\"protocol\":\"demo\"},\"addresses\":[\"8.8.8.8\"]}\n" ROW(
            "a.example.com", ",\"request.protocol\":\"demo\",\"demo.bytes\":12"));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);

    g_assert_cmpstr(network_part(learned), ==, "");
    /* both are said in one line */
    g_assert_cmpuint(learned->n_learned, ==, 0);
    g_assert_cmpuint(learned->left->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(learned->left, 0), "its protocol is a plugin's"));
}

static void
test_star_in_a_path_is_no_glob(void)
{
    g_autoptr(OshRecording) recording = read_rows(ROW("a.example.com", GET("/a/*/b")));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);
    g_autoptr(OshPolicySnapshot) policy = load(learned->text);
    g_autoptr(OshRecording) other = read_rows(ROW("a.example.com", GET("/a/x/b")));
    g_auto(OshReplayResult) result = {0};

    osh_replay(policy, g_ptr_array_index(other->rows, 0), &result);
    g_assert_cmpint(result.answer, ==, OSH_REPLAY_DENIED);
}

static void
test_what_no_policy_may_learn_is_listed(void)
{
    g_autoptr(OshRecording) recording = read_rows(
        ROW_OF("denied-destination", "a.example.com", "/usr/bin/curl", "")
            ROW_OF("denied-identity", "b.example.com", "/usr/bin/curl", "")
                ROW_OF("denied-hard", "c.example.com", "/usr/bin/curl", "")
                    ROW_OF("denied-policy", "d.example.com", "/usr/bin/curl", "")
                        ROW_OF("audited", "e.example.com", "/usr/bin/*", "")
                            ROW_OF("audited", "*.example.com", "/usr/bin/curl", "")
                                ROW_OF("audited", "f.example.com", "relative", "")
                                    ROW_OF("audited", "g.example.com\\nx", "/usr/bin/curl", ""));
    g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);

    g_assert_cmpuint(learned->n_learned, ==, 0);
    g_assert_cmpuint(learned->left->len, ==, 8);
    g_assert_cmpstr(network_part(learned), ==, "");
    for (const char *at = learned->text; *at != '\0'; at++)
        g_assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
}

static void
test_ceiling_keeps_its_addresses_and_names_the_parent(void)
{
    g_autoptr(OshPolicySnapshot) ceiling = load("version: 1\n"
                                                "network_policies:\n"
                                                "  git:\n"
                                                "    endpoints:\n"
                                                "    - host: \"*.example.com\"\n"
                                                "      port: 443\n"
                                                "      allowed_ips: [8.8.8.0/24]\n"
                                                "    - {host: \"*.example.org\", port: 443}\n"
                                                "    binaries: [{path: /usr/bin/git}]\n");
    g_autoptr(OshRecording) recording = read_rows(
        ROW_OF("audited", "a.example.com", "/usr/lib/git-remote",
               ",\"process.ancestors\":[\"/usr/bin/git\"]")
            ROW_OF("audited", "a.example.org", "/usr/bin/git", "") ROW("a.example.com", ""));
    g_autoptr(OshLearned) learned = learn(recording, ceiling, FALSE);

    g_assert_nonnull(strstr(learned->text, "allowed_ips: [8.8.8.0/24]\n"));
    g_assert_nonnull(strstr(learned->text, "- path: /usr/bin/git\n"));
    g_assert_null(strstr(network_part(learned), "git-remote"));
    g_assert_cmpuint(learned->left->len, ==, 1);
    g_assert_cmpuint(learned->notes->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(learned->notes, 0), "a.example.org:443"));
}

static void
test_ceiling_bounds_what_is_generalised(void)
{
    g_autoptr(OshPolicySnapshot) ceiling =
        load("version: 1\n"
             "network_policies:\n"
             "  api:\n"
             "    endpoints:\n"
             "    - host: a.example.com\n"
             "      port: 443\n"
             "      protocol: rest\n"
             "      enforcement: enforce\n"
             "      rules:\n"
             "      - allow: {method: GET, path: /open/**}\n"
             "      - allow: {method: GET, path: \"/shut/*\"}\n"
             "      - allow: {method: GET, path: /asked, query: {q: \"*\"}}\n"
             "      deny_rules:\n"
             "      - {method: GET, path: /shut/9}\n"
             "    binaries: [{path: /usr/bin/curl}]\n");
    g_autoptr(OshRecording) recording =
        read_rows(ROW("a.example.com", GET("/open/1")) ROW("a.example.com", GET("/shut/7"))
                      ROW("a.example.com", GET("/shut/9")) ROW("a.example.com", GET("/asked"))
                          ROW("a.example.com", GET("/else")));
    g_autoptr(OshLearned) learned = learn(recording, ceiling, FALSE);

    g_assert_nonnull(strstr(learned->text, "path: /open/*}"));
    g_assert_nonnull(strstr(learned->text, "path: /shut/7}"));
    g_assert_cmpuint(learned->left->len, ==, 3);
}

/* What is written down accepts the default revision, so the ceiling has to. */
static void
test_mcp_of_another_revision_is_left_to_a_person(void)
{
    static const char *const versions[] = {"[\"2025-06-18\"]", "[\"2025-11-25\"]"};

    for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
        g_autofree char *text =
            g_strdup_printf("version: 1\n"
                            "network_policies:\n"
                            "  all:\n"
                            "    endpoints:\n"
                            "    - {host: a.example.com, port: 443, path: /mcp, protocol: mcp, "
                            "enforcement: enforce, "
                            "mcp: {versions: %s, allow_all_known_mcp_methods: true}, "
                            "rules: [{allow: {method: vendor/x}}]}\n"
                            "    binaries:\n"
                            "    - path: /usr/bin/curl\n",
                            versions[i]);
        g_autoptr(OshPolicySnapshot) ceiling = load(text);

        for (guint k = 0; k < 2; k++) {
            g_autofree char *call =
                g_strdup_printf(",\"request.method\":\"POST\",\"request.path\":\"/mcp\","
                                "\"jsonrpc.calls\":{\"records\":[{\"method\":\"%s\"}]}",
                                k == 0 ? "tools/list" : "vendor/x");
            g_autofree char *row = g_strdup_printf(
                "{\"time\":\"t\",\"outcome\":\"audited\",\"layer\":\"http\",\"facts\":{"
                "\"network.host\":\"a.example.com\",\"network.port\":443,"
                "\"process.identity\":\"required\",\"process.binary\":\"/usr/bin/curl\"%s},"
                "\"verdict\":{\"action\":\"allow\",\"protocol\":\"mcp\"},"
                "\"addresses\":[\"8.8.8.8\"]}\n",
                call);
            g_autoptr(OshRecording) recording = read_rows(row);
            g_autoptr(OshLearned) learned = learn(recording, ceiling, TRUE);

            g_assert_cmpuint(learned->left->len, ==, i == 0 ? 1 : 0);
            g_assert_true((strstr(learned->text, "protocol: mcp") != NULL) == (i == 1));
        }
    }
}

static void
test_base_gives_everything_but_the_network(void)
{
    static const char base_text[] = "version: 1\n"
                                    "filesystem_policy: {read_only: [/usr], read_write: [/data]}\n"
                                    "process: {run_as_user: sandbox}\n"
                                    "network_policies:\n"
                                    "  old: {endpoints: [{host: old.example.com, port: 1}], "
                                    "binaries: [{path: /x}]}\n";
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) base = osh_draft_read(&(OshPolicyLoadRequest){.text = base_text,
                                                                      .length = strlen(base_text),
                                                                      .file_name = "base.yaml"},
                                              diagnostics);
    g_autoptr(OshRecording) recording = read_rows(ROW("a.example.com", ""));
    const OshLearnOptions options = {.name = "run.jsonl", .base = base};
    g_autoptr(OshLearned) learned = osh_learn(recording, &options, NULL);

    g_assert_nonnull(learned);
    g_assert_nonnull(strstr(learned->text, "read_write: [/data]"));
    g_assert_nonnull(strstr(learned->text, "run_as_user: sandbox"));
    g_assert_null(strstr(learned->text, "old"));
}

/* --- Generated ----------------------------------------------------------------------------------
 */

static const char *
pick(GRand *random, const char *const *words, guint n)
{
    return words[g_rand_int_range(random, 0, (gint)n)];
}

#define PICK(random, words) pick(random, words, G_N_ELEMENTS(words))

static const char *const hosts[] = {"a.example.com", "b.example.com", "c.example.org"};
static const char *const ports[] = {"443", "80"};
static const char *const binaries[] = {"/usr/bin/curl", "/usr/bin/git", "/opt/node", "/usr/bin/sh"};
static const char *const methods[] = {"GET", "GET", "HEAD", "POST", "DELETE"};
static const char *const tops[] = {"v1", "repos", "users", "admin"};
static const char *const words[] = {"alpha", "beta",  "gamma", "delta", "epsilon", "zeta",
                                    "eta",   "theta", "iota",  "kappa", "lambda",  "*"};

static void
append_path(GString *text, GRand *random)
{
    guint depth = (guint)g_rand_int_range(random, 0, 4);

    g_string_append_printf(text, "/%s", PICK(random, tops));
    for (guint i = 0; i < depth; i++) {
        if (g_rand_int_range(random, 0, 3) == 0)
            g_string_append_printf(text, "/%d", g_rand_int_range(random, 1, 100));
        else
            g_string_append_printf(text, "/%s", PICK(random, words));
    }
    if (g_rand_int_range(random, 0, 12) == 0)
        g_string_append_c(text, '/');
}

/* Calls that some revisions of MCP have, none, or only a server. */
static void
append_mcp(GString *text, GRand *random)
{
    static const char *const calls[] = {"tools/list",  "tasks/get",       "tools/vendor",
                                        "ping",        "server/discover", "notifications/message",
                                        "prompts/list"};
    static const char *const versions[] = {"", "", ",\"mcp.version\":\"2025-11-25\"",
                                           ",\"mcp.version\":\"2025-06-18\""};

    g_string_append_printf(text,
                           ",\"request.method\":\"POST\",\"request.path\":\"/mcp\","
                           "\"jsonrpc.calls\":{\"records\":[{\"method\":\"%s\"}]}%s",
                           PICK(random, calls), PICK(random, versions));
}

/* What a recording holds besides connections. */
typedef enum {
    NO_REQUESTS,
    REQUESTS,
    ODD_REQUESTS, /* also such as no rule can say */
} Requests;

static void
append_request(GString *text, GRand *random, Requests requests)
{
    switch (g_rand_int_range(random, 0, 8)) {
    case 0:
        return;
    case 1:
        g_string_append_printf(text,
                               ",\"request.method\":\"POST\",\"request.path\":\"/graphql\","
                               "\"graphql.operations\":{\"records\":[{\"type\":\"query\",\"name\":"
                               "\"%s\",\"fields\":[\"%s\",\"viewer\"]}]}",
                               g_rand_boolean(random) ? "List" : "Show",
                               g_rand_boolean(random) ? "repo" : "user");
        return;
    case 2:
        if (requests == ODD_REQUESTS && g_rand_boolean(random)) {
            append_mcp(text, random);
            return;
        }
        g_string_append_printf(text,
                               ",\"request.method\":\"POST\",\"request.path\":\"/mcp\","
                               "\"jsonrpc.calls\":{\"records\":[{\"method\":\"tools/call\","
                               "\"params\":{\"records\":[{\"key\":\"name\",\"value\":\"%s\"}]}}]}",
                               g_rand_boolean(random) ? "read_file" : "write_file");
        return;
    default:
        g_string_append_printf(text, ",\"request.method\":\"%s\",\"request.path\":\"",
                               PICK(random, methods));
        append_path(text, random);
        g_string_append_c(text, '"');
        return;
    }
}

static void
append_row(GString *text, GRand *random, Requests requests)
{
    g_string_append_printf(text,
                           "{\"time\":\"t\",\"outcome\":\"%s\",\"layer\":\"connect\",\"facts\":{"
                           "\"network.host\":\"%s\",\"network.port\":%s,"
                           "\"process.identity\":\"required\",\"process.binary\":\"%s\"",
                           g_rand_int_range(random, 0, 9) == 0 ? "denied-policy" : "audited",
                           PICK(random, hosts), PICK(random, ports), PICK(random, binaries));
    if (g_rand_boolean(random))
        g_string_append_printf(text, ",\"process.ancestors\":[\"%s\",\"/usr/bin/sh\"]",
                               PICK(random, binaries));
    if (requests != NO_REQUESTS)
        append_request(text, random, requests);
    g_string_append(text, "},\"verdict\":{\"action\":\"deny\",\"protocol\":\"\"},"
                          "\"addresses\":[\"8.8.8.8\"]}\n");
}

static char *
generate(GRand *random, Requests requests)
{
    GString *text = g_string_new(NULL);
    guint n = (guint)g_rand_int_range(random, 1, 50);

    for (guint i = 0; i < n; i++)
        append_row(text, random, requests);
    return g_string_free(text, FALSE);
}

static const char *const mcp_contracts[] = {
    "mcp: {allow_all_known_mcp_methods: true}",
    "mcp: {allow_all_known_mcp_methods: true, versions: [\"2025-06-18\"]}",
    "mcp: {allow_all_known_mcp_methods: true, versions: [\"2026-07-28\", \"2025-11-25\"]}",
    "rules: [{allow: {method: \"tools/*\"}}, {allow: {method: notifications/message}}]",
    "rules: [{allow: {method: tools/vendor}}, {allow: {method: tasks/get}}]",
};

static char *
generate_ceiling(GRand *random)
{
    GString *text = g_string_new("version: 1\nnetwork_policies:\n");
    guint n = (guint)g_rand_int_range(random, 1, 4);

    for (guint i = 0; i < n; i++) {
        g_string_append_printf(text, "  p%u:\n    endpoints:\n", i);
        /* one host for each policy, so that no two of them are ambiguous */
        if (g_rand_int_range(random, 0, 3) == 0)
            g_string_append_printf(text, "    - {host: %s, ports: [80, 443]}\n", hosts[i % 3]);
        else {
            g_string_append_printf(text,
                                   "    - host: %s\n      ports: [80, 443]\n      protocol: rest\n"
                                   "      enforcement: enforce\n      rules:\n"
                                   "      - allow: {method: \"*\", path: /%s/**}\n"
                                   "      - allow: {method: GET, path: \"/*/*/%s\"}\n"
                                   "      - allow: {method: GET, path: \"/**/%s\"}\n",
                                   hosts[i % 3], PICK(random, tops),
                                   words[g_rand_int_range(random, 0, 11)],
                                   words[g_rand_int_range(random, 0, 11)]);
            if (g_rand_boolean(random))
                g_string_append_printf(text,
                                       "      deny_rules:\n      - {method: %s, path: /%s/*}\n",
                                       PICK(random, methods), PICK(random, tops));
            g_string_append_printf(text,
                                   "    - {host: %s, ports: [80, 443], path: /graphql, protocol: "
                                   "graphql, enforcement: enforce, rules: [{allow: "
                                   "{operation_type: query, fields: [viewer, repo]}}]}\n"
                                   "    - {host: %s, ports: [80, 443], path: /mcp, protocol: mcp, "
                                   "enforcement: enforce, %s}\n",
                                   hosts[i % 3], hosts[i % 3], PICK(random, mcp_contracts));
        }
        g_string_append_printf(text, "    binaries: [{path: %s}, {path: %s}]\n",
                               PICK(random, binaries),
                               g_rand_boolean(random) ? "/usr/bin/sh" : "\"/opt/*\"");
    }
    return g_string_free(text, FALSE);
}

static gboolean
passes(const OshPolicySnapshot *policy, const OshRecordedDecision *row)
{
    g_auto(OshReplayResult) result = {0};

    osh_replay(policy, row, &result);
    return result.answer == OSH_REPLAY_PASSES;
}

/* A connection whose requests nobody recorded cannot be told to pass, but it is not refused. */
static gboolean
is_refused(const OshPolicySnapshot *policy, const OshRecordedDecision *row)
{
    g_auto(OshReplayResult) result = {0};

    osh_replay(policy, row, &result);
    return result.answer == OSH_REPLAY_DENIED;
}

static guint
count_not_refused(const OshPolicySnapshot *policy, const GPtrArray *rows)
{
    guint count = 0;

    for (guint i = 0; i < rows->len; i++)
        count += !is_refused(policy, g_ptr_array_index(rows, i));
    return count;
}

/* The rows that a policy allows and that were let through: what must break without a part of it. */
static GPtrArray *
held_by(const OshPolicySnapshot *policy, const OshRecording *recording)
{
    GPtrArray *held = g_ptr_array_new();

    for (guint i = 0; i < recording->rows->len; i++) {
        OshRecordedDecision *row = g_ptr_array_index(recording->rows, i);

        if (osh_replay_passed(row) && !is_refused(policy, row))
            g_ptr_array_add(held, row);
    }
    return held;
}

static void
assert_breaks(const OshDraft *without, const GPtrArray *held, const char *what, const char *text)
{
    g_autofree char *smaller = osh_draft_write(without, NULL);
    g_autoptr(OshPolicySnapshot) policy = load(smaller);

    if (count_not_refused(policy, held) == held->len)
        g_error("%s is not needed in\n%s\nas this shows:\n%s", what, text, smaller);
}

/* Each list of each policy and endpoint, one item left out at a time. */
static void
assert_minimal(const char *text, const GPtrArray *held)
{
    static const char *const lists[] = {"rules", "ports"};
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text, .length = strlen(text), .file_name = "learned"},
        diagnostics);
    g_auto(GStrv) keys = osh_draft_policy_keys(draft);

    for (guint p = 0; keys[p] != NULL; p++) {
        OshValue *policy = osh_draft_policy(draft, keys[p]);

        for (guint i = 0; i < osh_value_length(osh_draft_binaries(policy)); i++) {
            g_autoptr(OshDraft) copy = osh_draft_copy(draft);

            if (osh_value_length(osh_draft_binaries(policy)) > 1)
                osh_value_remove_at(osh_draft_binaries(osh_draft_policy(copy, keys[p])), i);
            else
                osh_draft_remove_policy(copy, keys[p]);
            assert_breaks(copy, held, "a binary", text);
        }
        for (guint i = 0; i < osh_value_length(osh_draft_endpoints(policy)); i++) {
            const OshValue *endpoint = osh_value_item(osh_draft_endpoints(policy), i);
            g_autoptr(OshDraft) copy = osh_draft_copy(draft);

            if (osh_value_length(osh_draft_endpoints(policy)) > 1)
                osh_value_remove_at(osh_draft_endpoints(osh_draft_policy(copy, keys[p])), i);
            else
                osh_draft_remove_policy(copy, keys[p]);
            assert_breaks(copy, held, "an endpoint", text);
            for (gsize k = 0; k < G_N_ELEMENTS(lists); k++) {
                const OshValue *list = osh_value_find(endpoint, lists[k]);

                for (guint n = 0;
                     list != NULL && osh_value_length(list) > 1 && n < osh_value_length(list);
                     n++) {
                    g_autoptr(OshDraft) less = osh_draft_copy(draft);

                    osh_value_remove_at(
                        osh_value_find(
                            osh_value_item(osh_draft_endpoints(osh_draft_policy(less, keys[p])), i),
                            lists[k]),
                        n);
                    assert_breaks(less, held, lists[k], text);
                }
            }
        }
    }
}

static void
test_learned_policies_hold_and_nothing_can_be_left_out(void)
{
    for (guint seed = 1; seed <= SEEDS; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        gboolean requests = seed % 3 != 0;
        g_autofree char *rows = generate(random, requests ? REQUESTS : NO_REQUESTS);
        g_autoptr(OshRecording) recording = read_rows(rows);
        g_autoptr(OshLearned) learned = learn(recording, NULL, requests);
        g_autoptr(OshLearned) again = learn(recording, NULL, requests);
        g_autoptr(OshPolicySnapshot) policy = load(learned->text);
        g_autoptr(GPtrArray) held = held_by(policy, recording);

        g_assert_cmpstr(learned->text, ==, again->text);
        for (guint i = 0; i < recording->rows->len; i++) {
            const OshRecordedDecision *row = g_ptr_array_index(recording->rows, i);
            g_auto(OshReplayResult) result = {0};

            osh_replay(policy, row, &result);
            if (osh_replay_passed(row) && result.answer == OSH_REPLAY_DENIED)
                g_error("seed %u, line %u: %s\n%s", seed, row->line, result.reason, learned->text);
        }
        assert_minimal(learned->text, held);
    }
}

static void
test_order_of_rows_does_not_matter(void)
{
    for (guint seed = 1; seed <= 50; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autofree char *rows = generate(random, REQUESTS);
        g_auto(GStrv) lines = g_strsplit(rows, "\n", -1);
        guint n = g_strv_length(lines) - 1;
        g_autoptr(GString) reversed = g_string_new(NULL);
        g_autoptr(OshRecording) recording = read_rows(rows);
        g_autoptr(OshRecording) other = NULL;
        g_autoptr(OshLearned) learned = learn(recording, NULL, TRUE);
        g_autoptr(OshLearned) again = NULL;

        for (guint i = n; i > 0; i--)
            g_string_append_printf(reversed, "%s\n", lines[i - 1]);
        other = read_rows(reversed->str);
        again = learn(other, NULL, TRUE);
        g_assert_cmpstr(learned->text, ==, again->text);
    }
}

/* What the learned policy lets through, the ceiling lets through: asked about rows and strangers.
 */
static void
test_nothing_is_outside_the_ceiling(void)
{
    guint asked = 0;

    for (guint seed = 1; seed <= SEEDS; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(1000 + seed);
        g_autofree char *ceiling_text = generate_ceiling(random);
        g_autofree char *rows = generate(random, ODD_REQUESTS);
        g_autofree char *more = generate(random, ODD_REQUESTS);
        g_autofree char *strangers_text = g_strconcat(rows, more, NULL);
        g_autoptr(OshPolicySnapshot) ceiling = load(ceiling_text);
        g_autoptr(OshRecording) recording = read_rows(rows);
        g_autoptr(OshRecording) strangers = read_rows(strangers_text);
        g_autoptr(OshLearned) learned = learn(recording, ceiling, seed % 2 == 0);
        g_autoptr(OshPolicySnapshot) policy = load(learned->text);

        for (guint i = 0; i < strangers->rows->len; i++) {
            const OshRecordedDecision *row = g_ptr_array_index(strangers->rows, i);

            if (!osh_replay_has_request(row) || !passes(policy, row))
                continue;
            asked++;
            if (!passes(ceiling, row))
                g_error("seed %u: line %u is outside\n%s\n%s", seed, row->line, ceiling_text,
                        learned->text);
        }
    }
    g_assert_cmpuint(asked, >, 500);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/learn/hosts-are-exact-and-binaries-share-them",
                    test_hosts_are_exact_and_binaries_share_them);
    g_test_add_func("/record/learn/ids-become-any-and-words-stay",
                    test_ids_become_any_and_words_stay);
    g_test_add_func("/record/learn/withheld-segment-becomes-any",
                    test_withheld_segment_becomes_any);
    g_test_add_func("/record/learn/control-texts-of-graphql-become-no-rule",
                    test_control_texts_of_graphql_become_no_rule);
    g_test_add_func("/record/learn/an-inspected-tunnel-is-never-learned-without-rules",
                    test_an_inspected_tunnel_is_never_learned_without_rules);
    g_test_add_func("/record/learn/the-messages-of-a-plugin-are-left-to-a-person",
                    test_a_plugins_messages_are_left_to_a_person);
    g_test_add_func("/record/learn/star-in-a-path-is-no-glob", test_star_in_a_path_is_no_glob);
    g_test_add_func("/record/learn/what-no-policy-may-learn-is-listed",
                    test_what_no_policy_may_learn_is_listed);
    g_test_add_func("/record/learn/ceiling-keeps-its-addresses-and-names-the-parent",
                    test_ceiling_keeps_its_addresses_and_names_the_parent);
    g_test_add_func("/record/learn/ceiling-bounds-what-is-generalised",
                    test_ceiling_bounds_what_is_generalised);
    g_test_add_func("/record/learn/mcp-of-another-revision-is-left-to-a-person",
                    test_mcp_of_another_revision_is_left_to_a_person);
    g_test_add_func("/record/learn/base-gives-everything-but-the-network",
                    test_base_gives_everything_but_the_network);
    g_test_add_func("/record/learn/learned-policies-hold-and-nothing-can-be-left-out",
                    test_learned_policies_hold_and_nothing_can_be_left_out);
    g_test_add_func("/record/learn/order-of-rows-does-not-matter",
                    test_order_of_rows_does_not_matter);
    g_test_add_func("/record/learn/nothing-is-outside-the-ceiling",
                    test_nothing_is_outside_the_ceiling);
    return g_test_run();
}
