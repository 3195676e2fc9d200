/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-module.h: the functions of tls-engine.h and tls-session.h as they are called from outside the
 * module that is linked to libssl and libcrypto.
 */
#pragma once

#include "tls-engine.h"
#include "tls-session.h"

G_BEGIN_DECLS

/** OSH_TLS_MODULE_SYMBOL: what the module exports: one #OshTlsModule. */
#define OSH_TLS_MODULE_SYMBOL "osh_tls_module_v1"

/**
 * OshTlsModule: each member NAME is osh_tls_NAME(), where its contract stands.
 *
 * The module is of the same build as the plugin beside which it lies.
 */
typedef struct {
    OshTlsEngine *(*engine_new)(const OshTlsSettings *settings, GError **error);
    void (*engine_free)(OshTlsEngine *engine);
    const char *(*engine_authority_pem)(const OshTlsEngine *engine);
    GBytes *(*engine_revocation_list)(OshTlsEngine *engine, gint64 now);
    gboolean (*engine_prepare_upstream)(OshTlsEngine *engine, GError **error);
    gboolean (*engine_upstream_is_ready)(const OshTlsEngine *engine);
    guint64 (*engine_leaves_minted)(OshTlsEngine *engine);

    OshTlsSession *(*session_new_server)(OshTlsEngine *engine, int fd, const OshTlsServerLeg *leg,
                                         OshTlsFailure *failure);
    OshTlsSession *(*session_new_client)(OshTlsEngine *engine, int fd, const OshTlsClientLeg *leg,
                                         OshTlsFailure *failure);
    void (*session_free)(OshTlsSession *session);
    OshTlsResult (*session_handshake)(OshTlsSession *session);
    OshSpan (*session_protocol)(const OshTlsSession *session);
    const char *(*session_version)(const OshTlsSession *session);
    gboolean (*session_is_resumed)(const OshTlsSession *session);
    OshTlsResult (*session_read)(OshTlsSession *session, gpointer buffer, gsize size,
                                 gsize *ret_length);
    OshTlsResult (*session_write)(OshTlsSession *session, const OshSpan *pieces, gsize n_pieces,
                                  gsize *ret_length);
    gboolean (*session_pending)(const OshTlsSession *session);
    OshTlsResult (*session_shutdown)(OshTlsSession *session);
    const OshTlsFailure *(*session_failure)(const OshTlsSession *session);
    gboolean (*session_ended_unused)(const OshTlsSession *session);
} OshTlsModule;

/** osh_tls_module_v1: of a build that has them linked in. */
extern __attribute__((visibility("default"))) const OshTlsModule osh_tls_module_v1;

G_END_DECLS
