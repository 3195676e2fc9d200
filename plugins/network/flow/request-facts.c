/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of a plain HTTP request, made only while a recording is wanted. Pure; [any]. Nothing is
 * decided by them here. Of the query only the names are kept, each with as many empty values as it
 * has: what a value said never leaves the buffer that it arrived in.
 */
#include "request-facts.h"

#include "osh-request-path.h"

#include <string.h>

#define MAX_KEYS   64
#define MAX_VALUES 16

typedef struct {
    char *key;
    guint count;
    OshFact fields[2];
} QueryKey;

struct _OshRequestFacts {
    char *method;
    GString *path;
    QueryKey keys[MAX_KEYS];
    OshFactRecord records[MAX_KEYS];
    guint n_keys;
};

/* The values that are not kept. */
static const OshSpan no_values[MAX_VALUES];

static char *
query_decode(const char *text, gsize length)
{
    g_autoptr(GString) decoded = g_string_sized_new(length);

    for (gsize i = 0; i < length; i++) {
        gint high = text[i] == '%' && i + 2 < length ? g_ascii_xdigit_value(text[i + 1]) : -1;
        gint low = high >= 0 ? g_ascii_xdigit_value(text[i + 2]) : -1;

        g_string_append_c(decoded, low >= 0         ? (char)(high << 4 | low)
                                   : text[i] == '+' ? ' '
                                                    : text[i]);
        if (low >= 0)
            i += 2;
    }
    return g_string_free(g_steal_pointer(&decoded), FALSE);
}

/* Returns: FALSE when there are too many to keep them all. */
static gboolean
request_add_key(OshRequestFacts *request, const char *text, gsize length)
{
    g_autofree char *key = query_decode(text, length);

    for (guint i = 0; i < request->n_keys; i++)
        if (strcmp(request->keys[i].key, key) == 0) {
            request->keys[i].count = MIN(request->keys[i].count + 1, MAX_VALUES);
            return TRUE;
        }
    if (request->n_keys == MAX_KEYS)
        return FALSE;
    request->keys[request->n_keys].key = g_steal_pointer(&key);
    request->keys[request->n_keys++].count = 1;
    return TRUE;
}

static gboolean
request_read_query(OshRequestFacts *request, const char *query, const char *end)
{
    while (query < end) {
        const char *stop = memchr(query, '&', (gsize)(end - query));
        const char *equals;

        stop = stop != NULL ? stop : end;
        equals = memchr(query, '=', (gsize)(stop - query));
        if (stop > query &&
            !request_add_key(request, query, (gsize)((equals != NULL ? equals : stop) - query)))
            return FALSE;
        query = stop + 1;
    }
    for (guint i = 0; i < request->n_keys; i++) {
        QueryKey *key = &request->keys[i];

        key->fields[0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(key->key));
        key->fields[1] = (OshFact)OSH_FACT_STRINGS_INIT("values", no_values, key->count);
        request->records[i] = (OshFactRecord){key->fields, G_N_ELEMENTS(key->fields)};
    }
    return TRUE;
}

OshRequestFacts *
osh_request_facts_new(OshSpan method, const char *target, gsize length)
{
    OshRequestFacts *request = g_new0(OshRequestFacts, 1);
    const char *query = NULL;
    gboolean rewritten;

    request->method = g_strndup(method.data, method.length);
    request->path = g_string_new(NULL);
    if (osh_request_path_canonicalise(target, length, OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH,
                                      request->path, &query, &rewritten) == OSH_REQUEST_PATH_OK &&
        (query == NULL || request_read_query(request, query, target + length)))
        return request;
    osh_request_facts_free(request);
    return NULL;
}

gsize
osh_request_facts(const OshRequestFacts *request, OshFact facts[OSH_REQUEST_FACTS])
{
    const OshSpan path = {request->path->str, request->path->len};

    facts[0] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(request->method));
    facts[1] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, path);
    if (request->n_keys == 0)
        return 2;
    facts[2] =
        (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, request->records, request->n_keys);
    return 3;
}

void
osh_request_facts_free(OshRequestFacts *request)
{
    if (request == NULL)
        return;
    for (guint i = 0; i < request->n_keys; i++)
        g_free(request->keys[i].key);
    g_string_free(request->path, TRUE);
    g_free(request->method);
    g_free(request);
}
