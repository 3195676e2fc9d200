/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that breaks a rule of the L7 contract is caught, with the name of the rule: at least
 * one session for each of them.
 */
#include <string.h>

#include "osh-l7-harness.h"
#include "osh-l7-ledger.h"

#define MANIFEST                                                                                   \
    "[plugin]\nid=test\n[protocol lines]\naction=lines.word\n"                                     \
    "[fact lines.word]\ntype=string\nvalues=abc;def\n[fact lines.count]\ntype=integer\n"

typedef struct _Session Session;
typedef gsize (*Act)(Session *self, const OshL7Input *input, OshL7Action *actions, guint call);

/* A session that reads up to three bytes of the client and then acts as a row of the table says. */
struct _Session {
    Act act;
    guint calls;
    gint64 deadline;
    gsize max_actions;
    OshLease *lease;
    OshContent *handle;
    OshFact facts[2];
    OshL7Piece piece;
};

static Act act_of_row;

static gpointer
session_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    Session *self = g_new0(Session, 1);

    (void)instance;
    (void)connection;
    (void)error;
    self->act = act_of_row;
    self->facts[0] = (OshFact)OSH_FACT_STRING_INIT("lines.word", OSH_SPAN_LITERAL("abc"));
    return self;
}

static gsize
session_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
             gint64 *ret_deadline)
{
    Session *self = data;
    gsize n;

    self->max_actions = max_actions;
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length < 3) {
        actions[0].type = OSH_L7_MORE;
        return 1;
    }
    self->deadline = 0;
    n = self->act(self, input, actions, self->calls++);
    *ret_deadline = self->deadline;
    return n;
}

static void
session_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    Session *self = data;

    (void)now;
    (void)message;
    if (answer->n_slots > 0 && answer->slots[0].lease != NULL)
        self->lease = answer->slots[0].lease;
    if (answer->n_contents > 0 && answer->contents[0].handle != NULL)
        self->handle = answer->contents[0].handle;
}

static const OshL7ProtocolInterface session_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .open = session_open,
    .feed = session_feed,
    .resume = session_resume,
    .close = g_free,
};

/* Actions that keep the rules, to build those from that do not. */

static OshL7Action
release(OshL7ActionType type, guint64 message, guint64 offset, guint64 length)
{
    return (OshL7Action){.type = type, .message = message, .offset = offset, .length = length};
}

static OshL7Action
named(OshL7ActionType type, guint64 message)
{
    return (OshL7Action){.type = type, .message = message};
}

static OshL7Action
ask(Session *self, guint64 message, guint32 flags)
{
    return (OshL7Action){
        .type = OSH_L7_ASK, .message = message, .flags = flags, .u.ask.facts = {self->facts, 1}};
}

static OshL7Action
slot(guint64 message, guint64 number)
{
    return (OshL7Action){.type = OSH_L7_SLOT,
                         .message = message,
                         .length = 3,
                         .u.slot = {.slot = number, .context = OSH_SLOT_TEXT}};
}

static OshL7Action
emit(Session *self, guint32 direction, guint64 message, OshL7Piece piece)
{
    self->piece = piece;
    return (OshL7Action){.type = OSH_L7_EMIT,
                         .direction = direction,
                         .message = message,
                         .u.send = {&self->piece, 1}};
}

static OshL7Piece
bytes(const char *data, gsize length)
{
    return (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {data, length}};
}

static OshL7Action
deny(guint64 message, const char *reason)
{
    return (OshL7Action){.type = OSH_L7_DENY, .message = message, .u.deny.reason = reason};
}

/* One function for each way to break a rule. */

#define ACT(name)                                                                                  \
    static gsize name(G_GNUC_UNUSED Session *self, G_GNUC_UNUSED const OshL7Input *input,          \
                      G_GNUC_UNUSED OshL7Action *actions, G_GNUC_UNUSED guint call)

ACT(more_actions_than_space)
{
    return self->max_actions + 1;
}

ACT(unknown_type)
{
    actions[0].type = 99;
    return 1;
}

ACT(flag_of_another_type)
{
    actions[0] = release(OSH_L7_DROP, 0, 0, 3);
    actions[0].flags = OSH_L7_PAUSES;
    return 1;
}

ACT(emit_to_nowhere)
{
    actions[0] = emit(self, 2, 0, bytes("x", 1));
    return 1;
}

ACT(action_behind_more)
{
    actions[0].type = OSH_L7_MORE;
    actions[1] = release(OSH_L7_DROP, 0, 0, 3);
    return 2;
}

