/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-body.c: length-delimited, chunked and until-close bodies.
 *
 * The bytes come from an attacker, on either side. A step never releases a byte of framing that has
 * not been checked to its end. Objects belong to their caller. It must never allocate or repair.
 */
#include "osh-http1-body.h"

#include "osh-http1-grammar.h"

enum {
    PHASE_CONTENT,
    PHASE_CHUNK_LINE,
    PHASE_CHUNK_END,
    PHASE_TRAILERS,
    PHASE_COMPLETE,
};

/* Fields that frame, route, authenticate or describe a message mean nothing good in a trailer. */
static const char *const forbidden_trailers[] = {
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
};

void
osh_http1_body_limit(OshHttp1Body *body, guint32 chunk_line, guint32 trailers)
{
    body->line_limit = chunk_line;
    body->trailers_limit = trailers;
}

void
osh_http1_body_init(OshHttp1Body *body, OshHttp1Framing framing, guint64 content_length)
{
    memset(body, 0, sizeof *body);
    body->framing = framing;
    osh_http1_body_limit(body, OSH_HTTP1_CHUNK_LINE_SIZE, OSH_HTTP1_TRAILERS_SIZE);
    body->phase = PHASE_CONTENT;
    if (framing == OSH_HTTP1_FRAMING_CHUNKED)
        body->phase = PHASE_CHUNK_LINE;
    if (framing == OSH_HTTP1_FRAMING_LENGTH)
        body->remaining = content_length;
    if (framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE)
        body->remaining = G_MAXUINT64;
    if (body->phase == PHASE_CONTENT && body->remaining == 0)
        body->phase = PHASE_COMPLETE;
}

static OshHttp1BodyStatus
reject(OshHttp1Body *body, OshHttp1Error error)
{
    body->error = error;
    return OSH_HTTP1_BODY_REJECTED;
}

/* Everything before @release is the caller's to move away, so positions start over. */
static OshHttp1BodyStatus
release(OshHttp1Body *body, gsize bytes, OshHttp1BodyStep *ret_step)
{
    ret_step->release = bytes;
    body->scanned = 0;
    body->line_start = 0;
    body->high = FALSE;
    return OSH_HTTP1_BODY_STEP;
}

static OshHttp1BodyStatus
feed_content(OshHttp1Body *body, gsize size, OshHttp1BodyStep *step)
{
    gsize take = size < body->remaining ? size : (gsize)body->remaining;

    if (take == 0)
        return OSH_HTTP1_BODY_NEED_MORE;
    if (body->framing != OSH_HTTP1_FRAMING_UNTIL_CLOSE)
        body->remaining -= take;
    body->content_total += take;
    step->content_length = take;
    if (body->remaining == 0)
        body->phase = body->framing == OSH_HTTP1_FRAMING_CHUNKED ? PHASE_CHUNK_END : PHASE_COMPLETE;
    return release(body, take, step);
}

/* Moves *at past a quoted string that begins there; FALSE when it does not end. */
static gboolean
skip_quoted(const guint8 *line, gsize *at, gsize length)
{
    for ((*at)++; *at < length; (*at)++) {
        if (line[*at] == '"') {
            (*at)++;
            return TRUE;
        }
        if (line[*at] == '\\')
            (*at)++;
    }
    return FALSE;
}

static gsize
skip_token(const guint8 *line, gsize at, gsize length)
{
    while (at < length && osh_http1_is_token_character(line[at]))
        at++;
    return at;
}

/* RFC 9112 §7.1.1 without the optional blanks, which different parsers read differently. */
static gboolean
check_extensions(const guint8 *line, gsize at, gsize length)
{
    while (at < length) {
        gsize name = at + 1;

        if (line[at] != ';')
            return FALSE;
        at = skip_token(line, name, length);
        if (at == name)
            return FALSE;
        if (at == length || line[at] != '=')
            continue;
        name = ++at;
        if (at < length && line[at] == '"') {
            if (!skip_quoted(line, &at, length))
                return FALSE;
            continue;
        }
        at = skip_token(line, name, length);
        if (at == name)
            return FALSE;
    }
    return TRUE;
}

