/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-private.h: what the files of the bus share. Nothing else includes it.
 *
 * Members are marked with who may touch them: [main] the bus's main thread; [producer] the thread
 * that owns a queue; "lock" the mutex named at the member; unmarked ones are set before the object
 * is shared and never change.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "bus.h"

G_BEGIN_DECLS

#define OSH_BUS_BATCH      256
#define OSH_BUS_MAX_TOPICS 1024
#define OSH_BUS_SECOND     G_USEC_PER_SEC

typedef struct _OshBusTopic OshBusTopic;
typedef struct _OshBusAccount OshBusAccount;
typedef struct _OshBusNode OshBusNode;
typedef struct _OshBusQueue OshBusQueue;
typedef struct _OshBusHeld OshBusHeld;
typedef struct _OshBusSink OshBusSink;
typedef struct _OshBusSubscription OshBusSubscription;
typedef struct _OshBusReservation OshBusReservation;
typedef struct _OshBusFlush OshBusFlush;

/* A topic that was declared; lives as long as the bus. */
struct _OshBusTopic {
    OshTopic id;
    char *name;
    GQuark quark;
    OshEventClass event_class;
    gboolean retained;
    OshBusTopic *ends;
    /* A value of the type is kept alive: GLib then has one type record for all payloads, so that
     * types compare by address and are never parsed again. */
    GVariant *live;
    const GVariantType *type;

    GPtrArray *subscriptions; /* [main] OshBusSubscription that match */
    GHashTable *values;       /* [main] retained: GVariant key to OshBusNode */
    _Atomic guint wanted;     /* how many subscriptions match */

    _Atomic guint64 dropped; /* not announced yet */
    _Atomic guint64 first_dropped;

    OshBusHeld *overflow; /* capacity_lock: preallocated, for denials when all cells are taken */
};

/* What capacity is used for. Each kind has bounds of its own, see bus-capacity.c. */
typedef enum {
    OSH_BUS_CHARGE_NONE = 0,
    OSH_BUS_CHARGE_RESERVED = 1,
    OSH_BUS_CHARGE_DENIAL = 2,
    OSH_BUS_CHARGE_OTHER = 3,
} OshBusCharge;
#define OSH_BUS_CHARGES 4

/* What one process uses; capacity_lock. Lives while something is in use or its second runs. */
struct _OshBusAccount {
    guint64 process_key;
    guint used[OSH_BUS_CHARGES];
    guint held;      /* windows and cells */
    gint64 second;   /* when the second began in which... */
    guint in_second; /* ...so many denials went out singly */
};

struct _OshBusPublisher {
    OshBus *bus;
    char *plugin_id;
    guint32 topics[OSH_BUS_MAX_TOPICS / 32]; /* bit per OshTopic */

    OshBusAccount own;             /* capacity_lock: of process key 0 */
    guint used;                    /* capacity_lock: of the capacity, for whatever purpose */
    guint64 refused;               /* capacity_lock: not announced yet */
    const char *refused_why;       /* capacity_lock: constant text */
    const OshBusTopic *refused_on; /* capacity_lock: (nullable) */
};

/* An event on its way. */
struct _OshBusNode {
    OshEvent event;
    OshBusNode *next;
    OshBusTopic *topic;
    OshBusPublisher *publisher;
    OshBusQueue *home; /* where its memory goes back to */
    OshBusAccount *account;
    OshBusCharge charge;
    guint references; /* [main] */
    guint holders;    /* [main] required sinks that have not taken it */
};

typedef struct {
    OshBusNode *head;
    OshBusNode *tail;
} OshBusNodeList;

/* What one thread published. */
struct _OshBusQueue {
    OshBus *bus;
    OshBusNode *spare;    /* [producer] */
    guint64 failed_epoch; /* [producer] the capacity's epoch when a reservation last failed */
    OshBusNodeList mine;  /* [main] lossless and denial, taken over */
    OshBusNodeList mine_sampled; /* [main] */
    OshBusNode *used;            /* [main] delivered, to be returned */

    pthread_mutex_t lock;
    OshBusNodeList kept;    /* lock: lossless and denial */
    OshBusNodeList sampled; /* lock */
    guint n_kept;           /* lock: in kept */
    guint n_sampled;        /* lock: in sampled */
    OshBusNode *returned;   /* lock */
};

/* A denial that is counted: a window (equal ones within a second, the first of which went out) or
 * a cell (whatever one process was denied while there was no capacity). All under capacity_lock. */
struct _OshBusHeld {
    OshBusTopic *topic;
    OshBusPublisher *publisher;
    OshBusAccount *account;
    guint64 process_key;
    char *collapse_key; /* (nullable): NULL makes it a cell */
    guint64 id;
    guint64 correlation;
    gint64 time;
    gint64 due;
    guint count;
    GVariant *payload;
    gboolean overdue; /* stands in held_overdue instead of held */
    gboolean is_cell;
    gboolean is_overflow;
    OshBusHeld *next;
    OshBusHeld *previous;
};

typedef struct {
    OshBusHeld *head;
    OshBusHeld *tail;
} OshBusHeldList;

