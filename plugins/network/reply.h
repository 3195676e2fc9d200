/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h: refusals: an event, then an answer in the words of the way in, then the end. [shard]
 *
 * An explicit client gets a JSON answer; a captured connection speaks a protocol that we do not
 * know, so it is reset. Every function here frees or lingers: return at once afterwards.
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * osh_reply_json:
 * @status: HTTP status with its reason phrase: "403 Forbidden"
 * @error: machine-readable word
 * @detail: one sentence
 * @reason: (nullable): why
 * @layer: (nullable): who decided
 * @id: of the event; 0 for none
 *
 * Returns: (transfer full): the whole response, Content-Length exact
 */
GString *osh_reply_json(const char *status, const char *error, const char *detail,
                        const char *reason, const char *layer, guint64 id);

/**
 * osh_refuse_denied:
 * @layer: as in osh_audit_denied()
 * @policy: (nullable): likewise
 * @reason: why, also shown to the client
 * @hint: (nullable): likewise
 * @address: (nullable): likewise
 */
void osh_refuse_denied(OshConnection *connection, const char *layer, const char *policy,
                       const char *reason, const char *hint, const struct in6_addr *address);

/** osh_refuse_failed: a failure, which is never called a denial: 502, or 504 for "timeout". */
void osh_refuse_failed(OshConnection *connection, const char *stage, const char *text);

/** osh_refuse_head: 400, 408 or 431 to a head that cannot be served. */
void osh_refuse_head(OshConnection *connection, const char *status, const char *error,
                     const char *text);

/** osh_refuse_limit: a cap of @who is reached: 503. */
void osh_refuse_limit(OshConnection *connection, const char *text);

/** osh_refuse_unserved_fd: answers 503 on a socket that never became a connection, and closes. */
void osh_refuse_unserved_fd(int fd, gboolean explicit_client);

G_END_DECLS
