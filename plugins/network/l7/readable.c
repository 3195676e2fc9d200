/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.c: content codings and charsets that hide text from a middleware. [any]. Content is
 * looked into as it is, so what is not known to leave ASCII in its place counts as encoded.
 */
#include "readable.h"

#include <string.h>

static gboolean
span_is(OshSpan span, const char *word)
{
    return span.length == strlen(word) && g_ascii_strncasecmp(span.data, word, span.length) == 0;
}

static OshSpan
trimmed(OshSpan span)
{
    while (span.length > 0 && (span.data[0] == ' ' || span.data[0] == '\t'))
        span = (OshSpan){span.data + 1, span.length - 1};
    while (span.length > 0 &&
           (span.data[span.length - 1] == ' ' || span.data[span.length - 1] == '\t'))
        span.length--;
    return span;
}

/* Returns: what of @rest stands before @separator; @rest is what follows it. */
static OshSpan
next_part(OshSpan *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
    OshSpan part = {rest->data, end != NULL ? (gsize)(end - rest->data) : rest->length};

    *rest = end != NULL ? (OshSpan){end + 1, rest->length - part.length - 1} : (OshSpan){"", 0};
    return trimmed(part);
}

/* RFC 9110 section 8.4.1: "identity" is no coding; a list may have empty elements. */
static gboolean
is_coded(OshSpan coding)
{
    while (coding.length > 0) {
        OshSpan element = next_part(&coding, ',');

        if (element.length > 0 && !span_is(element, "identity"))
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
    return span_is(charset, "utf-8") || span_is(charset, "utf8") || span_is(charset, "us-ascii") ||
           span_is(charset, "ascii") || span_is(charset, "latin1");
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

        if (span_is(name, "charset") && !is_of_ascii(trimmed(value)))
            return TRUE;
    }
    return FALSE;
}

const char *
osh_readable_obstacle(OshSpan coding, OshSpan type)
{
    return is_coded(coding) || has_other_charset(type) ? "encoded" : NULL;
}

OshSpan
osh_readable_fact(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (facts->facts[i].type == OSH_FACT_STRING && g_str_equal(facts->facts[i].name, name))
            return facts->facts[i].value.string;
    return (OshSpan){"", 0};
}
