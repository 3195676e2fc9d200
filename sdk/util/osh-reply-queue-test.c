/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies keep the order of the requests, whoever says them.
 */
#include "osh-reply-queue.h"

static OshL7Action actions[OSH_L7_ACTIONS_MIN];

static OshReplyNext
next(OshReplyQueue *queue, OshL7List *list, gsize capacity, guint64 *ret_message)
{
    static OshL7Input input;

    input = (OshL7Input){.struct_size = sizeof(OshL7Input),
                         .direction = OSH_SERVER_TO_CLIENT,
                         .capacity = {0, capacity}};
    osh_l7_list_begin(list, &input, actions, G_N_ELEMENTS(actions));
    return osh_reply_queue_next(queue, list, ret_message);
}

static void
test_words_wait_for_the_replies_before_them(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 4);
    g_assert_cmpint(next(&queue, &list, 10, &message), ==, OSH_REPLY_NONE);
    osh_reply_queue_push_server(&queue, 1);
    osh_reply_queue_push_words(&queue, 2, 403, osh_span("denied"));
    osh_reply_queue_push_server(&queue, 3);
    g_assert_cmpint(next(&queue, &list, 10, &message), ==, OSH_REPLY_SERVER);
    g_assert_cmpuint(message, ==, 1);
    g_assert_cmpuint(list.n, ==, 0);
    osh_reply_queue_done(&queue, &list, 200, 5);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_DONE);
    g_assert_cmpuint(actions[0].message, ==, 1);
    g_assert_cmpint(osh_reply_queue_next(&queue, &list, &message), ==, OSH_REPLY_SERVER);
    g_assert_cmpuint(message, ==, 3);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_EMIT);
    g_assert_cmpuint(actions[1].message, ==, 2);
    g_assert_cmpuint(actions[2].type, ==, OSH_L7_DONE);
    g_assert_cmpuint(actions[2].u.done.status, ==, 403);
    g_assert_cmpuint(actions[2].u.done.bytes, ==, 6);
    osh_reply_queue_clear(&queue);
}

static void
test_words_wait_for_capacity_and_end_their_message_once(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 4);
    osh_reply_queue_push_words(&queue, 1, 0, osh_span("abc"));
    g_assert_cmpint(next(&queue, &list, 0, &message), ==, OSH_REPLY_WAIT);
    g_assert_cmpuint(list.n, ==, 0);
    g_assert_cmpint(next(&queue, &list, 2, &message), ==, OSH_REPLY_WAIT);
    g_assert_cmpuint(list.n, ==, 1);
    g_assert_cmpint(next(&queue, &list, 2, &message), ==, OSH_REPLY_NONE);
    g_assert_cmpuint(list.n, ==, 2);
    g_assert_cmpuint(actions[1].type, ==, OSH_L7_DONE);
    osh_reply_queue_clear(&queue);
}

static void
test_replies_carry_the_tag_of_their_request(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 4);
    g_assert_cmpuint(osh_reply_queue_tag(&queue), ==, 0);
    osh_reply_queue_push_tagged(&queue, 1, 7);
    osh_reply_queue_push_server(&queue, 2);
    osh_reply_queue_push_tagged(&queue, 3, G_MAXUINT64);
    g_assert_cmpuint(osh_reply_queue_tag(&queue), ==, 7);
    g_assert_cmpint(next(&queue, &list, 10, &message), ==, OSH_REPLY_SERVER);
    osh_reply_queue_done(&queue, &list, 200, 5);
    g_assert_cmpuint(osh_reply_queue_tag(&queue), ==, 0);
    osh_reply_queue_done(&queue, &list, 200, 5);
    g_assert_cmpuint(osh_reply_queue_tag(&queue), ==, G_MAXUINT64);
    osh_reply_queue_clear(&queue);
}

static void
test_words_of_no_bytes_still_end_their_message(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 4);
    osh_reply_queue_push_words(&queue, 1, 0, osh_span(""));
    g_assert_cmpint(next(&queue, &list, 0, &message), ==, OSH_REPLY_NONE);
    g_assert_cmpuint(list.n, ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_DONE);
    osh_reply_queue_clear(&queue);
}

static void
test_end_comes_behind_everything_and_closes_the_queue(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 4);
    osh_reply_queue_push_words(&queue, 1, 0, osh_span("bye"));
    g_assert_false(osh_reply_queue_is_full(&queue));
    osh_reply_queue_push_end(&queue);
    g_assert_true(osh_reply_queue_is_full(&queue));
    g_assert_cmpint(next(&queue, &list, 10, &message), ==, OSH_REPLY_ENDED);
    g_assert_cmpuint(list.n, ==, 3);
    g_assert_cmpuint(actions[2].type, ==, OSH_L7_END);
    osh_reply_queue_clear(&queue);
}

static void
test_queue_is_full_at_its_bound_and_lists_are_not_overfilled(void)
{
    OshReplyQueue queue;
    OshL7List list = {0};
    guint64 message = 0;

    osh_reply_queue_init(&queue, 6);
    for (guint i = 0; i < 6; i++) {
        g_assert_false(osh_reply_queue_is_full(&queue));
        osh_reply_queue_push_words(&queue, i + 1, 0, osh_span("x"));
    }
    g_assert_true(osh_reply_queue_is_full(&queue));
    g_assert_cmpint(next(&queue, &list, 100, &message), ==, OSH_REPLY_WAIT);
    g_assert_cmpuint(list.n, ==, 6);
    g_assert_cmpint(next(&queue, &list, 100, &message), ==, OSH_REPLY_NONE);
    g_assert_cmpuint(list.n, ==, 6);
    osh_reply_queue_clear(&queue);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/reply-queue/replies-carry-the-tag-of-their-request",
                    test_replies_carry_the_tag_of_their_request);
    g_test_add_func("/util/reply-queue/words-wait-for-the-replies-before-them",
                    test_words_wait_for_the_replies_before_them);
    g_test_add_func("/util/reply-queue/words-wait-for-capacity-and-end-their-message-once",
                    test_words_wait_for_capacity_and_end_their_message_once);
    g_test_add_func("/util/reply-queue/words-of-no-bytes-still-end-their-message",
                    test_words_of_no_bytes_still_end_their_message);
    g_test_add_func("/util/reply-queue/end-comes-behind-everything-and-closes-the-queue",
                    test_end_comes_behind_everything_and_closes_the_queue);
    g_test_add_func("/util/reply-queue/queue-is-full-at-its-bound-and-lists-are-not-overfilled",
                    test_queue_is_full_at_its_bound_and_lists_are_not_overfilled);
    return g_test_run();
}
