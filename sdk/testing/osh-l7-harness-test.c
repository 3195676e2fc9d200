/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the harness does beside the rules: answers, content, ends of bytes, time, and that a session
 * which depends on how its bytes were split is found out.
 *
 * The session of these tests reads lines of the client. "text LINE" is a message whose content may
 * be inspected, "upgrade", "tls" and "later" do what they say.
 */
#include <string.h>

#include "osh-l7-harness.h"

typedef struct {
    guint64 message;
    guint64 n_messages;
    guint64 open; /* a message whose reply has not come */
    guint32 action;
    gboolean inspected;
    gboolean begin;
    guint64 settled;
    gsize released; /* of the content of the message */
    gsize marked;
    OshContent *handle;
    guint64 handle_length;
    OshLease *lease;
    OshFact facts[1];
    OshFact response[1];
    OshL7Piece pieces[3];
    gboolean expired;
    gboolean cancelled;
    gboolean terminated;
    gboolean waiting; /* for the deadline */
    gboolean asked_response;
    gboolean tls;
    OshCallback wake;
    gpointer wake_data;
} Lines;

static gpointer
lines_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    Lines *self;

    (void)instance;
    if (connection->port == 1) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "port 1 is not served");
        return NULL;
    }
    self = g_new0(Lines, 1);
    self->wake = connection->wake;
    self->wake_data = connection->wake_data;
    return self;
}

static gsize
one(OshL7Action *actions, OshL7ActionType type)
{
    actions[0] = (OshL7Action){.type = type};
    return 1;
}

static gsize
feed_server(Lines *self, const OshL7Input *input, OshL7Action *actions)
{
    gsize length = input->window.length;

    if (length == 0 || (self->asked_response && self->action == OSH_ACTION_ALLOW &&
                        input->window.data[length - 1] != '\n'))
        return one(actions, OSH_L7_MORE);
    if (self->asked_response && self->action == OSH_ACTION_ALLOW) {
        actions[0] = (OshL7Action){.type = OSH_L7_PASS, .length = length};
        actions[1] = (OshL7Action){.type = OSH_L7_UPGRADE,
                                   .message = self->open,
                                   .offset = length,
                                   .u.upgrade.protocol = "chat"};
        return 2;
    }
    if (length >= 3 && memcmp(input->window.data, "101", 3) == 0 && !self->asked_response) {
        self->asked_response = TRUE;
        self->response[0] = (OshFact)OSH_FACT_INTEGER_INIT("response.status", 101);
        actions[0] = (OshL7Action){.type = OSH_L7_ASK,
                                   .message = self->open,
                                   .flags = OSH_L7_PAUSES,
                                   .u.ask.facts = {self->response, 1}};
        return 1;
    }
    if (length < 3 && input->window.data[0] == '1')
        return one(actions, OSH_L7_MORE);
    actions[0] =
        (OshL7Action){.type = self->asked_response ? OSH_L7_DROP : OSH_L7_PASS, .length = length};
    return 1;
}

static gsize
ask(Lines *self, OshSpan line, OshL7Action *actions)
{
    gsize n = 0;

    self->message = ++self->n_messages;
    self->inspected = FALSE;
    self->released = 0;
    self->marked = 0;
    self->settled = 0;
    self->handle = NULL;
    self->lease = NULL;
    if (line.length > 5 && memcmp(line.data, "text ", 5) == 0) {
        actions[n] = (OshL7Action){
            .type = OSH_L7_SLOT, .message = self->message, .offset = 5, .length = line.length - 5};
        actions[n].u.slot.slot = 7;
        actions[n++].u.slot.context = OSH_SLOT_TEXT;
    }
    self->facts[0] = (OshFact)OSH_FACT_STRING_INIT("lines.line", line);
    actions[n++] = (OshL7Action){.type = OSH_L7_ASK,
                                 .message = self->message,
                                 .flags = OSH_L7_PAUSES,
                                 .u.ask.facts = {self->facts, 1}};
    return n;
}

/* The content is marked two bytes at a time, what is settled is released at once. */
static gsize
inspect(Lines *self, OshSpan line, OshL7Action *actions)
{
    gsize rest = line.length - (self->marked - self->released);
    gsize step = MIN(rest, 2);

    if (self->begin && self->settled > self->released) {
        gsize length = (gsize)self->settled - self->released;

        self->released += length;
        actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = self->message, .length = length};
        return 1;
    }
    actions[0] = (OshL7Action){.type = OSH_L7_CONTENT,
                               .message = self->message,
                               .offset = self->marked - self->released,
                               .length = step,
                               .flags = OSH_L7_PAUSES | (step == rest ? OSH_L7_LAST : 0)};
    actions[0].u.content.content = 1;
    actions[0].u.content.media_type = "text/plain";
    self->marked += step;
    return 1;
}

