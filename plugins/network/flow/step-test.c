/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function that carries out steps, with steps of the test's own: each does what a script says,
 * one letter for each time that it is carried out.
 */
#include "network-fixture.h"
#include "transparent.h"

#include <string.h>
#include <unistd.h>

/* n: next; w: wait; N, W: woken inside, then next or wait; g: gone; r: refused; G: told inside that
   it is gone, then next; E, R: its time is over inside, or a policy is reloaded, then next. */
static const char *scripts[OSH_N_STEPS];
static GString *done;
static guint cleared;
static OshStep table[OSH_N_STEPS];

static OshFlow
play(OshConnection *connection)
{
    const char **script = &scripts[connection->step];

    g_string_append_printf(done, "%s%c ", osh_connection_step(connection)->name, **script);
    switch (*(*script)++) {
    case 'n':
        return OSH_FLOW_NEXT;
    case 'N':
        osh_connection_wake(connection);
        return OSH_FLOW_NEXT;
    case 'W':
        osh_connection_wake(connection);
        return OSH_FLOW_WAIT;
    case 'g':
        return osh_connection_gone(connection, "test");
    case 'r':
        return OSH_FLOW_REFUSED;
    case 'G':
        osh_connection_advance(connection, osh_connection_gone(connection, "test"));
        return OSH_FLOW_NEXT;
    case 'E':
        osh_connection_expire(connection);
        return OSH_FLOW_NEXT;
    case 'R':
        osh_connection_reload(connection);
        return OSH_FLOW_NEXT;
    default:
        return OSH_FLOW_WAIT;
    }
}

static void
count_clear(OshConnection *connection)
{
    (void)connection;
    cleared++;
}

static OshFlow
expire(OshConnection *connection)
{
    g_string_append_printf(done, "%s expired ", osh_connection_step(connection)->name);
    return OSH_FLOW_REFUSED;
}

/* What it begins or ends has its answer at once. */
static OshFlow
expire_waking(OshConnection *connection)
{
    osh_connection_wake(connection);
    return expire(connection);
}

static OshFlow
reload_waking(OshConnection *connection)
{
    osh_connection_wake(connection);
    g_string_append_printf(done, "%s reloaded ", osh_connection_step(connection)->name);
    return osh_connection_gone(connection, "test");
}

static OshFixture *
begin(const char *captured, const char *identify, const char *linger)
{
    OshFixture *fixture = osh_fixture_new();

    memset(table, 0, sizeof table);
    table[OSH_STEP_CAPTURED] =
        (OshStep){.name = "one", .next = OSH_STEP_IDENTIFY, .run = play, .clear = count_clear};
    table[OSH_STEP_IDENTIFY] = (OshStep){.name = "two",
                                         .next = OSH_STEP_OF_TRANSPORT,
                                         .limit = G_TIME_SPAN_SECOND,
                                         .run = play,
                                         .expire = expire};
    table[OSH_STEP_FIRST_BYTES] = (OshStep){.name = "open", .run = play};
    table[OSH_STEP_LINGER] = (OshStep){.name = "linger", .limit = G_TIME_SPAN_SECOND, .run = play};
    scripts[OSH_STEP_CAPTURED] = captured;
    scripts[OSH_STEP_IDENTIFY] = identify;
    scripts[OSH_STEP_FIRST_BYTES] = "wwww";
    scripts[OSH_STEP_LINGER] = linger;
    done = g_string_new(NULL);
    cleared = 0;
    fixture->network.steps = table;
    osh_fixture_start(fixture);
    ((OshListener *)fixture->network.listeners->pdata[0])->transport = &osh_transport_transparent;
    return fixture;
}

static void
end(OshFixture *fixture, const char *expected)
{
    g_assert_cmpstr(done->str, ==, expected);
    osh_fixture_free(fixture);
    g_string_free(done, TRUE);
}

static int
connect_client(OshFixture *fixture)
{
    int client = osh_fixture_client(fixture);

    osh_fixture_settle(fixture);
    return client;
}

