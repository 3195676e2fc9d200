/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c: requests as JSON, in a body or in a WebSocket's text. [shard]
 *
 * The names are those of GraphQL over HTTP and of persisted queries. A name that differs from one
 * of them in letter case alone is refused, since some servers take it for the same. Where there is
 * a document, it says what the request is; a hash or an id beside it is stated and decides nothing.
 */
#include "request-private.h"

#include <string.h>

/* Names by which servers know a query that they keep. */
static const char *const id_names[] = {"id", "documentId", "queryId"};

const char *const graphql_request_names[] = {"query", "operationName", "variables", "extensions",
                                             "id",    "documentId",    "queryId",   NULL};

GraphqlRequest *
graphql_request_new(const GraphqlLimits *limits)
{
    GraphqlRequest *request = g_new0(GraphqlRequest, 1);

    request->limits = *limits;
    request->error = g_string_new(NULL);
    return request;
}

void
graphql_request_free(GraphqlRequest *request)
{
    if (request == NULL)
        return;
    for (guint i = 0; i < request->n_operations; i++)
        if (request->operations[i].names != NULL)
            g_array_unref(request->operations[i].names);
    g_free(request->operations);
    g_free(request->records);
    json_decref(request->json);
    g_string_free(request->error, TRUE);
    g_free(request);
}

void
graphql_request_refuse(GraphqlRequest *request, const char *words)
{
    if (request->error->len == 0)
        g_string_append(request->error, words);
}

gboolean
graphql_request_is_refused(const GraphqlRequest *request)
{
    return request->error->len > 0;
}

/* Returns: FALSE, for callers that return so. */
static gboolean
refuse(GraphqlRequest *request, const char *words)
{
    graphql_request_refuse(request, words);
    return FALSE;
}

/* --- The members of a request ------------------------------------------------------------------
 */

/* Returns: FALSE where it is neither absent, null nor a string. */
static gboolean
read_text(json_t *object, const char *name, OshSpan *ret_text)
{
    json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return TRUE;
    *ret_text = osh_json_text(value);
    return json_is_string(value);
}

/* The hash of a document that the server knows, or will keep. */
static gboolean
read_hash(GraphqlRequest *request, json_t *extensions, OshSpan *ret_hash)
{
    static const char *const known[] = {"persistedQuery", NULL};
    static const char *const hash_known[] = {"sha256Hash", NULL};
    json_t *persisted = json_object_get(extensions, "persistedQuery");

    if (osh_json_confusable(extensions, known) != NULL ||
        osh_json_confusable(persisted, hash_known) != NULL)
        return refuse(request, "a member of extensions differs from persistedQuery or sha256Hash "
                               "in letter case alone");
    if (persisted == NULL || json_is_null(persisted))
        return TRUE;
    if (!json_is_object(persisted) || !json_is_string(json_object_get(persisted, "sha256Hash")))
        return refuse(request, "extensions.persistedQuery has no sha256Hash");
    *ret_hash = osh_json_text(json_object_get(persisted, "sha256Hash"));
    return ret_hash->length > 0 || refuse(request, "extensions.persistedQuery has no sha256Hash");
}

static gboolean
read_id(GraphqlRequest *request, json_t *object, OshSpan *ret_id)
{
    for (gsize i = 0; i < G_N_ELEMENTS(id_names); i++) {
        OshSpan id = {NULL, 0};

        if (!read_text(object, id_names[i], &id))
            return refuse(request, "the id of a query is not a string");
        if (id.data == NULL)
            continue;
        if (id.length == 0)
            return refuse(request, "the id of a query is empty");
        if (ret_id->data != NULL)
            return refuse(request, "it has two ids of a query, under different names");
        *ret_id = id;
    }
    return TRUE;
}

/* --- What it asks for --------------------------------------------------------------------------
 */

static void
add_fact(GraphqlOperation *operation, OshFact fact)
{
    g_assert(operation->n_facts < G_N_ELEMENTS(operation->facts));
    operation->facts[operation->n_facts++] = fact;
}

static gboolean
read_document(GraphqlRequest *request, GraphqlOperation *operation, OshSpan text, OshSpan name)
{
    static const char *const types[] = {"query", "mutation", "subscription"};
    const GraphqlDefinition *definition = NULL;
    GraphqlError error;
    g_autoptr(GraphqlDocument) document = graphql_document_parse(text, &request->limits, &error);

    if (document != NULL)
        definition = graphql_document_operation(document, name, &operation->names, &error);
    if (definition == NULL) {
        if (!graphql_request_is_refused(request))
            graphql_error_append(request->error, &error, &request->limits);
        return FALSE;
    }
    add_fact(operation, osh_fact_string("type", osh_span(types[definition->kind])));
    if (definition->name.length > 0)
        add_fact(operation, osh_fact_string("name", definition->name));
    return TRUE;
}

