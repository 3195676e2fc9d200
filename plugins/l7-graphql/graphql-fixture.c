/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-fixture.c: inspects a message in every way of splitting it. Memory that an inspection was
 * given is freed before its facts are read: they may point into nothing of it.
 */
#include "graphql-fixture.h"

#include <openshell/plugin.h>

#include <string.h>

#define DEFAULT_LIMIT 65536
#define MAX_PARTS     64

void
graphql_fixture_init(GraphqlFixture *fixture, const char *key, GVariant *value)
{
    fixture->host = osh_fake_host_new("[plugin]\nid=l7-graphql\n");
    if (key != NULL)
        osh_fake_host_set_config(fixture->host, key, value);
    g_assert_true(
        openshell_plugin_v1.create(osh_fake_host_table(fixture->host), &fixture->plugin, NULL));
    g_assert_true(openshell_plugin_v1.get_interface(
        fixture->plugin, OSH_INTERFACE_CONTENT_INSPECTOR, &fixture->inspector));
}

void
graphql_fixture_clear(GraphqlFixture *fixture)
{
    openshell_plugin_v1.destroy(fixture->plugin);
    osh_fake_host_free(fixture->host);
}

/* --- The head ----------------------------------------------------------------------------------
 */

typedef struct {
    GPtrArray *texts;             /* that the spans point to */
    OshSpan keys[MAX_PARTS];      /* each once */
    OshSpan values[MAX_PARTS][4]; /* of each key */
    OshFact fields[MAX_PARTS][2];
    OshFactRecord records[MAX_PARTS];
    guint n_values[MAX_PARTS];
    guint n;
    OshFact facts[4];
    gsize n_facts;
} Head;

static OshSpan
decoded(Head *head, const char *text)
{
    g_autofree char *spaced = g_strdelimit(g_strdup(text), "+", ' ');
    g_autoptr(GBytes) bytes = g_uri_unescape_bytes(spaced, -1, NULL, NULL);
    gsize length;
    char *copy;

    g_assert_nonnull(bytes);
    length = g_bytes_get_size(bytes);
    copy = g_strndup(g_bytes_get_data(bytes, NULL), length);
    g_ptr_array_add(head->texts, copy);
    return (OshSpan){copy, length};
}

static void
add_pair(Head *head, const char *pair)
{
    g_auto(GStrv) halves = g_strsplit(pair, "=", 2);
    OshSpan key = decoded(head, halves[0]);
    OshSpan value = decoded(head, halves[1] != NULL ? halves[1] : "");
    guint at = 0;

    for (; at < head->n; at++)
        if (head->keys[at].length == key.length &&
            memcmp(head->keys[at].data, key.data, key.length) == 0)
            break;
    if (at == head->n)
        head->keys[head->n++] = key;
    g_assert_cmpuint(head->n_values[at], <, 4);
    head->values[at][head->n_values[at]++] = value;
}

static void
add_query(Head *head, const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

    for (gsize i = 0; pairs[i] != NULL; i++)
        if (pairs[i][0] != '\0')
            add_pair(head, pairs[i]);
    for (guint i = 0; i < head->n; i++) {
        head->fields[i][0] = osh_fact_string("key", head->keys[i]);
        head->fields[i][1] = osh_fact_strings("values", head->values[i], head->n_values[i]);
        head->records[i] = (OshFactRecord){head->fields[i], 2};
    }
    head->facts[head->n_facts++] = osh_fact_records(OSH_FACT_REQUEST_QUERY, head->records, head->n);
}

static void
add_text(Head *head, const char *name, const char *text)
{
    if (text != NULL)
        head->facts[head->n_facts++] = osh_fact_string(name, osh_span(text));
}

static Head *
head_new(const GraphqlMessage *message)
{
    Head *head = g_new0(Head, 1);
    const char *query = message->target != NULL ? strchr(message->target, '?') : NULL;

    head->texts = g_ptr_array_new_with_free_func(g_free);
    add_text(head, OSH_FACT_REQUEST_METHOD, message->method);
    add_text(head, OSH_FACT_REQUEST_CONTENT_TYPE, message->content_type);
    add_text(head, OSH_FACT_REQUEST_CONTENT_ENCODING, message->content_encoding);
    if (query != NULL)
        add_query(head, query + 1);
    return head;
}

static void
head_free(Head *head)
{
    for (guint i = 0; i < head->texts->len; i++)
        memset(g_ptr_array_index(head->texts, i), '!', strlen(head->texts->pdata[i]));
    g_ptr_array_unref(head->texts);
    memset(head, 0xff, sizeof *head);
    g_free(head);
}

/* --- What is found -----------------------------------------------------------------------------
 */

