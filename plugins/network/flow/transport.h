/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h: how a connection reached us, and how one speaks to its client. [shard]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

typedef struct _OshRefusal OshRefusal;

/**
 * OshTransport:
 * @name: the word in events: "connect"
 * @verb: before the destination in messages: "CONNECT "
 * @first_step: where its connections begin
 * @is_unaware: its client knows of no proxy: what it speaks is known by its first bytes
 * @many_requests: its client may send another request when one has been answered
 * @open_step: what follows %OSH_STEP_OPEN
 * @answer: (nullable): tells the client of a refusal; FALSE when it cannot be told. Without it the
 *   client's connection is reset.
 * @words: a whole HTTP response with the refusal, for a client of an open connection that awaits
 * one; (transfer full)
 * @opened: (nullable): tells the client that its destination is reached; FALSE when it is gone
 * @answer_unserved: (nullable): tells a client on a socket that never becomes a connection that
 *   there is no capacity
 */
typedef struct {
    const char *name;
    const char *verb;
    OshConnectionStep first_step;
    OshConnectionStep open_step;
    gboolean is_unaware;
    gboolean many_requests;
    gboolean (*answer)(OshConnection *connection, const OshRefusal *refusal, guint64 id);
    GString *(*words)(const OshConnection *connection, const OshRefusal *refusal, guint64 id);
    gboolean (*opened)(OshConnection *connection);
    void (*answer_unserved)(int fd);
} OshTransport;

G_END_DECLS
