/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket-bio.h: how OpenSSL reads and writes the socket of a session: bytes that were already read
 * come first, no write raises SIGPIPE, and the reason of a failure is kept in the session.
 */
#pragma once

#include "session-parts.h"

G_BEGIN_DECLS

/** osh_socket_bio_method: [main] Returns: (transfer full) (nullable): for all sessions of a run. */
BIO_METHOD *osh_socket_bio_method(void);

/** osh_socket_bio_new: [shard] Returns: (transfer full) (nullable): of the socket of @session,
 * which it does not close. */
BIO *osh_socket_bio_new(const BIO_METHOD *method, OshTlsSession *session);

G_END_DECLS
