/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h: why a policy answers as it does, what came close, and what would change the answer. */
#pragma once

#include "policy.h"

G_BEGIN_DECLS

/**
 * OshPolicyAsk:
 * @method: (nullable): method of the request; NULL asks about the connection only, unless @target
 *   is a URL and the endpoint inspects requests
 * @target: a URL, or HOST:PORT
 * @binary: absolute path of the executable
 * @ancestors: (nullable) (array zero-terminated=1): of its ancestors, nearest first
 * @addresses: (nullable) (array zero-terminated=1): what the host resolves to
 * @operations: (nullable) (array zero-terminated=1): GraphQL: TYPE[:NAME[:FIELD,FIELD...]]
 * @rpc_method: (nullable): method of a JSON-RPC or MCP call
 * @mcp_version: (nullable): revision of MCP that the request is in; NULL is any that fits
 * @mcp_tool: (nullable): of an MCP tool call
 * @mcp_arguments: (nullable) (array zero-terminated=1): its arguments: NAME=VALUE
 * @sql_command: (nullable): a SQL command
 * @facts: (nullable) (array zero-terminated=1): facts of a plugin's protocol: NAME=VALUE
 *
 * Zero is nothing asked.
 */
typedef struct {
    const char *method;
    const char *target;
    const char *binary;
    const char *const *ancestors;
    const char *const *addresses;
    const char *const *operations;
    const char *rpc_method;
    const char *mcp_version;
    const char *mcp_tool;
    const char *const *mcp_arguments;
    const char *sql_command;
    const char *const *facts;
} OshPolicyAsk;

/**
 * OshPolicyNearRule:
 * @deny: a deny rule; of those only what matches is listed
 * @number: from 1, in its list
 * @line: in the file; 0 when it stands for a preset
 * @words: (transfer none): the rule
 * @why: (nullable): what stands in the way; NULL when it matches
 */
typedef struct {
    gboolean deny;
    guint number;
    guint line;
    const char *words;
    char *why;
} OshPolicyNearRule;

/**
 * OshPolicyNear:
 * @endpoint: (transfer none): what came close
 * @line: in the file
 * @distance: 0 is nothing in the way; only to be compared
 * @why: (element-type utf8): what stands in the way
 * @rules: (element-type OshPolicyNearRule): where the endpoint was reached
 */
typedef struct {
    const OshPolicyEndpoint *endpoint;
    guint line;
    guint distance;
    GPtrArray *why;
    GPtrArray *rules;
} OshPolicyNear;

/**
 * OshPolicyExplanation:
 * @allowed: the answer
 * @audited: the rules deny, the endpoint only audits: logged and forwarded
 * @reason: (nullable): why not
 * @policy_name: (nullable) (transfer none): the policy that lets the connection through
 * @rule: (nullable) (transfer none): what decided
 * @rule_line: its line, or 0
 * @endpoints: (element-type OshPolicyEndpoint) (transfer none): that match
 * @selected: (nullable) (transfer none): the one whose options apply
 * @notes: (element-type utf8): what else is to be known
 * @near: (element-type OshPolicyNear): what came close, nearest first; empty when allowed
 * @n_near: how many came close in all
 * @searched: what came close was looked for
 * @change_where: (nullable): what to add to, as a path in the file
 * @change_yaml: (nullable): what to add; loading and asking again has shown that it allows it
 * @change_opens: (nullable): what else it would allow
 *
 * Borrowed parts live as long as the policy. Release with osh_policy_explanation_clear().
 */
typedef struct {
    gboolean allowed;
    gboolean audited;
    char *reason;
    const char *policy_name;
    const char *rule;
    guint rule_line;
    GPtrArray *endpoints;
    const OshPolicyEndpoint *selected;
    GPtrArray *notes;
    GPtrArray *near;
    guint n_near;
    gboolean searched;
    char *change_where;
    char *change_yaml;
    char *change_opens;
} OshPolicyExplanation;

/**
 * osh_policy_explain: [any]
 * @policy: the policy
 * @text: (nullable): the file that it was loaded from; without it no change is suggested
 * @ask: what is asked
 * @ret_explanation: (out): the answer; untouched on failure
 * @error: return location for an error: the question cannot be understood
 *
 * Returns: FALSE on error
 */
gboolean osh_policy_explain(const OshPolicySnapshot *policy, const GString *text,
                            const OshPolicyAsk *ask, OshPolicyExplanation *ret_explanation,
                            GError **error);

/** osh_policy_explanation_text: [any] Returns: (transfer full): several lines for a person. */
char *osh_policy_explanation_text(const OshPolicyExplanation *explanation,
                                  const OshPolicySnapshot *policy);

/** osh_policy_explanation_json: [any] Returns: (transfer full): one JSON object on one line. */
char *osh_policy_explanation_json(const OshPolicyExplanation *explanation,
                                  const OshPolicySnapshot *policy);

/** osh_policy_explanation_clear: frees what it owns. */
void osh_policy_explanation_clear(OshPolicyExplanation *explanation);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshPolicyExplanation, osh_policy_explanation_clear)

G_END_DECLS
