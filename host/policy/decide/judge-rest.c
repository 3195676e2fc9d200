/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge-rest.c: rules about method, path, query and SQL command, and the common part of judging.
 *
 * Pure and without allocation; any thread. An allow needs every value of a query key to match, a
 * denial any one of them.
 */
#include "question.h"

#include <string.h>

void
osh_policy_note_allow(OshPolicyRequestAnswer *answer, OshPolicyAnswer matched,
                      const OshPolicyRule *rule)
{
    osh_policy_fold_add(OSH_POLICY_FOLD_ANY, &answer->allowed, matched);
    if (matched == OSH_POLICY_YES && answer->allow_rule == NULL)
        answer->allow_rule = rule;
}

void
osh_policy_note_deny(OshPolicyRequestAnswer *answer, OshPolicyAnswer matched,
                     const OshPolicyRule *rule)
{
    osh_policy_fold_add(OSH_POLICY_FOLD_FIRST_YES, &answer->denied, matched);
    if (matched != OSH_POLICY_NO && answer->deny_rule == NULL)
        answer->deny_rule = rule;
}

gboolean
osh_policy_path_selects(const OshPolicyEndpointMatch *match, const char *pattern, OshSpan path)
{
    gsize length;

    if (match->path_prefix != NULL) {
        length = strlen(match->path_prefix);
        return path.length >= length && memcmp(path.data, match->path_prefix, length) == 0 &&
               (path.length == length || path.data[length] == '/');
    }
    if (match->path_selector == NULL)
        return TRUE;
    length = strlen(pattern);
    return (path.length == length && memcmp(path.data, pattern, length) == 0) ||
           osh_policy_pattern_matches(match->path_selector, path) == OSH_POLICY_YES;
}

OshPolicySelectorKind
osh_policy_selector_kind(const char *pattern)
{
    gsize length = strlen(pattern);

    if (length == 0 || strcmp(pattern, "**") == 0 || strcmp(pattern, "/**") == 0)
        return OSH_POLICY_SELECT_ALL;
    return length > 3 && strcmp(pattern + length - 3, "/**") == 0 ? OSH_POLICY_SELECT_BELOW
                                                                  : OSH_POLICY_SELECT_GLOB;
}

gboolean
osh_policy_selector_matches(const char *pattern, OshSpan path)
{
    OshPolicySelectorKind kind = osh_policy_selector_kind(pattern);
    g_autofree char *prefix = g_strndup(pattern, MAX(strlen(pattern), 3) - 3);
    g_autoptr(OshGlob) glob = osh_glob_new(pattern, OSH_GLOB_SELECTOR, NULL);
    OshPolicyPattern selector = {pattern, glob};
    OshPolicyEndpointMatch match = {.path_prefix = kind == OSH_POLICY_SELECT_BELOW ? prefix : NULL,
                                    .path_selector =
                                        kind == OSH_POLICY_SELECT_GLOB ? &selector : NULL};

    return osh_policy_path_selects(&match, pattern, path);
}

gboolean
osh_policy_rule_has_method(const OshPolicyRule *rule, OshSpan method)
{
    if (rule->method == NULL)
        return FALSE;
    if (rule->any_method || osh_policy_span_equal_fold(method, rule->method))
        return TRUE;
    /* Who may get may ask for the head alone, and hear what comes on the WebSocket that it opened.
     */
    return g_ascii_strcasecmp(rule->method, "GET") == 0 &&
           (osh_policy_span_equal_fold(method, "HEAD") ||
            osh_policy_span_equal_fold(method, "WEBSOCKET_SERVER_TEXT") ||
            osh_policy_span_equal_fold(method, "WEBSOCKET_SERVER_BINARY"));
}

OshPolicyAnswer
osh_policy_query_key_matches(const OshPolicyQuestion *question, const OshPolicyKeyMatcher *key,
                             gboolean all)
{
    const OshFact *values = osh_policy_query_values(question, key);

    if (values == NULL)
        return OSH_POLICY_NO;
    /* a key without a value matches every deny rule */
    if (values->count == 0)
        return osh_policy_unstated(all);
    return osh_policy_values_match(&key->matcher, values->value.strings, values->count, all);
}

static OshPolicyAnswer
query_matches(const OshPolicyQuestion *question, const OshPolicyRule *rule, gboolean all)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);

    for (guint i = 0; i < rule->n_query; i++)
        if (osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                                osh_policy_query_key_matches(question, &rule->query[i], all)))
            break;
    return answer;
}

/* An allow rule whose query alone does not match: of several, the one that lacks the fewest keys is
 * for the reason of a denial. */
static void
note_query(const OshPolicyQuestion *question, const OshPolicyRule *rule,
           OshPolicyRequestAnswer *answer)
{
    guint unmatched = 0;

    for (guint i = 0; i < rule->n_query; i++)
        if (osh_policy_query_key_matches(question, &rule->query[i], TRUE) != OSH_POLICY_YES)
            unmatched++;
    if (answer->query_rule != NULL && unmatched >= answer->n_unmatched_keys)
        return;
    answer->query_rule = rule;
    answer->n_unmatched_keys = unmatched;
}

static OshPolicyAnswer
rule_matches(const OshPolicyQuestion *question, const OshPolicyRule *rule, gboolean all,
             OshPolicyRequestAnswer *answer)
{
    OshPolicyAnswer path;
    OshPolicyAnswer query;

    if (rule->command != NULL && question->has_command &&
        (strcmp(rule->command, "*") == 0 ||
         osh_policy_span_equal_fold(question->command, rule->command)))
        return OSH_POLICY_YES;
    if (rule->method == NULL || rule->path == NULL || !question->has_path ||
        !osh_policy_rule_has_method(rule, question->method))
        return OSH_POLICY_NO;
    /* a path that cannot be judged ends it, whatever the query says */
    path = osh_policy_pattern_matches(rule->path, question->path);
    if (path != OSH_POLICY_YES)
        return path;
    query = query_matches(question, rule, all);
    if (query == OSH_POLICY_NO && all)
        note_query(question, rule, answer);
    return query;
}

/* The part about method, path, query and SQL command. */
static void
rest_judge(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
           OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    for (guint i = 0; i < match->n_deny_rules; i++)
        osh_policy_note_deny(answer, rule_matches(question, &match->deny_rules[i], FALSE, answer),
                             &match->deny_rules[i]);
    for (guint i = 0; i < match->n_rules; i++) {
        osh_policy_note_allow(answer, rule_matches(question, &match->rules[i], TRUE, answer),
                              &match->rules[i]);
        /* a broken glob further down must still be noticed */
        if (answer->allowed == OSH_POLICY_YES && !match->has_broken_pattern)
            return;
    }
}

void
osh_policy_request_judge(const OshPolicyQuestion *question, const OshFactRecord *call,
                         const OshPolicyEndpoint *endpoint, OshPolicyRequestAnswer *answer)
{
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN) {
        osh_policy_facts_judge(question, endpoint, answer);
        return;
    }
    if (question->has_graphql)
        osh_policy_graphql_judge(question, endpoint, answer);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_JSONRPC ||
        endpoint->protocol == OSH_POLICY_PROTOCOL_MCP)
        osh_policy_rpc_judge(question, call, endpoint, answer);
    else
        rest_judge(question, endpoint, answer);
}
