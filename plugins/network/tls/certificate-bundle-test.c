/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle of a run, with an authority that OpenSSL made. */
#include "certificate-bundle.h"

#include "certificate-authority.h"

#include <string.h>
#include <unistd.h>

static void
test_bundle_holds_it_and_the_roots_and_no_key(void)
{
    g_autoptr(OshCertificateAuthority) authority = osh_certificate_authority_new(NULL, NULL);
    g_autofree char *bundle =
        osh_certificate_bundle(osh_certificate_authority_pem(authority), NULL);

    g_assert_true(g_str_has_prefix(bundle, osh_certificate_authority_pem(authority)));
    if (g_file_test("/etc/ssl/certs/ca-certificates.crt", G_FILE_TEST_EXISTS))
        g_assert_nonnull(strstr(bundle + 30, "-----BEGIN CERTIFICATE-----"));
    g_assert_null(strstr(bundle, "PRIVATE KEY"));
    g_assert_null(strstr(bundle, "----------BEGIN"));
}

/* The host's own SSL_CERT_FILE, in place of the system's. */
static void
test_what_the_host_names_is_taken_instead(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "osh-roots-XXXXXX", NULL);
    g_autofree char *bundle = NULL;
    g_autofree char *missing = NULL;
    int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(path, "roots of the test\n", -1, NULL));
    bundle = osh_certificate_bundle("authority\n", path);
    g_assert_cmpstr(bundle, ==, "authority\nroots of the test\n");
    unlink(path);
    missing = osh_certificate_bundle("authority\n", path);
    g_assert_cmpstr(missing, ==, "authority\n");
}

/* One line that names the file and the setting. */
static void
test_without_a_root_there_is_a_reason(void)
{
    static const char certificate[] = "-----BEGIN CERTIFICATE-----\nAA==\n";
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "osh-roots-XXXXXX", NULL);
    g_autoptr(GError) empty = NULL;
    g_autoptr(GError) other = NULL;
    g_autoptr(GError) absent = NULL;
    int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_false(osh_certificate_roots_check(path, NULL, &empty));
    g_assert_nonnull(strstr(empty->message, path));
    g_assert_nonnull(strstr(empty->message, "SSL_CERT_FILE"));
    g_assert_true(g_file_set_contents(path, "garbage\n", -1, NULL));
    g_assert_false(osh_certificate_roots_check(NULL, path, &other));
    g_assert_nonnull(strstr(other->message, "network.upstream-ca names, has no certificate"));
    g_assert_true(g_file_set_contents(path, certificate, -1, NULL));
    g_assert_true(osh_certificate_roots_check(path, NULL, NULL));
    g_assert_true(osh_certificate_roots_check(NULL, path, NULL));
    unlink(path);
    g_assert_false(osh_certificate_roots_check(path, NULL, &absent));
    g_assert_nonnull(strstr(absent->message, "is not there"));
}

static void
test_an_empty_variable_names_nothing(void)
{
    g_unsetenv("SSL_CERT_FILE");
    g_assert_null(osh_certificate_roots_of_host());
    g_setenv("SSL_CERT_FILE", "", TRUE);
    g_assert_null(osh_certificate_roots_of_host());
    g_setenv("SSL_CERT_FILE", "/roots", TRUE);
    g_assert_cmpstr(osh_certificate_roots_of_host(), ==, "/roots");
    g_unsetenv("SSL_CERT_FILE");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/bundle/holds-the-authority-and-the-roots-and-no-key",
                    test_bundle_holds_it_and_the_roots_and_no_key);
    g_test_add_func("/network/bundle/what-the-host-names-is-taken-instead",
                    test_what_the_host_names_is_taken_instead);
    g_test_add_func("/network/bundle/without-a-root-there-is-a-reason",
                    test_without_a_root_there_is_a_reason);
    g_test_add_func("/network/bundle/an-empty-variable-names-nothing",
                    test_an_empty_variable_names_nothing);
    return g_test_run();
}
