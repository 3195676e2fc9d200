/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h: what a connection is decided by, and what a recording gets to know of it. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** OSH_CONNECTION_FACTS: room that osh_connection_facts() needs. */
#define OSH_CONNECTION_FACTS 6

/**
 * osh_connection_facts:
 * @facts: (out caller-allocates): filled from the front; borrows from @connection
 *
 * Host, port and, unless identity is relaxed, who asks; of somebody unknown nothing is said.
 *
 * Returns: how many
 */
gsize osh_connection_facts(const OshConnection *connection, OshFact facts[OSH_CONNECTION_FACTS]);

/** osh_facts_find: Returns: (transfer none) (nullable): the fact @name, where it is of @type. */
const OshFact *osh_facts_find(const OshFacts *facts, const char *name, OshFactType type);

/** osh_facts_string: Returns: the fact @name where it is a string; empty where not. */
OshSpan osh_facts_string(const OshFacts *facts, const char *name);

/**
 * osh_connection_record:
 * @verdict: (nullable): what the policy said
 *
 * A final decision, for the recording. Costs one load when there is none.
 */
void osh_connection_record(const OshConnection *connection, OshDecisionOutcome outcome,
                           const OshVerdict *verdict);

/** osh_facts_record: the same for a message, of which @facts are known. */
void osh_facts_record(const OshConnection *connection, const OshFacts *facts,
                      OshDecisionOutcome outcome, const OshVerdict *verdict);

G_END_DECLS
