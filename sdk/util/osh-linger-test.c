/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lingering end reads and drops until the client has ended, or its time is over.
 */
#include "osh-linger.h"

static OshL7Action actions[OSH_L7_ACTIONS_MIN];

static gsize
feed(OshLinger *linger, OshL7Input input, gint64 *ret_deadline)
{
    OshL7List list = {0};
    gsize n;

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    n = osh_linger_feed(linger, &list);
    *ret_deadline = list.deadline;
    return n;
}

static void
test_client_is_read_and_dropped_until_it_ends(void)
{
    OshLinger linger = {0};
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .now = 100, .window = {"abc", 3}};
    gint64 deadline;

    g_assert_false(osh_linger_is_on(&linger));
    osh_linger_begin(&linger, 100, 50);
    g_assert_true(osh_linger_is_on(&linger));
    g_assert_cmpuint(feed(&linger, input, &deadline), ==, 2);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_DROP);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_MORE);
    g_assert_cmpint(deadline, ==, 150);
    input.direction = OSH_SERVER_TO_CLIENT;
    input.eof = TRUE;
    g_assert_cmpuint(feed(&linger, input, &deadline), ==, 2);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_MORE);
    input.direction = OSH_CLIENT_TO_SERVER;
    input.window.length = 0;
    g_assert_cmpuint(feed(&linger, input, &deadline), ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_END);
}

static void
test_time_ends_it_too_and_beginning_again_does_not_lengthen_it(void)
{
    OshLinger linger = {0};
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .now = 149};
    gint64 deadline;

    osh_linger_begin(&linger, 100, 50);
    osh_linger_begin(&linger, 140, 50);
    osh_linger_expire(&linger, 149);
    g_assert_cmpuint(feed(&linger, input, &deadline), ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_MORE);
    osh_linger_expire(&linger, 150);
    g_assert_cmpuint(feed(&linger, input, &deadline), ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_END);
    g_assert_cmpint(deadline, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/linger/client-is-read-and-dropped-until-it-ends",
                    test_client_is_read_and_dropped_until_it_ends);
    g_test_add_func("/util/linger/time-ends-it-too-and-beginning-again-does-not-lengthen-it",
                    test_time_ends_it_too_and_beginning_again_does_not_lengthen_it);
    return g_test_run();
}
