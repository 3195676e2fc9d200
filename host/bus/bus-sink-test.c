/* SPDX-License-Identifier: Apache-2.0 */
/* Event sinks and the flush: what reaches them, and how one leaves. */
#include "bus.h"

#include <string.h>

typedef void (*Done)(const GError *error, gpointer data);

typedef struct {
    OshBus *bus;
    guint64 id;
    gsize takes;  /* of each batch */
    guint64 next; /* sequence that must come next */
    guint taken;
    guint calls;
    gsize largest;
    gboolean may_lose;
    gboolean leaves; /* removes itself while it consumes */
    gboolean keeps_done;
    const char *fails; /* what flush answers */
    guint flushes;
    Done done;
    gpointer done_data;
    OshCallback resume;
    gpointer resume_data;
} Sink;

typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    OshTopic exited;
    OshTopic response;
    guint flushed;
    char *flush_error;
} Fixture;

static gsize
sink_consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    Sink *sink = instance;
    gsize taken = MIN(sink->takes, n_events);

    sink->calls++;
    sink->largest = MAX(sink->largest, n_events);
    if (sink->leaves)
        osh_bus_remove_sink(sink->bus, sink->id);
    for (gsize i = 0; i < n_events; i++) {
        g_assert_nonnull(events[i]->payload);
        if (sink->may_lose)
            g_assert_cmpuint(events[i]->sequence, >=, sink->next + i);
        else
            g_assert_cmpuint(events[i]->sequence, ==, sink->next + i);
    }
    if (taken > 0)
        sink->next = events[taken - 1]->sequence + 1;
    sink->taken += taken;
    return taken;
}

static void
sink_flush(gpointer instance, Done done, gpointer data)
{
    Sink *sink = instance;
    g_autoptr(GError) error = NULL;

    sink->flushes++;
    if (sink->keeps_done) {
        sink->done = done;
        sink->done_data = data;
        return;
    }
    if (sink->fails != NULL)
        error = g_error_new_literal(OSH_ERROR, OSH_ERROR_FAILED, sink->fails);
    done(error, data);
}

static void
sink_keep_resume(gpointer instance, OshCallback resume, gpointer data)
{
    Sink *sink = instance;

    sink->resume = resume;
    sink->resume_data = data;
}

static const OshEventSinkInterface sink_vtable = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = sink_consume,
    .flush = sink_flush,
    .resume = sink_keep_resume,
};

static void
sink_add(Sink *sink, const Fixture *fixture, const char *provider, gboolean required)
{
    const OshInterface interface = {provider, &sink_vtable, sink};

    sink->bus = fixture->bus;
    sink->takes = G_MAXSIZE;
    sink->next = 1;
    sink->id = osh_bus_add_sink(fixture->bus, &interface, required);
    g_assert_cmpuint(sink->id, !=, 0);
    g_assert_nonnull(sink->resume);
}

static void
fixture_open(Fixture *fixture, const OshBusLimits *limits)
{
    static const char *const topics[] = {OSH_TOPIC_PROCESS_STARTED, OSH_TOPIC_PROCESS_EXITED,
                                         OSH_TOPIC_L7_RESPONSE, NULL};
    g_autoptr(GError) error = NULL;

    fixture->bus = osh_bus_new(NULL, limits, &error);
    g_assert_no_error(error);
    fixture->publisher = osh_bus_publisher_new(fixture->bus, "test", topics, &error);
    g_assert_no_error(error);
    fixture->exited = osh_bus_topic(fixture->publisher, OSH_TOPIC_PROCESS_EXITED);
    fixture->response = osh_bus_topic(fixture->publisher, OSH_TOPIC_L7_RESPONSE);
}

static void
fixture_close(Fixture *fixture)
{
    g_assert_finalize_object(fixture->bus);
    g_free(fixture->flush_error);
}

static void
iterate(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static void
publish_exited(const Fixture *fixture, guint count)
{
    for (guint i = 0; i < count; i++) {
        const OshEventProcessExited exited = {.process = i, .pid = 10};
        const OshPublication publication = {
            .struct_size = sizeof(publication),
            .topic = fixture->exited,
            .payload = osh_event_process_exited_pack(&exited),
        };

        g_assert_cmpuint(osh_bus_publish(fixture->publisher, &publication), !=, 0);
    }
}

static void
publish_response(const Fixture *fixture, guint count)
{
    for (guint i = 0; i < count; i++) {
        const OshEventL7Response response = {.connection = i, .message = 1, .status = 200};
        const OshPublication publication = {
            .struct_size = sizeof(publication),
            .topic = fixture->response,
            .payload = osh_event_l7_response_pack(&response),
        };

        g_assert_cmpuint(osh_bus_publish(fixture->publisher, &publication), !=, 0);
    }
}

static guint64
capacity_used(const Fixture *fixture)
{
    OshBusCounters counters;

    osh_bus_get_counters(fixture->bus, &counters);
    return counters.capacity_used;
}

static void
flushed(const GError *error, gpointer data)
{
    Fixture *fixture = data;

    fixture->flushed++;
    if (error != NULL)
        fixture->flush_error = g_strdup(error->message);
}

static void
flush(Fixture *fixture, guint milliseconds)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * G_GINT64_CONSTANT(1000);

    g_assert_true(osh_bus_flush(fixture->bus, deadline, flushed, fixture));
    g_assert_cmpuint(fixture->flushed, ==, 0);
    while (fixture->flushed == 0)
        g_main_context_iteration(NULL, TRUE);
    iterate();
    g_assert_cmpuint(fixture->flushed, ==, 1);
}

