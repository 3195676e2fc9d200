/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h: one row of the vectors, asked of the engine. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef struct _OshVectorPolicies OshVectorPolicies;

/** osh_vector_policies_new: Returns: (transfer full): loads each policy of @directory once. */
OshVectorPolicies *osh_vector_policies_new(const char *directory);

/** osh_vector_policies_free: frees it. */
void osh_vector_policies_free(OshVectorPolicies *policies);

/** osh_vector_check: compares the engine's answer to @row with what it expects.
 * @problem: gets "expected …, got …", stays empty when they agree */
void osh_vector_check(json_t *row, OshVectorPolicies *policies, GString *problem);

/** osh_vector_expect: adds a difference to @problem. */
void osh_vector_expect(GString *problem, const char *what, const char *expected, const char *got);

/** osh_vector_check_primitive: rows that need no policy. */
void osh_vector_check_primitive(const char *kind, json_t *input, json_t *expect, GString *problem);
