/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge-rpc.c: rules about JSON-RPC and MCP calls.
 *
 * One call at a time; the caller walks a batch. No rule allows a method that none of the MCP
 * revisions of its endpoint has. A method of no revision at all needs a rule with exactly its name:
 * neither the profile nor a pattern allows it. Pure and without allocation; any thread.
 */
#include "question.h"

#include <string.h>

OshSpan
osh_policy_call_method(const OshFactRecord *call)
{
    const OshFact *method =
        call != NULL ? osh_policy_record_find(call, "method", OSH_FACT_STRING) : NULL;

    return method != NULL ? method->value.string : (OshSpan){"", 0};
}

/* Absent, or not a string: NULL. */
static const OshFact *
call_param(const OshFactRecord *call, const char *name, gsize length)
{
    const OshFact *params =
        call != NULL ? osh_policy_record_find(call, "params", OSH_FACT_RECORDS) : NULL;

    for (guint i = 0; params != NULL && i < params->count; i++) {
        const OshFactRecord *param = &params->value.records[i];
        const OshFact *key = osh_policy_record_find(param, "key", OSH_FACT_STRING);

        if (key != NULL && key->value.string.length == length &&
            memcmp(key->value.string.data, name, length) == 0)
            return osh_policy_record_find(param, "value", OSH_FACT_STRING);
    }
    return NULL;
}

static gboolean
is_exactly(OshSpan span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.data, text, span.length) == 0;
}

const OshFact *
osh_policy_call_tool(const OshFactRecord *call)
{
    return is_exactly(osh_policy_call_method(call), OSH_POLICY_TOOL_CALL)
               ? call_param(call, "name", strlen("name"))
               : NULL;
}

static OshPolicyAnswer
method_matches(const OshPolicyRule *rule, OshSpan method, gboolean is_mcp)
{
    if (rule->method == NULL || method.length == 0)
        return OSH_POLICY_NO;
    if (is_mcp && rule->method_pattern != NULL)
        return osh_policy_pattern_matches(rule->method_pattern, method);
    return rule->any_method || is_exactly(method, rule->method) ? OSH_POLICY_YES : OSH_POLICY_NO;
}

/* What a rule says of arguments, of a tool that is only listed: there is a call that an allow rule
 * allows, and one that a deny rule does not deny. */
static OshPolicyAnswer
arguments_match(const OshPolicyQuestion *question, const OshPolicyRule *rule,
                const OshFactRecord *call, gboolean all)
{
    if (question->is_listed)
        return all ? OSH_POLICY_YES : OSH_POLICY_NO;
    return osh_policy_arguments_match(rule, call, all);
}

static OshPolicyAnswer
rule_matches(const OshPolicyQuestion *question, const OshPolicyRule *rule,
             const OshFactRecord *call, gboolean is_mcp, gboolean all)
{
    OshPolicyAnswer answer = method_matches(rule, osh_policy_call_method(call), is_mcp);

    for (guint i = 0; is_mcp && i < rule->n_params && answer != OSH_POLICY_NO; i++) {
        const OshFact *value = call_param(call, rule->params[i].key, rule->params[i].key_length);

        osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                            value == NULL ? OSH_POLICY_NO
                                          : osh_policy_matcher_matches(&rule->params[i].matcher,
                                                                       value->value.string));
    }
    if (answer != OSH_POLICY_NO && rule->n_arguments > 0)
        osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                            arguments_match(question, rule, call, all));
    return answer;
}

gboolean
osh_policy_mcp_rule_is_exact(const OshPolicyRule *rule)
{
    return rule->method != NULL && strpbrk(rule->method, "*?[]{}\\") == NULL;
}

static guint
n_messages(const OshPolicyQuestion *question)
{
    return question->n_calls + (question->has_response ? 1 : 0);
}

/* Which of the revisions of @endpoint the message may be in, before its method is looked at. */
static guint
revisions_of(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint)
{
    return question->has_mcp_version ? endpoint->mcp_versions & question->mcp_version
                                     : endpoint->mcp_versions;
}

/* A list may come in a stream; a call of what it lists is posted. */
static gboolean
is_posted(const OshPolicyQuestion *question)
{
    return question->is_listed || is_exactly(question->method, "POST");
}