static void
test_steps_follow_each_other_until_one_waits(void)
{
    OshFixture *fixture = begin("n", "nw", "");
    int client = connect_client(fixture);

    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_FIRST_BYTES));
    close(client);
    end(fixture, "onen twon openw ");
}

static void
test_what_was_waited_for_carries_the_step_out_again(void)
{
    OshFixture *fixture = begin("w", "n", "");
    int client = connect_client(fixture);

    scripts[OSH_STEP_CAPTURED] = "n";
    osh_connection_wake(osh_fixture_first(fixture, OSH_STEP_CAPTURED));
    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_FIRST_BYTES));
    close(client);
    end(fixture, "onew onen twon openw ");
}

static void
test_an_answer_inside_the_call_that_asked_is_not_lost(void)
{
    OshFixture *fixture = begin("Wn", "w", "");
    int client = connect_client(fixture);

    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
    close(client);
    end(fixture, "oneW onen twow ");
}

static void
test_an_answer_inside_the_call_does_not_carry_the_step_out_inside_itself(void)
{
    OshFixture *fixture = begin("Nn", "w", "");
    int client = connect_client(fixture);

    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
    close(client);
    end(fixture, "oneN twow ");
}

static void
test_being_woken_does_not_carry_over_to_the_next_step(void)
{
    OshFixture *fixture = begin("n", "WW w", "");
    int client = connect_client(fixture);

    osh_fixture_settle(fixture);
    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
    close(client);
    end(fixture, "onen twoW twoW two  ");
}

static void
test_an_end_that_comes_inside_a_step_goes_before_what_the_step_says(void)
{
    OshFixture *fixture = begin("G", "w", "");
    int client = connect_client(fixture);

    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    g_assert_cmpuint(cleared, ==, 1);
    close(client);
    end(fixture, "oneG ");
}

static void
test_a_refused_connection_lingers(void)
{
    OshFixture *fixture = begin("r", "", "w");
    int client = connect_client(fixture);

    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_LINGER));
    osh_fixture_advance(fixture, 2 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    close(client);
    end(fixture, "oner lingerw ");
}

