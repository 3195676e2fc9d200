/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-authority.c: strict hosts, authorities and absolute-form targets.
 *
 * The text comes from the box. Pure functions; any thread. It must never accept two spellings of a
 * host that leave here different, nor one spelling that a resolver may read as another host.
 */
#include "osh-authority.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char *const texts[OSH_AUTHORITY_N_ERRORS] = {
    [OSH_AUTHORITY_OK] = "no error",
    [OSH_AUTHORITY_EMPTY_HOST] = "the host is empty",
    [OSH_AUTHORITY_BAD_CHARACTER] = "the host holds a character that no host name has",
    [OSH_AUTHORITY_USERINFO] = "a user name before the host is not accepted",
    [OSH_AUTHORITY_EMPTY_LABEL] = "the host name has an empty label",
    [OSH_AUTHORITY_LONG_LABEL] = "a label of the host name is longer than 63 bytes",
    [OSH_AUTHORITY_LONG_NAME] = "the host name is longer than 253 bytes",
    [OSH_AUTHORITY_AMBIGUOUS_NUMBER] =
        "the host looks like a number but is not an IPv4 address of four decimal parts",
    [OSH_AUTHORITY_BAD_IPV6] = "the text in brackets is not an IPv6 address",
    [OSH_AUTHORITY_UNCLOSED_BRACKET] = "a bracket is not closed",
    [OSH_AUTHORITY_TEXT_AFTER_BRACKET] = "something else than a port follows the bracket",
    [OSH_AUTHORITY_NO_PORT] = "the port is missing",
    [OSH_AUTHORITY_BAD_PORT] = "the port is not a number from 1 to 65535",
    [OSH_AUTHORITY_NO_SCHEME] = "the target is not a URI with a scheme and a host",
    [OSH_AUTHORITY_FRAGMENT] = "a request target may not have a fragment",
};

const char *
osh_authority_error_text(OshAuthorityError error)
{
    if ((guint)error >= OSH_AUTHORITY_N_ERRORS || texts[error] == NULL)
        return "unknown error";
    return texts[error];
}

static gboolean
is_label_character(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_';
}

static OshAuthorityError
check_label(const char *label, gsize length)
{
    if (length == 0)
        return OSH_AUTHORITY_EMPTY_LABEL;
    /* A name that starts like an option would become one on a command line. */
    if (label[0] == '-')
        return OSH_AUTHORITY_BAD_CHARACTER;
    for (gsize i = 0; i < length; i++)
        if (!is_label_character(label[i]))
            return label[i] == '@' ? OSH_AUTHORITY_USERINFO : OSH_AUTHORITY_BAD_CHARACTER;
    return length > 63 ? OSH_AUTHORITY_LONG_LABEL : OSH_AUTHORITY_OK;
}

/* TRUE for a last label that inet_aton() would take for a number: "1", "010", "0x7f". */
static gboolean
is_number(const char *label, gsize length)
{
    gsize at = 0;

    if (length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {
        for (at = 2; at < length && g_ascii_isxdigit(label[at]); at++)
            continue;
        return at == length;
    }
    while (at < length && g_ascii_isdigit(label[at]))
        at++;
    return at == length;
}

static OshAuthorityError
parse_ipv6(const char *text, gsize length, OshAuthority *ret_authority)
{
    char copy[INET6_ADDRSTRLEN];
    char canonical[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (length == 0)
        return OSH_AUTHORITY_EMPTY_HOST;
    if (length >= sizeof copy || memchr(text, '\0', length) != NULL)
        return OSH_AUTHORITY_BAD_IPV6;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, &address) != 1)
        return OSH_AUTHORITY_BAD_IPV6;
    inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
    ret_authority->host_length = (guint8)strlen(canonical);
    memcpy(ret_authority->host, canonical, (gsize)ret_authority->host_length + 1);
    ret_authority->kind = OSH_HOST_IPV6;
    return OSH_AUTHORITY_OK;
}

