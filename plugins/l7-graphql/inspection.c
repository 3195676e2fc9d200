/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspection.c: what the head of a message says about its content, then the content. [shard]
 *
 * A body that another reader could take for something else (a form, another character encoding) is
 * refused by its head, and so is a content coding that the endpoint does not have decoded; the
 * content is gathered, decoded and up to the endpoint's limit, and read when it is complete, so
 * that no way of splitting it changes what is found. What goes on is the body as it came.
 */
#include "graphql-inspection.h"

#include "graphql-content.h"
#include "osh-content-decoder.h"

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
 * @decoder: (nullable): of a body that is encoded
 * @received: bytes of the body, as it came
 * @content: so far, decoded
 * @limit: of both
 * @is_done: the facts are complete
 */
typedef struct {
    const GraphqlSettings *settings;
    GraphqlRequest *request;
    Place place;
    OshContentType type;
    OshContentDecoder *decoder;
    guint64 received;
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
    const char *problem;

    if (strcmp(media_type, "multipart/form-data") == 0 && inspection->settings->multipart)
        inspection->place = IN_PARTS;
    else if (g_str_has_prefix(media_type, "multipart/"))
        refuse(inspection, "the body has several parts: multipart=read reads them");
    else if (strcmp(media_type, "application/json") != 0)
        refuse(inspection, "the Content-Type of the body is not application/json");
    (void)osh_content_type_read(field, &inspection->type);
    problem = osh_content_type_refusal(field);
    if (problem != NULL)
        refuse(inspection, problem);
}

static void
read_encoding(Inspection *inspection, const OshInspectionRequest *asked)
{
    const OshFact *field =
        find_fact(&asked->head, OSH_FACT_REQUEST_CONTENT_ENCODING, OSH_FACT_STRING);
    const OshContentLimits limits = {.max_bytes = inspection->limit};
    OshContentCoding coding;
    OshContentProblem problem;

    if (field == NULL)
        return;
    problem =
        osh_content_coding_check(field->value.string, osh_content_codings(asked->options), &coding);
    if (problem != OSH_CONTENT_FINE)
        refuse(inspection, osh_content_problem_words(problem));
    else if (coding != OSH_CONTENT_IDENTITY)
        inspection->decoder = osh_content_decoder_new(coding, &limits);
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

static void
read_body(Inspection *inspection)
{
    const char *problem = NULL;
    OshSpan body;

    if (inspection->content->len == 0) {
        refuse(inspection, "the request has no body");
        return;
    }
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

static void
decode(Inspection *inspection, OshSpan bytes, gboolean last)
{
    OshContentProblem problem =
        osh_content_decoder_feed(inspection->decoder, bytes, last, inspection->content);

    if (problem == OSH_CONTENT_TOO_LARGE)
        refuse(inspection, "the decoded body is larger than graphql_max_body_bytes");
    else if (problem != OSH_CONTENT_FINE)
        refuse(inspection, osh_content_problem_words(problem));
}

/* What is wrong with the bytes below the limit counts before the limit, as when they come alone. */
static void
gather(Inspection *inspection, OshSpan bytes, gboolean last)
{
    OshSpan fits = {bytes.data, MIN(bytes.length, inspection->limit - inspection->received)};
    gboolean is_too_large = fits.length < bytes.length;

    inspection->received += fits.length;
    if (inspection->decoder != NULL)
        decode(inspection, fits, last && !is_too_large);
    else if (fits.length > 0)
        g_byte_array_append(inspection->content, (const guint8 *)fits.data, (guint)fits.length);
    if (is_too_large)
        refuse(inspection, "the body is larger than graphql_max_body_bytes");
}

OshInspection
graphql_inspection_feed(gpointer data, OshSpan bytes, gboolean last)
{
    Inspection *inspection = data;

    if (inspection->is_done)
        return OSH_INSPECTION_DONE;
    if (!graphql_request_is_refused(inspection->request))
        gather(inspection, bytes, last);
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
    osh_content_decoder_free(inspection->decoder);
    g_free(inspection);
}
