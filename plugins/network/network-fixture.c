/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The faked host of the network's unit tests: bus, policy, worker, identity and metrics, each of
 * which does what the test has set and counts what it gave out. Single-threaded.
 */
#include "network-fixture.h"

#include "explicit-request.h"
#include "steps.h"
#include "synthetic-names.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    OshCallback work;
    OshCallback done;
    gpointer data;
} Job;

/* Exactly one of the functions is set. */
typedef struct {
    OshPeerFunc made;
    OshPeerOwnersFunc owners;
    gpointer data;
} Question;

static guint
count_descriptors(void)
{
    g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(folder) != NULL)
        n++;
    return n;
}

static gboolean
host_topic_wanted(gpointer handle, OshTopic topic)
{
    (void)topic;
    return ((OshFixture *)handle)->wanted;
}

static guint64
host_reserve(gpointer handle, OshTopic topic, guint64 process_key)
{
    OshFixture *fixture = handle;

    (void)process_key;
    g_assert_cmpuint(topic, ==, OSH_FIXTURE_ALLOWED);
    if (fixture->room == 0)
        return 0;
    fixture->room--;
    return ++fixture->reservations;
}

static void
host_unreserve(gpointer handle, guint64 reservation)
{
    OshFixture *fixture = handle;

    g_assert_cmpuint(reservation, !=, 0);
    g_assert_cmpuint(fixture->reservations, >, 0);
    fixture->reservations--;
    fixture->room++;
}

static void
host_on_room(gpointer handle, OshTopic topic, OshCallback callback, gpointer data)
{
    OshFixture *fixture = handle;

    g_assert_cmpuint(topic, ==, OSH_FIXTURE_ALLOWED);
    fixture->room_callbacks++;
    fixture->on_room = callback;
    fixture->on_room_data = data;
}

static guint64
host_publish(gpointer handle, const OshPublication *publication)
{
    OshFixture *fixture = handle;
    OshFixtureEvent *event = g_new0(OshFixtureEvent, 1);

    /* An allow is published on a reservation, and nothing else is. */
    g_assert_cmpint(publication->topic == OSH_FIXTURE_ALLOWED, ==, publication->reservation != 0);
    if (publication->reservation != 0) {
        g_assert_cmpuint(fixture->reservations, >, 0);
        fixture->reservations--;
    }
    event->topic = publication->topic;
    event->process_key = publication->process_key;
    event->correlation = publication->correlation;
    event->collapse_key = g_strdup(publication->collapse_key);
    event->payload = g_variant_ref_sink(publication->payload);
    g_ptr_array_add(fixture->events, event);
    return fixture->events->len;
}

static void
host_log(gpointer handle, GLogLevelFlags level, const char *message)
{
    OshFixture *fixture = handle;

    fixture->warnings += level == G_LOG_LEVEL_WARNING;
    g_test_message("log: %s", message);
}

static void
host_fault(gpointer handle, OshFaultSeverity severity, const GError *error)
{
    OshFixture *fixture = handle;

    (void)error;
    fixture->faults += severity == OSH_FAULT_FATAL;
}

static void
event_free(gpointer data)
{
    OshFixtureEvent *event = data;

    g_variant_unref(event->payload);
    g_free(event->collapse_key);
    g_free(event);
}

static OshPolicySnapshot *
policy_current(gpointer instance)
{
    OshFixture *fixture = instance;

    fixture->snapshots++;
    return (OshPolicySnapshot *)instance;
}

static void
policy_release(gpointer instance, OshPolicySnapshot *snapshot)
{
    OshFixture *fixture = instance;

    g_assert_true((gpointer)snapshot == instance);
    g_assert_cmpuint(fixture->snapshots, >, 0);
    fixture->snapshots--;
}

static guint64
policy_generation(gpointer instance)
{
    return ((OshFixture *)instance)->policy.generation;
}

static gboolean
facts_are_denied(const OshFixturePolicy *policy, const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++) {
        const OshFact *fact = &facts->facts[i];

        if (policy->denied != NULL && g_strcmp0(fact->name, OSH_FACT_NETWORK_HOST) == 0)
            return fact->value.string.length == strlen(policy->denied) &&
                   memcmp(fact->value.string.data, policy->denied, fact->value.string.length) == 0;
    }
    return FALSE;
}

