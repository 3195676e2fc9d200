/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The l7-protocol contract, lived through: a small provider and two drivers.
 *
 * The provider speaks "upper": lines; each line is asked about as a message, "SECRET text" has a
 * slot, and a refused line is answered "-DENIED" in its place among the replies. The first driver
 * stands here, and does no more than the contract asks: it holds windows, carries out actions and
 * answers, as the data plane does. The second is the harness of sdk/testing, which is as strict as
 * the contract lets a driver be. The tests state what the contract promises: order, split
 * invariance, leases towards the server only, defaults.
 */
#include "openshell/ext/draft/l7-protocol.h"

#include "osh-l7-harness.h"

#define LINE_MAX_PENDING 16

typedef struct {
    guint64 message;
    gboolean served; /* the server answers; else the words are ours */
} LineReply;

typedef struct {
    guint64 next_message;
    guint64 asked; /* message whose line is the first of the window, 0 for none */
    guint32 verdict;
    OshL7SlotAnswer slot;
    gsize slot_start;
    gboolean terminating;
    LineReply replies[LINE_MAX_PENDING];
    gsize n_replies;
    OshFact facts[1];
    OshL7Piece pieces[3];
    OshL7Piece denial;
    char verb[16];
} LineSession;

static const char *const line_names[] = {"upper", NULL};

static const char *const *
line_protocols(gpointer instance)
{
    (void)instance;
    return line_names;
}

static OshProbe
line_probe(gpointer instance, OshSpan prefix)
{
    (void)instance;
    if (prefix.length < 4)
        return OSH_PROBE_MAYBE;
    return memcmp(prefix.data, "GET ", 4) == 0 ? OSH_PROBE_YES : OSH_PROBE_NO;
}

static gpointer
line_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    if (connection->window_cap[OSH_CLIENT_TO_SERVER] < 64) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "a line may be 64 bytes long");
        return NULL;
    }
    return g_new0(LineSession, 1);
}

static gsize
line_more(OshL7Action *actions)
{
    actions[0] = (OshL7Action){.type = OSH_L7_MORE};
    return 1;
}

static gsize
line_done(LineSession *session, OshL7Action *action, guint32 status, gsize bytes)
{
    *action = (OshL7Action){.type = OSH_L7_DONE, .message = session->replies[0].message};
    action->u.done.status = status;
    action->u.done.bytes = bytes;
    memmove(session->replies, session->replies + 1, --session->n_replies * sizeof(LineReply));
    return 1;
}

static gsize
line_feed_denial(LineSession *session, const OshL7Input *input, OshL7Action *actions)
{
    if (input->capacity[OSH_SERVER_TO_CLIENT] == 0)
        return 0;
    session->denial =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = OSH_SPAN_LITERAL("-DENIED\n")};
    actions[0] = (OshL7Action){.type = OSH_L7_EMIT,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .message = session->replies[0].message};
    actions[0].u.send.pieces = &session->denial;
    actions[0].u.send.n_pieces = 1;
    return 1 + line_done(session, &actions[1], 403, 8);
}

static gsize
line_feed_server(LineSession *session, const OshL7Input *input, OshL7Action *actions)
{
    const char *end = NULL;
    gsize length;

    if (session->n_replies > 0 && !session->replies[0].served)
        return line_feed_denial(session, input, actions);
    if (input->window.length > 0)
        end = memchr(input->window.data, '\n', input->window.length);
    if (end == NULL)
        return line_more(actions);
    if (session->n_replies == 0) {
        actions[0] = (OshL7Action){.type = OSH_L7_DENY,
                                   .flags = OSH_L7_CONNECTION | OSH_L7_FAILURE,
                                   .u.deny.reason = "a reply that nobody asked for"};
        return 1;
    }
    length = (gsize)(end - input->window.data) + 1;
    actions[0] = (OshL7Action){
        .type = OSH_L7_PASS, .message = session->replies[0].message, .length = length};
    return 1 + line_done(session, &actions[1], 200, length);
}

static gsize
line_ask(LineSession *session, const OshL7Input *input, gsize length, OshL7Action *actions)
{
    const char *space = memchr(input->window.data, ' ', length);
    gsize verb = space != NULL ? (gsize)(space - input->window.data) : length - 1;
    gsize n = 0;

    verb = MIN(verb, sizeof(session->verb) - 1);
    memcpy(session->verb, input->window.data, verb);
    session->verb[verb] = '\0';
    session->asked = ++session->next_message;
    session->slot_start = verb + 1;
    if (g_str_equal(session->verb, "SECRET") && length > verb + 2) {
        actions[n] = (OshL7Action){.type = OSH_L7_SLOT,
                                   .message = session->asked,
                                   .offset = verb + 1,
                                   .length = length - verb - 2};
        actions[n].u.slot.slot = 1;
        actions[n].u.slot.context = OSH_SLOT_TEXT;
        n++;
    }
    session->facts[0] = (OshFact)OSH_FACT_STRING_INIT("upper.verb", osh_span(session->verb));
    actions[n] =
        (OshL7Action){.type = OSH_L7_ASK, .message = session->asked, .flags = OSH_L7_PAUSES};
    actions[n].u.ask.facts = (OshFacts){session->facts, 1};
    return n + 1;
}

