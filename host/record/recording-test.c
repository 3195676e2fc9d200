/* SPDX-License-Identifier: Apache-2.0 */
/* A recording reads back as it was written, and nothing else reads at all. */
#include "recording.h"

#include <string.h>

#include "osh-destination.h"
#include "record-row.h"

#define HEADER                                                                                     \
    "{\"openshell-recording\":1,\"time\":\"t\",\"host\":\"h\",\"mode\":\"audit\",\"policy\":{}}\n"
#define FACTS     "\"facts\":{\"network.host\":\"a.example\",\"network.port\":443}"
#define ROW(rest) "{\"time\":\"t\",\"outcome\":\"allowed\",\"layer\":\"connect\"," FACTS rest "}\n"

static OshRecording *
read_text(const char *text)
{
    g_autoptr(GError) error = NULL;
    OshRecording *recording = osh_recording_read(text, strlen(text), "run.jsonl", &error);

    g_assert_no_error(error);
    return recording;
}

static gboolean facts_equal(const OshFact *left, gsize n_left, const OshFact *right, gsize n_right);

static gboolean
fact_equal(const OshFact *left, const OshFact *right)
{
    if (strcmp(left->name, right->name) != 0 || left->type != right->type ||
        left->count != right->count)
        return FALSE;
    switch ((OshFactType)left->type) {
    case OSH_FACT_STRING:
        return left->value.string.length == right->value.string.length &&
               memcmp(left->value.string.data, right->value.string.data,
                      left->value.string.length) == 0;
    case OSH_FACT_INTEGER:
        return left->value.integer == right->value.integer;
    case OSH_FACT_BOOLEAN:
        return left->value.boolean == right->value.boolean;
    case OSH_FACT_STRINGS:
        for (guint i = 0; i < left->count; i++)
            if (left->value.strings[i].length != right->value.strings[i].length ||
                memcmp(left->value.strings[i].data, right->value.strings[i].data,
                       left->value.strings[i].length) != 0)
                return FALSE;
        return TRUE;
    case OSH_FACT_RECORDS:
        for (guint i = 0; i < left->count; i++)
            if (!facts_equal(left->value.records[i].fields, left->value.records[i].n_fields,
                             right->value.records[i].fields, right->value.records[i].n_fields))
                return FALSE;
        return TRUE;
    }
    return FALSE;
}

static gboolean
facts_equal(const OshFact *left, gsize n_left, const OshFact *right, gsize n_right)
{
    gboolean equal = n_left == n_right;

    for (gsize i = 0; equal && i < n_left; i++) {
        gboolean found = FALSE;

        for (gsize k = 0; k < n_right && !found; k++)
            found = fact_equal(&left[i], &right[k]);
        equal = found;
    }
    return equal;
}

static void
test_facts_read_back_as_they_were(void)
{
    const OshSpan ancestors[] = {OSH_SPAN_LITERAL("/usr/bin/dash"), OSH_SPAN_LITERAL("/b\xff")};
    const OshFact first[] = {OSH_FACT_STRING_INIT("type", OSH_SPAN_LITERAL("query")),
                             OSH_FACT_STRINGS_INIT("fields", ancestors, 1),
                             OSH_FACT_BOOLEAN_INIT("persisted", TRUE)};
    const OshFactRecord operations[] = {{first, G_N_ELEMENTS(first)}, {NULL, 0}};
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.example")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, ancestors, 2),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/\"\\\x01\xc3\xa9")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_GRAPHQL_OPERATIONS, operations, 2),
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, NULL, 0),
        OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RESPONSE, FALSE),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    struct in6_addr address;
    OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = OSH_DECISION_AUDITED,
        .layer = "forward",
        .facts = &set,
        .addresses = &address,
        .n_addresses = 1,
    };
    g_autoptr(GString) text = g_string_new(HEADER "{\"time\":\"t\",");
    g_autoptr(OshRecording) recording = NULL;
    const OshRecordedDecision *row;

    g_assert_true(osh_address_mapped_parse("10.1.2.3", &address));
    osh_record_row_append(text, &decision, NULL);
    g_string_append(text, "}\n");
    recording = read_text(text->str);
    g_assert_cmpuint(recording->rows->len, ==, 1);
    row = g_ptr_array_index(recording->rows, 0);
    g_assert_cmpint(row->outcome, ==, OSH_DECISION_AUDITED);
    g_assert_cmpstr(row->layer, ==, "forward");
    g_assert_cmpmem(row->addresses, row->n_addresses * sizeof address, &address, sizeof address);
    g_assert_true(facts_equal(row->facts.facts, row->facts.n_facts, facts, G_N_ELEMENTS(facts)));
    g_assert_false(row->withholds_content || row->withholds_request || row->withholds_connection);
    g_assert_cmpuint(recording->n_audit_runs, ==, 1);
    g_assert_cmpuint(recording->n_unfinished, ==, 1);
}

