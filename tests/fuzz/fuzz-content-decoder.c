/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings. The first byte names the coding, by its remainder of three, and the second the
 * size of pieces. What is decoded and what is wrong is the same however the body is split, and
 * never more than the limits.
 */
#include "osh-content-decoder.h"

#include <string.h>

#define LIMIT 200000

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static OshContentProblem
decode(OshContentCoding coding, OshSpan bytes, gsize piece, GByteArray *decoded)
{
    const OshContentLimits limits = {.max_bytes = LIMIT};
    g_autoptr(OshContentDecoder) decoder = osh_content_decoder_new(coding, &limits);
    OshContentProblem problem;
    gsize at = 0;

    do {
        gsize length = MIN(piece, bytes.length - at);

        problem = osh_content_decoder_feed(decoder, (OshSpan){bytes.data + at, length},
                                           at + length == bytes.length, decoded);
        at += length;
    } while (at < bytes.length);
    g_assert(decoded->len <= LIMIT);
    g_assert(decoded->len <= OSH_CONTENT_RATIO_FROM ||
             decoded->len <= OSH_CONTENT_MAX_RATIO * bytes.length);
    return problem;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    OshContentCoding coding = osh_content_coding_at(size > 0 ? data[0] % OSH_CONTENT_CODINGS : 0);
    OshSpan bytes = {size > 2 ? (const char *)data + 2 : "", size > 2 ? size - 2 : 0};
    g_autoptr(GByteArray) whole = g_byte_array_new();
    g_autoptr(GByteArray) pieces = g_byte_array_new();
    OshContentProblem problem = decode(coding, bytes, MAX(bytes.length, 1), whole);

    g_assert(decode(coding, bytes, size > 1 ? 1 + data[1] : 1, pieces) == problem);
    g_assert(pieces->len == whole->len &&
             (whole->len == 0 || memcmp(pieces->data, whole->data, whole->len) == 0));
    return 0;
}
