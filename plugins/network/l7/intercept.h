/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept.h: TLS with both sides of a connection that is to be inspected. [shard]
 *
 * The upstream comes first: its certificate is verified before the client gets ours, so that what
 * is wrong with it can be told. A client of an endpoint that is not inspected is left alone.
 */
#pragma once

#include "client-hello.h"
#include "interceptor.h"
#include "step.h"

G_BEGIN_DECLS

/**
 * OshIntercept: of one connection.
 * @sessions: by the peer: 0 is the client's, 1 the upstream's
 * @offer: (array zero-terminated=1): ALPN names that the client offers and the endpoint's protocol
 *   has, in the client's order; the protocol's own strings
 * @protocol: (nullable): the one that both sides speak, once that is known; likewise
 * @unshared: (nullable): an ALPN name of the protocol, when the client offers only others
 * @may_answer: the client understands a response of HTTP/1.1
 * @failure: (nullable): why the upstream could not be reached by TLS
 * @is_late: @failure is that the upstream is silent
 * @answer: (nullable): the response that says so, while some of it is not written
 * @answered: bytes of @answer that are written
 * @open_at: when the client's handshake was done; 0 before
 * @timer: (nullable): for the next look at the roots
 */
typedef struct _OshIntercept {
    const OshInterceptor *of;
    OshTlsSession *sessions[2];
    const char *offer[OSH_CLIENT_HELLO_PROTOCOLS + 1];
    const char *protocol;
    const char *unshared;
    gboolean may_answer;
    char *failure;
    gboolean is_late;
    GString *answer;
    gsize answered;
    gint64 open_at;
    OshShardTimer *timer;
} OshIntercept;

/** osh_interceptor_identifies: Returns: whether the client certificate is for @host. A server that
 * may ask for it learns who runs this; so it is named. */
gboolean osh_interceptor_identifies(const OshInterceptor *of, const char *host);

/** osh_intercept_upstream_run: #OshStep.run of %OSH_STEP_TLS_UPSTREAM. */
OshFlow osh_intercept_upstream_run(OshConnection *connection);

/** osh_intercept_upstream_event: #OshStep.upstream. */
OshFlow osh_intercept_upstream_event(OshConnection *connection, int fd, guint32 events);

/** osh_intercept_client_run: #OshStep.run of %OSH_STEP_TLS_CLIENT. */
OshFlow osh_intercept_client_run(OshConnection *connection);

/** osh_intercept_client_event: #OshStep.client. */
OshFlow osh_intercept_client_event(OshConnection *connection, guint32 events);

/** osh_intercept_upstream_expire: #OshStep.expire: a client of HTTP is told. */
OshFlow osh_intercept_upstream_expire(OshConnection *connection);

/** osh_intercept_client_expire: #OshStep.expire. */
OshFlow osh_intercept_client_expire(OshConnection *connection);

/** osh_intercept_clear: #OshStep.clear. */
void osh_intercept_clear(OshConnection *connection);

G_END_DECLS
