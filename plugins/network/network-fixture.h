/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-fixture.h: the network's parts between real sockets and a host that is faked, for tests.
 *
 * One shard, turned by hand (fake-shard.h); a policy that answers what the test has set; a bus
 * that keeps every event; a worker that works when the shard is turned. Needs the addresses of
 * tests/e2e/outer-world. When the fixture is freed it asserts that nothing is left: no connection,
 * reservation, snapshot, watch, timer, buffer or descriptor.
 */
#pragma once

#include "connection.h"
#include "fake-shard.h"
#include "listener.h"
#include "shard-part.h"

G_BEGIN_DECLS

#define OSH_FIXTURE_ADDRESS  "10.77.0.1"
#define OSH_FIXTURE_OTHER    "10.77.0.2"
#define OSH_FIXTURE_ADDRESS6 "fd77::1"
#define OSH_FIXTURE_PUBLIC   "192.31.196.7"

/** OshFixtureTopic: the fixture's #OshTopic values. */
enum {
    OSH_FIXTURE_ALLOWED = 1,
    OSH_FIXTURE_DENIED,
    OSH_FIXTURE_FAILED,
    OSH_FIXTURE_OPENED,
    OSH_FIXTURE_CLOSED,
    OSH_FIXTURE_N_TOPICS,
};

/** OshFixtureEvent: one publication. */
typedef struct {
    OshTopic topic;
    guint64 process_key;
    guint64 correlation;
    char *collapse_key;
    GVariant *payload;
} OshFixtureEvent;

/**
 * OshFixturePolicy: what decide() answers.
 * @denied: (nullable): a host that is denied whatever @action says
 * @exact: the host is declared exactly
 */
typedef struct {
    guint64 generation;
    guint32 action;
    const char *denied;
    gboolean audit;
    gboolean exact;
    guint32 tls;
    const char *protocol;
    guint64 treatment;
    OshCidr allowed[2];
    gsize n_allowed;
    gboolean recording;
} OshFixturePolicy;

/**
 * OshFixture:
 * @events: (element-type OshFixtureEvent)
 * @asked: the facts of the last decision, as "NAME=VALUE " each
 * @decisions: (element-type char*): what was recorded, as "OUTCOME LAYER"
 * @room: how many more reservations there are
 * @reservations: not yet spent or given back
 * @worker_full: refuses work
 * @worker_hangs: accepts work and does not begin it
 * @wanted: whether anybody listens to sampled topics
 * @pid: of the program that connects, where identity is required
 * @identity_hangs: nobody answers who connects
 * @metrics: by order of making
 */
typedef struct {
    OshNetwork network;
    OshNetworkShard part;
    OshHost host;
    OshFakeShard *shard;
    OshFixturePolicy policy;
    guint snapshots;
    GPtrArray *events;
    GString *asked;
    GPtrArray *decisions;
    guint room;
    guint reservations;
    guint room_callbacks;
    OshCallback on_room;
    gpointer on_room_data;
    gboolean worker_full;
    gboolean worker_hangs;
    GQueue jobs;
    gboolean wanted;
    guint warnings;
    guint faults;
    pid_t pid;
    gboolean identity_hangs;
    GQueue questions;
    gint64 metrics[3];
    guint16 port;
    guint n_descriptors;
    gboolean running;
} OshFixture;

/** osh_fixture_new: Returns: (transfer full): a network without listeners; change, then start. */
OshFixture *osh_fixture_new(void);

/** osh_fixture_start: begins to serve, with one explicit listener. */
void osh_fixture_start(OshFixture *fixture);

/** osh_fixture_stop: as at the end of a host; osh_fixture_free() does it otherwise. */
void osh_fixture_stop(OshFixture *fixture);

/** osh_fixture_free: Stops, and asserts that nothing is left. */
void osh_fixture_free(OshFixture *fixture);

/** osh_fixture_advance: lets time pass. */
void osh_fixture_advance(OshFixture *fixture, gint64 microseconds);

/** osh_fixture_turn: a turn of the shard, with what the worker had to do. */
void osh_fixture_turn(OshFixture *fixture, int milliseconds);

/** osh_fixture_settle: turns until nothing happens for some milliseconds. */
void osh_fixture_settle(OshFixture *fixture);

