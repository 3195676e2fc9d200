/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The l7-protocol contract, lived through: a small provider and a small driver.
 *
 * The provider speaks "upper": lines; a line "GET KEY" is asked about as a message, "SECRET text"
 * has a slot, and a refused line is answered "-DENIED reason" in its place among the replies. The
 * driver holds windows, carries out actions and answers, as the data plane does. The tests state
 * what the contract promises: order, split invariance, leases towards the server only, defaults.
 */
#include "openshell/ext/draft/l7-protocol.h"

#define LINE_MAX_PENDING 16

typedef struct {
    guint64 next_message;
    guint64 asked; /* message whose answer is awaited, 0 for none */
    gboolean answered;
    guint32 verdict;
    OshL7SlotAnswer slot;
    gsize slot_start;
    gboolean terminating;
    /* what the next replies are: TRUE for one of the server's, FALSE for a denial of ours */
    gboolean replies[LINE_MAX_PENDING];
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
line_feed_denial(LineSession *session, OshL7Action *actions)
{
    session->denial =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = OSH_SPAN_LITERAL("-DENIED\n")};
    actions[0] = (OshL7Action){.type = OSH_L7_EMIT, .direction = OSH_SERVER_TO_CLIENT};
    actions[0].u.send.pieces = &session->denial;
    actions[0].u.send.n_pieces = 1;
    memmove(session->replies, session->replies + 1, --session->n_replies * sizeof(gboolean));
    return 1;
}

static gsize
line_feed_server(LineSession *session, const OshL7Input *input, OshL7Action *actions)
{
    const char *end = memchr(input->window.data, '\n', input->window.length);

    if (end == NULL || session->n_replies == 0 || !session->replies[0])
        return 0;
    memmove(session->replies, session->replies + 1, --session->n_replies * sizeof(gboolean));
    actions[0] = (OshL7Action){.type = OSH_L7_PASS,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .length = (guint64)(end - input->window.data) + 1};
    return 1;
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
    actions[n] = (OshL7Action){.type = OSH_L7_ASK, .message = session->asked};
    actions[n].u.ask.facts = session->facts;
    actions[n].u.ask.n_facts = 1;
    actions[n].u.ask.pauses = TRUE;
    return n + 1;
}

static gsize
line_release(LineSession *session, gsize length, OshL7Action *actions)
{
    gboolean allowed = session->verdict == OSH_ACTION_ALLOW;

    session->asked = 0;
    session->answered = FALSE;
    session->replies[session->n_replies++] = allowed;
    actions[0] = (OshL7Action){.type = allowed ? OSH_L7_PASS : OSH_L7_DROP, .length = length};
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
line_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize capacity,
          gint64 *ret_deadline)
{
    LineSession *session = data;
    const char *end;

    g_assert_cmpuint(capacity, >=, 2);
    *ret_deadline = 0;
    if (session->terminating) {
        actions[0] = (OshL7Action){.type = OSH_L7_END};
        return 1;
    }
    if (session->n_replies > 0 && !session->replies[0])
        return line_feed_denial(session, actions);
    if (input->direction == OSH_SERVER_TO_CLIENT)
        return line_feed_server(session, input, actions);
    end = memchr(input->window.data, '\n', input->window.length);
    if (end == NULL || (session->asked != 0 && !session->answered) ||
        session->n_replies == LINE_MAX_PENDING)
        return 0;
    if (session->asked != 0)
        return line_release(session, (gsize)(end - input->window.data) + 1, actions);
    return line_ask(session, input, (gsize)(end - input->window.data) + 1, actions);
}

static void
line_resume(gpointer data, guint64 message, const OshL7Answer *answer)
{
    LineSession *session = data;

    g_assert_cmpuint(message, ==, session->asked);
    session->answered = TRUE;
    session->verdict = answer->action;
    if (answer->n_slots == 1)
        session->slot = answer->slots[0];
}

