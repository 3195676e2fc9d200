/* SPDX-License-Identifier: Apache-2.0 */
/* A copy holds whatever the facts did, and outlives them. */
#include "osh-fact-copy.h"

#include <string.h>

static void
test_every_type_is_copied_and_nothing_points_to_the_original(void)
{
    char name[] = "a.name";
    char text[] = "text";
    char first[] = "first";
    OshSpan spans[] = {{first, 5}, {NULL, 0}};
    const OshFact inner[] = {OSH_FACT_STRING_INIT("key", ((OshSpan){text, 4})),
                             OSH_FACT_STRINGS_INIT("values", spans, 2)};
    OshFactRecord records[] = {{inner, 2}, {NULL, 0}};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(name, ((OshSpan){text, 4})),
        OSH_FACT_INTEGER_INIT("n", 7),
        OSH_FACT_BOOLEAN_INIT("b", TRUE),
        OSH_FACT_STRINGS_INIT("list", spans, 2),
        OSH_FACT_RECORDS_INIT("records", records, 2),
    };
    const OshFacts stated = {facts, G_N_ELEMENTS(facts)};
    OshFactCopy copy = {0};
    const OshFact *kept;

    osh_fact_copy_set(&copy, &stated);
    memset(name, 'x', sizeof name - 1);
    memset(text, 'x', sizeof text - 1);
    memset(first, 'x', sizeof first - 1);
    memset(facts, 0xff, sizeof facts);
    memset(records, 0xff, sizeof records);
    memset(spans, 0xff, sizeof spans);
    kept = copy.facts.facts;
    g_assert_cmpuint(copy.facts.n_facts, ==, 5);
    g_assert_cmpstr(kept[0].name, ==, "a.name");
    g_assert_cmpmem(kept[0].value.string.data, kept[0].value.string.length, "text", 4);
    g_assert_cmpint(kept[1].value.integer, ==, 7);
    g_assert_true(kept[2].value.boolean);
    g_assert_cmpuint(kept[3].count, ==, 2);
    g_assert_cmpmem(kept[3].value.strings[0].data, 5, "first", 5);
    g_assert_cmpuint(kept[3].value.strings[1].length, ==, 0);
    g_assert_cmpuint(kept[4].count, ==, 2);
    g_assert_cmpuint(kept[4].value.records[0].n_fields, ==, 2);
    g_assert_cmpstr(kept[4].value.records[0].fields[1].name, ==, "values");
    g_assert_cmpmem(kept[4].value.records[0].fields[1].value.strings[0].data, 5, "first", 5);
    g_assert_cmpuint(kept[4].value.records[1].n_fields, ==, 0);
    osh_fact_copy_clear(&copy);
}

static void
test_smaller_facts_need_no_other_memory(void)
{
    char large[4000];
    const OshFact one = OSH_FACT_STRING_INIT("a", ((OshSpan){large, sizeof large}));
    const OshFact two = OSH_FACT_STRING_INIT("b", OSH_SPAN_INIT("small"));
    OshFactCopy copy = {0};
    const guint8 *memory;

    memset(large, 'l', sizeof large);
    osh_fact_copy_set(&copy, &(OshFacts){&one, 1});
    memory = copy.memory;
    osh_fact_copy_set(&copy, &(OshFacts){&two, 1});
    g_assert_true(copy.memory == memory);
    g_assert_cmpmem(copy.facts.facts[0].value.string.data, 5, "small", 5);
    osh_fact_copy_clear(&copy);
}

static void
test_no_facts_are_copied_too(void)
{
    OshFactCopy copy = {0};

    osh_fact_copy_set(&copy, &(OshFacts){NULL, 0});
    g_assert_cmpuint(copy.facts.n_facts, ==, 0);
    osh_fact_copy_clear(&copy);
    osh_fact_copy_clear(&copy);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fact-copy/every_type_is_copied_and_nothing_points_to_the_original",
                    test_every_type_is_copied_and_nothing_points_to_the_original);
    g_test_add_func("/fact-copy/smaller_facts_need_no_other_memory",
                    test_smaller_facts_need_no_other_memory);
    g_test_add_func("/fact-copy/no_facts_are_copied_too", test_no_facts_are_copied_too);
    return g_test_run();
}
