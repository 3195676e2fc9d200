/* SPDX-License-Identifier: Apache-2.0 */
/* trust-store-test.c: OpenSSL reads back what was written, certificate by certificate. */
#include "trust-store.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "certificate-authority.h"

static STACK_OF(X509) * read_store(const char *pem)
{
    g_autoptr(GBytes) store = osh_trust_store_new(pem);
    gsize length;
    const unsigned char *bytes = g_bytes_get_data(store, &length);
    PKCS12 *file = d2i_PKCS12(NULL, &bytes, (long)length);
    STACK_OF(PKCS7) * safes;
    STACK_OF(X509) *certificates = sk_X509_new_null();

    g_assert_nonnull(file);
    safes = PKCS12_unpack_authsafes(file);
    g_assert_cmpint(sk_PKCS7_num(safes), ==, 1);
    {
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 0));

        for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++)
            sk_X509_push(certificates, PKCS12_SAFEBAG_get1_cert(sk_PKCS12_SAFEBAG_value(bags, i)));
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(file);
    return certificates;
}

static void
test_every_certificate_is_there(void)
{
    g_autoptr(OshCertificateAuthority) one = osh_certificate_authority_new(NULL, NULL);
    g_autoptr(OshCertificateAuthority) other = osh_certificate_authority_new(NULL, NULL);
    g_autofree char *pem =
        g_strconcat("# a comment\n", osh_certificate_authority_pem(one), "text between\n",
                    osh_certificate_authority_pem(other), NULL);
    const char *const pems[] = {osh_certificate_authority_pem(one),
                                osh_certificate_authority_pem(other)};
    STACK_OF(X509) *certificates = read_store(pem);

    g_assert_cmpint(sk_X509_num(certificates), ==, 2);
    for (int i = 0; i < 2; i++) {
        BIO *memory = BIO_new_mem_buf(pems[i], -1);
        X509 *expected = PEM_read_bio_X509(memory, NULL, NULL, NULL);

        g_assert_cmpint(X509_cmp(sk_X509_value(certificates, i), expected), ==, 0);
        X509_free(expected);
        BIO_free(memory);
    }
    sk_X509_pop_free(certificates, X509_free);
}

static void
test_broken_pem_is_left_out(void)
{
    static const char *const broken[] = {
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAAAAAAAAAAAAAA\n-----END CERTIFICATE-----\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
        STACK_OF(X509) *certificates = read_store(broken[i]);

        g_assert_cmpint(sk_X509_num(certificates), ==, 0);
        sk_X509_pop_free(certificates, X509_free);
    }
}

/* A SEQUENCE of @length bytes in all, as PEM. */
static char *
make_pem(gsize length)
{
    g_autofree guint8 *der = g_malloc0(length);
    g_autofree char *base64 = NULL;

    der[0] = 0x30;
    base64 = g_base64_encode(der, length);
    return g_strdup_printf("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", base64);
}

/* Each length around those that take another octet to be written, of whatever encloses it. */
static void
test_every_length_is_written_right(void)
{
    static const gsize around[] = {128, 256, 65536};

    for (gsize i = 0; i < G_N_ELEMENTS(around); i++)
        for (gsize length = around[i] > 200 ? around[i] - 200 : 5; length < around[i] + 5;
             length++) {
            g_autofree char *pem = make_pem(length);
            g_autoptr(GBytes) store = osh_trust_store_new(pem);
            gsize size;
            const unsigned char *bytes = g_bytes_get_data(store, &size);
            const unsigned char *end = bytes + size;
            PKCS12 *file = d2i_PKCS12(NULL, &bytes, (long)size);
            STACK_OF(PKCS7) * safes;
            STACK_OF(PKCS12_SAFEBAG) * bags;

            g_assert_nonnull(file);
            g_assert_true(bytes == end);
            safes = PKCS12_unpack_authsafes(file);
            g_assert_nonnull(safes);
            bags = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 0));
            g_assert_nonnull(bags);
            g_assert_cmpint(sk_PKCS12_SAFEBAG_num(bags), ==, 1);
            sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
            sk_PKCS7_pop_free(safes, PKCS7_free);
            PKCS12_free(file);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trust-store/every certificate is there", test_every_certificate_is_there);
    g_test_add_func("/trust-store/broken PEM is left out", test_broken_pem_is_left_out);
    g_test_add_func("/trust-store/every length is written right",
                    test_every_length_is_written_right);
    return g_test_run();
}