static void
line_terminate(gpointer data, OshL7TerminateReason reason)
{
    LineSession *session = data;

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
    GString *window[2];
    GString *out[2];
    guint64 slot_message;
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
driver_answer(Driver *driver, const OshL7Action *action)
{
    static char lease;
    OshL7SlotAnswer slot = {
        .slot = 1, .disposition = OSH_L7_REPLACED, .lease = (OshLease *)&lease, .length = 7};
    OshL7Answer answer = {.struct_size = sizeof(OshL7Answer), .slots = &slot};
    const OshFact *verb = &action->u.ask.facts[0];
    gboolean refused =
        verb->value.string.length == 5 && memcmp(verb->value.string.data, "FLUSH", 5) == 0;

    answer.action = refused ? OSH_ACTION_DENY : OSH_ACTION_ALLOW;
    answer.n_slots = driver->slot_message == action->message ? 1 : 0;
    osh_l7_resume(driver->protocol, driver->session, action->message, &answer);
}

static gsize
driver_carry_out(Driver *driver, guint direction, const OshL7Action *actions, gsize n)
{
    OshSpan window = {driver->window[direction]->str, driver->window[direction]->len};
    gsize released = 0;

    for (gsize i = 0; i < n; i++) {
        const OshL7Action *action = &actions[i];

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
        else if (action->type == OSH_L7_ASK)
            driver_answer(driver, action);
        else if (action->type == OSH_L7_END)
            driver->ended = TRUE;
        if (action->type == OSH_L7_PASS || action->type == OSH_L7_REPLACE ||
            action->type == OSH_L7_DROP)
            released += action->length;
    }
    g_string_erase(driver->window[direction], 0, (gssize)released);
    return n;
}

static void
driver_feed(Driver *driver, guint direction, const char *bytes, gsize length)
{
    gboolean progress = TRUE;

    g_string_append_len(driver->window[direction], bytes, (gssize)length);
    while (progress && !driver->ended) {
        progress = FALSE;
        for (guint i = 0; i < 2 && !driver->ended; i++) {
            OshL7Action actions[2] = {{0}};
            gint64 deadline;
            OshL7Input input = {
                .struct_size = sizeof(OshL7Input),
                .direction = i,
                .window = {driver->window[i]->str, driver->window[i]->len},
                .n_new = i == direction ? length : 0,
                .room = {4096, 4096},
            };

            if (driver_carry_out(driver, i, actions,
                                 osh_l7_feed(driver->protocol, driver->session, &input, actions,
                                             G_N_ELEMENTS(actions), &deadline)) > 0)
                progress = TRUE;
        }
        length = 0;
    }
}

static void
driver_open(Driver *driver, const OshInterface *protocol)
{
    OshL7Connection connection = {.struct_size = sizeof(OshL7Connection),
                                  .protocol = "upper",
                                  .host = "cache.example",
                                  .port = 7000,
                                  .window_cap = {4096, 4096}};
    g_autoptr(GError) error = NULL;

    *driver = (Driver){.protocol = protocol};
    driver->session = osh_l7_open(protocol, &connection, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 2; i++) {
        driver->window[i] = g_string_new(NULL);
        driver->out[i] = g_string_new(NULL);
    }
}

static void
driver_close(Driver *driver)
{
    osh_l7_close(driver->protocol, driver->session);
    for (guint i = 0; i < 2; i++) {
        g_string_free(driver->window[i], TRUE);
        g_string_free(driver->out[i], TRUE);
    }
}

static const OshInterface line_protocol = {"test", &line_vtable, NULL};

static void
test_refused_message_leaves_its_neighbours_alone(gconstpointer step_pointer)
{
    static const char client[] = "SET a\nFLUSH\nSECRET openshell:resolve:env:PASSWORD\nGET a\n";
    static const char server[] = "+1\n+2\n+3\n";
    gsize step = GPOINTER_TO_SIZE(step_pointer);
    Driver driver;

    driver_open(&driver, &line_protocol);
    for (gsize i = 0; i < sizeof(client) - 1; i += step)
        driver_feed(&driver, OSH_CLIENT_TO_SERVER, client + i, MIN(step, sizeof(client) - 1 - i));
    for (gsize i = 0; i < sizeof(server) - 1; i += step)
        driver_feed(&driver, OSH_SERVER_TO_CLIENT, server + i, MIN(step, sizeof(server) - 1 - i));
    g_assert_cmpstr(driver.out[OSH_CLIENT_TO_SERVER]->str, ==, "SET a\nSECRET hunter2\nGET a\n");
    g_assert_cmpstr(driver.out[OSH_SERVER_TO_CLIENT]->str, ==, "+1\n-DENIED\n+2\n+3\n");
    driver_close(&driver);
}

static void
test_session_ends_in_its_own_way(void)
{
    Driver driver;

    driver_open(&driver, &line_protocol);
    g_assert_true(
        osh_l7_terminate(&line_protocol, driver.session, OSH_L7_TERMINATE_POLICY_CHANGED));
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
    g_assert_true(action.u.deny.connection);
    g_assert_cmpint(deadline, ==, 0);
    g_assert_false(osh_l7_terminate(&protocol, NULL, OSH_L7_TERMINATE_IDLE));
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
    g_test_add_func("/sdk/l7-protocol/session-ends-in-its-own-way",
                    test_session_ends_in_its_own_way);
    g_test_add_func("/sdk/l7-protocol/open-refuses-with-an-error", test_open_refuses_with_an_error);
    g_test_add_func("/sdk/l7-protocol/missing-functions-have-their-stated-default",
                    test_missing_functions_have_their_stated_default);
    g_test_add_func("/sdk/l7-protocol/probe-grows-from-maybe-to-an-answer",
                    test_probe_grows_from_maybe_to_an_answer);
    return g_test_run();
}
