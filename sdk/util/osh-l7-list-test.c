/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list counts what it releases and what it emits, so that a session need not.
 */
#include "osh-l7-list.h"

static OshL7Action actions[OSH_L7_ACTIONS_MIN];

static OshL7Input
input_of(const char *text)
{
    return (OshL7Input){
        .struct_size = sizeof(OshL7Input), .window = osh_span(text), .capacity = {100, 5}};
}

static void
test_offsets_follow_what_was_released(void)
{
    OshL7Input input = input_of("abcdefgh");
    OshL7List list = {0};

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    osh_l7_list_pass(&list, 4, 3);
    osh_l7_list_drop(&list, 0, 0);
    osh_l7_list_drop(&list, 0, 2);
    osh_l7_list_replace(&list, 4, 1, NULL, 0);
    g_assert_cmpuint(list.n, ==, 3);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_PASS);
    g_assert_cmpuint(actions[0].message, ==, 4);
    g_assert_cmpuint(actions[1].offset, ==, 3);
    g_assert_cmpuint(actions[2].offset, ==, 5);
    g_assert_cmpuint(list.released, ==, 6);
    g_assert_cmpmem(osh_l7_list_window(&list).data, osh_l7_list_window(&list).length, "gh", 2);
    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpuint(list.n, ==, 0);
    g_assert_cmpuint(list.call, ==, 2);
    g_assert_cmpuint(osh_l7_list_window(&list).length, ==, 8);
}

static void
test_capacity_counts_down_and_is_never_below_nothing(void)
{
    OshL7Input input = input_of("");
    OshL7Piece piece = {.type = OSH_L7_PIECE_BYTES, .bytes = {"abc", 3}};
    OshL7List list = {0};

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    osh_l7_list_emit(&list, OSH_SERVER_TO_CLIENT, 1, &piece, 3);
    g_assert_cmpuint(list.capacity[OSH_SERVER_TO_CLIENT], ==, 2);
    osh_l7_list_emit(&list, OSH_SERVER_TO_CLIENT, 1, &piece, 3)->flags = OSH_L7_FRAMING;
    g_assert_cmpuint(list.capacity[OSH_SERVER_TO_CLIENT], ==, 0);
    g_assert_cmpuint(list.capacity[OSH_CLIENT_TO_SERVER], ==, 100);
    g_assert_cmpuint(actions[1].flags, ==, OSH_L7_FRAMING);
    g_assert_cmpuint(osh_l7_list_window(&list).length, ==, 0);
}

static void
test_what_ends_a_list_returns_what_feed_returns(void)
{
    OshL7Input input = input_of("");
    OshFact fact = OSH_FACT_INTEGER_INIT("x.y", 1);
    OshL7List list = {0};

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    osh_l7_list_deny(&list, 1, "malformed");
    osh_l7_list_done(&list, 1, 400, 9);
    g_assert_cmpuint(osh_l7_list_more(&list), ==, 3);
    g_assert_cmpstr(actions[0].u.deny.reason, ==, "malformed");
    g_assert_cmpuint(actions[1].u.done.status, ==, 400);
    g_assert_cmpuint(actions[1].u.done.bytes, ==, 9);
    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpuint(osh_l7_list_ask(&list, 2, &fact, 1), ==, 1);
    g_assert_cmpuint(actions[0].flags, ==, OSH_L7_PAUSES);
    g_assert_true(actions[0].u.ask.facts.facts == &fact);
    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpuint(osh_l7_list_fail(&list, "the server"), ==, 1);
    g_assert_cmpuint(actions[0].flags, ==, OSH_L7_CONNECTION | OSH_L7_FAILURE);
    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpuint(osh_l7_list_refuse(&list, 0, "smuggled"), ==, 1);
    g_assert_cmpuint(actions[0].flags, ==, OSH_L7_CONNECTION);
    input = input_of("abcde");
    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    osh_l7_list_drop(&list, 1, 2);
    g_assert_cmpuint(osh_l7_list_retarget(&list, "other.example", 8080), ==, 2);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_RETARGET);
    g_assert_cmpuint(actions[1].offset, ==, 2);
    g_assert_cmpstr(actions[1].u.retarget.host, ==, "other.example");
    g_assert_cmpuint(actions[1].u.retarget.port, ==, 8080);
    list.deadline = 7;
    osh_l7_list_begin(&list, &input, actions, 2);
    g_assert_cmpint(list.deadline, ==, 0);
    g_assert_true(osh_l7_list_has_space(&list, 2));
    g_assert_cmpuint(osh_l7_list_end(&list), ==, 1);
    g_assert_false(osh_l7_list_has_space(&list, 2));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/l7-list/offsets-follow-what-was-released",
                    test_offsets_follow_what_was_released);
    g_test_add_func("/util/l7-list/capacity-counts-down-and-is-never-below-nothing",
                    test_capacity_counts_down_and_is_never_below_nothing);
    g_test_add_func("/util/l7-list/what-ends-a-list-returns-what-feed-returns",
                    test_what_ends_a_list_returns_what_feed_returns);
    return g_test_run();
}
