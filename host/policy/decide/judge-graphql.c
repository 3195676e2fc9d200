/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge-graphql.c: rules about GraphQL operations, over HTTP and over WebSocket.
 *
 * Rules that name an operation count at every endpoint. What an endpoint of protocol graphql or
 * websocket does not allow is refused even if a broader rule of another endpoint would allow it.
 * Pure and without allocation; any thread.
 */
#include "question.h"

#include <string.h>

/* An operation, after a persisted one has been replaced by what is registered for it. */
typedef struct {
    OshSpan type;
    OshSpan name;
    const OshSpan *fields;
    guint n_fields;
    gboolean unregistered; /* may not be allowed */
    gboolean unknown;      /* nothing is known that a rule could be compared with */
} Operation;

static OshSpan
record_string(const OshFactRecord *record, const char *name)
{
    const OshFact *fact = osh_policy_record_find(record, name, OSH_FACT_STRING);

    return fact != NULL ? fact->value.string : (OshSpan){"", 0};
}

static const OshPolicyRegisteredQuery *
find_registered(const OshPolicyEndpoint *endpoint, OshSpan id)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (id.length == 0)
        return NULL;
    for (guint i = 0; i < match->n_registered; i++)
        if (strlen(match->registered[i].id) == id.length &&
            memcmp(match->registered[i].id, id.data, id.length) == 0)
            return &match->registered[i];
    return NULL;
}

static Operation
read_operation(const OshFactRecord *record, const OshPolicyEndpoint *endpoint)
{
    const OshFact *persisted = osh_policy_record_find(record, "persisted", OSH_FACT_BOOLEAN);
    const OshFact *fields = osh_policy_record_find(record, "fields", OSH_FACT_STRINGS);
    Operation operation = {.type = record_string(record, "type"),
                           .name = record_string(record, "name")};
    const OshPolicyRegisteredQuery *query;
    OshSpan key;

    if (fields != NULL) {
        operation.fields = fields->value.strings;
        operation.n_fields = fields->count;
    }
    if (persisted == NULL || !persisted->value.boolean || operation.type.length > 0)
        return operation;
    /* where there is a hash, the id beside it does not count */
    key = record_string(record, "hash");
    if (key.length == 0)
        key = record_string(record, "id");
    query = find_registered(endpoint, key);
    operation.unregistered = query == NULL || !endpoint->allow_registered_queries;
    operation.unknown = query == NULL;
    if (query == NULL)
        return operation;
    operation.type = osh_span(query->operation_type);
    operation.name = osh_span(query->operation_name);
    operation.fields = query->fields;
    operation.n_fields = query->n_fields;
    return operation;
}

static OshPolicyAnswer
fields_match(const OshPolicyRule *rule, const Operation *operation, gboolean all)
{
    const OshPolicyMatcher fields = {.patterns = rule->fields, .n_patterns = rule->n_fields};

    return rule->n_fields == 0
               ? OSH_POLICY_YES
               : osh_policy_values_match(&fields, operation->fields, operation->n_fields, all);
}

/* A registered query of any type is allowed by a rule for all of them, denied by one for any. */
static gboolean
type_matches(const OshPolicyRule *rule, OshSpan type, gboolean all)
{
    return strcmp(rule->operation_type, "*") == 0 ||
           osh_policy_span_equal_fold(type, rule->operation_type) ||
           (!all && osh_policy_span_equal_fold(type, "*"));
}

static OshPolicyAnswer
rule_matches(const OshPolicyRule *rule, const Operation *operation, gboolean all)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);

    if (rule->operation_type == NULL || operation->unknown ||
        !type_matches(rule, operation->type, all))
        return OSH_POLICY_NO;
    if (rule->operation_name == NULL ||
        !osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                             osh_policy_pattern_matches(rule->operation_name, operation->name)))
        osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                            fields_match(rule, operation, all));
    return answer;
}

static void
judge_operation(const OshPolicyEndpoint *endpoint, const Operation *operation,
                OshPolicyRequestAnswer *of_operation, OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    for (guint i = 0; i < match->n_deny_rules; i++)
        osh_policy_note_deny(answer, rule_matches(&match->deny_rules[i], operation, FALSE),
                             &match->deny_rules[i]);
    for (guint i = 0; i < match->n_rules; i++)
        osh_policy_note_allow(of_operation, rule_matches(&match->rules[i], operation, TRUE),
                              &match->rules[i]);
}

static gboolean
has_last_word(const OshPolicyEndpoint *endpoint)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_GRAPHQL ||
           endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET;
}

/* What keeps a connection going goes where operations may, whichever they are. */
static gboolean
allows_control(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint)
{
    return question->has_graphql_control && !question->has_graphql_error &&
           !question->has_operations && endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET &&
           endpoint->has_graphql_rules &&
           osh_policy_span_equal_fold(question->method, "WEBSOCKET_TEXT");
}

gboolean
osh_policy_graphql_unregistered(const OshPolicyQuestion *question,
                                const OshPolicyEndpoint *endpoint)
{
    for (guint i = 0; i < question->n_operations; i++)
        if (read_operation(&question->operations[i], endpoint).unregistered)
            return TRUE;
    return FALSE;
}

void
osh_policy_graphql_judge(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                         OshPolicyRequestAnswer *answer)
{
    OshPolicyAnswer allowed = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);
    const OshPolicyRule *rule = NULL;

    if (question->has_graphql_error || question->n_operations == 0)
        allowed = allows_control(question, endpoint) ? OSH_POLICY_YES : OSH_POLICY_NO;
    for (guint i = 0; i < question->n_operations; i++) {
        Operation operation = read_operation(&question->operations[i], endpoint);
        OshPolicyRequestAnswer of_operation = {0};
        gboolean was_denied = answer->denied != OSH_POLICY_NO;

        judge_operation(endpoint, &operation, &of_operation, answer);
        if (answer->refused == NULL &&
            ((has_last_word(endpoint) && of_operation.allowed != OSH_POLICY_YES) ||
             (!was_denied && answer->denied != OSH_POLICY_NO)))
            answer->refused = &question->operations[i];
        rule = rule != NULL ? rule : of_operation.allow_rule;
        osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &allowed,
                            operation.unregistered ? OSH_POLICY_NO : of_operation.allowed);
    }
    if (allowed != OSH_POLICY_NO)
        osh_policy_note_allow(answer, allowed, rule);
    else if (has_last_word(endpoint))
        answer->denied = OSH_POLICY_YES;
}
