/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the L7 harness: its steps, and the rounds of feed that each of them leads to.
 *
 * Belongs to the test's thread. It never shows a session more than the contract gives it: a window
 * is copied for the call and overwritten after the list was carried out, bytes are read only after
 * MORE, and a direction that pauses is left alone.
 */
#include <string.h>

#include "osh-l7-run.h"

/* Rounds without an event between them, after which a session is taken to go on for ever. */
#define MAX_ROUNDS 10000

/* The end of a run. */

void
osh_l7_run_end(OshL7Run *run, OshL7Ended ended, const char *reason)
{
    if (run->ended)
        return;
    run->ended = TRUE;
    run->outcome->ended = ended;
    run->outcome->reason = g_strdup(reason);
}

void
osh_l7_run_break(OshL7Run *run, OshL7Rule rule, const char *format, ...)
{
    g_autofree char *detail = NULL;
    va_list arguments;

    if (run->ended)
        return;
    va_start(arguments, format);
    detail = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    run->outcome->rule = rule;
    run->outcome->violation =
        g_strdup_printf("%s: %s (%s)", osh_l7_rule_name(rule), osh_l7_rule_words(rule), detail);
    osh_l7_run_end(run, OSH_L7_ENDED_BROKEN, NULL);
}

/* Rounds. */

static gboolean
answers_late(const OshL7Run *run)
{
    return run->split == OSH_L7_SPLIT_WHOLE_LATER || run->split == OSH_L7_SPLIT_BYTES_LATER;
}

static gsize
new_capacity(OshL7Run *run)
{
    if (run->split == OSH_L7_SPLIT_RANDOM)
        return (gsize)g_rand_int_range(run->random, 1, 40);
    return run->split >= OSH_L7_SPLIT_BYTES ? 1 : 65536;
}

static void
give_answer(OshL7Run *run, guint index)
{
    OshL7Message *message = osh_l7_run_find(run, g_array_index(run->due, guint64, index));

    g_array_remove_index(run->due, index);
    osh_l7_run_answer(run, message);
}

static void
give_answers_at_once(OshL7Run *run)
{
    while (!run->ended && run->due->len > 0 &&
           (run->split == OSH_L7_SPLIT_WHOLE || run->split == OSH_L7_SPLIT_BYTES))
        give_answer(run, 0);
}

/* MORE: reads on, or ends the connection where no more bytes can come or fit. */
static void
carry_more(OshL7Run *run, guint direction)
{
    run->wanted[direction] = !run->eof[direction];
    if (run->eof[direction] && run->window[direction]->len > 0)
        osh_l7_run_end(run, OSH_L7_ENDED_FAILED, "the connection ended inside a unit");
    else if (run->window[direction]->len >= run->harness->connection.window_cap[direction])
        osh_l7_run_end(run, OSH_L7_ENDED_DENIED, "a unit is larger than may be buffered");
}

/* Carries out a list. Returns: whether it held anything but MORE. */
static gboolean
carry_out_list(OshL7Run *run, guint direction, OshSpan window, const OshL7Action *actions, gsize n)
{
    gboolean more = n > 0 && actions[n - 1].type == OSH_L7_MORE;

    osh_l7_ledger_begin_list(&run->ledger, direction, window, run->capacity);
    for (gsize i = 0; i < n && !run->ended; i++) {
        OshL7Rule rule = osh_l7_ledger_check(&run->ledger, actions, i, n);

        if (rule == OSH_L7_N_RULES)
            osh_l7_run_carry_out(run, &actions[i]);
        else
            osh_l7_run_break(run, rule, "%s", run->ledger.detail);
    }
    g_byte_array_remove_range(run->window[direction], 0, (guint)run->ledger.released);
    for (guint i = 0; i < 2; i++)
        run->capacity[i] =
            run->split < OSH_L7_SPLIT_BYTES ? new_capacity(run) : run->ledger.capacity[i];
    if (more && !run->ended)
        carry_more(run, direction);
    return n > (more ? 1u : 0u);
}

