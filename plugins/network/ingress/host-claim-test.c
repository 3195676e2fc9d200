/* SPDX-License-Identifier: Apache-2.0 */
/* host-claim-test.c: which Host agrees with which target, over a table. */
#include "host-claim.h"

#include <string.h>

static const struct {
    const char *sentence;
    const char *target;
    guint16 default_port;
    const char *fields;
    gboolean refused;
} rows[] = {
    {"the same host and port", "a.test:8080", 80, "Host: a.test:8080\r\n", FALSE},
    {"the same host in capitals and with a dot at the end", "a.test:80", 80, "Host: A.Test.\r\n",
     FALSE},
    {"no Host at all", "a.test:8080", 80, "", FALSE},
    {"another host", "a.test:80", 80, "Host: b.test\r\n", TRUE},
    {"a host that the target only begins with", "a.test.b:80", 80, "Host: a.test\r\n", TRUE},
    {"another port", "a.test:80", 80, "Host: a.test:8080\r\n", TRUE},
    {"a port left out that is not the default", "a.test:8080", 80, "Host: a.test\r\n", TRUE},
    {"a port left out where it says nothing", "a.test:443", 0, "Host: a.test\r\n", FALSE},
    {"another port of a tunnel", "a.test:443", 0, "Host: a.test:80\r\n", TRUE},
    {"an empty Host", "a.test:80", 80, "Host: \r\n", TRUE},
    {"two Hosts that agree", "a.test:80", 80, "Host: a.test\r\nHost: a.test\r\n", TRUE},
    {"two Hosts, the second another one", "a.test:80", 80, "Host: a.test\r\nHost: b.test\r\n",
     TRUE},
    {"a user before the host", "a.test:80", 80, "Host: a.test@b.test\r\n", TRUE},
    {"a list of hosts", "a.test:80", 80, "Host: a.test, b.test\r\n", TRUE},
    {"the name of an address", "10.0.0.1:80", 80, "Host: a.test\r\n", TRUE},
    {"the same IPv6 address in another spelling", "[fd00::1]:80", 80, "Host: [FD00:0::1]\r\n",
     FALSE},
    {"another IPv6 address", "[fd00::1]:80", 80, "Host: [fd00::2]\r\n", TRUE},
    {"an IPv4 address and its mapped form", "10.0.0.1:80", 80, "Host: [::ffff:10.0.0.1]\r\n", TRUE},
};

static void
test_row(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *text =
        g_strdup_printf("GET http://%s/ HTTP/1.1\r\n%s\r\n", rows[i].target, rows[i].fields);
    const guint8 *window = (const guint8 *)text;
    OshHttp1Field fields[8];
    OshHttp1Head head;
    OshAuthority target;

    g_assert_cmpint(osh_authority_parse(rows[i].target, strlen(rows[i].target), 0, &target), ==,
                    OSH_AUTHORITY_OK);
    osh_http1_head_init(&head, OSH_HTTP1_REQUEST, 1024, fields, G_N_ELEMENTS(fields));
    g_assert_cmpint(osh_http1_head_feed(&head, window, strlen(text)), ==, OSH_HTTP1_COMPLETE);
    g_assert_cmpint(osh_host_claim_problem(&head, window, &target, rows[i].default_port) != NULL,
                    ==, rows[i].refused);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/host-claim/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