static OshHttp1Error
parse_chunk_line(const guint8 *line, gsize length, guint64 *ret_size)
{
    guint64 size = 0;
    gsize at = 0;

    for (; at < length && g_ascii_isxdigit(line[at]); at++) {
        /* Fifteen digits cannot overflow, and no chunk is that large. */
        if (at == 15)
            return OSH_HTTP1_ERROR_CHUNK_TOO_LARGE;
        size = size * 16 + (guint64)g_ascii_xdigit_value((char)line[at]);
    }
    if (at == 0 || (at < length && line[at] != ';'))
        return OSH_HTTP1_ERROR_BAD_CHUNK_SIZE;
    if (!check_extensions(line, at, length))
        return OSH_HTTP1_ERROR_BAD_CHUNK_EXTENSION;
    *ret_size = size;
    return OSH_HTTP1_ERROR_NONE;
}

/*
 * Looks for the end of the line at line_start, at most up to @limit bytes of the window; NEED_MORE
 * when it has not arrived, REJECTED with the error set, or STEP with *ret_end at its CR.
 */
static OshHttp1BodyStatus
find_line_end(OshHttp1Body *body, const guint8 *window, gsize size, gsize limit,
              OshHttp1Error too_long, gsize *ret_end)
{
    gsize end = MIN(size, limit);
    gsize at = osh_http1_scan(window, body->scanned, end, &body->high);
    OshHttp1Error error = OSH_HTTP1_ERROR_NONE;
    gboolean more = at == end;

    body->scanned = (guint32)at;
    if (!more)
        error = osh_http1_line_end(window, at, end, &more);
    if (more)
        return end == limit ? reject(body, too_long) : OSH_HTTP1_BODY_NEED_MORE;
    if (error != OSH_HTTP1_ERROR_NONE)
        return reject(body, error);
    *ret_end = at;
    return OSH_HTTP1_BODY_STEP;
}

static OshHttp1BodyStatus
feed_chunk_line(OshHttp1Body *body, const guint8 *window, gsize size, OshHttp1BodyStep *step)
{
    OshHttp1Error error;
    gsize end;
    OshHttp1BodyStatus status = find_line_end(body, window, size, body->line_limit,
                                              OSH_HTTP1_ERROR_CHUNK_LINE_TOO_LONG, &end);

    if (status != OSH_HTTP1_BODY_STEP)
        return status;
    if (body->high && !g_utf8_validate_len((const char *)window, end, NULL))
        return reject(body, OSH_HTTP1_ERROR_NOT_UTF8);
    error = parse_chunk_line(window, end, &body->remaining);
    if (error != OSH_HTTP1_ERROR_NONE)
        return reject(body, error);
    if (body->remaining > 0) {
        body->phase = PHASE_CONTENT;
        return release(body, end + 2, step);
    }
    body->phase = PHASE_TRAILERS;
    body->trailer_start = (guint32)(end + 2);
    body->scanned = body->trailer_start;
    body->line_start = body->trailer_start;
    body->high = FALSE;
    return OSH_HTTP1_BODY_NEED_MORE;
}

static OshHttp1BodyStatus
feed_chunk_end(OshHttp1Body *body, const guint8 *window, gsize size, OshHttp1BodyStep *step)
{
    if ((size >= 1 && window[0] != '\r') || (size >= 2 && window[1] != '\n'))
        return reject(body, OSH_HTTP1_ERROR_NO_CRLF_AFTER_CHUNK);
    if (size < 2)
        return OSH_HTTP1_BODY_NEED_MORE;
    body->phase = PHASE_CHUNK_LINE;
    return release(body, 2, step);
}

