/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-module.c: the one thing that the module exports. It is a module of its own, with libssl and
 * libcrypto, which run-authority.c loads when a program can need it.
 */
#include "tls-module.h"

#include "openshell/plugin.h"

OSH_PLUGIN_EXPORT const OshTlsModule osh_tls_module_v1 = {
    .engine_new = osh_tls_engine_new,
    .engine_free = osh_tls_engine_free,
    .engine_authority_pem = osh_tls_engine_authority_pem,
    .engine_revocation_list = osh_tls_engine_revocation_list,
    .engine_prepare_upstream = osh_tls_engine_prepare_upstream,
    .engine_upstream_is_ready = osh_tls_engine_upstream_is_ready,
    .engine_leaves_minted = osh_tls_engine_leaves_minted,
    .session_new_server = osh_tls_session_new_server,
    .session_new_client = osh_tls_session_new_client,
    .session_free = osh_tls_session_free,
    .session_handshake = osh_tls_session_handshake,
    .session_protocol = osh_tls_session_protocol,
    .session_version = osh_tls_session_version,
    .session_is_resumed = osh_tls_session_is_resumed,
    .session_read = osh_tls_session_read,
    .session_write = osh_tls_session_write,
    .session_pending = osh_tls_session_pending,
    .session_shutdown = osh_tls_session_shutdown,
    .session_failure = osh_tls_session_failure,
    .session_ended_unused = osh_tls_session_ended_unused,
};
