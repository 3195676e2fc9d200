/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart.c: requests with files (GraphQL multipart request specification; RFC 7578, RFC 2046).
 * [any]
 *
 * Parsers of such bodies differ more than they agree, so only the plainest form is read: the first
 * boundary begins the body, lines end in CR LF, a part has one Content-Disposition with a quoted
 * name without escapes, and at most a Content-Type; "operations" comes first and "map" second, no
 * name occurs twice, nothing follows the last boundary but one line end.
 */
#include "graphql-content.h"

#include "graphql-lexer.h"
#include "osh-json.h"
#include "osh-line-reader.h"

#include <string.h>

#define CRLF      "\r\n"
#define MAX_PARTS 100

typedef struct {
    OshSpan rest;
    char delimiter[OSH_CONTENT_BOUNDARY_SIZE + 4]; /* CR LF, two dashes, the boundary */
    gsize n_delimiter;
} Reader;

typedef struct {
    OshSpan name;
    OshSpan content;
    gboolean is_file;
    gboolean has_type;
} Part;

static gboolean
skip(OshSpan *text, const char *expected, gsize length)
{
    if (text->length < length || memcmp(text->data, expected, length) != 0)
        return FALSE;
    text->data += length;
    text->length -= length;
    return TRUE;
}

static gboolean
skip_text(OshSpan *text, const char *expected)
{
    return skip(text, expected, strlen(expected));
}

static gboolean
skip_word(OshSpan *text, const char *word)
{
    gsize length = strlen(word);

    if (text->length < length || g_ascii_strncasecmp(text->data, word, length) != 0)
        return FALSE;
    text->data += length;
    text->length -= length;
    return TRUE;
}

/* Up to @end, which is skipped. Returns: FALSE where it does not come. */
static gboolean
read_until(OshSpan *text, const char *end, gsize length, OshSpan *ret_before)
{
    const char *found = text->length > 0 ? memmem(text->data, text->length, end, length) : NULL;

    if (found == NULL)
        return FALSE;
    *ret_before = (OshSpan){text->data, (gsize)(found - text->data)};
    text->length -= ret_before->length + length;
    text->data = found + length;
    return TRUE;
}

/* A quoted string without quotes, backslashes, percent signs and control characters inside, which
 * browsers and servers escape in different ways. */
static gboolean
read_quoted(OshSpan *text, OshSpan *ret_value)
{
    if (!skip_text(text, "\"") || !read_until(text, "\"", 1, ret_value))
        return FALSE;
    for (gsize i = 0; i < ret_value->length; i++)
        if ((guchar)ret_value->data[i] < 0x20 || ret_value->data[i] == '\\')
            return FALSE;
    return TRUE;
}

/* The field's value: form-data; name="…", and for a file; filename="…". */
static gboolean
read_disposition(OshSpan value, Part *part)
{
    OshSpan file;

    if (part->name.data != NULL || !skip_word(&value, "form-data; name=") ||
        !read_quoted(&value, &part->name))
        return FALSE;
    if (value.length == 0)
        return TRUE;
    part->is_file = TRUE;
    return skip_word(&value, "; filename=") && read_quoted(&value, &file) && value.length == 0;
}

static gboolean
read_field(OshSpan line, Part *part)
{
    if (skip_word(&line, "content-disposition: "))
        return read_disposition(line, part);
    if (!skip_word(&line, "content-type: ") || part->has_type || line.length == 0)
        return FALSE;
    part->has_type = TRUE;
    for (gsize i = 0; i < line.length; i++)
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return FALSE;
    return TRUE;
}

/* What is no file is JSON in UTF-8, whatever else a type could say. */
static gboolean
read_part(Reader *reader, Part *part)
{
    OshSpan line;

    memset(part, 0, sizeof *part);
    do {
        if (!read_until(&reader->rest, CRLF, 2, &line))
            return FALSE;
        if (line.length > 0 && !read_field(line, part))
            return FALSE;
    } while (line.length > 0);
    /* An empty part is directly followed by the delimiter, whose line end is its own. */
    return part->name.data != NULL && (part->is_file || !part->has_type) &&
           read_until(&reader->rest, reader->delimiter, reader->n_delimiter, &part->content);
}

/* Behind a delimiter. Returns: FALSE where neither a part nor the end follows. */
static gboolean
read_border(Reader *reader, gboolean *ret_is_end)
{
    *ret_is_end = skip_text(&reader->rest, "--");
    if (!*ret_is_end)
        return skip_text(&reader->rest, CRLF);
    (void)skip_text(&reader->rest, CRLF);
    return reader->rest.length == 0;
}

/* --- The map -----------------------------------------------------------------------------------
 */

/* A file takes the place of a variable, of nothing else: `variables.…`, `0.variables.…`. */
static gboolean
is_variable(OshSpan path)
{
    while (path.length > 0 && g_ascii_isdigit(*path.data)) {
        path.data++;
        path.length--;
        if (path.length > 0 && *path.data == '.')
            return skip_text(&path, ".variables.") && path.length > 0;
    }
    return skip_text(&path, "variables.") && path.length > 0;
}

static gboolean
check_map(OshSpan text)
{
    json_t *map = osh_json_load(text, NULL, NULL);
    gboolean is_right = json_is_object(map);
    const char *name;
    json_t *paths;

    json_object_foreach(map, name, paths)
    {
        is_right &= json_is_array(paths);
        for (gsize i = 0; i < json_array_size(paths); i++)
            is_right &= is_variable(osh_json_text(json_array_get(paths, i)));
    }
    json_decref(map);
    return is_right;
}

/* --- The body ----------------------------------------------------------------------------------
 */

static gboolean
is_taken(const OshSpan *names, guint n, OshSpan name)
{
    for (guint i = 0; i < n; i++)
        if (osh_span_equal_fold(name, "operations") || osh_span_equal_fold(name, "map") ||
            graphql_span_equal(names[i], name))
            return TRUE;
    return FALSE;
}

/* The part of number @n; @names are those before it. */
static gboolean
check_part(const Part *part, const OshSpan *names, guint n)
{
    if (n == 0)
        return !part->is_file && graphql_span_equal(part->name, OSH_SPAN_LITERAL("operations"));
    if (n == 1)
        return !part->is_file && graphql_span_equal(part->name, OSH_SPAN_LITERAL("map")) &&
               check_map(part->content);
    return part->is_file && !is_taken(names, n, part->name);
}

static gboolean
read_parts(Reader *reader, OshSpan *ret_operations)
{
    OshSpan names[MAX_PARTS];
    gboolean is_end = FALSE;
    guint n = 0;

    /* The first delimiter has no line end before it. */
    if (!skip(&reader->rest, reader->delimiter + 2, reader->n_delimiter - 2))
        return FALSE;
    while (read_border(reader, &is_end) && !is_end) {
        Part part;

        if (n == MAX_PARTS || !read_part(reader, &part) || !check_part(&part, names, n))
            return FALSE;
        if (n == 0)
            *ret_operations = part.content;
        names[n++] = part.name;
    }
    return is_end && reader->rest.length == 0 && n >= 2;
}

gboolean
graphql_multipart_read(OshSpan body, const OshContentType *type, OshSpan *ret_operations,
                       const char **ret_problem)
{
    Reader reader = {.rest = body, .delimiter = CRLF "--", .n_delimiter = 4 + type->n_boundary};

    memcpy(reader.delimiter + 4, type->boundary, type->n_boundary);
    if (type->n_boundary > 0 && read_parts(&reader, ret_operations))
        return TRUE;
    *ret_problem = "the body is not operations, map and files as the GraphQL multipart request "
                   "specification has them";
    return FALSE;
}
