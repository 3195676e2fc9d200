/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.h: the file that says how to change a policy.
 *
 *     operations:
 *       - add_rule: { rule_name: api, rule: { endpoints: [...], binaries: [...] } }
 *       - remove_endpoint: { rule_name: api, host: api.example.com, port: 443 }
 *       - remove_rule: { rule_name: api }
 *       - add_allow_rules: { host: api.example.com, port: 443, rules: [{ allow: {...} }] }
 *       - add_deny_rules: { host: api.example.com, port: 443, deny_rules: [{...}] }
 *       - remove_binary: { rule_name: api, binary_path: /usr/bin/curl }
 *
 * Names are the gateway's; their spelling in JSON (addRule) is read too, so a proposal that an
 * agent sent is such a file.
 */
#pragma once

#include "merge.h"

G_BEGIN_DECLS

/**
 * osh_operations_read: [any]
 * @text: (array length=length): the file
 * @proposed: a program asks for this, not a person: only additions are read, and what they hold is
 *   marked
 * @diagnostics: gets every error
 *
 * Returns: (transfer full) (element-type OshMergeOperation) (nullable): the operations in order
 */
GPtrArray *osh_operations_read(const char *text, gsize length, const char *file_name,
                               gboolean proposed, OshPolicyDiagnostics *diagnostics);

G_END_DECLS
