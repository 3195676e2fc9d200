/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-near.c: the endpoints that came close to a denied question, and what stood in the way.
 *
 * The distance of an endpoint is a set of bits, the heaviest first: host, port, binary, path,
 * rules. May allocate; any thread.
 */
#include "asked.h"

#include <string.h>

#define MAX_NEAR  5
#define MAX_RULES 12
#define MAX_LIST  300

enum {
    FAR_RULES = 1 << 0,
    FAR_PATH = 1 << 1,
    FAR_BINARY = 1 << 2,
    FAR_PORT = 1 << 3,
    FAR_HOST = 1 << 4,
};

typedef struct {
    guint endpoint;
    guint distance;
} Candidate;

static gboolean
image_matches(const OshPolicySnapshot *policy, const OshPolicyEntry *entry, const char *image)
{
    guint32 id = osh_policy_index_binary(policy->index, image, strlen(image));
    const OshPolicyMatcher patterns = {.patterns = entry->binary_patterns,
                                       .n_patterns = entry->n_binary_patterns};

    return osh_policy_entry_has_binary(entry, id) ||
           osh_policy_matcher_matches(&patterns, osh_span(image)) == OSH_POLICY_YES;
}

static gboolean
binary_matches(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
               const OshPolicyEntry *entry)
{
    const char *const *ancestors = asked->ask->ancestors;

    if (image_matches(policy, entry, asked->ask->binary))
        return TRUE;
    for (guint i = 0; ancestors != NULL && ancestors[i] != NULL; i++)
        if (image_matches(policy, entry, ancestors[i]))
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
        for (guint i = 0; i < entry->n_binaries && list->len < MAX_LIST; i++)
            if (entry->binaries[i] == GPOINTER_TO_UINT(id))
                g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", (char *)path);
    for (guint i = 0; i < entry->n_binary_patterns && list->len < MAX_LIST; i++)
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

/* What a wildcard host ends in: `.example.com` of `*.example.com`. */
static const char *
fixed_end(const char *host)
{
    const char *star = strrchr(host, '*');

    return star != NULL ? star + 1 : host;
}

static gboolean
is_near_name(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint)
{
    const char *domain = strchr(asked->host, '.');
    const char *one[] = {endpoint->host, NULL};
    const char *end = fixed_end(endpoint->host);

    if (endpoint->host[0] == '\0')
        return FALSE;
    if (endpoint->host_is_pattern)
        return *end == '.' &&
               (g_str_has_suffix(asked->host, end) || strcmp(asked->host, end + 1) == 0);
    return (domain != NULL && strchr(domain + 1, '.') != NULL &&
            g_str_has_suffix(endpoint->host, domain)) ||
           (domain != NULL && strcmp(endpoint->host, domain + 1) == 0) ||
           osh_policy_nearest_word(asked->host, one) != NULL;
}

static gboolean
path_matches(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint)
{
    OshSpan path = {asked->target->path->str, asked->target->path->len};

    return endpoint->match->path == NULL ||
           osh_policy_pattern_matches(endpoint->match->path, path) == OSH_POLICY_YES;
}

/* The distance of @endpoint, or G_MAXUINT when its host is not even similar. */
static guint
distance_of(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
            const OshPolicyEndpoint *endpoint)
{
    guint distance = osh_policy_asked_has_request(asked) ? FAR_RULES : 0;

    if (!osh_policy_host_matches(asked, endpoint)) {
        if (!is_near_name(asked, endpoint))
            return G_MAXUINT;
        distance |= FAR_HOST;
    }
    if (!osh_policy_port_matches(asked, endpoint))
        distance |= FAR_PORT;
    if (!binary_matches(asked, policy, &policy->policies[endpoint->policy_index]))
        distance |= FAR_BINARY;
    if (osh_policy_asked_has_request(asked) && !path_matches(asked, endpoint))
        distance |= FAR_PATH;
    return distance;
}

static void add_why(OshPolicyNear *near, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_why(OshPolicyNear *near, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(near->why, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void
explain_host(const OshPolicyAsked *asked, OshPolicyNear *near)
{
    const char *host = near->endpoint->host;
    const char *end = fixed_end(host);

    if (near->endpoint->host_is_pattern && strcmp(asked->host, end + 1) == 0)
        add_why(near, "%s covers what stands before %s, not %s itself", host, end, asked->host);
    else if (near->endpoint->host_is_pattern && host[0] == '*' && host[1] == '.')
        add_why(near, "%s is one label before %s; **%s is any number", host, end, end);
    else
        add_why(near, "it is for the host %s", host);
}

static void
explain_way(const OshPolicyAsked *asked, const OshPolicySnapshot *policy, OshPolicyNear *near)
{
    const OshPolicyEndpoint *endpoint = near->endpoint;
    g_autofree char *ports = list_ports(endpoint);
    g_autofree char *binaries = list_binaries(policy, &policy->policies[endpoint->policy_index]);

    if (near->distance & FAR_HOST)
        explain_host(asked, near);
    if (near->distance & FAR_PORT)
        add_why(near, "it allows port %s, not %u", ports, asked->target->port);
    if (near->distance & FAR_BINARY)
        add_why(near, "its binaries are %s",
                *binaries != '\0' ? binaries : "none, so it matches no process");
    if (near->distance & FAR_PATH)
        add_why(near, "its path %s does not cover %s", endpoint->path, asked->target->path->str);
}

static void
near_rule_free(gpointer data)
{
    OshPolicyNearRule *rule = data;

    g_free(rule->why);
    g_free(rule);
}

static void
near_free(gpointer data)
{
    OshPolicyNear *near = data;

    g_ptr_array_unref(near->why);
    g_ptr_array_unref(near->rules);
    g_free(near);
}

static void
add_rule(OshPolicyNear *near, const OshPolicyRule *rule, gboolean deny, guint number, char *why)
{
    OshPolicyNearRule *entry = g_new0(OshPolicyNearRule, 1);

    *entry = (OshPolicyNearRule){deny, number, rule->line, rule->words, why};
    g_ptr_array_add(near->rules, entry);
}

static void
explain_rules(const OshPolicyQuestion *question, OshPolicyNear *near)
{
    const OshPolicyEndpoint *endpoint = near->endpoint;
    const OshPolicyEndpointMatch *match = endpoint->match;

    for (guint i = 0; i < match->n_deny_rules && near->rules->len < MAX_RULES; i++) {
        g_autofree char *why =
            osh_policy_rule_why_not(question, endpoint, &match->deny_rules[i], TRUE);

        g_autofree char *missing =
            why == NULL ? osh_policy_rule_missing_facts(question, &match->deny_rules[i]) : NULL;

        if (missing != NULL)
            add_why(near, "%s", missing);
        if (why == NULL)
            add_rule(near, &match->deny_rules[i], TRUE, i + 1, NULL);
    }
    for (guint i = 0; i < match->n_rules && near->rules->len < MAX_RULES; i++)
        add_rule(near, &match->rules[i], FALSE, i + 1,
                 osh_policy_rule_why_not(question, endpoint, &match->rules[i], FALSE));
    if (match->n_rules + match->n_deny_rules == 0)
        add_why(near, "it has no rules about requests");
}

static gint
compare_candidates(gconstpointer a, gconstpointer b)
{
    const Candidate *left = a;
    const Candidate *right = b;

    if (left->distance != right->distance)
        return left->distance < right->distance ? -1 : 1;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

/* Endpoints of similar hosts are shown only when no endpoint is for the host itself. */
static void
drop_other_hosts(GArray *candidates)
{
    guint of_host = 0;

    while (of_host < candidates->len &&
           !(g_array_index(candidates, Candidate, of_host).distance & FAR_HOST))
        of_host++;
    if (of_host > 0)
        g_array_set_size(candidates, of_host);
}

void
osh_policy_find_near(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                     OshPolicyExplanation *explanation)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    OshFacts facts = {(const OshFact *)(gpointer)asked->facts->data, asked->facts->len};
    OshPolicyQuestion question;
    gboolean readable = osh_policy_question_read(&facts, &question) == NULL;

    g_ptr_array_set_free_func(explanation->near, near_free);
    for (guint i = 0; i < policy->n_endpoints; i++) {
        Candidate candidate = {i, distance_of(asked, policy, &policy->endpoints[i])};

        if (candidate.distance != G_MAXUINT)
            g_array_append_val(candidates, candidate);
    }
    g_array_sort(candidates, compare_candidates);
    drop_other_hosts(candidates);
    explanation->n_near = candidates->len;
    explanation->searched = TRUE;
    for (guint i = 0; i < candidates->len && i < MAX_NEAR; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        OshPolicyNear *near = g_new0(OshPolicyNear, 1);

        near->endpoint = &policy->endpoints[candidate->endpoint];
        near->line = near->endpoint->match->line;
        near->distance = candidate->distance;
        near->why = g_ptr_array_new_with_free_func(g_free);
        near->rules = g_ptr_array_new_with_free_func(near_rule_free);
        explain_way(asked, policy, near);
        if (readable && near->distance == FAR_RULES)
            explain_rules(&question, near);
        g_ptr_array_add(explanation->near, near);
    }
}
