/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-grammar.c: character classes of RFC 9110 §5.6.2 and the field-line rule of RFC 9112 §5.
 *
 * Constant data and pure functions; any thread. It must never repair a line: what is not exactly
 * right is refused, because two parsers that repair differently are how requests are smuggled.
 */
#include "osh-http1-grammar.h"

#define T OSH_HTTP1_TOKEN_CHARACTER
#define C OSH_HTTP1_CONTROL
/* One row for each upper half-byte; clang-format would run them together. */
/* clang-format off */
const guint8 osh_http1_character_class[256] = {
    C, C, C, C, C, C, C, C, C, 0, C, C, C, C, C, C,
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    0, T, 0, T, T, T, T, T, 0, 0, T, T, 0, T, T, 0,
    T, T, T, T, T, T, T, T, T, T, 0, 0, 0, 0, 0, 0,
    0, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
    T, T, T, T, T, T, T, T, T, T, T, 0, 0, 0, T, T,
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
    T, T, T, T, T, T, T, T, T, T, T, 0, T, 0, T, C,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */
#undef T
#undef C

static inline gboolean
is_blank(guint8 byte)
{
    return byte == ' ' || byte == '\t';
}

/* Names what is wrong with a line whose name does not end in a colon at @at. */
static OshHttp1Error
name_error(const guint8 *line, gsize at, gsize length)
{
    gsize after = at;

    if (length > 0 && is_blank(line[0]))
        return OSH_HTTP1_ERROR_OBSOLETE_FOLD;
    if (memchr(line, ':', length) == NULL)
        return OSH_HTTP1_ERROR_NO_COLON;
    while (after < length && is_blank(line[after]))
        after++;
    if (after > at && line[after] == ':')
        return OSH_HTTP1_ERROR_SPACE_BEFORE_COLON;
    return OSH_HTTP1_ERROR_BAD_FIELD_NAME;
}

OshHttp1Error
osh_http1_parse_field_line(const guint8 *window, gsize offset, gsize length,
                           OshHttp1Field *ret_field)
{
    const guint8 *line = window + offset;
    gsize name = 0;
    gsize start;
    gsize end = length;

    while (name < length && osh_http1_is_token_character(line[name]))
        name++;
    if (name == 0 || name == length || line[name] != ':')
        return name_error(line, name, length);
    start = name + 1;
    while (start < end && is_blank(line[start]))
        start++;
    while (end > start && is_blank(line[end - 1]))
        end--;
    ret_field->name.offset = (guint32)offset;
    ret_field->name.length = (guint32)name;
    ret_field->value.offset = (guint32)(offset + start);
    ret_field->value.length = (guint32)(end - start);
    return OSH_HTTP1_ERROR_NONE;
}
