/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a request for a recording: its names, and no value. */
#include "request-facts.h"

#include <string.h>

static OshRequestFacts *
make(const char *target)
{
    return osh_request_facts_new(OSH_SPAN_LITERAL("GET"), target, strlen(target));
}

static void
test_path_is_canonical(void)
{
    OshRequestFacts *request = make("http://host.example/a/./b/%41?x=1");
    OshFact facts[OSH_REQUEST_FACTS];

    g_assert_cmpuint(osh_request_facts(request, facts), ==, 3);
    g_assert_cmpmem(facts[0].value.string.data, facts[0].value.string.length, "GET", 3);
    g_assert_cmpmem(facts[1].value.string.data, facts[1].value.string.length, "/a/b/A", 6);
    osh_request_facts_free(request);
}

static void
test_query_keeps_names_and_counts_and_no_value(void)
{
    OshRequestFacts *request = make("http://host.example/?k=secret&k=secret&%6c&m=&=v");
    OshFact facts[OSH_REQUEST_FACTS];
    const OshFactRecord *records;

    g_assert_cmpuint(osh_request_facts(request, facts), ==, 3);
    g_assert_cmpuint(facts[2].count, ==, 4);
    records = facts[2].value.records;
    g_assert_cmpmem(records[0].fields[0].value.string.data,
                    records[0].fields[0].value.string.length, "k", 1);
    g_assert_cmpuint(records[0].fields[1].count, ==, 2);
    g_assert_cmpuint(records[0].fields[1].value.strings[0].length, ==, 0);
    g_assert_cmpmem(records[1].fields[0].value.string.data,
                    records[1].fields[0].value.string.length, "l", 1);
    g_assert_cmpuint(records[2].fields[1].count, ==, 1);
    osh_request_facts_free(request);
}

static void
test_path_without_canonical_form_gives_nothing(void)
{
    g_assert_null(make("http://host.example/../x"));
    g_assert_null(make("http://host.example/%zz"));
}

static void
test_too_many_keys_give_nothing_rather_than_a_part(void)
{
    g_autoptr(GString) target = g_string_new("http://host.example/?");

    for (guint i = 0; i < 65; i++)
        g_string_append_printf(target, "k%u=1&a=1&", i);
    g_assert_null(make(target->str));
}

/* What stands behind the target in its buffer is no part of it. */
static void
test_an_escape_cut_short_stands_for_itself(void)
{
    static const char target[] = "http://host.example/?a%41b";
    OshRequestFacts *request =
        osh_request_facts_new(OSH_SPAN_LITERAL("GET"), target, strlen(target) - 2);
    OshFact facts[OSH_REQUEST_FACTS];
    const OshFactRecord *records;

    g_assert_cmpuint(osh_request_facts(request, facts), ==, 3);
    records = facts[2].value.records;
    g_assert_cmpmem(records[0].fields[0].value.string.data,
                    records[0].fields[0].value.string.length, "a%4", 3);
    osh_request_facts_free(request);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/request-facts/path-is-canonical", test_path_is_canonical);
    g_test_add_func("/network/request-facts/query-keeps-names-and-counts-and-no-value",
                    test_query_keeps_names_and_counts_and_no_value);
    g_test_add_func("/network/request-facts/path-without-canonical-form-gives-nothing",
                    test_path_without_canonical_form_gives_nothing);
    g_test_add_func("/network/request-facts/too-many-keys-give-nothing-rather-than-a-part",
                    test_too_many_keys_give_nothing_rather_than_a_part);
    g_test_add_func("/network/request-facts/an-escape-cut-short-stands-for-itself",
                    test_an_escape_cut_short_stands_for_itself);
    return g_test_run();
}
