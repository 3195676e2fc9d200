/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-inspection.h: one inspection, which is one message: what its head says about the content,
 * then the content. [shard]
 */
#pragma once

#include <openshell/ext/draft/content-inspector.h>

#include "graphql-request.h"

G_BEGIN_DECLS

/**
 * GraphqlSettings: from the configuration.
 * @limits: on documents and batches
 * @multipart: a body of several parts is read; else it is refused
 */
typedef struct {
    GraphqlLimits limits;
    gboolean multipart;
} GraphqlSettings;

/** graphql_inspection_new: [shard] Returns: (transfer full): @settings outlives it. */
gpointer graphql_inspection_new(const GraphqlSettings *settings, const OshInspectionRequest *asked);

/** graphql_inspection_feed: [shard] as #OshContentInspectorInterface says. */
OshInspection graphql_inspection_feed(gpointer inspection, OshSpan bytes, gboolean last);

/** graphql_inspection_facts: [shard] likewise. */
OshFacts graphql_inspection_facts(gpointer inspection);

/** graphql_inspection_free: [shard] @inspection: (transfer full). */
void graphql_inspection_free(gpointer inspection);

G_END_DECLS
