/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.c: the query of a request target as the policy sees it: for each name its values, decoded
 * once ("+" is a blank). [shard]. A bad escape, or text that is not UTF-8, is refused: two servers
 * could read it as two things.
 */
#include "rest.h"

#include <string.h>

static gboolean
decode(GString *text, const char *from, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        gint high;
        gint low;

        if (from[i] != '%') {
            g_string_append_c(text, from[i] == '+' ? ' ' : from[i]);
            continue;
        }
        high = i + 2 < length ? g_ascii_xdigit_value(from[i + 1]) : -1;
        low = i + 2 < length ? g_ascii_xdigit_value(from[i + 2]) : -1;
        if (high < 0 || low < 0)
            return FALSE;
        g_string_append_c(text, (char)(high << 4 | low));
        i += 2;
    }
    return TRUE;
}

/* Offsets for now: the memory may move while the query is read. */
static gboolean
add_text(RestQuery *query, const char *from, gsize length, OshSpan *ret_span)
{
    gsize start = query->text->len;

    if (!decode(query->text, from, length))
        return FALSE;
    *ret_span = (OshSpan){(const char *)GSIZE_TO_POINTER(start), query->text->len - start};
    return g_utf8_validate_len(query->text->str + start, ret_span->length, NULL);
}

static gboolean
is_same(const RestQuery *query, OshSpan one, OshSpan other)
{
    const char *text = query->text->str;

    return one.length == other.length &&
           memcmp(text + GPOINTER_TO_SIZE(one.data), text + GPOINTER_TO_SIZE(other.data),
                  one.length) == 0;
}

static gboolean
add_pair(RestQuery *query, const char *pair, gsize length)
{
    const char *equals = memchr(pair, '=', length);
    gsize key_length = equals != NULL ? (gsize)(equals - pair) : length;
    OshSpan key;
    OshSpan value;
    guint at;

    if (query->n_values == REST_QUERY_VALUES || !add_text(query, pair, key_length, &key) ||
        !add_text(query, equals != NULL ? equals + 1 : pair,
                  equals != NULL ? length - key_length - 1 : 0, &value))
        return FALSE;
    for (at = 0; at < query->n_keys && !is_same(query, query->keys[at], key); at++)
        continue;
    if (at == query->n_keys) {
        if (at == REST_QUERY_KEYS)
            return FALSE;
        query->keys[query->n_keys++] = key;
    }
    query->values[query->n_values] = value;
    query->key_of[query->n_values++] = (guint8)at;
    return TRUE;
}

static OshSpan
settle(const RestQuery *query, OshSpan span)
{
    return (OshSpan){query->text->str + GPOINTER_TO_SIZE(span.data), span.length};
}

static void
make_records(RestQuery *query)
{
    guint n = 0;

    for (guint key = 0; key < query->n_keys; key++) {
        guint first = n;

        for (guint i = 0; i < query->n_values; i++)
            if (query->key_of[i] == key)
                query->sorted[n++] = settle(query, query->values[i]);
        query->fields[key][0] =
            (OshFact)OSH_FACT_STRING_INIT("key", settle(query, query->keys[key]));
        query->fields[key][1] =
            (OshFact)OSH_FACT_STRINGS_INIT("values", query->sorted + first, n - first);
        query->records[key] = (OshFactRecord){query->fields[key], 2};
    }
}

gboolean
rest_query_read(RestQuery *query, const char *text, gsize length)
{
    const char *end = text + length;

    if (query->text == NULL)
        query->text = g_string_new(NULL);
    g_string_truncate(query->text, 0);
    query->n_keys = 0;
    query->n_values = 0;
    while (text < end) {
        const char *stop = memchr(text, '&', (gsize)(end - text));

        stop = stop != NULL ? stop : end;
        if (stop > text && !add_pair(query, text, (gsize)(stop - text)))
            return FALSE;
        text = stop + 1;
    }
    make_records(query);
    return TRUE;
}

void
rest_query_free(RestQuery *query)
{
    if (query == NULL)
        return;
    if (query->text != NULL)
        g_string_free(query->text, TRUE);
    g_free(query);
}
