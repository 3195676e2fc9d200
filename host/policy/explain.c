/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c: the same decision as osh_policy_decide(), told step by step.
 *
 * The answer itself comes from osh_policy_decide() alone; the rest only describes the endpoints
 * that came close. A suggested policy is built from values that passed their grammars, loaded and
 * asked again; if it would not do what it says, none is offered. Any thread.
 */
#include "explain.h"

#include "question.h"
#include "target.h"

#include <string.h>

#define MAX_CLOSE 5

typedef struct {
    const OshPolicySnapshot *policy;
    const OshPolicyTarget *target;
    const char *host; /* lower case */
    const char *method;
    const char *binary;
    const char *const *ancestors;
    OshFacts facts;
    OshPolicyVerdict *verdict;
    GString *text;
} Explanation;

static void add_line(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_line(GString *text, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    osh_policy_append_printable(text, line);
    g_string_append_c(text, '\n');
}

static gboolean
host_matches(const Explanation *explanation, const OshPolicyEndpoint *endpoint)
{
    if (endpoint->host_is_pattern)
        return osh_policy_pattern_matches(endpoint->match->host, osh_span(explanation->host)) ==
               OSH_POLICY_YES;
    return endpoint->host[0] == '\0' || strcmp(endpoint->host, explanation->host) == 0;
}

static gboolean
port_matches(const Explanation *explanation, const OshPolicyEndpoint *endpoint)
{
    for (guint i = 0; i < endpoint->n_ports; i++)
        if (endpoint->ports[i] == explanation->target->port)
            return TRUE;
    return FALSE;
}

static gboolean
image_matches(const OshPolicySnapshot *policy, const OshPolicyEntry *entry, const char *image)
{
    guint32 id = osh_policy_index_binary(policy->index, image, strlen(image));

    for (guint i = 0; i < entry->n_binaries; i++)
        if (entry->binaries[i] == id)
            return TRUE;
    for (guint i = 0; i < entry->n_binary_patterns; i++)
        if (osh_policy_pattern_matches(entry->binary_patterns[i], osh_span(image)) ==
            OSH_POLICY_YES)
            return TRUE;
    return FALSE;
}

static gboolean
binary_matches(const Explanation *explanation, const OshPolicyEntry *entry)
{
    if (image_matches(explanation->policy, entry, explanation->binary))
        return TRUE;
    for (guint i = 0; explanation->ancestors != NULL && explanation->ancestors[i] != NULL; i++)
        if (image_matches(explanation->policy, entry, explanation->ancestors[i]))
            return TRUE;
    return FALSE;
}

/* "/usr/bin/git, /usr/bin/curl" */
static char *
list_binaries(const OshPolicySnapshot *policy, const OshPolicyEntry *entry)
{
    GString *list = g_string_new(NULL);
    GHashTableIter iterator;
    gpointer path;
    gpointer id;

    g_hash_table_iter_init(&iterator, policy->binary_ids);
    while (entry->n_binaries > 0 && g_hash_table_iter_next(&iterator, &path, &id))
        for (guint i = 0; i < entry->n_binaries && list->len < 300; i++)
            if (entry->binaries[i] == GPOINTER_TO_UINT(id))
                g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", (char *)path);
    for (guint i = 0; i < entry->n_binary_patterns && list->len < 300; i++)
        g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "",
                               entry->binary_patterns[i]->text);
    return g_string_free(list, FALSE);
}

static char *
list_ports(const OshPolicyEndpoint *endpoint)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < endpoint->n_ports && i < 8; i++)
        g_string_append_printf(list, "%s%u", i > 0 ? ", " : "", endpoint->ports[i]);
    return g_string_free(list, FALSE);
}

static gboolean
rule_method_matches(const OshPolicyRule *rule, const char *method)
{
    return rule->method != NULL &&
           (rule->any_method || g_ascii_strcasecmp(rule->method, method) == 0 ||
            (g_ascii_strcasecmp(method, "HEAD") == 0 &&
             g_ascii_strcasecmp(rule->method, "GET") == 0));
}

static void
explain_rule(const Explanation *explanation, const OshPolicyRule *rule)
{
    OshSpan path = {explanation->target->path->str, explanation->target->path->len};
    gboolean method = rule_method_matches(rule, explanation->method);
    gboolean matched =
        rule->path != NULL && osh_policy_pattern_matches(rule->path, path) == OSH_POLICY_YES;

    add_line(explanation->text, "      rule %s: %s", rule->words,
             rule->method == NULL && rule->operation_type == NULL && rule->command == NULL
                 ? "has no method"
             : rule->operation_type != NULL ? "is about GraphQL operations"
             : rule->method_pattern != NULL ? "is about JSON-RPC calls"
             : !method                      ? "is for another method"
             : rule->path == NULL           ? "has no path, so it never matches"
             : !matched                     ? "its path does not match"
             : rule->n_query > 0            ? "its method and path match"
                                            : "matches");
}

