/* SPDX-License-Identifier: Apache-2.0 */
/* What of a decision is written, and what is never. */
#include "record-row.h"

#include "osh-destination.h"
#include "record-redact.h"

#include <string.h>

#define HOST_FACTS                                                                                 \
    OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("api.example.com")),              \
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443)

static char *
row(const OshFact *facts, gsize n_facts, GHashTable *plain)
{
    const OshFacts set = {facts, n_facts};
    const OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = OSH_DECISION_ALLOWED,
        .layer = "connect",
        .facts = &set,
    };
    GString *text = g_string_new(NULL);

    osh_record_row_append(text, &decision, plain);
    return g_string_free(text, FALSE);
}

#define ASSERT_HAS(text, part)                                                                     \
    if (strstr((text), (part)) == NULL)                                                            \
    g_error("no %s in %s", (part), (text))
#define ASSERT_LACKS(text, part)                                                                   \
    if (strstr((text), (part)) != NULL)                                                            \
    g_error("%s in %s", (part), (text))

static void
test_facts_verdict_and_addresses_are_written(void)
{
    const OshFact facts[] = {HOST_FACTS};
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    struct in6_addr addresses[2];
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = OSH_DECISION_DENIED_DESTINATION,
        .layer = "connect",
        .facts = &set,
        .verdict = &verdict,
        .addresses = addresses,
        .n_addresses = G_N_ELEMENTS(addresses),
    };
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(osh_address_mapped_parse("10.1.2.3", &addresses[0]));
    g_assert_true(osh_address_mapped_parse("2001:db8::1", &addresses[1]));
    verdict.action = OSH_ACTION_ALLOW;
    verdict.generation = 4;
    verdict.policy = "web";
    verdict.rule = "web.endpoints[0] (api.example.com:443)";
    verdict.reason = (char *)"a reason is never written";
    osh_record_row_append(text, &decision, NULL);
    g_assert_cmpstr(text->str, ==,
                    "\"outcome\":\"denied-destination\",\"layer\":\"connect\",\"facts\":{"
                    "\"network.host\":\"api.example.com\",\"network.port\":443},"
                    "\"verdict\":{\"action\":\"allow\",\"generation\":4,\"policy\":\"web\","
                    "\"rule\":\"web.endpoints[0] (api.example.com:443)\"},"
                    "\"addresses\":[\"10.1.2.3\",\"2001:db8::1\"]");
}

static void
test_query_values_and_error_texts_are_withheld(void)
{
    const OshSpan values[] = {OSH_SPAN_LITERAL("hunter2"), OSH_SPAN_LITERAL("hunter3")};
    const OshFact key[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("token")),
                           OSH_FACT_STRINGS_INIT("values", values, G_N_ELEMENTS(values))};
    const OshFactRecord query[] = {{key, G_N_ELEMENTS(key)}};
    const OshFact facts[] = {
        HOST_FACTS,
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, query, G_N_ELEMENTS(query)),
        OSH_FACT_STRING_INIT(OSH_FACT_GRAPHQL_ERROR, OSH_SPAN_LITERAL("near \"hunter4\"")),
    };
    g_autofree char *text = row(facts, G_N_ELEMENTS(facts), NULL);

    ASSERT_LACKS(text, "hunter");
    ASSERT_HAS(text, "\"request.query\":{\"records\":[{\"key\":\"token\",\"values\":["
                     "{\"withheld\":true},{\"withheld\":true}]}]}");
    ASSERT_HAS(text, "\"graphql.error\":{\"withheld\":true}");
}

static void
test_tool_names_are_written_and_arguments_are_not(void)
{
    const OshFact name[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                            OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("read_file"))};
    const OshFact argument[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("arguments.path")),
                                OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("hunter2"))};
    const OshFactRecord params[] = {{name, 2}, {argument, 2}};
    const OshFact call[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call")),
                            OSH_FACT_RECORDS_INIT("params", params, G_N_ELEMENTS(params))};
    const OshFactRecord calls[] = {{call, G_N_ELEMENTS(call)}};
    const OshFact facts[] = {HOST_FACTS, OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, 1)};
    g_autofree char *text = row(facts, G_N_ELEMENTS(facts), NULL);

    ASSERT_LACKS(text, "hunter");
    ASSERT_HAS(text, "{\"key\":\"name\",\"value\":\"read_file\"}");
    ASSERT_HAS(text, "{\"key\":\"arguments.path\",\"value\":{\"withheld\":true}}");
}

