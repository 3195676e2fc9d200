/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClientHello messages of OpenSSL, whole, byte by byte and over several records, and messages made
 * by hand that no server would take.
 */
#include "client-hello.h"

#include <openssl/ssl.h>
#include <string.h>

static GByteArray *
hello_of_openssl(const char *name, const char *alpn, gsize alpn_length)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    BIO *out = BIO_new(BIO_s_mem());
    GByteArray *bytes = g_byte_array_new();
    char *data;
    long length;

    if (name != NULL)
        SSL_set_tlsext_host_name(client, name);
    if (alpn != NULL)
        SSL_set_alpn_protos(client, (const guint8 *)alpn, (guint)alpn_length);
    SSL_set_bio(client, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(client);
    SSL_do_handshake(client);
    length = BIO_get_mem_data(out, &data);
    g_byte_array_append(bytes, (const guint8 *)data, (guint)length);
    SSL_free(client);
    SSL_CTX_free(context);
    return bytes;
}

/* The same message in records of at most @size bytes. */
static GByteArray *
in_records(const GByteArray *whole, guint size)
{
    GByteArray *bytes = g_byte_array_new();

    for (guint at = 5; at < whole->len; at += size) {
        guint length = MIN(size, whole->len - at);
        guint8 header[5] = {22, 3, 1, (guint8)(length >> 8), (guint8)length};

        g_byte_array_append(bytes, header, sizeof header);
        g_byte_array_append(bytes, whole->data + at, length);
    }
    return bytes;
}

static OshClientHelloResult
parse(const GByteArray *bytes, OshClientHello *hello)
{
    return osh_client_hello_parse(bytes->data, bytes->len, hello);
}

static void
assert_example(const OshClientHello *hello)
{
    g_assert_cmpstr(hello->name, ==, "api.example.com");
    g_assert_true(hello->has_alpn);
    g_assert_cmpuint(hello->n_protocols, ==, 2);
    g_assert_cmpmem(hello->protocols[0].data, hello->protocols[0].length, "h2", 2);
    g_assert_cmpmem(hello->protocols[1].data, hello->protocols[1].length, "http/1.1", 8);
    g_assert_false(hello->encrypted);
}

#define BOTH "\x02h2\x08http/1.1"

static void
test_a_message_of_openssl(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl("API.Example.com.", BOTH, sizeof BOTH - 1);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    assert_example(hello);
}

static void
test_byte_by_byte_is_the_same(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl("api.example.com", BOTH, sizeof BOTH - 1);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    for (guint length = 0; length < bytes->len; length++)
        g_assert_cmpint(osh_client_hello_parse(bytes->data, length, hello), ==,
                        OSH_CLIENT_HELLO_NEED_MORE);
    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    assert_example(hello);
}

static void
test_over_several_records_is_the_same(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl("api.example.com", BOTH, sizeof BOTH - 1);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);
    static const guint sizes[] = {1, 2, 3, 4, 5, 50, 200};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GByteArray) pieces = in_records(bytes, sizes[i]);

        for (guint length = 0; length < pieces->len; length++)
            g_assert_cmpint(osh_client_hello_parse(pieces->data, length, hello), ==,
                            OSH_CLIENT_HELLO_NEED_MORE);
        g_assert_cmpint(parse(pieces, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
        assert_example(hello);
    }
}

/* A server ignores it, so it must not hide a name. */
static void
test_the_version_of_a_record_means_nothing(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl("api.example.com", BOTH, sizeof BOTH - 1);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    for (guint version = 0; version < 0x1000; version++) {
        bytes->data[1] = (guint8)(version >> 8);
        bytes->data[2] = (guint8)version;
        g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
        assert_example(hello);
    }
}

static void
test_without_a_name(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl(NULL, NULL, 0);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    g_assert_cmpstr(hello->name, ==, "");
    g_assert_false(hello->has_alpn);
}

