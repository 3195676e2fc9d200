/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-content-coding.c: names of content codings, in a field and in an endpoint, and the words for
 * what is wrong with them. Constant data and pure functions. [any]
 */
#include "osh-content-coding.h"

#include "osh-line-reader.h"

#include <string.h>

static const struct {
    const char *name;
    OshContentCoding coding;
} codings[] = {
    {"gzip", OSH_CONTENT_GZIP},
    {"deflate", OSH_CONTENT_DEFLATE},
    {"br", OSH_CONTENT_BR},
};

static const struct {
    const char *name;
    const char *words;
} problems[] = {
    [OSH_CONTENT_FINE] = {"fine", ""},
    [OSH_CONTENT_UNKNOWN] = {"unknown", "the Content-Encoding of the body is none that can be "
                                        "decoded: gzip, deflate and br are"},
    [OSH_CONTENT_SEVERAL] = {"several", "the body has more than one Content-Encoding"},
    [OSH_CONTENT_NOT_DECODED] = {"not-decoded", "the body has a Content-Encoding that "
                                                "decode_content of the endpoint does not name"},
    [OSH_CONTENT_BROKEN] = {"broken", "the body is not encoded as Content-Encoding says"},
    [OSH_CONTENT_TRUNCATED] = {"truncated", "the end of the encoded body is missing"},
    [OSH_CONTENT_TRAILING] = {"trailing", "something follows the encoded body"},
    [OSH_CONTENT_AMBIGUOUS] = {"ambiguous",
                               "the encoded body is deflate with and without a zlib header"},
    [OSH_CONTENT_TOO_LARGE] = {"too-large", "the decoded body is too large"},
    [OSH_CONTENT_TOO_DENSE] = {"too-dense",
                               "the decoded body is more than " G_STRINGIFY(
                                   OSH_CONTENT_MAX_RATIO) " times as large as it was "
                                                          "encoded: decode_content allows no more"},
    [OSH_CONTENT_NO_MEMORY] = {"no-memory", "there is no memory to decode the body"},
};

G_STATIC_ASSERT(G_N_ELEMENTS(codings) == OSH_CONTENT_CODINGS);

OshContentCoding
osh_content_coding_at(guint index)
{
    return index < G_N_ELEMENTS(codings) ? codings[index].coding : OSH_CONTENT_IDENTITY;
}

guint
osh_content_codings(GVariant *options)
{
    g_autofree const char **names = NULL;
    guint found = 0;

    if (options == NULL || !g_variant_lookup(options, OSH_CONTENT_OPTION, "^a&s", &names))
        return 0;
    for (gsize i = 0; names[i] != NULL; i++)
        found |= osh_content_coding_parse(names[i]);
    return found;
}

OshContentCoding
osh_content_coding_parse(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codings); i++)
        if (strcmp(codings[i].name, name) == 0)
            return codings[i].coding;
    return OSH_CONTENT_IDENTITY;
}

const char *
osh_content_coding_name(OshContentCoding coding)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codings); i++)
        if (codings[i].coding == coding)
            return codings[i].name;
    return "identity";
}

/* Of a list, RFC 9110 section 8.4, with one member: a server that skips an empty member or identity
 * and one that does not could differ about a longer one. */
OshContentProblem
osh_content_coding_check(OshSpan field, guint allowed, OshContentCoding *ret_coding)
{
    OshSpan name = osh_span_trim(field);

    *ret_coding = OSH_CONTENT_IDENTITY;
    if (osh_span_equal_fold(name, "identity"))
        return OSH_CONTENT_FINE;
    if (name.length > 0 && memchr(name.data, ',', name.length) != NULL)
        return OSH_CONTENT_SEVERAL;
    if (osh_span_equal_fold(name, "x-gzip"))
        *ret_coding = OSH_CONTENT_GZIP;
    for (gsize i = 0; i < G_N_ELEMENTS(codings); i++)
        if (osh_span_equal_fold(name, codings[i].name))
            *ret_coding = codings[i].coding;
    if (*ret_coding == OSH_CONTENT_IDENTITY)
        return OSH_CONTENT_UNKNOWN;
    return (allowed & *ret_coding) != 0 ? OSH_CONTENT_FINE : OSH_CONTENT_NOT_DECODED;
}

const char *
osh_content_problem_name(OshContentProblem problem)
{
    return problems[problem].name;
}

const char *
osh_content_problem_words(OshContentProblem problem)
{
    return problems[problem].words;
}
