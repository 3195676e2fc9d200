/* SPDX-License-Identifier: Apache-2.0 */
/* osh-address-class-test.c: both views of every special range, and ranges in CIDR notation. */
#include "osh-address-class.h"

static const struct {
    const char *address;
    OshAddressClass plain;
    OshAddressClass strict;
} addresses[] = {
    {"127.0.0.1", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"127.255.255.254", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"169.254.169.254", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"0.0.0.0", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"0.0.0.1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::1", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"fe80::1", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::ffff:169.254.169.254", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::ffff:10.0.0.1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"10.0.0.1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"172.31.255.255", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"172.32.0.0", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"100.64.0.1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"100.128.0.1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"100.100.100.200", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"198.19.255.255", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"168.63.129.16", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"224.0.0.1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"255.255.255.255", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"fc00::1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"fd00:ec2::254", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"2001:db8::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"192.0.0.192", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"192.88.99.1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"fd20:ce::254", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"3fff:fff::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"5f00::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2001:2::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    /* NAT64: the well-known prefix, by what is inside */
    {"64:ff9b::a9fe:a9fe", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b::7f00:1", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b::", OSH_ADDRESS_ALWAYS_BLOCKED, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b::a00:5", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"64:ff9b::6464:64c8", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b::808:808", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    /* and the local one, internal at least, where byte 8 is skipped: of 48, 56, 64 and 96 bits */
    {"64:ff9b:1:7f00:0:100::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:17f:0:1::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:101:7f:0:100:0", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:101::7f00:1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:a9fe:a9:fe00::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:a9fe:a9:fe00:dead:beef", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:a9fe:ffa9:fe00::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:6464:64:c800::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:64:64:64c8::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1:a00:0:500::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"64:ff9b:1:808:8:800::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"64:ff9b:1:fffe::808:808", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"64:ff9b:1::808:808", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_INTERNAL},
    {"64:ff9b:1::", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:1::e000:1", OSH_ADDRESS_INTERNAL, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:0:1::7f00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"64:ff9b:2:808:8:800::", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"64:ff9c::7f00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    /* ISATAP, below any prefix and with either bit of its first byte */
    {"2600::5efe:7f00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"2600::200:5efe:a00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2600::300:5efe:a00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2600::5efe:808:808", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"2600::400:5efe:a00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"2002:808:808::5efe:7f00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::ffff:0:7f00:1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"::ffff:0:808:808", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2002:7f00:1::", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"2002:808:808::", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"2002:a00:1::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2001:0:808:808::80ff:fffe", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"2001:0:a00:1::f7f7:f7f7", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"2001:0:808:808::f7f7:f7f7", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"::10.0.0.1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_INTERNAL},
    {"ff02::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_ALWAYS_BLOCKED},
    {"2606:4700::1", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
    {"8.8.8.8", OSH_ADDRESS_PUBLIC, OSH_ADDRESS_PUBLIC},
};

static void
test_classes(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        OshAddress address;

        g_test_message("%s", addresses[i].address);
        g_assert_true(osh_address_parse(addresses[i].address, -1, &address));
        g_assert_cmpint(osh_address_classify(&address), ==, addresses[i].plain);
        g_assert_cmpint(osh_address_classify_strict(&address), ==, addresses[i].strict);
    }
}

static void
test_strict_is_never_weaker(void)
{
    for (guint i = 0; i < 200000; i++) {
        OshAddress address = {.family = g_test_rand_bit() ? 4 : 6};

        for (guint k = 0; k < 16; k++)
            address.bytes[k] = g_test_rand_bit() ? (guint8)g_test_rand_int_range(0, 256) : 0;
        g_assert_cmpint(osh_address_classify_strict(&address), >=, osh_address_classify(&address));
    }
}

static void
test_ranges(void)
{
    static const struct {
        const char *range;
        gboolean blocked;
        gboolean internal;
    } ranges[] = {
        {"0.0.0.0/0", TRUE, TRUE},
        {"::/0", TRUE, TRUE},
        {"169.254.0.0/16", TRUE, TRUE},
        {"::ffff:64.0.0.0/98", TRUE, TRUE},
        {"::ffff:168.0.0.0/103", TRUE, TRUE},
        {"::ffff:8.8.8.8/128", FALSE, FALSE},
        {"192.0.0.0/24", FALSE, TRUE},
        {"8.0.0.0/8", FALSE, FALSE},
        {"127.0.0.1", TRUE, TRUE},
        {"126.0.0.0/7", TRUE, TRUE},
        {"10.1.2.3", FALSE, TRUE},
        {"64:ff9b::/96", TRUE, TRUE},
        {"64:ff9b::/32", TRUE, TRUE},
        {"64:ff9b::7f00:0/104", TRUE, TRUE},
        {"64:ff9b::a00:0/104", FALSE, TRUE},
        {"64:ff9b::808:800/120", FALSE, FALSE},
        {"64:ff9b:1::/48", FALSE, TRUE},
        {"64:ff9b:1:fffe::/96", FALSE, TRUE},
    };
    static const char *const wrong[] = {"",         "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
                                        "10.0.0/8", "a/8",       "::1/129",     "10.0.0.0/+8",
                                        "/8",       "10.0.0.1 ", "[::1]"};

    for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
        OshAddressRange range;

        g_test_message("%s", ranges[i].range);
        g_assert_true(osh_address_range_parse(ranges[i].range, &range));
        g_assert_cmpint(osh_address_range_overlaps_class(&range, OSH_ADDRESS_ALWAYS_BLOCKED), ==,
                        ranges[i].blocked);
        g_assert_cmpint(osh_address_range_overlaps_class(&range, OSH_ADDRESS_INTERNAL), ==,
                        ranges[i].internal);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        OshAddressRange range;

        g_assert_false(osh_address_range_parse(wrong[i], &range));
    }
}

static void
test_contains(void)
{
    OshAddressRange range;
    OshAddress inside;
    OshAddress outside;
    OshAddress mapped;

    g_assert_true(osh_address_range_parse("10.31.2.3/12", &range));
    g_assert_cmpmem(range.address.bytes, 4, "\x0a\x10\0\0", 4);
    g_assert_true(osh_address_range_parse("10.1.2.3/12", &range));
    g_assert_true(osh_address_parse("10.15.0.1", -1, &inside));
    g_assert_true(osh_address_parse("10.16.0.1", -1, &outside));
    g_assert_true(osh_address_parse("::ffff:10.15.0.1", -1, &mapped));
    g_assert_true(osh_address_range_contains(&range, &inside));
    g_assert_false(osh_address_range_contains(&range, &outside));
    g_assert_false(osh_address_range_contains(&range, &mapped));
}

static void
test_inside_of_nat64(void)
{
    OshAddress address;
    OshAddress inside = {.family = 9};

    g_assert_true(osh_address_parse("64:ff9b:1::a01:203", -1, &address));
    g_assert_false(osh_address_nat64_inside(&address, &inside));
    g_assert_cmpint(inside.family, ==, 9);
    g_assert_true(osh_address_parse("64:ff9b::a01:203", -1, &address));
    g_assert_true(osh_address_nat64_inside(&address, &inside));
    g_assert_cmpint(inside.family, ==, 4);
    g_assert_cmpmem(inside.bytes, 4, "\x0a\x01\x02\x03", 4);
}

static void
test_names_and_ports(void)
{
    g_assert_true(osh_address_is_metadata_name(" Metadata.Google.Internal. "));
    g_assert_false(osh_address_is_metadata_name("api.github.com"));
    g_assert_false(osh_address_is_metadata_name(NULL));
    for (guint port = 0; port <= G_MAXUINT16; port++)
        g_assert_cmpint(osh_address_port_is_control_plane(port), ==,
                        port == 2379 || port == 2380 || port == 6443 || port == 10250 ||
                            port == 10255);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/both views of every special range", test_classes);
    g_test_add_func("/address/the strict view is never weaker", test_strict_is_never_weaker);
    g_test_add_func("/address/ranges are read and compared with classes", test_ranges);
    g_test_add_func("/address/a mapped address is not in an IPv4 range", test_contains);
    g_test_add_func("/address/the address inside is that of the well-known prefix alone",
                    test_inside_of_nat64);
    g_test_add_func("/address/metadata names and control-plane ports", test_names_and_ports);
    return g_test_run();
}