static const struct {
    const char *bytes;
    gsize length;
    OshClientHelloResult result;
} beginnings[] = {
    {"", 0, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16", 1, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16\x03", 2, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16\x03\x01", 3, OSH_CLIENT_HELLO_NEED_MORE},
    {"G", 1, OSH_CLIENT_HELLO_OTHER},
    {"\x15", 1, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x15\x03", 2, OSH_CLIENT_HELLO_MALFORMED}, /* an alert, which some servers pass over */
    {"\x14\x03\x03\x00\x01\x01", 6, OSH_CLIENT_HELLO_MALFORMED},
    {"\x15\x10", 2, OSH_CLIENT_HELLO_OTHER},
    {"\x17\x03\x03", 3, OSH_CLIENT_HELLO_OTHER},
    {"\x16\x02", 2, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16\x0f", 2, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16\x10", 2, OSH_CLIENT_HELLO_OTHER},
    {"\x16\x03\x05", 3, OSH_CLIENT_HELLO_NEED_MORE},
    {"\x16\x03\xff", 3, OSH_CLIENT_HELLO_NEED_MORE},
    {"SSH-2.0-x", 9, OSH_CLIENT_HELLO_OTHER},
    {"\x16\x03\x01\x00\x00", 5, OSH_CLIENT_HELLO_MALFORMED},
    {"\x16\x03\x01\x40\x01", 5, OSH_CLIENT_HELLO_MALFORMED},
    {"\x16\x03\x01\x00\x04\x02", 6, OSH_CLIENT_HELLO_MALFORMED}, /* a ServerHello */
    {"\x16\x03\x01\x00\x04\x01\x00\x40\x00", 9, OSH_CLIENT_HELLO_MALFORMED},
    {"\x16\x03\x01\x00\x01\x01\x17\x03\x03", 9, OSH_CLIENT_HELLO_MALFORMED},
};

static void
test_first_bytes_tell_what_it_is(void)
{
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    for (gsize i = 0; i < G_N_ELEMENTS(beginnings); i++)
        g_assert_cmpint(osh_client_hello_parse((const guint8 *)beginnings[i].bytes,
                                               beginnings[i].length, hello),
                        ==, beginnings[i].result);
}

/* A TLS 1.2 ClientHello with these extensions, and @rest bytes behind them. */
static OshClientHelloResult
parse_with_rest(const char *extensions, gsize length, gsize rest, OshClientHello *hello)
{
    static const guint8 zeros[8];
    static const guint8 front[] = {3, 3, [34] = 0, 0, 2, 0x13, 0x01, 1, 0};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint size = (guint)(sizeof front + 2 + length + rest);
    guint8 headers[9] = {
        22,          3, 1, (guint8)((size + 4) >> 8), (guint8)(size + 4), 1, 0, (guint8)(size >> 8),
        (guint8)size};
    guint8 count[2] = {(guint8)(length >> 8), (guint8)length};

    g_byte_array_append(bytes, headers, sizeof headers);
    g_byte_array_append(bytes, front, sizeof front);
    g_byte_array_append(bytes, count, sizeof count);
    g_byte_array_append(bytes, (const guint8 *)extensions, (guint)length);
    g_byte_array_append(bytes, zeros, (guint)rest);
    return parse(bytes, hello);
}

static OshClientHelloResult
parse_extensions(const char *extensions, gsize length, OshClientHello *hello)
{
    return parse_with_rest(extensions, length, 0, hello);
}

#define NAME(text) "\x00\x00\x00\x08\x00\x06\x00\x00\x03" text

static const struct {
    const char *bytes;
    gsize length;
    OshClientHelloResult result;
} extensions[] = {
#define ROW(text, result)                                                                          \
    {                                                                                              \
        text, sizeof text - 1, OSH_CLIENT_HELLO_##result                                           \
    }
    ROW("", COMPLETE),
    ROW(NAME("a.b"), COMPLETE),
    ROW(NAME("a.b") NAME("a.b"), MALFORMED),
    ROW(NAME("a b"), MALFORMED),
    ROW(NAME("a\x00"
             "b"),
        MALFORMED),
    ROW(NAME("..b"), MALFORMED),
    ROW(NAME("a.."), MALFORMED),
    ROW(NAME("\xc3\xa9"
             "b"),
        MALFORMED),
    ROW("\x00\x00\x00\x00", MALFORMED),
    ROW("\x00\x00\x00\x02\x00\x00", MALFORMED),
    ROW("\x00\x00\x00\x05\x00\x03\x00\x00\x00", MALFORMED),               /* an empty name */
    ROW("\x00\x00\x00\x06\x00\x04\x01\x00\x01x", MALFORMED),              /* of another type */
    ROW("\x00\x00\x00\x0a\x00\x08\x00\x00\x01x\x00\x00\x01y", MALFORMED), /* two names */
    ROW("\x00\x10\x00\x05\x00\x03\x02h2", COMPLETE),
    ROW("\x00\x10\x00\x02\x00\x00", MALFORMED),
    ROW("\x00\x10\x00\x03\x00\x01\x00", MALFORMED),
    ROW("\x00\x10\x00\x05\x00\x03\x03h2", MALFORMED),
    ROW("\x00\x10\x00\x06\x00\x03\x02h2x", MALFORMED),
    ROW("\xfe\x0d\x00\x01x", COMPLETE),
    ROW("\x00\x0a\x00\x02x", MALFORMED),
    ROW("\x00", MALFORMED),
#undef ROW
};

static void
test_extensions_that_two_readers_could_take_for_two_things_are_malformed(void)
{
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    for (gsize i = 0; i < G_N_ELEMENTS(extensions); i++) {
        OshClientHelloResult result =
            parse_extensions(extensions[i].bytes, extensions[i].length, hello);

        if (result != extensions[i].result)
            g_error("row %" G_GSIZE_FORMAT ": %d, not %d", i, result, extensions[i].result);
    }
}

/* The length of the message says that they belong to it; the length of the extensions does not. */
static void
test_bytes_behind_the_extensions_are_malformed(void)
{
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    g_assert_cmpint(parse_with_rest(NAME("a.b"), 12, 4, hello), ==, OSH_CLIENT_HELLO_MALFORMED);
    g_assert_cmpint(parse_with_rest("", 0, 1, hello), ==, OSH_CLIENT_HELLO_MALFORMED);
}

/* However much of it is there: otherwise the end of a read would decide what it is. */
static void
test_a_record_that_is_longer_than_its_message_is_malformed(void)
{
    g_autoptr(GByteArray) bytes = hello_of_openssl("api.example.com", NULL, 0);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);
    guint length = bytes->len;

    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    g_assert_cmpuint(hello->size, ==, length);
    g_assert_true(hello->may_be_retried);
    bytes->data[4]++;
    g_assert_cmpint(osh_client_hello_parse(bytes->data, length - 1, hello), ==,
                    OSH_CLIENT_HELLO_NEED_MORE);
    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_MALFORMED);
    g_byte_array_append(bytes, (const guint8 *)"x", 1);
    g_assert_cmpint(parse(bytes, hello), ==, OSH_CLIENT_HELLO_MALFORMED);
}