static void
append_fact(GString *text, const OshFact *fact)
{
    g_string_append_printf(text, "%s=", fact->name);
    if (fact->type == OSH_FACT_STRING)
        g_string_append_len(text, fact->value.string.data, (gssize)fact->value.string.length);
    else if (fact->type == OSH_FACT_INTEGER)
        g_string_append_printf(text, "%" G_GINT64_FORMAT, fact->value.integer);
    else
        for (guint i = 0; i < fact->count; i++)
            g_string_append_printf(text, "%.*s;", (int)fact->value.strings[i].length,
                                   fact->value.strings[i].data);
    g_string_append_c(text, ' ');
}

static void
policy_decide(gpointer instance, const OshPolicySnapshot *snapshot, const OshFacts *facts,
              OshVerdict *verdict)
{
    OshFixture *fixture = instance;
    const OshFixturePolicy *policy = &fixture->policy;

    (void)snapshot;
    g_assert_cmpuint(fixture->snapshots, >, 0);
    g_string_truncate(fixture->asked, 0);
    for (gsize i = 0; i < facts->n_facts; i++)
        append_fact(fixture->asked, &facts->facts[i]);
    *verdict = (OshVerdict)OSH_VERDICT_INIT;
    verdict->action = facts_are_denied(policy, facts) ? OSH_ACTION_DENY : policy->action;
    verdict->generation = policy->generation;
    verdict->policy = "web";
    verdict->rule = "the rule";
    verdict->audit = policy->audit;
    verdict->exact_declared_host = policy->exact;
    verdict->tls = policy->tls;
    verdict->protocol = policy->protocol;
    verdict->treatment = policy->treatment;
    verdict->allowed_addresses = policy->allowed;
    verdict->n_allowed_addresses = policy->n_allowed;
    if (verdict->action != OSH_ACTION_ALLOW) {
        verdict->reason = g_strdup("the test denies it");
        verdict->hint = g_strdup("a hint");
    }
}

static gboolean
policy_name_is_known(gpointer instance, const OshPolicySnapshot *snapshot, const char *host)
{
    (void)instance;
    (void)snapshot;
    return g_str_has_suffix(host, ".test");
}

static gboolean
policy_is_recording(gpointer instance)
{
    return ((OshFixture *)instance)->policy.recording;
}

static void
policy_record(gpointer instance, const OshDecision *decision)
{
    OshFixture *fixture = instance;

    g_ptr_array_add(fixture->decisions,
                    g_strdup_printf("%u %s", decision->outcome, decision->layer));
}

static const OshPolicyInterface policy_vtable = {
    .struct_size = sizeof(OshPolicyInterface),
    .current = policy_current,
    .release = policy_release,
    .generation = policy_generation,
    .decide = policy_decide,
    .name_is_known = policy_name_is_known,
    .is_recording = policy_is_recording,
    .record = policy_record,
};

static gboolean
worker_submit(gpointer instance, OshCallback work, OshCallback done, gpointer data)
{
    OshFixture *fixture = instance;
    Job *job;

    if (fixture->worker_full)
        return FALSE;
    job = g_new0(Job, 1);
    *job = (Job){work, done, data};
    g_queue_push_tail(&fixture->jobs, job);
    return TRUE;
}

static const OshWorkerInterface worker_vtable = {sizeof(OshWorkerInterface), worker_submit};

static void
identity_answer(OshFixture *fixture, const Question *question)
{
    static const OshSpan ancestors[] = {{"/bin/sh", 7}, {"/sbin/init", 10}};
    static const OshSpan cmdline[] = {{"/usr/bin/script", 15}};
    OshPeer peer = {
        .struct_size = sizeof peer,
        .pid = fixture->pid,
        .start_time = 1,
        .read_at = osh_shard_now(&fixture->network.shard),
        .binary = OSH_SPAN_LITERAL("/usr/bin/client"),
        .binary_sha256 = OSH_SPAN_LITERAL("00ff"),
        .ancestors = ancestors,
        .n_ancestors = G_N_ELEMENTS(ancestors),
        .cmdline = cmdline,
        .n_cmdline = G_N_ELEMENTS(cmdline),
        .basis = OSH_PEER_BASIS_CONNECT,
    };

    if (question->made != NULL)
        question->made(&peer, NULL, question->data);
    else
        question->owners(OSH_PEER_OWNERS_ONE, &peer, NULL, question->data);
}

