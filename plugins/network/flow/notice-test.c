/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a program, and how often. */
#include "notice.h"

#include "network-fixture.h"

static void
notice(OshFixture *fixture, OshPeerIdentity *peer, const char *kind)
{
    const OshConnection connection = {.shard = &fixture->part, .id = 7, .peer = peer};

    osh_notice(&connection, &(OshNotice){.kind = kind, .text = "it", .hint = "do", .alert = 48});
}

static void
test_once_for_a_kind_and_a_program(void)
{
    OshFixture *fixture = osh_fixture_new();
    OshPeerIdentity one = {
        .binary = (char *)"/bin/a", .sha256 = (char *)"1", .shown_binary = (char *)"/bin/a"};
    OshPeerIdentity other = one, changed = one;
    g_autofree char *payload = NULL;

    other.binary = (char *)"/bin/b";
    changed.sha256 = (char *)"2";
    osh_fixture_start(fixture);
    for (guint i = 0; i < 3; i++) {
        notice(fixture, &one, "x");
        notice(fixture, &other, "x");
        notice(fixture, &changed, "x");
        notice(fixture, &one, "y");
        notice(fixture, NULL, "x");
        g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_NOTICE), ==, 5);
    }
    payload = g_variant_print(((OshFixtureEvent *)fixture->events->pdata[0])->payload, FALSE);
    g_assert_cmpstr(payload, ==,
                    "(7, 'x', '', 0, '/bin/a', 'it', {'alert': <uint32 48>, 'hint': <'do'>})");
    osh_fixture_free(fixture);
}

/* A program that copies itself takes no memory and fills no log. */
static void
test_of_so_many_programs_and_no_more(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    for (guint i = 0; i < 2 * OSH_NOTICED_MAX; i++) {
        g_autofree char *binary = g_strdup_printf("/bin/%u", i);
        OshPeerIdentity peer = {.binary = binary, .sha256 = (char *)"1", .shown_binary = binary};

        notice(fixture, &peer, "x");
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_NOTICE), ==, OSH_NOTICED_MAX);
    g_assert_cmpuint(g_hash_table_size(fixture->network.noticed.said), ==, OSH_NOTICED_MAX);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/notice/once-for-a-kind-and-a-program",
                    test_once_for_a_kind_and_a_program);
    g_test_add_func("/network/notice/of-so-many-programs-and-no-more",
                    test_of_so_many_programs_and_no_more);
    return g_test_run();
}