static OshAuthorityError
check_name(const char *text, gsize length, gboolean *ret_number)
{
    gsize start = 0;

    *ret_number = FALSE;
    while (start <= length) {
        const char *dot = memchr(text + start, '.', length - start);
        gsize end = dot != NULL ? (gsize)(dot - text) : length;
        OshAuthorityError error = check_label(text + start, end - start);

        if (error != OSH_AUTHORITY_OK)
            return error;
        *ret_number = is_number(text + start, end - start);
        start = end + 1;
    }
    return length >= OSH_HOST_SIZE ? OSH_AUTHORITY_LONG_NAME : OSH_AUTHORITY_OK;
}

static OshAuthorityError
parse_name_or_ipv4(const char *text, gsize length, OshAuthority *ret_authority)
{
    struct in_addr address;
    char lower[OSH_HOST_SIZE];
    OshAuthorityError error;
    gboolean number;

    if (length > 1 && text[length - 1] == '.')
        length--;
    if (length == 0)
        return OSH_AUTHORITY_EMPTY_HOST;
    error = check_name(text, length, &number);
    if (error != OSH_AUTHORITY_OK)
        return error;
    for (gsize i = 0; i < length; i++)
        lower[i] = g_ascii_tolower(text[i]);
    lower[length] = '\0';
    if (number && inet_pton(AF_INET, lower, &address) != 1)
        return OSH_AUTHORITY_AMBIGUOUS_NUMBER;
    memcpy(ret_authority->host, lower, length + 1);
    ret_authority->host_length = (guint8)length;
    ret_authority->kind = number ? OSH_HOST_IPV4 : OSH_HOST_NAME;
    return OSH_AUTHORITY_OK;
}

OshAuthorityError
osh_host_parse(const char *text, gsize length, OshAuthority *ret_authority)
{
    if (length > 0 && memchr(text, ':', length) != NULL)
        return parse_ipv6(text, length, ret_authority);
    return parse_name_or_ipv4(text, length, ret_authority);
}

static OshAuthorityError
parse_port(const char *text, gsize length, guint16 *ret_port)
{
    guint32 port = 0;

    if (length == 0 || length > 5)
        return OSH_AUTHORITY_BAD_PORT;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isdigit(text[i]))
            return OSH_AUTHORITY_BAD_PORT;
        port = port * 10 + (guint32)(text[i] - '0');
    }
    if (port == 0 || port > G_MAXUINT16)
        return OSH_AUTHORITY_BAD_PORT;
    *ret_port = (guint16)port;
    return OSH_AUTHORITY_OK;
}

/* Splits "host", "host:port" or "[ipv6]:port"; *ret_port_text is NULL when there is no colon. */
static OshAuthorityError
split(const char *text, gsize length, gsize *ret_host, gsize *ret_host_length,
      const char **ret_port_text)
{
    const char *colon;
    const char *close;

    *ret_host = 0;
    *ret_port_text = NULL;
    if (length == 0)
        return OSH_AUTHORITY_EMPTY_HOST;
    if (memchr(text, '@', length) != NULL)
        return OSH_AUTHORITY_USERINFO;
    if (text[0] != '[') {
        colon = memchr(text, ':', length);
        *ret_host_length = colon != NULL ? (gsize)(colon - text) : length;
        *ret_port_text = colon != NULL ? colon + 1 : NULL;
        return OSH_AUTHORITY_OK;
    }
    close = memchr(text, ']', length);
    if (close == NULL)
        return OSH_AUTHORITY_UNCLOSED_BRACKET;
    *ret_host = 1;
    *ret_host_length = (gsize)(close - text) - 1;
    if (close + 1 == text + length)
        return OSH_AUTHORITY_OK;
    if (close[1] != ':')
        return OSH_AUTHORITY_TEXT_AFTER_BRACKET;
    *ret_port_text = close + 2;
    return OSH_AUTHORITY_OK;
}

OshAuthorityError
osh_authority_parse(const char *text, gsize length, guint16 default_port,
                    OshAuthority *ret_authority)
{
    OshAuthority parsed = {.port = default_port};
    const char *port_text;
    gsize host_length;
    gsize host;
    OshAuthorityError error = split(text, length, &host, &host_length, &port_text);

    if (error != OSH_AUTHORITY_OK)
        return error;
    error = host == 1 ? parse_ipv6(text + 1, host_length, &parsed)
                      : parse_name_or_ipv4(text, host_length, &parsed);
    if (error != OSH_AUTHORITY_OK)
        return error;
    if (port_text == NULL && default_port == 0)
        return OSH_AUTHORITY_NO_PORT;
    if (port_text != NULL) {
        error = parse_port(port_text, (gsize)(text + length - port_text), &parsed.port);
        if (error != OSH_AUTHORITY_OK)
            return error;
        parsed.has_port = TRUE;
    }
    *ret_authority = parsed;
    return OSH_AUTHORITY_OK;
}