static gboolean
feed(OshL7Run *run, guint direction)
{
    gsize space = run->split == OSH_L7_SPLIT_WHOLE    ? 64
                  : run->split == OSH_L7_SPLIT_RANDOM ? (gsize)g_rand_int_range(run->random, 8, 20)
                                                      : OSH_L7_ACTIONS_MIN;
    gsize length = run->window[direction]->len;
    g_autofree OshL7Action *actions = g_new0(OshL7Action, space);
    char *copy = g_malloc(MAX(length, 1));
    OshL7Input input = {
        .struct_size = sizeof(OshL7Input),
        .direction = direction,
        .now = run->now,
        .window = {length > 0 ? copy : NULL, length},
        .n_new = run->n_new[direction],
        .eof = run->eof[direction],
        .reset = run->reset[direction],
        .capacity = {run->capacity[0], run->capacity[1]},
    };
    gint64 deadline = 0;
    gboolean acted;
    gsize n;

    if (length > 0)
        memcpy(copy, run->window[direction]->data, length);
    run->n_new[direction] = 0;
    run->wanted[direction] = FALSE;
    n = osh_l7_feed(run->harness->protocol, run->session, &input, actions, space, &deadline);
    if (n > space)
        osh_l7_run_break(run, OSH_L7_RULE_SPACE, "%zu for %zu", n, space);
    if (deadline != 0 && deadline <= run->now)
        osh_l7_run_break(run, OSH_L7_RULE_DEADLINE, "%" G_GINT64_FORMAT " at %" G_GINT64_FORMAT,
                         deadline, run->now);
    if (deadline != 0)
        run->deadline = deadline == OSH_L7_DEADLINE_NONE ? 0 : deadline;
    acted = !run->ended && carry_out_list(run, direction, input.window, actions, n);
    /* What a session kept of the window shows when it is looked at: the memory stays, other than it
     * was, until the next call for this direction is over, so that the next window cannot stand in
     * its place. */
    memset(copy, 0xdd, length);
    g_free(run->last_window[direction]);
    run->last_window[direction] = copy;
    give_answers_at_once(run);
    return acted;
}

/* Rounds of feed until one returns nothing, or nothing but MORE. */
static void
settle(OshL7Run *run)
{
    guint rounds = 0;
    gboolean acted = TRUE;

    run->woken = FALSE;
    while (acted && !run->ended) {
        acted = FALSE;
        for (guint i = 0; i < 2 && !run->ended; i++)
            if (run->paused_by[i] == 0 && feed(run, i))
                acted = TRUE;
        if (++rounds > MAX_ROUNDS)
            osh_l7_run_break(run, OSH_L7_RULE_PROGRESS, "%u rounds returned actions", rounds);
    }
}

/* Events. */

typedef enum {
    EVENT_ANSWER,
    EVENT_CAPACITY,
    EVENT_WAKE,
    EVENT_CLIENT,
    EVENT_SERVER,
    N_EVENTS,
} Event;

static gboolean
may_happen(const OshL7Run *run, Event event)
{
    guint direction = event == EVENT_SERVER ? OSH_SERVER_TO_CLIENT : OSH_CLIENT_TO_SERVER;

    switch (event) {
    case EVENT_ANSWER:
        return run->due->len > 0;
    case EVENT_CAPACITY:
        return run->capacity[0] == 0 || run->capacity[1] == 0;
    case EVENT_WAKE:
        return run->woken;
    case EVENT_CLIENT:
    case EVENT_SERVER:
        return run->wanted[direction] &&
               (run->pending[direction]->len > 0 || run->end_pending[direction]);
    case N_EVENTS:
    default:
        return FALSE;
    }
}

static void
read_bytes(OshL7Run *run, guint direction)
{
    GByteArray *pending = run->pending[direction];
    gsize space = run->harness->connection.window_cap[direction] - run->window[direction]->len;
    gsize n = MIN(pending->len, space);

    if (n == 0) {
        run->end_pending[direction] = FALSE;
        run->eof[direction] = TRUE;
        return;
    }
    if (run->split == OSH_L7_SPLIT_RANDOM)
        n = (gsize)g_rand_int_range(run->random, 1, 1 + (gint32)MIN(n, 24));
    else if (run->split >= OSH_L7_SPLIT_BYTES)
        n = 1;
    g_byte_array_append(run->window[direction], pending->data, (guint)n);
    g_byte_array_remove_range(pending, 0, (guint)n);
    run->n_new[direction] += n;
}