static gsize
line_release(LineSession *session, gsize length, OshL7Action *actions)
{
    gboolean allowed = session->verdict == OSH_ACTION_ALLOW;

    session->replies[session->n_replies++] = (LineReply){session->asked, allowed};
    actions[0] = (OshL7Action){
        .type = allowed ? OSH_L7_PASS : OSH_L7_DROP, .message = session->asked, .length = length};
    session->asked = 0;
    if (allowed && session->slot.disposition == OSH_L7_REPLACED) {
        session->pieces[0] =
            (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = 0, .length = session->slot_start};
        session->pieces[1] = (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = session->slot.lease};
        session->pieces[2] =
            (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = OSH_SPAN_LITERAL("\n")};
        actions[0].type = OSH_L7_REPLACE;
        actions[0].u.send.pieces = session->pieces;
        actions[0].u.send.n_pieces = 3;
    }
    session->slot = (OshL7SlotAnswer){0};
    return 1;
}

static gsize
line_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
          gint64 *ret_deadline)
{
    LineSession *session = data;
    const char *end = NULL;
    gsize length;

    g_assert_cmpuint(max_actions, >=, OSH_L7_ACTIONS_MIN);
    g_assert_cmpint(*ret_deadline, ==, 0);
    if (session->terminating) {
        actions[0] = (OshL7Action){.type = OSH_L7_END};
        return 1;
    }
    if (input->direction == OSH_SERVER_TO_CLIENT)
        return line_feed_server(session, input, actions);
    if (session->n_replies == LINE_MAX_PENDING)
        return 0;
    if (input->window.length > 0)
        end = memchr(input->window.data, '\n', input->window.length);
    if (end == NULL)
        return line_more(actions);
    length = (gsize)(end - input->window.data) + 1;
    /* The ASK paused: the second time that its line is fed, the answer has come. */
    return session->asked != 0 ? line_release(session, length, actions)
                               : line_ask(session, input, length, actions);
}

static void
line_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    LineSession *session = data;

    (void)now;
    g_assert_cmpuint(message, ==, session->asked);
    session->verdict = answer->action;
    if (answer->n_slots == 1)
        session->slot = answer->slots[0];
}

static void
line_terminate(gpointer data, gint64 now, OshL7TerminateReason reason)
{
    LineSession *session = data;

    (void)now;
    (void)reason;
    session->terminating = TRUE;
}

static const OshL7ProtocolInterface line_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .protocols = line_protocols,
    .probe = line_probe,
    .open = line_open,
    .feed = line_feed,
    .resume = line_resume,
    .terminate = line_terminate,
    .close = g_free,
};

/* The driver. Its one lease stands for "hunter2"; verb FLUSH is refused. */
typedef struct {
    const OshInterface *protocol;
    gpointer session;
    GString *offered[2]; /* said by a peer, not read */
    GString *window[2];
    GString *out[2];
    gboolean wanted[2];
    guint64 asked; /* ASK to answer when the list is done, 0 for none */
    gboolean refused;
    guint64 slot_message;
    guint64 allowed;
    guint n_done;
    gboolean ended;
} Driver;

static void
driver_send(Driver *driver, guint direction, OshSpan window, const OshL7Piece *pieces, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        switch ((OshL7PieceType)pieces[i].type) {
        case OSH_L7_PIECE_BYTES:
            g_string_append_len(driver->out[direction], pieces[i].bytes.data,
                                (gssize)pieces[i].bytes.length);
            break;
        case OSH_L7_PIECE_WINDOW:
            g_string_append_len(driver->out[direction], window.data + pieces[i].offset,
                                (gssize)pieces[i].length);
            break;
        case OSH_L7_PIECE_LEASE:
            g_assert_cmpuint(direction, ==, OSH_CLIENT_TO_SERVER);
            g_assert_nonnull(pieces[i].lease);
            g_string_append(driver->out[direction], "hunter2");
            break;
        case OSH_L7_PIECE_CONTENT:
            g_assert_not_reached();
        }
    }
}

