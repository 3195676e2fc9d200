/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment and files that make programs of a box use its proxy listener and resolver of their
 * own accord. Those that do not are captured all the same, so nothing here is a protection.
 */
#include "launch-contribution.h"

#include "authority-files.h"
#include "certificate-bundle.h"
#include "osh-destination.h"
#include "trust-store.h"

#include <string.h>

#define WGETRC_FILE "/run/openshell/wgetrc"

/* The box's own addresses, which the proxy refuses; not every client reads all of these forms. */
#define OWN_ADDRESSES "localhost,127.0.0.1,127.0.0.0/8,0.0.0.0,::1,[::1],.localhost"

static void
contribute_resolver(const OshContributionBuilder *builder, const char *resolver)
{
    g_autofree char *content = g_strdup_printf("nameserver %s\n", resolver);

    osh_contribution_add_file(builder, "/etc/resolv.conf", content, strlen(content), 0444);
}

/* Java reads no PEM and no variable of its own, but for the one that adds options to every JVM. */
static void
contribute_java(const OshContributionBuilder *builder, const char *bundle)
{
    g_autoptr(GBytes) store = osh_trust_store_new(bundle);
    gsize length;
    const void *bytes = g_bytes_get_data(store, &length);

    osh_contribution_add_file(builder, OSH_JAVA_FILE, bytes, length, 0444);
    osh_contribution_set_variable(builder, "JAVA_TOOL_OPTIONS",
                                  "-Djavax.net.ssl.trustStore=" OSH_JAVA_FILE
                                  " -Djavax.net.ssl.trustStoreType=PKCS12");
}

/* Wget has no variable for authorities, but one for a file that it reads in place of /etc/wgetrc.
 * The lines of that file are not copied, since the policy may keep it from the box. */
static void
contribute_wget(const OshContributionBuilder *builder)
{
    static const char content[] = "ca_certificate = " OSH_BUNDLE_FILE "\n";

    osh_contribution_add_file(builder, WGETRC_FILE, content, strlen(content), 0444);
    osh_contribution_set_variable(builder, "SYSTEM_WGETRC", WGETRC_FILE);
}

static void
contribute_authority(const char *pem, const OshContributionBuilder *builder, gboolean java)
{
    /* OpenSSL and what follows it, Python, curl, git, then those that look nowhere else. */
    static const char *const bundle_names[] = {
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "AWS_CA_BUNDLE",
        "BUNDLE_SSL_CA_CERT",
        "CARGO_HTTP_CAINFO",
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "HEX_CACERTS_PATH",
        "NIX_SSL_CERT_FILE",
        "PERL_LWP_SSL_CA_FILE",
        "PIP_CERT",
        /* Node is told of the authority below, but npm of what its configuration names alone. */
        "npm_config_cafile",
    };
    g_autofree char *bundle = osh_certificate_bundle(pem, osh_certificate_roots_of_host());

    osh_contribution_add_file(builder, OSH_AUTHORITY_FILE, pem, strlen(pem), 0444);
    osh_contribution_add_file(builder, OSH_BUNDLE_FILE, bundle, strlen(bundle), 0444);
    osh_contribution_set_variable(builder, "NODE_EXTRA_CA_CERTS", OSH_AUTHORITY_FILE);
    osh_contribution_set_variable(builder, "DENO_CERT", OSH_AUTHORITY_FILE);
    for (gsize i = 0; i < G_N_ELEMENTS(bundle_names); i++)
        osh_contribution_set_variable(builder, bundle_names[i], OSH_BUNDLE_FILE);
    contribute_wget(builder);
    if (java)
        contribute_java(builder, bundle);
}

static gboolean
contribution_contribute(gpointer instance, const OshBoxInfo *box,
                        const OshContributionBuilder *builder, GError **error)
{
    static const char *const proxy_names[] = {
        "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy",
    };
    const OshLaunchContribution *contribution = instance;
    const char *pem = osh_run_authority_pem(contribution->authority);
    const char *resolver = osh_sandbox_net_resolver_address(&contribution->network->sandbox_net);

    (void)error;
    if (contribution->proxy_port != 0) {
        g_autofree char *address = osh_address_text(&contribution->proxy_address);
        gboolean v4 = IN6_IS_ADDR_V4MAPPED(&contribution->proxy_address);
        const char *hostname = osh_box_info_hostname(box);
        g_autofree char *direct =
            g_strconcat(OWN_ADDRESSES, hostname != NULL ? "," : NULL, hostname, NULL);
        g_autofree char *url = g_strdup_printf(v4 ? "http://%s:%u" : "http://[%s]:%u", address,
                                               contribution->proxy_port);

        for (gsize i = 0; i < G_N_ELEMENTS(proxy_names); i++)
            osh_contribution_set_variable(builder, proxy_names[i], url);
        osh_contribution_set_variable(builder, "NO_PROXY", direct);
        osh_contribution_set_variable(builder, "no_proxy", direct);
        osh_contribution_set_variable(builder, "NODE_USE_ENV_PROXY", "1");
    }
    if (resolver != NULL)
        contribute_resolver(builder, resolver);
    if (pem != NULL)
        contribute_authority(pem, builder, contribution->java);
    return TRUE;
}

const OshLaunchContributorInterface osh_launch_contribution_vtable = {
    .struct_size = sizeof(OshLaunchContributorInterface),
    .contribute = contribution_contribute,
};