static void
happen(OshL7Run *run, Event event)
{
    switch (event) {
    case EVENT_ANSWER:
        give_answer(run, run->split == OSH_L7_SPLIT_RANDOM
                             ? (guint)g_rand_int_range(run->random, 0, (gint32)run->due->len)
                             : 0);
        break;
    case EVENT_CAPACITY:
        for (guint i = 0; i < 2; i++)
            if (run->capacity[i] == 0)
                run->capacity[i] = new_capacity(run);
        break;
    case EVENT_CLIENT:
        read_bytes(run, OSH_CLIENT_TO_SERVER);
        break;
    case EVENT_SERVER:
        read_bytes(run, OSH_SERVER_TO_CLIENT);
        break;
    case EVENT_WAKE:
    case N_EVENTS:
    default:
        break;
    }
}

/* The next event that may happen, or N_EVENTS. */
static Event
choose(OshL7Run *run)
{
    static const Event soon[] = {EVENT_ANSWER, EVENT_CAPACITY, EVENT_WAKE, EVENT_CLIENT,
                                 EVENT_SERVER};
    static const Event late[] = {EVENT_CAPACITY, EVENT_WAKE, EVENT_CLIENT, EVENT_SERVER,
                                 EVENT_ANSWER};
    const Event *order = answers_late(run) ? late : soon;
    guint first = 0;

    if (run->split == OSH_L7_SPLIT_RANDOM)
        first = (guint)g_rand_int_range(run->random, 0, N_EVENTS);
    for (guint i = 0; i < N_EVENTS; i++)
        if (may_happen(run, order[(first + i) % N_EVENTS]))
            return order[(first + i) % N_EVENTS];
    return N_EVENTS;
}

static void
run_events(OshL7Run *run)
{
    Event event;

    settle(run);
    while (!run->ended && (event = choose(run)) != N_EVENTS) {
        happen(run, event);
        settle(run);
    }
}

/* Steps. */

/* The peer is gone: questions that are open are given up. */
static void
reset(OshL7Run *run, guint direction)
{
    g_byte_array_set_size(run->pending[direction], 0);
    run->eof[direction] = TRUE;
    run->reset[direction] = TRUE;
    while (run->due->len > 0 && !run->ended) {
        OshL7Message *message = osh_l7_run_find(run, g_array_index(run->due, guint64, 0));

        g_array_remove_index(run->due, 0);
        osh_l7_ledger_end(&run->ledger, osh_l7_run_open(run, message->number));
        message->state = OSH_L7_MESSAGE_CANCELLED;
        if (!osh_l7_cancel(run->harness->protocol, run->session, run->now, message->number))
            osh_l7_run_end(run, OSH_L7_ENDED_CLOSED, NULL);
    }
    run->paused_by[0] = 0;
    run->paused_by[1] = 0;
}

static void
begin_step(OshL7Run *run, const OshL7Step *step)
{
    gsize size;
    gconstpointer bytes;

    switch (step->type) {
    case OSH_L7_STEP_BYTES:
        bytes = g_bytes_get_data(step->bytes, &size);
        g_byte_array_append(run->pending[step->direction], bytes, (guint)size);
        break;
    case OSH_L7_STEP_END:
        run->end_pending[step->direction] = TRUE;
        break;
    case OSH_L7_STEP_RESET:
        reset(run, step->direction);
        break;
    case OSH_L7_STEP_ADVANCE:
        run->now += step->number;
        if (run->deadline != 0 && run->deadline <= run->now) {
            run->deadline = 0;
            if (!osh_l7_expire(run->harness->protocol, run->session, run->now))
                osh_l7_run_end(run, OSH_L7_ENDED_CLOSED, NULL);
        }
        break;
    case OSH_L7_STEP_TERMINATE:
    default:
        run->terminated = TRUE;
        if (!osh_l7_terminate(run->harness->protocol, run->session, run->now,
                              (OshL7TerminateReason)step->number))
            osh_l7_run_end(run, OSH_L7_ENDED_CLOSED, NULL);
    }
}

