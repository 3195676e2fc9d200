/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-line-reader.h: finds lines in a window, strictly, and takes them apart.
 *
 * A line ends with CRLF; with %OSH_LINE_LF it ends with LF, and a CR before that LF belongs to the
 * end. Nothing else ends a line. By default a CR or an LF anywhere else, and a NUL, make the line
 * malformed: two programs that read such a line differently read different commands. The flags
 * allow what a protocol needs. A line that has no end within the cap is too long, and so is one
 * whose end would stand beyond it.
 *
 * A reader remembers how far it has looked, so that a line that comes byte by byte is looked at
 * once. It must be fed the window from the same first byte until it has found the line. It holds no
 * memory; functions are [any].
 *
 * |[<!-- language="C" -->
 * OshLineReader reader = OSH_LINE_READER_INIT(512, OSH_LINE_LF);
 * OshSpan line;
 * gsize length;
 *
 * switch (osh_line_reader_find(&reader, window, &line, &length)) {
 * case OSH_LINE_MORE:
 *     return osh_l7_list_more(list);
 * case OSH_LINE_FOUND:
 *     return command(self, line, length);
 * ...
 * ]|
 */
#pragma once

#include "openshell/fact.h"

G_BEGIN_DECLS

/**
 * OshLineFlags:
 * @OSH_LINE_LF: LF ends a line, with or without a CR before it
 * @OSH_LINE_ALLOW_CR: a CR that is not part of the end is text
 * @OSH_LINE_ALLOW_NUL: NUL is text
 */
typedef enum {
    OSH_LINE_LF = 1 << 0,
    OSH_LINE_ALLOW_CR = 1 << 1,
    OSH_LINE_ALLOW_NUL = 1 << 2,
} OshLineFlags;

/**
 * OshLineStatus:
 * @OSH_LINE_MORE: the window holds no end of a line yet
 * @OSH_LINE_FOUND: it does
 * @OSH_LINE_TOO_LONG: there is none within the cap
 * @OSH_LINE_MALFORMED: a byte that may not stand in a line
 */
typedef enum {
    OSH_LINE_MORE = 0,
    OSH_LINE_FOUND = 1,
    OSH_LINE_TOO_LONG = 2,
    OSH_LINE_MALFORMED = 3,
} OshLineStatus;

/** OSH_LINE_CAP: bytes of a line where a reader names no cap. */
#define OSH_LINE_CAP 4096

/** OshLineReader: make it with OSH_LINE_READER_INIT(); all zeroes is one for CRLF and
 * %OSH_LINE_CAP. The members are its own. */
typedef struct {
    /*< private >*/
    gsize cap;
    guint32 flags;
    gsize scanned;
} OshLineReader;

/** OSH_LINE_READER_INIT: @line_cap: bytes of a line, its end included; @line_flags: #OshLineFlags.
 */
#define OSH_LINE_READER_INIT(line_cap, line_flags)                                                 \
    {                                                                                              \
        .cap = (line_cap), .flags = (line_flags), .scanned = 0                                     \
    }

/** osh_line_reader_init: the same for a reader that was used before, or is part of a session that
 * is all zeroes. */
void osh_line_reader_init(OshLineReader *reader, gsize line_cap, guint32 line_flags);

/**
 * osh_line_reader_find:
 * @window: all bytes from the start of the line
 * @ret_line: (out): the line without its end, borrowed from @window; on %OSH_LINE_FOUND only
 * @ret_length: (out): its bytes with the end; likewise
 *
 * A line that was found is found again by the next call, until osh_line_reader_next().
 */
OshLineStatus osh_line_reader_find(OshLineReader *reader, OshSpan window, OshSpan *ret_line,
                                   gsize *ret_length);

/** osh_line_reader_next: the line was released; the next window begins behind it. */
void osh_line_reader_next(OshLineReader *reader);

/**
 * osh_line_split:
 * @line: words with one space between each two
 * @words: (out caller-allocates) (array length=max_words): borrowed from @line
 * @max_words: how many fit
 *
 * Returns: how many words there are; 0 for an empty line, for a space at either end, for two
 *   spaces in a row and for more than @max_words
 */
gsize osh_line_split(OshSpan line, OshSpan *words, gsize max_words);

/** osh_span_equal: Returns: whether the bytes are those of @text. */
gboolean osh_span_equal(OshSpan span, const char *text);

/** osh_span_equal_fold: Returns: whether the bytes are those of @text, ASCII letters in either
 * case. */
gboolean osh_span_equal_fold(OshSpan span, const char *text);

/** osh_span_trim: Returns: @text without the spaces and tabs at its ends (OWS, RFC 9110 section
 * 5.6.3). */
OshSpan osh_span_trim(OshSpan text);

/** osh_span_number: @ret_number: untouched on FALSE. Returns: whether the span is decimal digits
 * alone, at least one, of a number up to @max. */
gboolean osh_span_number(OshSpan span, guint64 max, guint64 *ret_number);

G_END_DECLS
