/* SPDX-License-Identifier: Apache-2.0 */
/* request-private.h: what request.c and parameters.c share. [shard] */
#pragma once

#include "graphql-request.h"
#include "osh-json.h"

G_BEGIN_DECLS

/**
 * GraphqlOperation: one operation as facts.
 * @facts: (array length=n_facts): type, name, fields, persisted, hash, id, as far as they are known
 * @names: (element-type OshSpan) (nullable): of its root fields
 */
typedef struct {
    OshFact facts[6];
    gsize n_facts;
    GArray *names;
} GraphqlOperation;

/**
 * GraphqlRequest:
 * @limits: on each document, and on a batch
 * @json: (nullable): the message; the spans of all facts point into it
 * @operations: (array length=n_operations) (nullable): that it asks for
 * @records: (array length=n_operations) (nullable): the same
 * @control: (nullable): type of a WebSocket's text that asks for none; constant
 * @error: why it is refused; empty while it is not
 * @fact: what is stated
 */
struct _GraphqlRequest {
    GraphqlLimits limits;
    json_t *json;
    GraphqlOperation *operations;
    OshFactRecord *records;
    guint n_operations;
    const char *control;
    GString *error;
    OshFact fact;
};

/** graphql_request_names: members of a request, and parameters of its URL. */
extern const char *const graphql_request_names[];

/** graphql_request_read_object: reads one request; @json is kept by the caller. */
void graphql_request_read_object(GraphqlRequest *request, json_t *json);

/** graphql_request_load: Returns: (transfer full) (nullable): @text as JSON; else it is refused,
 * with @what in the reason. */
json_t *graphql_request_load(GraphqlRequest *request, OshSpan text, const char *what);

G_END_DECLS
