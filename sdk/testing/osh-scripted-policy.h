/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-scripted-policy.h: "openshell.policy/1" for tests: answers by script, or by simple rules.
 *
 * A script comes first: each osh_scripted_policy_next() answers one decision, in order. When it is
 * used up, the first rule that matches decides; when none does, what osh_scripted_policy_new() was
 * given. A rule names a fact and a pattern (* and ? as g_pattern_spec_new() reads them). A value is
 * compared as text: an integer in decimal, a boolean as true or false. Of a list, every value must
 * match to allow and one is enough to deny or to inspect, as in a policy. An absent fact matches no
 * rule. A rule that inspects is passed over once the fact %OSH_SCRIPTED_CONTENT is there.
 *
 * It is no policy engine: it knows no hosts, binaries or endpoints. It belongs to one thread.
 */
#pragma once

#include "openshell/ext/policy.h"

G_BEGIN_DECLS

/** OSH_SCRIPTED_CONTENT: the content of a message that was marked after INSPECT, for rules about
 * it. String. */
#define OSH_SCRIPTED_CONTENT "content.text"

/** OSH_SCRIPTED_RESPONSE: a content of the response to a message, for rules about it. String. */
#define OSH_SCRIPTED_RESPONSE "response.text"

/** OshScriptedPolicy: answers, in the order in which they are tried. Opaque. */
typedef struct _OshScriptedPolicy OshScriptedPolicy;

/** osh_scripted_policy_new: @otherwise: the answer where nothing else says. Returns: (transfer
 * full): for osh_scripted_policy_free(). */
OshScriptedPolicy *osh_scripted_policy_new(OshAction otherwise);

/** osh_scripted_policy_free: @policy: (transfer full) (nullable). */
void osh_scripted_policy_free(OshScriptedPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshScriptedPolicy, osh_scripted_policy_free)

/** osh_scripted_policy_next: one answer of the script; @reason: (nullable): for a denial. */
void osh_scripted_policy_next(OshScriptedPolicy *policy, OshAction action, const char *reason);

/** osh_scripted_policy_rule: behind the rules that are there: @fact matching @pattern is answered
 * @action. */
void osh_scripted_policy_rule(OshScriptedPolicy *policy, OshAction action, const char *fact,
                              const char *pattern);

/** osh_scripted_policy_set_limit: bytes that an answer INSPECT may have marked; 65536 unless set.
 */
void osh_scripted_policy_set_limit(OshScriptedPolicy *policy, guint64 limit);

/** osh_scripted_policy_rewind: the script begins again, as for another run of the same test. */
void osh_scripted_policy_rewind(OshScriptedPolicy *policy);

/** osh_scripted_policy_n_decisions: Returns: decisions since it was made or rewound. */
guint osh_scripted_policy_n_decisions(const OshScriptedPolicy *policy);

/** osh_scripted_policy_decide: as osh_policy_interface_decide(); @verdict was initialised. */
void osh_scripted_policy_decide(OshScriptedPolicy *policy, const OshFacts *facts,
                                OshVerdict *verdict);

/** osh_scripted_policy_interface: Returns: the interface, valid until the policy is freed. */
OshInterface osh_scripted_policy_interface(OshScriptedPolicy *policy);

G_END_DECLS
