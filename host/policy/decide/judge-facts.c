/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge-facts.c: rules about the facts of a plugin's protocol, and about MCP arguments.
 *
 * An absent fact matches no allow rule and every deny rule; so does one of another type than
 * declared, or given twice, because then nothing about the message can be relied on. An empty list
 * matches no rule at all. Each record of a list has to be allowed by some rule of the endpoint.
 * Pure and without allocation; any thread.
 */
#include "question.h"

#include <string.h>

#define INTEGER_TEXT 24

/* The one record that is judged: rules see its list as this record alone. */
typedef struct {
    const OshPolicyFactDecl *fact;
    const OshFactRecord *record;
} Focus;

/* NULL when absent; @ret_broken when it cannot be told. */
static const OshFact *
find(const OshFact *facts, gsize length, const char *name, OshFactType type, gboolean *ret_broken)
{
    const OshFact *found = NULL;

    for (gsize i = 0; i < length; i++) {
        if (strcmp(facts[i].name, name) != 0)
            continue;
        if (found != NULL || facts[i].type != (guint32)type) {
            *ret_broken = TRUE;
            return NULL;
        }
        found = &facts[i];
    }
    return found;
}

/* Every shape but records. */
static OshPolicyAnswer
value_matches(const OshPolicyMatcher *matcher, const OshFact *fact, gboolean all)
{
    char text[INTEGER_TEXT];
    OshSpan value = {text, 0};

    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        value = fact->value.string;
        break;
    case OSH_FACT_INTEGER:
        if (matcher->limits != NULL)
            return fact->value.integer >= matcher->limits->minimum &&
                           fact->value.integer <= matcher->limits->maximum
                       ? OSH_POLICY_YES
                       : OSH_POLICY_NO;
        value.length =
            (gsize)g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT, fact->value.integer);
        break;
    case OSH_FACT_BOOLEAN:
        value = fact->value.boolean ? OSH_SPAN_LITERAL("true") : OSH_SPAN_LITERAL("false");
        break;
    case OSH_FACT_STRINGS:
        return osh_policy_values_match(matcher, fact->value.strings, fact->count, all);
    case OSH_FACT_RECORDS:
    default:
        return OSH_POLICY_UNKNOWN;
    }
    return osh_policy_matcher_matches(matcher, value);
}

static OshPolicyAnswer
record_matches(const OshPolicyFactMatcher *matcher, const OshFactRecord *record, gboolean all)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);

    for (guint i = 0; i < matcher->n_fields; i++) {
        const OshPolicyFieldMatcher *field = &matcher->fields[i];
        gboolean broken = FALSE;
        const OshFact *value =
            find(record->fields, record->n_fields, field->field->name, field->field->type, &broken);
        OshPolicyAnswer one = broken          ? OSH_POLICY_UNKNOWN
                              : value == NULL ? osh_policy_unstated(all)
                                              : value_matches(&field->matcher, value, all);

        if (osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer, one))
            break;
    }
    return answer;
}

static OshPolicyAnswer
records_match(const OshPolicyFactMatcher *matcher, const OshFact *fact, gboolean all)
{
    const OshPolicyFold fold = OSH_POLICY_FOLD_OF_VALUES(all);
    OshPolicyAnswer answer = fact->count > 0 ? osh_policy_fold_none(fold) : OSH_POLICY_NO;

    for (guint i = 0; i < fact->count; i++)
        if (osh_policy_fold_add(fold, &answer,
                                record_matches(matcher, &fact->value.records[i], all)))
            break;
    return answer;
}

OshPolicyAnswer
osh_policy_fact_matches(const OshPolicyQuestion *question, const OshPolicyFactMatcher *matcher,
                        gboolean all)
{
    gboolean broken = FALSE;
    const OshFact *fact =
        find(question->facts, question->n_facts, matcher->fact->name, matcher->fact->type, &broken);

    if (broken)
        return OSH_POLICY_UNKNOWN;
    if (fact == NULL)
        return osh_policy_unstated(all);
    return fact->type == OSH_FACT_RECORDS ? records_match(matcher, fact, all)
                                          : value_matches(&matcher->matcher, fact, all);
}

static OshPolicyAnswer
rule_matches(const OshPolicyQuestion *question, const OshPolicyRule *rule, const Focus *focus,
             gboolean all)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);

    for (guint i = 0; i < rule->n_facts; i++) {
        const OshPolicyFactMatcher *matcher = &rule->facts[i];
        OshPolicyAnswer one = focus->record != NULL && focus->fact == matcher->fact
                                  ? record_matches(matcher, focus->record, all)
                                  : osh_policy_fact_matches(question, matcher, all);

        if (osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer, one))
            break;
    }
    return answer;
}

/* Whether a fact that is there was not given as declared. */
static gboolean
is_broken(const OshPolicyQuestion *question, const OshPolicyProtocolDecl *protocol,
          gboolean *ret_speaks)
{
    gboolean broken = FALSE;

    for (guint i = 0; i < protocol->facts->len && !broken; i++) {
        const OshPolicyFactDecl *fact = g_ptr_array_index(protocol->facts, i);

        if (find(question->facts, question->n_facts, fact->name, fact->type, &broken) != NULL)
            *ret_speaks = TRUE;
    }
    return broken;
}

