/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept.h: TLS with both sides of a connection that is to be inspected. [shard]
 *
 * The upstream comes first: its certificate is verified before the client gets ours, so that what
 * is wrong with it can be told. A client of an endpoint that is not inspected is left alone.
 */
#pragma once

#include "step.h"
#include "tls-module.h"

G_BEGIN_DECLS

/**
 * OshInterceptor: of the run.
 * @tls: the module's functions
 * @engine: has the authority
 */
typedef struct _OshInterceptor {
    const OshTlsModule *tls;
    OshTlsEngine *engine;
} OshInterceptor;

/**
 * OshIntercept: of one connection.
 * @sessions: by the peer: 0 is the client's, 1 the upstream's
 * @offer: ALPN protocols that the client and the data plane share, for the upstream
 * @failure: why the upstream could not be reached by TLS; empty when it was
 */
typedef struct _OshIntercept {
    const OshInterceptor *of;
    OshTlsSession *sessions[2];
    const char *offer[2];
    char *failure;
    OshShardTimer *timer;
} OshIntercept;

/** osh_intercept_upstream_run: #OshStep.run of %OSH_STEP_TLS_UPSTREAM. */
OshFlow osh_intercept_upstream_run(OshConnection *connection);

/** osh_intercept_upstream_event: #OshStep.upstream. */
OshFlow osh_intercept_upstream_event(OshConnection *connection, int fd, guint32 events);

/** osh_intercept_client_run: #OshStep.run of %OSH_STEP_TLS_CLIENT. */
OshFlow osh_intercept_client_run(OshConnection *connection);

/** osh_intercept_client_event: #OshStep.client. */
OshFlow osh_intercept_client_event(OshConnection *connection, guint32 events);

/** osh_intercept_expire: #OshStep.expire of both. */
OshFlow osh_intercept_expire(OshConnection *connection);

/** osh_intercept_clear: #OshStep.clear. */
void osh_intercept_clear(OshConnection *connection);

G_END_DECLS