static const OshRecordedDecision *
only_row(const OshRecording *recording)
{
    g_assert_cmpuint(recording->rows->len, ==, 1);
    return g_ptr_array_index(recording->rows, 0);
}

static void
test_what_is_withheld_is_a_byte_that_no_glob_judges(void)
{
    static const char text[] =
        HEADER "{\"time\":\"t\",\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{"
               "\"request.path\":{\"segments\":[\"\",\"a\",{\"withheld\":true}]}}}\n";
    static const char query[] = HEADER
        "{\"time\":\"t\",\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{"
        "\"request.query\":{\"records\":[{\"key\":\"k\",\"values\":[{\"withheld\":true}]}]}}}\n";
    static const char binary[] =
        HEADER "{\"time\":\"t\",\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{"
               "\"process.binary\":{\"withheld\":true}}}\n";
    g_autoptr(OshRecording) path_recording = read_text(text);
    g_autoptr(OshRecording) query_recording = read_text(query);
    g_autoptr(OshRecording) binary_recording = read_text(binary);
    const OshFact *path =
        osh_recorded_fact(only_row(path_recording), OSH_FACT_REQUEST_PATH, OSH_FACT_STRING);

    g_assert_cmpmem(path->value.string.data, path->value.string.length, "/a/\0", 4);
    g_assert_true(only_row(path_recording)->withholds_request);
    g_assert_false(only_row(path_recording)->withholds_content);
    g_assert_true(only_row(query_recording)->withholds_content);
    g_assert_false(only_row(query_recording)->withholds_request);
    g_assert_true(only_row(binary_recording)->withholds_connection);
}

static void
test_equal_decisions_are_counted_together(void)
{
    g_autoptr(OshRecording) recording = read_text(
        HEADER ROW("") "{\"time\":\"u\",\"count\":4,\"last\":\"v\"," FACTS
                       ",\"layer\":\"connect\",\"outcome\":\"allowed\"}\n" ROW(
                           ",\"addresses\":[\"::1\"]") "{\"lost\":3}\n"
                                                       "{\"end\":true,\"time\":\"t\","
                                                       "\"decisions\":6,\"lost\":3}\n" HEADER);

    g_assert_cmpuint(recording->rows->len, ==, 2);
    g_assert_cmpuint(((OshRecordedDecision *)g_ptr_array_index(recording->rows, 0))->count, ==, 5);
    g_assert_cmpuint(recording->n_lost, ==, 3);
    g_assert_cmpuint(recording->n_runs, ==, 2);
    g_assert_cmpuint(recording->n_unfinished, ==, 1);
}

static void
test_half_a_line_at_the_end_is_said_and_not_read(void)
{
    g_autoptr(OshRecording) recording = read_text(HEADER ROW("") "{\"time\":\"t\",\"outc");

    g_assert_true(recording->is_cut);
    g_assert_cmpuint(recording->rows->len, ==, 1);
}

