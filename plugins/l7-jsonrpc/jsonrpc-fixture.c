/* SPDX-License-Identifier: Apache-2.0 */
/* jsonrpc-fixture.c: plays the driver for one inspection. */
#include "jsonrpc-fixture.h"

#include <string.h>

#define MAX_FIELDS 16

typedef struct {
    OshFact pairs[MAX_FIELDS][2];
    OshFactRecord records[MAX_FIELDS];
    OshFact facts[5];
} Head;

static OshFacts
make_head(const JsonrpcAsked *asked, Head *head)
{
    gsize n = 0;

    for (; asked->fields != NULL && asked->fields[2 * n] != NULL && n < MAX_FIELDS; n++) {
        head->pairs[n][0] = (OshFact)OSH_FACT_STRING_INIT("name", osh_span(asked->fields[2 * n]));
        head->pairs[n][1] =
            (OshFact)OSH_FACT_STRING_INIT("value", osh_span(asked->fields[2 * n + 1]));
        head->records[n] = (OshFactRecord){head->pairs[n], 2};
    }
    head->facts[0] = (OshFact)OSH_FACT_STRING_INIT(
        OSH_FACT_REQUEST_METHOD, osh_span(asked->method != NULL ? asked->method : "POST"));
    head->facts[1] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span("/mcp"));
    head->facts[2] = (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_HEADERS, head->records, n);
    head->facts[3] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span("mcp.example"));
    head->facts[4] = (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443);
    return (OshFacts){head->facts, G_N_ELEMENTS(head->facts)};
}

static GVariant *
make_options(const JsonrpcAsked *asked)
{
    g_auto(GStrv) versions = asked->versions != NULL ? g_strsplit(asked->versions, ",", -1) : NULL;
    g_auto(GStrv) codings =
        asked->decode_content != NULL ? g_strsplit(asked->decode_content, ",", -1) : NULL;
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    g_variant_dict_insert(&options, "mcp.strict_tool_names", "b", !asked->loose_names);
    if (versions != NULL)
        g_variant_dict_insert_value(&options, "mcp.versions",
                                    g_variant_new_strv((const char *const *)versions, -1));
    if (codings != NULL)
        g_variant_dict_insert_value(&options, "decode_content",
                                    g_variant_new_strv((const char *const *)codings, -1));
    return g_variant_ref_sink(g_variant_dict_end(&options));
}

JsonrpcInspection *
jsonrpc_fixture_inspect(const JsonrpcAsked *asked)
{
    g_autoptr(GVariant) options = make_options(asked);
    Head *head = g_new0(Head, 1);
    const OshInspectionRequest request = {
        .struct_size = sizeof request,
        .inspector = asked->protocol != NULL ? asked->protocol : "mcp",
        .media_type = "application/json",
        .head = make_head(asked, head),
        .limit = asked->limit > 0 ? asked->limit : 65536,
        .options = options,
    };
    JsonrpcInspection *inspection = jsonrpc_inspection_new(&request);
    gsize piece = asked->piece > 0 ? asked->piece : MAX(asked->body.length, 1);
    gsize fed = 0;

    /* Nothing of the head may be kept. */
    memset(head, 0xa5, sizeof *head);
    g_free(head);
    do {
        gsize length = MIN(piece, asked->body.length - fed);
        g_autofree char *copy = g_memdup2(asked->body.data + (length > 0 ? fed : 0), length);
        gboolean last = fed + length == asked->body.length;
        OshInspection found = jsonrpc_inspection_feed(inspection, (OshSpan){copy, length}, last);

        g_assert_cmpint(found, ==, last ? OSH_INSPECTION_DONE : OSH_INSPECTION_MORE);
        fed += length;
    } while (!inspection->is_done);
    return inspection;
}

static const OshFact *
member(const OshFactRecord *record, const char *name)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static void
append_span(GString *text, OshSpan span)
{
    g_string_append_len(text, span.data, (gssize)span.length);
}

static void
append_params(GString *text, const OshFact *params)
{
    g_string_append_c(text, '(');
    for (guint i = 0; i < params->count; i++) {
        const OshFact *value = member(&params->value.records[i], "value");

        g_string_append(text, i > 0 ? " " : "");
        append_span(text, member(&params->value.records[i], "key")->value.string);
        if (value == NULL)
            continue;
        g_string_append_c(text, '=');
        append_span(text, value->value.string);
    }
    g_string_append_c(text, ')');
}

static void
append_fact(GString *text, const OshFact *fact)
{
    const char *separator = text->len > 0 ? " " : "";

    if (fact->type == OSH_FACT_RECORDS) {
        for (guint i = 0; i < fact->count; i++) {
            const OshFact *params = member(&fact->value.records[i], "params");

            g_string_append(text, i > 0 ? " " : separator);
            append_span(text, member(&fact->value.records[i], "method")->value.string);
            if (params != NULL)
                append_params(text, params);
        }
    } else if (fact->type == OSH_FACT_BOOLEAN) {
        if (fact->value.boolean)
            g_string_append_printf(text, "%s%s", separator,
                                   g_str_equal(fact->name, OSH_FACT_JSONRPC_RESPONSE) ? "response"
                                                                                      : "stream");
    } else {
        g_string_append_printf(text, "%s%s=", separator,
                               g_str_equal(fact->name, OSH_FACT_JSONRPC_ERROR) ? "error"
                                                                               : "version");
        append_span(text, fact->value.string);
    }
}

char *
jsonrpc_fixture_facts(const JsonrpcInspection *inspection)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < inspection->facts.facts->len; i++)
        append_fact(text, &g_array_index(inspection->facts.facts, OshFact, i));
    return g_string_free(text, FALSE);
}

char *
jsonrpc_fixture_ask(const char *body)
{
    static const char *const fields[] = {"mcp-protocol-version", "2025-11-25", NULL};
    g_autoptr(JsonrpcInspection) inspection = jsonrpc_fixture_inspect(&(JsonrpcAsked){
        .fields = fields,
        .versions = "2025-03-26,2025-06-18,2025-11-25",
        .body = osh_span(body),
    });

    return jsonrpc_fixture_facts(inspection);
}