static void
append_fact(GString *found, const OshFact *fact)
{
    if (found->len > 0 && found->str[found->len - 1] != ' ')
        g_string_append_c(found, ' ');
    switch (fact->type) {
    case OSH_FACT_STRING:
        if (strcmp(fact->name, "hash") == 0 || strcmp(fact->name, "id") == 0)
            g_string_append_printf(found, "%s=", fact->name);
        g_string_append_len(found, fact->value.string.data, (gssize)fact->value.string.length);
        break;
    case OSH_FACT_BOOLEAN:
        g_assert_true(fact->value.boolean);
        g_string_append(found, fact->name);
        break;
    default:
        g_assert_cmpint(fact->type, ==, OSH_FACT_STRINGS);
        g_string_append_c(found, '{');
        for (guint i = 0; i < fact->count; i++) {
            if (i > 0)
                g_string_append_c(found, ' ');
            g_string_append_len(found, fact->value.strings[i].data,
                                (gssize)fact->value.strings[i].length);
        }
        g_string_append_c(found, '}');
        break;
    }
}

static char *
describe(OshFacts facts)
{
    GString *found = g_string_new(NULL);
    const OshFact *fact = facts.facts;

    g_assert_cmpuint(facts.n_facts, ==, 1);
    if (strcmp(fact->name, OSH_FACT_GRAPHQL_OPERATIONS) != 0) {
        g_assert_cmpint(fact->type, ==, OSH_FACT_STRING);
        g_string_append(found,
                        strcmp(fact->name, OSH_FACT_GRAPHQL_ERROR) == 0 ? "error: " : "control: ");
        g_string_append_len(found, fact->value.string.data, (gssize)fact->value.string.length);
        return g_string_free(found, FALSE);
    }
    g_assert_cmpint(fact->type, ==, OSH_FACT_RECORDS);
    for (guint i = 0; i < fact->count; i++) {
        if (i > 0)
            g_string_append(found, "; ");
        for (gsize k = 0; k < fact->value.records[i].n_fields; k++)
            append_fact(found, &fact->value.records[i].fields[k]);
    }
    return g_string_free(found, FALSE);
}

/* A copy that is overwritten and freed at once, so that what keeps a pointer to it is noticed. */
static OshInspection
feed(const GraphqlFixture *fixture, gpointer inspection, const char *data, gsize length,
     gboolean last)
{
    char *copy = g_malloc(MAX(length, 1));
    OshInspection answer;

    if (length > 0)
        memcpy(copy, data, length);
    answer = osh_inspector_feed(&fixture->inspector, inspection, (OshSpan){copy, length}, last);
    memset(copy, '!', MAX(length, 1));
    g_free(copy);
    return answer;
}

static GVariant *
make_options(const GraphqlMessage *message)
{
    g_auto(GStrv) codings =
        message->decode_content != NULL ? g_strsplit(message->decode_content, ",", -1) : NULL;
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    if (codings != NULL)
        g_variant_dict_insert_value(&options, "decode_content",
                                    g_variant_new_strv((const char *const *)codings, -1));
    return g_variant_ref_sink(g_variant_dict_end(&options));
}

/* @step: bytes at a time; 0 for random ones */
static char *
inspect_in_steps(const GraphqlFixture *fixture, const GraphqlMessage *message, gsize step)
{
    const char *semicolon =
        message->content_type != NULL ? strchr(message->content_type, ';') : NULL;
    g_autofree char *media_type =
        message->content_type == NULL
            ? g_strdup("")
            : g_strndup(message->content_type, semicolon != NULL
                                                   ? (gsize)(semicolon - message->content_type)
                                                   : strlen(message->content_type));
    g_autoptr(GVariant) options = make_options(message);
    Head *head = head_new(message);
    const OshInspectionRequest request = {
        .struct_size = sizeof request,
        .inspector = "graphql",
        .media_type = media_type,
        .head = {head->facts, head->n_facts},
        .limit = message->limit != 0 ? message->limit : DEFAULT_LIMIT,
        .options = options,
    };
    gpointer inspection = osh_inspector_open(&fixture->inspector, &request, NULL);
    const char *data = message->content.length > 0 ? message->content.data : "";
    OshInspection answer = OSH_INSPECTION_MORE;
    char *found;

    head_free(head);
    g_assert_nonnull(inspection);
    for (gsize at = 0; answer == OSH_INSPECTION_MORE;) {
        gsize left = message->content.length - at;
        gsize wanted = step != 0 ? step : (gsize)g_test_rand_int_range(0, 40);
        gsize take = MIN(left, wanted);
        gboolean last = take == left && (step > 1 || left == 0);

        answer = feed(fixture, inspection, data + at, take, last);
        at += take;
        g_assert_true(!last || answer == OSH_INSPECTION_DONE);
    }
    /* What comes behind the end changes nothing. */
    g_assert_cmpint(feed(fixture, inspection, "x", 1, TRUE), ==, OSH_INSPECTION_DONE);
    found = describe(osh_inspector_facts(&fixture->inspector, inspection));
    osh_inspector_close(&fixture->inspector, inspection);
    return found;
}

char *
graphql_fixture_inspect(const GraphqlFixture *fixture, const GraphqlMessage *message)
{
    char *found = inspect_in_steps(fixture, message, message->content.length + 2);

    for (gsize step = 0; step < 2; step++) {
        g_autofree char *other = inspect_in_steps(fixture, message, step);

        g_assert_cmpstr(other, ==, found);
    }
    return found;
}
