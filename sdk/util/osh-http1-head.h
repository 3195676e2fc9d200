/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-head.h: a strict, incremental parser for HTTP/1 request and response heads.
 *
 * Sans-I/O and without allocation: the caller keeps the unreleased bytes of one direction in one
 * contiguous window and calls osh_http1_head_feed() with the whole window each time bytes were
 * added. Everything found is a range of offsets from the window's first byte, so the window may
 * move in memory between calls. Scanning goes on where it stopped: feeding a head one byte at a
 * time costs the same and gives the same result as feeding it whole.
 *
 * Strict means: single spaces in the start line, token method and names, HTTP/1.0 or HTTP/1.1
 * only, CRLF line ends only, no folding, no space before a colon, no control bytes, valid UTF-8 in
 * a request, and exactly one reading of the body's length. A response may hold any byte from 0x80
 * in its reason and its values (obs-text of RFC 9110 section 5.5), because servers send names of
 * files so. Nothing is repaired; see #OshHttp1Error for the list.
 *
 * Threads: a head belongs to its caller; functions are [any].
 *
 * |[
 * OshHttp1Field fields[OSH_HTTP1_DEFAULT_FIELDS];
 * OshHttp1Head head;
 * osh_http1_head_init(&head, OSH_HTTP1_REQUEST, OSH_HTTP1_PROXY_HEAD_SIZE, fields,
 *                     G_N_ELEMENTS(fields));
 * switch (osh_http1_head_feed(&head, window, size)) {
 * case OSH_HTTP1_NEED_MORE:  return read_more();
 * case OSH_HTTP1_REJECTED:   return refuse(head.error == OSH_HTTP1_ERROR_TOO_LARGE ? 431 : 400,
 *                                          osh_http1_error_text(head.error));
 * case OSH_HTTP1_COMPLETE:   break;
 * }
 * const OshHttp1Field *accept = osh_http1_head_find(&head, window, "accept", NULL);
 * ]|
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_HTTP1_PROXY_HEAD_SIZE: default cap of a head sent to a proxy (CONNECT, absolute-form). */
#define OSH_HTTP1_PROXY_HEAD_SIZE 8192
/** OSH_HTTP1_INSPECTED_HEAD_SIZE: default cap of a head inside a tunnel, and of a response head. */
#define OSH_HTTP1_INSPECTED_HEAD_SIZE 16384
/** OSH_HTTP1_DEFAULT_FIELDS: a sensible number of fields to accept. */
#define OSH_HTTP1_DEFAULT_FIELDS 100

/**
 * OshHttp1Range:
 * @offset: from the first byte of the window
 * @length: number of bytes
 */
typedef struct {
    guint32 offset;
    guint32 length;
} OshHttp1Range;

/**
 * OshHttp1Field:
 * @name: the name as sent
 * @value: the value without the blanks round it; may be empty
 */
typedef struct {
    OshHttp1Range name;
    OshHttp1Range value;
} OshHttp1Field;

/** OshHttp1Kind: which of the two kinds of head to expect. */
typedef enum {
    OSH_HTTP1_REQUEST,
    OSH_HTTP1_RESPONSE,
} OshHttp1Kind;

/**
 * OshHttp1Status:
 * @OSH_HTTP1_NEED_MORE: nothing wrong so far; feed again when bytes have been added
 * @OSH_HTTP1_COMPLETE: the unit is complete
 * @OSH_HTTP1_REJECTED: the bytes are refused for good; the error field says why
 */
typedef enum {
    OSH_HTTP1_NEED_MORE,
    OSH_HTTP1_COMPLETE,
    OSH_HTTP1_REJECTED,
} OshHttp1Status;

