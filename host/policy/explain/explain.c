/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c: the same decision as osh_policy_decide(), told step by step.
 *
 * The answer itself comes from osh_policy_decide() and osh_destination_check() alone; the rest only
 * describes it and what came close. Any thread.
 */
#include "explain.h"

#include "asked.h"
#include "osh-destination.h"

#include <string.h>

static void note(OshPolicyExplanation *explanation, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(OshPolicyExplanation *explanation, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(explanation->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* --- What holds besides the rules ----------------------------------------------------------------
 */

/* RFC 6761, 6.3: these names always resolve to the loopback address. */
static gboolean
is_loopback_name(const char *host)
{
    return strcmp(host, "localhost") == 0 || g_str_has_suffix(host, ".localhost");
}

gboolean
osh_policy_asked_may_dial(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict,
                          guint *ret_n_addresses, char **ret_reason)
{
    const OshPolicyEndpoint *selected = verdict->selected;
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(struct in6_addr));
    struct in6_addr address;
    OshDestinationRequest request = {
        .host = asked->host,
        .port = (guint16)asked->target->port,
        .exact_declared_host = verdict->exact_declared_host,
        .allowed = selected != NULL ? selected->allowed_cidrs : NULL,
        .n_allowed = selected != NULL ? selected->n_allowed_ips : 0,
    };
    gboolean literal = osh_address_mapped_parse(asked->host, &address);

    if (literal)
        g_array_append_val(addresses, address);
    for (gsize i = 0; asked->ask->addresses != NULL && asked->ask->addresses[i] != NULL; i++)
        if (!literal && osh_address_mapped_parse(asked->ask->addresses[i], &address))
            g_array_append_val(addresses, address);
    if (addresses->len == 0 && is_loopback_name(asked->host)) {
        address = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
        g_array_append_val(addresses, address);
    }
    *ret_n_addresses = addresses->len;
    return osh_destination_check(&request, (const struct in6_addr *)(gpointer)addresses->data,
                                 addresses->len, NULL, ret_reason);
}

static void
explain_addresses(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict,
                  OshPolicyExplanation *explanation)
{
    gboolean listed = verdict->selected != NULL && verdict->selected->n_allowed_ips > 0;
    g_autofree char *reason = NULL;
    guint n_addresses;

    if (!osh_policy_asked_may_dial(asked, verdict, &n_addresses, &reason)) {
        explanation->allowed = FALSE;
        g_free(explanation->reason);
        explanation->reason =
            g_strdup_printf("the policy allows it, its address is refused: %s", reason);
        if (!listed && !verdict->exact_declared_host)
            note(explanation, "a private address needs an endpoint that names this very host, or "
                              "that lists it in allowed_ips");
        return;
    }
    if (n_addresses > 0)
        return;
    if (listed)
        note(explanation, "every address of the host must be in allowed_ips");
    else if (!verdict->exact_declared_host)
        note(explanation, "only public addresses: no endpoint names this very host");
    else
        note(explanation, "public and private addresses, since an endpoint names this very host");
}

static void
explain_path(const OshPolicyAsked *asked, gboolean uninspected, OshPolicyExplanation *explanation)
{
    if (uninspected || !osh_policy_asked_has_request(asked))
        return;
    if (asked->target->path_as_written != NULL)
        note(explanation, "the path is judged and sent as %s", asked->target->path->str);
}

/* --- The answer ---------------------------------------------------------------------------------
 */

static void
note_handling(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict, gboolean uninspected,
              OshPolicyExplanation *explanation)
{
    gboolean skips = verdict->selected != NULL && verdict->selected->tls == OSH_POLICY_TLS_SKIP;

    if (osh_policy_asked_is_skipped(asked, verdict))
        note(explanation, "the endpoint's rules do not hold for this: requests over TLS are not "
                          "inspected (tls: skip); only what is sent without TLS is judged");
    else if (uninspected && osh_policy_asked_has_request(asked))
        note(explanation, "requests are not inspected there: what is sent is not judged");
    else if (!uninspected && !osh_policy_asked_has_request(asked))
        note(explanation, skips ? "each request that is sent without TLS is judged by the "
                                  "endpoint's rules; requests over TLS are not (tls: skip)"
                                : "each request is judged by the endpoint's rules");
    else if (skips)
        note(explanation, "TLS is not decrypted (tls: skip)");
}

static gboolean
is_allowed_by_query(const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    if (rule->n_query == 0 || rule->path == NULL ||
        !osh_policy_rule_has_method(rule, question->method) ||
        osh_policy_pattern_matches(rule->path, question->path) != OSH_POLICY_YES)
        return FALSE;
    for (guint i = 0; i < rule->n_query; i++)
        if (osh_policy_query_key_matches(question, &rule->query[i], FALSE) == OSH_POLICY_NO)
            return TRUE;
    return FALSE;
}

/* The line of a denial shows no query, so that a person may ask without it. */
static void
note_query(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict,
           OshPolicyExplanation *explanation)
{
    OshFacts facts = {(const OshFact *)(gpointer)asked->facts->data, asked->facts->len};
    OshPolicyQuestion question;

    if (!osh_policy_asked_has_request(asked) || osh_policy_question_read(&facts, &question) != NULL)
        return;
    for (guint i = 0; i < verdict->n_endpoints; i++) {
        const OshPolicyEndpointMatch *match = verdict->endpoints[i]->match;

        for (guint k = 0; k < match->n_deny_rules; k++) {
            const OshPolicyRule *rule = &match->deny_rules[k];

            if (is_allowed_by_query(&question, rule))
                note(explanation, "with another query the deny rule of line %u refuses it: %s",
                     rule->line, rule->words);
        }
    }
}

/* The rules allow it: its encoded slash is refused, which no rule changes. */
static gboolean
is_refused_by_slash(const OshPolicyVerdict *verdict)
{
    return verdict->reason != NULL &&
           g_str_has_prefix(verdict->reason, "the path holds an encoded slash");
}

static void
describe(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
         const OshPolicyVerdict *verdict, gboolean uninspected, OshPolicyExplanation *explanation)
{
    explanation->allowed = verdict->action == OSH_POLICY_ALLOW;
    explanation->reason = g_strdup(verdict->reason);
    explanation->policy_name = verdict->policy_name;
    explanation->rule =
        explanation->allowed || is_refused_by_slash(verdict) || verdict->denied_by_rule
            ? verdict->rule
            : NULL;
    explanation->rule_line = osh_policy_rule_line(policy, explanation->rule, NULL);
    explanation->selected = verdict->selected;
    for (guint i = 0; i < verdict->n_endpoints; i++)
        g_ptr_array_add(explanation->endpoints, (gpointer)verdict->endpoints[i]);
    explain_path(asked, uninspected, explanation);
    if (explanation->allowed)
        explain_addresses(asked, verdict, explanation);
    if (explanation->allowed)
        note_handling(asked, verdict, uninspected, explanation);
    if (explanation->allowed && !uninspected)
        note_query(asked, verdict, explanation);
}

static gboolean
is_denied_by_rule(const OshPolicyExplanation *explanation)
{
    for (guint i = 0; i < explanation->near->len; i++) {
        const OshPolicyNear *near = g_ptr_array_index(explanation->near, i);

        for (guint k = 0; k < near->rules->len; k++)
            if (((const OshPolicyNearRule *)g_ptr_array_index(near->rules, k))->deny)
                return TRUE;
    }
    return FALSE;
}

/* Says so when not even an endpoint with this exact host could allow it. */
static void
explain_blocked(const OshPolicyAsked *asked, OshPolicyExplanation *explanation)
{
    const OshPolicyVerdict best = {.exact_declared_host = TRUE};
    g_autofree char *reason = NULL;
    guint n_addresses;

    if (!osh_policy_asked_may_dial(asked, &best, &n_addresses, &reason))
        note(explanation, "no policy can allow it: %s", reason);
}

static void
explain_denial(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
               const OshPolicyVerdict *verdict, const GString *text,
               OshPolicyExplanation *explanation)
{
    /* the rules allow it: its path or an address is refused, which no rule changes */
    if (verdict->action == OSH_POLICY_ALLOW || is_refused_by_slash(verdict))
        return;
    explanation->audited = verdict->action == OSH_POLICY_DENY && !verdict->hard &&
                           verdict->policy_name != NULL && verdict->selected != NULL &&
                           osh_policy_asked_has_request(asked) &&
                           verdict->selected->enforcement == OSH_POLICY_AUDIT;
    osh_policy_find_near(asked, policy, explanation);
    if (is_denied_by_rule(explanation))
        note(explanation, "a deny rule beats every allow: narrow or remove it");
    else if (text != NULL && !verdict->hard)
        osh_policy_suggest_change(asked, policy, text, explanation);
    explain_blocked(asked, explanation);
}

static void
explain_refused_path(const OshPolicyAsked *asked, OshPolicyExplanation *explanation)
{
    explanation->reason = g_strdup_printf("%s; such a request is refused whatever a policy says",
                                          asked->target->path_problem);
}

gboolean
osh_policy_explain(const OshPolicySnapshot *policy, const GString *text, const OshPolicyAsk *ask,
                   OshPolicyExplanation *ret_explanation, GError **error)
{
    g_autoptr(OshPolicyAsked) asked = osh_policy_asked_new(policy, ask, error);
    g_auto(OshPolicyVerdict) verdict = {0};
    OshPolicyExplanation explanation = {0};
    gboolean uninspected;

    if (asked == NULL)
        return FALSE;
    explanation.endpoints = g_ptr_array_new();
    explanation.notes = g_ptr_array_new_with_free_func(g_free);
    explanation.near = g_ptr_array_new();
    if (asked->target->path_problem != NULL) {
        explain_refused_path(asked, &explanation);
    } else {
        osh_policy_asked_decide(asked, policy, &verdict, &uninspected);
        describe(asked, policy, &verdict, uninspected, &explanation);
        if (!explanation.allowed)
            explain_denial(asked, policy, &verdict, text, &explanation);
    }
    *ret_explanation = explanation;
    return TRUE;
}

void
osh_policy_explanation_clear(OshPolicyExplanation *explanation)
{
    g_clear_pointer(&explanation->reason, g_free);
    g_clear_pointer(&explanation->endpoints, g_ptr_array_unref);
    g_clear_pointer(&explanation->notes, g_ptr_array_unref);
    g_clear_pointer(&explanation->near, g_ptr_array_unref);
    g_clear_pointer(&explanation->change_where, g_free);
    g_clear_pointer(&explanation->change_yaml, g_free);
    g_clear_pointer(&explanation->change_opens, g_free);
}
