/* SPDX-License-Identifier: Apache-2.0 */
/* With which plugin a connection begins, by the protocol of its endpoint. */
#include "protocols.h"

#include "osh-fake-host.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/http-upgrade.h>

static const char *const *
names_of(gpointer instance)
{
    return instance;
}

static const OshL7ProtocolInterface speaks = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .protocols = names_of,
};

static const OshContentInspectorInterface inspects = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .inspectors = names_of,
};

static const char *
token_of(gpointer instance)
{
    return ((const char *const *)instance)[0];
}

static const OshHttpUpgradeInterface upgrades = {
    .struct_size = sizeof(OshHttpUpgradeInterface),
    .token = token_of,
};

static const char *const rest_names[] = {"rest", NULL};
static const char *const ws_names[] = {"websocket", NULL};
static const char *const rpc_names[] = {"json-rpc", "mcp", "undeclared", "raw", NULL};
static const char *const redis_names[] = {"redis", NULL};

static void
provide(OshFakeHost *host, const char *id, const char *plugin, gconstpointer vtable,
        const char *const *names)
{
    osh_fake_host_add_interface(host, id, (OshInterface){plugin, vtable, (gpointer)names});
}

static OshFakeHost *
make_host(gboolean has_http)
{
    OshFakeHost *host = osh_fake_host_new("[plugin]\nid=network\n");

    osh_fake_host_add_manifest(host, "l7-rest",
                               "[plugin]\nid=l7-rest\n[protocol rest]\ncarrier=http\n"
                               "alpn=http/1.1\naction=request.method\n");
    osh_fake_host_add_manifest(host, "l7-ws",
                               "[plugin]\nid=l7-ws\n[protocol websocket]\ncarrier=http\n"
                               "action=websocket.opcode\n");
    osh_fake_host_add_manifest(host, "l7-rpc",
                               "[plugin]\nid=l7-rpc\n[protocol json-rpc]\ncarrier=http\n"
                               "[protocol mcp]\ncarrier=http\n[protocol raw]\ncarrier=tcp\n");
    osh_fake_host_add_manifest(host, "l7-redis",
                               "[plugin]\nid=l7-redis\n[protocol redis]\ncarrier=tcp\n");
    provide(host, OSH_INTERFACE_L7_PROTOCOL, "l7-ws", &speaks, ws_names);
    provide(host, OSH_INTERFACE_HTTP_UPGRADE, "l7-ws", &upgrades, ws_names);
    provide(host, OSH_INTERFACE_L7_PROTOCOL, "l7-redis", &speaks, redis_names);
    provide(host, OSH_INTERFACE_CONTENT_INSPECTOR, "l7-rpc", &inspects, rpc_names);
    if (has_http)
        provide(host, OSH_INTERFACE_L7_PROTOCOL, "l7-rest", &speaks, rest_names);
    return host;
}

static const struct {
    const char *name;
    const char *plugin;
    gboolean is_http;
    const char *action;
} rows[] = {
    {"rest", "l7-rest", TRUE, "request.method"},
    {"websocket", "l7-rest", TRUE, "request.method"},
    {"json-rpc", "l7-rest", TRUE, "request.method"},
    {"mcp", "l7-rest", TRUE, "request.method"},
    {"redis", "l7-redis", FALSE, NULL},
    /* What HTTP does not carry, or nobody declares, begins nowhere. */
    {"undeclared", NULL, FALSE, NULL},
    {"raw", NULL, FALSE, NULL},
    {"tcp", NULL, FALSE, NULL},
};

static void
test_what_http_carries_begins_with_it(void)
{
    g_autoptr(OshFakeHost) host = make_host(TRUE);
    g_autoptr(GHashTable) found = osh_protocols_find(osh_fake_host_table(host));

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshNetworkProtocol *protocol = g_hash_table_lookup(found, rows[i].name);

        g_test_message("%s", rows[i].name);
        g_assert_cmpint(protocol != NULL, ==, rows[i].plugin != NULL);
        if (protocol == NULL)
            continue;
        g_assert_cmpstr(protocol->interface.provider, ==, rows[i].plugin);
        g_assert_cmpint(protocol->is_http, ==, rows[i].is_http);
        g_assert_cmpstr(protocol->declaration->action, ==, rows[i].action);
        g_assert_cmpstr(protocol->alpn[0], ==, rows[i].is_http ? "http/1.1" : NULL);
    }
}

static void
test_nothing_is_inspected_without_http(void)
{
    g_autoptr(OshFakeHost) host = make_host(FALSE);
    g_autoptr(GHashTable) found = osh_protocols_find(osh_fake_host_table(host));

    g_assert_false(g_hash_table_contains(found, "mcp"));
    g_assert_false(g_hash_table_contains(found, "rest"));
    g_assert_true(g_hash_table_contains(found, "redis"));
}

static void
test_an_upgrade_goes_on_by_what_its_manifest_declares(void)
{
    g_autoptr(OshFakeHost) host = make_host(TRUE);
    OshProviders *providers = osh_providers_find(osh_fake_host_table(host));
    const OshUpgradeProvider *provider = g_hash_table_lookup(providers->upgrades, "websocket");

    g_assert_nonnull(provider);
    g_assert_cmpstr(provider->protocol.provider, ==, "l7-ws");
    g_assert_cmpstr(provider->declaration->action, ==, "websocket.opcode");
    g_assert_nonnull(g_hash_table_lookup(providers->inspectors, "mcp"));
    osh_providers_free(providers);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/protocols/" sentence, function)
    ADD("what-http-carries-begins-with-it", test_what_http_carries_begins_with_it);
    ADD("nothing-is-inspected-without-http", test_nothing_is_inspected_without_http);
    ADD("an-upgrade-goes-on-by-what-its-manifest-declares",
        test_an_upgrade_goes_on_by_what_its_manifest_declares);
    return g_test_run();
}
