/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outbox says what it holds in order, as much at a time as there is capacity for.
 */
#include "osh-outbox.h"

static OshL7Action actions[OSH_L7_ACTIONS_MIN];

/* Flushes once. Returns: (transfer full): what was emitted, with "|" between two actions. */
static char *
flush(OshOutbox *outbox, OshL7List *list, gsize capacity, gboolean expected_empty)
{
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .capacity = {0, capacity}};
    GString *text = g_string_new(NULL);

    osh_l7_list_begin(list, &input, actions, G_N_ELEMENTS(actions));
    g_assert_cmpint(osh_outbox_flush(outbox, list, OSH_SERVER_TO_CLIENT), ==, expected_empty);
    for (gsize i = 0; i < list->n; i++) {
        const OshL7Piece *piece = actions[i].u.send.pieces;

        g_assert_cmpuint(actions[i].type, ==, OSH_L7_EMIT);
        g_assert_cmpuint(actions[i].direction, ==, OSH_SERVER_TO_CLIENT);
        g_string_append(text, i > 0 ? "|" : "");
        g_string_append_len(text, piece->bytes.data, (gssize)piece->bytes.length);
    }
    return g_string_free(text, FALSE);
}

static void
test_bytes_are_split_by_capacity(void)
{
    OshOutbox outbox = {0};
    OshL7List list = {0};
    g_autofree char *none = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *third = NULL;

    osh_outbox_put(&outbox, 1, 0, osh_span("abcdef"));
    osh_outbox_put(&outbox, 2, OSH_L7_FRAMING, osh_span("gh"));
    osh_outbox_put(&outbox, 3, 0, osh_span(""));
    g_assert_cmpuint(osh_outbox_size(&outbox), ==, 8);
    none = flush(&outbox, &list, 0, FALSE);
    first = flush(&outbox, &list, 4, FALSE);
    second = flush(&outbox, &list, 3, FALSE);
    g_assert_cmpuint(actions[1].message, ==, 2);
    g_assert_cmpuint(actions[1].flags, ==, OSH_L7_FRAMING);
    g_assert_cmpuint(osh_outbox_size(&outbox), ==, 1);
    third = flush(&outbox, &list, 100, TRUE);
    g_assert_cmpstr(none, ==, "");
    g_assert_cmpstr(first, ==, "abcd");
    g_assert_cmpstr(second, ==, "ef|g");
    g_assert_cmpstr(third, ==, "h");
    osh_outbox_clear(&outbox);
}

static void
test_two_flushes_of_one_feed_keep_the_bytes_of_both(void)
{
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .capacity = {0, 100}};
    OshOutbox outbox = {0};
    OshL7List list = {0};

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    osh_outbox_put(&outbox, 1, 0, osh_span("one"));
    g_assert_true(osh_outbox_flush(&outbox, &list, OSH_SERVER_TO_CLIENT));
    osh_outbox_put(&outbox, 2, 0, osh_span("two"));
    g_assert_true(osh_outbox_flush(&outbox, &list, OSH_SERVER_TO_CLIENT));
    g_assert_cmpmem(actions[0].u.send.pieces[0].bytes.data, 3, "one", 3);
    g_assert_cmpmem(actions[1].u.send.pieces[0].bytes.data, 3, "two", 3);
    osh_outbox_clear(&outbox);
}

static void
test_list_keeps_space_for_one_more_action(void)
{
    OshOutbox outbox = {0};
    OshL7List list = {0};
    g_autofree char *text = NULL;

    for (guint i = 0; i < 20; i++)
        osh_outbox_put(&outbox, 1, 0, osh_span("x"));
    text = flush(&outbox, &list, 100, FALSE);
    g_assert_cmpuint(list.n, ==, OSH_L7_ACTIONS_MIN - 1);
    osh_outbox_clear(&outbox);
    g_assert_cmpuint(osh_outbox_size(&outbox), ==, 0);
}

static void
test_one_action_holds_no_more_than_the_contract_allows(void)
{
    g_autofree char *many = g_strnfill(OSH_L7_BYTES_MAX + 1, 'x');
    OshOutbox outbox = {0};
    OshL7List list = {0};
    g_autofree char *text = NULL;

    osh_outbox_put(&outbox, 1, 0, osh_span(many));
    text = flush(&outbox, &list, 1000000, TRUE);
    g_assert_cmpuint(list.n, ==, 2);
    g_assert_cmpuint(actions[1].u.send.pieces[0].bytes.length, ==, 1);
    osh_outbox_clear(&outbox);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/outbox/bytes-are-split-by-capacity", test_bytes_are_split_by_capacity);
    g_test_add_func("/util/outbox/two-flushes-of-one-feed-keep-the-bytes-of-both",
                    test_two_flushes_of_one_feed_keep_the_bytes_of_both);
    g_test_add_func("/util/outbox/list-keeps-space-for-one-more-action",
                    test_list_keeps_space_for_one_more_action);
    g_test_add_func("/util/outbox/one-action-holds-no-more-than-the-contract-allows",
                    test_one_action_holds_no_more_than_the_contract_allows);
    return g_test_run();
}
