/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record-redact.c: what a recording must not hold (security rule 14, recordings).
 *
 * Pure functions over borrowed bytes; [any]. A recording is kept, sent around and read by others,
 * so whatever is not known to be harmless stays out: the handling of a fact is named here, and a
 * fact that is not named here is a plugin's, whose manifest must call it harmless. It must never
 * let a query value, an argument of a tool or the text of a message through.
 */
#include "record-redact.h"

#include <string.h>

static const char *const placeholder_marks[] = {
    "openshell:resolve:env:",
    "openshell-resolve-env-",
};

static const struct {
    const char *fact;
    OshRecordHandling handling;
} host_facts[] = {
    {OSH_FACT_NETWORK_HOST, OSH_RECORD_PLAIN},
    {OSH_FACT_NETWORK_PORT, OSH_RECORD_PLAIN},
    {OSH_FACT_PROCESS_BINARY, OSH_RECORD_PLAIN},
    {OSH_FACT_PROCESS_ANCESTORS, OSH_RECORD_PLAIN},
    {OSH_FACT_PROCESS_CMDLINE, OSH_RECORD_ARGUMENT},
    {OSH_FACT_PROCESS_IDENTITY, OSH_RECORD_PLAIN},
    {OSH_FACT_REQUEST_METHOD, OSH_RECORD_PLAIN},
    {OSH_FACT_REQUEST_PATH, OSH_RECORD_PATH},
    {OSH_FACT_REQUEST_QUERY, OSH_RECORD_PLAIN},
    {OSH_FACT_REQUEST_PROTOCOL, OSH_RECORD_PLAIN},
    {OSH_FACT_SQL_COMMAND, OSH_RECORD_PLAIN},
    {OSH_FACT_GRAPHQL_OPERATIONS, OSH_RECORD_PLAIN},
    {OSH_FACT_GRAPHQL_CONTROL, OSH_RECORD_PLAIN},
    {OSH_FACT_GRAPHQL_ERROR, OSH_RECORD_WITHHELD},
    {OSH_FACT_JSONRPC_CALLS, OSH_RECORD_PLAIN},
    {OSH_FACT_JSONRPC_RESPONSE, OSH_RECORD_PLAIN},
    {OSH_FACT_JSONRPC_RECEIVE_STREAM, OSH_RECORD_PLAIN},
    {OSH_FACT_JSONRPC_LISTED, OSH_RECORD_PLAIN},
    {OSH_FACT_JSONRPC_ERROR, OSH_RECORD_WITHHELD},
    {OSH_FACT_MCP_VERSION, OSH_RECORD_PLAIN},
};

static gboolean
span_is(OshSpan span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.data, text, span.length) == 0;
}

gboolean
osh_record_handling(const char *fact, const char *field, OshSpan key,
                    OshRecordHandling *ret_handling)
{
    for (gsize i = 0; i < G_N_ELEMENTS(host_facts); i++) {
        if (strcmp(host_facts[i].fact, fact) != 0)
            continue;
        *ret_handling = host_facts[i].handling;
        if (field != NULL && strcmp(field, "values") == 0)
            *ret_handling = OSH_RECORD_WITHHELD;
        /* Of what a call is given, only the name of the tool is no content. */
        if (field != NULL && strcmp(field, "value") == 0 && !span_is(key, "name"))
            *ret_handling = OSH_RECORD_WITHHELD;
        return TRUE;
    }
    return FALSE;
}

static gboolean
holds(const char *text, gsize length, const char *mark)
{
    gsize size = strlen(mark);

    for (gsize i = 0; i + size <= length; i++)
        if (g_ascii_strncasecmp(text + i, mark, size) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
holds_mark(const char *text, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(placeholder_marks); i++)
        if (holds(text, length, placeholder_marks[i]))
            return TRUE;
    return FALSE;
}

static gsize
percent_decode(OshSpan text, char *ret_decoded)
{
    gsize length = 0;

    for (gsize i = 0; i < text.length; i++) {
        gint high = text.data[i] == '%' && i + 2 < text.length
                        ? g_ascii_xdigit_value(text.data[i + 1])
                        : -1;
        gint low = high >= 0 ? g_ascii_xdigit_value(text.data[i + 2]) : -1;

        ret_decoded[length++] = low >= 0 ? (char)(high << 4 | low) : text.data[i];
        if (low >= 0)
            i += 2;
    }
    return length;
}

gboolean
osh_record_bears_placeholder(OshSpan text)
{
    g_autofree char *decoded = NULL;

    if (text.length < strlen(placeholder_marks[0]))
        return FALSE;
    if (holds_mark(text.data, text.length))
        return TRUE;
    if (memchr(text.data, '%', text.length) == NULL)
        return FALSE;
    decoded = g_malloc(text.length);
    return holds_mark(decoded, percent_decode(text, decoded));
}

gboolean
osh_record_is_argument(OshSpan text)
{
    if (text.length == 0 || text.data[0] != '/' || osh_record_bears_placeholder(text))
        return FALSE;
    for (gsize i = 0; i < text.length; i++)
        if (!g_ascii_isalnum(text.data[i]) && strchr("/._+@-", text.data[i]) == NULL)
            return FALSE;
    return memchr(text.data, '\0', text.length) == NULL;
}
