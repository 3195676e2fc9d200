/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached plugin under the harness of openshell-host: each test is a conversation, run whole,
 * byte by byte and at random splits, with every rule of the contract checked.
 */
#include <openshell/testing/osh-l7-harness.h>

#include "memcached.c"

static OshL7Harness *
new_harness(void)
{
    return osh_l7_harness_new_for_plugin(&openshell_plugin_v1, openshell_manifest_text);
}

static OshL7Outcome *
run(OshL7Harness *harness)
{
    OshL7Outcome *outcome = osh_l7_harness_run_all(harness, 100);

    g_assert_cmpstr(outcome->violation, ==, NULL);
    osh_l7_harness_free(harness);
    return outcome;
}

static void
test_refused_command_leaves_its_neighbours_alone(void)
{
    OshL7Harness *harness = new_harness();
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "memcached.keys",
                             "secret:*");
    osh_l7_harness_client(harness,
                          "get user:1 user:2\r\n"
                          "set secret:1 0 0 5\r\n12345\r\n"
                          "set user:1 0 60 7\r\nget a\r\n\r\n"
                          "delete user:1\r\nquit\r\n",
                          -1);
    osh_l7_harness_server(harness, "VALUE user:1 0 6\r\nEND\r\n!\r\nEND\r\nSTORED\r\nDELETED\r\n",
                          -1);
    osh_l7_harness_end(harness, OSH_SERVER_TO_CLIENT);
    outcome = run(harness);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==,
                    "get user:1 user:2\r\nset user:1 0 60 7\r\nget a\r\n\r\n"
                    "delete user:1\r\nquit\r\n");
    g_assert_cmpstr(outcome->released[OSH_SERVER_TO_CLIENT]->str, ==,
                    "VALUE user:1 0 6\r\nEND\r\n!\r\nEND\r\n"
                    "SERVER_ERROR denied\r\nSTORED\r\nDELETED\r\n");
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed get [user:1 user:2] [memcached.command=get "
                    "memcached.keys=[user:1 user:2] memcached.bytes=0] done 0 31\n"
                    "2 denied set [secret:1] [memcached.command=set memcached.keys=[secret:1] "
                    "memcached.bytes=5] \"memcached.keys is secret:*\" done 0 21\n"
                    "3 allowed set [user:1] [memcached.command=set memcached.keys=[user:1] "
                    "memcached.bytes=7] done 0 8\n"
                    "4 allowed delete [user:1] [memcached.command=delete "
                    "memcached.keys=[user:1] memcached.bytes=0] done 0 9\n"
                    "5 allowed quit [] [memcached.command=quit memcached.keys=[] "
                    "memcached.bytes=0] done 0 0\n");
}

static void
test_command_that_is_not_known_ends_the_connection_behind_earlier_replies(gconstpointer data)
{
    OshL7Harness *harness = new_harness();
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "get a\r\n", -1);
    osh_l7_harness_client(harness, data, -1);
    osh_l7_harness_client(harness, "get b\r\n", -1);
    osh_l7_harness_server(harness, "END\r\n", -1);
    outcome = run(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==, "get a\r\n");
    g_assert_cmpstr(outcome->released[OSH_SERVER_TO_CLIENT]->str, ==, "END\r\nERROR\r\n");
}

static void
test_reply_before_the_data_waits_for_it(void)
{
    OshL7Harness *harness = new_harness();
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "set a 0 0 5\r\n12", -1);
    osh_l7_harness_server(harness, "SERVER_ERROR too large\r\n", -1);
    osh_l7_harness_client(harness, "345\r\n", -1);
    outcome = run(harness);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==, "set a 0 0 5\r\n12345\r\n");
    g_assert_cmpstr(outcome->released[OSH_SERVER_TO_CLIENT]->str, ==, "SERVER_ERROR too large\r\n");
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed set [a] [memcached.command=set memcached.keys=[a] "
                    "memcached.bytes=5] done 0 24\n");
}

static void
test_data_block_that_goes_on_behind_its_length_ends_the_connection(void)
{
    OshL7Harness *harness = new_harness();
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "set a 0 0 2\r\nabdelete b\r\n", -1);
    outcome = run(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_DENIED);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==, "set a 0 0 2\r\nab");
}

static void
test_server_that_speaks_unasked_or_wrongly_has_failed(gconstpointer data)
{
    OshL7Harness *harness = new_harness();
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "get a\r\n", -1);
    osh_l7_harness_server(harness, data, -1);
    outcome = run(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
}

int
main(int argc, char **argv)
{
    static const char *const unknown[] = {"flush_all\r\n",
                                          "get\r\n",
                                          "get  a\r\n",
                                          "get a\n",
                                          "set a 0 0 1048577\r\n",
                                          "set a 0 0 -1\r\n",
                                          "set a 0 0 1 noreply\r\n",
                                          "get a\rb\r\n"};
    static const char *const wrong[] = {"END\r\nEND\r\n", "VALUE a 0 2\r\nabc\r\nEND\r\n", "END\n"};

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memcached/refused-command-leaves-its-neighbours-alone",
                    test_refused_command_leaves_its_neighbours_alone);
    for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autofree char *path = g_strdup_printf(
            "/memcached/command-that-is-not-known-ends-the-connection-behind-earlier-replies/%zu",
            i);

        g_test_add_data_func(
            path, unknown[i],
            test_command_that_is_not_known_ends_the_connection_behind_earlier_replies);
    }
    g_test_add_func("/memcached/reply-before-the-data-waits-for-it",
                    test_reply_before_the_data_waits_for_it);
    g_test_add_func("/memcached/data-block-that-goes-on-behind-its-length-ends-the-connection",
                    test_data_block_that_goes_on_behind_its_length_ends_the_connection);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *path =
            g_strdup_printf("/memcached/server-that-speaks-unasked-or-wrongly-has-failed/%zu", i);

        g_test_add_data_func(path, wrong[i], test_server_that_speaks_unasked_or_wrongly_has_failed);
    }
    return g_test_run();
}