static gsize
finish(Lines *self, OshSpan line, OshL7Action *actions)
{
    gsize length = line.length + 1;
    gsize kept = self->handle != NULL ? (gsize)self->settled - self->released : line.length;
    guint64 message = self->message;

    self->message = 0;
    if (self->action != OSH_ACTION_ALLOW) {
        actions[0] = (OshL7Action){.type = OSH_L7_DROP, .length = length};
        actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = message};
        return 2;
    }
    actions[0] = (OshL7Action){.type = OSH_L7_REPLACE, .message = message, .length = length};
    actions[0].u.send.pieces = self->pieces;
    actions[0].u.send.n_pieces = 3;
    self->pieces[0] = (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .length = kept};
    self->pieces[1] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES};
    self->pieces[2] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = OSH_SPAN_LITERAL("\n")};
    if (self->handle != NULL)
        self->pieces[1] = (OshL7Piece){
            .type = OSH_L7_PIECE_CONTENT, .content = self->handle, .length = self->handle_length};
    if (self->lease != NULL) {
        self->pieces[0].length = 5;
        self->pieces[1] = (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = self->lease};
    }
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = message};
    if (line.length == 7 && memcmp(line.data, "upgrade", 7) == 0) {
        self->open = message;
        return 1;
    }
    if (line.length == 3 && memcmp(line.data, "tls", 3) == 0 && !self->tls) {
        self->tls = TRUE;
        actions[2].type = OSH_L7_START_TLS;
        return 3;
    }
    return 2;
}

static gsize
lines_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
           gint64 *ret_deadline)
{
    Lines *self = data;
    const char *end = NULL;
    OshSpan line;

    (void)max_actions;
    if (self->terminated || self->expired)
        return one(actions, OSH_L7_END);
    if (input->direction == OSH_SERVER_TO_CLIENT)
        return feed_server(self, input, actions);
    if (self->open != 0)
        return 0;
    if (input->window.length > 0)
        end = memchr(input->window.data, '\n', input->window.length);
    if (end == NULL)
        return one(actions, OSH_L7_MORE);
    line = (OshSpan){input->window.data, (gsize)(end - input->window.data)};
    if (line.length == 5 && memcmp(line.data, "later", 5) == 0) {
        if (!self->waiting) {
            self->waiting = TRUE;
            *ret_deadline = input->now + 5000;
            self->wake(self->wake_data);
        }
        return 0;
    }
    if (self->message == 0)
        return ask(self, line, actions);
    if (self->action == OSH_ACTION_INSPECT)
        return inspect(self, line, actions);
    return finish(self, line, actions);
}

static void
lines_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    Lines *self = data;

    (void)now;
    (void)message;
    self->action = answer->action;
    self->begin = answer->begin;
    if (answer->n_contents > 0) {
        self->settled = answer->contents[0].settled;
        self->handle = answer->contents[0].handle;
        self->handle_length = answer->contents[0].length;
    }
    if (answer->n_slots > 0 && answer->slots[0].disposition == OSH_L7_REPLACED)
        self->lease = answer->slots[0].lease;
}

static void
lines_expire(gpointer data, gint64 now)
{
    Lines *self = data;

    (void)now;
    self->expired = TRUE;
}

static void
lines_cancel(gpointer data, gint64 now, guint64 message)
{
    Lines *self = data;

    (void)now;
    g_assert_cmpuint(message, ==, self->message);
    self->cancelled = TRUE;
    self->terminated = TRUE;
}

static void
lines_terminate(gpointer data, gint64 now, OshL7TerminateReason reason)
{
    Lines *self = data;

    (void)now;
    self->terminated = reason == OSH_L7_TERMINATE_SHUTDOWN;
}

static const OshL7ProtocolInterface lines_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .open = lines_open,
    .feed = lines_feed,
    .resume = lines_resume,
    .expire = lines_expire,
    .cancel = lines_cancel,
    .terminate = lines_terminate,
    .close = g_free,
};

static const OshInterface lines = {"test", &lines_vtable, NULL};