/* Returns the length of the scheme before "://", or 0. */
static gsize
scheme_length(const char *text, gsize length)
{
    gsize at = 0;

    if (length == 0 || !g_ascii_isalpha(text[0]))
        return 0;
    while (at < length &&
           (g_ascii_isalnum(text[at]) || text[at] == '+' || text[at] == '-' || text[at] == '.'))
        at++;
    return length - at >= 3 && memcmp(text + at, "://", 3) == 0 ? at : 0;
}

OshAuthorityError
osh_absolute_target_parse(const char *text, gsize length, OshAbsoluteTarget *ret_target)
{
    OshAbsoluteTarget parsed = {.scheme = OSH_URI_OTHER};
    gsize scheme = scheme_length(text, length);
    gsize start = scheme + 3;
    gsize end = start;
    OshAuthorityError error;

    if (scheme == 0)
        return OSH_AUTHORITY_NO_SCHEME;
    if (memchr(text, '#', length) != NULL)
        return OSH_AUTHORITY_FRAGMENT;
    if (scheme == 4 && g_ascii_strncasecmp(text, "http", 4) == 0)
        parsed.scheme = OSH_URI_HTTP;
    else if (scheme == 5 && g_ascii_strncasecmp(text, "https", 5) == 0)
        parsed.scheme = OSH_URI_HTTPS;
    while (end < length && text[end] != '/' && text[end] != '?')
        end++;
    error = osh_authority_parse(text + start, end - start,
                                parsed.scheme == OSH_URI_HTTPS ? 443 : 80, &parsed.authority);
    if (error != OSH_AUTHORITY_OK)
        return error;
    parsed.path = (OshHttp1Range){(guint32)end, (guint32)(length - end)};
    parsed.path_needs_slash = end == length || text[end] != '/';
    *ret_target = parsed;
    return OSH_AUTHORITY_OK;
}

static void
strip_decoration(const char **text, gsize *length)
{
    while (*length > 0 && (*text)[*length - 1] == '.')
        (*length)--;
    if (*length >= 2 && (*text)[0] == '[' && (*text)[*length - 1] == ']') {
        (*text)++;
        *length -= 2;
    }
}

gboolean
osh_host_equal(const char *left, gsize left_length, const char *right, gsize right_length)
{
    OshAuthority left_ipv6;
    OshAuthority right_ipv6;

    strip_decoration(&left, &left_length);
    strip_decoration(&right, &right_length);
    if (left_length == 0 || right_length == 0)
        return FALSE;
    if (parse_ipv6(left, left_length, &left_ipv6) == OSH_AUTHORITY_OK &&
        parse_ipv6(right, right_length, &right_ipv6) == OSH_AUTHORITY_OK)
        return strcmp(left_ipv6.host, right_ipv6.host) == 0;
    if (left_length != right_length)
        return FALSE;
    /* Not g_ascii_strncasecmp(), which stops at a NUL. */
    for (gsize i = 0; i < left_length; i++)
        if (g_ascii_tolower(left[i]) != g_ascii_tolower(right[i]))
            return FALSE;
    return TRUE;
}

gsize
osh_authority_format(const OshAuthority *authority, guint16 default_port, char *text, gsize size)
{
    const char *open = authority->kind == OSH_HOST_IPV6 ? "[" : "";
    const char *close = authority->kind == OSH_HOST_IPV6 ? "]" : "";
    int length;

    g_return_val_if_fail(size >= OSH_HOST_SIZE + 8, 0);
    if (authority->port == default_port)
        length = g_snprintf(text, size, "%s%s%s", open, authority->host, close);
    else
        length = g_snprintf(text, size, "%s%s%s:%u", open, authority->host, close,
                            (guint)authority->port);
    return (gsize)length;
}
