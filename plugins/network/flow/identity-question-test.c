/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as another half of the supervisor tells them: copied, and one for each process. */
#include "identity-question.h"

static OshPeer
peer_told(const char *binary, guint64 start_time)
{
    static const OshSpan ancestors[] = {{"/bin/sh", 7}, {"/sbin/init", 10}};
    OshPeer peer = {
        .struct_size = sizeof peer,
        .pid = 42,
        .start_time = start_time,
        .binary = osh_span(binary),
        .binary_sha256 = OSH_SPAN_LITERAL("00ff"),
        .ancestors = ancestors,
        .n_ancestors = G_N_ELEMENTS(ancestors),
    };

    return peer;
}

static void
test_one_process_is_one_identity(void)
{
    OshPeerTable table;
    OshPeer told = peer_told("/usr/bin/curl", 7);
    OshPeer later = peer_told("/usr/bin/curl", 8);
    OshPeer after_exec = peer_told("/usr/bin/wget", 7);
    OshPeerIdentity *first, *second, *third, *fourth;

    osh_peer_table_init(&table);
    first = osh_peer_table_intern(&table, &told);
    second = osh_peer_table_intern(&table, &told);
    third = osh_peer_table_intern(&table, &later);
    fourth = osh_peer_table_intern(&table, &after_exec);
    g_assert_true(first == second);
    g_assert_true(first != third && first != fourth);
    g_assert_cmpstr(first->binary, ==, "/usr/bin/curl");
    g_assert_cmpstr(first->sha256, ==, "00ff");
    g_assert_cmpstr(first->ancestors[1].data, ==, "/sbin/init");
    g_assert_cmpuint(first->process_key, ==, (guint64)7 << 32 | 42);
    g_assert_false(osh_peer_identity_equal(first, fourth));
    osh_peer_identity_unref(first);
    osh_peer_identity_unref(second);
    osh_peer_identity_unref(third);
    osh_peer_identity_unref(fourth);
    osh_peer_table_clear(&table);
}

static void
test_programs_without_connections_are_forgotten(void)
{
    OshPeerTable table;
    OshPeer kept_told = peer_told("/usr/bin/curl", 0);
    OshPeerIdentity *kept;

    osh_peer_table_init(&table);
    kept = osh_peer_table_intern(&table, &kept_told);
    for (guint i = 1; i < 5000; i++) {
        OshPeer told = peer_told("/usr/bin/curl", i);

        osh_peer_identity_unref(osh_peer_table_intern(&table, &told));
    }
    g_assert_cmpuint(g_hash_table_size(table.peers), <=, 1024);
    g_assert_true(osh_peer_table_intern(&table, &kept_told) == kept);
    osh_peer_identity_unref(kept);
    osh_peer_identity_unref(kept);
    osh_peer_table_clear(&table);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity-question/connections-of-one-process-share-one-identity",
                    test_one_process_is_one_identity);
    g_test_add_func("/identity-question/programs-without-connections-are-forgotten",
                    test_programs_without_connections_are_forgotten);
    return g_test_run();
}
