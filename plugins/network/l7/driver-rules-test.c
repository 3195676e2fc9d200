/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule of a list of actions, broken once: the connection ends, nothing of the client leaves,
 * and one warning names the plugin and the rule.
 */
#include "l7-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Fills a list that breaks a rule. The window holds one line; message 1 is about it. */
typedef gsize (*Breach)(L7Session *session, const OshL7Input *input, OshL7Action *actions);

static char many_bytes[OSH_L7_BYTES_MAX + 1];

static OshL7Action
pass(const OshL7Input *input, guint64 message)
{
    return (OshL7Action){.type = OSH_L7_PASS, .message = message, .length = input->window.length};
}

static OshL7Action
replace(L7Session *session, const OshL7Input *input, OshL7Piece piece)
{
    session->pieces[0] = piece;
    return (OshL7Action){.type = OSH_L7_REPLACE,
                         .message = 1,
                         .length = input->window.length,
                         .u.send = {session->pieces, 1}};
}

static OshL7Action
emit(L7Session *session, guint direction, guint64 message)
{
    session->pieces[0] = l7_bytes("words\n");
    return (OshL7Action){.type = OSH_L7_EMIT,
                         .direction = direction,
                         .message = message,
                         .u.send = {session->pieces, 1}};
}

static OshL7Action
ask(L7Session *session, guint64 message, guint32 flags)
{
    OshL7Action action;

    l7_ask(session, &action, osh_span("text"));
    action.message = message;
    action.flags = flags;
    return action;
}

static OshL7Action
of_type(guint32 type, guint64 message)
{
    return (OshL7Action){.type = type, .message = message};
}

#define BREACH(name)                                                                               \
    static gsize name(G_GNUC_UNUSED L7Session *session, G_GNUC_UNUSED const OshL7Input *input,     \
                      OshL7Action *actions)
/* One whose list is one action. */
#define BREACH_BY(name, action)                                                                    \
    BREACH(name)                                                                                   \
    {                                                                                              \
        actions[0] = action;                                                                       \
        return 1;                                                                                  \
    }
#define BREACH_BY_TWO(name, first, second)                                                         \
    BREACH(name)                                                                                   \
    {                                                                                              \
        actions[0] = first;                                                                        \
        actions[1] = second;                                                                       \
        return 2;                                                                                  \
    }

BREACH(too_many)
{
    actions[0] = of_type(OSH_L7_MORE, 0);
    return 1000;
}

BREACH_BY(unknown_type, of_type(99, 0))
BREACH_BY(type_of_a_slot_behind, of_type(OSH_L7_DONE + 1, 0))
BREACH_BY(emit_nowhere, emit(session, 2, 0))

BREACH(unknown_flag)
{
    actions[0] = pass(input, 1);
    actions[0].flags = 1u << 7;
    return 1;
}

BREACH(flag_of_another_type)
{
    actions[0] = pass(input, 1);
    actions[0].flags = OSH_L7_PAUSES;
    return 1;
}

BREACH_BY_TWO(more_first, of_type(OSH_L7_MORE, 0), pass(input, 1))
BREACH_BY_TWO(end_first, of_type(OSH_L7_END, 0), pass(input, 1))
BREACH_BY_TWO(pause_first, ask(session, 1, OSH_L7_PAUSES), of_type(OSH_L7_MORE, 0))

BREACH(offset_too_large)
{
    actions[0] = pass(input, 1);
    actions[0].offset = 1;
    actions[0].length--;
    return 1;
}

BREACH(offset_again)
{
    actions[0] = of_type(OSH_L7_DROP, 1);
    actions[0].length = 2;
    actions[1] = of_type(OSH_L7_DROP, 1);
    actions[1].length = 1;
    return 2;
}

BREACH(behind_the_window)
{
    actions[0] = pass(input, 1);
    actions[0].length++;
    return 1;
}

BREACH(length_that_wraps)
{
    actions[0] = of_type(OSH_L7_DROP, 1);
    actions[0].length = 1;
    actions[1] = pass(input, 1);
    actions[1].offset = 1;
    actions[1].length = G_MAXUINT64;
    return 2;
}

BREACH(piece_behind_the_window)
{
    actions[0] = replace(
        session, input,
        (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = 1, .length = input->window.length});
    return 1;
}

BREACH_BY(nothing_released, of_type(OSH_L7_DROP, 1))
BREACH_BY(nothing_sent, replace(session, input, l7_bytes("")))

BREACH(no_pieces)
{
    actions[0] = replace(session, input, l7_bytes("x"));
    actions[0].u.send.n_pieces = 0;
    return 1;
}

