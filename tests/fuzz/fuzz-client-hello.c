/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-client-hello.c: what a client sends first. Fed in pieces it is what it is when fed whole,
 * and what is found is bounded and of the grammar of host names.
 */
#include "client-hello.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
check(const OshClientHello *hello)
{
    g_assert_cmpuint(strlen(hello->name), <, sizeof hello->name);
    for (const char *at = hello->name; *at != '\0'; at++)
        g_assert_true(g_ascii_islower(*at) || g_ascii_isdigit(*at) || *at == '-' || *at == '_' ||
                      *at == '.');
    for (guint i = 0; i < hello->n_protocols; i++) {
        const char *end = hello->protocols[i].data + hello->protocols[i].length;

        g_assert_cmpuint(hello->protocols[i].length, >, 0);
        g_assert_true(hello->protocols[i].data >= (const char *)hello->message &&
                      end <= (const char *)hello->message + hello->length);
    }
}

/* What a parser that is told more and more says first of other than that it needs more. */
static OshClientHelloResult
feed_in_pieces(const guint8 *data, gsize size, gsize piece, OshClientHello *hello)
{
    for (gsize there = 0;; there = MIN(there + piece, size)) {
        OshClientHelloResult result = osh_client_hello_parse(data, there, hello);

        if (result != OSH_CLIENT_HELLO_NEED_MORE || there == size)
            return result;
    }
}

static void
assert_equal(const OshClientHello *part, const OshClientHello *whole)
{
    g_assert_cmpstr(part->name, ==, whole->name);
    g_assert_cmpint(part->encrypted, ==, whole->encrypted);
    g_assert_cmpint(part->has_alpn, ==, whole->has_alpn);
    g_assert_cmpint(part->may_be_retried, ==, whole->may_be_retried);
    g_assert_cmpuint(part->size, ==, whole->size);
    g_assert_cmpmem(part->message, part->length, whole->message, whole->length);
    g_assert_cmpuint(part->n_protocols, ==, whole->n_protocols);
    for (guint i = 0; i < part->n_protocols; i++)
        g_assert_cmpmem(part->protocols[i].data, part->protocols[i].length,
                        whole->protocols[i].data, whole->protocols[i].length);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree OshClientHello *part = g_new(OshClientHello, 1);
    g_autofree OshClientHello *whole = g_new(OshClientHello, 1);
    OshClientHelloResult result = osh_client_hello_parse(data, size, whole);
    gsize pieces[] = {1, size > 0 ? 1 + data[size / 2] : 1};

    if (result == OSH_CLIENT_HELLO_COMPLETE)
        check(whole);
    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        /* Byte by byte is quadratic. */
        if (size / pieces[i] > 2048)
            continue;
        g_assert_cmpint(feed_in_pieces(data, size, pieces[i], part), ==, result);
        if (result == OSH_CLIENT_HELLO_COMPLETE)
            assert_equal(part, whole);
    }
    return 0;
}