/* What the driver does when a round has returned nothing. */
static void
look_at_ends(OshL7Run *run)
{
    for (guint i = 0; i < 2; i++)
        if (run->eof[i] && !run->reset[i] && run->window[i]->len == 0)
            run->outcome->half_closed[i] = TRUE;
    if (run->reset[0] || run->reset[1])
        osh_l7_run_end(run, OSH_L7_ENDED_CLOSED, NULL);
    else if (run->eof[0] && run->eof[1] && run->window[0]->len == 0 && run->window[1]->len == 0)
        osh_l7_run_end(run, OSH_L7_ENDED_CLOSED, NULL);
    else if (run->eof[0] && run->eof[1] && run->deadline == 0 && run->due->len == 0 &&
             !run->ever_woken)
        osh_l7_run_end(run, OSH_L7_ENDED_FAILED, "the connection ended inside a unit");
    else if (!run->wanted[0] && !run->wanted[1] && !run->eof[0] && !run->eof[1] &&
             run->deadline == 0 && !run->ever_woken)
        osh_l7_run_break(run, OSH_L7_RULE_STALL,
                         "it reads neither peer, has no question open and no deadline");
}

static void
on_wake(gpointer data)
{
    OshL7Run *run = data;

    run->woken = TRUE;
    run->ever_woken = TRUE;
}

static void
run_free(OshL7Run *run)
{
    osh_l7_close(run->harness->protocol, run->session);
    for (guint i = 0; i < 2; i++) {
        g_byte_array_unref(run->window[i]);
        g_byte_array_unref(run->pending[i]);
        g_free(run->last_window[i]);
    }
    osh_l7_ledger_clear(&run->ledger);
    g_ptr_array_unref(run->messages);
    g_array_unref(run->due);
    g_rand_free(run->random);
    g_free(run);
}

static OshL7Run *
run_new(OshL7Harness *harness, OshL7Split split, guint32 seed)
{
    OshL7Run *run = g_new0(OshL7Run, 1);
    OshL7Connection connection = harness->connection;
    g_autoptr(GError) error = NULL;

    run->harness = harness;
    run->split = split;
    run->random = g_rand_new_with_seed(seed);
    run->now = 1000000;
    run->messages = g_ptr_array_new_with_free_func(osh_l7_message_free);
    run->due = g_array_new(FALSE, FALSE, sizeof(guint64));
    osh_l7_ledger_init(&run->ledger, harness->declared);
    run->ledger.may_start_tls = harness->connection.may_start_tls;
    run->ledger.may_be_opaque = harness->connection.may_be_opaque;
    run->ledger.may_retarget = harness->connection.may_retarget;
    run->outcome = g_new0(OshL7Outcome, 1);
    run->outcome->rule = OSH_L7_N_RULES;
    run->outcome->records = g_string_new(NULL);
    for (guint i = 0; i < 2; i++) {
        run->window[i] = g_byte_array_new();
        run->pending[i] = g_byte_array_new();
        run->capacity[i] = new_capacity(run);
        run->outcome->released[i] = g_string_new(NULL);
        run->outcome->left[i] = g_string_new(NULL);
    }
    connection.wake = on_wake;
    connection.wake_data = run;
    osh_scripted_policy_rewind(harness->policy);
    run->session = osh_l7_open(harness->protocol, &connection, &error);
    if (run->session == NULL)
        osh_l7_run_end(run, OSH_L7_ENDED_FAILED,
                       error != NULL ? error->message : "open failed without an error");
    return run;
}

OshL7Outcome *
osh_l7_harness_run(OshL7Harness *harness, OshL7Split split, guint32 seed)
{
    OshL7Run *run = run_new(harness, split, seed);
    OshL7Outcome *outcome = run->outcome;

    if (!run->ended)
        run_events(run);
    for (guint i = 0; i < harness->steps->len && !run->ended; i++) {
        begin_step(run, g_ptr_array_index(harness->steps, i));
        if (!run->ended)
            run_events(run);
        look_at_ends(run);
    }
    for (guint i = 0; i < 2; i++) {
        g_string_append_len(outcome->left[i], (const char *)run->window[i]->data,
                            (gssize)run->window[i]->len);
        g_string_append_len(outcome->left[i], (const char *)run->pending[i]->data,
                            (gssize)run->pending[i]->len);
    }
    osh_l7_run_write_records(run);
    run_free(run);
    return outcome;
}