OshPolicyMcpFit
osh_policy_mcp_fit(const OshPolicyQuestion *question, const OshFactRecord *call,
                   const OshPolicyEndpoint *endpoint)
{
    guint revisions = revisions_of(question, endpoint);
    OshSpan method = osh_policy_call_method(call);
    guint having;

    if (revisions == 0)
        return OSH_POLICY_MCP_VERSION;
    if (!is_posted(question))
        return revisions & OSH_MCP_REVISIONS_OF_2025 ? OSH_POLICY_MCP_FITS : OSH_POLICY_MCP_STREAM;
    if (n_messages(question) > 1) {
        revisions &= OSH_MCP_REVISION_2025_03_26;
        if (revisions == 0 || n_messages(question) > OSH_MCP_MAX_BATCH)
            return OSH_POLICY_MCP_BATCH;
    }
    if (question->has_response) {
        revisions &= OSH_MCP_REVISIONS_OF_2025;
        if (revisions == 0)
            return OSH_POLICY_MCP_RESPONSE;
    }
    switch (osh_mcp_method_class(method.data, (gssize)method.length, &having)) {
    case OSH_MCP_METHOD_SERVER_ONLY:
        return OSH_POLICY_MCP_SERVER_ONLY;
    case OSH_MCP_METHOD_CORE:
        return having & revisions ? OSH_POLICY_MCP_FITS : OSH_POLICY_MCP_METHOD;
    case OSH_MCP_METHOD_EXTENSION:
    default:
        return OSH_POLICY_MCP_FITS;
    }
}

static const OshPolicyRule profile_rule = {
    .words = "every core method of MCP, from allow_all_known_mcp_methods"};
static const OshPolicyRule response_rule = {.words = "an MCP client may answer its server"};
static const OshPolicyRule stream_rule = {.words = "an MCP client may open its receive stream"};

/* Whether only a rule with exactly this method allows it. */
static gboolean
is_extension(const OshPolicyEndpoint *endpoint, OshSpan method)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_MCP &&
           osh_mcp_method_class(method.data, (gssize)method.length, NULL) ==
               OSH_MCP_METHOD_EXTENSION;
}

static void
judge_post(const OshPolicyQuestion *question, const OshFactRecord *call,
           const OshPolicyEndpoint *endpoint, OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean is_mcp = endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
    OshSpan method = osh_policy_call_method(call);
    gboolean extension = is_extension(endpoint, method);

    for (guint i = 0; i < match->n_deny_rules; i++)
        osh_policy_note_deny(answer,
                             rule_matches(question, &match->deny_rules[i], call, is_mcp, FALSE),
                             &match->deny_rules[i]);
    if (is_mcp && osh_policy_mcp_fit(question, call, endpoint) != OSH_POLICY_MCP_FITS)
        return;
    if (question->has_response) {
        answer->response_refused |= !is_mcp;
        if (!is_mcp)
            answer->denied = OSH_POLICY_YES;
        else if (call == NULL)
            osh_policy_note_allow(answer, OSH_POLICY_YES, &response_rule);
        if (!is_mcp || call == NULL)
            return;
    }
    if (method.length == 0)
        return;
    if (is_mcp && endpoint->allow_all_known_mcp_methods && !extension &&
        !(match->has_tool_rules && is_exactly(method, OSH_POLICY_TOOL_CALL)))
        osh_policy_note_allow(answer, OSH_POLICY_YES, &profile_rule);
    for (guint i = 0; i < match->n_rules; i++)
        if (!extension || osh_policy_mcp_rule_is_exact(&match->rules[i]))
            osh_policy_note_allow(answer,
                                  rule_matches(question, &match->rules[i], call, is_mcp, TRUE),
                                  &match->rules[i]);
}

void
osh_policy_rpc_judge(const OshPolicyQuestion *question, const OshFactRecord *call,
                     const OshPolicyEndpoint *endpoint, OshPolicyRequestAnswer *answer)
{
    if (!question->has_jsonrpc || question->has_jsonrpc_error)
        return;
    if (is_posted(question)) {
        judge_post(question, call, endpoint, answer);
        return;
    }
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_MCP && is_exactly(question->method, "GET") &&
        question->receive_stream && call == NULL && !question->has_response &&
        osh_policy_mcp_fit(question, call, endpoint) == OSH_POLICY_MCP_FITS)
        osh_policy_note_allow(answer, OSH_POLICY_YES, &stream_rule);
}