static OshHttp1Error
check_trailer(const OshHttp1Body *body, const guint8 *window, gsize offset, gsize length)
{
    OshHttp1Field field;
    OshHttp1Error error;

    if (body->high && !g_utf8_validate_len((const char *)window + offset, length, NULL))
        return OSH_HTTP1_ERROR_NOT_UTF8;
    error = osh_http1_parse_field_line(window, offset, length, &field);
    if (error != OSH_HTTP1_ERROR_NONE)
        return error;
    for (gsize i = 0; i < G_N_ELEMENTS(forbidden_trailers); i++)
        if (field.name.length == strlen(forbidden_trailers[i]) &&
            osh_http1_name_equals(window + field.name.offset, forbidden_trailers[i],
                                  field.name.length))
            return OSH_HTTP1_ERROR_FORBIDDEN_TRAILER;
    return OSH_HTTP1_ERROR_NONE;
}

static OshHttp1BodyStatus
feed_trailers(OshHttp1Body *body, const guint8 *window, gsize size, OshHttp1BodyStep *step)
{
    gsize limit = (gsize)body->trailer_start + body->trailers_limit;

    while (TRUE) {
        OshHttp1Error error;
        gsize end;
        OshHttp1BodyStatus status =
            find_line_end(body, window, size, limit, OSH_HTTP1_ERROR_TRAILERS_TOO_LARGE, &end);

        if (status != OSH_HTTP1_BODY_STEP)
            return status;
        if (end == body->line_start) {
            step->trailers =
                (OshHttp1Range){body->trailer_start, (guint32)end - body->trailer_start};
            body->phase = PHASE_COMPLETE;
            return release(body, end + 2, step);
        }
        error = check_trailer(body, window, body->line_start, end - body->line_start);
        if (error != OSH_HTTP1_ERROR_NONE)
            return reject(body, error);
        body->scanned = (guint32)(end + 2);
        body->line_start = body->scanned;
        body->high = FALSE;
    }
}

OshHttp1BodyStatus
osh_http1_body_feed(OshHttp1Body *body, const guint8 *window, gsize size,
                    OshHttp1BodyStep *ret_step)
{
    OshHttp1BodyStep step = {0};
    OshHttp1BodyStatus status = OSH_HTTP1_BODY_NEED_MORE;

    if (body->error != OSH_HTTP1_ERROR_NONE)
        return OSH_HTTP1_BODY_REJECTED;
    if (body->phase == PHASE_COMPLETE)
        return OSH_HTTP1_BODY_COMPLETE;
    if (body->phase == PHASE_CONTENT)
        status = feed_content(body, size, &step);
    else if (body->phase == PHASE_CHUNK_END)
        status = feed_chunk_end(body, window, size, &step);
    else if (body->phase == PHASE_CHUNK_LINE)
        status = feed_chunk_line(body, window, size, &step);
    /* The last chunk's line is not released by itself: go straight on to what follows it. */
    if (body->phase == PHASE_TRAILERS && status == OSH_HTTP1_BODY_NEED_MORE)
        status = feed_trailers(body, window, size, &step);
    if (status == OSH_HTTP1_BODY_STEP)
        *ret_step = step;
    return status;
}

OshHttp1BodyStatus
osh_http1_body_eof(OshHttp1Body *body)
{
    if (body->error != OSH_HTTP1_ERROR_NONE)
        return OSH_HTTP1_BODY_REJECTED;
    if (body->phase == PHASE_COMPLETE)
        return OSH_HTTP1_BODY_COMPLETE;
    if (body->framing != OSH_HTTP1_FRAMING_UNTIL_CLOSE)
        return reject(body, OSH_HTTP1_ERROR_BODY_CUT_SHORT);
    body->phase = PHASE_COMPLETE;
    return OSH_HTTP1_BODY_COMPLETE;
}

gboolean
osh_http1_body_is_complete(const OshHttp1Body *body)
{
    return body->phase == PHASE_COMPLETE && body->error == OSH_HTTP1_ERROR_NONE;
}

gsize
osh_http1_chunk_head(guint64 size, char text[OSH_HTTP1_CHUNK_HEAD_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char reversed[16];
    gsize n = 0;
    gsize length = 0;

    do {
        reversed[n++] = digits[size & 15];
        size >>= 4;
    } while (size > 0);
    while (n > 0)
        text[length++] = reversed[--n];
    text[length++] = '\r';
    text[length++] = '\n';
    return length;
}
