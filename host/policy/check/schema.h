/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h: typed reading of document nodes, and what the loader's steps share. */
#pragma once

#include "model.h"

/* Lives for one load, on one thread. */
typedef struct {
    OshPolicySnapshot *snapshot;
    OshPolicyDiagnostics *diagnostics;
    const OshYamlNode *root;
    const OshPolicyLoadRequest *request;
    GArray *endpoints;       /* OshPolicyEndpoint, in policy order */
    GPtrArray *preset_rules; /* shared expansions of `access`, by protocol and preset */
} OshPolicyLoader;

/**
 * osh_schema_member:
 *
 * Returns: (transfer none): where @key of @endpoint stands, or the endpoint when it is absent
 */
const OshYamlNode *osh_schema_member(const OshPolicyEndpoint *endpoint, const char *key);

/** osh_schema_is_off: Returns: whether @node is a switch that is written out and off. */
gboolean osh_schema_is_off(const OshYamlNode *node);

/**
 * osh_schema_keys: reports every member of @mapping whose key is not in @allowed.
 * @allowed: (array zero-terminated=1): the keys of this kind of mapping
 */
void osh_schema_keys(OshPolicyLoader *loader, const OshYamlNode *mapping,
                     const char *const *allowed);

/** osh_schema_mapping: Returns: (nullable): @node when it is a mapping; reports anything else. */
const OshYamlNode *osh_schema_mapping(OshPolicyLoader *loader, const OshYamlNode *node);

/** osh_schema_sequence: Returns: (nullable): @node when it is a list; reports anything else. */
const OshYamlNode *osh_schema_sequence(OshPolicyLoader *loader, const OshYamlNode *node);

/** osh_schema_text: Returns: (nullable): text of scalar @node, borrowed; reports anything else. */
const char *osh_schema_text(OshPolicyLoader *loader, const OshYamlNode *node);

/**
 * osh_schema_string: [loader]
 *
 * Returns: (transfer none) (nullable): copy of member @key in the snapshot's arena; NULL when
 *   absent or, after a report, not a string
 */
const char *osh_schema_string(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key);

/**
 * osh_schema_word: [loader]
 * @words: (array zero-terminated=1): everything that may stand there, in exactly this spelling
 *
 * Returns: (transfer none) (nullable): as osh_schema_string(); NULL, too, after a report of a word
 *   that is none of @words
 */
const char *osh_schema_word(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                            const char *const *words);

/** osh_schema_lower: as osh_schema_string(), in lower case. */
const char *osh_schema_lower(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key);

/** osh_schema_boolean: Returns: member @key, or @fallback when absent or wrong. */
gboolean osh_schema_boolean(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                            gboolean fallback);

/** osh_schema_integer: Returns: member @key (at most @maximum), or @fallback. */
guint64 osh_schema_integer(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key,
                           guint64 maximum, guint64 fallback);

/**
 * osh_schema_strings:
 *
 * Returns: (transfer none) (array zero-terminated=1): the list in member @key, empty when absent
 */
const char *const *osh_schema_strings(OshPolicyLoader *loader, const OshYamlNode *mapping,
                                      const char *key, guint *ret_length);

/** osh_schema_read_policies: reads `network_policies` into the snapshot. */
void osh_schema_read_policies(OshPolicyLoader *loader, const OshYamlNode *mapping);

/** osh_schema_read_endpoint: reads one endpoint. */
void osh_schema_read_endpoint(OshPolicyLoader *loader, const OshYamlNode *node,
                              OshPolicyEndpoint *ret_endpoint);

/** osh_schema_read_rule: reads the fields of an allow or deny rule. */
void osh_schema_read_rule(OshPolicyLoader *loader, const OshYamlNode *node,
                          OshPolicyProtocol protocol, OshPolicyRule *ret_rule);

/** osh_schema_read_fact_rule: reads an allow or deny rule about the facts of @protocol. */
void osh_schema_read_fact_rule(OshPolicyLoader *loader, const OshYamlNode *node,
                               const OshPolicyProtocolDecl *protocol, OshPolicyRule *ret_rule);

/** osh_schema_read_arguments: reads `mcp_arguments` of a rule. */
void osh_schema_read_arguments(OshPolicyLoader *loader, const OshYamlNode *node,
                               OshPolicyRule *rule);

/** osh_schema_check_facts: checks an endpoint whose protocol a plugin brings. */
void osh_schema_check_facts(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint);

/** osh_schema_expand_full: what `access: full` means for a plugin's protocol. */
void osh_schema_expand_full(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint);

/** osh_schema_check_binaries: warns of binaries that the box can replace. */
void osh_schema_check_binaries(OshPolicyLoader *loader);

/** osh_schema_check_programs: warns of binaries that no process is known by on this machine. */
void osh_schema_check_programs(OshPolicyLoader *loader);

/** osh_schema_check_openshell: reports what OpenShell would not take or decides otherwise. */
void osh_schema_check_openshell(OshPolicyLoader *loader);

/** osh_schema_check_brackets: warns of a bracket or brace in glob @text that stands alone. */
void osh_schema_check_brackets(OshPolicyLoader *loader, const OshYamlNode *node, const char *text);

/** osh_schema_expand_presets: turns `access` into rules, after every check. */
void osh_schema_expand_presets(OshPolicyLoader *loader);

/** osh_schema_check_static: checks filesystem, process and version. */
void osh_schema_check_static(OshPolicyLoader *loader);

/** osh_schema_check_endpoint: checks addresses, ports and credentials of one endpoint. */
void osh_schema_check_endpoint(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint);

/** osh_schema_check_inspection: checks what an endpoint says about requests. */
void osh_schema_check_inspection(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint);

/** osh_schema_check_rpc: checks the rules of json-rpc and mcp endpoints. */
void osh_schema_check_rpc(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint);

/** osh_schema_read_middlewares: reads and checks `network_middlewares`. */
void osh_schema_read_middlewares(OshPolicyLoader *loader, const OshYamlNode *mapping);

/** osh_schema_check_ambiguity: refuses endpoints that overlap and disagree; needs the index. */
void osh_schema_check_ambiguity(OshPolicyLoader *loader);

/** osh_schema_check_neighbours: warns of MCP beside another protocol; needs the index. */
void osh_schema_check_neighbours(OshPolicyLoader *loader);

/**
 * osh_schema_check_enforceable: reports what the running host cannot enforce, where the policy is
 * loaded to be enforced.
 *
 * Returns: whether there is nothing of the kind
 */
gboolean osh_schema_check_enforceable(OshPolicyLoader *loader);