static void
test_an_encrypted_hello_is_told(void)
{
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    g_assert_cmpint(parse_extensions("\xfe\x0d\x00\x01x", 5, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    g_assert_true(hello->encrypted);
}

static void
test_more_protocols_than_are_kept_are_no_error(void)
{
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_len(text, "\x00\x10\x00\x2a\x00\x28", 6);
    for (guint i = 0; i < 20; i++)
        g_string_append(text, "\x01p");
    g_assert_cmpint(parse_extensions(text->str, text->len, hello), ==, OSH_CLIENT_HELLO_COMPLETE);
    g_assert_cmpuint(hello->n_protocols, ==, OSH_CLIENT_HELLO_PROTOCOLS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/client-hello/a-message-of-openssl", test_a_message_of_openssl);
    g_test_add_func("/network/client-hello/byte-by-byte-is-the-same",
                    test_byte_by_byte_is_the_same);
    g_test_add_func("/network/client-hello/over-several-records-is-the-same",
                    test_over_several_records_is_the_same);
    g_test_add_func("/network/client-hello/the-version-of-a-record-means-nothing",
                    test_the_version_of_a_record_means_nothing);
    g_test_add_func("/network/client-hello/without-a-name", test_without_a_name);
    g_test_add_func("/network/client-hello/first-bytes-tell-what-it-is",
                    test_first_bytes_tell_what_it_is);
    g_test_add_func("/network/client-hello/ambiguous-extensions-are-malformed",
                    test_extensions_that_two_readers_could_take_for_two_things_are_malformed);
    g_test_add_func("/network/client-hello/bytes-behind-the-extensions-are-malformed",
                    test_bytes_behind_the_extensions_are_malformed);
    g_test_add_func("/network/client-hello/a-record-longer-than-its-message-is-malformed",
                    test_a_record_that_is_longer_than_its_message_is_malformed);
    g_test_add_func("/network/client-hello/an-encrypted-hello-is-told",
                    test_an_encrypted_hello_is_told);
    g_test_add_func("/network/client-hello/more-protocols-than-are-kept-are-no-error",
                    test_more_protocols_than_are_kept_are_no_error);
    return g_test_run();
}