static OshL7Outcome *
run_all(OshL7Harness *harness)
{
    OshL7Outcome *outcome = osh_l7_harness_run_all(harness, 30);

    g_assert_cmpstr(outcome->violation, ==, NULL);
    return outcome;
}

static void
test_policy_decides_message_by_message(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_next(osh_l7_harness_policy(harness), OSH_ACTION_ALLOW, NULL);
    osh_scripted_policy_next(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "not today");
    osh_l7_harness_client(harness, "one\ntwo\nthree\n", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "one\nthree\n");
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed [lines.line=one] done 0 0\n"
                    "2 denied [lines.line=two] \"not today\" done 0 0\n"
                    "3 allowed [lines.line=three] done 0 0\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static void
test_secret_reaches_the_server_and_an_unknown_placeholder_is_refused(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_add_secret(harness, "openshell:resolve:env:KEY", "hunter2");
    osh_l7_harness_client(harness,
                          "text openshell:resolve:env:KEY\ntext openshell:resolve:env:NO\n", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "text hunter2\n");
    g_assert_nonnull(strstr(outcome->records->str, "2 denied"));
}

static void
test_content_is_inspected_and_replaced(gconstpointer stream)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    OshScriptedPolicy *policy = osh_l7_harness_policy(harness);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_rule(policy, OSH_ACTION_INSPECT, "lines.line", "body*");
    osh_scripted_policy_rule(policy, OSH_ACTION_DENY, OSH_SCRIPTED_CONTENT, "*forbidden*");
    osh_l7_harness_replace_content(harness, "secret", "[hidden]");
    if (stream != NULL)
        osh_l7_harness_stream_content(harness);
    osh_l7_harness_client(harness, "body a secret here\nbody b\nplain secret\n", -1);
    if (stream == NULL)
        osh_l7_harness_client(harness, "body forbidden\n", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "body a [hidden] here\nbody b\nplain secret\n");
    g_assert_cmpuint(outcome->left[0]->len, ==, 0);
}

static void
test_content_beyond_the_limit_is_refused(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    OshScriptedPolicy *policy = osh_l7_harness_policy(harness);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_rule(policy, OSH_ACTION_INSPECT, "lines.line", "body*");
    osh_scripted_policy_set_limit(policy, 8);
    osh_l7_harness_client(harness, "body 678\nbody 6789\n", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "body 678\n");
}

static void
test_upgrade_is_asked_about_in_both_directions(gconstpointer refused)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    if (refused != NULL)
        osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "response.status",
                                 "101");
    osh_l7_harness_client(harness, "upgrade\n", -1);
    osh_l7_harness_server(harness, "101\n", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "upgrade\n");
    g_assert_cmpint(outcome->ended, ==, refused != NULL ? OSH_L7_ENDED_NOT : OSH_L7_ENDED_UPGRADE);
    g_assert_cmpstr(outcome->reason, ==, refused != NULL ? NULL : "chat");
    g_assert_cmpstr(outcome->released[1]->str, ==, refused != NULL ? "" : "101\n");
}

static void
test_tls_starts_when_nothing_was_said_behind_it(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_connection(harness)->may_start_tls = TRUE;
    osh_l7_harness_client(harness, "tls\n", -1);
    osh_l7_harness_client(harness, "inside\n", -1);
    outcome = run_all(harness);
    g_assert_true(outcome->tls);
    g_assert_cmpstr(outcome->released[0]->str, ==, "tls\ninside\n");
}

static void
test_bytes_in_clear_before_tls_are_a_denial(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_connection(harness)->may_start_tls = TRUE;
    osh_l7_harness_client(harness, "tls\nQUIT\n", -1);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_DENIED);
    g_assert_false(outcome->tls);
    g_assert_cmpstr(outcome->left[0]->str, ==, "QUIT\n");
}

static void
test_end_of_bytes_is_passed_on_and_both_close(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\n", -1);
    osh_l7_harness_end(harness, OSH_CLIENT_TO_SERVER);
    osh_l7_harness_server(harness, "still here", -1);
    outcome = run_all(harness);
    g_assert_true(outcome->half_closed[0]);
    g_assert_false(outcome->half_closed[1]);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
    g_clear_pointer(&outcome, osh_l7_outcome_free);
    osh_l7_harness_end(harness, OSH_SERVER_TO_CLIENT);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_CLOSED);
    g_assert_cmpstr(outcome->released[1]->str, ==, "still here");
}

