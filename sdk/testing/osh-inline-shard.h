/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-inline-shard.h: "openshell.shard/1" without a thread: a test says when a descriptor is ready
 * and when time has passed.
 *
 * There is one shard, index 0, and the thread of the test is it. Nothing is polled: no descriptor
 * is looked at, so any number will do for one.
 *
 * |[<!-- language="C" -->
 * OshInlineShard *shard = osh_inline_shard_new(clock);
 * OshInterface interface = osh_inline_shard_interface(shard);
 *
 * osh_shard_add_fd(&interface, 7, EPOLLIN, on_readable, self);
 * g_assert_true(osh_inline_shard_ready(shard, 7, EPOLLIN));
 * ]|
 */
#pragma once

#include "openshell/ext/shard.h"
#include "osh-virtual-clock.h"

G_BEGIN_DECLS

/** OshInlineShard: a shard that runs when the test says so. Opaque. */
typedef struct _OshInlineShard OshInlineShard;

/**
 * osh_inline_shard_new:
 * @clock: borrowed; outlives the shard
 *
 * Returns: (transfer full): a shard for osh_inline_shard_free()
 */
OshInlineShard *osh_inline_shard_new(OshVirtualClock *clock);

/** osh_inline_shard_free: @shard: (transfer full) (nullable). */
void osh_inline_shard_free(OshInlineShard *shard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshInlineShard, osh_inline_shard_free)

/** osh_inline_shard_interface: Returns: the interface, valid until the shard is freed. */
OshInterface osh_inline_shard_interface(OshInlineShard *shard);

/**
 * osh_inline_shard_ready:
 * @fd: the descriptor
 * @events: what epoll_wait(2) would say; EPOLLERR and EPOLLHUP come asked or not, any other only
 *   to a watch that waits for it
 *
 * Calls each watch of @fd that waits for one of @events, as they were when it was called.
 *
 * Returns: whether there was one
 */
gboolean osh_inline_shard_ready(OshInlineShard *shard, int fd, guint32 events);

/** osh_inline_shard_run_posted: runs what was posted, also what that posts. Returns: how many. */
guint osh_inline_shard_run_posted(OshInlineShard *shard);

/** osh_inline_shard_watches: Returns: events that the watches of @fd wait for, joined; 0 for none.
 */
guint32 osh_inline_shard_watches(const OshInlineShard *shard, int fd);

/** osh_inline_shard_n_timers: Returns: timers that have not fired. */
guint osh_inline_shard_n_timers(const OshInlineShard *shard);

G_END_DECLS