static void
identity_ask(OshFixture *fixture, Question question)
{
    if (fixture->identity_hangs)
        g_queue_push_tail(&fixture->questions, g_memdup2(&question, sizeof question));
    else
        identity_answer(fixture, &question);
}

static void
identity_lookup(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
                gpointer data)
{
    (void)tuple;
    (void)deadline;
    identity_ask(instance, (Question){done, NULL, data});
}

static void
identity_owners(gpointer instance, const OshPeerTuple *tuple, gint64 deadline,
                OshPeerOwnersFunc done, gpointer data)
{
    (void)tuple;
    (void)deadline;
    identity_ask(instance, (Question){NULL, done, data});
}

static const OshPeerIdentityInterface identity_vtable = {sizeof(OshPeerIdentityInterface),
                                                         identity_lookup, identity_owners};

void
osh_fixture_answer_identity(OshFixture *fixture)
{
    while (fixture->questions.length > 0) {
        g_autofree Question *question = g_queue_pop_head(&fixture->questions);

        identity_answer(fixture, question);
    }
}

static void
metrics_add(gpointer instance, OshMetric *metric, gint64 amount)
{
    OshFixture *fixture = instance;

    fixture->metrics[(gint64 *)(gpointer)metric - fixture->metrics] += amount;
}

static const OshMetricsInterface metrics_vtable = {.struct_size = sizeof(OshMetricsInterface),
                                                   .add = metrics_add};

static void
fixture_make_host(OshFixture *fixture)
{
    fixture->host = (OshHost){
        .struct_size = sizeof(OshHost),
        .abi_major = 1,
        .version = "test",
        .plugin_id = "network",
        .handle = fixture,
        .topic_wanted = host_topic_wanted,
        .reserve = host_reserve,
        .unreserve = host_unreserve,
        .on_room = host_on_room,
        .publish = host_publish,
        .log = host_log,
        .fault = host_fault,
    };
}

OshFixture *
osh_fixture_new(void)
{
    OshFixture *fixture = g_new0(OshFixture, 1);
    OshNetwork *network = &fixture->network;

    fixture->n_descriptors = count_descriptors();
    fixture->shard = osh_fake_shard_new();
    fixture->events = g_ptr_array_new_with_free_func(event_free);
    fixture->asked = g_string_new(NULL);
    fixture->decisions = g_ptr_array_new_with_free_func(g_free);
    fixture->policy =
        (OshFixturePolicy){.generation = 1, .action = OSH_ACTION_ALLOW, .exact = TRUE};
    fixture->room = 1000;
    fixture->wanted = TRUE;
    fixture->pid = 42;
    fixture_make_host(fixture);
    network->host = &fixture->host;
    network->steps = osh_connection_steps;
    network->shard = osh_fake_shard_interface(fixture->shard);
    network->policy = (OshInterface){"test", &policy_vtable, fixture};
    network->worker = (OshInterface){"test", &worker_vtable, fixture};
    network->metrics = (OshInterface){"test", &metrics_vtable, fixture};
    network->peer_identity = (OshInterface){"test", &identity_vtable, fixture};
    network->open_connections = (OshMetric *)(gpointer)&fixture->metrics[0];
    network->bytes_up = (OshMetric *)(gpointer)&fixture->metrics[1];
    network->bytes_down = (OshMetric *)(gpointer)&fixture->metrics[2];
    network->allowed = OSH_FIXTURE_ALLOWED;
    network->denied = OSH_FIXTURE_DENIED;
    network->failed = OSH_FIXTURE_FAILED;
    network->opened = OSH_FIXTURE_OPENED;
    network->closed = OSH_FIXTURE_CLOSED;
    network->config = (OshNetworkConfig){
        .connect_timeout = 20 * G_TIME_SPAN_SECOND,
        .head_timeout = 10 * G_TIME_SPAN_SECOND,
        .max_connections = 1000,
        .max_connections_per_process = 100,
    };
    osh_peer_table_init(&network->peers);
    network->names = osh_synthetic_names_new(100, 100);
    network->listeners = g_ptr_array_new_with_free_func((GDestroyNotify)osh_listener_free);
    network->n_shards = 1;
    network->shards = &fixture->part;
    return fixture;
}

