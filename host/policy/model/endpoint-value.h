/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-value.h: values of the endpoint keys that are not held as they are written: as a plugin
 * reads them (an option), and as they are compared (a text). Private to host/policy/model.
 *
 * Options are (transfer full) (nullable), texts (transfer full).
 */
#pragma once

#include "policy.h"

/* Options. */
GVariant *osh_endpoint_ports_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_tls_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_enforcement_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_access_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_addresses_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_persisted_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_json_rpc_bytes_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_versions_option(const OshPolicyEndpoint *endpoint);
GVariant *osh_endpoint_codings_option(const OshPolicyEndpoint *endpoint);

/* Texts. */
char *osh_endpoint_transparent_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_protocol_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_tls_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_enforcement_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_addresses_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_proposed_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_graphql_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_versions_text(const OshPolicyEndpoint *endpoint);
char *osh_endpoint_codings_text(const OshPolicyEndpoint *endpoint);
