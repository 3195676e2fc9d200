/* SPDX-License-Identifier: Apache-2.0 */
/* What a box gets so that its programs find proxy, resolver and authority of their own accord. */
#include "launch-contribution.h"

#include "network.h"
#include "osh-destination.h"

#include <string.h>

typedef struct {
    OshNetwork network;
    OshRunAuthority authority;
    OshLaunchContribution contribution;
    GHashTable *variables;
    GHashTable *files;
} Launch;

static gboolean
set_variable(gpointer handle, const char *name, const char *value)
{
    Launch *launch = handle;

    g_assert_true(g_hash_table_insert(launch->variables, g_strdup(name), g_strdup(value)));
    return TRUE;
}

static gboolean
add_file(gpointer handle, const char *path, const char *content, gsize length, guint32 mode)
{
    Launch *launch = handle;

    g_assert_cmpuint(mode, ==, 0444);
    g_assert_true(g_hash_table_insert(launch->files, g_strdup(path), g_bytes_new(content, length)));
    return TRUE;
}

static const char *
resolver_address(gpointer instance)
{
    return instance;
}

static const OshSandboxNetInterface net_vtable = {
    .struct_size = sizeof(OshSandboxNetInterface),
    .resolver_address = resolver_address,
};

static const char own_names[] =
    "localhost,127.0.0.1,127.0.0.0/8,0.0.0.0,::1,[::1],.localhost,inside";

static void
launch_begin_with(Launch *launch, const char *proxy, const char *resolver, gboolean java,
                  gboolean authority)
{
    *launch = (Launch){0};
    launch->contribution.network = &launch->network;
    launch->contribution.authority = &launch->authority;
    launch->contribution.java = java;
    if (authority) {
        launch->authority.functions = &osh_tls_module_v1;
        launch->authority.engine = osh_tls_engine_new(NULL, NULL);
    }
    launch->network.has_box = proxy != NULL;
    if (resolver != NULL)
        launch->network.sandbox_net = (OshInterface){"test", &net_vtable, (gpointer)resolver};
    if (proxy != NULL) {
        g_assert_true(osh_address_mapped_parse(proxy, &launch->contribution.proxy_address));
        launch->contribution.proxy_port = 3128;
    }
    launch->variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    launch->files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);

    const OshContributionBuilder builder = {sizeof builder, launch, set_variable, add_file};
    const OshBoxInfo box = {.struct_size = sizeof box, .hostname = "inside"};

    g_assert_true(
        osh_launch_contribution_vtable.contribute(&launch->contribution, &box, &builder, NULL));
}

static void
launch_begin(Launch *launch, const char *proxy, const char *resolver, gboolean java)
{
    launch_begin_with(launch, proxy, resolver, java, proxy != NULL);
}

static void
launch_end(Launch *launch)
{
    g_hash_table_unref(launch->variables);
    g_hash_table_unref(launch->files);
    osh_run_authority_clear(&launch->authority);
}

static void
assert_variable(const Launch *launch, const char *name, const char *value)
{
    g_assert_cmpstr(g_hash_table_lookup(launch->variables, name), ==, value);
}

