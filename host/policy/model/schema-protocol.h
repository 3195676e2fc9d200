/* SPDX-License-Identifier: Apache-2.0 */
/* schema-protocol.h: the protocols of OpenShell's schema: their names, and what `access` means. */
#pragma once

#include "policy.h"

/** osh_schema_protocol_names: Returns: (array zero-terminated=1): every name, for messages. */
const char *const *osh_schema_protocol_names(void);

/** osh_schema_protocol_name: Returns: (nullable): how a file names @protocol. */
const char *osh_schema_protocol_name(OshPolicyProtocol protocol);

/**
 * osh_schema_protocol_find:
 * @name: as in a file, in any letter case; "" is no protocol
 *
 * Returns: the protocol; %OSH_POLICY_PROTOCOL_PLUGIN for a name that the schema does not have
 */
OshPolicyProtocol osh_schema_protocol_find(const char *name);

/** osh_schema_protocol_needs: Returns: the #OshPolicyLoadFlags without which a run does not enforce
 * @protocol, 0 for one that needs none. */
guint osh_schema_protocol_needs(OshPolicyProtocol protocol);

/**
 * osh_schema_access_words:
 * @access: read-only, read-write or full
 *
 * Returns: (nullable) (array zero-terminated=1): what the preset allows: types of operations for
 *   GraphQL, else methods, `*` for all; NULL where the preset means nothing
 */
const char *const *osh_schema_access_words(OshPolicyProtocol protocol, const char *access);
