/* SPDX-License-Identifier: Apache-2.0 */
/* The authority of a run: what OpenSSL itself reads back from its PEM. */
#include "certificate-authority.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static X509 *
read_certificate(const char *pem)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL);

    BIO_free(memory);
    g_assert_nonnull(certificate);
    return certificate;
}

static void
test_certificate_signs_leaves_and_nothing_else(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshCertificateAuthority) authority = osh_certificate_authority_new(NULL, &error);
    g_autofree char *subject = NULL;
    X509 *certificate;
    char *line;

    g_assert_no_error(error);
    certificate = read_certificate(osh_certificate_authority_pem(authority));
    line = X509_NAME_oneline(X509_get_subject_name(certificate), NULL, 0);
    subject = g_strdup(line);
    OPENSSL_free(line);
    g_assert_cmpstr(subject, ==, "/CN=OpenShell Sandbox CA/O=OpenShell");
    g_assert_cmpint(X509_check_ca(certificate), ==, 1);
    g_assert_cmpint(X509_get_pathlen(certificate), ==, 0);
    g_assert_cmpuint(X509_get_key_usage(certificate), ==, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    g_assert_cmpint(X509_cmp_current_time(X509_get0_notBefore(certificate)), <, 0);
    g_assert_cmpint(X509_cmp_current_time(X509_get0_notAfter(certificate)), >, 0);
    g_assert_cmpint(X509_verify(certificate, X509_get0_pubkey(certificate)), ==, 1);
    X509_free(certificate);
}

/* RFC 5280 section 4.2.1.13 */
static void
test_certificate_says_where_its_list_is(void)
{
    g_autoptr(OshCertificateAuthority) authority =
        osh_certificate_authority_new("http://list.test/run.crl", NULL);
    X509 *certificate = read_certificate(osh_certificate_authority_pem(authority));
    CRL_DIST_POINTS *points =
        X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    GENERAL_NAMES *names;

    g_assert_cmpint(sk_DIST_POINT_num(points), ==, 1);
    names = sk_DIST_POINT_value(points, 0)->distpoint->name.fullname;
    g_assert_cmpint(sk_GENERAL_NAME_num(names), ==, 1);
    g_assert_cmpstr((const char *)ASN1_STRING_get0_data(
                        sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier),
                    ==, "http://list.test/run.crl");
    g_assert_true(osh_certificate_authority_signs_lists(authority));
    CRL_DIST_POINTS_free(points);
    X509_free(certificate);
}

static void
test_each_run_has_its_own(void)
{
    g_autoptr(OshCertificateAuthority) first = osh_certificate_authority_new(NULL, NULL);
    g_autoptr(OshCertificateAuthority) second = osh_certificate_authority_new(NULL, NULL);

    g_assert_cmpstr(osh_certificate_authority_pem(first), !=,
                    osh_certificate_authority_pem(second));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/authority/certificate-signs-leaves-and-nothing-else",
                    test_certificate_signs_leaves_and_nothing_else);
    g_test_add_func("/network/authority/certificate-says-where-its-list-is",
                    test_certificate_says_where_its_list_is);
    g_test_add_func("/network/authority/each-run-has-its-own", test_each_run_has_its_own);
    return g_test_run();
}
