/* SPDX-License-Identifier: Apache-2.0 */
/*
 * comments.c: finds the first comment of a YAML file.
 *
 * Any thread, nothing shared. libyaml's scanner drops comments; they are whatever a `#` begins
 * between two of its tokens. It reads no values and judges nothing.
 */
#include "comments.h"

#include <string.h>
#include <yaml.h>

/* A place in the text that only moves forward; the scanner counts characters, not bytes. */
typedef struct {
    const char *at;
    const char *end;
    gsize index;
    guint line;
} Place;

/* Goes on to character @index; with @search, stops at a `#` and returns TRUE. */
static gboolean
advance(Place *place, gsize index, gboolean search)
{
    while (place->index < index && place->at < place->end) {
        if (search && *place->at == '#')
            return TRUE;
        place->line += *place->at == '\n';
        do
            place->at++;
        while (place->at < place->end && ((guchar)*place->at & 0xc0) == 0x80);
        place->index++;
    }
    return FALSE;
}

/* `| # like this`, within the token of a block scalar. */
static gboolean
has_header_comment(const Place *place)
{
    const char *line_end = memchr(place->at, '\n', (gsize)(place->end - place->at));
    const char *stop = line_end != NULL ? line_end : place->end;

    return memchr(place->at, '#', (gsize)(stop - place->at)) != NULL;
}

static gboolean
is_comment_before(Place *place, const yaml_token_t *token)
{
    yaml_scalar_style_t style =
        token->type == YAML_SCALAR_TOKEN ? token->data.scalar.style : YAML_ANY_SCALAR_STYLE;

    if (advance(place, token->start_mark.index, TRUE))
        return TRUE;
    if ((style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) &&
        has_header_comment(place))
        return TRUE;
    advance(place, token->end_mark.index, FALSE);
    return FALSE;
}

guint
osh_yaml_first_comment(const char *text, gsize length)
{
    Place place = {text, text + length, 0, 1};
    yaml_parser_t parser;
    gboolean found = FALSE;
    gboolean done = FALSE;

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        place.at += 3; /* the scanner counts from behind the mark */
    if (!yaml_parser_initialize(&parser))
        return 1;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (!found && !done) {
        yaml_token_t token;

        if (!yaml_parser_scan(&parser, &token))
            break;
        done = token.type == YAML_STREAM_END_TOKEN;
        found = is_comment_before(&place, &token);
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    if (!found && done)
        found = advance(&place, G_MAXSIZE, TRUE);
    return found ? place.line : 0;
}
