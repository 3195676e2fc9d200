/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in a window of untrusted bytes. No memory is held and none is allocated; functions are
 * [any]. It must never take for the end of a line what the peer of the protocol might not.
 */
#include <string.h>

#include "osh-line-reader.h"

/* Whether the byte at @at may stand there; the end of the line is not text. */
static gboolean
is_text(const OshLineReader *reader, OshSpan window, gsize at)
{
    char byte = window.data[at];

    if (byte == '\0')
        return (reader->flags & OSH_LINE_ALLOW_NUL) != 0;
    if (byte == '\n')
        return FALSE;
    return byte != '\r' || (reader->flags & OSH_LINE_ALLOW_CR) != 0;
}

/* Bytes of the end of the line that begins at @at; 0 for none, and -1 when it may begin there but
 * the next byte has not come. */
static gssize
end_at(const OshLineReader *reader, OshSpan window, gsize at)
{
    if (window.data[at] == '\n' && (reader->flags & OSH_LINE_LF) != 0)
        return 1;
    if (window.data[at] != '\r')
        return 0;
    if (at + 1 == window.length)
        return -1;
    return window.data[at + 1] == '\n' ? 2 : 0;
}

void
osh_line_reader_init(OshLineReader *reader, gsize line_cap, guint32 line_flags)
{
    *reader = (OshLineReader)OSH_LINE_READER_INIT(line_cap, line_flags);
}

OshLineStatus
osh_line_reader_find(OshLineReader *reader, OshSpan window, OshSpan *ret_line, gsize *ret_length)
{
    gsize cap = reader->cap > 0 ? reader->cap : OSH_LINE_CAP;
    gsize limit = MIN(window.length, cap);

    for (gsize at = reader->scanned; at < limit; at++) {
        gssize end = end_at(reader, window, at);

        reader->scanned = at;
        /* A CR that is the last byte within the cap: what follows it makes no difference. */
        if (window.data[at] == '\r' && at + 1 == cap)
            return OSH_LINE_TOO_LONG;
        if (end < 0)
            return OSH_LINE_MORE;
        if (end > 0) {
            *ret_line = (OshSpan){window.data, at};
            *ret_length = at + (gsize)end;
            return OSH_LINE_FOUND;
        }
        if (!is_text(reader, window, at))
            return OSH_LINE_MALFORMED;
    }
    reader->scanned = limit;
    return window.length < cap ? OSH_LINE_MORE : OSH_LINE_TOO_LONG;
}

void
osh_line_reader_next(OshLineReader *reader)
{
    reader->scanned = 0;
}

gsize
osh_line_split(OshSpan line, OshSpan *words, gsize max_words)
{
    gsize start = 0;
    gsize n = 0;

    for (gsize at = 0; at <= line.length; at++) {
        if (at < line.length && line.data[at] != ' ')
            continue;
        if (at == start || n == max_words)
            return 0;
        words[n++] = (OshSpan){line.data + start, at - start};
        start = at + 1;
    }
    return n;
}

gboolean
osh_span_equal(OshSpan span, const char *text)
{
    return span.length == strlen(text) &&
           (span.length == 0 || memcmp(span.data, text, span.length) == 0);
}

gboolean
osh_span_equal_fold(OshSpan span, const char *text)
{
    return strlen(text) == span.length &&
           (span.length == 0 || g_ascii_strncasecmp(span.data, text, span.length) == 0);
}

OshSpan
osh_span_trim(OshSpan text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (OshSpan){text.data + 1, text.length - 1};
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

gboolean
osh_span_number(OshSpan span, guint64 max, guint64 *ret_number)
{
    guint64 number = 0;

    if (span.length == 0)
        return FALSE;
    for (gsize i = 0; i < span.length; i++) {
        guint64 digit;

        if (span.data[i] < '0' || span.data[i] > '9')
            return FALSE;
        digit = (guint64)(span.data[i] - '0');
        if (digit > max || number > (max - digit) / 10)
            return FALSE;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return TRUE;
}
