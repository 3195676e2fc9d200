/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/shard.h: "openshell.shard/1", the host's data-plane threads.
 *
 * A shard is one thread around one epoll instance. There is no GMainContext in it, because that
 * costs time for every idle descriptor. An object made on a shard (a watch, a timer, a
 * connection) is used on that shard only, for life. Functions run to completion and never block.
 *
 * Shards exist from start until after every plugin has stopped.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_SHARD "openshell.shard/1"

/** OshShardWatch: a descriptor that a shard watches; belongs to that shard. */
typedef struct _OshShardWatch OshShardWatch;
/** OshShardTimer: a timer of a shard; belongs to that shard. */
typedef struct _OshShardTimer OshShardTimer;

/**
 * OshShardFdFunc:
 * @fd: the descriptor that is ready
 * @events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP as epoll_wait(2) gave them
 *
 * [shard] May remove any watch, its own included, and close the descriptor after removing it.
 */
typedef void (*OshShardFdFunc)(int fd, guint32 events, gpointer data);

/**
 * OshShardInterface:
 * @struct_size: sizeof(OshShardInterface) of the host
 * @count: [any] how many shards there are; constant
 * @current: [any] index of the calling shard, or -1 on any other thread
 * @post: [any] runs @callback on a shard, in order of posting; FALSE when the shard has ended,
 *   and then nothing was taken
 * @add_fd: [shard] watches @fd, edge- or level-triggered by @events as for epoll_ctl(2);
 *   EPOLLEXCLUSIVE is accepted. NULL on failure with errno set. The fd stays the caller's.
 * @modify: [shard] changes the events; not for EPOLLEXCLUSIVE watches
 * @remove: [shard] ends the watch; its function is not called again, also not for events already
 *   fetched
 * @add_timer: [shard] calls @callback once, at or after @when (microseconds of
 *   g_get_monotonic_time()); the resolution is one millisecond
 * @cancel_timer: [shard] ends a timer that has not fired; a fired timer frees itself before its
 *   callback runs, so forget the pointer in the callback
 * @now: [shard] g_get_monotonic_time() as of the last wake-up; no system call
 */
typedef struct {
    guint32 struct_size;
    guint (*count)(gpointer instance);
    gint (*current)(gpointer instance);
    gboolean (*post)(gpointer instance, guint shard, OshCallback callback, gpointer data);
    OshShardWatch *(*add_fd)(gpointer instance, int fd, guint32 events, OshShardFdFunc callback,
                             gpointer data);
    void (*modify)(gpointer instance, OshShardWatch *watch, guint32 events);
    void (*remove)(gpointer instance, OshShardWatch *watch);
    OshShardTimer *(*add_timer)(gpointer instance, gint64 when, OshCallback callback,
                                gpointer data);
    void (*cancel_timer)(gpointer instance, OshShardTimer *timer);
    gint64 (*now)(gpointer instance);
} OshShardInterface;

/** osh_shard_count: [any] Returns: how many shards; 0 when there are none. */
static inline guint
osh_shard_count(const OshInterface *shard)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, count) ? vtable->count(shard->instance) : 0;
}

/** osh_shard_current: [any] Returns: index of the calling shard, or -1. */
static inline gint
osh_shard_current(const OshInterface *shard)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, current) ? vtable->current(shard->instance) : -1;
}

/** osh_shard_post: [any] Returns: whether @callback will run on shard @index. */
static inline gboolean
osh_shard_post(const OshInterface *shard, guint index, OshCallback callback, gpointer data)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, post) &&
           vtable->post(shard->instance, index, callback, data);
}

/** osh_shard_add_fd: [shard] Returns: (transfer full) (nullable): the watch. */
static inline OshShardWatch *
osh_shard_add_fd(const OshInterface *shard, int fd, guint32 events, OshShardFdFunc callback,
                 gpointer data)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, add_fd)
               ? vtable->add_fd(shard->instance, fd, events, callback, data)
               : NULL;
}

/** osh_shard_modify: [shard] Changes what a watch waits for. */
static inline void
osh_shard_modify(const OshInterface *shard, OshShardWatch *watch, guint32 events)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    if (osh_can_call(vtable, OshShardInterface, modify))
        vtable->modify(shard->instance, watch, events);
}

/** osh_shard_remove: [shard] @watch: (transfer full) (nullable). */
static inline void
osh_shard_remove(const OshInterface *shard, OshShardWatch *watch)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    if (watch != NULL && osh_can_call(vtable, OshShardInterface, remove))
        vtable->remove(shard->instance, watch);
}

/** osh_shard_add_timer: [shard] Returns: (transfer full) (nullable): the timer. */
static inline OshShardTimer *
osh_shard_add_timer(const OshInterface *shard, gint64 when, OshCallback callback, gpointer data)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, add_timer)
               ? vtable->add_timer(shard->instance, when, callback, data)
               : NULL;
}

/** osh_shard_cancel_timer: [shard] @timer: (transfer full) (nullable): one that has not fired. */
static inline void
osh_shard_cancel_timer(const OshInterface *shard, OshShardTimer *timer)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    if (timer != NULL && osh_can_call(vtable, OshShardInterface, cancel_timer))
        vtable->cancel_timer(shard->instance, timer);
}

/** osh_shard_now: [shard] Returns: microseconds, as of the last wake-up. */
static inline gint64
osh_shard_now(const OshInterface *shard)
{
    const OshShardInterface *vtable = (const OshShardInterface *)shard->vtable;

    return osh_can_call(vtable, OshShardInterface, now) ? vtable->now(shard->instance)
                                                        : g_get_monotonic_time();
}

G_END_DECLS
