/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h: the one instance of the network plugin, and its part on each shard.
 *
 * A network is made and destroyed on [main] and read by every shard. What changes after start
 * belongs to one shard, is atomic, or has a lock of its own (the identity scanner, the names).
 */
#pragma once

#include <openshell/ext/draft/sandbox-net.h>
#include <openshell/ext/metrics.h>
#include <openshell/ext/policy.h>
#include <openshell/ext/shard.h>
#include <openshell/ext/worker.h>
#include <openshell/host.h>

#include <pthread.h>

#include "osh-buffer.h"
#include "osh-identity.h"
#include "osh-l7-declaration.h"

G_BEGIN_DECLS

/** OSH_NETWORK_HEAD_SIZE: a longer request head is answered with 431. */
#define OSH_NETWORK_HEAD_SIZE 8192
/** OSH_NETWORK_SCRATCH_SIZE: what one read of a relay takes at most. */
#define OSH_NETWORK_SCRATCH_SIZE 65536
/** OSH_NETWORK_MAX_LISTENERS: configured and sandbox listeners together. */
#define OSH_NETWORK_MAX_LISTENERS 32

typedef struct _OshNetwork OshNetwork;
typedef struct _OshNetworkShard OshNetworkShard;
typedef struct _OshConnection OshConnection;
typedef struct _OshListener OshListener;
typedef struct _OshPipePool OshPipePool;

typedef struct _OshDrain OshDrain;
typedef struct _OshStep OshStep;
typedef struct _OshSyntheticNames OshSyntheticNames;

/**
 * OshConnectionStep: where a connection stands, by row of the table of steps (steps.c). Each step
 * has a list of the connections that wait in it, in the order in which they began to, so that one
 * look at its head finds those whose time is over.
 */
typedef enum {
    OSH_STEP_CAPTURED,
    OSH_STEP_HEAD,
    OSH_STEP_REVOCATION,
    OSH_STEP_IDENTIFY,
    OSH_STEP_DECIDE,
    OSH_STEP_RESOLVE,
    OSH_STEP_PERMIT,
    OSH_STEP_DIAL,
    OSH_STEP_VERIFY,
    OSH_STEP_OPEN,
    OSH_STEP_FORWARD,
    OSH_STEP_FIRST_BYTES,
    OSH_STEP_SECOND_HELLO,
    OSH_STEP_TLS_UPSTREAM,
    OSH_STEP_TLS_CLIENT,
    OSH_STEP_INSPECT,
    OSH_STEP_TUNNEL,
    OSH_STEP_ANSWER,
    OSH_STEP_LINGER,
    OSH_N_STEPS,
} OshConnectionStep;

/**
 * OshNetworkConfig:
 * @listen: (array zero-terminated=1): ADDRESS:PORT of listeners for use without a box
 * @identity_required: decide by binary; FALSE is the configured value "relaxed"
 * @identity_root: (nullable): a pid or the path of a cgroup whose processes are the workload
 * @connect_timeout: microseconds for all addresses of a destination together
 * @head_timeout: microseconds for a whole request head
 * @idle_timeout: microseconds without a byte after which a tunnel is closed; 0 is never
 * @middleware_timeout: microseconds for one middleware
 * @max_connections: open at once
 * @max_connections_per_process: of one process
 * @upstream_ca: (nullable): PEM file of authorities beside the system's
 * @authority_certificate: (nullable): PEM file of the authority by which connections are
 * intercepted; without it the run makes one of its own
 * @authority_key: (nullable): PEM file of its key
 * @authority_folder: (nullable): where the authority's certificate is written to
 * @client_certificate: (nullable): PEM file of what servers get that ask for a certificate
 * @client_key: (nullable): PEM file of its key
 * @client_certificate_hosts: (array zero-terminated=1): of which servers
 * @java: have Java trust the run's authority
 * @tls_always: make the authority although the policy looks into nothing
 */
typedef struct {
    char **listen;
    gboolean identity_required;
    char *identity_root;
    gint64 connect_timeout;
    gint64 head_timeout;
    gint64 idle_timeout;
    gint64 middleware_timeout;
    guint max_connections;
    guint max_connections_per_process;
    char *upstream_ca;
    char *authority_certificate;
    char *authority_key;
    char *authority_folder;
    char *client_certificate;
    char *client_key;
    char **client_certificate_hosts;
    gboolean java;
    gboolean tls_always;
} OshNetworkConfig;

/**
 * OshVirtualHost: a name that a plugin answers. Constant after start.
 * @name: lower-case
 * @plugin: its openshell.draft.virtual-host/1
 * @reads_allowed: GET needs no entry in the policy
 */
typedef struct {
    char *name;
    OshInterface plugin;
    gboolean reads_allowed;
} OshVirtualHost;

/**
 * OshConnectionList: an intrusive list, oldest first.
 */
typedef struct {
    OshConnection *first;
    OshConnection *last;
    guint length;
} OshConnectionList;

/**
 * OshCapacity: what may wait until the bus takes its event.
 * @OSH_CAPACITY_CONNECTION: a connection, in %OSH_STEP_PERMIT
 * @OSH_CAPACITY_MESSAGE: a message, in %OSH_STEP_INSPECT
 */
