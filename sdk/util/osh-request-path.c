/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-request-path.c: canonicalisation of request targets.
 *
 * Decode once, cut path parameters before dots are looked at (or `..;` would come alive at a
 * server that strips them later), fold dots, encode again in one way. What stays ambiguous is
 * refused. Each step works in the caller's string, so that a string that is used again allocates
 * nothing. No state; any thread.
 */
#include "osh-request-path.h"

#include <string.h>

/* A decoded `%2F`: no input byte can produce it, control bytes being refused. */
#define SLASH_MARKER '\x01'

const char *
osh_request_path_result_name(OshRequestPathResult result)
{
    switch (result) {
    case OSH_REQUEST_PATH_OK:
        return "canonical";
    case OSH_REQUEST_PATH_CONTROL_BYTE:
        return "the target holds a NUL or control byte";
    case OSH_REQUEST_PATH_NON_ASCII:
        return "the target holds a byte outside ASCII";
    case OSH_REQUEST_PATH_FRAGMENT:
        return "the target holds a fragment";
    case OSH_REQUEST_PATH_MALFORMED:
        return "the target is neither a path nor a URL";
    case OSH_REQUEST_PATH_TOO_LONG:
        return "the path is longer than 4096 bytes";
    case OSH_REQUEST_PATH_BAD_PERCENT:
        return "the path holds a broken percent escape";
    case OSH_REQUEST_PATH_ENCODED_SLASH:
        return "the path holds an encoded slash";
    case OSH_REQUEST_PATH_ABOVE_ROOT:
        return "the path climbs above its root";
    case OSH_REQUEST_PATH_RESIDUAL_DOTS:
        return "the path hides a dot segment behind an encoded slash";
    default:
        return "the target is refused";
    }
}

gboolean
osh_request_path_has_encoded_slash(const char *path, gsize length)
{
    return length > 0 && memmem(path, length, "%2F", 3) != NULL;
}

/*
 * The end of the authority at @p, or NULL when it is none: empty, with more than a port after its
 * name, with brackets that do not pair, or with escapes outside its user information.
 */
static const char *
authority_end(const char *p, const char *end)
{
    const char *start = p;
    guint colons = 0;
    guint opened = 0;
    guint closed = 0;
    gboolean escaped = FALSE;

    for (; p < end && *p != '/'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-._~!$&'()*+,;=:@[]%", *p) == NULL)
            return NULL;
        colons += *p == ':';
        escaped |= *p == '%';
        opened += *p == '[';
        closed += *p == ']';
        if (*p == '[' && escaped)
            return NULL;
        if (*p == ']' || *p == '@') {
            colons = 0;
            escaped = FALSE;
        }
    }
    if (p == start || p[-1] == '@' || colons > 1 || escaped || opened != closed || opened > 1)
        return NULL;
    return p;
}

/*
 * Skips scheme and authority, but only of a real URI: "/x/http://y" is a path. What is no URI stays
 * as it is, which then is no path either.
 */
static const char *
skip_authority(const char *path, const char *end)
{
    const char *p = path;
    const char *rest;

    if (p == end || !g_ascii_isalpha(*p))
        return path;
    while (p < end && (g_ascii_isalnum(*p) || *p == '+' || *p == '-' || *p == '.'))
        p++;
    if (end - p < 3 || memcmp(p, "://", 3) != 0)
        return path;
    rest = authority_end(p + 3, end);
    for (p = rest; p != NULL && p < end; p++)
        if (strchr(" <>`", *p) != NULL)
            return path;
    return rest != NULL ? rest : path;
}

/* What is looked at first counts: a control byte before a byte outside ASCII, or the other. */
static OshRequestPathResult
check_bytes(const char *target, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        guchar byte = (guchar)target[i];

        if (byte < 0x20 || byte == 0x7f)
            return OSH_REQUEST_PATH_CONTROL_BYTE;
        if (byte >= 0x80)
            return OSH_REQUEST_PATH_NON_ASCII;
    }
    return length > 0 && memchr(target, '#', length) != NULL ? OSH_REQUEST_PATH_FRAGMENT
                                                             : OSH_REQUEST_PATH_OK;
}

static OshRequestPathResult
decode(const char *path, const char *end, guint flags, GString *decoded)
{
    for (const char *p = path; p < end; p++) {
        gint high;
        gint low;
        guchar byte;

        if (*p != '%') {
            g_string_append_c(decoded, *p);
            continue;
        }
        high = end - p > 2 ? g_ascii_xdigit_value(p[1]) : -1;
        low = end - p > 2 ? g_ascii_xdigit_value(p[2]) : -1;
        if (high < 0 || low < 0)
            return OSH_REQUEST_PATH_BAD_PERCENT;
        byte = (guchar)(high << 4 | low);
        if (byte == '/' && !(flags & OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH))
            return OSH_REQUEST_PATH_ENCODED_SLASH;
        if (byte < 0x20 || byte == 0x7f)
            return OSH_REQUEST_PATH_CONTROL_BYTE;
        g_string_append_c(decoded, byte == '/' ? SLASH_MARKER : (char)byte);
        p += 2;
    }
    return OSH_REQUEST_PATH_OK;
}