ACT(action_behind_a_pause)
{
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    actions[1] = release(OSH_L7_DROP, 0, 0, 3);
    return 2;
}

ACT(second_release_from_the_front)
{
    actions[0] = release(OSH_L7_DROP, 0, 0, 1);
    actions[1] = release(OSH_L7_DROP, 0, 0, 1);
    return 2;
}

ACT(more_than_the_window)
{
    actions[0] = release(OSH_L7_DROP, 0, 0, 4);
    return 1;
}

ACT(release_of_nothing)
{
    actions[0] = release(OSH_L7_DROP, 0, 0, 0);
    return 1;
}

ACT(emit_of_nothing)
{
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, bytes("", 0));
    return 1;
}

ACT(piece_of_no_type)
{
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, (OshL7Piece){.type = 9});
    return 1;
}

ACT(mask_phase_of_four)
{
    OshL7Piece piece = bytes("x", 1);

    piece.has_mask = 1;
    piece.mask_phase = 4;
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, piece);
    return 1;
}

ACT(too_many_bytes)
{
    static char many[OSH_L7_BYTES_MAX + 1];

    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, bytes(many, sizeof(many)));
    return 1;
}

ACT(emit_without_looking_at_capacity)
{
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, bytes("x", 1));
    actions[1] = actions[0];
    actions[2] = release(OSH_L7_DROP, 0, 0, 3);
    return 3;
}

ACT(number_that_goes_back)
{
    actions[0] = ask(self, 2, 0);
    actions[1] = ask(self, 1, 0);
    return 2;
}

ACT(message_of_number_zero)
{
    actions[0] = ask(self, 0, 0);
    return 1;
}

ACT(done_of_a_message_that_never_was)
{
    actions[0] = named(OSH_L7_DONE, 5);
    return 1;
}

ACT(pass_after_done)
{
    if (call == 0) {
        actions[0] = ask(self, 1, OSH_L7_PAUSES);
        return 1;
    }
    actions[0] = named(OSH_L7_DONE, 1);
    actions[1] = release(OSH_L7_PASS, 1, 0, 3);
    return 2;
}

ACT(pass_without_a_message)
{
    actions[0] = release(OSH_L7_PASS, 0, 0, 3);
    return 1;
}

ACT(pass_before_the_answer)
{
    actions[0] = ask(self, 1, 0);
    actions[1] = release(OSH_L7_PASS, 1, 0, 3);
    return 2;
}

ACT(pass_of_a_refused_message)
{
    actions[0] = deny(1, "malformed");
    actions[1] = release(OSH_L7_PASS, 1, 0, 3);
    return 2;
}

ACT(emit_to_the_server_unjudged)
{
    actions[0] = emit(self, OSH_CLIENT_TO_SERVER, 0, bytes("QUIT\n", 5));
    return 1;
}

ACT(framing_of_a_message)
{
    if (call == 0) {
        actions[0] = ask(self, 1, OSH_L7_PAUSES);
        return 1;
    }
    actions[0] = release(OSH_L7_PASS, 1, 0, 3);
    actions[0].flags = OSH_L7_FRAMING;
    return 1;
}

ACT(framing_with_a_lease)
{
    if (call == 0) {
        actions[0] = slot(1, 1);
        actions[1] = ask(self, 1, OSH_L7_PAUSES);
        return 2;
    }
    actions[0] = emit(self, OSH_CLIENT_TO_SERVER, 0,
                      (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = self->lease});
    actions[0].flags = OSH_L7_FRAMING;
    return 1;
}

ACT(two_questions_at_a_time)
{
    actions[0] = ask(self, 1, 0);
    actions[1] = ask(self, 1, 0);
    return 2;
}

ACT(deny_while_a_question_is_open)
{
    actions[0] = ask(self, 1, 0);
    actions[1] = deny(1, "malformed");
    return 2;
}

