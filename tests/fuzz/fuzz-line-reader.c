/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of untrusted bytes. The first byte chooses the flags, the second the cap. What is found
 * byte by byte must be what is found in the whole, a line holds nothing that its flags refuse, and
 * its words and numbers read back to what they were.
 */
#include <string.h>

#include "osh-line-reader.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
check_line(OshSpan line, guint32 flags, gsize length, gsize cap)
{
    g_assert(length <= cap && line.length < length);
    for (gsize i = 0; i < line.length; i++) {
        g_assert(line.data[i] != '\n');
        g_assert(line.data[i] != '\r' || (flags & OSH_LINE_ALLOW_CR) != 0);
        g_assert(line.data[i] != '\0' || (flags & OSH_LINE_ALLOW_NUL) != 0);
    }
}

static void
check_words(OshSpan line)
{
    OshSpan words[8];
    gsize n = osh_line_split(line, words, G_N_ELEMENTS(words));
    gsize length = n > 0 ? n - 1 : 0;

    g_assert(n <= G_N_ELEMENTS(words));
    for (gsize i = 0; i < n; i++) {
        guint64 number;

        g_assert(words[i].length > 0);
        length += words[i].length;
        if (osh_span_number(words[i], G_MAXUINT64, &number)) {
            g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);
            gsize zeroes = words[i].length - strlen(text);

            g_assert(words[i].length >= strlen(text));
            g_assert(memcmp(words[i].data + zeroes, text, strlen(text)) == 0);
        }
    }
    g_assert(n == 0 || length == line.length);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint32 flags = size > 0 ? data[0] % 8 : 0;
    gsize cap = size > 1 ? (gsize)data[1] + 1 : 64;
    OshSpan window = {size > 2 ? (const char *)data + 2 : NULL, size > 2 ? size - 2 : 0};
    OshLineReader whole = OSH_LINE_READER_INIT(cap, flags);
    OshLineReader bytes = OSH_LINE_READER_INIT(cap, flags);
    OshSpan line = {NULL, 0};
    OshSpan same = {NULL, 0};
    gsize length = 0;
    gsize same_length = 0;
    OshLineStatus status = osh_line_reader_find(&whole, window, &line, &length);
    OshLineStatus step = OSH_LINE_MORE;

    for (gsize n = 0; n <= window.length && step == OSH_LINE_MORE; n++)
        step = osh_line_reader_find(&bytes, (OshSpan){window.data, n}, &same, &same_length);
    g_assert(step == status);
    if (status == OSH_LINE_FOUND) {
        g_assert(same.data == line.data && same.length == line.length && same_length == length);
        check_line(line, flags, length, cap);
        check_words(line);
    }
    return 0;
}
