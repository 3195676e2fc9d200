/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle of a run, with an authority that OpenSSL made. */
#include "certificate-bundle.h"

#include "certificate-authority.h"

#include <string.h>

static void
test_bundle_holds_it_and_the_roots_and_no_key(void)
{
    g_autoptr(OshCertificateAuthority) authority = osh_certificate_authority_new(NULL);
    g_autofree char *bundle = osh_certificate_bundle(osh_certificate_authority_pem(authority));

    g_assert_true(g_str_has_prefix(bundle, osh_certificate_authority_pem(authority)));
    if (g_file_test("/etc/ssl/certs/ca-certificates.crt", G_FILE_TEST_EXISTS))
        g_assert_nonnull(strstr(bundle + 30, "-----BEGIN CERTIFICATE-----"));
    g_assert_null(strstr(bundle, "PRIVATE KEY"));
    g_assert_null(strstr(bundle, "----------BEGIN"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/bundle/holds-the-authority-and-the-roots-and-no-key",
                    test_bundle_holds_it_and_the_roots_and_no_key);
    return g_test_run();
}
