/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parameters.c: requests in the query of a URL (GraphQL over HTTP, section 6.2). [shard]
 *
 * They become the same JSON object that a body would be, where variables and extensions are JSON in
 * a parameter of their own. Servers take URLs apart in different ways: a name in other letter case,
 * with blanks around it or an index behind it, and a semicolon that separates parameters are
 * therefore refused, also in the URL of a request that has a body.
 */
#include "request-private.h"

#include <string.h>

static const OshFact *
field_of(const OshFactRecord *record, const char *name, guint32 type)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == type && strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static gboolean
is_blank(char c)
{
    return g_ascii_isspace(c) || c == '\0';
}

/* The name without what a lenient server leaves out: blanks around it, and an index behind it. */
static OshSpan
bare_name(OshSpan name)
{
    const char *bracket;

    while (name.length > 0 && is_blank(*name.data)) {
        name.data++;
        name.length--;
    }
    bracket = name.length > 0 ? memchr(name.data, '[', name.length) : NULL;
    if (bracket != NULL)
        name.length = (gsize)(bracket - name.data);
    while (name.length > 0 && is_blank(name.data[name.length - 1]))
        name.length--;
    return name;
}

static gboolean
is_known(OshSpan name)
{
    for (gsize i = 0; graphql_request_names[i] != NULL; i++)
        if (graphql_span_equal(name, osh_span(graphql_request_names[i])))
            return TRUE;
    return FALSE;
}

/* Returns: whether some server takes @name for one of GraphQL. */
static gboolean
is_confusable(OshSpan name)
{
    OshSpan bare = bare_name(name);
    json_t *object = json_object();
    gboolean found = bare.length != name.length && is_known(bare);

    if (!is_known(bare) && bare.length > 0)
        found = json_object_setn_new(object, bare.data, bare.length, json_null()) != 0 ||
                osh_json_confusable(object, graphql_request_names) != NULL;
    json_decref(object);
    return found;
}

static gboolean
has_semicolon(OshSpan text)
{
    return text.length > 0 && memchr(text.data, ';', text.length) != NULL;
}

/* Of one name with its values. Returns: whether the request may have it. */
static gboolean
check_parameter(GraphqlRequest *request, OshSpan name, const OshFact *values)
{
    gboolean separates = has_semicolon(name);

    for (guint i = 0; i < values->count; i++)
        separates |= has_semicolon(values->value.strings[i]);
    if (separates)
        graphql_request_refuse(request, "the URL's query has a semicolon, at which some servers "
                                        "separate parameters: send the request by POST");
    else if (is_confusable(name))
        graphql_request_refuse(request, "a parameter of the URL differs only a little from one of "
                                        "GraphQL");
    return !graphql_request_is_refused(request);
}

/* Returns: FALSE where it is refused. */
static gboolean
add_parameter(GraphqlRequest *request, OshSpan name, OshSpan value)
{
    gboolean is_json = graphql_span_equal(name, OSH_SPAN_LITERAL("extensions"));
    json_t *member;

    /* Servers take an empty one for none. */
    if (value.length == 0)
        return TRUE;
    if (graphql_span_equal(name, OSH_SPAN_LITERAL("variables")))
        return TRUE;
    if (is_json)
        member = graphql_request_load(request, value, "the parameter extensions");
    else
        member = json_stringn(value.data, value.length);
    if (member != NULL && json_object_setn_new(request->json, name.data, name.length, member) == 0)
        return TRUE;
    graphql_request_refuse(request, "a parameter of the URL is not UTF-8");
    return FALSE;
}

/* Calls for each parameter. @reads: those of GraphQL are read, else refused */
static void
each_parameter(GraphqlRequest *request, const OshFact *query, gboolean reads)
{
    guint n = query != NULL && query->type == OSH_FACT_RECORDS ? query->count : 0;

    for (guint i = 0; i < n && !graphql_request_is_refused(request); i++) {
        const OshFact *key = field_of(&query->value.records[i], "key", OSH_FACT_STRING);
        const OshFact *values = field_of(&query->value.records[i], "values", OSH_FACT_STRINGS);

        if (key == NULL || values == NULL) {
            graphql_request_refuse(request, "the URL's query cannot be read");
            return;
        }
        if (!check_parameter(request, key->value.string, values) || !is_known(key->value.string))
            continue;
        if (!reads)
            graphql_request_refuse(request, "the request has a body, and GraphQL in its URL too");
        else if (values->count != 1)
            graphql_request_refuse(request, "a parameter of GraphQL stands twice in the URL");
        else
            (void)add_parameter(request, key->value.string, values->value.strings[0]);
    }
}

void
graphql_request_read_parameters(GraphqlRequest *request, const OshFact *query)
{
    if (graphql_request_is_refused(request))
        return;
    request->json = json_object();
    each_parameter(request, query, TRUE);
    if (!graphql_request_is_refused(request))
        graphql_request_read_object(request, request->json);
}

void
graphql_request_refuse_parameters(GraphqlRequest *request, const OshFact *query)
{
    each_parameter(request, query, FALSE);
}
