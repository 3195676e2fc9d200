/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-request.h: what one message asks a GraphQL server for, as facts. [shard]
 *
 * A message is the body of a POST, the parameters of a GET (GraphQL over HTTP), or one text of a
 * WebSocket (graphql-transport-ws, graphql-ws). What is no request in the reading of every server
 * becomes the error fact, which is a denial that audit mode does not soften.
 */
#pragma once

#include "graphql-document.h"

G_BEGIN_DECLS

typedef struct _GraphqlRequest GraphqlRequest;

/** graphql_request_new: Returns: (transfer full): nothing is known yet. @limits: copied */
GraphqlRequest *graphql_request_new(const GraphqlLimits *limits);

/** graphql_request_free: @request: (transfer full) (nullable). */
void graphql_request_free(GraphqlRequest *request);

/** graphql_request_refuse: it is not to be understood, because of @words; the first counts. */
void graphql_request_refuse(GraphqlRequest *request, const char *words);

/** graphql_request_is_refused: Returns: whether it is. */
gboolean graphql_request_is_refused(const GraphqlRequest *request);

/**
 * graphql_request_read_parameters: the request stands in the query of the URL
 * @query: (nullable): the fact request.query; nothing of it is kept
 */
void graphql_request_read_parameters(GraphqlRequest *request, const OshFact *query);

/** graphql_request_refuse_parameters: the request stands in the body; what the URL says of it as
 * well, some servers prefer. @query: (nullable): the fact request.query */
void graphql_request_refuse_parameters(GraphqlRequest *request, const OshFact *query);

/** graphql_request_read_body: the request, or a batch of them, is @body, JSON. Nothing of it is
 * kept. */
void graphql_request_read_body(GraphqlRequest *request, OshSpan body);

/** graphql_request_read_message: the request is in the envelope of a WebSocket's text. */
void graphql_request_read_message(GraphqlRequest *request, OshSpan text);

/** graphql_request_facts: Returns: (transfer none): graphql.operations, graphql.control or
 * graphql.error, after one of the functions that read; valid until it is freed. */
OshFacts graphql_request_facts(GraphqlRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GraphqlRequest, graphql_request_free)

G_END_DECLS
