/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-decoder.h: the content of a message out of its content coding (RFC 9110, section
 * 8.4): gzip (RFC 1952), deflate (RFC 1950, RFC 1951) and br (RFC 7932), by zlib and brotli.
 *
 * Whoever judges a body and whoever acts on it must read the same out of it. So one coding is
 * undone and not several, its stream ends where the body ends, and what two readers could decode
 * differently is refused:
 *
 * - bytes behind the end: some readers join a second member of gzip, others stop before it;
 * - a stream whose end is missing, or whose checksum is wrong;
 * - a body that is named deflate, and can be read both as a zlib stream and as a raw one. Servers
 *   take one or the other, or both; a body that is only one of them is read as that.
 *
 * The result is bounded before it is made, by its size and by its ratio to what it came from; so is
 * the memory of the decoder. Input is decoded in blocks of a fixed size, so that neither the result
 * nor the problem depends on how it was split.
 *
 * Functions are [any]; a decoder belongs to one thread at a time. It needs zlib and libbrotlidec:
 * dependency `openshell-content-1`.
 *
 * |[<!-- language="C" -->
 * OshContentProblem problem = osh_content_coding_check(field, allowed, &coding);
 *
 * if (problem != OSH_CONTENT_FINE)
 *     refuse(osh_content_problem_words(problem));
 * decoder = osh_content_decoder_new(coding, &(OshContentLimits){.max_bytes = limit});
 * problem = osh_content_decoder_feed(decoder, bytes, last, decoded);
 * ]|
 */
#pragma once

#include "osh-content-coding.h"

G_BEGIN_DECLS

/** OSH_CONTENT_RATIO_FROM: decoded bytes up to which the ratio is not looked at. */
#define OSH_CONTENT_RATIO_FROM 65536

/** OSH_CONTENT_MAX_BYTES: most decoded bytes, whatever the limits say. */
#define OSH_CONTENT_MAX_BYTES (1024 * 1024 * 1024)

/**
 * OshContentLimits:
 * @max_bytes: of the decoded content; at most %OSH_CONTENT_MAX_BYTES
 * @max_ratio: decoded bytes for each byte; 0 for %OSH_CONTENT_MAX_RATIO
 */
typedef struct {
    guint64 max_bytes;
    guint max_ratio;
} OshContentLimits;

/** OshContentDecoder: a decoder of one body. */
typedef struct _OshContentDecoder OshContentDecoder;

/** osh_content_decoder_new: [any] @coding: not %OSH_CONTENT_IDENTITY; @limits: copied. Returns:
 * (transfer full): a decoder of one body. */
OshContentDecoder *osh_content_decoder_new(OshContentCoding coding, const OshContentLimits *limits);

/**
 * osh_content_decoder_feed: [any]
 * @bytes: the next bytes of the body, which may be none
 * @last: they are the last
 * @decoded: what was decoded is appended; not more than the limit
 *
 * Returns: the problem, also of every later call; %OSH_CONTENT_FINE with @last: all of it was
 *   decoded
 */
OshContentProblem osh_content_decoder_feed(OshContentDecoder *decoder, OshSpan bytes, gboolean last,
                                           GByteArray *decoded);

/** osh_content_decoder_free: [any] @decoder: (transfer full) (nullable). */
void osh_content_decoder_free(OshContentDecoder *decoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshContentDecoder, osh_content_decoder_free)

G_END_DECLS
