/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-l7-graphql.c: one inspection of l7-graphql. The first byte says what the rest is: the body
 * of a POST (P), a compressed body (Z, D), a body of several parts with the boundary b (M), the
 * parameter query of a URL (G), its parameter extensions (E), the name of a parameter (N), a text
 * of a WebSocket (W), a document in the body of a POST (Q).
 *
 * However the content is split, the same is found, and what is found is of the shape that a
 * decision reads.
 */
#include <openshell/plugin.h>

#include "openshell/ext/draft/content-inspector.h"
#include "osh-fake-host.h"

#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define LIMIT 20000

static void
append_span(GString *text, OshSpan span)
{
    g_string_append_printf(text, "%" G_GSIZE_FORMAT ":", span.length);
    if (span.length > 0)
        g_string_append_len(text, span.data, (gssize)span.length);
}

static gboolean
is_type(OshSpan type)
{
    static const char *const types[] = {"query", "mutation", "subscription"};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (type.length == strlen(types[i]) && memcmp(type.data, types[i], type.length) == 0)
            return TRUE;
    return FALSE;
}

static void
append_names(GString *text, const OshFact *fact)
{
    for (guint i = 0; i < fact->count; i++) {
        OshSpan name = fact->value.strings[i];

        g_assert_cmpuint(name.length, >, 0);
        g_assert_true(g_ascii_isalpha(name.data[0]) || name.data[0] == '_');
        append_span(text, name);
    }
}

static void
append_operation(GString *text, const OshFactRecord *record)
{
    gboolean has_type = FALSE;
    gboolean is_persisted = FALSE;
    guint n_names = 0;

    for (gsize i = 0; i < record->n_fields; i++) {
        const OshFact *fact = &record->fields[i];

        g_string_append_printf(text, " %s=", fact->name);
        if (fact->type == OSH_FACT_STRING) {
            append_span(text, fact->value.string);
            has_type |= strcmp(fact->name, "type") == 0 && is_type(fact->value.string);
        } else if (fact->type == OSH_FACT_STRINGS) {
            append_names(text, fact);
            n_names = fact->count;
        } else {
            g_assert_cmpstr(fact->name, ==, "persisted");
            is_persisted = TRUE;
        }
    }
    /* A rule about one of the two decides; without either nothing could. */
    g_assert_true(has_type ? n_names > 0 : is_persisted && n_names == 0);
}

static char *
describe(OshFacts facts)
{
    GString *text = g_string_new(NULL);
    const OshFact *fact = facts.facts;

    g_assert_cmpuint(facts.n_facts, ==, 1);
    g_string_append(text, fact->name);
    if (fact->type == OSH_FACT_STRING) {
        g_assert_cmpuint(fact->value.string.length, >, 0);
        append_span(text, fact->value.string);
        return g_string_free(text, FALSE);
    }
    g_assert_cmpstr(fact->name, ==, OSH_FACT_GRAPHQL_OPERATIONS);
    g_assert_cmpuint(fact->count, >, 0);
    for (guint i = 0; i < fact->count; i++)
        append_operation(text, &fact->value.records[i]);
    return g_string_free(text, FALSE);
}

static char *
inspect(const OshInterface *inspector, const OshInspectionRequest *request, OshSpan content,
        gsize step)
{
    gpointer inspection = osh_inspector_open(inspector, request, NULL);
    OshInspection answer = OSH_INSPECTION_MORE;
    char *found;

    for (gsize at = 0; answer == OSH_INSPECTION_MORE;) {
        gsize take = MIN(content.length - at, step);
        g_autofree char *copy = g_malloc(MAX(take, 1));

        if (take > 0)
            memcpy(copy, content.data + at, take);
        answer = osh_inspector_feed(inspector, inspection, (OshSpan){copy, take},
                                    at + take == content.length);
        at += take;
    }
    g_assert_cmpint(answer, ==, OSH_INSPECTION_DONE);
    found = describe(osh_inspector_facts(inspector, inspection));
    osh_inspector_close(inspector, inspection);
    return found;
}

typedef struct {
    const char *method;
    const char *media_type;
    const char *content_type;
    const char *encoding;
    OshSpan key;
    OshSpan value;
    OshSpan content;
} Message;

static Message
message_of(char kind, OshSpan rest)
{
    Message message = {
        "POST", "application/json", "application/json", "identity", {NULL, 0}, {NULL, 0}, rest};

    if (kind == 'Z' || kind == 'D') {
        message.encoding = kind == 'Z' ? "gzip" : "deflate";
    } else if (kind == 'M') {
        message.media_type = "multipart/form-data";
        message.content_type = "multipart/form-data; boundary=b";
    } else if (kind == 'W') {
        message.method = "WEBSOCKET_TEXT";
    } else if (kind == 'G' || kind == 'E' || kind == 'N') {
        message.method = "GET";
        message.key = kind == 'N' ? rest : osh_span(kind == 'G' ? "query" : "extensions");
        message.value = kind == 'N' ? osh_span("{ a }") : rest;
        message.content = osh_span("");
    }
    return message;
}

static void
run(const OshInterface *inspector, const Message *message)
{
    const OshFact parameter[] = {osh_fact_string("key", message->key),
                                 osh_fact_strings("values", &message->value, 1)};
    const OshFactRecord record = {parameter, 2};
    const OshFact facts[] = {
        osh_fact_string(OSH_FACT_REQUEST_METHOD, osh_span(message->method)),
        osh_fact_string(OSH_FACT_REQUEST_CONTENT_TYPE, osh_span(message->content_type)),
        osh_fact_string(OSH_FACT_REQUEST_CONTENT_ENCODING, osh_span(message->encoding)),
        osh_fact_records(OSH_FACT_REQUEST_QUERY, &record, message->key.data != NULL ? 1 : 0)};
    const OshInspectionRequest request = {.struct_size = sizeof request,
                                          .inspector = "graphql",
                                          .media_type = message->media_type,
                                          .head = {facts, G_N_ELEMENTS(facts)},
                                          .limit = LIMIT};
    g_autofree char *whole = inspect(inspector, &request, message->content, G_MAXSIZE);
    g_autofree char *split =
        inspect(inspector, &request, message->content, 1 + message->content.length / 7);

    g_assert_cmpstr(whole, ==, split);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static OshFakeHost *host;
    static gpointer plugin;
    OshInterface inspector;
    OshSpan rest;
    Message message;

    if (host == NULL) {
        host = osh_fake_host_new("[plugin]\nid=l7-graphql\n");
        osh_fake_host_set_config(host, "compressed", g_variant_new_string("decode"));
        osh_fake_host_set_config(host, "multipart", g_variant_new_string("read"));
        osh_fake_host_set_config(host, "max_tokens", g_variant_new_int64(1000));
        osh_fake_host_set_config(host, "max_depth", g_variant_new_int64(16));
        g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &plugin, NULL));
    }
    if (size == 0)
        return 0;
    g_assert_true(
        openshell_plugin_v1.get_interface(plugin, OSH_INTERFACE_CONTENT_INSPECTOR, &inspector));
    rest = (OshSpan){(const char *)data + 1, size - 1};
    message = message_of((char)data[0], rest);
    if (data[0] == 'Q') {
        json_t *body = json_object();
        char *text = NULL;

        if (json_object_set_new(body, "query", json_stringn(rest.data, rest.length)) == 0)
            text = json_dumps(body, JSON_COMPACT);
        message.content = osh_span(text);
        if (text != NULL)
            run(&inspector, &message);
        free(text);
        json_decref(body);
        return 0;
    }
    run(&inspector, &message);
    return 0;
}
