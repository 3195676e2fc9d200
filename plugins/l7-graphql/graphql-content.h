/* SPDX-License-Identifier: Apache-2.0 */
/* graphql-content.h: the parts of a body of several ones. [any] */
#pragma once

#include <openshell/fact.h>

#include "osh-content-type.h"

G_BEGIN_DECLS

/**
 * graphql_multipart_read: [any]
 * @body: the whole body
 * @type: its Content-Type, with a boundary
 * @ret_operations: (out): the part that holds the requests; points into @body
 * @ret_problem: (out): why not; constant
 *
 * A body of the GraphQL multipart request specification: the part "operations", then "map", then
 * files, each name once.
 *
 * Returns: FALSE where it is not, or servers may read it differently
 */
gboolean graphql_multipart_read(OshSpan body, const OshContentType *type, OshSpan *ret_operations,
                                const char **ret_problem);

G_END_DECLS