ACT(second_ask)
{
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(slot_behind_its_ask)
{
    actions[0] = ask(self, 1, 0);
    actions[1] = slot(1, 1);
    return 2;
}

ACT(slot_twice)
{
    actions[0] = slot(1, 1);
    actions[1] = slot(1, 1);
    return 2;
}

ACT(slot_without_a_context)
{
    actions[0] = slot(1, 1);
    actions[0].u.slot.context = 0;
    return 1;
}

ACT(slot_without_text)
{
    actions[0] = slot(1, 1);
    actions[0].length = 0;
    return 1;
}

static OshL7Action
content(guint64 message, guint64 number, guint32 flags)
{
    return (OshL7Action){.type = OSH_L7_CONTENT,
                         .message = message,
                         .length = 3,
                         .flags = flags,
                         .u.content = {.content = number, .media_type = "text/plain"}};
}

ACT(content_that_nobody_inspects)
{
    actions[0] = call == 0 ? ask(self, 1, OSH_L7_PAUSES) : content(1, 1, OSH_L7_LAST);
    return 1;
}

/* The first message is inspected, see run_row(). */
ACT(content_beside_another)
{
    actions[0] = call == 0 ? ask(self, 1, OSH_L7_PAUSES) : content(1, call, OSH_L7_PAUSES);
    return 1;
}

ACT(handle_of_another_message)
{
    if (call < 2) {
        actions[0] =
            call == 0 ? ask(self, 1, OSH_L7_PAUSES) : content(1, 1, OSH_L7_LAST | OSH_L7_PAUSES);
        return 1;
    }
    if (call == 2) {
        actions[0] = ask(self, 2, OSH_L7_PAUSES);
        return 1;
    }
    g_assert_nonnull(self->handle);
    actions[0] =
        emit(self, OSH_CLIENT_TO_SERVER, 2,
             (OshL7Piece){.type = OSH_L7_PIECE_CONTENT, .content = self->handle, .length = 1});
    return 1;
}

ACT(lease_to_the_client)
{
    if (call == 0) {
        actions[0] = slot(1, 1);
        actions[1] = ask(self, 1, OSH_L7_PAUSES);
        return 2;
    }
    g_assert_nonnull(self->lease);
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 1,
                      (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = self->lease});
    return 1;
}

ACT(lease_of_another_message)
{
    if (call == 0) {
        actions[0] = slot(1, 1);
        actions[1] = ask(self, 1, OSH_L7_PAUSES);
        return 2;
    }
    if (call == 1) {
        actions[0] = ask(self, 2, OSH_L7_PAUSES);
        return 1;
    }
    actions[0] = emit(self, OSH_CLIENT_TO_SERVER, 2,
                      (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = self->lease});
    return 1;
}

