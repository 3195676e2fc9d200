/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counted data goes as it comes, and not one byte further.
 */
#include "osh-counted.h"

static OshL7Action actions[OSH_L7_ACTIONS_MIN];

/* Feeds @text. Returns: bytes that the list released. */
static gsize
feed(OshCounted *counted, const char *text, OshCountedStatus expected)
{
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .window = osh_span(text)};
    OshL7List list = {0};

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpint(osh_counted_feed(counted, &list), ==, expected);
    g_assert_cmpuint(list.n, <=, 2);
    return list.released;
}

static void
test_data_goes_as_it_comes_with_its_end(void)
{
    OshCounted counted = {0};

    g_assert_cmpuint(feed(&counted, "next", OSH_COUNTED_COMPLETE), ==, 0);
    osh_counted_begin(&counted, 3, 5, "\r\n", TRUE);
    g_assert_cmpuint(feed(&counted, "", OSH_COUNTED_MORE), ==, 0);
    g_assert_cmpuint(feed(&counted, "ab", OSH_COUNTED_MORE), ==, 2);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_PASS);
    g_assert_cmpuint(actions[0].message, ==, 3);
    g_assert_cmpuint(counted.left, ==, 3);
    g_assert_cmpuint(feed(&counted, "cde", OSH_COUNTED_MORE), ==, 3);
    g_assert_false(osh_counted_is_complete(&counted));
    g_assert_cmpuint(feed(&counted, "\r", OSH_COUNTED_MORE), ==, 0);
    g_assert_cmpuint(feed(&counted, "\r\nnext", OSH_COUNTED_COMPLETE), ==, 2);
    g_assert_true(osh_counted_is_complete(&counted));
    g_assert_cmpuint(feed(&counted, "next", OSH_COUNTED_COMPLETE), ==, 0);
}

static void
test_refused_data_is_dropped(void)
{
    OshCounted counted = {0};

    osh_counted_begin(&counted, 3, 2, "\n", FALSE);
    g_assert_cmpuint(feed(&counted, "ab\nnext", OSH_COUNTED_COMPLETE), ==, 3);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_DROP);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_DROP);
}

static void
test_data_that_goes_on_behind_its_length_is_broken(void)
{
    OshCounted counted = {0};

    osh_counted_begin(&counted, 3, 2, "\r\n", TRUE);
    g_assert_cmpuint(feed(&counted, "abc\r\n", OSH_COUNTED_BROKEN), ==, 2);
    osh_counted_begin(&counted, 3, 2, "\r\n", TRUE);
    g_assert_cmpuint(feed(&counted, "ab\n", OSH_COUNTED_BROKEN), ==, 2);
}

static void
test_data_without_an_end_or_without_bytes(void)
{
    OshCounted counted = {0};

    osh_counted_begin(&counted, 3, 2, NULL, TRUE);
    g_assert_cmpuint(feed(&counted, "abc", OSH_COUNTED_COMPLETE), ==, 2);
    osh_counted_begin(&counted, 3, 0, "\r\n", TRUE);
    g_assert_cmpuint(feed(&counted, "\r\nabc", OSH_COUNTED_COMPLETE), ==, 2);
    osh_counted_begin(&counted, 3, G_MAXUINT64, NULL, TRUE);
    g_assert_cmpuint(feed(&counted, "abc", OSH_COUNTED_MORE), ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/counted/data-goes-as-it-comes-with-its-end",
                    test_data_goes_as_it_comes_with_its_end);
    g_test_add_func("/util/counted/refused-data-is-dropped", test_refused_data_is_dropped);
    g_test_add_func("/util/counted/data-that-goes-on-behind-its-length-is-broken",
                    test_data_that_goes_on_behind_its_length_is_broken);
    g_test_add_func("/util/counted/data-without-an-end-or-without-bytes",
                    test_data_without_an_end_or_without_bytes);
    return g_test_run();
}
