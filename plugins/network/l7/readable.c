/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.c: content codings and charsets that hide text from a middleware. [any]. Content is
 * looked into as it is, so what is not known to leave ASCII in its place counts as encoded.
 */
#include "readable.h"

#include "osh-line-reader.h"

#include <string.h>

/* Returns: what of @rest stands before @separator; @rest is what follows it. */
static OshSpan
next_part(OshSpan *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
    OshSpan part = {rest->data, end != NULL ? (gsize)(end - rest->data) : rest->length};

    *rest = end != NULL ? (OshSpan){end + 1, rest->length - part.length - 1} : (OshSpan){"", 0};
    return osh_span_trim(part);
}

/* RFC 9110 section 8.4.1: "identity" is no coding; a list may have empty elements. */
static gboolean
is_coded(OshSpan coding)
{
    while (coding.length > 0) {
        OshSpan element = next_part(&coding, ',');

        if (element.length > 0 && !osh_span_equal_fold(element, "identity"))
            return TRUE;
    }
    return FALSE;
}

/* Each of these has ASCII in its place. */
static gboolean
is_of_ascii(OshSpan charset)
{
    static const char *const prefixes[] = {"iso-8859-", "windows-125"};

    if (charset.length >= 2 && charset.data[0] == '"' && charset.data[charset.length - 1] == '"')
        charset = (OshSpan){charset.data + 1, charset.length - 2};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (charset.length > strlen(prefixes[i]) &&
            g_ascii_strncasecmp(charset.data, prefixes[i], strlen(prefixes[i])) == 0)
            return TRUE;
    return osh_span_equal_fold(charset, "utf-8") || osh_span_equal_fold(charset, "utf8") ||
           osh_span_equal_fold(charset, "us-ascii") || osh_span_equal_fold(charset, "ascii") ||
           osh_span_equal_fold(charset, "latin1");
}

/* A parameter that is quoted in a way that hides its name is not read otherwise by a server: the
 * first part that reads as a charset decides, and each one has to be known. */
static gboolean
has_other_charset(OshSpan type)
{
    (void)next_part(&type, ';');
    while (type.length > 0) {
        OshSpan value = next_part(&type, ';');
        OshSpan name = next_part(&value, '=');

        if (osh_span_equal_fold(name, "charset") && !is_of_ascii(osh_span_trim(value)))
            return TRUE;
    }
    return FALSE;
}

const char *
osh_readable_obstacle(OshSpan coding, OshSpan type)
{
    return is_coded(coding) || has_other_charset(type) ? "encoded" : NULL;
}