BREACH_BY(unknown_piece, replace(session, input, (OshL7Piece){.type = 9}))

BREACH(phase_of_no_mask)
{
    OshL7Piece piece = l7_bytes("x");

    piece.mask_phase = 4;
    actions[0] = replace(session, input, piece);
    return 1;
}

BREACH_BY(lease_of_nobody, replace(session, input, (OshL7Piece){.type = OSH_L7_PIECE_LEASE}))
BREACH_BY(handle_of_nobody, replace(session, input, (OshL7Piece){.type = OSH_L7_PIECE_CONTENT}))
BREACH_BY(too_many_bytes, replace(session, input,
                                  ((OshL7Piece){.type = OSH_L7_PIECE_BYTES,
                                                .bytes = {many_bytes, sizeof many_bytes}})))

/* The first may exceed the capacity; then there is none. */
BREACH(more_than_the_capacity)
{
    for (guint i = 0; i < 3; i++) {
        actions[i] = emit(session, OSH_SERVER_TO_CLIENT, 0);
        session->pieces[0].bytes = (OshSpan){many_bytes, OSH_L7_BYTES_MAX};
    }
    return 3;
}

BREACH_BY(number_of_nothing, ask(session, 0, 0))
BREACH_BY_TWO(number_again, of_type(OSH_L7_DONE, 1), ask(session, 1, 0))
BREACH_BY_TWO(number_not_larger, ask(session, 9, 0), ask(session, 8, 0))
BREACH_BY(done_of_nothing, of_type(OSH_L7_DONE, 5))
BREACH_BY(pass_of_nothing, pass(input, 5))
BREACH_BY_TWO(pass_after_done, of_type(OSH_L7_DONE, 1), pass(input, 1))
BREACH_BY(drop_of_nothing, ((OshL7Action){.type = OSH_L7_DROP, .message = 5, .length = 1}))
BREACH_BY(pass_of_no_message, pass(input, 0))
BREACH_BY(emit_of_no_message, emit(session, OSH_CLIENT_TO_SERVER, 0))
BREACH_BY_TWO(pass_before_the_answer, ask(session, 1, 0), pass(input, 1))
BREACH_BY_TWO(emit_before_the_answer, ask(session, 1, 0), emit(session, OSH_CLIENT_TO_SERVER, 1))
BREACH_BY(pass_of_refused, pass(input, 1))
BREACH_BY(replace_of_refused, replace(session, input, l7_bytes("x")))

BREACH(framing_of_a_message)
{
    actions[0] = pass(input, 1);
    actions[0].flags = OSH_L7_FRAMING;
    return 1;
}

BREACH_BY_TWO(two_questions, ask(session, 1, 0), ask(session, 1, 0))
BREACH_BY(asked_again, ask(session, 1, 0))

static OshL7Action
deny(guint64 message, const char *reason)
{
    return (OshL7Action){.type = OSH_L7_DENY, .message = message, .u.deny.reason = reason};
}

BREACH_BY(deny_without_reason, deny(1, NULL))
BREACH_BY(deny_for_nothing, deny(1, ""))
BREACH_BY(deny_of_refused, deny(1, "malformed"))
BREACH_BY(deny_of_no_message, deny(0, "malformed"))
BREACH_BY_TWO(done_of_a_question, ask(session, 1, 0), of_type(OSH_L7_DONE, 1))
BREACH_BY(cancel_of_no_question, of_type(OSH_L7_CANCEL, 1))

static OshL7Action
slot(guint64 message, guint64 number, guint32 context, guint64 length)
{
    return (OshL7Action){.type = OSH_L7_SLOT,
                         .message = message,
                         .length = length,
                         .u.slot = {.slot = number, .context = context}};
}

static OshL7Action
slot_forbidding(guint32 context)
{
    OshL7Action action = slot(1, 1, context, 1);

    action.u.slot.forbidden = OSH_SPAN_LITERAL("x");
    return action;
}

BREACH_BY(slot_of_nothing, slot(0, 1, OSH_SLOT_TEXT, 1))
BREACH_BY(slot_behind_the_question, slot(1, 1, OSH_SLOT_TEXT, 1))
BREACH_BY(slot_without_context, slot(1, 1, 0, 1))
BREACH_BY(slot_without_text, slot(1, 1, OSH_SLOT_TEXT, 0))
BREACH_BY(slot_behind_the_window, slot(1, 1, OSH_SLOT_TEXT, 1000))
BREACH_BY_TWO(slot_twice, slot(1, 7, OSH_SLOT_TEXT, 1), slot(1, 7, OSH_SLOT_TEXT, 1))
BREACH_BY(slot_with_forbidden, slot_forbidding(OSH_SLOT_HEADER))