static void
driver_answer(Driver *driver)
{
    static char lease;
    guint64 message = driver->asked;
    OshL7SlotAnswer slot = {
        .slot = 1, .disposition = OSH_L7_REPLACED, .lease = (OshLease *)&lease, .length = 7};
    OshL7Answer answer = {.struct_size = sizeof(OshL7Answer), .slots = &slot};

    driver->asked = 0;
    driver->allowed = driver->refused ? 0 : message;
    answer.action = driver->refused ? OSH_ACTION_DENY : OSH_ACTION_ALLOW;
    answer.n_slots = driver->slot_message == message ? 1 : 0;
    osh_l7_resume(driver->protocol, driver->session, 0, message, &answer);
}

static void
driver_carry_out(Driver *driver, guint direction, const OshL7Action *actions, gsize n)
{
    OshSpan window = {driver->window[direction]->str, driver->window[direction]->len};
    gsize released = 0;

    for (gsize i = 0; i < n; i++) {
        const OshL7Action *action = &actions[i];
        const OshFact *facts = action->u.ask.facts.facts;
        gboolean leaves = action->type == OSH_L7_PASS || action->type == OSH_L7_REPLACE;

        if (leaves && direction == OSH_CLIENT_TO_SERVER)
            g_assert_cmpuint(action->message, ==, driver->allowed);
        if (action->type == OSH_L7_PASS)
            g_string_append_len(driver->out[direction], window.data + released,
                                (gssize)action->length);
        else if (action->type == OSH_L7_REPLACE)
            driver_send(driver, direction, window, action->u.send.pieces, action->u.send.n_pieces);
        else if (action->type == OSH_L7_EMIT)
            driver_send(driver, action->direction, window, action->u.send.pieces,
                        action->u.send.n_pieces);
        else if (action->type == OSH_L7_SLOT)
            driver->slot_message = action->message;
        else if (action->type == OSH_L7_DONE)
            driver->n_done++;
        else if (action->type == OSH_L7_END)
            driver->ended = TRUE;
        if (action->type == OSH_L7_ASK) {
            driver->asked = action->message;
            driver->refused = facts[0].value.string.length == 5 &&
                              memcmp(facts[0].value.string.data, "FLUSH", 5) == 0;
        }
        if (leaves || action->type == OSH_L7_DROP)
            released += action->length;
    }
    g_string_erase(driver->window[direction], 0, (gssize)released);
}

/* Calls feed once. Returns: whether it returned anything but MORE. */
static gboolean
driver_feed_once(Driver *driver, guint direction)
{
    OshL7Action actions[OSH_L7_ACTIONS_MIN];
    gint64 deadline;
    OshL7Input input = {
        .struct_size = sizeof(OshL7Input),
        .direction = direction,
        .window = {driver->window[direction]->str, driver->window[direction]->len},
        .capacity = {4096, 4096},
    };
    gsize n = osh_l7_feed(driver->protocol, driver->session, &input, actions, G_N_ELEMENTS(actions),
                          &deadline);

    driver->wanted[direction] = n > 0 && actions[n - 1].type == OSH_L7_MORE;
    driver_carry_out(driver, direction, actions, n);
    if (driver->asked != 0)
        driver_answer(driver);
    return n > (driver->wanted[direction] ? 1u : 0u);
}

static void
driver_settle(Driver *driver)
{
    gboolean acted = TRUE;

    while (acted && !driver->ended) {
        acted = driver_feed_once(driver, OSH_CLIENT_TO_SERVER);
        if (!driver->ended && driver_feed_once(driver, OSH_SERVER_TO_CLIENT))
            acted = TRUE;
    }
}

static void
driver_feed(Driver *driver, guint direction, const char *bytes, gsize length)
{
    g_string_append_len(driver->offered[direction], bytes, (gssize)length);
    for (driver_settle(driver);
         !driver->ended && driver->wanted[direction] && driver->offered[direction]->len > 0;
         driver_settle(driver)) {
        g_string_append(driver->window[direction], driver->offered[direction]->str);
        g_string_truncate(driver->offered[direction], 0);
    }
}

static void
driver_open(Driver *driver, const OshInterface *protocol)
{
    OshL7Connection connection = {.struct_size = sizeof(OshL7Connection),
                                  .protocol = "upper",
                                  .host = "cache.example",
                                  .port = 7000,
                                  .window_cap = {OSH_L7_WINDOW_MIN, OSH_L7_WINDOW_MIN}};
    g_autoptr(GError) error = NULL;

    *driver = (Driver){.protocol = protocol};
    driver->session = osh_l7_open(protocol, &connection, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 2; i++) {
        driver->offered[i] = g_string_new(NULL);
        driver->window[i] = g_string_new(NULL);
        driver->out[i] = g_string_new(NULL);
    }
}

