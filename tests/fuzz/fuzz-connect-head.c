/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-connect-head.c: the way from a proxy head to a host. Whatever host comes out is clean, and
 * parsing what we write for it gives the same host again.
 */
#include "osh-authority.h"
#include "osh-http1-head.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
check_authority(const OshAuthority *authority)
{
    char text[OSH_HOST_SIZE + 8];
    OshAuthority again;
    gsize length;

    g_assert_cmpuint(authority->host_length, ==, strlen(authority->host));
    g_assert_cmpuint(authority->host_length, >, 0);
    g_assert_cmpuint(authority->port, !=, 0);
    for (const char *c = authority->host; *c != '\0'; c++)
        g_assert_true(g_ascii_islower(*c) || g_ascii_isdigit(*c) || strchr(".-_:", *c) != NULL);
    length = osh_authority_format(authority, 0, text, sizeof text);
    g_assert_cmpint(osh_authority_parse(text, length, 0, &again), ==, OSH_AUTHORITY_OK);
    g_assert_cmpstr(again.host, ==, authority->host);
    g_assert_cmpuint(again.port, ==, authority->port);
    g_assert_cmpint(again.kind, ==, authority->kind);
    g_assert_true(
        osh_host_equal(again.host, again.host_length, authority->host, authority->host_length));
}

static void
check_target(const char *text, gsize length)
{
    OshAbsoluteTarget target;
    OshAuthority authority;

    if (osh_authority_parse(text, length, 0, &authority) == OSH_AUTHORITY_OK)
        check_authority(&authority);
    if (osh_authority_parse(text, length, 80, &authority) == OSH_AUTHORITY_OK)
        check_authority(&authority);
    if (osh_absolute_target_parse(text, length, &target) == OSH_AUTHORITY_OK) {
        check_authority(&target.authority);
        g_assert_cmpuint(target.path.offset + target.path.length, ==, length);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    OshHttp1Field fields[16];
    OshHttp1Head head;

    check_target((const char *)data, size);
    osh_http1_head_init(&head, OSH_HTTP1_REQUEST, OSH_HTTP1_PROXY_HEAD_SIZE, fields, 16);
    if (osh_http1_head_feed(&head, data, size) == OSH_HTTP1_COMPLETE)
        check_target((const char *)data + head.target.offset, head.target.length);
    return 0;
}
