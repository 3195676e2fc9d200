/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolution.h: a name's addresses, looked up once for each connection and pinned.
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * OshResolutionFunc:
 * @addresses: (nullable) (transfer full): at least one
 * @problem: (nullable): why there are none; borrowed
 */
typedef void (*OshResolutionFunc)(OshAddressList *addresses, const char *problem, gpointer data);

/**
 * osh_resolution_begin: [shard] asks the system resolver (and so /etc/hosts) on a worker.
 *
 * Returns: (transfer none) (nullable): valid until @done is called or it is cancelled; NULL when
 *   too many are under way, and then @done is not called
 */
OshResolution *osh_resolution_begin(OshNetwork *network, const char *host, OshResolutionFunc done,
                                    gpointer data);

/** osh_resolution_cancel: [shard] @resolution: (nullable): @done will not be called. */
void osh_resolution_cancel(OshResolution *resolution);

/** osh_resolution_literal: [any] Returns: (transfer full): the one address that @literal is. */
OshAddressList *osh_resolution_literal(const char *literal);

/** osh_resolve_run: #OshStep.run of %OSH_STEP_RESOLVE. */
OshFlow osh_resolve_run(OshConnection *connection);

/** osh_resolve_expire: #OshStep.expire. */
OshFlow osh_resolve_expire(OshConnection *connection);

/** osh_resolve_clear: #OshStep.clear. */
void osh_resolve_clear(OshConnection *connection);

G_END_DECLS
