/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-socks.c: greeting and request of a SOCKS client. What is said of a beginning stays true when
 * more bytes follow, and a host that is taken is one that its own grammar takes again.
 */
#include "socks-message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
check_request(const guint8 *data, gsize size)
{
    gsize cut = size > 0 ? data[size / 2] % size : 0;
    OshSocksRequest whole;
    OshSocksRequest part;
    OshSocksResult result = osh_socks_request_parse(data, size, &whole);
    OshSocksResult before = osh_socks_request_parse(data, cut, &part);
    OshAuthority again;

    if (before != OSH_SOCKS_NEED_MORE)
        g_assert_cmpint(before, ==, result);
    g_assert_true((result == OSH_SOCKS_REJECTED) == (whole.problem != NULL));
    if (result != OSH_SOCKS_COMPLETE)
        return;
    g_assert_cmpuint(whole.size, <=, size);
    g_assert_cmpuint(whole.destination.port, >, 0);
    g_assert_cmpint(osh_host_parse(whole.destination.host, whole.destination.host_length, &again),
                    ==, OSH_AUTHORITY_OK);
    g_assert_cmpstr(again.host, ==, whole.destination.host);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    gsize length = 0;

    if (osh_socks_greeting_parse(data, size, &length) == OSH_SOCKS_COMPLETE) {
        g_assert_cmpuint(length, <=, size);
        check_request(data + length, size - length);
    }
    check_request(data, size);
    return 0;
}
