/* SPDX-License-Identifier: Apache-2.0 */
/* ambiguity-fields.h: what two endpoints that overlap must agree about. Private to host/policy. */
#pragma once

#include "schema.h"

/** osh_ambiguity_is_extended: Returns: whether @endpoint takes part in choosing a parser. */
gboolean osh_ambiguity_is_extended(const OshPolicyEndpoint *endpoint);

/** osh_ambiguity_connection_key: Returns: (transfer full): how the connection is handled. */
char *osh_ambiguity_connection_key(const OshPolicyEndpoint *endpoint);

/** osh_ambiguity_request_key: Returns: (transfer full): how a request is handled. */
char *osh_ambiguity_request_key(const OshPolicyEndpoint *endpoint);

/**
 * osh_ambiguity_describe:
 * @earlier: the one that comes first in the policy
 *
 * Returns: (transfer full): that the two overlap, where, and every field that differs
 */
char *osh_ambiguity_describe(const OshPolicySnapshot *snapshot, const OshPolicyEndpoint *earlier,
                             const OshPolicyEndpoint *later);