/** OshHttp1Error: every reason for refusing bytes; osh_http1_error_text() has each in words. */
typedef enum {
    OSH_HTTP1_ERROR_NONE,
    OSH_HTTP1_ERROR_TOO_LARGE,
    OSH_HTTP1_ERROR_TOO_MANY_FIELDS,
    OSH_HTTP1_ERROR_BARE_LF,
    OSH_HTTP1_ERROR_BARE_CR,
    OSH_HTTP1_ERROR_CONTROL_BYTE,
    OSH_HTTP1_ERROR_NOT_UTF8,
    OSH_HTTP1_ERROR_BAD_REQUEST_LINE,
    OSH_HTTP1_ERROR_BAD_METHOD,
    OSH_HTTP1_ERROR_BAD_STATUS_LINE,
    OSH_HTTP1_ERROR_BAD_VERSION,
    OSH_HTTP1_ERROR_OBSOLETE_FOLD,
    OSH_HTTP1_ERROR_NO_COLON,
    OSH_HTTP1_ERROR_SPACE_BEFORE_COLON,
    OSH_HTTP1_ERROR_BAD_FIELD_NAME,
    OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION,
    OSH_HTTP1_ERROR_FORBIDDEN_CONNECTION_OPTION,
    OSH_HTTP1_ERROR_BAD_CONTENT_LENGTH,
    OSH_HTTP1_ERROR_DIFFERING_CONTENT_LENGTHS,
    OSH_HTTP1_ERROR_BAD_TRANSFER_ENCODING,
    OSH_HTTP1_ERROR_TRANSFER_ENCODING_IN_HTTP10,
    OSH_HTTP1_ERROR_BOTH_LENGTHS,
    OSH_HTTP1_ERROR_NO_HOST,
    OSH_HTTP1_ERROR_SEVERAL_HOSTS,
    OSH_HTTP1_ERROR_BAD_HOST,
    OSH_HTTP1_ERROR_BAD_CHUNK_SIZE,
    OSH_HTTP1_ERROR_CHUNK_TOO_LARGE,
    OSH_HTTP1_ERROR_BAD_CHUNK_EXTENSION,
    OSH_HTTP1_ERROR_CHUNK_LINE_TOO_LONG,
    OSH_HTTP1_ERROR_NO_CRLF_AFTER_CHUNK,
    OSH_HTTP1_ERROR_TRAILERS_TOO_LARGE,
    OSH_HTTP1_ERROR_FORBIDDEN_TRAILER,
    OSH_HTTP1_ERROR_BODY_CUT_SHORT,
    OSH_HTTP1_N_ERRORS,
} OshHttp1Error;

/**
 * OshHttp1Framing:
 * @OSH_HTTP1_FRAMING_NONE: no body follows
 * @OSH_HTTP1_FRAMING_LENGTH: exactly content_length bytes follow
 * @OSH_HTTP1_FRAMING_CHUNKED: a chunked body follows
 * @OSH_HTTP1_FRAMING_UNTIL_CLOSE: a response body that ends with the connection
 */
typedef enum {
    OSH_HTTP1_FRAMING_NONE,
    OSH_HTTP1_FRAMING_LENGTH,
    OSH_HTTP1_FRAMING_CHUNKED,
    OSH_HTTP1_FRAMING_UNTIL_CLOSE,
} OshHttp1Framing;

/**
 * OshHttp1Head:
 * @kind: what is being parsed
 * @error: why the head was rejected
 * @error_offset: where the refused line begins
 * @size: bytes in the whole head with its empty line; 0 until complete
 * @start_line: the start line without its CRLF
 * @method: of a request
 * @target: of a request, as sent
 * @reason: of a response; may be empty
 * @status: of a response, 100 to 599
 * @minor_version: 0 or 1
 * @fields: (array length=n_fields): the fields in the order sent
 * @n_hosts: how many Host fields there are
 * @host: index of the first Host field, if any
 * @has_content_length: a Content-Length was sent
 * @content_length: its value
 * @chunked: "Transfer-Encoding: chunked" was sent
 * @connection_close: a Connection option was "close"
 * @connection_keep_alive: a Connection option was "keep-alive"
 * @connection_upgrade: a Connection option was "upgrade"
 *
 * Everything but @kind, @error and @error_offset is meaningful only after %OSH_HTTP1_COMPLETE;
 * @method and @target of a rejected request too, where they are not empty: its request line was
 * good. Read the fields freely, write none; those below the line are the parser's own.
 */
typedef struct {
    OshHttp1Kind kind;
    OshHttp1Error error;
    guint32 error_offset;
    guint32 size;
    OshHttp1Range start_line;
    OshHttp1Range method;
    OshHttp1Range target;
    OshHttp1Range reason;
    guint16 status;
    guint8 minor_version;
    OshHttp1Field *fields;
    guint32 n_fields;
    guint32 n_hosts;
    guint32 host;
    guint64 content_length;
    gboolean has_content_length;
    gboolean chunked;
    gboolean connection_close;
    gboolean connection_keep_alive;
    gboolean connection_upgrade;
    /*< private >*/
    guint32 max_fields;
    guint32 max_size;
    guint32 line_start;
    guint32 scanned;
    gboolean line_high;
    gboolean past_start_line;
} OshHttp1Head;

