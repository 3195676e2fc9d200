/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error of accept means, and what a refusal looks like on the wire.
 */
#include "listener.h"
#include "reply.h"

#include <errno.h>
#include <string.h>

static void
test_classes(void)
{
    static const struct {
        int error_number;
        OshAcceptClass class;
    } rows[] = {
        {EAGAIN, OSH_ACCEPT_EMPTY},      {EMFILE, OSH_ACCEPT_RESOURCE},
        {ENFILE, OSH_ACCEPT_RESOURCE},   {ENOBUFS, OSH_ACCEPT_RESOURCE},
        {ENOMEM, OSH_ACCEPT_RESOURCE},   {ECONNABORTED, OSH_ACCEPT_TRANSIENT},
        {EPROTO, OSH_ACCEPT_TRANSIENT},  {ENETDOWN, OSH_ACCEPT_TRANSIENT},
        {EBADF, OSH_ACCEPT_TERMINAL},    {EINVAL, OSH_ACCEPT_TERMINAL},
        {ENOTSOCK, OSH_ACCEPT_TERMINAL}, {EPERM, OSH_ACCEPT_UNKNOWN},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(osh_accept_classify(rows[i].error_number), ==, rows[i].class);
}

static void
test_backoff(void)
{
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 1), ==, 100000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 2), ==, 200000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 6), ==, 3200000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 7), ==, 5000000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 1000000), ==, 5000000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_TRANSIENT, 9), ==, 100000);
}

static void
test_json(void)
{
    g_autoptr(GString) reply =
        osh_reply_json("403 Forbidden", "policy_denied", "a \"b\"\n\\", "r\x01", "connect", 14);
    const char *body = strstr(reply->str, "\r\n\r\n");
    g_autofree char *length = NULL;

    g_assert_nonnull(body);
    body += 4;
    g_assert_cmpstr(body, ==,
                    "{\"error\":\"policy_denied\",\"detail\":\"a \\\"b\\\"\\u000a\\\\\","
                    "\"reason\":\"r\\u0001\",\"layer\":\"connect\",\"id\":\"e14\"}\n");
    length = g_strdup_printf("\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n", strlen(body));
    g_assert_nonnull(strstr(reply->str, length));
    g_assert_true(g_str_has_prefix(reply->str, "HTTP/1.1 403 Forbidden\r\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listener/an-error-of-accept-has-its-class", test_classes);
    g_test_add_func("/listener/the-pause-doubles-up-to-five-seconds", test_backoff);
    g_test_add_func("/reply/a-refusal-is-escaped-json-of-exact-length", test_json);
    return g_test_run();
}
