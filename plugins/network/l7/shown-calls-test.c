/* SPDX-License-Identifier: Apache-2.0 */
/* What an event says of the calls in a message: methods and tools, and nothing else of them. */
#include "shown-calls.h"

static char *
shown(OshSpan method, const OshFact *params)
{
    const OshFact fields[] = {OSH_FACT_STRING_INIT("method", method),
                              params != NULL ? *params
                                             : (OshFact)OSH_FACT_RECORDS_INIT("params", NULL, 0)};
    const OshFactRecord calls[] = {{fields, 2}, {fields, 1}};
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_INIT("POST")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, params != NULL ? 1 : 2),
    };

    return osh_shown_calls(&(OshFacts){facts, G_N_ELEMENTS(facts)});
}

static void
test_a_tool_is_named_and_its_arguments_are_not(void)
{
    const OshFact path[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_INIT("arguments.path")),
                            OSH_FACT_STRING_INIT("value", OSH_SPAN_INIT("/secret"))};
    const OshFact name[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_INIT("name")),
                            OSH_FACT_STRING_INIT("value", OSH_SPAN_INIT("re\nad"))};
    const OshFactRecord records[] = {{path, 2}, {name, 2}};
    const OshFact params = OSH_FACT_RECORDS_INIT("params", records, 2);
    g_autofree char *call = shown(OSH_SPAN_LITERAL("tools/call"), &params);
    g_autofree char *prompt = shown(OSH_SPAN_LITERAL("prompts/get"), &params);

    g_assert_cmpstr(call, ==, "tools/call re?ad");
    g_assert_cmpstr(prompt, ==, "prompts/get");
}

static void
test_calls_stand_in_order_and_long_names_are_cut(void)
{
    g_autofree char *name = g_strnfill(OSH_SHOWN_NAME + 1, 'm');
    g_autofree char *two = shown(OSH_SPAN_LITERAL("ping"), NULL);
    g_autofree char *cut = shown(osh_span(name), NULL);
    g_autofree char *wanted =
        g_strdup_printf("%.*s..., %.*s...", OSH_SHOWN_NAME, name, OSH_SHOWN_NAME, name);

    g_assert_cmpstr(two, ==, "ping, ping");
    g_assert_cmpstr(cut, ==, wanted);
}

static void
test_of_many_calls_the_number_is_told(void)
{
    const OshFact method = OSH_FACT_STRING_INIT("method", OSH_SPAN_INIT("a"));
    OshFactRecord calls[OSH_SHOWN_CALLS + 2];
    OshFact fact = OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, G_N_ELEMENTS(calls));
    g_autofree char *text = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        calls[i] = (OshFactRecord){&method, 1};
    text = osh_shown_calls(&(OshFacts){&fact, 1});
    g_assert_cmpstr(text, ==, "a, a, a, a, a, a, a, a, and 2 more");
}

static void
test_a_message_without_calls_has_none(void)
{
    const OshFact none = OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, NULL, 0);
    const OshFact other = OSH_FACT_STRING_INIT(OSH_FACT_JSONRPC_CALLS, OSH_SPAN_INIT("a"));

    g_assert_null(osh_shown_calls(&(OshFacts){NULL, 0}));
    g_assert_null(osh_shown_calls(&(OshFacts){&none, 1}));
    g_assert_null(osh_shown_calls(&(OshFacts){&other, 1}));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/shown-calls/a-tool-is-named-and-its-arguments-are-not",
                    test_a_tool_is_named_and_its_arguments_are_not);
    g_test_add_func("/network/shown-calls/calls-stand-in-order-and-long-names-are-cut",
                    test_calls_stand_in_order_and_long_names_are_cut);
    g_test_add_func("/network/shown-calls/of-many-calls-the-number-is-told",
                    test_of_many_calls_the_number_is_told);
    g_test_add_func("/network/shown-calls/a-message-without-calls-has-none",
                    test_a_message_without_calls_has_none);
    return g_test_run();
}
