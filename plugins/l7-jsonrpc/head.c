/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c: what inspectors need of the head of a request, out of its facts. [shard]. The facts are
 * borrowed for one call, so everything is copied. A field that came twice is never read as one.
 */
#include <string.h>

#include "osh-line-reader.h"

#include "jsonrpc.h"

static const OshFact *
find(const OshFact *facts, gsize n_facts, const char *name, OshFactType type)
{
    for (gsize i = 0; i < n_facts; i++)
        if (facts[i].type == (guint32)type && strcmp(facts[i].name, name) == 0)
            return &facts[i];
    return NULL;
}

static char *
find_text(const OshFacts *facts, const char *name)
{
    const OshFact *fact = find(facts->facts, facts->n_facts, name, OSH_FACT_STRING);

    return fact != NULL ? g_strndup(fact->value.string.data, fact->value.string.length) : NULL;
}

/* The element of a list at @at, which moves behind it. FALSE: there is none. */
static gboolean
next_of(OshSpan list, gsize *at, char separator, OshSpan *ret_element)
{
    gsize end = *at;

    if (*at > list.length)
        return FALSE;
    while (end < list.length && list.data[end] != separator)
        end++;
    *ret_element = osh_span_trim((OshSpan){list.data + *at, end - *at});
    *at = end + 1;
    return TRUE;
}

/* RFC 9110 section 12.4.2: a weight of 0 means "not acceptable". */
static gboolean
is_no_weight(OshSpan parameter)
{
    gsize digits = 2;

    if (parameter.length < 3 || g_ascii_strncasecmp(parameter.data, "q=", 2) != 0)
        return FALSE;
    while (digits < parameter.length &&
           (parameter.data[digits] == '0' || parameter.data[digits] == '.'))
        digits++;
    return digits == parameter.length;
}

/* RFC 9110 section 12.5.1. A list with quoted strings in it is not looked into. */
static gboolean
accepts_stream(OshSpan accept)
{
    OshSpan range;
    gsize at = 0;

    if (accept.length > 0 && memchr(accept.data, '"', accept.length) != NULL)
        return FALSE;
    while (next_of(accept, &at, ',', &range)) {
        OshSpan parameter;
        gsize inside = 0;
        gboolean is_stream = next_of(range, &inside, ';', &parameter) &&
                             osh_span_equal_fold(parameter, "text/event-stream");

        while (is_stream && next_of(range, &inside, ';', &parameter))
            is_stream = !is_no_weight(parameter);
        if (is_stream)
            return TRUE;
    }
    return FALSE;
}

static gboolean
list_has(OshSpan list, const char *word)
{
    OshSpan element;
    gsize at = 0;

    while (next_of(list, &at, ',', &element))
        if (osh_span_equal_fold(element, word))
            return TRUE;
    return FALSE;
}

static const struct {
    const char *name;
    gsize offset;
} mcp_fields[] = {
    {"mcp-protocol-version", G_STRUCT_OFFSET(JsonrpcHead, version)},
    {"mcp-method", G_STRUCT_OFFSET(JsonrpcHead, mcp_method)},
    {"mcp-name", G_STRUCT_OFFSET(JsonrpcHead, mcp_name)},
};

static JsonrpcField *
field_at(JsonrpcHead *head, gsize index)
{
    return G_STRUCT_MEMBER_P(head, mcp_fields[index].offset);
}

static void
read_connection(JsonrpcHead *head, OshSpan value)
{
    for (gsize i = 0; i < G_N_ELEMENTS(mcp_fields); i++)
        if (list_has(value, mcp_fields[i].name))
            field_at(head, i)->is_of_hop = TRUE;
}

/* RFC 9110 section 5.3: what several lines of a field say, as one. */
static void
join(char **text, OshSpan value)
{
    g_autofree char *before = *text;
    g_autofree char *line = g_strndup(value.data != NULL ? value.data : "", value.length);

    *text = before != NULL ? g_strdup_printf("%s, %s", before, line) : g_steal_pointer(&line);
}

static void
read_field(JsonrpcHead *head, OshSpan name, OshSpan value, GStringChunk *texts)
{
    if (osh_span_equal_fold(name, "accept"))
        head->wants_stream |= accepts_stream(value);
    else if (osh_span_equal_fold(name, "connection"))
        read_connection(head, value);
    else if (osh_span_equal_fold(name, "content-type"))
        join(&head->content_type, value);
    else if (osh_span_equal_fold(name, "content-encoding"))
        join(&head->content_encoding, value);
    for (gsize i = 0; i < G_N_ELEMENTS(mcp_fields); i++) {
        JsonrpcField *field = field_at(head, i);
        OshSpan trimmed = osh_span_trim(value);

        if (!osh_span_equal_fold(name, mcp_fields[i].name) || field->count++ > 0)
            continue;
        field->value =
            (OshSpan){g_string_chunk_insert_len(texts, trimmed.data != NULL ? trimmed.data : "",
                                                (gssize)trimmed.length),
                      trimmed.length};
    }
}

void
jsonrpc_head_read(const OshFacts *facts, GStringChunk *texts, JsonrpcHead *ret_head)
{
    const OshFact *headers =
        find(facts->facts, facts->n_facts, OSH_FACT_REQUEST_HEADERS, OSH_FACT_RECORDS);
    const OshFact *port =
        find(facts->facts, facts->n_facts, OSH_FACT_NETWORK_PORT, OSH_FACT_INTEGER);

    *ret_head = (JsonrpcHead){
        .method = find_text(facts, OSH_FACT_REQUEST_METHOD),
        .path = find_text(facts, OSH_FACT_REQUEST_PATH),
        .host = find_text(facts, OSH_FACT_NETWORK_HOST),
        .port = port != NULL ? port->value.integer : 0,
        .binary = find_text(facts, OSH_FACT_PROCESS_BINARY),
    };
    for (guint i = 0; headers != NULL && i < headers->count; i++) {
        const OshFactRecord *record = &headers->value.records[i];
        const OshFact *name = find(record->fields, record->n_fields, "name", OSH_FACT_STRING);
        const OshFact *value = find(record->fields, record->n_fields, "value", OSH_FACT_STRING);

        if (name != NULL && value != NULL)
            read_field(ret_head, name->value.string, value->value.string, texts);
    }
}

void
jsonrpc_head_clear(JsonrpcHead *head)
{
    g_free(head->method);
    g_free(head->path);
    g_free(head->host);
    g_free(head->binary);
    g_free(head->content_type);
    g_free(head->content_encoding);
}

gboolean
jsonrpc_head_is(const JsonrpcHead *head, const char *method)
{
    return g_strcmp0(head->method, method) == 0;
}
