/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h: what the policy says of a connection. [shard]
 */
#pragma once

#include "osh-destination.h"
#include "step.h"

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/** osh_shard_refresh_policy: takes the policy that is in force now, if @shard has another. */
void osh_shard_refresh_policy(OshNetworkShard *shard);

/**
 * osh_judge:
 * @verdict: (out caller-allocates): for osh_verdict_clear(); borrows from the shard's policy, so it
 *   is used before anything can reload that
 *
 * By the policy that is in force now.
 *
 * Returns: whether the connection may go on
 */
gboolean osh_judge(OshConnection *connection, OshVerdict *verdict);

/**
 * osh_judge_facts: asks the policy in force about @facts of a message of @connection
 * @verdict: (out caller-allocates): as osh_judge()
 *
 * Returns: whether the message may go on
 */
gboolean osh_judge_facts(OshConnection *connection, const OshFacts *facts, OshVerdict *verdict);

/** osh_network_protocol: Returns: (transfer none) (nullable): what is known of @protocol, where a
 * plugin speaks it. */
const OshNetworkProtocol *osh_network_protocol(const OshNetwork *network, const char *protocol);

/** osh_network_virtual_host: Returns: (transfer none) (nullable): the plugin that answers @host. */
const OshVirtualHost *osh_network_virtual_host(const OshNetwork *network, const char *host);

/** osh_judge_refuse: refuses what osh_judge() does not let go on. */
OshFlow osh_judge_refuse(OshConnection *connection, const OshVerdict *verdict);

/** osh_judge_destination: which addresses @verdict lets @connection reach. */
void osh_judge_destination(const OshConnection *connection, const OshVerdict *verdict,
                           OshDestinationRequest *ret_request);

/**
 * osh_judge_owner:
 * @connection: whose verdict is in force
 * @owner: another program that owns its socket
 *
 * Returns: whether the policy allows @owner the connection too, handled in the same way
 */
gboolean osh_judge_owner(OshConnection *connection, OshPeerIdentity *owner);

/** osh_judge_owners_facts: as osh_judge_facts(), for each other program that owns @connection.
 * Returns: whether all of them may; @verdict is the one that refuses then, else untouched */
gboolean osh_judge_owners_facts(OshConnection *connection, const OshFacts *facts,
                                OshVerdict *verdict);

/**
 * osh_judge_again:
 * @connection: dialled, verified or open
 *
 * After a reload: whether it, and how it is handled, is still what the policy says.
 *
 * Returns: %OSH_FLOW_WAIT when it is
 */
OshFlow osh_judge_again(OshConnection *connection);

G_END_DECLS
