/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-http1-body.c: what is released from a chunked body is the same however it arrives, and read
 * by itself it is a valid beginning of a chunked body.
 */
#include "osh-http1-body.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

typedef struct {
    OshHttp1Body body;
    OshHttp1BodyStatus status;
    GString *content;
    gsize released;
} Parse;

static void
parse(Parse *result, const guint8 *data, gsize size, gsize piece)
{
    gsize fed = 0;

    osh_http1_body_init(&result->body, OSH_HTTP1_FRAMING_CHUNKED, 0);
    result->status = OSH_HTTP1_BODY_NEED_MORE;
    result->content = g_string_new(NULL);
    result->released = 0;
    while (fed < size && result->status == OSH_HTTP1_BODY_NEED_MORE) {
        OshHttp1BodyStep step;

        fed = MIN(fed + piece, size);
        while ((result->status = osh_http1_body_feed(&result->body, data + result->released,
                                                     fed - result->released, &step)) ==
               OSH_HTTP1_BODY_STEP) {
            g_assert_cmpuint(step.release, >, 0);
            g_assert_cmpuint(step.release, <=, fed - result->released);
            g_assert_cmpuint(step.content_length, <=, step.release);
            g_assert_cmpuint(step.trailers.offset + step.trailers.length, <=, step.release);
            g_string_append_len(result->content, (const char *)data + result->released,
                                (gssize)step.content_length);
            result->released += step.release;
        }
        /* A window of the promised size is enough to make progress. */
        if (result->status == OSH_HTTP1_BODY_NEED_MORE)
            g_assert_cmpuint(fed - result->released, <=, OSH_HTTP1_BODY_WINDOW_SIZE);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const gsize pieces[] = {1, 2, 7};
    Parse again;
    Parse whole;

    parse(&whole, data, size, size > 0 ? size : 1);
    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        Parse split;

        parse(&split, data, size, pieces[i]);
        g_assert_cmpint(split.status, ==, whole.status);
        g_assert_cmpint(split.body.error, ==, whole.body.error);
        g_assert_cmpuint(split.released, ==, whole.released);
        g_assert_true(g_string_equal(split.content, whole.content));
        g_string_free(split.content, TRUE);
    }
    parse(&again, data, whole.released, whole.released > 0 ? whole.released : 1);
    g_assert_cmpint(again.body.error, ==, OSH_HTTP1_ERROR_NONE);
    g_assert_cmpuint(again.released, ==, whole.released);
    g_string_free(again.content, TRUE);
    g_string_free(whole.content, TRUE);
    return 0;
}