static OshL7Action
content(guint64 message)
{
    return (OshL7Action){.type = OSH_L7_CONTENT,
                         .flags = OSH_L7_LAST,
                         .message = message,
                         .u.content = {.content = 1, .media_type = ""}};
}

BREACH_BY(content_unasked, content(1))
BREACH_BY(content_of_nothing, content(1))

static OshL7Action
upgrade(guint64 message, const char *protocol)
{
    return (OshL7Action){
        .type = OSH_L7_UPGRADE, .message = message, .u.upgrade.protocol = protocol};
}

BREACH_BY(retarget_nowhere, of_type(OSH_L7_RETARGET, 0))
BREACH_BY(upgrade_to_nothing, upgrade(0, NULL))
BREACH_BY(upgrade_of_refused, upgrade(1, "other"))
BREACH_BY(upgrade_beside_another, upgrade(0, "other"))
BREACH_BY(start_tls, of_type(OSH_L7_START_TLS, 0))
BREACH_BY(opaque, of_type(OSH_L7_OPAQUE, 0))

static OshL7Action
ask_naming(L7Session *session, const char *first, const char *second)
{
    OshL7Action action = ask(session, 1, 0);

    session->facts[0].name = first;
    session->facts[1].name = second;
    return action;
}

BREACH_BY(fact_of_the_host, ask_naming(session, OSH_FACT_NETWORK_HOST, OSH_FACT_REQUEST_PATH))
BREACH_BY(fact_without_name, ask_naming(session, OSH_FACT_REQUEST_METHOD, NULL))
BREACH_BY(fact_twice, ask_naming(session, OSH_FACT_REQUEST_PATH, OSH_FACT_REQUEST_PATH))

static OshL7Action
retarget(const char *host, guint32 port, guint64 offset)
{
    return (OshL7Action){
        .type = OSH_L7_RETARGET, .offset = offset, .u.retarget = {.host = host, .port = port}};
}

BREACH_BY(retarget_to_nowhere, retarget(NULL, 80, 0))
BREACH_BY(retarget_to_no_port, retarget("other.test", 0, 0))
BREACH_BY(retarget_to_a_large_port, retarget("other.test", 65536, 0))
BREACH_BY(retarget_from_elsewhere, retarget("other.test", 80, 1))
BREACH_BY(retarget_with_a_message, retarget("other.test", 80, 0))
BREACH_BY_TWO(retarget_first, retarget("other.test", 80, 0), of_type(OSH_L7_MORE, 0))

