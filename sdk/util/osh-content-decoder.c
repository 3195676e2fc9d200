/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-decoder.c: one content coding, undone block by block. [any]
 *
 * The bytes are hostile. zlib and brotli read ahead as far as they have input, so where they notice
 * that something is wrong depends on how much they were given; they are given blocks of one size,
 * whatever was fed. Every output is counted before it is kept. zlib needs less than 64 KiB for
 * itself; brotli takes a window that the stream names, up to 16 MiB, and is refused more than fits
 * the limit.
 */
#include "osh-content-decoder.h"

#include <brotli/decode.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define BLOCK       4096
#define OUTPUT      16384
#define WINDOW_GZIP (15 + 16)
#define WINDOW_ZLIB 15
#define WINDOW_RAW  (-15)
/* Tables of brotli, and its window before it grew: RFC 7932 has at most 256 trees of each of three
 * kinds. */
#define BROTLI_TABLES (4 * 1024 * 1024)
/* Before what brotli gets: how large it is. */
#define BROTLI_HEADER 16

G_STATIC_ASSERT(BROTLI_HEADER >= sizeof(gsize));

/**
 * OshContentDecoder:
 * @coding: to be undone
 * @max_bytes: decoded bytes
 * @max_ratio: decoded bytes for each encoded one
 * @zlib: of gzip and deflate, when @has_zlib
 * @brotli: (nullable): of br
 * @brotli_bytes: that @brotli has
 * @is_starved: @brotli was refused memory
 * @block: what was fed and not decoded: @n_block bytes
 * @n_encoded: bytes that were given to zlib or brotli
 * @n_decoded: bytes that came of it
 * @has_ended: the coding has come to its end
 * @problem: the first
 */
struct _OshContentDecoder {
    OshContentCoding coding;
    guint64 max_bytes;
    guint64 max_ratio;
    z_stream zlib;
    gboolean has_zlib;
    BrotliDecoderState *brotli;
    gsize brotli_bytes;
    gboolean is_starved;
    guint8 block[BLOCK];
    gsize n_block;
    guint64 n_encoded;
    guint64 n_decoded;
    gboolean has_ended;
    OshContentProblem problem;
};

/* --- Memory of brotli --------------------------------------------------------------------------
 */

/* A window grows to the size of what was decoded, and both windows are there for a moment. */
static void *
brotli_allocate(void *data, size_t size)
{
    OshContentDecoder *decoder = data;
    guint64 limit = BROTLI_TABLES + 4 * decoder->max_bytes;
    guint8 *memory = NULL;

    if (decoder->brotli_bytes <= limit && size <= limit - decoder->brotli_bytes)
        memory = g_try_malloc(size + BROTLI_HEADER);
    if (memory == NULL) {
        decoder->is_starved = TRUE;
        return NULL;
    }
    decoder->brotli_bytes += size;
    memcpy(memory, &size, sizeof size);
    return memory + BROTLI_HEADER;
}

static void
brotli_release(void *data, void *address)
{
    OshContentDecoder *decoder = data;
    size_t size;

    if (address == NULL)
        return;
    memcpy(&size, (guint8 *)address - BROTLI_HEADER, sizeof size);
    decoder->brotli_bytes -= size;
    g_free((guint8 *)address - BROTLI_HEADER);
}

/* --- Output ------------------------------------------------------------------------------------
 */

static OshContentProblem
keep(OshContentDecoder *decoder, const guint8 *bytes, gsize length, GByteArray *decoded)
{
    if (length > decoder->max_bytes - decoder->n_decoded)
        return OSH_CONTENT_TOO_LARGE;
    decoder->n_decoded += length;
    if (decoder->n_decoded > OSH_CONTENT_RATIO_FROM &&
        decoder->n_decoded > decoder->n_encoded * decoder->max_ratio)
        return OSH_CONTENT_TOO_DENSE;
    if (length > 0)
        g_byte_array_append(decoded, bytes, (guint)length);
    return OSH_CONTENT_FINE;
}

/* --- zlib --------------------------------------------------------------------------------------
 */

/* RFC 1950, section 2.2. */
static gboolean
has_zlib_header(OshSpan block)
{
    const guint8 *bytes = (const guint8 *)block.data;

    return block.length >= 2 && (bytes[0] & 0x0f) == Z_DEFLATED && bytes[0] >> 4 <= 7 &&
           (bytes[0] * 256 + bytes[1]) % 31 == 0;
}

/* A first byte that names a zlib stream begins a stored block of a raw one (RFC 1951, section
 * 3.2.4), in which the size stands twice, once inverted. */
static gboolean
is_stored_block(OshSpan block)
{
    const guint8 *bytes = (const guint8 *)block.data;

    return block.length >= 5 && (bytes[0] & 0x07) == 0 && (bytes[1] ^ bytes[3]) == 0xff &&
           (bytes[2] ^ bytes[4]) == 0xff;
}

static OshContentProblem
begin_zlib(OshContentDecoder *decoder, OshSpan block)
{
    int window = WINDOW_GZIP;

    if (decoder->coding == OSH_CONTENT_DEFLATE) {
        window = has_zlib_header(block) ? WINDOW_ZLIB : WINDOW_RAW;
        if (window == WINDOW_ZLIB && is_stored_block(block))
            return OSH_CONTENT_AMBIGUOUS;
    }
    if (inflateInit2(&decoder->zlib, window) != Z_OK)
        return OSH_CONTENT_NO_MEMORY;
    decoder->has_zlib = TRUE;
    return OSH_CONTENT_FINE;
}