void
osh_fixture_start(OshFixture *fixture)
{
    int fd = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &fixture->port);
    struct in6_addr address = osh_fixture_address(OSH_FIXTURE_ADDRESS);

    g_ptr_array_add(fixture->network.listeners,
                    osh_listener_new(&fixture->network, fd, &osh_transport_connect,
                                     OSH_ORIGINAL_DESTINATION_NONE, &address, fixture->port));
    osh_shard_part_init(&fixture->part, &fixture->network, 0);
    osh_shard_part_begin(&fixture->part);
    fixture->running = TRUE;
}

/* Work that was accepted ends, whatever has become of who wanted it. */
static guint
fixture_work(OshFixture *fixture)
{
    guint n = fixture->jobs.length;

    for (guint i = 0; i < n; i++) {
        g_autofree Job *job = g_queue_pop_head(&fixture->jobs);

        job->work(job->data);
        job->done(job->data);
    }
    return n;
}

static guint
fixture_turn(OshFixture *fixture, int milliseconds)
{
    guint called = fixture->worker_hangs ? 0 : fixture_work(fixture);

    return called + osh_fake_shard_turn(fixture->shard, called > 0 ? 0 : milliseconds);
}

void
osh_fixture_turn(OshFixture *fixture, int milliseconds)
{
    fixture_turn(fixture, milliseconds);
}

void
osh_fixture_settle(OshFixture *fixture)
{
    for (guint quiet = 0; quiet < 3;)
        quiet = fixture_turn(fixture, 3) == 0 ? quiet + 1 : 0;
}

void
osh_fixture_advance(OshFixture *fixture, gint64 microseconds)
{
    osh_fake_shard_advance(fixture->shard, microseconds);
    osh_fixture_settle(fixture);
}

void
osh_fixture_stop(OshFixture *fixture)
{
    if (!fixture->running)
        return;
    fixture->running = FALSE;
    osh_shard_part_end(&fixture->part);
}

static void
fixture_clear_network(OshNetwork *network)
{
    g_assert_cmpint(network->n_connections, ==, 0);
    g_ptr_array_unref(network->listeners);
    osh_peer_table_clear(&network->peers);
    osh_synthetic_names_free(network->names);
}

void
osh_fixture_free(OshFixture *fixture)
{
    gboolean started = fixture->part.network != NULL;

    osh_fixture_stop(fixture);
    fixture_work(fixture);
    osh_fixture_answer_identity(fixture);
    osh_fake_shard_turn(fixture->shard, 0);
    if (started)
        osh_shard_part_clear(&fixture->part);
    fixture_clear_network(&fixture->network);
    g_assert_cmpuint(fixture->snapshots, ==, 0);
    g_assert_cmpuint(fixture->reservations, ==, 0);
    g_assert_cmpint(fixture->metrics[0], ==, 0);
    osh_fake_shard_free(fixture->shard);
    g_ptr_array_unref(fixture->events);
    g_ptr_array_unref(fixture->decisions);
    g_string_free(fixture->asked, TRUE);
    g_assert_cmpuint(count_descriptors(), ==, fixture->n_descriptors);
    g_free(fixture);
}

guint
osh_fixture_count(const OshFixture *fixture, OshTopic topic)
{
    guint n = 0;

    for (guint i = 0; i < fixture->events->len; i++)
        n += ((const OshFixtureEvent *)fixture->events->pdata[i])->topic == topic;
    return n;
}

const OshFixtureEvent *
osh_fixture_last(const OshFixture *fixture, OshTopic topic)
{
    for (guint i = fixture->events->len; i-- > 0;) {
        const OshFixtureEvent *event = fixture->events->pdata[i];

        if (event->topic == topic)
            return event;
    }
    g_error("there was no event of topic %u", topic);
}

char *
osh_fixture_text(const OshFixtureEvent *event, gsize index)
{
    g_autoptr(GVariant) child = g_variant_get_child_value(event->payload, index);

    if (g_variant_is_of_type(child, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(child, NULL);
    return g_variant_print(child, FALSE);
}

OshConnection *
osh_fixture_first(const OshFixture *fixture, OshConnectionStep step)
{
    return fixture->part.steps[step].first;
}
