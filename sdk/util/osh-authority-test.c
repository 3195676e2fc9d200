/* SPDX-License-Identifier: Apache-2.0 */
/* osh-authority-test.c: every spelling of a host that is accepted, and those that must not be. */
#include "osh-authority.h"

#include <string.h>

typedef struct {
    const char *text;
    OshAuthorityError error;
    const char *host;
    guint port;
    OshHostKind kind;
} Row;

#define LABEL63 "aaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaa"
#define LABEL61 "aaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaaba"
#define E(x)    OSH_AUTHORITY_##x

static const Row connect_rows[] = {
    {"example.com:443", E(OK), "example.com", 443, OSH_HOST_NAME},
    {"EXAMPLE.Com:8080", E(OK), "example.com", 8080, OSH_HOST_NAME},
    {"example.com.:443", E(OK), "example.com", 443, OSH_HOST_NAME},
    {"a_b.c-d.x1:1", E(OK), "a_b.c-d.x1", 1, OSH_HOST_NAME},
    {"localhost:65535", E(OK), "localhost", 65535, OSH_HOST_NAME},
    {"1.2.3.4:80", E(OK), "1.2.3.4", 80, OSH_HOST_IPV4},
    {"1.2.3.4.:80", E(OK), "1.2.3.4", 80, OSH_HOST_IPV4},
    {"1.2.3.4.example:80", E(OK), "1.2.3.4.example", 80, OSH_HOST_NAME},
    {"0xfeed.example:80", E(OK), "0xfeed.example", 80, OSH_HOST_NAME},
    {"[::1]:443", E(OK), "::1", 443, OSH_HOST_IPV6},
    {"[2001:DB8:0:0::1]:443", E(OK), "2001:db8::1", 443, OSH_HOST_IPV6},
    {"[::ffff:1.2.3.4]:443", E(OK), "::ffff:1.2.3.4", 443, OSH_HOST_IPV6},
    {LABEL63 ".x:1", E(OK), LABEL63 ".x", 1, OSH_HOST_NAME},
    {"", E(EMPTY_HOST), NULL, 0, 0},
    {":443", E(EMPTY_HOST), NULL, 0, 0},
    {"[]:443", E(EMPTY_HOST), NULL, 0, 0},
    {"example.com", E(NO_PORT), NULL, 0, 0},
    {"[::1]", E(NO_PORT), NULL, 0, 0},
    {"example.com:", E(BAD_PORT), NULL, 0, 0},
    {"example.com:0", E(BAD_PORT), NULL, 0, 0},
    {"example.com:00000", E(BAD_PORT), NULL, 0, 0},
    {"example.com:65536", E(BAD_PORT), NULL, 0, 0},
    {"example.com:000080", E(BAD_PORT), NULL, 0, 0},
    {"example.com:+80", E(BAD_PORT), NULL, 0, 0},
    {"example.com:http", E(BAD_PORT), NULL, 0, 0},
    {"example.com:80:80", E(BAD_PORT), NULL, 0, 0},
    {"example.com:80/x", E(BAD_PORT), NULL, 0, 0},
    {"::1:443", E(EMPTY_HOST), NULL, 0, 0},
    {"db8::1", E(BAD_PORT), NULL, 0, 0},
    {"[::1:443", E(UNCLOSED_BRACKET), NULL, 0, 0},
    {"[::1]x:443", E(TEXT_AFTER_BRACKET), NULL, 0, 0},
    {"[::1]443", E(TEXT_AFTER_BRACKET), NULL, 0, 0},
    {"[fe80::1%eth0]:443", E(BAD_IPV6), NULL, 0, 0},
    {"[fe80::1%25eth0]:443", E(BAD_IPV6), NULL, 0, 0},
    {"[1.2.3.4]:443", E(BAD_IPV6), NULL, 0, 0},
    {"[example.com]:443", E(BAD_IPV6), NULL, 0, 0},
    {"[v1.x]:443", E(BAD_IPV6), NULL, 0, 0},
    {"user@example.com:443", E(USERINFO), NULL, 0, 0},
    {"user:pw@example.com:443", E(USERINFO), NULL, 0, 0},
    {"exa\\mple.com:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"example%2ecom:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"example.com%00:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"example.com/x:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"exam ple.com:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"exam\x01ple.com:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"ex\xc3\xa4mple.com:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"*.example.com:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"-oProxyCommand=x:443", E(BAD_CHARACTER), NULL, 0, 0},
    {"a.-b:443", E(BAD_CHARACTER), NULL, 0, 0},
    {".example.com:443", E(EMPTY_LABEL), NULL, 0, 0},
    {"example..com:443", E(EMPTY_LABEL), NULL, 0, 0},
    {"example.com..:443", E(EMPTY_LABEL), NULL, 0, 0},
    {".:443", E(EMPTY_LABEL), NULL, 0, 0},
    {LABEL63 "a.x:1", E(LONG_LABEL), NULL, 0, 0},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL61 ":1", E(OK),
     LABEL63 "." LABEL63 "." LABEL63 "." LABEL61, 1, OSH_HOST_NAME},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL61 "a:1", E(LONG_NAME), NULL, 0, 0},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ":1", E(LONG_NAME), NULL, 0, 0},
    {"127.1:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"2130706433:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"0x7f000001:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"0x:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"127.0.0.0x1:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"010.0.0.1:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"1.2.3.256:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"1.2.3.4.5:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
    {"example.1:80", E(AMBIGUOUS_NUMBER), NULL, 0, 0},
};

