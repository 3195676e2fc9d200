/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.h: a request that a plugin has asked elsewhere: destination after destination, until one
 * answers. [shard]
 */
#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/** OshVirtualForwardRun: one call of the reply's forward. */
typedef struct _OshVirtualForwardRun OshVirtualForwardRun;

/** OSH_VIRTUAL_DESTINATIONS: of one forward. */
#define OSH_VIRTUAL_DESTINATIONS 16

/**
 * osh_virtual_forward_new:
 * @forward: of the plugin; copied
 *
 * Begins soon, never inside the call.
 *
 * Returns: (transfer full) (nullable): NULL when it is malformed
 */
OshVirtualForwardRun *osh_virtual_forward_new(OshVirtualExchange *exchange,
                                              const OshVirtualForward *forward);

/** osh_virtual_forward_free: @run: (transfer full) (nullable): closes its connection. */
void osh_virtual_forward_free(OshVirtualForwardRun *run);

/** osh_virtual_forward_is_running: @run: (nullable). Returns: whether something of it is to come.
 */
gboolean osh_virtual_forward_is_running(const OshVirtualForwardRun *run);

/** osh_virtual_forward_resume: @run: (nullable): the client has taken bytes. */
void osh_virtual_forward_resume(OshVirtualForwardRun *run);

G_END_DECLS
