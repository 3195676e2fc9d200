/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are socket addresses, and what they become. */
#include "osh-socket-address.h"

#include "osh-destination.h"

#include <string.h>

static void
test_what_is_an_address(void)
{
    static const struct {
        const char *text;
        const char *default_address;
        const char *address;
        guint16 port;
    } rows[] = {
        {"127.0.0.1:3128", NULL, "127.0.0.1", 3128},
        {"0.0.0.0:1", NULL, "0.0.0.0", 1},
        {"[::1]:65535", NULL, "::1", 65535},
        {"[2001:db8::1]:80", "127.0.0.1", "2001:db8::1", 80},
        {"[::ffff:192.0.2.7]:80", NULL, "192.0.2.7", 80},
        {"8000", "127.0.0.1", "127.0.0.1", 8000},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct sockaddr_storage address;
        struct in6_addr mapped;
        socklen_t length = 0;
        guint16 port = 0;
        g_autofree char *text = NULL;

        g_assert_true(
            osh_socket_address_parse(rows[i].text, rows[i].default_address, &address, &length));
        g_assert_cmpuint(length, ==,
                         rows[i].text[0] == '[' ? sizeof(struct sockaddr_in6)
                                                : sizeof(struct sockaddr_in));
        osh_socket_address_map((struct sockaddr *)&address, &mapped, &port);
        text = osh_address_text(&mapped);
        g_assert_cmpstr(text, ==, rows[i].address);
        g_assert_cmpuint(port, ==, rows[i].port);
    }
}

static void
test_what_is_none(void)
{
    static const char *const texts[] = {
        "",
        ":",
        "80:",
        ":80",
        "127.0.0.1:",
        "127.0.0.1:0",
        "[]:80",
        "[:80",
        "]:80",
        "127.0.0.1:+80",
        "::1:80",
        "[::1]80",
        "[::1]",
        "127.1:80",
        "localhost:80",
        "[127.0.0.1]:1",
        "127.0.0.1:65536",
        "[::1%lo]:80",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
    };
    struct sockaddr_storage address;
    socklen_t length = 7;

    memset(&address, 0x55, sizeof address);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_false(osh_socket_address_parse(texts[i], "127.0.0.1", &address, &length));
        g_assert_false(osh_socket_address_parse(texts[i], NULL, &address, &length));
    }
    g_assert_false(osh_socket_address_parse("80", NULL, &address, &length));
    g_assert_cmpuint(length, ==, 7);
    g_assert_cmpuint(((guint8 *)&address)[3], ==, 0x55);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/socket-address/literal-addresses-with-a-port-are-taken",
                    test_what_is_an_address);
    g_test_add_func("/util/socket-address/anything-else-is-refused-and-leaves-what-was-there",
                    test_what_is_none);
    return g_test_run();
}