struct _OshBusReservation {
    OshBusPublisher *publisher; /* NULL while free */
    OshBusTopic *topic;
    OshBusAccount *account;
    guint32 generation;
    guint32 next_free;
};

struct _OshBus {
    GObject parent_instance;

    GMainContext *context;
    GThread *main_thread;
    GSource *source;
    int wake_fd;
    OshBusLimits limits;
    _Atomic guint pending;    /* there is something to do; 0 to 1 wakes */
    _Atomic gboolean napping; /* the queues are looked at by nap_until anyway */
    gint64 nap_until;         /* [main] */
    OshShardPool *shards;

    OshBusTopic *topics[OSH_BUS_MAX_TOPICS]; /* [main] beyond what a publisher may publish */
    guint n_topics;                          /* [main] */
    GPtrArray *publishers;                   /* [main] */
    OshBusPublisher *self;                   /* for what the bus itself announces */

    _Atomic guint64 last_id;
    guint64 sequence;   /* [main] */
    gint64 real_offset; /* [main] real minus monotonic time */
    _Atomic guint64 delivered;
    _Atomic guint64 collapsed;
    _Atomic guint64 dropped;
    _Atomic guint64 refused;

    pthread_key_t queue_key;
    pthread_mutex_t queues_lock;
    GPtrArray *queues;       /* queues_lock: all of them */
    GPtrArray *queues_idle;  /* queues_lock: those whose thread has ended */
    _Atomic guint n_queues;  /* length of queues */
    GPtrArray *queues_known; /* [main] copy of queues */

    pthread_mutex_t invoke_lock;
    GArray *invocations; /* invoke_lock */

    GPtrArray *subscriptions;  /* [main] */
    guint64 last_subscription; /* [main] */
    GQueue replays;            /* [main] retained values on their way to late subscribers */
    gboolean dispatching;      /* [main] */
    gboolean have_ended;       /* [main] ended subscriptions to sweep */

    pthread_mutex_t capacity_lock;
    guint capacity_used;             /* capacity_lock */
    guint64 capacity_epoch;          /* capacity_lock: raised whenever capacity was given back */
    guint sinks_stuck;               /* capacity_lock: required ones */
    OshBusReservation *reservations; /* capacity_lock: one for each unit of capacity */
    guint32 free_reservation;     /* capacity_lock: index plus 1; 0: take one that was never used */
    guint32 reservations_touched; /* capacity_lock: used at least once */
    GHashTable *accounts;         /* capacity_lock: process key to OshBusAccount */
    OshBusAccount crowd;          /* capacity_lock: when there are too many */
    GArray *waiters;              /* capacity_lock */
    GArray *waiters_ready;        /* capacity_lock */
    gint64 accounts_swept;        /* [main] */

    GHashTable *held_index;      /* capacity_lock: OshBusHeld by what they hold */
    OshBusHeldList held;         /* capacity_lock: in order of due */
    OshBusHeldList held_overdue; /* capacity_lock: due, waiting for capacity */
    guint n_windows;             /* capacity_lock */
    OshBusHeld *cells;           /* preallocated */
    OshBusHeld *free_cells;      /* capacity_lock */
    guint64 overdue_epoch;       /* capacity_lock: of the last attempt */

    _Atomic gboolean announce; /* something was dropped or refused */
    gint64 announce_after;     /* [main] */

    GPtrArray *sinks;         /* [main] OshBusSink */
    GPtrArray *sinks_removed; /* [main] kept, because they may still resume */
    _Atomic guint n_sinks;
    guint64 last_sink;  /* [main] */
    OshBusFlush *flush; /* [main] (nullable) */
    guint64 last_flush; /* [main] */
};

/* bus.c */
guint osh_bus_signal(void);

/* bus-wake.c */
void osh_bus_wake(OshBus *bus);
void osh_bus_wake_for(OshBus *bus, const OshBusTopic *topic, gboolean crowded);
void osh_bus_nap(OshBus *bus, gint64 now, gboolean busy);
gint64 osh_bus_nap_next(const OshBus *bus);
gboolean osh_bus_on_main(OshBus *bus);

/* bus-invoke.c */
void osh_bus_invocations_init(OshBus *bus);
void osh_bus_invocations_clear(OshBus *bus);
gboolean osh_bus_run_invocations(OshBus *bus);

/* bus-topic.c */
gboolean osh_bus_declare_own_topics(OshBus *bus, GError **error);
OshBusTopic *osh_bus_publisher_topic(OshBusPublisher *publisher, OshTopic topic);
OshBusTopic *osh_bus_find_topic(OshBus *bus, const char *name);
void osh_bus_topic_free(OshBusTopic *topic);
void osh_bus_publisher_free(OshBusPublisher *publisher);

