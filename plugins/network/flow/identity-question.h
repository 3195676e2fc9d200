/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity-question.h: asks which program is at the other end of a connection: the process half of
 * the supervisor where it tells (openshell.draft.peer-identity/1), otherwise our own scanner.
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** OshIdentityQuestion: one question under way. */
typedef struct _OshIdentityQuestion OshIdentityQuestion;

/**
 * osh_identity_ask: [shard] of @connection
 * @connection: whose tuple is known, and whose question is not under way
 * @purpose: %OSH_IDENTITY_DECIDE, once, which program made the connection; %OSH_IDENTITY_CHECK,
 *   which owns it now
 * @done: called on the same shard, inside this function or later; @connection's question is over
 *   by then
 *
 * The question is kept in @connection. May free, since @done may.
 */
void osh_identity_ask(OshConnection *connection, OshIdentityPurpose purpose, OshIdentityFunc done);

/** osh_identity_question_cancel: [shard] @question: (nullable): its callback will not be called. */
void osh_identity_question_cancel(OshIdentityQuestion *question);

/** osh_peer_table_init: [main] */
void osh_peer_table_init(OshPeerTable *table);
/** osh_peer_table_clear: [main] */
void osh_peer_table_clear(OshPeerTable *table);

/**
 * osh_peer_table_intern: [any]
 * @peer: as another half told it; borrowed
 *
 * Returns: (transfer full): the one identity that stands for @peer as long as anybody holds it
 */
OshPeerIdentity *osh_peer_table_intern(OshPeerTable *table, const OshPeer *peer);

G_END_DECLS