static void
test_unit_that_is_cut_short_is_a_failure(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\ntw", -1);
    osh_l7_harness_end(harness, OSH_CLIENT_TO_SERVER);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(outcome->released[0]->str, ==, "one\n");
    g_assert_cmpstr(outcome->left[0]->str, ==, "tw");
}

static void
test_unit_that_fills_the_window_is_a_denial(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;
    g_autofree char *line = g_strnfill(OSH_L7_WINDOW_MIN + 1, 'a');

    osh_l7_harness_client(harness, line, -1);
    outcome = osh_l7_harness_run_all(harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_DENIED);
}

static void
test_reset_cancels_what_waits_for_an_answer(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\n", -1);
    osh_l7_harness_reset(harness, OSH_SERVER_TO_CLIENT);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_CLOSED);
    g_assert_cmpstr(outcome->released[0]->str, ==, "one\n");
}

static void
test_deadline_expires_when_time_has_come(gconstpointer late)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "later\n", -1);
    osh_l7_harness_advance(harness, late != NULL ? 5000 : 4999);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, late != NULL ? OSH_L7_ENDED_END : OSH_L7_ENDED_NOT);
}

static void
test_terminated_session_ends_or_is_closed(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\n", -1);
    osh_l7_harness_terminate(harness, OSH_L7_TERMINATE_IDLE);
    osh_l7_harness_client(harness, "two\n", -1);
    osh_l7_harness_terminate(harness, OSH_L7_TERMINATE_SHUTDOWN);
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_nonnull(strstr(outcome->records->str, "2 denied"));
}

static void
test_open_that_fails_is_told(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&lines, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_connection(harness)->port = 1;
    outcome = run_all(harness);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(outcome->reason, ==, "port 1 is not served");
}

/* Sessions that keep every rule and yet depend on the split. */

static gsize
careless_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
              gint64 *ret_deadline)
{
    Lines *self = data;

    (void)max_actions;
    (void)ret_deadline;
    if (input->window.length == 0 || input->direction == OSH_SERVER_TO_CLIENT)
        return one(actions, OSH_L7_MORE);
    if (self->message == 0) {
        /* Takes what has come for a whole command. */
        return ask(self, input->window, actions);
    }
    return finish(self, (OshSpan){input->window.data, input->window.length - 1}, actions);
}

static gsize
keeping_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
             gint64 *ret_deadline)
{
    static const char *kept;
    Lines *self = data;

    (void)max_actions;
    (void)ret_deadline;
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length < 4)
        return one(actions, OSH_L7_MORE);
    if (self->message == 0) {
        kept = input->window.data;
        return ask(self, (OshSpan){kept, 3}, actions);
    }
    /* The window was another one in the call before. */
    self->pieces[0] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {kept, 3}};
    actions[0] = (OshL7Action){
        .type = OSH_L7_REPLACE, .message = self->message, .length = 4, .u.send = {self->pieces, 1}};
    return 1;
}

/* Says MORE to the client once, and then waits for the server. */
static gsize
waiting_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
             gint64 *ret_deadline)
{
    Lines *self = data;

    (void)max_actions;
    (void)ret_deadline;
    if (input->direction == OSH_SERVER_TO_CLIENT) {
        self->waiting = input->window.length == 0;
        return self->waiting ? one(actions, OSH_L7_MORE) : 0;
    }
    if (input->window.length == 0)
        return one(actions, OSH_L7_MORE);
    g_assert_cmpuint(input->window.length, ==, 1);
    if (self->waiting)
        return 0;
    actions[0] = (OshL7Action){.type = OSH_L7_DROP, .length = 1};
    return 1;
}

static void
test_bytes_are_read_only_after_more(void)
{
    static const OshL7ProtocolInterface waiting = {.struct_size = sizeof(OshL7ProtocolInterface),
                                                   .open = lines_open,
                                                   .feed = waiting_feed,
                                                   .close = g_free};
    OshInterface protocol = {"test", &waiting, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "a", -1);
    osh_l7_harness_client(harness, "b", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->left[0]->str, ==, "ab");
}

static gsize
masking_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
             gint64 *ret_deadline)
{
    Lines *self = data;

    (void)max_actions;
    (void)ret_deadline;
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length < 2)
        return one(actions, OSH_L7_MORE);
    self->pieces[0] = (OshL7Piece){.type = OSH_L7_PIECE_WINDOW,
                                   .length = 2,
                                   .has_mask = 1,
                                   .mask = {1, 2, 4, 8},
                                   .mask_phase = 3};
    actions[0] = (OshL7Action){
        .type = OSH_L7_REPLACE, .length = 2, .flags = OSH_L7_FRAMING, .u.send = {self->pieces, 1}};
    return 1;
}

