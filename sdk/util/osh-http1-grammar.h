/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-grammar.h: the byte classes and the one field-line rule that heads and trailers share.
 *
 * Private to osh_util: not installed. Pure functions over borrowed bytes.
 */
#pragma once

#include "osh-http1-head.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

G_BEGIN_DECLS

/* Bit 0: a character of an HTTP token. Bit 1: must not stand in a line (controls but HTAB, DEL). */
#define OSH_HTTP1_TOKEN_CHARACTER 1
#define OSH_HTTP1_CONTROL         2
extern const guint8 osh_http1_character_class[256];

static inline gboolean
osh_http1_is_token_character(guint8 byte)
{
    return (osh_http1_character_class[byte] & OSH_HTTP1_TOKEN_CHARACTER) != 0;
}

#ifndef __SSE2__
/* Non-zero when one of the eight bytes is below 0x20 or is DEL; HTAB is sorted out by the caller.
 */
static inline guint64
osh_http1_word_has_control(guint64 word)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101);
    const guint64 tops = ones << 7;
    guint64 deleted = word ^ (ones * 0x7f);

    return (((word - ones * 0x20) & ~word) | ((deleted - ones) & ~deleted)) & tops;
}
#endif

/*
 * Returns the offset of the first control byte in [from, size), or size. Sets *high, and never
 * clears it, when a byte before that offset is not ASCII. Reads no byte outside [from, size).
 */
static inline gsize
osh_http1_scan(const guint8 *bytes, gsize from, gsize size, gboolean *high)
{
    gsize at = from;

#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i delete_byte = _mm_set1_epi8(0x7f);

    for (; at + 16 <= size; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        /* The comparison is signed: bytes from 0x80 look negative and are masked out again. */
        guint high_mask = (guint)_mm_movemask_epi8(block);
        guint low = (guint)_mm_movemask_epi8(
            _mm_andnot_si128(_mm_cmpeq_epi8(block, tab), _mm_cmplt_epi8(block, space)));
        guint stop =
            (low & ~high_mask) | (guint)_mm_movemask_epi8(_mm_cmpeq_epi8(block, delete_byte));

        if (stop != 0) {
            guint first = (guint)__builtin_ctz(stop);

            *high |= (high_mask & ((1u << first) - 1)) != 0;
            return at + first;
        }
        *high |= high_mask != 0;
    }
#else
    for (; at + 8 <= size; at += 8) {
        guint64 word;
        gsize i = 0;

        memcpy(&word, bytes + at, sizeof word);
        if (osh_http1_word_has_control(word) == 0) {
            *high |= (word & G_GUINT64_CONSTANT(0x8080808080808080)) != 0;
            continue;
        }
        for (; i < 8; i++) {
            if ((osh_http1_character_class[bytes[at + i]] & OSH_HTTP1_CONTROL) != 0)
                return at + i;
            *high |= bytes[at + i] >= 0x80;
        }
    }
#endif
    for (; at < size; at++) {
        if ((osh_http1_character_class[bytes[at]] & OSH_HTTP1_CONTROL) != 0)
            return at;
        *high |= bytes[at] >= 0x80;
    }
    return size;
}

/*
 * What the control byte at @at means for a line: NONE when it is the CR of a CRLF, *ret_more when
 * the byte after a CR has not arrived, otherwise the error.
 */
static inline OshHttp1Error
osh_http1_line_end(const guint8 *bytes, gsize at, gsize size, gboolean *ret_more)
{
    *ret_more = FALSE;
    if (bytes[at] == '\n')
        return OSH_HTTP1_ERROR_BARE_LF;
    if (bytes[at] != '\r')
        return OSH_HTTP1_ERROR_CONTROL_BYTE;
    if (at + 1 == size) {
        *ret_more = TRUE;
        return OSH_HTTP1_ERROR_NONE;
    }
    return bytes[at + 1] == '\n' ? OSH_HTTP1_ERROR_NONE : OSH_HTTP1_ERROR_BARE_CR;
}

/*
 * Parses one field line that holds no control byte but HTAB, its CRLF excluded. @offset is where
 * the line begins in the window, so that the ranges count from the window's first byte. The ranges
 * are set only on OSH_HTTP1_ERROR_NONE.
 */
OshHttp1Error osh_http1_parse_field_line(const guint8 *window, gsize offset, gsize length,
                                         OshHttp1Field *ret_field);

/* TRUE when the bytes equal @lower_name (ASCII lower case, same length), ignoring case. */
static inline gboolean
osh_http1_name_equals(const guint8 *bytes, const char *lower_name, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if ((guint8)g_ascii_tolower((char)bytes[i]) != (guint8)lower_name[i])
            return FALSE;
    return TRUE;
}

G_END_DECLS