static void
test_placeholders_are_withheld_wherever_they_stand(void)
{
    const OshSpan arguments[] = {
        OSH_SPAN_LITERAL("/usr/bin/curl"), OSH_SPAN_LITERAL("/x?password=hunter2"),
        OSH_SPAN_LITERAL("--header"), OSH_SPAN_LITERAL("/OPENSHELL-RESOLVE-ENV-K")};
    const OshFact facts[] = {
        HOST_FACTS,
        OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_CMDLINE, arguments, G_N_ELEMENTS(arguments)),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH,
                             OSH_SPAN_LITERAL("/bot/openshell%3Aresolve%3aenv:TOKEN/send")),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY,
                             OSH_SPAN_LITERAL("/x/openshell:resolve:env:TOKEN")),
    };
    g_autofree char *text = row(facts, G_N_ELEMENTS(facts), NULL);

    ASSERT_LACKS(text, "TOKEN");
    ASSERT_LACKS(text, "hunter");
    ASSERT_HAS(text, "\"process.cmdline\":[\"/usr/bin/curl\"]");
    ASSERT_HAS(text, "\"request.path\":{\"segments\":[\"\",\"bot\",{\"withheld\":true},\"send\"]}");
    ASSERT_HAS(text, "\"process.binary\":{\"withheld\":true}");
    g_assert_true(osh_record_bears_placeholder(OSH_SPAN_LITERAL("a-oPenShell-resolve-env-b")));
    g_assert_false(osh_record_bears_placeholder(OSH_SPAN_LITERAL("openshell:resolve:en")));
    /* one decoding, as an upstream does it, not two */
    g_assert_false(
        osh_record_bears_placeholder(OSH_SPAN_LITERAL("openshell%253Aresolve%253Aenv%253A")));
}

static void
test_facts_of_plugins_are_written_when_called_plain(void)
{
    const OshFact facts[] = {
        HOST_FACTS,
        OSH_FACT_STRING_INIT("redis.command", OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT("redis.key", OSH_SPAN_LITERAL("hunter2")),
    };
    g_autoptr(GHashTable) plain = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *text = NULL;

    g_hash_table_add(plain, (gpointer) "redis.command");
    text = row(facts, G_N_ELEMENTS(facts), plain);
    ASSERT_LACKS(text, "hunter");
    ASSERT_HAS(text, "\"redis.command\":\"GET\"");
    ASSERT_HAS(text, "\"omitted\":[\"redis.key\"]");
}

static void
test_bytes_that_are_no_text_stay_exact(void)
{
    const OshFact facts[] = {
        HOST_FACTS,
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b\xff\n")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("A\0B")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/\x1b[2J\"")),
    };
    g_autofree char *text = row(facts, G_N_ELEMENTS(facts), NULL);

    ASSERT_HAS(text, "{\"hex\":\"2f62ff0a\"}");
    ASSERT_HAS(text, "{\"hex\":\"410042\"}");
    ASSERT_HAS(text, "\"/\\u001b[2J\\\"\"");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/row/facts-verdict-and-addresses-are-written",
                    test_facts_verdict_and_addresses_are_written);
    g_test_add_func("/record/row/query-values-and-error-texts-are-withheld",
                    test_query_values_and_error_texts_are_withheld);
    g_test_add_func("/record/row/tool-names-are-written-and-arguments-are-not",
                    test_tool_names_are_written_and_arguments_are_not);
    g_test_add_func("/record/row/placeholders-are-withheld-wherever-they-stand",
                    test_placeholders_are_withheld_wherever_they_stand);
    g_test_add_func("/record/row/facts-of-plugins-are-written-when-called-plain",
                    test_facts_of_plugins_are_written_when_called_plain);
    g_test_add_func("/record/row/bytes-that-are-no-text-stay-exact",
                    test_bytes_that_are_no_text_stay_exact);
    return g_test_run();
}
