/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-subscription.c: who wants which topics, and the retained values on their way to those who
 * came late. Everything here runs on the main thread.
 *
 * Handlers may subscribe and unsubscribe: a subscription that ends is only marked until the
 * dispatch is over.
 */
#include "bus-private.h"

#include <string.h>

struct _OshBusSubscription {
    guint64 id;
    char *pattern;
    gsize prefix; /* length before "*", or G_MAXSIZE for an exact name */
    OshEventFunc callback;
    gpointer data;
    GDestroyNotify destroy;
    guint64 from; /* events up to this sequence are none of its business */
    gboolean ended;
};

typedef struct {
    OshBusSubscription *subscription;
    GPtrArray *nodes;
    guint position;
} Replay;

static gboolean
subscription_matches(const OshBusSubscription *subscription, const OshBusTopic *topic)
{
    if (subscription->prefix == G_MAXSIZE)
        return g_str_equal(subscription->pattern, topic->name);
    return strncmp(subscription->pattern, topic->name, subscription->prefix) == 0;
}

void
osh_bus_topic_match(OshBus *bus, OshBusTopic *topic)
{
    for (guint i = 0; i < bus->subscriptions->len; i++) {
        OshBusSubscription *subscription = g_ptr_array_index(bus->subscriptions, i);

        if (subscription->ended || !subscription_matches(subscription, topic))
            continue;
        g_ptr_array_add(topic->subscriptions, subscription);
        atomic_fetch_add(&topic->wanted, 1);
    }
}

void
osh_bus_subscriptions_call(const OshBusTopic *topic, const OshEvent *event)
{
    for (guint i = 0; i < topic->subscriptions->len; i++) {
        const OshBusSubscription *subscription = g_ptr_array_index(topic->subscriptions, i);

        if (!subscription->ended && subscription->from < event->sequence)
            subscription->callback(event, subscription->data);
    }
}

static gboolean
is_matched(const OshBusTopic *topic, gconstpointer data)
{
    return subscription_matches(data, topic);
}

static void
replay_queue(OshBus *bus, OshBusSubscription *subscription)
{
    GPtrArray *nodes = osh_bus_retained(bus, is_matched, subscription);
    Replay *replay;

    if (nodes->len == 0) {
        g_ptr_array_unref(nodes);
        return;
    }
    replay = g_new0(Replay, 1);
    replay->subscription = subscription;
    replay->nodes = nodes;
    g_queue_push_tail(&bus->replays, replay);
    osh_bus_wake(bus);
}

static void
replay_free(Replay *replay)
{
    g_ptr_array_unref(replay->nodes);
    g_free(replay);
}

void
osh_bus_replay(OshBus *bus)
{
    Replay *replay;

    while ((replay = g_queue_pop_head(&bus->replays)) != NULL) {
        for (guint i = 0; i < replay->nodes->len; i++) {
            const OshBusNode *node = g_ptr_array_index(replay->nodes, i);

            if (!replay->subscription->ended)
                replay->subscription->callback(&node->event, replay->subscription->data);
        }
        replay_free(replay);
    }
}

guint64
osh_bus_subscribe(OshBus *bus, const char *pattern, OshEventFunc callback, gpointer data,
                  GDestroyNotify destroy)
{
    OshBusSubscription *subscription;
    gsize length = strlen(pattern);

    g_return_val_if_fail(osh_bus_on_main(bus) && callback != NULL, 0);

    subscription = g_new0(OshBusSubscription, 1);
    subscription->id = ++bus->last_subscription;
    subscription->pattern = g_strdup(pattern);
    subscription->prefix = length > 0 && pattern[length - 1] == '*' ? length - 1 : G_MAXSIZE;
    subscription->callback = callback;
    subscription->data = data;
    subscription->destroy = destroy;
    subscription->from = bus->sequence;
    g_ptr_array_add(bus->subscriptions, subscription);
    for (guint i = 1; i <= bus->n_topics; i++) {
        OshBusTopic *topic = bus->topics[i];

        if (!subscription_matches(subscription, topic))
            continue;
        g_ptr_array_add(topic->subscriptions, subscription);
        atomic_fetch_add(&topic->wanted, 1);
    }
    replay_queue(bus, subscription);
    return subscription->id;
}

static void
subscription_free(OshBusSubscription *subscription)
{
    if (subscription->destroy != NULL)
        subscription->destroy(subscription->data);
    g_free(subscription->pattern);
    g_free(subscription);
}

/* Takes the ended ones out everywhere, then frees them: a destroy notify may do anything. */
void
osh_bus_subscriptions_sweep(OshBus *bus)
{
    g_autoptr(GPtrArray) ended = NULL;

    if (!bus->have_ended || bus->dispatching)
        return;
    bus->have_ended = FALSE;
    ended = g_ptr_array_new();
    for (GList *link = bus->replays.head; link != NULL;) {
        GList *next = link->next;
        Replay *replay = link->data;

        if (replay->subscription->ended) {
            g_queue_delete_link(&bus->replays, link);
            replay_free(replay);
        }
        link = next;
    }
    for (guint i = bus->subscriptions->len; i > 0; i--) {
        OshBusSubscription *subscription = g_ptr_array_index(bus->subscriptions, i - 1);

        if (!subscription->ended)
            continue;
        for (guint t = 1; t <= bus->n_topics; t++) {
            if (g_ptr_array_remove(bus->topics[t]->subscriptions, subscription))
                atomic_fetch_sub(&bus->topics[t]->wanted, 1);
        }
        g_ptr_array_add(ended, subscription);
        g_ptr_array_remove_index(bus->subscriptions, i - 1);
    }
    for (guint i = 0; i < ended->len; i++)
        subscription_free(g_ptr_array_index(ended, i));
}

void
osh_bus_unsubscribe(OshBus *bus, guint64 id)
{
    g_return_if_fail(osh_bus_on_main(bus));

    for (guint i = 0; i < bus->subscriptions->len; i++) {
        OshBusSubscription *subscription = g_ptr_array_index(bus->subscriptions, i);

        if (subscription->id != id)
            continue;
        subscription->ended = TRUE;
        bus->have_ended = TRUE;
    }
    osh_bus_subscriptions_sweep(bus);
}

void
osh_bus_subscriptions_clear(OshBus *bus)
{
    for (guint i = 0; i < bus->subscriptions->len; i++) {
        OshBusSubscription *subscription = g_ptr_array_index(bus->subscriptions, i);

        subscription->ended = TRUE;
        bus->have_ended = TRUE;
    }
    osh_bus_subscriptions_sweep(bus);
}