static void
allow(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint, const Focus *focus,
      OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    for (guint i = 0; i < match->n_rules && answer->allowed != OSH_POLICY_YES; i++)
        osh_policy_note_allow(answer, rule_matches(question, &match->rules[i], focus, TRUE),
                              &match->rules[i]);
}

static gboolean
is_mentioned(const OshPolicyEndpointMatch *match, const OshPolicyFactDecl *fact)
{
    for (guint i = 0; i < match->n_rules; i++)
        for (guint k = 0; k < match->rules[i].n_facts; k++)
            if (match->rules[i].facts[k].fact == fact)
                return TRUE;
    return FALSE;
}

/* Each record that rules speak of must be allowed; returns FALSE when there was none. */
static gboolean
allow_records(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
              OshPolicyRequestAnswer *of_endpoint)
{
    const OshPolicyProtocolDecl *protocol = endpoint->match->declared;
    gboolean any = FALSE;

    of_endpoint->allowed = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);
    for (guint i = 0; i < protocol->facts->len; i++) {
        const OshPolicyFactDecl *decl = g_ptr_array_index(protocol->facts, i);
        gboolean broken = FALSE;
        const OshFact *fact =
            decl->type == OSH_FACT_RECORDS && is_mentioned(endpoint->match, decl)
                ? find(question->facts, question->n_facts, decl->name, decl->type, &broken)
                : NULL;

        for (guint k = 0; fact != NULL && k < fact->count; k++) {
            Focus focus = {decl, &fact->value.records[k]};
            OshPolicyRequestAnswer of_record = {0};

            any = TRUE;
            allow(question, endpoint, &focus, &of_record);
            if (of_endpoint->allow_rule == NULL)
                of_endpoint->allow_rule = of_record.allow_rule;
            if (osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &of_endpoint->allowed,
                                    of_record.allowed))
                return TRUE;
        }
    }
    if (!any)
        of_endpoint->allowed = OSH_POLICY_NO;
    return any;
}

void
osh_policy_facts_judge(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                       OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    OshPolicyRequestAnswer of_endpoint = {0};
    const Focus nothing = {NULL, NULL};
    gboolean speaks = question->has_protocol;

    if (speaks && !osh_policy_span_equal_fold(question->protocol, endpoint->protocol_name))
        return;
    answer->judged_by_facts = endpoint;
    if (is_broken(question, match->declared, &speaks)) {
        osh_policy_fold_add(OSH_POLICY_FOLD_FIRST_YES, &answer->denied, OSH_POLICY_UNKNOWN);
        return;
    }
    for (guint i = 0; i < match->n_deny_rules; i++)
        osh_policy_note_deny(answer, rule_matches(question, &match->deny_rules[i], &nothing, FALSE),
                             &match->deny_rules[i]);
    /* an endpoint allows messages of its own protocol only */
    if (!speaks)
        return;
    if (!allow_records(question, endpoint, &of_endpoint))
        allow(question, endpoint, &nothing, &of_endpoint);
    osh_policy_note_allow(answer, of_endpoint.allowed, of_endpoint.allow_rule);
}

/* --- Arguments of MCP tools --------------------------------------------------------------------
 */

static gboolean
key_begins_with(OshSpan key, const OshPolicyKeyMatcher *matcher)
{
    return key.length >= matcher->key_length &&
           memcmp(key.data, matcher->key, matcher->key_length) == 0;
}

/*
 * An argument that is absent, or an object where a value was expected, matches no allow rule and
 * every deny rule.
 */
static OshPolicyAnswer
argument_matches(const OshFact *params, const OshPolicyKeyMatcher *matcher, gboolean all)
{
    const OshPolicyFold fold = OSH_POLICY_FOLD_OF_VALUES(all);
    OshPolicyAnswer answer = osh_policy_fold_none(fold);
    const OshPolicyAnswer unjudged = osh_policy_unstated(all);
    gboolean present = FALSE;

    for (guint i = 0; params != NULL && i < params->count; i++) {
        const OshFactRecord *record = &params->value.records[i];
        const OshFact *key = osh_policy_record_find(record, "key", OSH_FACT_STRING);
        const OshFact *value = osh_policy_record_find(record, "value", OSH_FACT_STRING);

        if (key == NULL || !key_begins_with(key->value.string, matcher))
            continue;
        if (key->value.string.length > matcher->key_length) {
            if (key->value.string.data[matcher->key_length] == '.')
                return unjudged;
            continue;
        }
        if (value == NULL)
            return unjudged;
        present = TRUE;
        /* an object further down ends it whatever the values say */
        osh_policy_fold_add(fold, &answer,
                            osh_policy_matcher_matches(&matcher->matcher, value->value.string));
    }
    return present ? answer : unjudged;
}

OshPolicyAnswer
osh_policy_arguments_match(const OshPolicyRule *rule, const OshFactRecord *call, gboolean all)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_CONDITIONS);
    const OshFact *params =
        call != NULL ? osh_policy_record_find(call, "params", OSH_FACT_RECORDS) : NULL;

    for (guint i = 0; i < rule->n_arguments; i++)
        if (osh_policy_fold_add(OSH_POLICY_FOLD_CONDITIONS, &answer,
                                argument_matches(params, &rule->arguments[i], all)))
            break;
    return answer;
}