static void
test_batches(void)
{
    Fixture fixture = {0};
    Sink sink = {0};

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    for (guint i = 0; i < 10; i++) {
        publish_exited(&fixture, 60);
        publish_response(&fixture, 40);
    }
    iterate();
    g_assert_cmpuint(sink.taken, ==, 1000);
    g_assert_cmpuint(sink.calls, <, 20);
    g_assert_cmpuint(sink.largest, >, 100);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    fixture_close(&fixture);
}

static void
test_partial(void)
{
    Fixture fixture = {0};
    Sink sink = {0};

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    sink.takes = 30;
    publish_exited(&fixture, 100);
    iterate();
    g_assert_cmpuint(sink.taken, ==, 30);
    g_assert_cmpuint(capacity_used(&fixture), ==, 70);
    sink.resume(sink.resume_data);
    g_assert_cmpuint(sink.taken, ==, 30);
    iterate();
    g_assert_cmpuint(sink.taken, ==, 60);
    sink.takes = G_MAXSIZE;
    sink.resume(sink.resume_data);
    iterate();
    g_assert_cmpuint(sink.taken, ==, 100);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    fixture_close(&fixture);
}

static void
test_stuck(void)
{
    Fixture fixture = {0};
    Sink sink = {0};
    guint64 reservation;

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    sink.takes = 0;
    publish_exited(&fixture, 50);
    iterate();
    g_assert_cmpuint(osh_bus_reserve(fixture.publisher, fixture.exited, 7), ==, 0);
    g_assert_cmpuint(capacity_used(&fixture), ==, 50);
    sink.takes = G_MAXSIZE;
    sink.resume(sink.resume_data);
    iterate();
    g_assert_cmpuint(sink.taken, ==, 50);
    reservation = osh_bus_reserve(fixture.publisher, fixture.exited, 7);
    g_assert_cmpuint(reservation, !=, 0);
    osh_bus_unreserve(fixture.publisher, reservation);
    fixture_close(&fixture);
}

static void
test_forgetful(void)
{
    Fixture fixture = {0};
    Sink sink = {0};
    gint64 end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    sink.takes = 0;
    publish_exited(&fixture, 5);
    iterate();
    sink.takes = G_MAXSIZE;
    while (sink.taken < 5 && g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(sink.taken, ==, 5);
    g_assert_cmpuint(sink.calls, ==, 2);
    fixture_close(&fixture);
}

static void
test_optional(void)
{
    const OshBusLimits limits = {.capacity = 64};
    Fixture fixture = {0};
    Sink sink = {.may_lose = TRUE};
    OshBusCounters counters;
    guint64 reservation;

    fixture_open(&fixture, &limits);
    sink_add(&sink, &fixture, "log", FALSE);
    sink.takes = 0;
    for (guint i = 0; i < 10; i++) {
        publish_exited(&fixture, 20);
        iterate();
    }
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    reservation = osh_bus_reserve(fixture.publisher, fixture.exited, 7);
    g_assert_cmpuint(reservation, !=, 0);
    osh_bus_unreserve(fixture.publisher, reservation);
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.dropped, >=, 136);
    sink.takes = G_MAXSIZE;
    sink.resume(sink.resume_data);
    iterate();
    g_assert_cmpuint(sink.taken, ==, 64);
    fixture_close(&fixture);
}

static void
test_two(void)
{
    Fixture fixture = {0};
    Sink fast = {0};
    Sink slow = {0};

    fixture_open(&fixture, NULL);
    sink_add(&fast, &fixture, "fast", TRUE);
    sink_add(&slow, &fixture, "slow", TRUE);
    slow.takes = 0;
    publish_exited(&fixture, 10);
    iterate();
    g_assert_cmpuint(fast.taken, ==, 10);
    g_assert_cmpuint(capacity_used(&fixture), ==, 10);
    osh_bus_remove_sink(fixture.bus, slow.id);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    g_assert_cmpuint(osh_bus_reserve(fixture.publisher, fixture.exited, 7), !=, 0);
    slow.resume(slow.resume_data);
    iterate();
    fixture_close(&fixture);
}

