/* SPDX-License-Identifier: Apache-2.0 */
/* asked.h: what a person asks `explain`, as facts. Private to host/policy. */
#pragma once

#include "explain.h"
#include "question.h"
#include "target.h"

/**
 * OshPolicyAsked:
 * @ask: what was asked
 * @target: its URL
 * @host: lower case
 * @method: of the request
 * @protocol: (nullable): of a plugin, whose facts were given
 * @facts: (element-type OshFact): those about the connection first
 * @n_connection: how many those are
 * @wants_request: it was asked about a request and not only about reaching the host
 * @memory: what the facts point to
 */
typedef struct {
    const OshPolicyAsk *ask;
    OshPolicyTarget *target;
    char *host;
    const char *method;
    const OshPolicyProtocolDecl *protocol;
    GArray *facts;
    gsize n_connection;
    gboolean wants_request;
    GPtrArray *memory;
} OshPolicyAsked;

/** osh_policy_asked_new: Returns: (transfer full) (nullable): @ask as facts for @policy. */
OshPolicyAsked *osh_policy_asked_new(const OshPolicySnapshot *policy, const OshPolicyAsk *ask,
                                     GError **error);

/** osh_policy_asked_free: frees it. */
void osh_policy_asked_free(OshPolicyAsked *asked);

/**
 * osh_policy_asked_decide:
 * @ret_uninspected: (out): TRUE when the connection is all that is judged
 *
 * First the connection; then, where an endpoint inspects requests and a request was named, that.
 */
void osh_policy_asked_decide(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                             OshPolicyVerdict *ret_verdict, gboolean *ret_uninspected);

/** osh_policy_asked_is_skipped: Returns: TRUE when the endpoint has rules about requests that do
 * not hold for this one, since it is sent over TLS that is not decrypted. */
gboolean osh_policy_asked_is_skipped(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict);

/**
 * osh_policy_asked_may_dial:
 * @ret_n_addresses: (out): how many addresses are known: of the question, or because the host is
 * one
 * @ret_reason: (out): (transfer full): why not, on refusal only
 *
 * Returns: TRUE when the data plane would dial what @verdict allows; in explain.c
 */
gboolean osh_policy_asked_may_dial(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict,
                                   guint *ret_n_addresses, char **ret_reason);

/** osh_policy_asked_has_request: Returns: TRUE when there is something that rules may judge. */
gboolean osh_policy_asked_has_request(const OshPolicyAsked *asked);

/** osh_policy_host_matches: Returns: TRUE when @endpoint is for the host. */
gboolean osh_policy_host_matches(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint);

/** osh_policy_port_matches: Returns: TRUE when @endpoint is for the port. */
gboolean osh_policy_port_matches(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint);

/**
 * osh_policy_rule_why_not:
 * @deny: @rule is a deny rule
 *
 * Returns: (transfer full) (nullable): what of the request does not match @rule; NULL when it does
 */
char *osh_policy_rule_why_not(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                              const OshPolicyRule *rule, gboolean deny);

/**
 * osh_policy_rule_missing_facts:
 * @rule: a deny rule that matches
 *
 * Returns: (transfer full) (nullable): which facts of a plugin's protocol it matches only because
 *   they are missing; NULL when all are given
 */
char *osh_policy_rule_missing_facts(const OshPolicyQuestion *question, const OshPolicyRule *rule);

/**
 * osh_policy_find_near:
 * @explanation: gets what came close
 */
void osh_policy_find_near(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                          OshPolicyExplanation *explanation);

/**
 * osh_policy_suggest_change:
 * @text: the policy's file
 * @explanation: gets the change, when one was found that holds
 */
void osh_policy_suggest_change(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                               const GString *text, OshPolicyExplanation *explanation);

/**
 * osh_policy_asked_rule:
 *
 * Returns: (transfer full) (nullable): a rule that allows the request and nothing more, to stand
 *   in an endpoint of @protocol; NULL when none can be written
 */
struct _OshValue *osh_policy_asked_rule(const OshPolicyAsked *asked, OshPolicyProtocol protocol);

/**
 * osh_policy_set_literal: sets member @key to a glob that matches @text and nothing else.
 *
 * Returns: FALSE when @text cannot stand in a policy as it is
 */
gboolean osh_policy_set_literal(struct _OshValue *mapping, const char *key, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyAsked, osh_policy_asked_free)
