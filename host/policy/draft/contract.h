/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract.h: comparing two endpoints of drafts: what one grants, the other asks for.
 *
 * All functions are pure; endpoints and rules are values as a draft holds them.
 */
#pragma once

#include "value.h"

G_BEGIN_DECLS

/** osh_contract_is_provider: Returns: TRUE when the policy @key belongs to a provider. */
gboolean osh_contract_is_provider(const char *key);

/** osh_contract_is_unset: Returns: TRUE for NULL and for empty text, lists and mappings. */
gboolean osh_contract_is_unset(const OshValue *value);

/** osh_contract_has_port: Returns: TRUE when @endpoint names @port. */
gboolean osh_contract_has_port(const OshValue *endpoint, guint16 port);

/** osh_contract_is_at: Returns: TRUE when @endpoint names @host, ignoring case, and @port. */
gboolean osh_contract_is_at(const OshValue *endpoint, const char *host, guint16 port);

/** osh_contract_same_place: Returns: TRUE when host, ignoring case, and path are equal. */
gboolean osh_contract_same_place(const OshValue *left, const OshValue *right);

/** osh_contract_overlap: Returns: TRUE when they are in the same place and share a port. */
gboolean osh_contract_overlap(const OshValue *left, const OshValue *right);

/**
 * osh_contract_units:
 *
 * Returns: (transfer full) (element-type guint16): the ports of @endpoint, or a 0 when it has none
 */
GArray *osh_contract_units(const OshValue *endpoint);

/** osh_contract_add_rules: appends those of @rules (nullable) that @endpoint's list @key lacks. */
void osh_contract_add_rules(OshValue *endpoint, const char *key, const OshValue *rules);

/**
 * osh_contract_expand_access:
 *
 * Returns: (transfer full) (nullable): the rules that `access` stands for, NULL for an unknown one
 */
OshValue *osh_contract_expand_access(const char *protocol, const char *access);

/**
 * osh_contract_inspection:
 *
 * Returns: (transfer full): how MCP traffic of @endpoint is read, in words that are equal when it
 * is read the same way; for an endpoint that is no MCP one, its protocol
 */
char *osh_contract_inspection(const OshValue *endpoint);

/** osh_contract_is_mcp: Returns: TRUE when the protocol of @endpoint is mcp. */
gboolean osh_contract_is_mcp(const OshValue *endpoint);

/**
 * osh_contract_same_mcp:
 *
 * Returns: TRUE when neither endpoint is about MCP, or both are and read it the same way
 */
gboolean osh_contract_same_mcp(const OshValue *left, const OshValue *right);

/**
 * osh_contract_covers:
 * @loaded: what is granted
 * @asked: what is asked for
 * @port: on which port; 0 asks for none
 *
 * What @asked leaves unset asks for nothing.
 *
 * Returns: TRUE when @loaded has all of @asked
 */
gboolean osh_contract_covers(const OshValue *loaded, const OshValue *asked, guint16 port);

/** osh_contract_has_binaries: Returns: whether @policy lists any binary. */
gboolean osh_contract_has_binaries(const OshValue *policy);

/**
 * osh_contract_is_any_binary:
 * @policy: a policy
 *
 * Returns: TRUE when @policy is about any binary: it lists none, or one of those is every path
 */
gboolean osh_contract_is_any_binary(const OshValue *policy);

/** osh_contract_has_binary: Returns: TRUE when @policy lists @path. */
gboolean osh_contract_has_binary(const OshValue *policy, const char *path);

G_END_DECLS
