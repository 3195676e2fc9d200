/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPAQUE: a session that cannot read what is said leaves it to the peers, where the policy lets
 * what no middleware can inspect go on.
 */
#include "l7-fixture.h"

#include <sys/socket.h>

/* Reads lines that begin with a letter, and nothing else. */
static gsize
feed_letters(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->window.length > 0 && !g_ascii_isalpha(input->window.data[0])) {
        actions[0].type = OSH_L7_OPAQUE;
        return 1;
    }
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
let_pass(const OshFacts *facts, OshVerdict *verdict)
{
    (void)facts;
    verdict->unjudged = TRUE;
    verdict->uninspectable = "scan";
}

static void
begin(L7World *world)
{
    l7_world_new(world);
    world->feed = feed_letters;
    world->fixture->policy.judge = let_pass;
    l7_world_open(world);
}

static void
test_both_directions_go_on_from_the_first_byte(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "line\n");
    osh_fixture_expect(world.fixture, world.upstream, "line\n");
    osh_fixture_send(world.client, "\x01\x02raw");
    osh_fixture_expect(world.fixture, world.upstream, "\x01\x02raw");
    osh_fixture_send(world.upstream, "\x03reply");
    osh_fixture_expect(world.fixture, world.client, "\x03reply");
    osh_fixture_send(world.client, "line\n");
    osh_fixture_expect(world.fixture, world.upstream, "line\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_NOTICE, "uninspected");
    g_assert_cmpuint(world.n_closed, ==, 1);
    l7_world_close(&world);
}

static void
test_the_end_of_one_direction_reaches_the_other_peer(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "\x01last");
    g_assert_cmpint(shutdown(world.client, SHUT_WR), ==, 0);
    osh_fixture_expect(world.fixture, world.upstream, "\x01last");
    osh_fixture_expect_end(world.fixture, world.upstream);
    osh_fixture_send(world.upstream, "answer");
    osh_fixture_expect(world.fixture, world.client, "answer");
    l7_world_close(&world);
}

static void
test_a_reload_that_denies_cuts_it(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "\x01raw");
    osh_fixture_expect(world.fixture, world.upstream, "\x01raw");
    world.fixture->policy.action = OSH_ACTION_DENY;
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/opaque/both-directions-go-on-from-the-first-byte",
                    test_both_directions_go_on_from_the_first_byte);
    g_test_add_func("/network/opaque/the-end-of-one-direction-reaches-the-other-peer",
                    test_the_end_of_one_direction_reaches_the_other_peer);
    g_test_add_func("/network/opaque/a-reload-that-denies-cuts-it",
                    test_a_reload_that_denies_cuts_it);
    return g_test_run();
}
