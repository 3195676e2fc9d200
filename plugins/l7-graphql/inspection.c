/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspection.c: what the head of a message says about its content, then the content. [shard]
 *
 * A body that another reader could take for something else (a form, another character encoding, a
 * compression) is refused by its head; the content is gathered, up to the endpoint's limit, and
 * read when it is complete, so that no way of splitting it changes what is found.
 */
#include "graphql-inspection.h"

#include "graphql-content.h"

#include <string.h>

/* Where a request stands. */
typedef enum {
    IN_BODY,
    IN_PARTS,
    IN_URL,
    IN_MESSAGE,
} Place;

/**
 * Inspection:
 * @place: where the request is
 * @type: of a body
 * @encoding: (nullable): of a body; owned
 * @content: so far
 * @limit: of it
 * @is_done: the facts are complete
 */
typedef struct {
    const GraphqlSettings *settings;
    GraphqlRequest *request;
    Place place;
    GraphqlContentType type;
    char *encoding;
    GByteArray *content;
    guint64 limit;
    gboolean is_done;
} Inspection;

static void
refuse(Inspection *inspection, const char *words)
{
    graphql_request_refuse(inspection->request, words);
}

/* --- The head ----------------------------------------------------------------------------------
 */

/* Returns: (nullable): the fact @name of that type. */
static const OshFact *
find_fact(const OshFacts *facts, const char *name, OshFactType type)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (facts->facts[i].type == (guint32)type && strcmp(facts->facts[i].name, name) == 0)
            return &facts->facts[i];
    return NULL;
}

/* Returns: the string of a fact; empty when there is none. */
static OshSpan
find_text(const OshFacts *facts, const char *name)
{
    const OshFact *fact = find_fact(facts, name, OSH_FACT_STRING);

    return fact != NULL ? fact->value.string : (OshSpan){"", 0};
}

static void
read_media_type(Inspection *inspection, const OshInspectionRequest *asked)
{
    OshSpan field = find_text(&asked->head, OSH_FACT_REQUEST_CONTENT_TYPE);
    const char *media_type = asked->media_type != NULL ? asked->media_type : "";

    if (strcmp(media_type, "multipart/form-data") == 0 && inspection->settings->multipart)
        inspection->place = IN_PARTS;
    else if (g_str_has_prefix(media_type, "multipart/"))
        refuse(inspection, "the body has several parts: multipart=read reads them");
    else if (strcmp(media_type, "application/json") != 0)
        refuse(inspection, "the Content-Type of the body is not application/json");
    if (!graphql_content_type_read(field, &inspection->type))
        refuse(inspection, "the Content-Type of the body is malformed");
    else if (inspection->type.has_charset && !inspection->type.is_utf8)
        refuse(inspection, "the charset of the body is not utf-8");
}

static void
read_encoding(Inspection *inspection, const OshInspectionRequest *asked)
{
    OshSpan field = find_text(&asked->head, OSH_FACT_REQUEST_CONTENT_ENCODING);

    if (field.length == 0 || graphql_span_is(field, "identity"))
        return;
    if (!inspection->settings->decodes)
        refuse(inspection, "the body is compressed: compressed=decode decompresses it");
    inspection->encoding = g_strndup(field.data, field.length);
}

static void
read_head(Inspection *inspection, const OshInspectionRequest *asked)
{
    OshSpan method = find_text(&asked->head, OSH_FACT_REQUEST_METHOD);
    const OshFact *query = find_fact(&asked->head, OSH_FACT_REQUEST_QUERY, OSH_FACT_RECORDS);

    if (graphql_span_equal(method, OSH_SPAN_LITERAL("WEBSOCKET_TEXT"))) {
        inspection->place = IN_MESSAGE;
    } else if (graphql_span_equal(method, OSH_SPAN_LITERAL("GET"))) {
        inspection->place = IN_URL;
        graphql_request_read_parameters(inspection->request, query);
    } else if (graphql_span_equal(method, OSH_SPAN_LITERAL("POST"))) {
        read_media_type(inspection, asked);
        read_encoding(inspection, asked);
        graphql_request_refuse_parameters(inspection->request, query);
    } else {
        refuse(inspection, "the method is neither GET nor POST");
    }
}

gpointer
graphql_inspection_new(const GraphqlSettings *settings, const OshInspectionRequest *asked)
{
    Inspection *inspection = g_new0(Inspection, 1);

    inspection->settings = settings;
    inspection->request = graphql_request_new(&settings->limits);
    inspection->content = g_byte_array_new();
    inspection->limit = MIN(asked->limit, G_MAXINT32);
    read_head(inspection, asked);
    return inspection;
}

/* --- The content -------------------------------------------------------------------------------
 */

static OshSpan
gathered(const Inspection *inspection)
{
    return (OshSpan){(const char *)inspection->content->data, inspection->content->len};
}

static gboolean
decode(Inspection *inspection)
{
    const char *problem = NULL;
    GByteArray *decoded = graphql_content_decode(
        gathered(inspection), osh_span(inspection->encoding), inspection->limit, &problem);

    if (decoded == NULL) {
        refuse(inspection, problem);
        return FALSE;
    }
    g_byte_array_unref(inspection->content);
    inspection->content = decoded;
    return TRUE;
}

static void
read_body(Inspection *inspection)
{
    const char *problem = NULL;
    OshSpan body;

    if (inspection->content->len == 0) {
        refuse(inspection, "the request has no body");
        return;
    }
    if (inspection->encoding != NULL && !decode(inspection))
        return;
    body = gathered(inspection);
    if (inspection->place == IN_PARTS &&
        !graphql_multipart_read(body, &inspection->type, &body, &problem))
        refuse(inspection, problem);
    graphql_request_read_body(inspection->request, body);
}

static void
read_content(Inspection *inspection)
{
    if (graphql_request_is_refused(inspection->request))
        return;
    switch (inspection->place) {
    case IN_URL:
        if (inspection->content->len > 0)
            refuse(inspection, "the request is a GET with a body");
        break;
    case IN_MESSAGE:
        graphql_request_read_message(inspection->request, gathered(inspection));
        break;
    case IN_BODY:
    case IN_PARTS:
    default:
        read_body(inspection);
        break;
    }
}

OshInspection
graphql_inspection_feed(gpointer data, OshSpan bytes, gboolean last)
{
    Inspection *inspection = data;

    if (inspection->is_done)
        return OSH_INSPECTION_DONE;
    if (bytes.length > inspection->limit - inspection->content->len)
        refuse(inspection, "the body is larger than graphql_max_body_bytes");
    else if (bytes.length > 0)
        g_byte_array_append(inspection->content, (const guint8 *)bytes.data, (guint)bytes.length);
    if (!last && !graphql_request_is_refused(inspection->request))
        return OSH_INSPECTION_MORE;
    read_content(inspection);
    inspection->is_done = TRUE;
    return OSH_INSPECTION_DONE;
}

OshFacts
graphql_inspection_facts(gpointer data)
{
    Inspection *inspection = data;

    return graphql_request_facts(inspection->request);
}

void
graphql_inspection_free(gpointer data)
{
    Inspection *inspection = data;

    graphql_request_free(inspection->request);
    g_byte_array_unref(inspection->content);
    g_free(inspection->encoding);
    g_free(inspection);
}