static void
test_every_step_gives_back_what_it_keeps(void)
{
    OshFixture *fixture = begin("n", "w", "");
    int client = connect_client(fixture);

    table[OSH_STEP_LINGER].clear = count_clear;
    osh_connection_release(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
    g_assert_cmpuint(cleared, ==, 2);
    close(client);
    end(fixture, "onen twow ");
}

static void
test_only_a_step_that_waits_is_listed(void)
{
    OshFixture *fixture = begin("n", "w", "");
    int client = connect_client(fixture);
    gint64 since;

    g_assert_null(osh_fixture_first(fixture, OSH_STEP_CAPTURED));
    since = osh_fixture_first(fixture, OSH_STEP_IDENTIFY)->since;
    /* Waiting once more is no new time. */
    osh_fixture_advance(fixture, G_TIME_SPAN_SECOND / 2);
    scripts[OSH_STEP_IDENTIFY] = "w";
    osh_connection_wake(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
    g_assert_cmpint(osh_fixture_first(fixture, OSH_STEP_IDENTIFY)->since, ==, since);
    close(client);
    end(fixture, "onen twow twow ");
}

static void
test_a_step_that_takes_too_long_says_what_follows(void)
{
    OshFixture *fixture = begin("n", "w", "g");
    int client = connect_client(fixture);

    osh_fixture_advance(fixture, 2 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    close(client);
    end(fixture, "onen twow two expired lingerg ");
}

/* The step that is woken would free the connection. */
static void
test_an_answer_inside_an_expiry_or_a_reload_frees_nothing(void)
{
    for (guint reload = 0; reload < 2; reload++) {
        OshFixture *fixture = begin("n", "wg", "g");
        int client = connect_client(fixture);

        table[OSH_STEP_IDENTIFY].expire = expire_waking;
        table[OSH_STEP_IDENTIFY].reload = reload_waking;
        if (reload)
            osh_connection_reload(osh_fixture_first(fixture, OSH_STEP_IDENTIFY));
        else
            osh_fixture_advance(fixture, 2 * G_TIME_SPAN_SECOND);
        g_assert_cmpint(fixture->network.n_connections, ==, 0);
        close(client);
        end(fixture, reload ? "onen twow two reloaded " : "onen twow two expired lingerg ");
    }
}

/* What follows is carried out when the step has returned, and goes before what it says. */
static void
test_an_expiry_or_a_reload_inside_a_step_frees_nothing(void)
{
    for (guint reload = 0; reload < 2; reload++) {
        OshFixture *fixture = begin("n", reload ? "R" : "E", "g");
        int client;

        table[OSH_STEP_IDENTIFY].reload = reload_waking;
        client = connect_client(fixture);
        g_assert_cmpint(fixture->network.n_connections, ==, 0);
        close(client);
        end(fixture, reload ? "onen twoR two reloaded " : "onen twoE two expired lingerg ");
    }
}

static void
test_a_step_without_a_limit_waits(void)
{
    OshFixture *fixture = begin("w", "", "");
    int client = connect_client(fixture);

    osh_fixture_advance(fixture, 3600 * G_TIME_SPAN_SECOND);
    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_CAPTURED));
    close(client);
    end(fixture, "onew ");
}

static void
test_every_step_of_the_table_can_be_entered_and_left(void)
{
    OshFixture *fixture = osh_fixture_new();
    const OshStep *steps = fixture->network.steps;

    for (guint i = 0; i < OSH_N_STEPS; i++) {
        g_assert_nonnull(steps[i].name);
        g_assert_nonnull(steps[i].run);
        /* The table is read from top to bottom. */
        g_assert_true(steps[i].is_open || i == OSH_STEP_LINGER || steps[i].next > i);
        /* Without a limit in time only what waits for nobody, or for both sides. */
        if (steps[i].limit == 0 && steps[i].configured_limit == NULL)
            g_assert_true(steps[i].expire == NULL);
        /* Where bytes go both ways, a reload is answered. */
        if (steps[i].is_open)
            g_assert_nonnull(steps[i].reload);
    }
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/step/steps-follow-each-other-until-one-waits",
                    test_steps_follow_each_other_until_one_waits);
    g_test_add_func("/network/step/what-was-waited-for-carries-the-step-out-again",
                    test_what_was_waited_for_carries_the_step_out_again);
    g_test_add_func("/network/step/an-answer-inside-the-call-that-asked-is-not-lost",
                    test_an_answer_inside_the_call_that_asked_is_not_lost);
    g_test_add_func(
        "/network/step/an-answer-inside-the-call-does-not-carry-the-step-out-inside-itself",
        test_an_answer_inside_the_call_does_not_carry_the_step_out_inside_itself);
    g_test_add_func("/network/step/being-woken-does-not-carry-over-to-the-next-step",
                    test_being_woken_does_not_carry_over_to_the_next_step);
    g_test_add_func("/network/step/an-end-inside-a-step-goes-before-what-the-step-says",
                    test_an_end_that_comes_inside_a_step_goes_before_what_the_step_says);
    g_test_add_func("/network/step/a-refused-connection-lingers",
                    test_a_refused_connection_lingers);
    g_test_add_func("/network/step/every-step-gives-back-what-it-keeps",
                    test_every_step_gives_back_what_it_keeps);
    g_test_add_func("/network/step/only-a-step-that-waits-is-listed-and-once",
                    test_only_a_step_that_waits_is_listed);
    g_test_add_func("/network/step/a-step-that-takes-too-long-says-what-follows",
                    test_a_step_that_takes_too_long_says_what_follows);
    g_test_add_func("/network/step/an-answer-inside-an-expiry-or-a-reload-frees-nothing",
                    test_an_answer_inside_an_expiry_or_a_reload_frees_nothing);
    g_test_add_func("/network/step/an-expiry-or-a-reload-inside-a-step-frees-nothing",
                    test_an_expiry_or_a_reload_inside_a_step_frees_nothing);
    g_test_add_func("/network/step/a-step-without-a-limit-waits",
                    test_a_step_without_a_limit_waits);
    g_test_add_func("/network/step/every-step-of-the-table-can-be-entered-and-left",
                    test_every_step_of_the_table_can_be_entered_and_left);
    return g_test_run();
}