/* One endpoint that came close, and the first thing that stood in the way. */
static void
explain_close(const Explanation *explanation, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEntry *entry = &explanation->policy->policies[endpoint->policy_index];
    g_autofree char *binaries = list_binaries(explanation->policy, entry);
    g_autofree char *ports = list_ports(endpoint);
    OshSpan path = {explanation->target->path->str, explanation->target->path->len};

    if (!port_matches(explanation, endpoint)) {
        add_line(explanation->text, "    %s: the host matches; it allows port %s, not %u",
                 endpoint->label, ports, explanation->target->port);
        return;
    }
    if (!binary_matches(explanation, entry)) {
        add_line(explanation->text, "    %s: host and port match; its binaries are %s",
                 endpoint->label, *binaries != '\0' ? binaries : "none, so it matches no process");
        return;
    }
    if (!explanation->target->has_path)
        return;
    if (endpoint->match->path != NULL &&
        osh_policy_pattern_matches(endpoint->match->path, path) != OSH_POLICY_YES) {
        add_line(explanation->text, "    %s: reachable; its path %s does not cover %s",
                 endpoint->label, endpoint->path, path.data);
        return;
    }
    add_line(explanation->text, "    %s: reachable; %s", endpoint->label,
             endpoint->match->n_rules == 0 ? "it has no rules about requests" : "its allow rules:");
    for (guint i = 0; i < endpoint->match->n_rules && i < 12; i++)
        explain_rule(explanation, &endpoint->match->rules[i]);
    for (guint i = 0; i < endpoint->match->n_deny_rules && i < 12; i++)
        add_line(explanation->text, "      deny %s", endpoint->match->deny_rules[i].words);
}

static void
explain_near_names(const Explanation *explanation)
{
    guint shown = 0;
    const char *domain = strchr(explanation->host, '.');

    for (guint i = 0; i < explanation->policy->n_endpoints && shown < MAX_CLOSE; i++) {
        const OshPolicyEndpoint *endpoint = &explanation->policy->endpoints[i];
        const char *one[] = {endpoint->host, NULL};
        gboolean same_domain = domain != NULL && strchr(domain + 1, '.') != NULL &&
                               g_str_has_suffix(endpoint->host, domain);

        if (*endpoint->host == '\0' ||
            (!same_domain && osh_policy_nearest_word(explanation->host, one) == NULL))
            continue;
        add_line(explanation->text, "    %s: another host", endpoint->label);
        shown++;
    }
}

static void
explain_denial(const Explanation *explanation)
{
    guint shown = 0;

    add_line(explanation->text, "  close:");
    for (guint i = 0; i < explanation->policy->n_endpoints && shown < MAX_CLOSE; i++) {
        const OshPolicyEndpoint *endpoint = &explanation->policy->endpoints[i];

        if (!host_matches(explanation, endpoint))
            continue;
        explain_close(explanation, endpoint);
        shown++;
    }
    if (shown == 0) {
        gsize before = explanation->text->len;

        explain_near_names(explanation);
        if (explanation->text->len == before)
            add_line(explanation->text, "    nothing: no endpoint names this host");
    }
}

/* Only what cannot be mistaken for YAML syntax or a wildcard. */
static gboolean
is_plain(const char *text)
{
    return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789._-/+~") == strlen(text);
}

static char *
suggested_policy(const Explanation *explanation)
{
    GString *text = g_string_new("version: 1\nnetwork_policies:\n");

    g_string_append_printf(text, "  allow_%u:\n    endpoints:\n      - host: \"%s\"\n",
                           explanation->target->port, explanation->host);
    g_string_append_printf(text, "        port: %u\n", explanation->target->port);
    if (explanation->target->has_path)
        g_string_append_printf(text,
                               "        protocol: rest\n        enforcement: enforce\n        "
                               "rules:\n          - allow: { method: %s, path: \"%s\" }\n",
                               explanation->method, explanation->target->path->str);
    g_string_append_printf(text, "    binaries:\n      - path: \"%s\"\n", explanation->binary);
    return g_string_free(text, FALSE);
}