/** OSH_WAIT_FOR: turns until @condition holds; fails after six seconds. */
#define OSH_WAIT_FOR(fixture, condition)                                                           \
    G_STMT_START                                                                                   \
    {                                                                                              \
        gint64 osh_limit = g_get_monotonic_time() + 6 * G_TIME_SPAN_SECOND;                        \
        while (!(condition)) {                                                                     \
            if (g_get_monotonic_time() > osh_limit)                                                \
                g_error("%s:%d: never came true: %s", __FILE__, __LINE__, #condition);             \
            osh_fixture_turn(fixture, 5);                                                          \
        }                                                                                          \
    }                                                                                              \
    G_STMT_END

/** osh_fixture_answer_identity: answers every question that waits. */
void osh_fixture_answer_identity(OshFixture *fixture);

/** osh_fixture_count: Returns: how many events of @topic there were. */
guint osh_fixture_count(const OshFixture *fixture, OshTopic topic);

/** osh_fixture_last: Returns: (transfer none): the newest event of @topic; fails without one. */
const OshFixtureEvent *osh_fixture_last(const OshFixture *fixture, OshTopic topic);

/** osh_fixture_text: Returns: (transfer full): the child of @event's payload at @index as text. */
char *osh_fixture_text(const OshFixtureEvent *event, gsize index);

/** osh_fixture_serve: Returns: (transfer full): a server's listening socket on any port. */
int osh_fixture_serve(const char *address, guint16 *ret_port);

/** osh_fixture_serve_at: the same on a port that was used before. */
int osh_fixture_serve_at(const char *address, guint16 port);

/** osh_fixture_fill: Makes @server answer nobody any more: its queue is filled by connections of
 * ours. Returns: (transfer full): the connections, -1 at the end. */
int *osh_fixture_fill(const char *address, guint16 port);

/** osh_fixture_unfill: closes what osh_fixture_fill() returned. */
void osh_fixture_unfill(int *fillers);

/** osh_fixture_accept: Returns: (transfer full): the next connection of @server, non-blocking. */
int osh_fixture_accept(OshFixture *fixture, int server);

/** osh_fixture_pending: Returns: whether @server has a connection to accept. */
gboolean osh_fixture_pending(int server);

/** osh_fixture_client: Returns: (transfer full): a connection to the listener, non-blocking. */
int osh_fixture_client(OshFixture *fixture);

/** osh_fixture_send: sends all of @text at once. */
void osh_fixture_send(int fd, const char *text);

/** osh_fixture_connect: a client that has sent CONNECT @address:@port. */
int osh_fixture_connect(OshFixture *fixture, const char *address, guint16 port);

/** osh_fixture_tunnel: an open tunnel to @server. @ret_upstream: (out): the server's end. */
int osh_fixture_tunnel(OshFixture *fixture, const char *address, guint16 port, int server,
                       int *ret_upstream);

/** osh_fixture_expect: reads exactly @text from @fd. */
void osh_fixture_expect(OshFixture *fixture, int fd, const char *text);

/**
 * osh_fixture_read_all: reads to the end.
 * @ret_error: (out): 0 for an end in good order, otherwise an errno
 *
 * Returns: (transfer full): what was read, with a NUL
 */
char *osh_fixture_read_all(OshFixture *fixture, int fd, int *ret_error);

/** osh_fixture_expect_end: nothing more comes, and the end is in good order. */
void osh_fixture_expect_end(OshFixture *fixture, int fd);

/** osh_fixture_expect_reset: nothing more comes, and the end is a reset. */
void osh_fixture_expect_reset(OshFixture *fixture, int fd);

/** osh_fixture_expect_status: the answer on @fd is @status ("403"), complete, then ends in good
 * order. Closes @fd. */
void osh_fixture_expect_status(OshFixture *fixture, int fd, const char *status);

/** osh_fixture_reset: closes @fd by a reset. */
void osh_fixture_reset(int fd);

/** osh_fixture_address: Returns: @text in v4-mapped form. */
struct in6_addr osh_fixture_address(const char *text);

/** osh_fixture_first: Returns: (transfer none) (nullable): the oldest connection of @step. */
OshConnection *osh_fixture_first(const OshFixture *fixture, OshConnectionStep step);

G_END_DECLS
