/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.c: undoes the compression of a body. [any]
 *
 * One gzip member (RFC 1952) or one zlib stream (RFC 1950, which HTTP calls deflate) that ends
 * where the body ends: servers differ about what follows, and about a stream without its header.
 * The result is bounded before it is made.
 */
#include "graphql-content.h"

#define ZLIB_CONST
#include <zlib.h>

#define STEP        16384
#define WINDOW_GZIP (15 + 16)
#define WINDOW_ZLIB 15

static GByteArray *
fail(const char *problem, const char **ret_problem)
{
    *ret_problem = problem;
    return NULL;
}

/* Returns: what the last call of inflate returned; Z_BUF_ERROR where the result is too large. */
static int
inflate_all(z_stream *stream, GByteArray *decoded, guint64 limit)
{
    int status = Z_OK;

    while (status == Z_OK) {
        guint used = decoded->len;

        if (used > limit)
            return Z_BUF_ERROR;
        g_byte_array_set_size(decoded, used + STEP);
        stream->next_out = decoded->data + used;
        stream->avail_out = STEP;
        status = inflate(stream, Z_NO_FLUSH);
        g_byte_array_set_size(decoded, decoded->len - stream->avail_out);
        if (status == Z_BUF_ERROR)
            return Z_DATA_ERROR;
    }
    return status == Z_STREAM_END && decoded->len > limit ? Z_BUF_ERROR : status;
}

GByteArray *
graphql_content_decode(OshSpan encoded, OshSpan encoding, guint64 limit, const char **ret_problem)
{
    gboolean is_gzip = graphql_span_is(encoding, "gzip") || graphql_span_is(encoding, "x-gzip");
    g_autoptr(GByteArray) decoded = g_byte_array_new();
    z_stream stream = {0};
    int status;

    if (!is_gzip && !graphql_span_is(encoding, "deflate"))
        return fail("the body is compressed in another way than by gzip or deflate", ret_problem);
    if (encoded.length > G_MAXUINT32 / 2 || limit > G_MAXUINT32 / 2)
        return fail("the body is too large to be decompressed", ret_problem);
    if (inflateInit2(&stream, is_gzip ? WINDOW_GZIP : WINDOW_ZLIB) != Z_OK)
        return fail("the body cannot be decompressed", ret_problem);
    stream.next_in = (const Bytef *)encoded.data;
    stream.avail_in = (uInt)encoded.length;
    status = inflate_all(&stream, decoded, limit);
    (void)inflateEnd(&stream);
    if (status == Z_BUF_ERROR)
        return fail("the decompressed body is larger than graphql_max_body_bytes", ret_problem);
    if (status != Z_STREAM_END)
        return fail("the body is not compressed as Content-Encoding says", ret_problem);
    if (stream.avail_in > 0)
        return fail("something follows the compressed body", ret_problem);
    return g_steal_pointer(&decoded);
}
