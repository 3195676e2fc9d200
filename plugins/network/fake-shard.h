/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake-shard.h: one shard for unit tests, turned by hand on the thread of the test.
 *
 * Its clock is the monotonic one plus what the test has let pass, so that a deadline of ten seconds
 * costs a test nothing. Descriptors are real, watched by a real epoll instance.
 */
#pragma once

#include <openshell/ext/shard.h>

G_BEGIN_DECLS

typedef struct _OshFakeShard OshFakeShard;

/** osh_fake_shard_new: Returns: (transfer full): a shard with nothing to do. */
OshFakeShard *osh_fake_shard_new(void);

/** osh_fake_shard_free: Asserts that no watch, no timer and nothing posted is left. */
void osh_fake_shard_free(OshFakeShard *shard);

/** osh_fake_shard_interface: Returns: openshell.shard/1 with @shard as its only one. */
OshInterface osh_fake_shard_interface(OshFakeShard *shard);

/**
 * osh_fake_shard_turn: runs what was posted, timers that are due, and one wait for descriptors.
 * @milliseconds: how long the wait may take
 *
 * Returns: how many functions were called
 */
guint osh_fake_shard_turn(OshFakeShard *shard, int milliseconds);

/** osh_fake_shard_advance: lets @microseconds pass and turns once. */
void osh_fake_shard_advance(OshFakeShard *shard, gint64 microseconds);

/** osh_fake_shard_n_watches: Returns: how many descriptors are watched. */
guint osh_fake_shard_n_watches(const OshFakeShard *shard);

G_END_DECLS