static char *
file_text(const Launch *launch, const char *path)
{
    GBytes *bytes = g_hash_table_lookup(launch->files, path);

    if (bytes == NULL)
        return NULL;
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
assert_file(const Launch *launch, const char *path, const char *text)
{
    g_autofree char *got = file_text(launch, path);

    g_assert_cmpstr(got, ==, text);
}

static void
test_every_proxy_variable_names_the_proxy(void)
{
    static const char *const proxies[] = {"HTTP_PROXY",  "http_proxy", "HTTPS_PROXY",
                                          "https_proxy", "ALL_PROXY",  "grpc_proxy"};
    static const struct {
        const char *address;
        const char *url;
    } rows[] = {{"169.254.1.1", "http://169.254.1.1:3128"}, {"fd00::1", "http://[fd00::1]:3128"}};

    for (gsize row = 0; row < G_N_ELEMENTS(rows); row++) {
        Launch launch;

        launch_begin(&launch, rows[row].address, "169.254.1.2", TRUE);
        for (gsize i = 0; i < G_N_ELEMENTS(proxies); i++)
            assert_variable(&launch, proxies[i], rows[row].url);
        assert_variable(&launch, "NO_PROXY", own_names);
        assert_variable(&launch, "no_proxy", own_names);
        assert_variable(&launch, "NODE_USE_ENV_PROXY", "1");
        launch_end(&launch);
    }
}

static void
test_names_are_the_resolver_s(void)
{
    Launch launch;

    launch_begin(&launch, "169.254.1.1", "169.254.1.2", TRUE);
    assert_file(&launch, "/etc/resolv.conf", "nameserver 169.254.1.2\n");
    launch_end(&launch);
    launch_begin(&launch, "169.254.1.1", NULL, TRUE);
    g_assert_null(g_hash_table_lookup(launch.files, "/etc/resolv.conf"));
    launch_end(&launch);
}

static void
test_programs_trust_the_authority(void)
{
    static const char *const bundles[] = {
        "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",    "GIT_SSL_CAINFO",
        "PIP_CERT",      "AWS_CA_BUNDLE",      "NIX_SSL_CERT_FILE", "npm_config_cafile"};
    static const char *const alone[] = {"NODE_EXTRA_CA_CERTS", "DENO_CERT"};
    Launch launch;
    g_autofree char *bundle = NULL;
    const char *pem;

    launch_begin(&launch, "169.254.1.1", "169.254.1.2", TRUE);
    pem = osh_run_authority_pem(&launch.authority);
    for (gsize i = 0; i < G_N_ELEMENTS(bundles); i++)
        assert_variable(&launch, bundles[i], "/run/openshell/ca-bundle.pem");
    for (gsize i = 0; i < G_N_ELEMENTS(alone); i++)
        assert_variable(&launch, alone[i], "/run/openshell/openshell-ca.pem");
    assert_file(&launch, "/run/openshell/openshell-ca.pem", pem);
    bundle = file_text(&launch, "/run/openshell/ca-bundle.pem");
    g_assert_nonnull(strstr(bundle, pem));
    g_assert_nonnull(g_hash_table_lookup(launch.files, "/run/openshell/ca-bundle.p12"));
    g_assert_nonnull(strstr(g_hash_table_lookup(launch.variables, "JAVA_TOOL_OPTIONS"),
                            "trustStore=/run/openshell/ca-bundle.p12"));
    assert_variable(&launch, "SYSTEM_WGETRC", "/run/openshell/wgetrc");
    assert_file(&launch, "/run/openshell/wgetrc",
                "ca_certificate = /run/openshell/ca-bundle.pem\n");
    launch_end(&launch);
}

static void
test_without_an_authority_nothing_is_said_of_one(void)
{
    Launch launch;
    GHashTableIter iter;
    gpointer name, value;

    launch_begin_with(&launch, "169.254.1.1", "169.254.1.2", TRUE, FALSE);
    g_hash_table_iter_init(&iter, launch.variables);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        g_assert_null(strstr(value, "/run/openshell"));
        g_assert_null(strstr(name, "CERT"));
        g_assert_null(strstr(name, "CA_"));
        g_assert_null(strstr(name, "JAVA"));
    }
    g_hash_table_iter_init(&iter, launch.files);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_assert_false(g_str_has_prefix(name, "/run/openshell"));
    assert_variable(&launch, "HTTPS_PROXY", "http://169.254.1.1:3128");
    launch_end(&launch);
}

static void
test_java_may_be_left_alone(void)
{
    Launch launch;

    launch_begin(&launch, "169.254.1.1", "169.254.1.2", FALSE);
    assert_variable(&launch, "JAVA_TOOL_OPTIONS", NULL);
    g_assert_null(g_hash_table_lookup(launch.files, "/run/openshell/ca-bundle.p12"));
    assert_variable(&launch, "SSL_CERT_FILE", "/run/openshell/ca-bundle.pem");
    launch_end(&launch);
}

static void
test_without_a_box_nothing_is_asked_for(void)
{
    Launch launch;

    launch_begin(&launch, NULL, NULL, TRUE);
    g_assert_cmpuint(g_hash_table_size(launch.variables), ==, 0);
    g_assert_cmpuint(g_hash_table_size(launch.files), ==, 0);
    launch_end(&launch);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/launch/every-proxy-variable-names-the-proxy",
                    test_every_proxy_variable_names_the_proxy);
    g_test_add_func("/network/launch/names-are-the-resolver's", test_names_are_the_resolver_s);
    g_test_add_func("/network/launch/programs-trust-the-authority",
                    test_programs_trust_the_authority);
    g_test_add_func("/network/launch/without-an-authority-nothing-is-said-of-one",
                    test_without_an_authority_nothing_is_said_of_one);
    g_test_add_func("/network/launch/java-may-be-left-alone", test_java_may_be_left_alone);
    g_test_add_func("/network/launch/without-a-box-nothing-is-asked-for",
                    test_without_a_box_nothing_is_asked_for);
    return g_test_run();
}