static void
suggest(const Explanation *explanation)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;
    g_autofree char *text = NULL;
    g_auto(OshPolicyVerdict) verdict = {0};
    const char *body;

    if (!is_plain(explanation->host) || explanation->binary[0] != '/' ||
        !is_plain(explanation->binary) || strchr(explanation->host, '.') == NULL ||
        (explanation->target->has_path &&
         (!is_plain(explanation->method) || !is_plain(explanation->target->path->str))))
        return;
    text = suggested_policy(explanation);
    policy = osh_policy_load_bytes(text, strlen(text), "suggestion", 1, 0, diagnostics);
    if (policy == NULL)
        return;
    osh_policy_decide(policy, &explanation->facts, &verdict);
    if (verdict.action != OSH_POLICY_ALLOW)
        return;
    body = strstr(text, "network_policies:");
    g_string_append(explanation->text, "  to allow it, add or extend:\n");
    g_string_append(explanation->text, body);
}

static void
explain_allow(const Explanation *explanation)
{
    const OshPolicyVerdict *verdict = explanation->verdict;

    add_line(explanation->text, "  policy   %s", verdict->policy_name);
    add_line(explanation->text, "  rule     %s", verdict->rule);
    for (guint i = 0; i < verdict->n_endpoints; i++)
        add_line(explanation->text, "  endpoint %s%s", verdict->endpoints[i]->label,
                 verdict->endpoints[i] == verdict->selected ? " (its options apply)" : "");
    if (verdict->selected != NULL && verdict->selected->n_allowed_ips > 0)
        add_line(explanation->text, "  then     every address of the host must be in allowed_ips");
    else if (!verdict->exact_declared_host)
        add_line(explanation->text, "  then     only public addresses: no endpoint names this very "
                                    "host");
    if (!explanation->target->has_path && verdict->selected != NULL &&
        verdict->selected->match->n_rules > 0)
        add_line(explanation->text, "  then     each request is judged by the endpoint's rules");
}

static void
explain(Explanation *explanation)
{
    const OshPolicyVerdict *verdict = explanation->verdict;
    gboolean audit = verdict->action == OSH_POLICY_DENY && !verdict->hard &&
                     explanation->target->has_path && verdict->policy_name != NULL &&
                     verdict->selected != NULL &&
                     verdict->selected->enforcement == OSH_POLICY_AUDIT;

    if (verdict->action == OSH_POLICY_ALLOW) {
        add_line(explanation->text, "allowed");
        explain_allow(explanation);
        return;
    }
    add_line(explanation->text, "%s: %s",
             audit ? "denied by the rules, but only audited (logged and forwarded)" : "denied",
             verdict->reason);
    if (verdict->policy_name != NULL)
        add_line(explanation->text, "  policy   %s lets the connection through",
                 verdict->policy_name);
    explain_denial(explanation);
    if (strstr(verdict->reason, "blocked by") == NULL)
        suggest(explanation);
}

gboolean
osh_policy_explain(const OshPolicySnapshot *policy, const char *method, const char *target,
                   const char *binary, const char *const *ancestors,
                   OshPolicyExplanation *ret_explanation, GError **error)
{
    g_autoptr(OshPolicyTarget) read = osh_policy_target_new(target, error);
    g_autofree char *host = NULL;
    g_autofree OshSpan *spans = NULL;
    g_auto(OshPolicyVerdict) verdict = {0};
    guint n_ancestors = ancestors != NULL ? g_strv_length((char **)ancestors) : 0;
    Explanation explanation = {0};

    if (read == NULL)
        return FALSE;
    if (method != NULL && !read->has_path) {
        g_string_assign(read->path, "/");
        read->has_path = TRUE;
    }
    if (method == NULL)
        method = "GET";
    host = g_ascii_strdown(read->host, -1);
    spans = g_new0(OshSpan, n_ancestors + 1);
    for (guint i = 0; i < n_ancestors; i++)
        spans[i] = osh_span(ancestors[i]);
    {
        OshFact facts[] = {
            OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(read->host)),
            OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, read->port),
            OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(binary)),
            OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, spans, n_ancestors),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(method)),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(read->path->str)),
            OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY,
                                  (const OshFactRecord *)(gpointer)read->query->data,
                                  read->query->len),
        };
        explanation = (Explanation){
            policy,
            read,
            host,
            method,
            binary,
            ancestors,
            {facts, read->has_path ? G_N_ELEMENTS(facts) : 4},
            &verdict,
            g_string_new(NULL),
        };
        osh_policy_decide(policy, &explanation.facts, &verdict);
        explain(&explanation);
    }
    ret_explanation->allowed = verdict.action == OSH_POLICY_ALLOW;
    ret_explanation->text = g_string_free(explanation.text, FALSE);
    return TRUE;
}

void
osh_policy_explanation_clear(OshPolicyExplanation *explanation)
{
    g_clear_pointer(&explanation->text, g_free);
}
