/* SPDX-License-Identifier: Apache-2.0 */
/* Each program has its own words. */
#include "trust-hint.h"

static const struct {
    const char *binary;
    const char *hint;
} rows[] = {
    {"/usr/bin/curl", "set CURL_CA_BUNDLE=/run/openshell/ca-bundle.pem and give no --cacert"},
    {"/usr/lib/git-core/git-remote-http", "set GIT_SSL_CAINFO=/run/openshell/ca-bundle.pem"},
    {"/usr/bin/node", "set NODE_EXTRA_CA_CERTS=/run/openshell/openshell-ca.pem"},
    {"/usr/bin/python3.11",
     "set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to /run/openshell/ca-bundle.pem"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
     "set JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=/run/openshell/ca-bundle.p12 "
     "-Djavax.net.ssl.trustStoreType=PKCS12'"},
    {"/usr/bin/wget", "give it --ca-certificate=/run/openshell/ca-bundle.pem"},
    {"/home/me/tool",
     "set SSL_CERT_FILE=/run/openshell/ca-bundle.pem, or add it to its own trust store"},
    {"", "set SSL_CERT_FILE=/run/openshell/ca-bundle.pem, or add it to its own trust store"},
};

static void
test_each_program_has_its_setting(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *hint = osh_trust_hint(rows[i].binary, TRUE);

        g_assert_cmpstr(hint, ==, rows[i].hint);
    }
}

/* The files of a box are nowhere else. */
static void
test_without_a_box_no_file_is_named(void)
{
    g_autofree char *hint = osh_trust_hint("/usr/bin/curl", FALSE);

    g_assert_cmpstr(hint, ==,
                    "set CURL_CA_BUNDLE=a file with the proxy's certificate authority "
                    "(network.authority-folder writes one) and give no --cacert");
}

static void
test_some_look_when_the_handshake_is_done(void)
{
    g_assert_true(osh_trust_is_judged_late("/usr/bin/node"));
    g_assert_true(osh_trust_is_judged_late("/usr/bin/wget"));
    g_assert_false(osh_trust_is_judged_late("/usr/bin/curl"));
    g_assert_false(osh_trust_is_judged_late(""));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/trust-hint/each-program-has-its-setting",
                    test_each_program_has_its_setting);
    g_test_add_func("/network/trust-hint/without-a-box-no-file-is-named",
                    test_without_a_box_no_file_is_named);
    g_test_add_func("/network/trust-hint/some-look-when-the-handshake-is-done",
                    test_some_look_when_the_handshake_is_done);
    return g_test_run();
}