static void
test_leaves(void)
{
    Fixture fixture = {0};
    Sink leaver = {.leaves = TRUE};
    Sink stayer = {0};

    fixture_open(&fixture, NULL);
    sink_add(&leaver, &fixture, "leaver", TRUE);
    sink_add(&stayer, &fixture, "stayer", TRUE);
    leaver.takes = 3;
    publish_exited(&fixture, 10);
    publish_response(&fixture, 10);
    iterate();
    g_assert_cmpuint(leaver.calls, ==, 1);
    g_assert_cmpuint(stayer.taken, ==, 20);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    fixture_close(&fixture);
}

static void
test_flush(void)
{
    Fixture fixture = {0};
    Sink one = {0};
    Sink other = {.keeps_done = TRUE};

    fixture_open(&fixture, NULL);
    sink_add(&one, &fixture, "one", TRUE);
    sink_add(&other, &fixture, "other", FALSE);
    publish_exited(&fixture, 1000);
    publish_response(&fixture, 1000);
    g_assert_true(
        osh_bus_flush(fixture.bus, g_get_monotonic_time() + 3 * G_USEC_PER_SEC, flushed, &fixture));
    g_assert_false(osh_bus_flush(fixture.bus, g_get_monotonic_time(), flushed, &fixture));
    iterate();
    g_assert_cmpuint(fixture.flushed, ==, 0);
    g_assert_cmpuint(one.taken, ==, 2000);
    g_assert_nonnull(other.done);
    other.done(NULL, other.done_data);
    g_assert_cmpuint(fixture.flushed, ==, 0);
    iterate();
    g_assert_cmpuint(fixture.flushed, ==, 1);
    g_assert_null(fixture.flush_error);
    fixture_close(&fixture);
}

/* More than fit into one round of the loop: a flush is not done before the last of them. */
static void
test_flush_waits_for_what_is_queued(void)
{
    Fixture fixture = {0};
    Sink sink = {0};

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    publish_exited(&fixture, 1000);
    publish_response(&fixture, 1000);
    g_assert_true(
        osh_bus_flush(fixture.bus, g_get_monotonic_time() + 3 * G_USEC_PER_SEC, flushed, &fixture));
    while (fixture.flushed == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(sink.taken, ==, 2000);
    g_assert_null(fixture.flush_error);
    fixture_close(&fixture);
}

static void
test_flush_error(void)
{
    Fixture fixture = {0};
    Sink sink = {.fails = "disk is full"};

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    flush(&fixture, 3000);
    g_assert_cmpstr(fixture.flush_error, ==, "event sink of “log” failed to write: disk is full");
    fixture_close(&fixture);
}

static void
test_flush_stuck(void)
{
    Fixture fixture = {0};
    Sink sink = {0};

    fixture_open(&fixture, NULL);
    sink_add(&sink, &fixture, "log", TRUE);
    sink.takes = 0;
    publish_exited(&fixture, 5);
    flush(&fixture, 100);
    g_assert_nonnull(strstr(fixture.flush_error, "“log” has not taken 5 of them"));
    g_assert_cmpuint(sink.flushes, ==, 0);
    g_assert_cmpuint(capacity_used(&fixture), ==, 5);
    fixture_close(&fixture);
}

static void
test_flush_silent(void)
{
    Fixture fixture = {0};
    Sink quick = {0};
    Sink silent = {.keeps_done = TRUE};

    fixture_open(&fixture, NULL);
    sink_add(&quick, &fixture, "quick", TRUE);
    sink_add(&silent, &fixture, "silent", TRUE);
    flush(&fixture, 100);
    g_assert_nonnull(strstr(fixture.flush_error, "“silent” did not say in time"));
    fixture_close(&fixture);
    /* An answer after everything is gone finds nobody. */
    silent.done(NULL, silent.done_data);
}

static void
test_flush_removed(void)
{
    Fixture fixture = {0};
    Sink silent = {.keeps_done = TRUE};

    fixture_open(&fixture, NULL);
    sink_add(&silent, &fixture, "silent", TRUE);
    g_assert_true(
        osh_bus_flush(fixture.bus, g_get_monotonic_time() + 3 * G_USEC_PER_SEC, flushed, &fixture));
    iterate();
    g_assert_cmpuint(silent.flushes, ==, 1);
    osh_bus_remove_sink(fixture.bus, silent.id);
    iterate();
    g_assert_cmpuint(fixture.flushed, ==, 1);
    g_assert_null(fixture.flush_error);
    silent.done(NULL, silent.done_data);
    fixture_close(&fixture);
}

static void
publish_started(const Fixture *fixture, guint64 process)
{
    const OshEventProcessStarted started = {
        .process = process, .pid = 10, .start_time = 20, .kind = "session", .path = "/bin/sh"};
    const OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = osh_bus_topic(fixture->publisher, OSH_TOPIC_PROCESS_STARTED),
        .payload = osh_event_process_started_pack(&started),
    };

    g_assert_cmpuint(osh_bus_publish(fixture->publisher, &publication), !=, 0);
}