static void
test_whatever_is_not_a_recording_is_refused_with_its_line(void)
{
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"", "run.jsonl: not a recording: it is empty"},
        {"hello\n", "run.jsonl:1: not a recording, which is lines of JSON that --record writes"},
        {ROW(""), "run.jsonl:1: not a recording: its first line has no \"openshell-recording\""},
        {"{\"openshell-recording\":2}\n",
         "run.jsonl:1: a recording of another version: only 1 is read"},
        {"{\"openshell-recording\":1,\"mode\":\"learn\"}\n",
         "run.jsonl:1: \"mode\" is neither \"enforce\" nor \"audit\""},
        {HEADER "[]\n", "run.jsonl:2: not an object"},
        {HEADER "{\"a\":1,\"a\":1}\n", "run.jsonl:2: not JSON, or a name twice in it"},
        {HEADER ROW(",\"surprise\":1"), "run.jsonl:2: a member that this version does not know"},
        {HEADER ROW(",\"count\":0"), "run.jsonl:2: \"count\" is not a number from 1 to 4294967295"},
        {HEADER ROW(",\"count\":\"7\""),
         "run.jsonl:2: \"count\" is not a number from 1 to 4294967295"},
        {HEADER ROW(",\"addresses\":[\"10.1.2\"]"), "run.jsonl:2: an address is not one"},
        {HEADER ROW(",\"addresses\":{}"), "run.jsonl:2: \"addresses\" is not a list of at most 64"},
        {HEADER ROW(",\"verdict\":1"), "run.jsonl:2: \"verdict\" is not an object"},
        {HEADER "{\"outcome\":\"maybe\",\"layer\":\"x\",\"facts\":{}}\n",
         "run.jsonl:2: an \"outcome\" that this version does not know"},
        {HEADER "{\"outcome\":\"allowed\",\"facts\":{}}\n", "run.jsonl:2: no \"layer\""},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\"}\n",
         "run.jsonl:2: \"facts\" is not an object"},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a b\":1}}\n",
         "run.jsonl:2: a fact's name is not letters, digits, dots, - and _"},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":1.5}}\n",
         "run.jsonl:2: a fact is none of string, whole number, true, false, list, \"hex\", "
         "\"segments\", \"withheld\" and \"records\""},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":{\"hex\":\"0g\"}}}\n",
         "run.jsonl:2: \"hex\" is not pairs of hexadecimal digits"},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":{\"hex\":\"012\"}}}\n",
         "run.jsonl:2: \"hex\" is not pairs of hexadecimal digits"},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":{\"segments\":"
                "[{\"segments\":[]}]}}}\n",
         "run.jsonl:2: \"segments\" in \"segments\""},
        {HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":{\"records\":[1]}}}\n",
         "run.jsonl:2: a record is not an object"},
        {HEADER
         "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":{\"records\":[{\"b\":"
         "{\"records\":[{\"b\":{\"records\":[{\"b\":{\"records\":[{\"b\":{\"records\":[{\"b\":"
         "{\"records\":[{\"b\":{\"records\":[]}}]}}]}}]}}]}}]}}]}}}\n",
         "run.jsonl:2: too many records, or too deep in each other"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(osh_recording_read(rows[i].text, strlen(rows[i].text), "run.jsonl", &error));
        g_assert_cmpstr(error->message, ==, rows[i].message);
    }
}

static void
test_a_nul_is_no_part_of_a_row(void)
{
    static const char text[] =
        HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":1\0}}\n";
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_recording_read(text, sizeof text - 1, "run.jsonl", &error));
    g_assert_cmpstr(error->message, ==, "run.jsonl:2: not JSON, or a name twice in it");
}

static void
test_sizes_are_bounded(void)
{
    g_autoptr(GString) text = g_string_new(HEADER);
    g_autofree char *filler = g_strnfill(OSH_RECORDING_MAX_LINE, ' ');
    g_autoptr(GError) error = NULL;

    g_string_append_printf(text, "{}%s\n", filler);
    g_assert_null(osh_recording_read(text->str, text->len, "run.jsonl", &error));
    g_assert_cmpstr(error->message, ==, "run.jsonl:2: a line of more than 65536 bytes");
    g_clear_error(&error);
    g_string_assign(text, HEADER "{\"outcome\":\"allowed\",\"layer\":\"x\",\"facts\":{\"a\":1");
    for (guint i = 0; i < 64; i++)
        g_string_append_printf(text, ",\"a%u\":1", i);
    g_string_append(text, "}}\n");
    g_assert_null(osh_recording_read(text->str, text->len, "run.jsonl", &error));
    g_assert_cmpstr(error->message, ==, "run.jsonl:2: more than 64 facts");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/recording/facts-read-back-as-they-were",
                    test_facts_read_back_as_they_were);
    g_test_add_func("/record/recording/what-is-withheld-is-a-byte-that-no-glob-judges",
                    test_what_is_withheld_is_a_byte_that_no_glob_judges);
    g_test_add_func("/record/recording/equal-decisions-are-counted-together",
                    test_equal_decisions_are_counted_together);
    g_test_add_func("/record/recording/half-a-line-at-the-end-is-said-and-not-read",
                    test_half_a_line_at_the_end_is_said_and_not_read);
    g_test_add_func("/record/recording/whatever-is-not-a-recording-is-refused-with-its-line",
                    test_whatever_is_not_a_recording_is_refused_with_its_line);
    g_test_add_func("/record/recording/a-nul-is-no-part-of-a-row", test_a_nul_is_no_part_of_a_row);
    g_test_add_func("/record/recording/sizes-are-bounded", test_sizes_are_bounded);
    return g_test_run();
}
