/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-content.h: from the bytes of a body to the JSON that is a request: its media type, its
 * encoding, its parts. [any]
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** GRAPHQL_BOUNDARY_SIZE: longest boundary of a body of several parts (RFC 2046, section 5.1.1). */
#define GRAPHQL_BOUNDARY_SIZE 70

/**
 * GraphqlContentType: what the parameters of a Content-Type say.
 * @has_charset: it names a character encoding
 * @is_utf8: which is UTF-8
 * @boundary: (array length=n_boundary): between parts; empty when there is none
 */
typedef struct {
    gboolean has_charset;
    gboolean is_utf8;
    char boundary[GRAPHQL_BOUNDARY_SIZE];
    gsize n_boundary;
} GraphqlContentType;

/** graphql_content_type_read: [any] Returns: FALSE where @field is not of the grammar of RFC 9110,
 * section 8.3, or says one thing twice. */
gboolean graphql_content_type_read(OshSpan field, GraphqlContentType *ret_type);

/**
 * graphql_content_decode: [any]
 * @encoded: the whole body
 * @encoding: value of Content-Encoding: gzip, x-gzip or deflate, in any case
 * @limit: most bytes of the result
 * @ret_problem: (out): why not; constant
 *
 * Returns: (transfer full) (nullable): the decoded body
 */
GByteArray *graphql_content_decode(OshSpan encoded, OshSpan encoding, guint64 limit,
                                   const char **ret_problem);

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
gboolean graphql_multipart_read(OshSpan body, const GraphqlContentType *type,
                                OshSpan *ret_operations, const char **ret_problem);

/** graphql_span_is: [any] Returns: whether @span is @word, in any letter case. */
gboolean graphql_span_is(OshSpan span, const char *word);

G_END_DECLS