static OshContentProblem
decode_zlib(OshContentDecoder *decoder, OshSpan block, GByteArray *decoded)
{
    z_stream *zlib = &decoder->zlib;
    guint8 output[OUTPUT];
    OshContentProblem problem = OSH_CONTENT_FINE;
    int status = Z_OK;

    if (!decoder->has_zlib)
        problem = begin_zlib(decoder, block);
    if (problem != OSH_CONTENT_FINE)
        return problem;
    zlib->next_in = (const Bytef *)block.data;
    zlib->avail_in = (uInt)block.length;
    do {
        zlib->next_out = output;
        zlib->avail_out = sizeof output;
        status = inflate(zlib, Z_NO_FLUSH);
        problem = keep(decoder, output, sizeof output - zlib->avail_out, decoded);
    } while (problem == OSH_CONTENT_FINE && status == Z_OK && zlib->avail_out == 0);
    if (problem != OSH_CONTENT_FINE)
        return problem;
    decoder->has_ended = status == Z_STREAM_END;
    if (decoder->has_ended)
        return zlib->avail_in > 0 ? OSH_CONTENT_TRAILING : OSH_CONTENT_FINE;
    /* Z_BUF_ERROR: everything there is was decoded. */
    if (status == Z_OK || status == Z_BUF_ERROR)
        return OSH_CONTENT_FINE;
    return status == Z_MEM_ERROR ? OSH_CONTENT_NO_MEMORY : OSH_CONTENT_BROKEN;
}

/* --- brotli ------------------------------------------------------------------------------------
 */

static OshContentProblem
begin_brotli(OshContentDecoder *decoder)
{
    decoder->brotli = BrotliDecoderCreateInstance(brotli_allocate, brotli_release, decoder);
    return decoder->brotli != NULL ? OSH_CONTENT_FINE : OSH_CONTENT_NO_MEMORY;
}

static OshContentProblem
decode_brotli(OshContentDecoder *decoder, OshSpan block, GByteArray *decoded)
{
    const guint8 *next_in = (const guint8 *)block.data;
    gsize left = block.length;
    guint8 output[OUTPUT];
    OshContentProblem problem = OSH_CONTENT_FINE;
    BrotliDecoderResult result;

    if (decoder->brotli == NULL)
        problem = begin_brotli(decoder);
    if (problem != OSH_CONTENT_FINE)
        return problem;
    do {
        guint8 *next_out = output;
        gsize capacity = sizeof output;

        result = BrotliDecoderDecompressStream(decoder->brotli, &left, &next_in, &capacity,
                                               &next_out, NULL);
        problem = keep(decoder, output, sizeof output - capacity, decoded);
    } while (problem == OSH_CONTENT_FINE && result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
    if (problem != OSH_CONTENT_FINE)
        return problem;
    /* It asked for a window that only a body above the limit fills. */
    if (decoder->is_starved)
        return OSH_CONTENT_TOO_LARGE;
    decoder->has_ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    if (decoder->has_ended)
        return left > 0 ? OSH_CONTENT_TRAILING : OSH_CONTENT_FINE;
    return result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT ? OSH_CONTENT_FINE : OSH_CONTENT_BROKEN;
}

/* --- Blocks ------------------------------------------------------------------------------------
 */

static void
decode_block(OshContentDecoder *decoder, OshSpan block, GByteArray *decoded)
{
    if (decoder->has_ended) {
        decoder->problem = OSH_CONTENT_TRAILING;
        return;
    }
    decoder->n_encoded += block.length;
    decoder->problem = decoder->coding == OSH_CONTENT_BR ? decode_brotli(decoder, block, decoded)
                                                         : decode_zlib(decoder, block, decoded);
}

OshContentDecoder *
osh_content_decoder_new(OshContentCoding coding, const OshContentLimits *limits)
{
    OshContentDecoder *decoder = g_new0(OshContentDecoder, 1);

    decoder->coding = coding;
    decoder->max_bytes = MIN(limits->max_bytes, OSH_CONTENT_MAX_BYTES);
    decoder->max_ratio = limits->max_ratio > 0 ? limits->max_ratio : OSH_CONTENT_MAX_RATIO;
    return decoder;
}

OshContentProblem
osh_content_decoder_feed(OshContentDecoder *decoder, OshSpan bytes, gboolean last,
                         GByteArray *decoded)
{
    while (decoder->problem == OSH_CONTENT_FINE && bytes.length > 0) {
        gsize taken = MIN(bytes.length, BLOCK - decoder->n_block);

        memcpy(decoder->block + decoder->n_block, bytes.data, taken);
        decoder->n_block += taken;
        bytes = (OshSpan){bytes.data + taken, bytes.length - taken};
        if (decoder->n_block < BLOCK)
            break;
        decode_block(decoder, (OshSpan){(const char *)decoder->block, BLOCK}, decoded);
        decoder->n_block = 0;
    }
    if (decoder->problem != OSH_CONTENT_FINE || !last)
        return decoder->problem;
    if (decoder->n_block > 0)
        decode_block(decoder, (OshSpan){(const char *)decoder->block, decoder->n_block}, decoded);
    decoder->n_block = 0;
    if (decoder->problem == OSH_CONTENT_FINE && !decoder->has_ended)
        decoder->problem = OSH_CONTENT_TRUNCATED;
    return decoder->problem;
}

void
osh_content_decoder_free(OshContentDecoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->has_zlib)
        (void)inflateEnd(&decoder->zlib);
    if (decoder->brotli != NULL)
        BrotliDecoderDestroyInstance(decoder->brotli);
    g_free(decoder);
}
