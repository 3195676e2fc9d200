/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment and files that make programs of a box use its proxy listener and resolver of their
 * own accord. Those that do not are captured all the same, so nothing here is a protection.
 */
#include "launch-contribution.h"

#include "audit.h"

#include <string.h>

static gboolean
contribution_contribute(gpointer instance, const OshBoxInfo *box,
                        const OshContributionBuilder *builder, GError **error)
{
    static const char *const proxy_names[] = {
        "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy",
    };
    const OshLaunchContribution *contribution = instance;
    const char *resolver = osh_sandbox_net_resolver_address(&contribution->network->sandbox_net);

    (void)box;
    (void)error;
    if (contribution->proxy_port != 0) {
        g_autofree char *address = osh_address_text(&contribution->proxy_address);
        gboolean v4 = IN6_IS_ADDR_V4MAPPED(&contribution->proxy_address);
        g_autofree char *url = g_strdup_printf(v4 ? "http://%s:%u" : "http://[%s]:%u", address,
                                               contribution->proxy_port);

        for (gsize i = 0; i < G_N_ELEMENTS(proxy_names); i++)
            osh_contribution_set_variable(builder, proxy_names[i], url);
        osh_contribution_set_variable(builder, "NO_PROXY", "127.0.0.1,localhost,::1");
        osh_contribution_set_variable(builder, "no_proxy", "127.0.0.1,localhost,::1");
        osh_contribution_set_variable(builder, "NODE_USE_ENV_PROXY", "1");
    }
    if (resolver != NULL) {
        g_autofree char *content = g_strdup_printf("nameserver %s\n", resolver);

        osh_contribution_add_file(builder, "/etc/resolv.conf", content, strlen(content), 0444);
    }
    return TRUE;
}

const OshLaunchContributorInterface osh_launch_contribution_vtable = {
    .struct_size = sizeof(OshLaunchContributorInterface),
    .contribute = contribution_contribute,
};
