/* SPDX-License-Identifier: Apache-2.0 */
/* The handling of an endpoint follows its bytes, and nothing else of it. */
#include "policy.h"

#include <string.h>

static OshPolicySnapshot *
load(const char *endpoint, const char *more)
{
    g_autofree char *yaml = g_strdup_printf("version: 1\nnetwork_policies:\n  web:\n"
                                            "    endpoints: [{%s}]\n"
                                            "    binaries: [{path: /usr/bin/curl}]\n%s",
                                            endpoint, more);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = yaml, .length = strlen(yaml), .file_name = "p.yaml", .generation = 1},
        diagnostics);

    if (snapshot == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
    return snapshot;
}

static guint64
handling(const char *endpoint)
{
    g_autoptr(OshPolicySnapshot) snapshot = load(endpoint, "");

    return osh_policy_endpoint_handling(osh_policy_endpoint(snapshot, 0));
}

static void
test_equal_for_what_only_decides(void)
{
    guint64 plain = handling("host: a.example.com, port: 443");

    g_assert_cmpuint(plain, ==, osh_policy_endpoint_handling(NULL));
    g_assert_cmpuint(plain, ==, handling("host: \"*.example.com\", ports: [80, 443]"));
    g_assert_cmpuint(plain, ==,
                     handling("host: a.example.com, port: 443, allowed_ips: [10.0.0.0/8]"));
    g_assert_cmpuint(handling("host: a.example.com, port: 443, protocol: rest, access: read-only"),
                     ==, handling("host: a.example.com, port: 443, protocol: rest, access: full"));
}

static void
test_differs_for_what_reaches_the_bytes(void)
{
    const guint64 all[] = {
        handling("host: a.example.com, port: 443"),
        handling("host: a.example.com, port: 443, tls: skip"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full"),
        handling("host: a.example.com, port: 443, protocol: sql, enforcement: audit, "
                 "access: full"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full, "
                 "request_body_credential_rewrite: true"),
        handling("host: a.example.com, port: 443, protocol: websocket, access: full"),
        handling("host: a.example.com, port: 443, protocol: websocket, access: full, "
                 "websocket_credential_rewrite: true"),
        handling("host: a.example.com, port: 443, allow_uninspected_credentials: true"),
        handling("host: a.example.com, port: 443, credential_binding: {provider: p}"),
        handling("host: a.example.com, port: 443, credential_binding: {provider: q}"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full, "
                 "credential_signing: sigv4, signing_service: s3"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full, "
                 "credential_signing: \"sigv4:body\", signing_service: s3"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full, "
                 "credential_signing: sigv4, signing_service: sqs"),
        handling("host: a.example.com, port: 443, protocol: rest, access: full, "
                 "credential_signing: sigv4, signing_service: s3, signing_region: eu-west-1"),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        for (gsize j = i + 1; j < G_N_ELEMENTS(all); j++)
            g_assert_cmpuint(all[i], !=, all[j]);
}

static void
test_what_is_looked_into(void)
{
    static const struct {
        const char *endpoint;
        const char *more;
        gboolean inspects;
    } rows[] = {
        {"host: a.example.com, port: 443", "", FALSE},
        {"host: a.example.com, port: 443, tls: skip", "", FALSE},
        {"host: a.example.com, port: 443, protocol: tcp", "", FALSE},
        {"host: a.example.com, port: 443, allowed_ips: [10.0.0.0/8]", "", FALSE},
        {"host: a.example.com, port: 443, protocol: rest, access: full", "", TRUE},
        {"host: a.example.com, port: 443, protocol: rest, tls: skip, access: full", "", FALSE},
        {"host: a.example.com, port: 443, protocol: sql, enforcement: audit, access: full", "",
         TRUE},
        {"host: a.example.com, port: 443, protocol: websocket, access: full", "", TRUE},
        {"host: b.example.com, port: 80}, {host: a.example.com, port: 443, protocol: rest, "
         "access: full",
         "", TRUE},
        {"host: a.example.com, port: 443", "network_middlewares: {}\n", FALSE},
        {"host: a.example.com, port: 443",
         "network_middlewares:\n  m: {middleware: openshell/regex, endpoints: {include: "
         "[a.example.com]}}\n",
         TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshPolicySnapshot) snapshot = load(rows[i].endpoint, rows[i].more);
        g_autoptr(OshPolicySnapshot) quarantine = osh_policy_quarantine(snapshot, 2, "it is bad");

        g_test_message("%s", rows[i].endpoint);
        g_assert_cmpint(osh_policy_static_part(snapshot)->inspects, ==, rows[i].inspects);
        g_assert_cmpint(osh_policy_static_part(quarantine)->inspects, ==, rows[i].inspects);
    }
}

static void
test_no_policy_looks_into_nothing(void)
{
    g_autoptr(OshPolicySnapshot) snapshot = osh_policy_default();

    g_assert_false(osh_policy_static_inspects(osh_policy_static_part(snapshot)));
    /* A host that cannot say so may look into anything. */
    g_assert_true(osh_policy_static_inspects(&(OshPolicyStatic){.struct_size = 56}));
    g_assert_false(osh_policy_static_inspects(NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/handling/equal-for-what-only-decides",
                    test_equal_for_what_only_decides);
    g_test_add_func("/policy/handling/differs-for-what-reaches-the-bytes",
                    test_differs_for_what_reaches_the_bytes);
    g_test_add_func("/policy/handling/a-policy-says-whether-it-looks-into-connections",
                    test_what_is_looked_into);
    g_test_add_func("/policy/handling/no-policy-looks-into-nothing",
                    test_no_policy_looks_into_nothing);
    return g_test_run();
}
