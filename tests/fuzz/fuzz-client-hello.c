/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-client-hello.c: what a client sends first. What is said of a beginning stays true when more
 * bytes follow, and what is found is bounded and of the grammar of host names.
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

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree OshClientHello *part = g_new(OshClientHello, 1);
    g_autofree OshClientHello *whole = g_new(OshClientHello, 1);
    OshClientHelloResult result = osh_client_hello_parse(data, size, whole);
    gsize cut = size > 0 ? data[size / 2] % size : 0;
    OshClientHelloResult before = osh_client_hello_parse(data, cut, part);

    if (result == OSH_CLIENT_HELLO_COMPLETE)
        check(whole);
    if (before == OSH_CLIENT_HELLO_NEED_MORE)
        return 0;
    g_assert_cmpint(result, ==, before);
    if (result == OSH_CLIENT_HELLO_COMPLETE)
        g_assert_cmpstr(part->name, ==, whole->name);
    return 0;
}