ACT(fact_of_no_manifest)
{
    self->facts[0].name = "lines.other";
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(fact_of_another_type)
{
    self->facts[0] = (OshFact)OSH_FACT_INTEGER_INIT("lines.word", 3);
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(fact_of_another_value)
{
    self->facts[0] = (OshFact)OSH_FACT_STRING_INIT("lines.word", OSH_SPAN_LITERAL("ghi"));
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(fact_of_no_bytes)
{
    self->facts[0] = (OshFact)OSH_FACT_STRING_INIT("lines.word", osh_span(NULL));
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(fact_stated_twice)
{
    self->facts[1] = self->facts[0];
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    actions[0].u.ask.facts.n_facts = 2;
    return 1;
}

ACT(fact_of_the_host)
{
    self->facts[0].name = OSH_FACT_NETWORK_HOST;
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(ask_without_its_action)
{
    self->facts[0] = (OshFact)OSH_FACT_INTEGER_INIT("lines.count", 3);
    actions[0] = ask(self, 1, OSH_L7_PAUSES);
    return 1;
}

ACT(deny_without_a_reason)
{
    actions[0] = deny(1, NULL);
    return 1;
}

ACT(deny_twice)
{
    actions[0] = deny(1, "malformed");
    actions[1] = deny(1, "malformed");
    return 2;
}

ACT(done_before_the_answer)
{
    actions[0] = ask(self, 1, 0);
    actions[1] = named(OSH_L7_DONE, 1);
    return 2;
}

ACT(cancel_after_the_answer)
{
    actions[0] = call == 0 ? ask(self, 1, OSH_L7_PAUSES) : named(OSH_L7_CANCEL, 1);
    return 1;
}

ACT(retarget_with_a_message_open)
{
    actions[0] = call == 0 ? ask(self, 1, OSH_L7_PAUSES) : named(OSH_L7_RETARGET, 0);
    if (call > 0) {
        actions[0].u.retarget.host = "other.example";
        actions[0].u.retarget.port = 80;
    }
    return 1;
}

ACT(retarget_where_it_cannot_be)
{
    actions[0].type = OSH_L7_RETARGET;
    actions[0].u.retarget.host = "other.example";
    actions[0].u.retarget.port = 80;
    return 1;
}

ACT(tls_where_it_cannot_be)
{
    actions[0] = release(OSH_L7_DROP, 0, 0, 3);
    actions[1].type = OSH_L7_START_TLS;
    return 2;
}

ACT(opaque_where_rules_are)
{
    actions[0].type = OSH_L7_OPAQUE;
    return 1;
}

ACT(deadline_of_now)
{
    self->deadline = input->now;
    return 0;
}

ACT(endless)
{
    actions[0] = emit(self, OSH_SERVER_TO_CLIENT, 0, bytes("x", 1));
    return 1;
}

typedef struct {
    const char *sentence;
    OshL7Rule rule;
    Act act;
    gboolean inspect;
} Row;

static const Row rows[] = {
    {"more-actions-than-space", OSH_L7_RULE_SPACE, more_actions_than_space, FALSE},
    {"unknown-type", OSH_L7_RULE_SHAPE, unknown_type, FALSE},
    {"flag-of-another-type", OSH_L7_RULE_SHAPE, flag_of_another_type, FALSE},
    {"emit-to-nowhere", OSH_L7_RULE_SHAPE, emit_to_nowhere, FALSE},
    {"action-behind-more", OSH_L7_RULE_LAST, action_behind_more, FALSE},
    {"action-behind-a-pause", OSH_L7_RULE_LAST, action_behind_a_pause, FALSE},
    {"second-release-from-the-front", OSH_L7_RULE_ORDER, second_release_from_the_front, FALSE},
    {"more-than-the-window", OSH_L7_RULE_RANGE, more_than_the_window, FALSE},
    {"release-of-nothing", OSH_L7_RULE_EMPTY, release_of_nothing, FALSE},
    {"emit-of-nothing", OSH_L7_RULE_EMPTY, emit_of_nothing, FALSE},
    {"piece-of-no-type", OSH_L7_RULE_PIECE, piece_of_no_type, FALSE},
    {"mask-phase-of-four", OSH_L7_RULE_PIECE, mask_phase_of_four, FALSE},
    {"too-many-bytes", OSH_L7_RULE_BYTES, too_many_bytes, FALSE},
    {"emit-without-looking-at-capacity", OSH_L7_RULE_CAPACITY, emit_without_looking_at_capacity,
     FALSE},
    {"number-that-goes-back", OSH_L7_RULE_NUMBER, number_that_goes_back, FALSE},
    {"message-of-number-zero", OSH_L7_RULE_NUMBER, message_of_number_zero, FALSE},
    {"done-of-a-message-that-never-was", OSH_L7_RULE_OPEN, done_of_a_message_that_never_was, FALSE},
    {"pass-after-done", OSH_L7_RULE_OPEN, pass_after_done, FALSE},
    {"pass-without-a-message", OSH_L7_RULE_JUDGED, pass_without_a_message, FALSE},
    {"pass-before-the-answer", OSH_L7_RULE_JUDGED, pass_before_the_answer, FALSE},
    {"pass-of-a-refused-message", OSH_L7_RULE_JUDGED, pass_of_a_refused_message, FALSE},
    {"emit-to-the-server-unjudged", OSH_L7_RULE_JUDGED, emit_to_the_server_unjudged, FALSE},
    {"framing-of-a-message", OSH_L7_RULE_FRAMING, framing_of_a_message, FALSE},
    {"framing-with-a-lease", OSH_L7_RULE_FRAMING, framing_with_a_lease, FALSE},
    {"two-questions-at-a-time", OSH_L7_RULE_QUESTION, two_questions_at_a_time, FALSE},
    {"deny-while-a-question-is-open", OSH_L7_RULE_QUESTION, deny_while_a_question_is_open, FALSE},
    {"second-ask", OSH_L7_RULE_ASKED, second_ask, FALSE},
    {"slot-behind-its-ask", OSH_L7_RULE_SLOT, slot_behind_its_ask, FALSE},
    {"slot-twice", OSH_L7_RULE_SLOT, slot_twice, FALSE},
    {"slot-without-a-context", OSH_L7_RULE_SLOT, slot_without_a_context, FALSE},
    {"slot-without-text", OSH_L7_RULE_SLOT, slot_without_text, FALSE},
    {"content-that-nobody-inspects", OSH_L7_RULE_CONTENT, content_that_nobody_inspects, FALSE},
    {"content-beside-another", OSH_L7_RULE_CONTENT, content_beside_another, TRUE},
    {"lease-to-the-client", OSH_L7_RULE_LEASE, lease_to_the_client, FALSE},
    {"lease-of-another-message", OSH_L7_RULE_LEASE, lease_of_another_message, FALSE},
    {"handle-of-another-message", OSH_L7_RULE_HANDLE, handle_of_another_message, TRUE},
    {"fact-of-no-manifest", OSH_L7_RULE_FACTS, fact_of_no_manifest, FALSE},
    {"fact-of-another-type", OSH_L7_RULE_FACTS, fact_of_another_type, FALSE},
    {"fact-of-another-value", OSH_L7_RULE_FACTS, fact_of_another_value, FALSE},
    {"fact-of-no-bytes", OSH_L7_RULE_FACTS, fact_of_no_bytes, FALSE},
    {"fact-stated-twice", OSH_L7_RULE_FACTS, fact_stated_twice, FALSE},
    {"fact-of-the-host", OSH_L7_RULE_FACTS, fact_of_the_host, FALSE},
    {"ask-without-its-action", OSH_L7_RULE_FACTS, ask_without_its_action, FALSE},
    {"deny-without-a-reason", OSH_L7_RULE_DENY, deny_without_a_reason, FALSE},
    {"deny-twice", OSH_L7_RULE_DENY, deny_twice, FALSE},
    {"done-before-the-answer", OSH_L7_RULE_DONE, done_before_the_answer, FALSE},
    {"cancel-after-the-answer", OSH_L7_RULE_CANCEL, cancel_after_the_answer, FALSE},
    {"retarget-with-a-message-open", OSH_L7_RULE_BOUNDARY, retarget_with_a_message_open, FALSE},
    {"tls-where-it-cannot-be", OSH_L7_RULE_TLS, tls_where_it_cannot_be, FALSE},
    {"opaque-where-rules-are", OSH_L7_RULE_OPAQUE, opaque_where_rules_are, FALSE},
    {"retarget-where-it-cannot-be", OSH_L7_RULE_RETARGET, retarget_where_it_cannot_be, FALSE},
    {"deadline-of-now", OSH_L7_RULE_DEADLINE, deadline_of_now, FALSE},
    {"endless", OSH_L7_RULE_PROGRESS, endless, FALSE},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    OshInterface protocol = {"test", &session_vtable, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, MANIFEST);
    g_autoptr(OshL7Outcome) outcome = NULL;

    act_of_row = row->act;
    osh_l7_harness_add_secret(harness, "abc", "hunter2");
    if (row->inspect)
        osh_scripted_policy_next(osh_l7_harness_policy(harness), OSH_ACTION_INSPECT, NULL);
    osh_l7_harness_replace_content(harness, "b", "BB");
    osh_l7_harness_client(harness, "abc", -1);
    outcome = osh_l7_harness_run_all(harness, 5);
    g_assert_cmpstr(osh_l7_rule_name(outcome->rule), ==, osh_l7_rule_name(row->rule));
    g_assert_nonnull(strstr(outcome->violation, osh_l7_rule_words(row->rule)));
}

/* Reads nothing of either peer, as a session does that returns nothing where it means MORE. */
static gsize
stalled_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
             gint64 *ret_deadline)
{
    (void)data;
    (void)input;
    (void)actions;
    (void)max_actions;
    (void)ret_deadline;
    return 0;
}

static const OshL7ProtocolInterface stalled_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .open = session_open,
    .feed = stalled_feed,
    .resume = session_resume,
    .close = g_free,
};

static void
test_session_that_reads_nothing_and_waits_for_nothing_stalls(void)
{
    OshInterface protocol = {"test", &stalled_vtable, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "abc", -1);
    outcome = osh_l7_harness_run_all(harness, 1);
    g_assert_cmpint(outcome->rule, ==, OSH_L7_RULE_STALL);
    g_assert_nonnull(strstr(outcome->violation, osh_l7_rule_words(OSH_L7_RULE_STALL)));
}

static void
test_every_rule_has_a_session_that_breaks_it(void)
{
    for (guint rule = 0; rule < OSH_L7_N_RULES; rule++) {
        gboolean found = rule == OSH_L7_RULE_STALL;

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
            found = found || rows[i].rule == rule;
        if (!found)
            g_error("no session breaks %s", osh_l7_rule_name(rule));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/testing/l7-rules/%s/%s-is-caught",
                                                osh_l7_rule_name(rows[i].rule), rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/testing/l7-rules/stall/session-that-reads-nothing-and-waits-for-nothing-is-"
                    "caught",
                    test_session_that_reads_nothing_and_waits_for_nothing_stalls);
    g_test_add_func("/testing/l7-rules/every-rule-has-a-session-that-breaks-it",
                    test_every_rule_has_a_session_that_breaks_it);
    return g_test_run();
}