/**
 * osh_http1_head_init:
 * @head: (out caller-allocates): the parser
 * @kind: request or response
 * @max_size: longest head accepted, its empty line included
 * @fields: (array length=max_fields): room for the fields, borrowed for the life of @head
 * @max_fields: how many fields are accepted
 */
void osh_http1_head_init(OshHttp1Head *head, OshHttp1Kind kind, guint32 max_size,
                         OshHttp1Field *fields, guint32 max_fields);

/**
 * osh_http1_head_reset:
 *
 * Makes @head ready for the next head of the connection, with the same caps. The window then begins
 * where the last message ended.
 */
void osh_http1_head_reset(OshHttp1Head *head);

/**
 * osh_http1_head_feed:
 * @window: (array length=size): all unreleased bytes, those of earlier calls first
 * @size: number of bytes; never less than in the call before
 *
 * Never looks at a byte after the head. Once it has returned something else than
 * %OSH_HTTP1_NEED_MORE it returns the same again.
 *
 * Returns: the state of the head
 */
OshHttp1Status osh_http1_head_feed(OshHttp1Head *head, const guint8 *window, gsize size);

/**
 * osh_http1_head_check_host:
 * @head: a complete request head
 * @window: the bytes that it was parsed from
 *
 * The one Host rule: exactly one in HTTP/1.1, at most one in HTTP/1.0, and a valid host with an
 * optional port. Apart from osh_http1_head_feed(), because a forward proxy replaces whatever Host
 * the client sent by one made from the target.
 *
 * Returns: %OSH_HTTP1_ERROR_NONE, or what is wrong
 */
OshHttp1Error osh_http1_head_check_host(const OshHttp1Head *head, const guint8 *window);

/**
 * osh_http1_head_find:
 * @window: the bytes that @head was parsed from
 * @lower_name: the name sought, in lower case
 * @after: (nullable): a field of @head to search after, or %NULL for the first
 *
 * Returns: (transfer none) (nullable): the field, compared without regard to case
 */
const OshHttp1Field *osh_http1_head_find(const OshHttp1Head *head, const guint8 *window,
                                         const char *lower_name, const OshHttp1Field *after);

/**
 * osh_http1_head_list_has:
 * @window: the bytes that @head was parsed from
 * @lower_name: the name of a field that holds a comma-separated list, in lower case
 * @lower_member: the member sought, in lower case
 *
 * Returns: whether a field of that name has that member; members are compared without regard to
 *   case, blanks round them ignored
 */
gboolean osh_http1_head_list_has(const OshHttp1Head *head, const guint8 *window,
                                 const char *lower_name, const char *lower_member);

/**
 * osh_http1_head_nominates:
 * @window: the bytes that @head was parsed from
 * @field: one of @head
 *
 * Returns: whether a Connection option names the field, so that it belongs to this connection alone
 *   (RFC 9110 section 7.6.1)
 */
gboolean osh_http1_head_nominates(const OshHttp1Head *head, const guint8 *window,
                                  const OshHttp1Field *field);

/** osh_http1_range_equals: whether the bytes of @range are exactly @text, case and all. */
gboolean osh_http1_range_equals(const guint8 *window, OshHttp1Range range, const char *text);

/**
 * osh_http1_request_framing:
 * @head: a complete request head
 *
 * Returns: how its body is framed; never %OSH_HTTP1_FRAMING_UNTIL_CLOSE
 */
OshHttp1Framing osh_http1_request_framing(const OshHttp1Head *head);

/**
 * osh_http1_response_framing:
 * @head: a complete response head
 * @request_was_head: the request's method was HEAD
 * @request_was_connect: the request's method was CONNECT
 *
 * Returns: how its body is framed (RFC 9112 §6.3); none for 1xx, 204 and 304, for any answer to
 * HEAD and for a 2xx answer to CONNECT
 */
OshHttp1Framing osh_http1_response_framing(const OshHttp1Head *head, gboolean request_was_head,
                                           gboolean request_was_connect);

/**
 * osh_http1_head_keep_alive:
 *
 * Returns: whether the connection may carry another message after this one (RFC 9112 §9.3)
 */
gboolean osh_http1_head_keep_alive(const OshHttp1Head *head);

/** osh_http1_error_text: (transfer none): @error in plain words, never %NULL. */
const char *osh_http1_error_text(OshHttp1Error error);

G_END_DECLS
