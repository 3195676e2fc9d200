/* SPDX-License-Identifier: Apache-2.0 */
/* failure-reason.h: what OpenSSL and the socket say about a failure, as an OshTlsFailure. [shard]
 */
#pragma once

#include "session-parts.h"

G_BEGIN_DECLS

/**
 * osh_tls_fail:
 * @ssl_error: of SSL_get_error(3); OpenSSL's errors of this thread are taken
 *
 * Sets the failure of @session, unless it has one.
 *
 * Returns: %OSH_TLS_FAILED
 */
OshTlsResult osh_tls_fail(OshTlsSession *session, int ssl_error);

/** osh_tls_failure_set: @failure becomes one of ours, without an alert. */
void osh_tls_failure_set(OshTlsFailure *failure, OshTlsFailureKind kind, const char *text);

G_END_DECLS