static gboolean
is_dots(const char *segment, gsize length)
{
    return (length == 1 && segment[0] == '.') ||
           (length == 2 && segment[0] == '.' && segment[1] == '.');
}

/* Folds a decoded path (which starts with a slash) where it stands: what is written never reaches
 * what is still to be read, since a segment is written with no more than was read for it. */
static OshRequestPathResult
fold(GString *path, guint flags)
{
    const char *segment = path->str + 1;
    const char *end = path->str + path->len;
    char *to = path->str;

    for (;;) {
        const char *slash = memchr(segment, '/', (gsize)(end - segment));
        gsize length = (gsize)((slash != NULL ? slash : end) - segment);
        const char *parameters =
            flags & OSH_REQUEST_PATH_KEEP_PARAMETERS ? NULL : memchr(segment, ';', length);
        gboolean last = slash == NULL;

        if (parameters != NULL)
            length = (gsize)(parameters - segment);
        /* an empty or dotted last segment leaves a slash at the end */
        last = last && (length == 0 || is_dots(segment, length));
        if (length == 2 && segment[0] == '.' && segment[1] == '.') {
            to = memrchr(path->str, '/', (gsize)(to - path->str));
            if (to == NULL)
                return OSH_REQUEST_PATH_ABOVE_ROOT;
        } else if (length > 0 && !is_dots(segment, length)) {
            *to++ = '/';
            memmove(to, segment, length);
            to += length;
        }
        if (last)
            *to++ = '/';
        if (slash == NULL)
            break;
        segment = slash + 1;
    }
    g_string_truncate(path, (gsize)(to - path->str));
    return OSH_REQUEST_PATH_OK;
}

/* A dot segment between encoded slashes would come alive where they are decoded. */
static gboolean
has_residual_dots(const GString *folded)
{
    const char *piece = folded->str;
    const char *end = folded->str + folded->len;

    for (const char *p = piece;; p++) {
        if (p < end && *p != '/' && *p != SLASH_MARKER)
            continue;
        if (is_dots(piece, (gsize)(p - piece)))
            return TRUE;
        if (p == end)
            return FALSE;
        piece = p + 1;
    }
}

static gboolean
is_literal(guchar byte)
{
    static const char literal[] = "-._~!$&'()*+,;=:@/";

    return g_ascii_isalnum(byte) || (byte != 0 && strchr(literal, byte) != NULL);
}

/* Where it stands, from its end. */
static void
encode(GString *path)
{
    static const char digits[] = "0123456789ABCDEF";
    gsize from = path->len;
    gsize to = 0;

    for (gsize i = 0; i < path->len; i++)
        to += is_literal((guchar)path->str[i]) ? 1 : 3;
    if (to == from)
        return;
    g_string_set_size(path, to);
    while (from-- > 0) {
        guchar byte = (guchar)path->str[from];

        if (is_literal(byte)) {
            path->str[--to] = (char)byte;
            continue;
        }
        byte = byte == (guchar)SLASH_MARKER ? '/' : byte;
        path->str[--to] = digits[byte & 15];
        path->str[--to] = digits[byte >> 4];
        path->str[--to] = '%';
    }
}

static OshRequestPathResult
make_canonical(const char *path, const char *end, guint flags, GString *ret_path)
{
    OshRequestPathResult result = decode(path, end, flags, ret_path);

    if (result == OSH_REQUEST_PATH_OK && ret_path->len == 0)
        g_string_append_c(ret_path, '/');
    if (result == OSH_REQUEST_PATH_OK)
        result = fold(ret_path, flags);
    if (result == OSH_REQUEST_PATH_OK && has_residual_dots(ret_path))
        result = OSH_REQUEST_PATH_RESIDUAL_DOTS;
    if (result == OSH_REQUEST_PATH_OK)
        encode(ret_path);
    else
        g_string_truncate(ret_path, 0);
    return result;
}

OshRequestPathResult
osh_request_path_canonicalise(const char *target, gsize length, guint flags, GString *ret_path,
                              const char **ret_query, gboolean *ret_rewritten)
{
    OshRequestPathResult result = check_bytes(target, length);
    const char *query =
        result == OSH_REQUEST_PATH_OK && length > 0 ? memchr(target, '?', length) : NULL;
    const char *end = query != NULL ? query : target + length;
    const char *path = skip_authority(target, end);
    gsize size = (gsize)(end - path);

    g_string_truncate(ret_path, 0);
    if (result != OSH_REQUEST_PATH_OK)
        return result;
    if (size > 0 && *path != '/')
        return OSH_REQUEST_PATH_MALFORMED;
    if (size > OSH_REQUEST_PATH_MAX)
        return OSH_REQUEST_PATH_TOO_LONG;
    result = make_canonical(path, end, flags, ret_path);
    if (result != OSH_REQUEST_PATH_OK)
        return result;
    *ret_query = query != NULL ? query + 1 : NULL;
    *ret_rewritten = size == 0 ? ret_path->len != 1
                               : ret_path->len != size || memcmp(ret_path->str, path, size) != 0;
    return OSH_REQUEST_PATH_OK;
}
