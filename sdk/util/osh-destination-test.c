/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination check over a table: mode, address, verdict.
 */
#include "osh-destination.h"

typedef struct {
    const char *name;
    const char *addresses;
    guint16 port;
    gboolean exact;
    const char *allowed;
    guint prefix;
    gboolean refused;
} Row;

static const Row rows[] = {
    {"a-public-address-may-be-dialled", "8.8.8.8", 443, FALSE, NULL, 0, FALSE},
    {"an-internal-address-is-refused-by-default", "10.1.2.3", 443, FALSE, NULL, 0, TRUE},
    {"an-exact-declared-host-may-be-internal", "10.1.2.3", 443, TRUE, NULL, 0, FALSE},
    {"loopback-is-refused-though-declared", "127.0.0.1", 443, TRUE, NULL, 0, TRUE},
    {"loopback-6-is-refused-though-declared", "::1", 443, TRUE, NULL, 0, TRUE},
    {"loopback-is-refused-though-listed", "127.0.0.1", 443, TRUE, "127.0.0.1", 128, TRUE},
    {"metadata-is-refused-though-listed", "169.254.169.254", 80, TRUE, "169.254.0.0", 112, TRUE},
    {"an-address-inside-allowed-ips-passes", "10.1.2.3", 443, FALSE, "10.1.0.0", 112, FALSE},
    {"an-address-outside-allowed-ips-is-refused", "10.2.0.1", 443, TRUE, "10.1.0.0", 112, TRUE},
    {"an-odd-prefix-is-compared-by-bits", "10.1.127.9", 443, FALSE, "10.1.0.0", 113, FALSE},
    {"an-odd-prefix-ends-where-it-says", "10.1.128.1", 443, FALSE, "10.1.0.0", 113, TRUE},
    {"a-public-address-outside-allowed-ips-is-refused", "8.8.8.8", 443, TRUE, "10.1.0.0", 112,
     TRUE},
    {"one-bad-address-refuses-all", "8.8.8.8 10.1.2.3", 443, FALSE, NULL, 0, TRUE},
    {"one-bad-address-in-front-refuses-all", "10.1.2.3 8.8.8.8", 443, FALSE, NULL, 0, TRUE},
    {"control-plane-ports-are-refused-everywhere", "8.8.8.8", 6443, FALSE, NULL, 0, TRUE},
    {"control-plane-ports-are-refused-when-declared", "10.1.2.3", 2379, TRUE, "10.1.0.0", 112,
     TRUE},
    {"a-public-address-behind-nat64-may-be-dialled", "64:ff9b::808:808", 443, FALSE, NULL, 0,
     FALSE},
    {"an-internal-address-behind-nat64-is-refused", "64:ff9b::a01:203", 443, FALSE, NULL, 0, TRUE},
    {"an-internal-address-behind-nat64-may-be-declared", "64:ff9b::a01:203", 443, TRUE, NULL, 0,
     FALSE},
    {"loopback-behind-nat64-is-refused-though-declared", "64:ff9b::7f00:1", 443, TRUE, NULL, 0,
     TRUE},
    {"an-ipv4-network-also-allows-its-nat64-form", "64:ff9b::a01:203", 443, FALSE, "10.1.0.0", 112,
     FALSE},
    {"an-ipv4-network-allows-no-other-nat64-address", "64:ff9b::a02:203", 443, FALSE, "10.1.0.0",
     112, TRUE},
    {"a-nat64-network-allows-its-addresses", "64:ff9b::a01:203", 443, FALSE, "64:ff9b::a01:0", 112,
     FALSE},
    {"a-nat64-network-does-not-allow-the-ipv4-form", "10.1.2.3", 443, FALSE, "64:ff9b::a01:0", 112,
     TRUE},
    {"local-nat64-is-internal", "64:ff9b:1:808:8:800::", 443, FALSE, NULL, 0, TRUE},
    {"local-nat64-may-be-listed", "64:ff9b:1:808:8:800::", 443, FALSE, "64:ff9b:1::", 48, FALSE},
    {"an-ipv4-network-does-not-cover-local-nat64", "64:ff9b:1::a01:203", 443, FALSE, "10.1.0.0",
     112, TRUE},
    {"metadata-behind-local-nat64-is-refused-though-listed", "64:ff9b:1:a9fe:a9:fe00::", 443, TRUE,
     "64:ff9b:1::", 48, TRUE},
    {"a-6to4-address-is-its-router's", "2002:a01:203::1", 443, FALSE, NULL, 0, TRUE},
    {"an-isatap-address-is-its-host's", "2600::5efe:a01:203", 443, FALSE, NULL, 0, TRUE},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_auto(GStrv) texts = g_strsplit(row->addresses, " ", -1);
    struct in6_addr addresses[4];
    gsize n_addresses = 0;
    const struct in6_addr *address = NULL;
    g_autofree char *reason = NULL;
    OshCidr allowed = {.prefix = row->prefix};
    OshDestinationRequest request = {
        .host = "host.example",
        .port = row->port,
        .exact_declared_host = row->exact,
    };
    gboolean refused;

    for (char **text = texts; *text != NULL; text++)
        g_assert_true(osh_address_mapped_parse(*text, &addresses[n_addresses++]));
    if (row->allowed != NULL) {
        g_assert_true(osh_address_mapped_parse(row->allowed, &allowed.address));
        request.allowed = &allowed;
        request.n_allowed = 1;
    }
    refused = !osh_destination_check(&request, addresses, n_addresses, &address, &reason);
    g_assert_cmpint(refused, ==, row->refused);
    g_assert_cmpint(reason != NULL, ==, row->refused);
    g_assert_cmpint(address != NULL, ==, row->refused);
}

static void
test_ports_need_no_address(void)
{
    OshDestinationRequest request = {.host = "host.example", .port = 6443};

    g_assert_false(osh_destination_check(&request, NULL, 0, NULL, NULL));
    request.port = 443;
    g_assert_true(osh_destination_check(&request, NULL, 0, NULL, NULL));
}

static void
test_address_reads_as_it_was_written(void)
{
    static const char *const texts[] = {"10.1.2.3", "::1", "2001:db8::7"};
    struct in6_addr address;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = NULL;

        g_assert_true(osh_address_mapped_parse(texts[i], &address));
        text = osh_address_text(&address);
        g_assert_cmpstr(text, ==, texts[i]);
    }
    g_assert_false(osh_address_mapped_parse("10.1.2", &address));
    g_assert_false(osh_address_mapped_parse("", &address));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/destination/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/destination/ports-need-no-address", test_ports_need_no_address);
    g_test_add_func("/destination/address-reads-as-it-was-written",
                    test_address_reads_as_it_was_written);
    return g_test_run();
}