/* Process 0 has exited meanwhile; process 7 has not. */
static void
test_retained(void)
{
    Fixture fixture = {0};
    Sink late = {.may_lose = TRUE};
    const OshBusLimits limits = {.capacity = 16};

    fixture_open(&fixture, &limits);
    publish_started(&fixture, 0);
    publish_started(&fixture, 7);
    publish_exited(&fixture, 1);
    iterate();
    sink_add(&late, &fixture, "late", TRUE);
    publish_exited(&fixture, 1);
    iterate();
    g_assert_cmpuint(late.taken, ==, 2);
    g_assert_cmpuint(late.next, ==, 5);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    fixture_close(&fixture);
}

static void
test_retained_in_parts(void)
{
    Fixture fixture = {0};
    Sink slow = {.may_lose = TRUE};

    fixture_open(&fixture, NULL);
    for (guint64 process = 1; process <= 5; process++)
        publish_started(&fixture, process);
    iterate();
    sink_add(&slow, &fixture, "slow", TRUE);
    slow.takes = 2;
    publish_exited(&fixture, 1);
    while (slow.taken < 6) {
        slow.resume(slow.resume_data);
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpuint(slow.next, ==, 7);
    flush(&fixture, 3000);
    g_assert_null(fixture.flush_error);
    fixture_close(&fixture);
}

static void
test_prepared(void)
{
    Fixture fixture = {0};
    Sink sink = {.takes = G_MAXSIZE, .next = 1};
    const OshInterface interface = {"later", &sink_vtable, &sink};

    fixture_open(&fixture, NULL);
    sink.bus = fixture.bus;
    sink.id = osh_bus_prepare_sink(fixture.bus, &interface, TRUE);
    publish_exited(&fixture, 3);
    iterate();
    g_assert_cmpuint(sink.calls, ==, 0);
    g_assert_null(sink.resume);
    /* What it has not taken is backed all the same, and a flush does not wait for it. */
    g_assert_cmpuint(capacity_used(&fixture), ==, 3);
    flush(&fixture, 3000);
    g_assert_null(fixture.flush_error);
    g_assert_cmpuint(sink.flushes, ==, 0);
    osh_bus_open_sink(fixture.bus, sink.id);
    iterate();
    g_assert_nonnull(sink.resume);
    g_assert_cmpuint(sink.taken, ==, 3);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-sink/events-come-in-order-and-in-batches", test_batches);
    g_test_add_func("/bus-sink/what-it-did-not-take-comes-again-when-it-resumes", test_partial);
    g_test_add_func("/bus-sink/a-stuck-required-one-keeps-its-queue-and-stops-reservations",
                    test_stuck);
    g_test_add_func("/bus-sink/one-that-forgets-to-resume-is-asked-again", test_forgetful);
    g_test_add_func("/bus-sink/one-that-is-not-required-holds-nothing-up", test_optional);
    g_test_add_func("/bus-sink/capacity-returns-when-the-last-required-one-took-or-went", test_two);
    g_test_add_func("/bus-sink/one-may-leave-while-it-consumes", test_leaves);
    g_test_add_func("/bus-sink/a-flush-is-done-when-every-sink-has-written", test_flush);
    g_test_add_func("/bus-sink/a-flush-is-not-done-while-something-is-queued",
                    test_flush_waits_for_what_is_queued);
    g_test_add_func("/bus-sink/a-flush-tells-who-failed-to-write", test_flush_error);
    g_test_add_func("/bus-sink/a-flush-ends-at-its-deadline-when-a-sink-is-stuck",
                    test_flush_stuck);
    g_test_add_func("/bus-sink/a-flush-ends-at-its-deadline-when-a-sink-is-silent",
                    test_flush_silent);
    g_test_add_func("/bus-sink/a-flush-does-not-wait-for-a-sink-that-was-removed",
                    test_flush_removed);
    g_test_add_func("/bus-sink/one-that-comes-late-gets-what-is-retained-first", test_retained);
    g_test_add_func("/bus-sink/what-is-retained-may-be-taken-in-parts", test_retained_in_parts);
    g_test_add_func("/bus-sink/one-that-is-not-open-yet-is-kept-everything-for", test_prepared);
    return g_test_run();
}
