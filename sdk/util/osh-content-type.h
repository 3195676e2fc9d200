/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-type.h: the parameters of a Content-Type (RFC 9110, section 8.3): which character
 * encoding a text is in, and what separates the parts of a body. [any]
 *
 * A server that finds another character encoding in it reads another text out of the same bytes,
 * and one that finds another boundary reads other parts. So a field is read strictly, and what is
 * not plainly understood is refused.
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** OSH_CONTENT_BOUNDARY_SIZE: longest boundary of a body of several parts (RFC 2046, section
 * 5.1.1). */
#define OSH_CONTENT_BOUNDARY_SIZE 70

/**
 * OshContentType: what the parameters of a Content-Type say.
 * @has_charset: it names a character encoding
 * @is_utf8: which is UTF-8
 * @boundary: (array length=n_boundary): between parts; empty when there is none
 * @n_boundary: its size
 */
typedef struct {
    gboolean has_charset;
    gboolean is_utf8;
    char boundary[OSH_CONTENT_BOUNDARY_SIZE];
    gsize n_boundary;
} OshContentType;

/**
 * osh_content_type_read: [any]
 * @field: value of the field, all its lines joined by commas
 * @ret_type: (out caller-allocates): what it says; not to be used on FALSE
 *
 * Returns: FALSE where @field is not of the grammar of RFC 9110, section 8.3, or says one thing
 *   twice, or in an extended notation (RFC 2231)
 */
gboolean osh_content_type_read(OshSpan field, OshContentType *ret_type);

/** osh_content_type_refusal: [any] Returns: (nullable) (transfer none): why text of the type that
 * @field says is not to be read as UTF-8; NULL where it is, or says nothing of a charset. */
const char *osh_content_type_refusal(OshSpan field);

G_END_DECLS