static const struct {
    const char *sentence;
    const char *rule;
    L7Message state; /* of message 1, when the rule is broken */
    Breach breach;
} rows[] = {
    {"more-actions-than-space", "space", L7_ALLOWED, too_many},
    {"an-unknown-type", "shape", L7_ALLOWED, unknown_type},
    {"the-type-behind-the-last", "shape", L7_ALLOWED, type_of_a_slot_behind},
    {"an-emit-without-direction", "shape", L7_ALLOWED, emit_nowhere},
    {"an-unknown-flag", "shape", L7_ALLOWED, unknown_flag},
    {"a-flag-of-another-type", "shape", L7_ALLOWED, flag_of_another_type},
    {"more-that-is-not-last", "last", L7_ALLOWED, more_first},
    {"an-end-that-is-not-last", "last", L7_ALLOWED, end_first},
    {"what-pauses-is-not-last", "last", L7_NOT_ASKED, pause_first},
    {"an-offset-too-large", "order", L7_ALLOWED, offset_too_large},
    {"an-offset-that-was-released", "order", L7_ALLOWED, offset_again},
    {"a-range-behind-the-window", "range", L7_ALLOWED, behind_the_window},
    {"a-length-that-wraps", "range", L7_ALLOWED, length_that_wraps},
    {"a-piece-behind-the-window", "range", L7_ALLOWED, piece_behind_the_window},
    {"nothing-is-released", "empty", L7_ALLOWED, nothing_released},
    {"nothing-is-sent", "empty", L7_ALLOWED, nothing_sent},
    {"no-pieces-are-sent", "empty", L7_ALLOWED, no_pieces},
    {"an-unknown-piece", "piece", L7_ALLOWED, unknown_piece},
    {"a-phase-of-no-mask", "piece", L7_ALLOWED, phase_of_no_mask},
    {"a-lease-of-nobody", "lease", L7_ALLOWED, lease_of_nobody},
    {"a-handle-of-nobody", "handle", L7_ALLOWED, handle_of_nobody},
    {"too-many-bytes", "bytes", L7_ALLOWED, too_many_bytes},
    {"more-than-the-capacity", "capacity", L7_ALLOWED, more_than_the_capacity},
    {"the-number-0", "number", L7_NOT_ASKED, number_of_nothing},
    {"a-number-that-was-used", "number", L7_ALLOWED, number_again},
    {"a-number-not-larger", "number", L7_ALLOWED, number_not_larger},
    {"a-denial-of-no-message", "number", L7_ALLOWED, deny_of_no_message},
    {"done-of-a-message-that-is-not-open", "open", L7_ALLOWED, done_of_nothing},
    {"pass-of-a-message-that-is-not-open", "open", L7_ALLOWED, pass_of_nothing},
    {"pass-of-a-message-that-has-ended", "open", L7_ALLOWED, pass_after_done},
    {"drop-of-a-message-that-is-not-open", "open", L7_ALLOWED, drop_of_nothing},
    {"pass-of-no-message", "judged", L7_ALLOWED, pass_of_no_message},
    {"emit-of-no-message-to-the-server", "judged", L7_ALLOWED, emit_of_no_message},
    {"pass-before-the-answer", "judged", L7_NOT_ASKED, pass_before_the_answer},
    {"emit-before-the-answer", "judged", L7_NOT_ASKED, emit_before_the_answer},
    {"pass-of-a-refused-message", "judged", L7_REFUSED, pass_of_refused},
    {"replace-of-a-refused-message", "judged", L7_REFUSED, replace_of_refused},
    {"framing-of-a-message", "framing", L7_ALLOWED, framing_of_a_message},
    {"two-questions-of-one-message", "question", L7_NOT_ASKED, two_questions},
    {"a-message-asked-about-again", "asked", L7_ALLOWED, asked_again},
    {"a-refused-message-asked-about-again", "asked", L7_REFUSED, asked_again},
    {"a-denial-without-reason", "deny", L7_ALLOWED, deny_without_reason},
    {"a-denial-with-an-empty-reason", "deny", L7_ALLOWED, deny_for_nothing},
    {"a-denial-of-what-was-refused", "deny", L7_REFUSED, deny_of_refused},
    {"done-of-a-message-with-a-question", "done", L7_NOT_ASKED, done_of_a_question},
    {"a-retarget-to-nowhere", "shape", L7_NOT_ASKED, retarget_to_nowhere},
    {"a-retarget-to-no-port", "shape", L7_NOT_ASKED, retarget_to_no_port},
    {"a-retarget-to-a-large-port", "shape", L7_NOT_ASKED, retarget_to_a_large_port},
    {"a-retarget-from-elsewhere", "order", L7_NOT_ASKED, retarget_from_elsewhere},
    {"a-retarget-with-a-message-open", "boundary", L7_ALLOWED, retarget_with_a_message},
    {"a-retarget-that-is-not-last", "last", L7_NOT_ASKED, retarget_first},
    {"a-retarget-of-a-tunnel", "retarget", L7_NOT_ASKED, retarget_with_a_message},
    {"cancel-of-no-question", "cancel", L7_ALLOWED, cancel_of_no_question},
    {"a-slot-of-no-message", "number", L7_NOT_ASKED, slot_of_nothing},
    {"a-slot-behind-the-question", "slot", L7_ALLOWED, slot_behind_the_question},
    {"a-slot-without-context", "slot", L7_NOT_ASKED, slot_without_context},
    {"a-slot-without-text", "slot", L7_NOT_ASKED, slot_without_text},
    {"a-slot-behind-the-window", "range", L7_NOT_ASKED, slot_behind_the_window},
    {"a-slot-named-twice", "slot", L7_NOT_ASKED, slot_twice},
    {"forbidden-bytes-of-no-raw-slot", "slot", L7_NOT_ASKED, slot_with_forbidden},
    {"content-that-nobody-asked-for", "content", L7_ALLOWED, content_unasked},
    {"content-of-no-message", "open", L7_NOT_ASKED, content_of_nothing},
    {"a-retarget-without-host", "shape", L7_NOT_ASKED, retarget_nowhere},
    {"an-upgrade-to-nothing", "shape", L7_NOT_ASKED, upgrade_to_nothing},
    {"an-upgrade-of-a-refused-message", "judged", L7_REFUSED, upgrade_of_refused},
    {"an-upgrade-with-another-message-open", "boundary", L7_ALLOWED, upgrade_beside_another},
    {"start-tls-with-a-message-open", "boundary", L7_ALLOWED, start_tls},
    {"start-tls-where-there-is-none", "tls", L7_NOT_ASKED, start_tls},
    {"opaque-where-it-is-inspected", "opaque", L7_NOT_ASKED, opaque},
    {"a-fact-of-the-host", "facts", L7_NOT_ASKED, fact_of_the_host},
    {"a-fact-without-name", "facts", L7_NOT_ASKED, fact_without_name},
    {"a-fact-stated-twice", "facts", L7_NOT_ASKED, fact_twice},
};

