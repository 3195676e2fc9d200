/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination check over a table: mode, address, verdict.
 */
#include "destination.h"
#include "resolution.h"

#include <arpa/inet.h>
#include <string.h>

typedef struct {
    const char *name;
    const char *addresses;
    guint16 port;
    gboolean literal;
    gboolean exact;
    const char *allowed;
    guint prefix;
    gboolean refused;
} Row;

static const Row rows[] = {
    {"a-public-address-may-be-dialled", "8.8.8.8", 443, FALSE, FALSE, NULL, 0, FALSE},
    {"an-internal-address-is-refused-by-default", "10.1.2.3", 443, FALSE, FALSE, NULL, 0, TRUE},
    {"an-exact-declared-host-may-be-internal", "10.1.2.3", 443, FALSE, TRUE, NULL, 0, FALSE},
    {"a-literal-may-be-internal", "10.1.2.3", 443, TRUE, FALSE, NULL, 0, FALSE},
    {"loopback-is-refused-as-literal", "127.0.0.1", 443, TRUE, TRUE, NULL, 0, TRUE},
    {"loopback-6-is-refused-as-literal", "::1", 443, TRUE, TRUE, NULL, 0, TRUE},
    {"loopback-is-refused-though-listed", "127.0.0.1", 443, FALSE, TRUE, "127.0.0.1", 128, TRUE},
    {"metadata-is-refused-though-listed", "169.254.169.254", 80, TRUE, TRUE, "169.254.0.0", 112,
     TRUE},
    {"an-address-inside-allowed-ips-passes", "10.1.2.3", 443, FALSE, FALSE, "10.1.0.0", 112, FALSE},
    {"an-address-outside-allowed-ips-is-refused", "10.2.0.1", 443, FALSE, TRUE, "10.1.0.0", 112,
     TRUE},
    {"an-odd-prefix-is-compared-by-bits", "10.1.127.9", 443, FALSE, FALSE, "10.1.0.0", 113, FALSE},
    {"an-odd-prefix-ends-where-it-says", "10.1.128.1", 443, FALSE, FALSE, "10.1.0.0", 113, TRUE},
    {"a-public-address-outside-allowed-ips-is-refused", "8.8.8.8", 443, FALSE, TRUE, "10.1.0.0",
     112, TRUE},
    {"one-bad-address-refuses-all", "8.8.8.8 10.1.2.3", 443, FALSE, FALSE, NULL, 0, TRUE},
    {"control-plane-ports-are-refused-everywhere", "8.8.8.8", 6443, FALSE, FALSE, NULL, 0, TRUE},
    {"control-plane-ports-are-refused-when-declared", "10.1.2.3", 2379, TRUE, TRUE, "10.1.0.0", 112,
     TRUE},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_auto(GStrv) texts = g_strsplit(row->addresses, " ", -1);
    g_autofree OshAddressList *list = g_malloc0(sizeof *list + 4 * sizeof list->at[0]);
    g_autofree char *reason = NULL;
    OshCidr allowed = {.prefix = row->prefix};
    OshDestinationRequest request = {
        .host = "host.example",
        .literal = row->literal,
        .port = row->port,
        .exact_declared_host = row->exact,
    };
    gboolean refused;

    for (char **text = texts; *text != NULL; text++) {
        g_autofree OshAddressList *one = osh_resolution_literal(*text);

        list->at[list->length++] = one->at[0];
    }
    if (row->allowed != NULL) {
        g_autofree OshAddressList *one = osh_resolution_literal(row->allowed);

        allowed.address = one->at[0];
        request.allowed = &allowed;
        request.n_allowed = 1;
    }
    refused = osh_destination_check(&request, list, &reason) != NULL;
    g_assert_cmpint(refused, ==, row->refused);
    g_assert_cmpint(reason != NULL, ==, row->refused);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/destination/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
