/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-type.c: parameters of a Content-Type. [any]
 *
 * A server that finds another character encoding in it reads another text out of the same bytes, so
 * what is not plainly understood is refused: a parameter twice, a continuation of RFC 2231.
 */
#include "osh-content-type.h"

#include "osh-line-reader.h"

#include <string.h>

static gboolean
is_token(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
skip_blanks(OshSpan *text)
{
    while (text->length > 0 && (*text->data == ' ' || *text->data == '\t')) {
        text->data++;
        text->length--;
    }
}

static gboolean
accept(OshSpan *text, char c)
{
    if (text->length == 0 || *text->data != c)
        return FALSE;
    text->data++;
    text->length--;
    return TRUE;
}

static OshSpan
read_token(OshSpan *text)
{
    OshSpan token = {text->data, 0};

    while (text->length > 0 && is_token(*text->data)) {
        text->data++;
        text->length--;
        token.length++;
    }
    return token;
}

/* Of a quoted string, behind its first quote; a backslash in it is refused, nobody needs one. */
static gboolean
read_quoted(OshSpan *text, OshSpan *ret_value)
{
    const char *quote = text->length > 0 ? memchr(text->data, '"', text->length) : NULL;

    if (quote == NULL)
        return FALSE;
    *ret_value = (OshSpan){text->data, (gsize)(quote - text->data)};
    text->length -= ret_value->length + 1;
    text->data = quote + 1;
    return memchr(ret_value->data, '\\', ret_value->length) == NULL;
}

static gboolean
read_value(OshSpan *text, OshSpan *ret_value)
{
    if (accept(text, '"'))
        return read_quoted(text, ret_value);
    *ret_value = read_token(text);
    return ret_value->length > 0;
}

/* RFC 2046, section 5.1.1. */
static gboolean
is_boundary(OshSpan value)
{
    if (value.length == 0 || value.length > OSH_CONTENT_BOUNDARY_SIZE ||
        value.data[value.length - 1] == ' ')
        return FALSE;
    for (gsize i = 0; i < value.length; i++)
        if (!g_ascii_isalnum(value.data[i]) &&
            (value.data[i] == '\0' || strchr("'()+_,-./:=? ", value.data[i]) == NULL))
            return FALSE;
    return TRUE;
}

static gboolean
starts_like(OshSpan name, const char *word)
{
    gsize length = strlen(word);

    return name.length > length && g_ascii_strncasecmp(name.data, word, length) == 0;
}

static gboolean
take_parameter(OshContentType *type, OshSpan name, OshSpan value)
{
    if (osh_span_equal_fold(name, "charset")) {
        if (type->has_charset)
            return FALSE;
        type->has_charset = TRUE;
        type->is_utf8 = osh_span_equal_fold(value, "utf-8") || osh_span_equal_fold(value, "utf8");
        return TRUE;
    }
    if (osh_span_equal_fold(name, "boundary")) {
        if (type->n_boundary > 0 || !is_boundary(value))
            return FALSE;
        memcpy(type->boundary, value.data, value.length);
        type->n_boundary = value.length;
        return TRUE;
    }
    return !starts_like(name, "charset") && !starts_like(name, "boundary");
}

gboolean
osh_content_type_read(OshSpan field, OshContentType *ret_type)
{
    OshSpan text = field;

    memset(ret_type, 0, sizeof *ret_type);
    skip_blanks(&text);
    if (read_token(&text).length == 0 || !accept(&text, '/') || read_token(&text).length == 0)
        return FALSE;
    for (skip_blanks(&text); text.length > 0; skip_blanks(&text)) {
        OshSpan name;
        OshSpan value;

        if (!accept(&text, ';'))
            return FALSE;
        skip_blanks(&text);
        name = read_token(&text);
        if (name.length == 0)
            continue;
        if (!accept(&text, '=') || !read_value(&text, &value) ||
            !take_parameter(ret_type, name, value))
            return FALSE;
    }
    return TRUE;
}

const char *
osh_content_type_refusal(OshSpan field)
{
    OshContentType type;

    if (!osh_content_type_read(field, &type))
        return "the Content-Type of the body is malformed";
    return type.has_charset && !type.is_utf8 ? "the charset of the body is not utf-8" : NULL;
}
