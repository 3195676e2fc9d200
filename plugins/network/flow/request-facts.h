/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-facts.h: what a recording gets to know of a plain HTTP request. [any]
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** OSH_REQUEST_FACTS: room that osh_request_facts() needs. */
#define OSH_REQUEST_FACTS 3

typedef struct _OshRequestFacts OshRequestFacts;

/**
 * osh_request_facts_new:
 * @method: as sent
 * @target: (array length=length): origin-form or absolute-form
 *
 * Returns: (transfer full) (nullable): method, canonical path and the names in the query; NULL when
 *   the path has no canonical form, or the query more names than are kept
 */
OshRequestFacts *osh_request_facts_new(OshSpan method, const char *target, gsize length);

/** osh_request_facts: Returns: how many were filled into @facts; they borrow from @request. */
gsize osh_request_facts(const OshRequestFacts *request, OshFact facts[OSH_REQUEST_FACTS]);

/** osh_request_facts_free: @request: (nullable) (transfer full). */
void osh_request_facts_free(OshRequestFacts *request);

G_END_DECLS