/* One request; @operation is empty. */
static gboolean
read_request(GraphqlRequest *request, json_t *object, GraphqlOperation *operation)
{
    json_t *extensions = json_object_get(object, "extensions");
    OshSpan query = {NULL, 0};
    OshSpan name = {NULL, 0};
    OshSpan hash = {NULL, 0};
    OshSpan id = {NULL, 0};
    gboolean is_persisted;

    if (!json_is_object(object))
        return refuse(request, "a request is not a JSON object");
    if (osh_json_confusable(object, graphql_request_names) != NULL)
        return refuse(request, "a member differs from one of GraphQL in letter case alone");
    if (!read_text(object, "query", &query) || !read_text(object, "operationName", &name))
        return refuse(request, "query or operationName is not a string");
    if (extensions != NULL && !json_is_object(extensions) && !json_is_null(extensions))
        return refuse(request, "extensions is not an object");
    if (!read_hash(request, extensions, &hash) || !read_id(request, object, &id))
        return FALSE;
    is_persisted = hash.data != NULL || id.data != NULL;
    if (query.length > 0) {
        if (!read_document(request, operation, query, name))
            return FALSE;
    } else if (!is_persisted) {
        return refuse(request, "it has neither a document nor the hash or id of one");
    } else {
        operation->names = g_array_new(FALSE, FALSE, sizeof(OshSpan));
        if (name.length > 0)
            add_fact(operation, osh_fact_string("name", name));
    }
    add_fact(operation, osh_fact_strings("fields", (const OshSpan *)operation->names->data,
                                         operation->names->len));
    if (is_persisted)
        add_fact(operation, osh_fact_boolean("persisted", TRUE));
    if (hash.data != NULL)
        add_fact(operation, osh_fact_string("hash", hash));
    if (id.data != NULL)
        add_fact(operation, osh_fact_string("id", id));
    return TRUE;
}

/* @json: one request, or an array of them */
static void
read_requests(GraphqlRequest *request, json_t *json, gboolean may_batch)
{
    gboolean is_batch = json_is_array(json) && may_batch;
    guint n = is_batch ? (guint)json_array_size(json) : 1;

    if (n == 0) {
        graphql_request_refuse(request, "the batch is empty");
        return;
    }
    if (n > request->limits.batch) {
        g_string_append_printf(request->error, "the batch has too many requests: max_batch is %u",
                               request->limits.batch);
        return;
    }
    request->operations = g_new0(GraphqlOperation, n);
    request->records = g_new0(OshFactRecord, n);
    for (guint i = 0; i < n; i++) {
        GraphqlOperation *operation = &request->operations[request->n_operations++];

        if (!read_request(request, is_batch ? json_array_get(json, i) : json, operation)) {
            if (is_batch)
                g_string_append_printf(request->error, " (request %u of %u)", i + 1, n);
            return;
        }
        request->records[i] = (OshFactRecord){operation->facts, operation->n_facts};
    }
}

void
graphql_request_read_object(GraphqlRequest *request, json_t *json)
{
    read_requests(request, json, FALSE);
}

/* --- Bodies and texts --------------------------------------------------------------------------
 */

json_t *
graphql_request_load(GraphqlRequest *request, OshSpan text, const char *what)
{
    const OshJsonLimits limits = {.max_bytes = text.length,
                                  .max_depth = request->limits.depth,
                                  .flags = OSH_JSON_LARGE_INTEGERS};
    OshJsonProblem problem;
    json_t *json = osh_json_load(text, &limits, &problem);

    if (json == NULL && !graphql_request_is_refused(request))
        g_string_append_printf(request->error, "%s cannot be read as JSON: %s", what,
                               osh_json_problem_words(problem));
    return json;
}

void
graphql_request_read_body(GraphqlRequest *request, OshSpan body)
{
    if (graphql_request_is_refused(request))
        return;
    request->json = graphql_request_load(request, body, "the body");
    if (request->json != NULL)
        read_requests(request, request->json, TRUE);
}

static gboolean
is_one_of(OshSpan text, const char *const *words, const char **ret_word)
{
    for (; *words != NULL; words++)
        if (graphql_span_equal(text, osh_span(*words))) {
            *ret_word = *words;
            return TRUE;
        }
    return FALSE;
}

void
graphql_request_read_message(GraphqlRequest *request, OshSpan text)
{
    static const char *const known[] = {"type", "id", "payload", NULL};
    static const char *const begins[] = {"subscribe", "start", NULL};
    static const char *const controls[] = {
        "connection_init", "connection_terminate", "ping", "pong", "complete", "stop", NULL};
    const char *word = NULL;
    json_t *json;
    OshSpan type;

    if (graphql_request_is_refused(request))
        return;
    json = request->json = graphql_request_load(request, text, "the message");
    if (json == NULL)
        return;
    type = osh_json_text(json_object_get(json, "type"));
    if (type.data == NULL || osh_json_confusable(json, known) != NULL) {
        graphql_request_refuse(request, "the message is not an object with a type");
        return;
    }
    if (is_one_of(type, controls, &request->control))
        return;
    if (!is_one_of(type, begins, &word))
        graphql_request_refuse(request, "the message is of a type that no client sends");
    else if (osh_json_text(json_object_get(json, "id")).length == 0)
        graphql_request_refuse(request, "the message begins an operation without an id");
    else
        graphql_request_read_object(request, json_object_get(json, "payload"));
}

OshFacts
graphql_request_facts(GraphqlRequest *request)
{
    if (graphql_request_is_refused(request))
        request->fact = osh_fact_string(OSH_FACT_GRAPHQL_ERROR,
                                        (OshSpan){request->error->str, request->error->len});
    else if (request->control != NULL)
        request->fact = osh_fact_string(OSH_FACT_GRAPHQL_CONTROL, osh_span(request->control));
    else
        request->fact =
            osh_fact_records(OSH_FACT_GRAPHQL_OPERATIONS, request->records, request->n_operations);
    return (OshFacts){&request->fact, 1};
}
