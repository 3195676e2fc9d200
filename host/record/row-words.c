/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row-words.c: a recorded decision in words, for reports. Pure; [any]. What it returns came from a
 * box: the caller escapes it before printing it.
 */
#include "row-words.h"

#include <string.h>

#define WITHHELD "(withheld)"

/* A span as a string; what was withheld is named instead. */
static void
append_span(GString *text, OshSpan span)
{
    for (gsize i = 0; i < span.length; i++)
        if (span.data[i] == '\0')
            g_string_append(text, WITHHELD);
        else
            g_string_append_c(text, span.data[i]);
}

static void
append_fact(GString *text, const OshFact *fact)
{
    if (fact != NULL)
        append_span(text, fact->value.string);
}

static char *
string_of(const OshRecordedDecision *row, const char *name)
{
    GString *text = g_string_new(NULL);

    append_fact(text, osh_recorded_fact(row, name, OSH_FACT_STRING));
    return g_string_free(text, FALSE);
}

char *
osh_row_host(const OshRecordedDecision *row)
{
    return string_of(row, OSH_FACT_NETWORK_HOST);
}

guint
osh_row_port(const OshRecordedDecision *row)
{
    const OshFact *port = osh_recorded_fact(row, OSH_FACT_NETWORK_PORT, OSH_FACT_INTEGER);

    return port != NULL && port->value.integer > 0 && port->value.integer <= G_MAXUINT16
               ? (guint)port->value.integer
               : 0;
}

char *
osh_row_binary(const OshRecordedDecision *row)
{
    return string_of(row, OSH_FACT_PROCESS_BINARY);
}

static const OshFact *
field(const OshFactRecord *record, const char *name)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == OSH_FACT_STRING && strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static const OshFact *
tool_name(const OshFactRecord *call)
{
    for (gsize i = 0; i < call->n_fields; i++) {
        const OshFact *params = &call->fields[i];

        if (params->type != OSH_FACT_RECORDS || strcmp(params->name, "params") != 0)
            continue;
        for (guint k = 0; k < params->count; k++) {
            const OshFact *key = field(&params->value.records[k], "key");

            if (key != NULL && key->value.string.length == 4 &&
                memcmp(key->value.string.data, "name", 4) == 0)
                return field(&params->value.records[k], "value");
        }
    }
    return NULL;
}

static void
append_records(GString *text, const OshRecordedDecision *row)
{
    const OshFact *operations =
        osh_recorded_fact(row, OSH_FACT_GRAPHQL_OPERATIONS, OSH_FACT_RECORDS);
    const OshFact *calls = osh_recorded_fact(row, OSH_FACT_JSONRPC_CALLS, OSH_FACT_RECORDS);

    for (guint i = 0; operations != NULL && i < operations->count; i++) {
        g_string_append(text, i == 0 ? " " : ", ");
        append_fact(text, field(&operations->value.records[i], "type"));
        g_string_append_c(text, ' ');
        append_fact(text, field(&operations->value.records[i], "name"));
    }
    for (guint i = 0; calls != NULL && i < calls->count; i++) {
        const OshFact *tool = tool_name(&calls->value.records[i]);

        g_string_append(text, i == 0 ? " " : ", ");
        append_fact(text, field(&calls->value.records[i], "method"));
        if (tool == NULL)
            continue;
        g_string_append_c(text, ' ');
        append_fact(text, tool);
    }
}

char *
osh_row_request(const OshRecordedDecision *row)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_fact(text, osh_recorded_fact(row, OSH_FACT_REQUEST_METHOD, OSH_FACT_STRING));
    if (text->len > 0)
        g_string_append_c(text, ' ');
    append_fact(text, osh_recorded_fact(row, OSH_FACT_REQUEST_PATH, OSH_FACT_STRING));
    append_records(text, row);
    append_fact(text, osh_recorded_fact(row, OSH_FACT_SQL_COMMAND, OSH_FACT_STRING));
    return g_string_free(g_steal_pointer(&text), FALSE);
}