static gsize
feed_breach(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;

    (void)ret_deadline;
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length == 0)
        return l7_more(actions);
    if (session->state == rows[world->step].state)
        return rows[world->step].breach(session, input, actions);
    g_assert_cmpint(session->state, ==, L7_NOT_ASKED);
    l7_ask(session, actions, osh_span("text"));
    return 1;
}

/* What @world's client sends ends the connection, by a fault of the plugin. */
static void
assert_blamed(L7World *world, const char *rule)
{
    g_autofree char *text =
        g_strdup_printf("lines-plugin broke a rule of its contract (%s: ", rule);
    g_autofree char *to_client = NULL;
    int error_number;

    osh_fixture_send(world->client, "line\n");
    to_client = osh_fixture_read_all(world->fixture, world->client, &error_number);
    /* It has no words; nobody may take it for the end of what was sent. */
    g_assert_cmpint(error_number, ==, ECONNRESET);
    osh_fixture_expect_reset(world->fixture, world->upstream);
    /* No more than the capacity has left, in any row. */
    g_assert_cmpuint(strlen(to_client), <=, OSH_L7_BYTES_MAX);
    g_assert_cmpuint(world->fixture->warnings, ==, 1);
    g_assert_cmpuint(world->n_closed, ==, 1);
    l7_assert_says(world, OSH_FIXTURE_L7_DENIED, text);
    l7_assert_closed(world, "denied");
}

static void
test_breach(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    L7World world;

    l7_world_begin(&world, feed_breach);
    world.step = row;
    osh_fixture_settle(world.fixture);
    if (rows[row].state == L7_REFUSED)
        world.fixture->policy.action = OSH_ACTION_DENY;
    assert_blamed(&world, rows[row].rule);
    l7_world_close(&world);
}

static gsize
feed_past_deadline(L7World *world, const OshL7Input *input, OshL7Action *actions,
                   gint64 *ret_deadline)
{
    if (input->window.length > 0)
        *ret_deadline = input->now;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_deadline_that_has_passed(void)
{
    L7World world;

    l7_world_begin(&world, feed_past_deadline);
    assert_blamed(&world, "deadline");
    l7_world_close(&world);
}

static gsize
feed_without_end(L7World *world, const OshL7Input *input, OshL7Action *actions,
                 gint64 *ret_deadline)
{
    (void)ret_deadline;
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length == 0)
        return l7_more(actions);
    world->session->pieces[0] = l7_bytes(".");
    actions[0] = (OshL7Action){.type = OSH_L7_EMIT,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .u.send = {world->session->pieces, 1}};
    return 1;
}

static void
test_rounds_without_end(void)
{
    L7World world;

    l7_world_begin(&world, feed_without_end);
    assert_blamed(&world, "progress");
    l7_world_close(&world);
}

static gsize
feed_asking_for_server(L7World *world, const OshL7Input *input, OshL7Action *actions,
                       gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER || world->n_feeds[0] < 3)
        return l7_lines_feed(world, input, actions, ret_deadline);
    actions[0] = ask(world->session, 1, 0);
    return 1;
}

static void
test_a_question_of_the_server_about_a_message_that_has_ended(void)
{
    g_autofree char *answer = NULL;
    int error_number;
    L7World world;

    l7_world_begin(&world, feed_asking_for_server);
    osh_fixture_send(world.client, "line\n");
    answer = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    g_assert_cmpuint(world.fixture->warnings, ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "(number: ");
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    memset(many_bytes, 'x', sizeof many_bytes);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/network/driver-rules/%s", rows[i].sentence);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_breach);
    }
#define ADD(sentence, function) g_test_add_func("/network/driver-rules/" sentence, function)
    ADD("a-deadline-that-has-passed", test_a_deadline_that_has_passed);
    ADD("rounds-without-end", test_rounds_without_end);
    ADD("a-question-of-the-server-about-a-message-that-has-ended",
        test_a_question_of_the_server_about_a_message_that_has_ended);
    return g_test_run();
}