/* bus-queue.c */
OshBusQueue *osh_bus_queue_current(OshBus *bus);
void osh_bus_queue_thread_ended(gpointer data);
void osh_bus_queue_push(OshBusQueue *queue, OshBusNode *node);
void osh_bus_queue_refill(OshBusQueue *queue);
/* Of what a refill has brought; G_MAXUINT64 for nothing. */
guint64 osh_bus_queue_first(const OshBusQueue *queue);
OshBusNode *osh_bus_queue_pop(OshBusQueue *queue);
void osh_bus_queue_free(OshBusQueue *queue);

/* bus-node.c */
OshBusNode *osh_bus_node_new(OshBusQueue *queue);
void osh_bus_fill_node(OshBusNode *node, OshBusPublisher *publisher, OshBusTopic *topic,
                       const OshPublication *publication, GVariant *payload, guint64 id,
                       gint64 now);
void osh_bus_node_ref(OshBusNode *node);
void osh_bus_node_unref(OshBusNode *node);

/* bus-capacity.c; the functions named locked, here and below, are called with capacity_lock held */
void osh_bus_capacity_init(OshBus *bus);
void osh_bus_capacity_clear(OshBus *bus);
OshBusAccount *osh_bus_account_locked(OshBusPublisher *publisher, guint64 process_key);
gboolean osh_bus_capacity_take_locked(OshBusPublisher *publisher, OshBusAccount *account,
                                      OshBusCharge charge);
void osh_bus_capacity_give_locked(OshBusPublisher *publisher, OshBusAccount *account,
                                  OshBusCharge charge);
void osh_bus_capacity_changed_locked(OshBus *bus);
void osh_bus_account_settle_locked(OshBus *bus, OshBusAccount *account);
void osh_bus_capacity_sweep_accounts(OshBus *bus, gint64 now);
void osh_bus_node_give_capacity(OshBusNode *node);

/* bus-reservation.c */
void osh_bus_reservations_open(OshBus *bus);
void osh_bus_reservations_clear(OshBus *bus);
gboolean osh_bus_reservation_spend_locked(OshBusPublisher *publisher, guint64 reservation,
                                          OshBusTopic **ret_topic, OshBusAccount **ret_account);

/* bus-waiter.c */
void osh_bus_waiters_init(OshBus *bus);
void osh_bus_waiters_clear(OshBus *bus);
void osh_bus_waiters_release_locked(OshBus *bus);
gboolean osh_bus_run_waiters(OshBus *bus);

/* bus-collapse.c */
void osh_bus_held_init(OshBus *bus);
void osh_bus_held_clear(OshBus *bus);
OshBusHeld *osh_bus_overflow_new(void);
void osh_bus_overflow_free(OshBusHeld *held);
guint64 osh_bus_publish_denial(OshBusPublisher *publisher, OshBusTopic *topic,
                               const OshPublication *publication, GVariant *payload);
void osh_bus_held_send(OshBus *bus, gint64 now, gboolean all);
gint64 osh_bus_held_next(OshBus *bus);

/* bus-publish.c */
guint64 osh_bus_next_id(OshBus *bus);

/* bus-loss.c */
guint64 osh_bus_refuse(OshBusPublisher *publisher, const OshBusTopic *topic, const char *why);
void osh_bus_count_dropped(OshBus *bus, OshBusTopic *topic, guint64 id, guint count);
void osh_bus_mark_announce(OshBus *bus);

/* bus-announce.c */
void osh_bus_announce(OshBus *bus, gint64 now);

/* bus-deliver.c */
void osh_bus_deliver(OshBus *bus, OshBusNode *node);

/* bus-retained.c; the nodes are owned, in the order of their sequence */
typedef gboolean (*OshBusTopicFilter)(const OshBusTopic *topic, gconstpointer data);
void osh_bus_retain(OshBus *bus, OshBusNode *node);
GPtrArray *osh_bus_retained(OshBus *bus, OshBusTopicFilter is_wanted, gconstpointer data);

/* bus-subscription.c */
void osh_bus_topic_match(OshBus *bus, OshBusTopic *topic);
void osh_bus_subscriptions_call(const OshBusTopic *topic, const OshEvent *event);
void osh_bus_replay(OshBus *bus);
void osh_bus_subscriptions_sweep(OshBus *bus);
void osh_bus_subscriptions_clear(OshBus *bus);

/* bus-sink.c */
void osh_bus_sinks_push(OshBus *bus, OshBusNode *node);
gboolean osh_bus_sinks_pump(OshBus *bus, gint64 now);
gint64 osh_bus_sinks_next(OshBus *bus);
void osh_bus_sink_free(gpointer data);
guint64 osh_bus_sink_first_sequence(const OshBusSink *sink);
guint osh_bus_sink_length(const OshBusSink *sink);
guint64 osh_bus_sink_id(const OshBusSink *sink);
gboolean osh_bus_sink_is_open(const OshBusSink *sink);
const OshInterface *osh_bus_sink_interface(const OshBusSink *sink);

/* bus-flush.c */
void osh_bus_flush_step(OshBus *bus, gint64 now, gboolean drained);
gint64 osh_bus_flush_next(OshBus *bus);
void osh_bus_flush_cancel(OshBus *bus);
void osh_bus_flush_forget_sink(OshBus *bus, guint64 sink_id);

G_END_DECLS