static void
driver_close(Driver *driver)
{
    osh_l7_close(driver->protocol, driver->session);
    for (guint i = 0; i < 2; i++) {
        g_string_free(driver->offered[i], TRUE);
        g_string_free(driver->window[i], TRUE);
        g_string_free(driver->out[i], TRUE);
    }
}

static const OshInterface line_protocol = {"test", &line_vtable, NULL};

static const char said_by_client[] = "SET a\nFLUSH\nSECRET openshell:resolve:env:PASSWORD\nGET a\n";
static const char said_by_server[] = "+1\n+2\n+3\n";

static void
test_refused_message_leaves_its_neighbours_alone(gconstpointer step_pointer)
{
    gsize step = GPOINTER_TO_SIZE(step_pointer);
    gsize client = sizeof(said_by_client) - 1;
    gsize server = sizeof(said_by_server) - 1;
    Driver driver;

    driver_open(&driver, &line_protocol);
    for (gsize i = 0; i < client; i += step)
        driver_feed(&driver, OSH_CLIENT_TO_SERVER, said_by_client + i, MIN(step, client - i));
    for (gsize i = 0; i < server; i += step)
        driver_feed(&driver, OSH_SERVER_TO_CLIENT, said_by_server + i, MIN(step, server - i));
    g_assert_cmpstr(driver.out[OSH_CLIENT_TO_SERVER]->str, ==, "SET a\nSECRET hunter2\nGET a\n");
    g_assert_cmpstr(driver.out[OSH_SERVER_TO_CLIENT]->str, ==, "+1\n-DENIED\n+2\n+3\n");
    g_assert_cmpuint(driver.n_done, ==, 4);
    driver_close(&driver);
}

static void
test_same_session_keeps_every_rule_under_a_strict_driver(void)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&line_protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "upper.verb",
                             "FLUSH");
    osh_l7_harness_add_secret(harness, "openshell:resolve:env:PASSWORD", "hunter2");
    osh_l7_harness_client(harness, said_by_client, -1);
    osh_l7_harness_server(harness, said_by_server, -1);
    osh_l7_harness_end(harness, OSH_CLIENT_TO_SERVER);
    osh_l7_harness_end(harness, OSH_SERVER_TO_CLIENT);
    outcome = osh_l7_harness_run_all(harness, 50);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==,
                    "SET a\nSECRET hunter2\nGET a\n");
    g_assert_cmpstr(outcome->released[OSH_SERVER_TO_CLIENT]->str, ==, "+1\n-DENIED\n+2\n+3\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_CLOSED);
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed [upper.verb=SET] done 200 3\n"
                    "2 denied [upper.verb=FLUSH] \"upper.verb is FLUSH\" done 403 8\n"
                    "3 allowed [upper.verb=SECRET] done 200 3\n"
                    "4 allowed [upper.verb=GET] done 200 3\n");
}

/* The session of the header's first comment, word for word. */
typedef struct {
    guint64 message; /* the line that is open, 0 for none */
    guint64 n_messages;
    gboolean allowed;
    OshFact fact;
} MetricSession;

static gsize
metric_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
            gint64 *ret_deadline)
{
    MetricSession *self = data;
    const char *start = input->window.data;
    const char *end = NULL;
    gsize length;

    (void)max_actions;
    (void)ret_deadline;
    if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0)
        end = memchr(start, '\n', input->window.length);
    if (end == NULL) {
        actions[0] = (OshL7Action){.type = OSH_L7_MORE};
        return 1;
    }
    length = (gsize)(end - start) + 1;
    if (self->message == 0) {
        self->message = ++self->n_messages;
        self->fact = (OshFact)OSH_FACT_STRING_INIT("metric.line", ((OshSpan){start, length - 1}));
        actions[0] = (OshL7Action){.type = OSH_L7_ASK,
                                   .message = self->message,
                                   .flags = OSH_L7_PAUSES,
                                   .u.ask.facts = {&self->fact, 1}};
        return 1;
    }
    actions[0] = (OshL7Action){.type = self->allowed ? OSH_L7_PASS : OSH_L7_DROP,
                               .message = self->message,
                               .length = length};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = self->message};
    self->message = 0;
    return 2;
}

static void
metric_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    MetricSession *self = data;

    (void)now;
    (void)message;
    self->allowed = answer->action == OSH_ACTION_ALLOW;
}

static gpointer
metric_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    (void)connection;
    (void)error;
    return g_new0(MetricSession, 1);
}