static void
test_connect(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(connect_rows); i++) {
        const Row *row = &connect_rows[i];
        OshAuthority authority = {.port = 9};
        OshAuthorityError error = osh_authority_parse(row->text, strlen(row->text), 0, &authority);

        g_test_message("%s", row->text);
        g_assert_cmpstr(osh_authority_error_text(error), ==, osh_authority_error_text(row->error));
        if (row->error != E(OK)) {
            g_assert_cmpuint(authority.port, ==, 9);
            continue;
        }
        g_assert_cmpstr(authority.host, ==, row->host);
        g_assert_cmpuint(authority.host_length, ==, strlen(row->host));
        g_assert_cmpuint(authority.port, ==, row->port);
        g_assert_cmpint(authority.kind, ==, row->kind);
        g_assert_true(authority.has_port);
    }
}

static void
test_nul(void)
{
    OshAuthority authority;

    g_assert_cmpint(osh_authority_parse("a\0b:80", 6, 0, &authority), ==, E(BAD_CHARACTER));
    g_assert_cmpint(osh_authority_parse("[::1\0]:80", 9, 0, &authority), ==, E(BAD_IPV6));
    g_assert_cmpint(osh_authority_parse("1.2.3.4\0:80", 11, 0, &authority), ==, E(BAD_CHARACTER));
}

static void
test_default_port(void)
{
    OshAuthority authority;

    g_assert_cmpint(osh_authority_parse("a.test", 6, 80, &authority), ==, E(OK));
    g_assert_cmpuint(authority.port, ==, 80);
    g_assert_false(authority.has_port);
    g_assert_cmpint(osh_authority_parse("[::1]", 5, 443, &authority), ==, E(OK));
    g_assert_cmpuint(authority.port, ==, 443);
}

typedef struct {
    const char *text;
    OshAuthorityError error;
    OshUriScheme scheme;
    const char *host;
    guint port;
    const char *path;
    gboolean needs_slash;
} TargetRow;

static const TargetRow target_rows[] = {
    {"http://h/", E(OK), OSH_URI_HTTP, "h", 80, "/", FALSE},
    {"HTTP://H.Test/A", E(OK), OSH_URI_HTTP, "h.test", 80, "/A", FALSE},
    {"https://h/x", E(OK), OSH_URI_HTTPS, "h", 443, "/x", FALSE},
    {"http://h", E(OK), OSH_URI_HTTP, "h", 80, "", TRUE},
    {"http://h?q=1", E(OK), OSH_URI_HTTP, "h", 80, "?q=1", TRUE},
    {"http://h:8080/a?b=c://d", E(OK), OSH_URI_HTTP, "h", 8080, "/a?b=c://d", FALSE},
    {"http://[::1]:81/x", E(OK), OSH_URI_HTTP, "::1", 81, "/x", FALSE},
    {"http://[::1]", E(OK), OSH_URI_HTTP, "::1", 80, "", TRUE},
    {"http://h/@x", E(OK), OSH_URI_HTTP, "h", 80, "/@x", FALSE},
    {"ftp://h/x", E(OK), OSH_URI_OTHER, "h", 80, "/x", FALSE},
    {"/", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"*", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"h:80", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"://h/", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"1http://h/", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"/fetch/http://h/x", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"http:/h", E(NO_SCHEME), 0, NULL, 0, NULL, FALSE},
    {"http://", E(EMPTY_HOST), 0, NULL, 0, NULL, FALSE},
    {"http:///x", E(EMPTY_HOST), 0, NULL, 0, NULL, FALSE},
    {"http://:80/", E(EMPTY_HOST), 0, NULL, 0, NULL, FALSE},
    {"http://h:/", E(BAD_PORT), 0, NULL, 0, NULL, FALSE},
    {"http://h:0/", E(BAD_PORT), 0, NULL, 0, NULL, FALSE},
    {"http://h:99999/", E(BAD_PORT), 0, NULL, 0, NULL, FALSE},
    {"http://[::1/x", E(UNCLOSED_BRACKET), 0, NULL, 0, NULL, FALSE},
    {"http://u@h/", E(USERINFO), 0, NULL, 0, NULL, FALSE},
    {"http://good.test\\@evil.test/", E(USERINFO), 0, NULL, 0, NULL, FALSE},
    {"http://h#f", E(FRAGMENT), 0, NULL, 0, NULL, FALSE},
    {"http://h/x#f", E(FRAGMENT), 0, NULL, 0, NULL, FALSE},
    {"http://h%2f/x", E(BAD_CHARACTER), 0, NULL, 0, NULL, FALSE},
};