static void
test_mask_begins_at_its_phase(void)
{
    static const OshL7ProtocolInterface masking = {.struct_size = sizeof(OshL7ProtocolInterface),
                                                   .open = lines_open,
                                                   .feed = masking_feed,
                                                   .close = g_free};
    OshInterface protocol = {"test", &masking, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "@@", -1);
    outcome = run_all(harness);
    g_assert_cmpstr(outcome->released[0]->str, ==, "HA");
}

static void
test_session_that_depends_on_the_split_is_found_out(void)
{
    static const OshL7ProtocolInterface careless = {.struct_size = sizeof(OshL7ProtocolInterface),
                                                    .open = lines_open,
                                                    .feed = careless_feed,
                                                    .resume = lines_resume,
                                                    .close = g_free};
    OshInterface protocol = {"test", &careless, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\n", -1);
    outcome = osh_l7_harness_run_all(harness, 1);
    g_assert_nonnull(outcome->violation);
    g_assert_nonnull(strstr(outcome->violation, "split 2"));
}

static void
test_window_is_overwritten_behind_the_list(void)
{
    static const OshL7ProtocolInterface keeping = {.struct_size = sizeof(OshL7ProtocolInterface),
                                                   .open = lines_open,
                                                   .feed = keeping_feed,
                                                   .resume = lines_resume,
                                                   .close = g_free};
    OshInterface protocol = {"test", &keeping, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(harness, "one\n", -1);
    outcome = osh_l7_harness_run(harness, OSH_L7_SPLIT_WHOLE, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpstr(outcome->released[0]->str, ==, "\xdd\xdd\xdd");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(words, function) g_test_add_func("/testing/l7-harness/" words, function)
#define DATA(words, data, function)                                                                \
    g_test_add_data_func("/testing/l7-harness/" words, data, function)
    TEST("policy-decides-message-by-message", test_policy_decides_message_by_message);
    TEST("secret-reaches-the-server-and-an-unknown-placeholder-is-refused",
         test_secret_reaches_the_server_and_an_unknown_placeholder_is_refused);
    DATA("content-is-inspected-and-replaced", NULL, test_content_is_inspected_and_replaced);
    DATA("content-is-streamed-as-far-as-it-is-settled", "stream",
         test_content_is_inspected_and_replaced);
    TEST("content-beyond-the-limit-is-refused", test_content_beyond_the_limit_is_refused);
    DATA("upgrade-is-asked-about-in-both-directions", NULL,
         test_upgrade_is_asked_about_in_both_directions);
    DATA("upgrade-that-the-answer-refuses-does-not-happen", "refused",
         test_upgrade_is_asked_about_in_both_directions);
    TEST("tls-starts-when-nothing-was-said-behind-it",
         test_tls_starts_when_nothing_was_said_behind_it);
    TEST("bytes-in-clear-before-tls-are-a-denial", test_bytes_in_clear_before_tls_are_a_denial);
    TEST("end-of-bytes-is-passed-on-and-both-close", test_end_of_bytes_is_passed_on_and_both_close);
    TEST("unit-that-is-cut-short-is-a-failure", test_unit_that_is_cut_short_is_a_failure);
    TEST("unit-that-fills-the-window-is-a-denial", test_unit_that_fills_the_window_is_a_denial);
    TEST("reset-cancels-what-waits-for-an-answer", test_reset_cancels_what_waits_for_an_answer);
    DATA("deadline-does-not-expire-before-its-time", NULL,
         test_deadline_expires_when_time_has_come);
    DATA("deadline-expires-when-its-time-has-come", "late",
         test_deadline_expires_when_time_has_come);
    TEST("terminated-session-ends-or-is-closed", test_terminated_session_ends_or_is_closed);
    TEST("open-that-fails-is-told", test_open_that_fails_is_told);
    TEST("bytes-are-read-only-after-more", test_bytes_are_read_only_after_more);
    TEST("mask-begins-at-its-phase", test_mask_begins_at_its_phase);
    TEST("session-that-depends-on-the-split-is-found-out",
         test_session_that_depends_on_the_split_is_found_out);
    TEST("window-is-overwritten-behind-the-list", test_window_is_overwritten_behind_the_list);
    return g_test_run();
}
