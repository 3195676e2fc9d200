/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of tests: time moves by hand, and what is due runs in its order.
 */
#include "osh-virtual-clock.h"

typedef struct {
    OshVirtualClock *clock;
    GString *order;
    gint64 seen;
} Fixture;

static void
append_a(gpointer data)
{
    Fixture *fixture = data;

    g_string_append_c(fixture->order, 'a');
    fixture->seen = osh_virtual_clock_now(fixture->clock);
}

static void
append_b(gpointer data)
{
    Fixture *fixture = data;

    g_string_append_c(fixture->order, 'b');
    osh_virtual_clock_add(fixture->clock, osh_virtual_clock_now(fixture->clock) + 5, append_a,
                          fixture);
}

static void
test_timers_run_in_order_of_time_and_see_their_own_time(void)
{
    g_autoptr(OshVirtualClock) clock = osh_virtual_clock_new();
    Fixture fixture = {.clock = clock, .order = g_string_new(NULL)};

    g_assert_cmpint(osh_virtual_clock_now(clock), ==, OSH_VIRTUAL_CLOCK_START);
    osh_virtual_clock_add(clock, OSH_VIRTUAL_CLOCK_START + 20, append_a, &fixture);
    osh_virtual_clock_add(clock, OSH_VIRTUAL_CLOCK_START + 10, append_b, &fixture);
    osh_virtual_clock_advance(clock, 9);
    g_assert_cmpstr(fixture.order->str, ==, "");
    osh_virtual_clock_advance(clock, 6);
    g_assert_cmpstr(fixture.order->str, ==, "ba");
    g_assert_cmpint(fixture.seen, ==, OSH_VIRTUAL_CLOCK_START + 15);
    osh_virtual_clock_advance(clock, 1000);
    g_assert_cmpstr(fixture.order->str, ==, "baa");
    g_assert_cmpint(osh_virtual_clock_now(clock), ==, OSH_VIRTUAL_CLOCK_START + 1015);
    g_string_free(fixture.order, TRUE);
}

static void
test_removed_timer_does_not_run(void)
{
    g_autoptr(OshVirtualClock) clock = osh_virtual_clock_new();
    Fixture fixture = {.clock = clock, .order = g_string_new(NULL)};
    OshVirtualTimer *timer = osh_virtual_clock_add(clock, 0, append_a, &fixture);

    osh_virtual_clock_remove(clock, timer);
    osh_virtual_clock_advance(clock, 10);
    g_assert_cmpstr(fixture.order->str, ==, "");
    osh_virtual_clock_add(clock, 0, append_a, &fixture);
    osh_virtual_clock_advance(clock, 0);
    g_assert_cmpstr(fixture.order->str, ==, "a");
    g_string_free(fixture.order, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/testing/virtual-clock/timers-run-in-order-of-time-and-see-their-own-time",
                    test_timers_run_in_order_of_time_and_see_their_own_time);
    g_test_add_func("/testing/virtual-clock/removed-timer-does-not-run",
                    test_removed_timer_does_not_run);
    return g_test_run();
}
