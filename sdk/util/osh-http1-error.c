/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-error.c: each reason for refusing HTTP/1 bytes, in words for a person.
 *
 * Constant data; any thread. The texts must never quote the bytes that they are about.
 */
#include "osh-http1-head.h"

static const char *const texts[OSH_HTTP1_N_ERRORS] = {
    [OSH_HTTP1_ERROR_NONE] = "no error",
    [OSH_HTTP1_ERROR_TOO_LARGE] = "the head is larger than allowed",
    [OSH_HTTP1_ERROR_TOO_MANY_FIELDS] = "the head has more header fields than allowed",
    [OSH_HTTP1_ERROR_BARE_LF] = "a line ends in LF without CR",
    [OSH_HTTP1_ERROR_BARE_CR] = "a CR is not followed by LF",
    [OSH_HTTP1_ERROR_CONTROL_BYTE] = "a line holds a control byte; this may not be HTTP at all",
    [OSH_HTTP1_ERROR_NOT_UTF8] = "the head is not valid UTF-8",
    [OSH_HTTP1_ERROR_BAD_REQUEST_LINE] =
        "the request line is not \"METHOD TARGET VERSION\" with single spaces",
    [OSH_HTTP1_ERROR_BAD_METHOD] = "the method is not a token",
    [OSH_HTTP1_ERROR_BAD_STATUS_LINE] = "the status line is not \"VERSION CODE REASON\"",
    [OSH_HTTP1_ERROR_BAD_VERSION] = "the version is neither HTTP/1.0 nor HTTP/1.1",
    [OSH_HTTP1_ERROR_OBSOLETE_FOLD] = "a header field is folded over two lines",
    [OSH_HTTP1_ERROR_NO_COLON] = "a header line has no colon",
    [OSH_HTTP1_ERROR_SPACE_BEFORE_COLON] = "there is white space before a header's colon",
    [OSH_HTTP1_ERROR_BAD_FIELD_NAME] = "a header name is not a token",
    [OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION] = "a Connection option is not a token",
    [OSH_HTTP1_ERROR_FORBIDDEN_CONNECTION_OPTION] =
        "Connection names Host, Content-Length or Transfer-Encoding",
    [OSH_HTTP1_ERROR_BAD_CONTENT_LENGTH] = "Content-Length is not a plain number",
    [OSH_HTTP1_ERROR_DIFFERING_CONTENT_LENGTHS] = "two Content-Length fields differ",
    [OSH_HTTP1_ERROR_BAD_TRANSFER_ENCODING] = "Transfer-Encoding is not exactly one \"chunked\"",
    [OSH_HTTP1_ERROR_TRANSFER_ENCODING_IN_HTTP10] = "Transfer-Encoding in an HTTP/1.0 message",
    [OSH_HTTP1_ERROR_BOTH_LENGTHS] = "both Content-Length and Transfer-Encoding are present",
    [OSH_HTTP1_ERROR_NO_HOST] = "an HTTP/1.1 request has no Host field",
    [OSH_HTTP1_ERROR_SEVERAL_HOSTS] = "the request has more than one Host field",
    [OSH_HTTP1_ERROR_BAD_HOST] = "the Host field is not a valid host and port",
    [OSH_HTTP1_ERROR_BAD_CHUNK_SIZE] = "a chunk size is not a plain hexadecimal number",
    [OSH_HTTP1_ERROR_CHUNK_TOO_LARGE] = "a chunk size is too large",
    [OSH_HTTP1_ERROR_BAD_CHUNK_EXTENSION] = "a chunk extension is malformed",
    [OSH_HTTP1_ERROR_CHUNK_LINE_TOO_LONG] = "a chunk's size line is longer than allowed",
    [OSH_HTTP1_ERROR_NO_CRLF_AFTER_CHUNK] = "a chunk is not followed by CRLF",
    [OSH_HTTP1_ERROR_TRAILERS_TOO_LARGE] = "the trailer section is larger than allowed",
    [OSH_HTTP1_ERROR_FORBIDDEN_TRAILER] = "a trailer field may stand only in the head",
    [OSH_HTTP1_ERROR_BODY_CUT_SHORT] = "the connection ended before the body did",
};

const char *
osh_http1_error_text(OshHttp1Error error)
{
    if ((guint)error >= OSH_HTTP1_N_ERRORS || texts[error] == NULL)
        return "unknown error";
    return texts[error];
}
