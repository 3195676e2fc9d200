/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-authority.h: strict parsing of "host:port" and of absolute-form request targets.
 *
 * The result is the only spelling of a host that later steps see: lower case, no brackets, no
 * trailing dot, an IPv6 address in its canonical text. Every spelling that a resolver could read
 * differently from us (numbers such as 127.1 or 0x7f000001, zone ids, percent escapes, userinfo,
 * control bytes) is refused, so a policy cannot be made to judge one host while another is dialled.
 *
 * Pure functions, no allocation; [any].
 */
#pragma once

#include "osh-http1-head.h"

#include <glib.h>

G_BEGIN_DECLS

/** OSH_HOST_SIZE: longest host name (253) and its NUL, and so any address. */
#define OSH_HOST_SIZE 254

/** OshHostKind: what a host is. */
typedef enum {
    OSH_HOST_NAME,
    OSH_HOST_IPV4,
    OSH_HOST_IPV6,
} OshHostKind;

/** OshAuthorityError: why an authority or target is refused; osh_authority_error_text() has words.
 */
typedef enum {
    OSH_AUTHORITY_OK,
    OSH_AUTHORITY_EMPTY_HOST,
    OSH_AUTHORITY_BAD_CHARACTER,
    OSH_AUTHORITY_USERINFO,
    OSH_AUTHORITY_EMPTY_LABEL,
    OSH_AUTHORITY_LONG_LABEL,
    OSH_AUTHORITY_LONG_NAME,
    OSH_AUTHORITY_AMBIGUOUS_NUMBER,
    OSH_AUTHORITY_BAD_IPV6,
    OSH_AUTHORITY_UNCLOSED_BRACKET,
    OSH_AUTHORITY_TEXT_AFTER_BRACKET,
    OSH_AUTHORITY_NO_PORT,
    OSH_AUTHORITY_BAD_PORT,
    OSH_AUTHORITY_NO_SCHEME,
    OSH_AUTHORITY_FRAGMENT,
    OSH_AUTHORITY_N_ERRORS,
} OshAuthorityError;

/**
 * OshAuthority:
 * @host: lower case, without brackets or trailing dot, NUL-terminated
 * @host_length: its length
 * @kind: name or address literal
 * @port: 1 to 65535
 * @has_port: the port was written out rather than defaulted
 */
typedef struct {
    char host[OSH_HOST_SIZE];
    guint8 host_length;
    OshHostKind kind;
    guint16 port;
    gboolean has_port;
} OshAuthority;

/** OshUriScheme: of an absolute-form target. */
typedef enum {
    OSH_URI_HTTP,
    OSH_URI_HTTPS,
    OSH_URI_OTHER,
} OshUriScheme;

/**
 * OshAbsoluteTarget:
 * @scheme: compared without regard to case
 * @authority: host and port; the default port is 443 for https and 80 otherwise
 * @path: path and query as offsets into the target; when @path_needs_slash it is empty or starts
 * with
 *   "?"
 * @path_needs_slash: the origin form is "/" followed by @path
 */
typedef struct {
    OshUriScheme scheme;
    OshAuthority authority;
    OshHttp1Range path;
    gboolean path_needs_slash;
} OshAbsoluteTarget;

/**
 * osh_host_parse:
 * @text: (array length=length): a host without brackets or port; an address literal or a name
 * @ret_authority: (out caller-allocates): its host, host_length and kind are set on success only
 *
 * Returns: %OSH_AUTHORITY_OK or the reason
 */
OshAuthorityError osh_host_parse(const char *text, gsize length, OshAuthority *ret_authority);

/**
 * osh_authority_parse:
 * @text: (array length=length): "host:port", "[ipv6]:port", or without port when @default_port is
 * set
 * @default_port: the port when none is written, or 0 to require one (CONNECT)
 * @ret_authority: (out caller-allocates): set on success only
 *
 * Returns: %OSH_AUTHORITY_OK or the reason
 */
OshAuthorityError osh_authority_parse(const char *text, gsize length, guint16 default_port,
                                      OshAuthority *ret_authority);

/**
 * osh_absolute_target_parse:
 * @text: (array length=length): an absolute-form request target
 * @ret_target: (out caller-allocates): set on success only
 *
 * Returns: %OSH_AUTHORITY_OK or the reason; %OSH_AUTHORITY_NO_SCHEME for an origin-form target
 */
OshAuthorityError osh_absolute_target_parse(const char *text, gsize length,
                                            OshAbsoluteTarget *ret_target);

/**
 * osh_host_equal:
 * @left: (array length=left_length): a host, perhaps in brackets, in any case, with trailing dots
 * @right: (array length=right_length): another
 *
 * Returns: whether both mean the same host; empty hosts equal nothing
 */
gboolean osh_host_equal(const char *left, gsize left_length, const char *right, gsize right_length);

/**
 * osh_authority_format:
 * @authority: a parsed authority
 * @default_port: a port to leave out, or 0 to write it always
 * @text: (out caller-allocates) (array length=size): gets "host", "host:port" or "[ipv6]:port"
 * @size: at least OSH_HOST_SIZE + 8
 *
 * Returns: the length of the text, without its NUL
 */
gsize osh_authority_format(const OshAuthority *authority, guint16 default_port, char *text,
                           gsize size);

/** osh_authority_error_text: (transfer none): @error in plain words, never %NULL. */
const char *osh_authority_error_text(OshAuthorityError error);

G_END_DECLS
