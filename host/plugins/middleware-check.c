/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-check.c: asks the provider of each middleware whether it takes its configuration.
 * [any]
 *
 * A policy that a middleware cannot follow must never come into force: the hosts that it selects
 * would be reached without it.
 */
#include "middleware-check.h"

#include "openshell/ext/draft/middleware.h"

#define MAX_PROVIDERS 64

static const OshInterface *
find_provider(const OshInterface *providers, gsize n, const char *implementation)
{
    for (gsize i = 0; i < n; i++) {
        const char *const *names = osh_middleware_implementations(&providers[i]);

        if (names != NULL && g_strv_contains(names, implementation))
            return &providers[i];
    }
    return NULL;
}

static gboolean
check_one(const OshInterface *provider, const OshPolicyMiddleware *middleware,
          OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GError) error = NULL;

    if (provider != NULL &&
        osh_middleware_check(provider, middleware->implementation, middleware->config, &error))
        return TRUE;
    osh_policy_diagnostics_add(
        diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, osh_policy_middleware_line(middleware), 1,
        g_strdup_printf("network_middlewares.%s", middleware->name),
        provider == NULL ? g_strdup_printf("no plugin of this run serves middleware '%s'",
                                           middleware->implementation)
        : error != NULL  ? g_strdup(error->message)
                         : g_strdup("its plugin does not take this configuration"),
        NULL);
    return FALSE;
}

gboolean
osh_middlewares_check(OshRegistry *registry, const OshPolicySnapshot *snapshot,
                      OshPolicyDiagnostics *diagnostics)
{
    OshInterface providers[MAX_PROVIDERS];
    gsize n = MIN(osh_registry_find_interfaces(registry, OSH_INTERFACE_MIDDLEWARE, providers,
                                               G_N_ELEMENTS(providers)),
                  G_N_ELEMENTS(providers));
    const OshPolicyMiddleware *middleware;
    gboolean taken = TRUE;

    for (guint i = 0; (middleware = osh_policy_middleware(snapshot, NULL, 0, i)) != NULL; i++)
        taken &= check_one(find_provider(providers, n, middleware->implementation), middleware,
                           diagnostics);
    return taken;
}