static void
test_targets(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(target_rows); i++) {
        const TargetRow *row = &target_rows[i];
        OshAbsoluteTarget target;
        OshAuthorityError error = osh_absolute_target_parse(row->text, strlen(row->text), &target);

        g_test_message("%s", row->text);
        g_assert_cmpstr(osh_authority_error_text(error), ==, osh_authority_error_text(row->error));
        if (row->error != E(OK))
            continue;
        g_assert_cmpint(target.scheme, ==, row->scheme);
        g_assert_cmpstr(target.authority.host, ==, row->host);
        g_assert_cmpuint(target.authority.port, ==, row->port);
        g_assert_cmpmem(row->text + target.path.offset, target.path.length, row->path,
                        strlen(row->path));
        g_assert_cmpint(target.path_needs_slash, ==, row->needs_slash);
    }
}

typedef struct {
    const char *left;
    const char *right;
    gboolean equal;
} EqualRow;

static void
test_equal(void)
{
    static const EqualRow equal_rows[] = {
        {"example.com", "EXAMPLE.com", TRUE},
        {"example.com.", "example.com", TRUE},
        {"example.com..", "example.com", TRUE},
        {"[::1]", "::1", TRUE},
        {"[0:0::1]", "[::1]", TRUE},
        {"2001:DB8::1", "[2001:db8:0::1]", TRUE},
        {"1.2.3.4", "1.2.3.4", TRUE},
        {"1.2.3.4", "::ffff:1.2.3.4", FALSE},
        {"example.com", "example.org", FALSE},
        {"example.com", "example.co", FALSE},
        {"", "", FALSE},
        {".", ".", FALSE},
        {"[]", "[]", FALSE},
        {"a", "", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(equal_rows); i++) {
        const EqualRow *row = &equal_rows[i];

        g_test_message("%s %s", row->left, row->right);
        g_assert_cmpint(
            osh_host_equal(row->left, strlen(row->left), row->right, strlen(row->right)), ==,
            row->equal);
    }
    g_assert_false(osh_host_equal("a\0b", 3, "a\0c", 3));
}

static void
test_format(void)
{
    char text[OSH_HOST_SIZE + 8];
    OshAuthority authority;

    osh_authority_parse("[::1]:443", 9, 0, &authority);
    osh_authority_format(&authority, 0, text, sizeof text);
    g_assert_cmpstr(text, ==, "[::1]:443");
    g_assert_cmpuint(osh_authority_format(&authority, 443, text, sizeof text), ==, 5);
    g_assert_cmpstr(text, ==, "[::1]");
    osh_authority_parse("A.test:8080", 11, 0, &authority);
    osh_authority_format(&authority, 80, text, sizeof text);
    g_assert_cmpstr(text, ==, "a.test:8080");
}

static void
test_texts(void)
{
    for (guint i = 0; i < OSH_AUTHORITY_N_ERRORS; i++)
        g_assert_cmpstr(osh_authority_error_text((OshAuthorityError)i), !=, "unknown error");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/authority/CONNECT targets have one reading or none", test_connect);
    g_test_add_func("/authority/a NUL never hides the rest of a host", test_nul);
    g_test_add_func("/authority/a default port makes the port optional", test_default_port);
    g_test_add_func("/authority/absolute-form targets have one reading or none", test_targets);
    g_test_add_func("/authority/hosts are equal when they mean the same host", test_equal);
    g_test_add_func("/authority/what is parsed can be written again", test_format);
    g_test_add_func("/authority/every error has its own words", test_texts);
    return g_test_run();
}
