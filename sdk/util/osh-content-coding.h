/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-coding.h: the codings of a message's content (RFC 9110, section 8.4) that can be
 * undone: their names in Content-Encoding and in an endpoint, and what may be wrong with them. They
 * are undone by osh-content-decoder.h.
 *
 * Functions are [any].
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** OSH_CONTENT_MAX_RATIO: decoded bytes for each byte of the body, unless the limits say another
 * number. JSON that people send stays far below it, a body of zeros is five times above. */
#define OSH_CONTENT_MAX_RATIO 200

/** OSH_CONTENT_OPTION: option of an endpoint that names the codings to decode; an array of
 * strings. */
#define OSH_CONTENT_OPTION "decode_content"

/**
 * OshContentCoding: a set of them is the sum.
 * @OSH_CONTENT_IDENTITY: none
 * @OSH_CONTENT_GZIP: gzip, x-gzip
 * @OSH_CONTENT_DEFLATE: deflate
 * @OSH_CONTENT_BR: br
 */
typedef enum {
    OSH_CONTENT_IDENTITY = 0,
    OSH_CONTENT_GZIP = 1 << 0,
    OSH_CONTENT_DEFLATE = 1 << 1,
    OSH_CONTENT_BR = 1 << 2,
} OshContentCoding;

/** OSH_CONTENT_CODINGS: number of codings. */
#define OSH_CONTENT_CODINGS 3

/**
 * OshContentProblem:
 * @OSH_CONTENT_FINE: none so far
 * @OSH_CONTENT_UNKNOWN: a coding that is none of #OshContentCoding
 * @OSH_CONTENT_SEVERAL: more than one coding
 * @OSH_CONTENT_NOT_DECODED: a coding that the endpoint does not have decoded
 * @OSH_CONTENT_BROKEN: the bytes are not of the coding
 * @OSH_CONTENT_TRUNCATED: the end of the coding is missing
 * @OSH_CONTENT_TRAILING: bytes behind the end of the coding
 * @OSH_CONTENT_AMBIGUOUS: deflate that is zlib and raw at once
 * @OSH_CONTENT_TOO_LARGE: more decoded bytes than the limit
 * @OSH_CONTENT_TOO_DENSE: a higher ratio than the limit
 * @OSH_CONTENT_NO_MEMORY: the decoder got no memory
 */
typedef enum {
    OSH_CONTENT_FINE = 0,
    OSH_CONTENT_UNKNOWN,
    OSH_CONTENT_SEVERAL,
    OSH_CONTENT_NOT_DECODED,
    OSH_CONTENT_BROKEN,
    OSH_CONTENT_TRUNCATED,
    OSH_CONTENT_TRAILING,
    OSH_CONTENT_AMBIGUOUS,
    OSH_CONTENT_TOO_LARGE,
    OSH_CONTENT_TOO_DENSE,
    OSH_CONTENT_NO_MEMORY,
} OshContentProblem;

/** osh_content_coding_at: [any] Returns: coding @index of %OSH_CONTENT_CODINGS, in the order of
 * their bits; or %OSH_CONTENT_IDENTITY. */
OshContentCoding osh_content_coding_at(guint index);

/** osh_content_codings: [any] @options: (nullable): of an endpoint, a{sv}. Returns: the set of
 * #OshContentCoding that %OSH_CONTENT_OPTION names. */
guint osh_content_codings(GVariant *options);

/** osh_content_coding_parse: [any] Returns: the coding of that name, as a policy writes it;
 * %OSH_CONTENT_IDENTITY for any other. */
OshContentCoding osh_content_coding_parse(const char *name);

/** osh_content_coding_name: [any] Returns: (transfer none): as a policy writes it; "identity". */
const char *osh_content_coding_name(OshContentCoding coding);

/**
 * osh_content_coding_check: [any]
 * @field: value of Content-Encoding, all its lines joined by commas
 * @allowed: set of #OshContentCoding
 * @ret_coding: (out): what the content is to be decoded from
 *
 * Returns: %OSH_CONTENT_FINE; or %OSH_CONTENT_UNKNOWN, %OSH_CONTENT_SEVERAL,
 *   %OSH_CONTENT_NOT_DECODED
 */
OshContentProblem osh_content_coding_check(OshSpan field, guint allowed,
                                           OshContentCoding *ret_coding);

/** osh_content_problem_name: [any] Returns: (transfer none): a word for programs and tests, as
 * "too-large"; "fine". */
const char *osh_content_problem_name(OshContentProblem problem);

/** osh_content_problem_words: [any] Returns: (transfer none): words fit for a client that hold
 * nothing of the message; of a body that is too large without the name of the limit, which the
 * caller knows. */
const char *osh_content_problem_words(OshContentProblem problem);

G_END_DECLS