typedef enum {
    OSH_CAPACITY_CONNECTION,
    OSH_CAPACITY_MESSAGE,
    OSH_N_CAPACITIES,
} OshCapacity;

/**
 * OshCapacityWait: the connections of one shard whose event the bus does not take.
 * @is_asked: the bus is asked to say when it takes events again
 */
typedef struct {
    OshNetworkShard *shard;
    OshCapacity capacity;
    gboolean is_asked;
} OshCapacityWait;

/**
 * OshNetworkShard: what one shard keeps. [shard], except that [main] makes and frees it.
 * @looks: connections whose owners are looked at together when @look fires, at @look_at
 * @answers: (nullable): when the oldest refused client that has said nothing sees a reset
 * @again: connections that used up their turn and go on after the others had theirs
 * @waits: by #OshCapacity
 * @open_middlewares: answers of middlewares that are due
 * @redecided: generation by which all open connections were decided
 * @redecide_posted: the next slice of deciding them again is under way
 * @drain: (nullable): the end of the run, while connections are waited for
 */
struct _OshNetworkShard {
    OshNetwork *network;
    guint index;
    OshPolicySnapshot *snapshot;
    guint64 generation;
    OshBufferPool *heads;
    OshBufferPool *windows;
    OshPipePool *pipes;
    guint8 *scratch;
    OshConnectionList steps[OSH_N_STEPS];
    GPtrArray *looks;
    OshShardTimer *look;
    gint64 look_at;
    OshShardTimer *answers;
    GPtrArray *again;
    gboolean again_posted;
    OshCapacityWait waits[OSH_N_CAPACITIES];
    guint open_middlewares;
    guint64 redecided;
    gboolean redecide_posted;
    gboolean stopping;
    OshShardTimer *tick;
    OshDrain *drain;
    gint64 last_sweep;
    guint64 last_id;
};

/**
 * OshPeerTable: programs that another half of the supervisor has named, one for each process, so
 * that the connections of a process are counted together.
 */
typedef struct {
    GMutex mutex;
    GHashTable *peers; /* process key -> OshPeerIdentity */
} OshPeerTable;

/**
 * OshNoticed: of which program was what noticed, so that it is said once.
 * @said: kinds and programs; never more than %OSH_NOTICED_MAX
 */
typedef struct {
    pthread_mutex_t mutex;
    GHashTable *said;
} OshNoticed;

/**
 * OshNetworkProtocol: a value of `protocol:` in the policy.
 * @interface: of the plugin that speaks it
 * @declaration: (nullable): what the plugin's manifest says of it
 * @alpn: (array zero-terminated=1): its ALPN names (RFC 7301), the preferred one first; none where
 *   it does not use ALPN
 * @is_http: its messages are carried by HTTP, so that a client understands a status
 */
typedef struct {
    OshInterface interface;
    OshL7Declaration *declaration;
    char **alpn;
    gboolean is_http;
} OshNetworkProtocol;

/**
 * OshNetwork:
 * @steps: (array length=OSH_N_STEPS): what a connection goes through
 * @interceptor: (nullable): where this run has a certificate authority
 * @protocols: (nullable): value of `protocol:` to its #OshNetworkProtocol
 * @providers: (nullable): the other plugins that inspected connections are served with
 * @virtual_hosts: (nullable): name to #OshVirtualHost
 * @noticed: what programs were noticed for; [any]
 * @n_connections: atomic; open connections on all shards
 * @names: what the box's resolver handed out; [any]
 * @dns: (nullable): the box's resolver
 * @has_box: sandbox-net gave listeners, so the workload is the box's processes
 * @peer_identity: provider all zeros where we look ourselves
 * @peers: who peer_identity told us of; empty where we look ourselves
 */
struct _OshNetwork {
    const OshHost *host;
    const OshStep *steps;
    OshNetworkConfig config;
    OshInterface policy;
    OshInterface shard;
    OshInterface worker;
    OshInterface metrics;
    OshInterface sandbox_net;
    gboolean has_box;
    OshTopic allowed;
    OshTopic denied;
    OshTopic failed;
    OshTopic opened;
    OshTopic closed;
    OshTopic notice;
    OshTopic l7_allowed;
    OshTopic l7_denied;
    OshTopic l7_response;
    GHashTable *protocols;
    GHashTable *virtual_hosts;
    struct _OshProviders *providers;
    const struct _OshInterceptor *interceptor;
    OshNoticed noticed;
    OshMetric *open_connections;
    OshMetric *bytes_up;
    OshMetric *bytes_down;
    OshInterface peer_identity;
    OshPeerTable peers;
    OshImageTable *images; /* (nullable): of @scanner */
    OshIdentityScanner *scanner;
    OshSyntheticNames *names;
    struct _OshDnsListener *dns;
    GPtrArray *listeners;
    guint n_shards;
    OshNetworkShard *shards;
    gint n_connections;
};

/** osh_network_log: [any] one formatted line through the host. */
void osh_network_log(const OshNetwork *network, GLogLevelFlags level, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

G_END_DECLS
