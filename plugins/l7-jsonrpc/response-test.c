/* SPDX-License-Identifier: Apache-2.0 */
/* A content of a response: what the policy is asked about it, and what becomes of it. */
#include "response.h"

#include <string.h>

#define TOOLS                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"rm\"},{\"name\":\"read\"}]}" \
    "}"
#define READ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"read\"}]}}"

typedef struct {
    const char *media_type;
    const char *content;
    gsize n_questions;
    guint outcome;
    const char *instead; /* for %OSH_RESPONSE_REPLACE */
} Row;

/* The policy allows no tool whose name begins with rm. */
static void
check(JsonrpcResponse *response, const Row *row)
{
    const JsonrpcAnswerRules rules = {.server = "s"};
    g_autofree char *copy = g_strdup(row->content);
    const OshInspectedResponse content = {
        .struct_size = sizeof content,
        .media_type = row->media_type,
        .is_event = g_str_equal(row->media_type, "text/event-stream"),
        .content = osh_span(copy),
    };
    gsize n = jsonrpc_response_begin(response, &content);
    gboolean allowed[8] = {FALSE};
    OshResponseResult result = {.struct_size = sizeof result};
    JsonrpcAnswerReport report;

    memset(copy, 'x', strlen(copy));
    g_assert_cmpuint(n, ==, row->n_questions);
    for (gsize i = 0; i < n; i++) {
        OshFacts facts = jsonrpc_response_question(response, i, OSH_MCP_REVISION_2025_06_18);
        const OshFactRecord *call = &facts.facts[0].value.records[0];
        const OshFact *param = call->fields[1].value.records[0].fields;

        g_assert_cmpuint(facts.n_facts, ==, 3);
        g_assert_cmpstr(facts.facts[0].name, ==, OSH_FACT_JSONRPC_CALLS);
        g_assert_cmpstr(facts.facts[1].name, ==, OSH_FACT_JSONRPC_LISTED);
        g_assert_true(facts.facts[1].value.boolean);
        g_assert_cmpstr(facts.facts[2].name, ==, OSH_FACT_MCP_VERSION);
        allowed[i] = param[1].value.string.length != 2;
    }
    jsonrpc_answer_report_init(&report);
    jsonrpc_response_end(response, allowed, n, &rules, &report, &result);
    g_assert_cmpuint(result.outcome, ==, row->outcome);
    if (row->outcome == OSH_RESPONSE_REPLACE)
        g_assert_cmpmem(result.content.data, result.content.length, row->instead,
                        strlen(row->instead));
    jsonrpc_answer_report_clear(&report);
}

static void
test_a_content_goes_on_without_what_the_policy_refuses(void)
{
    static const Row rows[] = {
        {"application/json", TOOLS, 2, OSH_RESPONSE_REPLACE, READ},
        {"application/json", READ, 1, OSH_RESPONSE_PASS, NULL},
        {"text/event-stream", "id: 1\ndata: " TOOLS "\n\n", 2, OSH_RESPONSE_REPLACE,
         "id: 1\ndata: " READ "\n\n"},
        {"text/event-stream", "data: " READ "\r\n\r\n", 1, OSH_RESPONSE_PASS, NULL},
        {"text/event-stream", "data: " READ "\n", 0, OSH_RESPONSE_REPLACE, ""},
        {"text/event-stream", "data: {\"tools\":\n\n", 0, OSH_RESPONSE_REPLACE, ""},
        {"text/event-stream", ": alive\n\n", 0, OSH_RESPONSE_PASS, NULL},
        {"application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[", 0,
         OSH_RESPONSE_REFUSE, NULL},
        {"application/json", "{\"a\":{\"\\u0054ools\":1,\"\\u0054ools\":2}}", 0,
         OSH_RESPONSE_REFUSE, NULL},
        /* What holds no list in any reading is not read. */
        {"application/json", "{\"a\":1,\"a\":2}", 0, OSH_RESPONSE_PASS, NULL},
        {"application/json", "", 0, OSH_RESPONSE_PASS, NULL},
        {"text/html", "<p>Too many tools</p>", 0, OSH_RESPONSE_PASS, NULL},
        {"", TOOLS, 2, OSH_RESPONSE_REPLACE, READ},
    };
    JsonrpcResponse *response = jsonrpc_response_new();

    /* One object for all of them, as for the events of a stream. */
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        check(response, &rows[i]);
    jsonrpc_response_free(response);
}

static void
test_a_tool_that_nobody_answered_for_is_taken_out(void)
{
    const JsonrpcAnswerRules rules = {.server = "s"};
    const OshInspectedResponse content = {.struct_size = sizeof content,
                                          .media_type = "application/json",
                                          .content = OSH_SPAN_LITERAL(TOOLS)};
    JsonrpcResponse *response = jsonrpc_response_new();
    const gboolean allowed[] = {TRUE};
    OshResponseResult result = {.struct_size = sizeof result};
    JsonrpcAnswerReport report;

    g_assert_cmpuint(jsonrpc_response_begin(response, &content), ==, 2);
    jsonrpc_answer_report_init(&report);
    jsonrpc_response_end(response, allowed, 1, &rules, &report, &result);
    g_assert_cmpuint(result.outcome, ==, OSH_RESPONSE_REPLACE);
    g_assert_cmpstr(g_ptr_array_index(report.hidden, 0), ==, "read");
    jsonrpc_answer_report_clear(&report);
    jsonrpc_response_free(response);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-jsonrpc/response/a-content-goes-on-without-what-the-policy-refuses",
                    test_a_content_goes_on_without_what_the_policy_refuses);
    g_test_add_func("/l7-jsonrpc/response/a-tool-that-nobody-answered-for-is-taken-out",
                    test_a_tool_that_nobody_answered_for_is_taken_out);
    return g_test_run();
}
