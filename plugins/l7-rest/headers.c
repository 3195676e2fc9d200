/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headers.c: the fields of a head as a fact, for who judges an upgrade or looks into content.
 * [shard]. It must never state a field that holds a credential.
 */
#include "rest.h"

#include "osh-line-reader.h"

static const char *const left_out[] = {"authorization", "cookie", "proxy-authorization",
                                       "set-cookie"};

static gboolean
is_left_out(OshSpan name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(left_out); i++)
        if (osh_span_equal_fold(name, left_out[i]))
            return TRUE;
    return FALSE;
}

/* All names are shorter than the head, so that the text does not move once it is begun. */
static void
make_room(RestSession *session)
{
    RestHeaders *headers = &session->headers;

    if (headers->names == NULL) {
        headers->names = g_string_sized_new(session->limits.head_size);
        headers->fields = g_malloc0_n(session->limits.head_fields, sizeof headers->fields[0]);
        headers->records = g_new0(OshFactRecord, session->limits.head_fields);
    }
    g_string_truncate(headers->names, 0);
}

OshFact
rest_headers_fact(RestSession *session, const OshHttp1Head *head, const char *base,
                  const char *name)
{
    RestHeaders *headers = &session->headers;
    gsize n = 0;

    make_room(session);
    for (guint32 i = 0; i < head->n_fields; i++) {
        const OshHttp1Field *field = &head->fields[i];
        OshSpan sent = {base + field->name.offset, field->name.length};
        OshSpan value = {base + field->value.offset, field->value.length};
        OshSpan lower = {headers->names->str + headers->names->len, sent.length};

        if (is_left_out(sent))
            continue;
        g_string_append_len(headers->names, sent.data, (gssize)sent.length);
        for (gsize k = 0; k < sent.length; k++)
            headers->names->str[headers->names->len - sent.length + k] =
                g_ascii_tolower(sent.data[k]);
        headers->fields[n][0] = (OshFact)OSH_FACT_STRING_INIT("name", lower);
        headers->fields[n][1] = (OshFact)OSH_FACT_STRING_INIT("value", value);
        headers->records[n] = (OshFactRecord){headers->fields[n], 2};
        n++;
    }
    return (OshFact)OSH_FACT_RECORDS_INIT(name, headers->records, (guint32)n);
}

void
rest_headers_free(RestHeaders *headers)
{
    if (headers->names != NULL)
        g_string_free(headers->names, TRUE);
    g_free(headers->fields);
    g_free(headers->records);
}
