/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses that stand for names: which they are, which they are not, and when they run out. */
#include "synthetic-names.h"

#include <arpa/inet.h>
#include <string.h>

static void
assert_address(OshSyntheticNames *names, const char *name, OshSyntheticFamily family,
               const char *expected)
{
    guint8 address[16];
    char text[INET6_ADDRSTRLEN];

    g_assert_cmpint(osh_synthetic_names_assign(names, name, family, 1, address), ==,
                    OSH_SYNTHETIC_FOUND);
    inet_ntop(family == OSH_SYNTHETIC_IPV4 ? AF_INET : AF_INET6, address, text, sizeof text);
    g_assert_cmpstr(text, ==, expected);
}

static const char *
look_up(const OshSyntheticNames *names, const char *text)
{
    guint8 address[16];
    gboolean v4 = inet_pton(AF_INET, text, address) == 1;

    g_assert_true(v4 || inet_pton(AF_INET6, text, address) == 1);
    return osh_synthetic_names_lookup(names, address, v4 ? 4 : 16);
}

static gboolean
contains(const char *text)
{
    guint8 address[16];
    gboolean v4 = inet_pton(AF_INET, text, address) == 1;

    g_assert_true(v4 || inet_pton(AF_INET6, text, address) == 1);
    return osh_synthetic_names_contains(address, v4 ? 4 : 16);
}

static void
test_addresses_come_in_order(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(100000, 100000);

    assert_address(names, "a.test", OSH_SYNTHETIC_IPV4, "198.18.0.1");
    assert_address(names, "b.test", OSH_SYNTHETIC_IPV4, "198.18.0.2");
    assert_address(names, "a.test", OSH_SYNTHETIC_IPV4, "198.18.0.1");
    /* Each family counts for itself. */
    assert_address(names, "b.test", OSH_SYNTHETIC_IPV6, "fd23:6f70:656e::1");
    assert_address(names, "a.test", OSH_SYNTHETIC_IPV6, "fd23:6f70:656e::2");
    g_assert_cmpstr(look_up(names, "198.18.0.1"), ==, "a.test");
    g_assert_cmpstr(look_up(names, "::ffff:198.18.0.2"), ==, "b.test");
    g_assert_cmpstr(look_up(names, "fd23:6f70:656e::1"), ==, "b.test");
    g_assert_null(look_up(names, "198.18.0.3"));
    g_assert_null(look_up(names, "198.18.0.0"));
    g_assert_null(look_up(names, "fd23:6f70:656e::3"));
    g_assert_cmpuint(osh_synthetic_names_count(names, OSH_SYNTHETIC_IPV4), ==, 2);
}

static void
test_each_octet_carries_into_the_next(void)
{
    g_autoptr(OshSyntheticNames) names =
        osh_synthetic_names_new(OSH_SYNTHETIC_POOL_SIZE, G_MAXUINT);
    guint8 address[16];

    for (guint i = 1; i <= OSH_SYNTHETIC_POOL_SIZE; i++) {
        char name[24];

        g_snprintf(name, sizeof name, "n%u.test", i);
        g_assert_cmpint(osh_synthetic_names_assign(names, name, OSH_SYNTHETIC_IPV4, 1, address), ==,
                        OSH_SYNTHETIC_FOUND);
    }
    g_assert_cmpstr(look_up(names, "198.18.0.255"), ==, "n255.test");
    g_assert_cmpstr(look_up(names, "198.18.1.0"), ==, "n256.test");
    g_assert_cmpstr(look_up(names, "198.18.255.255"), ==, "n65535.test");
    g_assert_cmpstr(look_up(names, "198.19.0.0"), ==, "n65536.test");
    g_assert_cmpstr(look_up(names, "198.19.255.254"), ==, "n131070.test");
    g_assert_null(look_up(names, "198.19.255.255"));
    g_assert_cmpint(osh_synthetic_names_assign(names, "more.test", OSH_SYNTHETIC_IPV4, 1, address),
                    ==, OSH_SYNTHETIC_POOL_FULL);
    /* A name that has its address keeps it. */
    assert_address(names, "n1.test", OSH_SYNTHETIC_IPV4, "198.18.0.1");
}