static const OshL7ProtocolInterface metric_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .open = metric_open,
    .feed = metric_feed,
    .resume = metric_resume,
    .close = g_free,
};

static void
test_example_of_the_header_keeps_every_rule(void)
{
    OshInterface protocol = {"test", &metric_vtable, NULL};
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "metric.line",
                             "secret.*");
    osh_l7_harness_client(harness, "load 1\nsecret.load 2\nload 3\nlo", -1);
    outcome = osh_l7_harness_run_all(harness, 50);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==, "load 1\nload 3\n");
    g_assert_cmpstr(outcome->left[OSH_CLIENT_TO_SERVER]->str, ==, "lo");
}

static void
test_session_ends_in_its_own_way(void)
{
    Driver driver;

    driver_open(&driver, &line_protocol);
    g_assert_true(
        osh_l7_terminate(&line_protocol, driver.session, 0, OSH_L7_TERMINATE_POLICY_CHANGED));
    driver_feed(&driver, OSH_CLIENT_TO_SERVER, "", 0);
    g_assert_true(driver.ended);
    driver_close(&driver);
}

static void
test_open_refuses_with_an_error(void)
{
    OshL7Connection connection = {.struct_size = sizeof(OshL7Connection), .window_cap = {8, 8}};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_l7_open(&line_protocol, &connection, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
}

static void
test_missing_functions_have_their_stated_default(void)
{
    /* A vtable that ends before any function, as a plugin of another time might have. */
    static const OshL7ProtocolInterface small = {.struct_size = sizeof(guint32)};
    OshInterface protocol = {"old", &small, NULL};
    OshL7Input input = {.struct_size = sizeof(OshL7Input)};
    OshL7Action action;
    gint64 deadline = 7;
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_l7_protocols(&protocol));
    g_assert_cmpint(osh_l7_probe(&protocol, OSH_SPAN_LITERAL("GET ")), ==, OSH_PROBE_NO);
    g_assert_null(osh_l7_open(&protocol, NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    g_assert_cmpuint(osh_l7_feed(&protocol, NULL, &input, &action, 1, &deadline), ==, 1);
    g_assert_cmpuint(action.type, ==, OSH_L7_DENY);
    g_assert_true((action.flags & OSH_L7_CONNECTION) != 0);
    g_assert_cmpint(deadline, ==, 0);
    g_assert_false(osh_l7_expire(&protocol, NULL, 0));
    g_assert_false(osh_l7_cancel(&protocol, NULL, 0, 1));
    g_assert_false(osh_l7_terminate(&protocol, NULL, 0, OSH_L7_TERMINATE_IDLE));
}

static void
test_probe_grows_from_maybe_to_an_answer(void)
{
    g_assert_cmpint(osh_l7_probe(&line_protocol, OSH_SPAN_LITERAL("GE")), ==, OSH_PROBE_MAYBE);
    g_assert_cmpint(osh_l7_probe(&line_protocol, OSH_SPAN_LITERAL("GET x")), ==, OSH_PROBE_YES);
    g_assert_cmpint(osh_l7_probe(&line_protocol, OSH_SPAN_LITERAL("POST x")), ==, OSH_PROBE_NO);
    g_assert_cmpstr(osh_l7_protocols(&line_protocol)[0], ==, "upper");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/sdk/l7-protocol/refused-message-leaves-its-neighbours-alone/whole",
                         GSIZE_TO_POINTER(4096), test_refused_message_leaves_its_neighbours_alone);
    g_test_add_data_func("/sdk/l7-protocol/refused-message-leaves-its-neighbours-alone/by-byte",
                         GSIZE_TO_POINTER(1), test_refused_message_leaves_its_neighbours_alone);
    g_test_add_func("/sdk/l7-protocol/same-session-keeps-every-rule-under-a-strict-driver",
                    test_same_session_keeps_every_rule_under_a_strict_driver);
    g_test_add_func("/sdk/l7-protocol/example-of-the-header-keeps-every-rule",
                    test_example_of_the_header_keeps_every_rule);
    g_test_add_func("/sdk/l7-protocol/session-ends-in-its-own-way",
                    test_session_ends_in_its_own_way);
    g_test_add_func("/sdk/l7-protocol/open-refuses-with-an-error", test_open_refuses_with_an_error);
    g_test_add_func("/sdk/l7-protocol/missing-functions-have-their-stated-default",
                    test_missing_functions_have_their_stated_default);
    g_test_add_func("/sdk/l7-protocol/probe-grows-from-maybe-to-an-answer",
                    test_probe_grows_from_maybe_to_an_answer);
    return g_test_run();
}
