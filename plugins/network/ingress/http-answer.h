/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-answer.h: refusals in the words of HTTP, for clients that know that they speak to a proxy.
 */
#pragma once

#include "refusal.h"

G_BEGIN_DECLS

/**
 * osh_http_answer_new:
 * @refusal: what is refused
 * @detail: one sentence
 * @id: of the event; 0 for none
 *
 * [any] Returns: (transfer full): the whole response, Content-Length exact, with a JSON body
 */
GString *osh_http_answer_new(const OshRefusal *refusal, const char *detail, guint64 id);

/** OSH_HTTP_METHOD_PEEK: bytes in which a method stands, with the space behind it. */
#define OSH_HTTP_METHOD_PEEK 24

/** OshHttpProbe: what a client's first bytes are. */
typedef enum {
    OSH_HTTP_PROBE_OTHER,
    OSH_HTTP_PROBE_MAYBE,
    OSH_HTTP_PROBE_REQUEST,
} OshHttpProbe;

/** osh_http_probe: [any] Returns: whether @bytes begin a request of HTTP/1. */
OshHttpProbe osh_http_probe(const guint8 *bytes, gsize length);

/** osh_http_words: [shard] #OshTransport.words. */
GString *osh_http_words(const OshConnection *connection, const OshRefusal *refusal, guint64 id);

/** osh_http_answer: [shard] #OshTransport.answer. */
gboolean osh_http_answer(OshConnection *connection, const OshRefusal *refusal, guint64 id);

/** osh_http_answer_unserved: [shard] #OshTransport.answer_unserved. */
void osh_http_answer_unserved(int fd);

G_END_DECLS