static void
test_only_the_two_ranges_belong_to_the_resolver(void)
{
    static const char *const inside[] = {"198.18.0.0", "198.19.255.255", "::ffff:198.18.7.7",
                                         "fd23:6f70:656e::", "fd23:6f70:656e:ffff::1"};
    static const char *const outside[] = {
        "198.17.255.255",    "198.20.0.0",        "199.18.0.1",   "::ffff:198.20.0.1",
        "fd23:6f70:656f::1", "fd23:6f70:656d::1", "::198.18.0.1", "fe23:6f70:656e::1"};

    for (gsize i = 0; i < G_N_ELEMENTS(inside); i++)
        g_assert_true(contains(inside[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(outside); i++)
        g_assert_false(contains(outside[i]));
}

/* Of the many addresses of the IPv6 range that end alike, one was handed out. */
static void
test_an_ipv6_address_means_a_name_in_one_spelling(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(10, 10);

    assert_address(names, "a.test", OSH_SYNTHETIC_IPV6, "fd23:6f70:656e::1");
    g_assert_null(look_up(names, "fd23:6f70:656e:1::1"));
    g_assert_null(look_up(names, "fd23:6f70:656e::1:0:1"));
    g_assert_null(look_up(names, "fd23:6f70:656e::ff00:1"));
    g_assert_null(look_up(names, "fd23:6f70:656e::ffff:ffff"));
}

static void
test_both_families_count_for_the_share_of_a_process(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(100, 2);
    guint8 address[16];

    assert_address(names, "a.test", OSH_SYNTHETIC_IPV4, "198.18.0.1");
    assert_address(names, "a.test", OSH_SYNTHETIC_IPV6, "fd23:6f70:656e::1");
    g_assert_cmpint(osh_synthetic_names_assign(names, "b.test", OSH_SYNTHETIC_IPV4, 1, address), ==,
                    OSH_SYNTHETIC_PROCESS_FULL);
    g_assert_cmpint(osh_synthetic_names_assign(names, "b.test", OSH_SYNTHETIC_IPV4, 2, address), ==,
                    OSH_SYNTHETIC_FOUND);
    g_assert_cmpuint(osh_synthetic_names_count(names, OSH_SYNTHETIC_IPV4), ==, 2);
    g_assert_cmpuint(osh_synthetic_names_count(names, OSH_SYNTHETIC_IPV6), ==, 1);
}

static void
test_a_full_pool_is_full_for_all(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(1, 10);
    guint8 address[16];

    assert_address(names, "a.test", OSH_SYNTHETIC_IPV4, "198.18.0.1");
    g_assert_cmpint(osh_synthetic_names_assign(names, "b.test", OSH_SYNTHETIC_IPV4, 2, address), ==,
                    OSH_SYNTHETIC_POOL_FULL);
    assert_address(names, "b.test", OSH_SYNTHETIC_IPV6, "fd23:6f70:656e::1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/synthetic-names/addresses-come-in-order",
                    test_addresses_come_in_order);
    g_test_add_func("/network/synthetic-names/each-octet-carries-into-the-next",
                    test_each_octet_carries_into_the_next);
    g_test_add_func("/network/synthetic-names/only-the-two-ranges-belong-to-the-resolver",
                    test_only_the_two_ranges_belong_to_the_resolver);
    g_test_add_func("/network/synthetic-names/an-ipv6-address-means-a-name-in-one-spelling",
                    test_an_ipv6_address_means_a_name_in_one_spelling);
    g_test_add_func("/network/synthetic-names/both-families-count-for-the-share-of-a-process",
                    test_both_families_count_for_the_share_of_a_process);
    g_test_add_func("/network/synthetic-names/a-full-pool-is-full-for-all",
                    test_a_full_pool_is_full_for_all);
    return g_test_run();
}
