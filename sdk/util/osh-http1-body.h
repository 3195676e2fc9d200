/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-body.h: finds the end of an HTTP/1 body, checking the framing before it is released.
 *
 * Like the head parser it works on the caller's window of unreleased bytes. Each call checks the
 * next unit and says how many bytes from the start of the window are now safe to forward as they
 * are, and which of them are content. A chunk's size line is safe only when all of it has been
 * checked; the last chunk and the trailers are safe only together, so a peer never gets to see an
 * end that we would have refused. The caller releases or replaces those bytes, moves its window
 * past them, and calls again while the status is %OSH_HTTP1_BODY_STEP.
 *
 * No allocation; a body belongs to its caller; functions are [any].
 *
 * |[
 * OshHttp1BodyStep step;
 * OshHttp1BodyStatus status;
 * while ((status = osh_http1_body_feed(&body, window, size, &step)) == OSH_HTTP1_BODY_STEP) {
 *     forward(window, step.release);
 *     window += step.release;
 *     size -= step.release;
 * }
 * ]|
 */
#pragma once

#include "osh-http1-head.h"

#include <glib.h>

G_BEGIN_DECLS

/** OSH_HTTP1_CHUNK_LINE_SIZE: longest chunk size line, extensions and CRLF included, where
 * osh_http1_body_limit() says nothing else. */
#define OSH_HTTP1_CHUNK_LINE_SIZE 256
/** OSH_HTTP1_TRAILERS_SIZE: longest trailer section, with the empty line that ends it; likewise. */
#define OSH_HTTP1_TRAILERS_SIZE 4096
/**
 * OSH_HTTP1_BODY_WINDOW_SIZE: a window that can hold this many bytes never stalls; the largest unit
 * is a last chunk's line with its trailers. With other limits it is their sum.
 */
#define OSH_HTTP1_BODY_WINDOW_SIZE (OSH_HTTP1_CHUNK_LINE_SIZE + OSH_HTTP1_TRAILERS_SIZE)
/** OSH_HTTP1_CHUNK_HEAD_SIZE: room for what osh_http1_chunk_head() writes. */
#define OSH_HTTP1_CHUNK_HEAD_SIZE 19

/**
 * OshHttp1BodyStatus:
 * @OSH_HTTP1_BODY_STEP: the step is filled in; release its bytes and call again
 * @OSH_HTTP1_BODY_NEED_MORE: nothing more is safe until bytes are added
 * @OSH_HTTP1_BODY_COMPLETE: the body has ended; the window begins with what follows it
 * @OSH_HTTP1_BODY_REJECTED: the framing is broken; release nothing more and close
 */
typedef enum {
    OSH_HTTP1_BODY_STEP,
    OSH_HTTP1_BODY_NEED_MORE,
    OSH_HTTP1_BODY_COMPLETE,
    OSH_HTTP1_BODY_REJECTED,
} OshHttp1BodyStatus;

/**
 * OshHttp1BodyStep:
 * @release: bytes at the start of the window that are safe, at least 1
 * @content_length: how many of them are content: all of them, or 0 when they are framing
 * @trailers: where trailer field lines stand, without the last chunk's line and the final CRLF
 */
typedef struct {
    gsize release;
    gsize content_length;
    OshHttp1Range trailers;
} OshHttp1BodyStep;

/**
 * OshHttp1Body:
 * @framing: how the body is framed
 * @error: why it was rejected
 * @content_total: bytes of content in all steps so far
 *
 * Read these; the rest is the parser's own.
 */
typedef struct {
    OshHttp1Framing framing;
    OshHttp1Error error;
    guint64 content_total;
    /*< private >*/
    guint64 remaining;
    guint32 phase;
    guint32 scanned;
    guint32 line_start;
    guint32 trailer_start;
    gboolean high;
    guint32 line_limit;
    guint32 trailers_limit;
} OshHttp1Body;

/**
 * osh_http1_body_init:
 * @body: (out caller-allocates): the parser
 * @framing: from osh_http1_request_framing() or osh_http1_response_framing()
 * @content_length: used with %OSH_HTTP1_FRAMING_LENGTH only
 */
void osh_http1_body_init(OshHttp1Body *body, OshHttp1Framing framing, guint64 content_length);

/**
 * osh_http1_body_limit:
 * @chunk_line: longest chunk size line, extensions and CRLF included
 * @trailers: longest trailer section, with the empty line that ends it
 *
 * For a body that nothing was fed to yet.
 */
void osh_http1_body_limit(OshHttp1Body *body, guint32 chunk_line, guint32 trailers);

/**
 * osh_http1_body_feed:
 * @window: (array length=size) (nullable): all unreleased bytes
 * @size: number of bytes
 * @ret_step: (out caller-allocates): set on %OSH_HTTP1_BODY_STEP only
 *
 * Returns: what to do next
 */
OshHttp1BodyStatus osh_http1_body_feed(OshHttp1Body *body, const guint8 *window, gsize size,
                                       OshHttp1BodyStep *ret_step);

/**
 * osh_http1_body_eof:
 *
 * To be called when the connection has ended and osh_http1_body_feed() has seen every byte.
 *
 * Returns: %OSH_HTTP1_BODY_COMPLETE when the body may end here, else %OSH_HTTP1_BODY_REJECTED
 */
OshHttp1BodyStatus osh_http1_body_eof(OshHttp1Body *body);

/**
 * osh_http1_body_is_complete:
 *
 * Returns: whether the body has ended and the next message may begin
 */
gboolean osh_http1_body_is_complete(const OshHttp1Body *body);

/**
 * osh_http1_chunk_head:
 * @size: bytes of content in the chunk, or 0 for the last chunk
 * @text: (out caller-allocates): gets the size line with its CRLF, not NUL-terminated
 *
 * Framing for content made anew: this, the content, CRLF; and at the end a chunk head of size 0 and
 * CRLF.
 *
 * Returns: its length
 */
gsize osh_http1_chunk_head(guint64 size, char text[OSH_HTTP1_CHUNK_HEAD_SIZE]);

G_END_DECLS
