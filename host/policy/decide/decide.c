/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c: the pure decision.
 *
 * Finds the endpoints that host and port select, keeps those whose policy also names the binary,
 * and, when there is a request, asks their rules. Reads only the snapshot and the facts, changes
 * nothing, allocates nothing on the way to an allow; any thread. It must never grant anything
 * because of the command line, which its process can forge.
 */
#include "question.h"
#include "reason.h"
#include "schema-protocol.h"

#include "osh-request-path.h"

#include <string.h>

#define INLINE_CANDIDATES 64

/* Endpoint numbers; the top bit says that the host was named exactly. */
#define EXACT_BIT 0x80000000u

typedef struct {
    const OshPolicySnapshot *snapshot;
    OshPolicyQuestion question;
    guint32 *candidates;
    guint n_candidates;
    guint capacity;
    guint32 images[OSH_POLICY_CACHED_IMAGES + 1]; /* ids of the executable and its ancestors */
    guint n_images;
    guint32 inline_candidates[INLINE_CANDIDATES];
} Decision;

static gboolean
collect(guint endpoint, gboolean exact, gpointer data)
{
    Decision *decision = data;

    if (decision->n_candidates == decision->capacity) {
        guint32 *larger = g_new(guint32, (gsize)decision->capacity * 2);

        memcpy(larger, decision->candidates, decision->n_candidates * sizeof(guint32));
        if (decision->candidates != decision->inline_candidates)
            g_free(decision->candidates);
        decision->candidates = larger;
        decision->capacity *= 2;
    }
    decision->candidates[decision->n_candidates++] = endpoint | (exact ? EXACT_BIT : 0);
    return TRUE;
}

static gint
compare_candidates(gconstpointer a, gconstpointer b)
{
    guint32 left = *(const guint32 *)a & ~EXACT_BIT;
    guint32 right = *(const guint32 *)b & ~EXACT_BIT;

    return left < right ? -1 : left > right;
}

static void
sort_candidates(Decision *decision)
{
    guint32 *items = decision->candidates;

    if (decision->n_candidates > 16) {
        qsort(items, decision->n_candidates, sizeof(*items), compare_candidates);
        return;
    }
    for (guint i = 1; i < decision->n_candidates; i++) {
        guint32 item = items[i];
        guint k = i;

        for (; k > 0 && (items[k - 1] & ~EXACT_BIT) > (item & ~EXACT_BIT); k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

static OshSpan
image(const OshPolicyQuestion *question, guint number)
{
    return number == 0 ? question->binary : question->ancestors[number - 1];
}

static guint32
image_id(const Decision *decision, guint number)
{
    OshSpan path;

    if (number < decision->n_images)
        return decision->images[number];
    path = image(&decision->question, number);
    return osh_policy_index_binary(decision->snapshot->index, path.data, path.length);
}

gboolean
osh_policy_entry_has_binary(const OshPolicyEntry *entry, guint32 id)
{
    guint low = 0;
    guint high = entry->n_binaries;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (entry->binaries[middle] == id)
            return TRUE;
        if (entry->binaries[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return FALSE;
}

/* Whether the executable or an ancestor is one of the policy's binaries. */
static OshPolicyAnswer
match_binary(const Decision *decision, const OshPolicyEntry *entry)
{
    const OshPolicyQuestion *question = &decision->question;
    guint n_images = question->n_ancestors + 1;
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_FIRST_YES);

    if (question->relaxed)
        return OSH_POLICY_YES;
    if (entry->n_binaries > 0)
        for (guint i = 0; i < n_images; i++)
            if (osh_policy_entry_has_binary(entry, image_id(decision, i)))
                return OSH_POLICY_YES;
    for (guint k = 0; k < entry->n_binary_patterns; k++)
        for (guint i = 0; i < n_images; i++)
            if (osh_policy_fold_add(
                    OSH_POLICY_FOLD_FIRST_YES, &answer,
                    osh_policy_pattern_matches(entry->binary_patterns[k], image(question, i))))
                return answer;
    return answer;
}

/* Whether the binary matches also without those that a proposal added. */
static gboolean
is_declared(const Decision *decision, const OshPolicyEntry *entry)
{
    return entry->declared == NULL || match_binary(decision, entry->declared) == OSH_POLICY_YES;
}

static void
add_endpoint(OshPolicyVerdict *verdict, const OshPolicyEndpoint *endpoint)
{
    guint n = verdict->n_endpoints;

    if (n < OSH_POLICY_INLINE_ENDPOINTS) {
        verdict->inline_endpoints[n] = endpoint;
        verdict->endpoints = verdict->inline_endpoints;
    } else {
        if (n == OSH_POLICY_INLINE_ENDPOINTS) {
            verdict->heap_endpoints = g_new(const OshPolicyEndpoint *, 4 * (gsize)n);
            memcpy(verdict->heap_endpoints, verdict->inline_endpoints,
                   n * sizeof(verdict->inline_endpoints[0]));
        } else if ((n & (n - 1)) == 0 && n >= 4 * OSH_POLICY_INLINE_ENDPOINTS) {
            verdict->heap_endpoints =
                g_renew(const OshPolicyEndpoint *, verdict->heap_endpoints, 2 * (gsize)n);
        }
        verdict->heap_endpoints[n] = endpoint;
        verdict->endpoints = verdict->heap_endpoints;
    }
    verdict->n_endpoints = n + 1;
}

/*
 * Keeps the candidates whose policy names the binary, and notes what the connection needs to know.
 * Returns FALSE when a binary could not be judged.
 */
static gboolean
keep_permitted(Decision *decision, OshPolicyVerdict *verdict)
{
    const OshPolicySnapshot *snapshot = decision->snapshot;
    guint kept = 0;
    guint policy = G_MAXUINT;
    OshPolicyAnswer permitted = OSH_POLICY_NO;

    for (guint i = 0; i < decision->n_candidates; i++) {
        guint32 candidate = decision->candidates[i];
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[candidate & ~EXACT_BIT];

        if (endpoint->policy_index != policy) {
            policy = endpoint->policy_index;
            permitted = match_binary(decision, &snapshot->policies[policy]);
            if (permitted == OSH_POLICY_UNKNOWN)
                return FALSE;
        }
        if (permitted == OSH_POLICY_NO)
            continue;
        if (verdict->policy_name == NULL) {
            verdict->policy_name = endpoint->policy_name;
            verdict->rule = endpoint->label;
        }
        verdict->exact_declared_host |= (candidate & EXACT_BIT) != 0 && !endpoint->is_proposed &&
                                        is_declared(decision, &snapshot->policies[policy]);
        if (endpoint->has_config)
            add_endpoint(verdict, endpoint);
        decision->candidates[kept++] = candidate;
    }
    decision->n_candidates = kept;
    return TRUE;
}

/* The endpoint whose path fits best; of equals, the last. */
static void
select_endpoint(const OshPolicyQuestion *question, OshPolicyVerdict *verdict)
{
    verdict->selected = NULL;
    if (!question->is_request) {
        verdict->selected = verdict->n_endpoints > 0 ? verdict->endpoints[0] : NULL;
        return;
    }
    for (guint i = 0; i < verdict->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = verdict->endpoints[i];

        if (!osh_policy_path_selects(endpoint->match, endpoint->path, question->path))
            continue;
        if (verdict->selected == NULL ||
            endpoint->match->path_specificity >= verdict->selected->match->path_specificity)
            verdict->selected = endpoint;
    }
}

static void
judge_request(const Decision *decision, const OshFactRecord *call, OshPolicyRequestAnswer *answer)
{
    const OshPolicyQuestion *question = &decision->question;

    memset(answer, 0, sizeof(*answer));
    for (guint i = 0; i < decision->n_candidates; i++) {
        const OshPolicyEndpoint *endpoint =
            &decision->snapshot->endpoints[decision->candidates[i] & ~EXACT_BIT];

        if (endpoint->match->path != NULL) {
            OshPolicyAnswer here =
                osh_policy_pattern_matches(endpoint->match->path, question->path);

            if (here == OSH_POLICY_UNKNOWN)
                osh_policy_fold_add(OSH_POLICY_FOLD_FIRST_YES, &answer->denied, here);
            if (here != OSH_POLICY_YES)
                continue;
        }
        osh_policy_request_judge(question, call, endpoint, answer);
    }
}

static OshPolicyAction
request_action(const OshPolicyRequestAnswer *answer)
{
    if (answer->denied == OSH_POLICY_YES || answer->graphql_refused ||
        answer->mcp != OSH_POLICY_MCP_FITS)
        return OSH_POLICY_DENY;
    if (answer->denied == OSH_POLICY_UNKNOWN || answer->allowed == OSH_POLICY_UNKNOWN)
        return OSH_POLICY_ERROR;
    return answer->allowed == OSH_POLICY_YES ? OSH_POLICY_ALLOW : OSH_POLICY_DENY;
}

/* What is meant for an MCP endpoint must be MCP as that endpoint accepts it, whatever else allows.
 */
static OshPolicyMcpFit
mcp_fit(const OshPolicyQuestion *question, const OshFactRecord *call,
        const OshPolicyEndpoint *selected)
{
    if (selected == NULL || selected->protocol != OSH_POLICY_PROTOCOL_MCP)
        return OSH_POLICY_MCP_FITS;
    return osh_policy_mcp_fit(question, call, selected);
}

/* A batch is judged call by call: one refusal refuses all. */
static void
decide_request(const Decision *decision, OshPolicyVerdict *verdict)
{
    const OshPolicyQuestion *question = &decision->question;
    guint n_calls = MAX(question->n_calls, 1);

    for (guint i = 0; i < n_calls; i++) {
        const OshFactRecord *call = question->n_calls > 0 ? &question->calls[i] : NULL;
        OshPolicyRequestAnswer answer;

        judge_request(decision, call, &answer);
        answer.graphql_refused = verdict->selected != NULL && !question->has_graphql &&
                                 verdict->selected->protocol == OSH_POLICY_PROTOCOL_GRAPHQL;
        answer.mcp = mcp_fit(question, call, verdict->selected);
        verdict->action = request_action(&answer);
        verdict->rule = answer.deny_rule != NULL    ? answer.deny_rule->words
                        : answer.allow_rule != NULL ? answer.allow_rule->words
                                                    : verdict->rule;
        if (verdict->action == OSH_POLICY_ALLOW)
            continue;
        verdict->hard = verdict->action == OSH_POLICY_ERROR || question->has_graphql_error ||
                        question->has_jsonrpc_error || answer.response_refused ||
                        answer.mcp != OSH_POLICY_MCP_FITS;
        verdict->denied_by_rule = answer.deny_rule != NULL && answer.denied != OSH_POLICY_NO;
        verdict->rule_missing = !verdict->hard && !answer.graphql_refused &&
                                answer.denied == OSH_POLICY_NO && verdict->policy_name != NULL;
        verdict->reason = osh_policy_request_reason(question, &answer, call, verdict);
        return;
    }
}

/* Returns: (nullable): who has to look into the content of a message before the rules of the
 * endpoint that was chosen can be about it. */
static const char *
inspector_of(const OshPolicyQuestion *question, const OshPolicyVerdict *verdict)
{
    const OshPolicyEndpoint *selected = verdict->selected;

    if (selected == NULL || verdict->action == OSH_POLICY_ERROR)
        return NULL;
    switch (selected->protocol) {
    case OSH_POLICY_PROTOCOL_JSONRPC:
    case OSH_POLICY_PROTOCOL_MCP:
        return question->has_jsonrpc ? NULL : osh_schema_protocol_name(selected->protocol);
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
        if (!selected->has_graphql_rules ||
            !osh_policy_span_equal_fold(question->method, "WEBSOCKET_TEXT"))
            return NULL;
        return question->has_graphql ? NULL : osh_schema_protocol_name(OSH_POLICY_PROTOCOL_GRAPHQL);
    case OSH_POLICY_PROTOCOL_GRAPHQL:
        return question->has_graphql ? NULL : osh_schema_protocol_name(selected->protocol);
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_TCP:
    case OSH_POLICY_PROTOCOL_REST:
    case OSH_POLICY_PROTOCOL_SQL:
    case OSH_POLICY_PROTOCOL_PLUGIN:
    default:
        return NULL;
    }
}

/* Servers read an encoded slash as a part of a name or as a border of the path; only an endpoint
 * can say that its server reads it as the former. Audit mode does not soften this refusal. */
static void
refuse_encoded_slash(const OshPolicyQuestion *question, OshPolicyVerdict *verdict)
{
    const OshPolicyEndpoint *selected = verdict->selected;

    if (!osh_request_path_has_encoded_slash(question->path.data, question->path.length) ||
        (selected != NULL && selected->allow_encoded_slash))
        return;
    verdict->hard = TRUE;
    verdict->inspector = NULL;
    verdict->rule_missing = FALSE;
    if (verdict->action != OSH_POLICY_ALLOW)
        return;
    verdict->action = OSH_POLICY_DENY;
    verdict->reason = osh_policy_encoded_slash_reason(selected);
}

/* Returns: (nullable): an endpoint that allows the connection and that nobody can look into. */
static const OshPolicyEndpoint *
find_opaque(const Decision *decision)
{
    for (guint i = 0; i < decision->n_candidates; i++) {
        const OshPolicyEndpoint *endpoint =
            &decision->snapshot->endpoints[decision->candidates[i] & ~EXACT_BIT];

        if (endpoint->tls == OSH_POLICY_TLS_SKIP || endpoint->protocol == OSH_POLICY_PROTOCOL_TCP)
            return endpoint;
    }
    return NULL;
}

/* What a middleware has to see must not go where nobody can look into it. */
static void
judge_middleware(const Decision *decision, OshPolicyVerdict *verdict)
{
    const OshPolicyQuestion *question = &decision->question;
    const OshPolicyEndpoint *opaque;

    verdict->middleware =
        osh_policy_middleware_strictest(decision->snapshot, question->host, question->host_length);
    if (verdict->middleware == NULL)
        return;
    opaque = find_opaque(decision);
    verdict->is_opaque = opaque != NULL;
    if (opaque == NULL || verdict->middleware->allow_uninspectable)
        return;
    verdict->action = OSH_POLICY_DENY;
    verdict->hard = TRUE;
    verdict->reason = g_strdup_printf(
        "middleware '%s' has to inspect what goes to this host, which %s of %s rules out; exclude "
        "the host from the middleware, or write on_uninspectable: allow",
        verdict->middleware->name,
        opaque->tls == OSH_POLICY_TLS_SKIP ? "tls: skip" : "protocol: tcp", opaque->label);
}

static void
decide(Decision *decision, OshPolicyVerdict *verdict)
{
    const OshPolicySnapshot *snapshot = decision->snapshot;
    OshPolicyQuestion *question = &decision->question;
    gboolean has_nul = memchr(question->host, '\0', question->host_length) != NULL;

    if (has_nul && osh_policy_index_has_wildcards(snapshot->index)) {
        verdict->action = OSH_POLICY_ERROR;
        verdict->hard = TRUE;
        verdict->reason = g_strdup("policy evaluation failed: the host name holds a NUL byte");
        return;
    }
    decision->n_images = MIN(question->n_ancestors, OSH_POLICY_CACHED_IMAGES) + 1;
    for (guint i = 0; i < decision->n_images; i++) {
        OshSpan path = image(question, i);

        decision->images[i] = osh_policy_index_binary(snapshot->index, path.data, path.length);
    }
    osh_policy_index_walk(snapshot, question->host, question->host_length, question->port, collect,
                          decision);
    sort_candidates(decision);
    if (!keep_permitted(decision, verdict)) {
        verdict->action = OSH_POLICY_ERROR;
        verdict->hard = TRUE;
        verdict->reason = g_strdup("policy evaluation failed: a binary path holds a NUL byte");
        return;
    }
    select_endpoint(question, verdict);
    if (verdict->policy_name != NULL && !question->is_request) {
        verdict->action = OSH_POLICY_ALLOW;
        judge_middleware(decision, verdict);
        return;
    }
    if (question->is_request) {
        decide_request(decision, verdict);
        verdict->inspector = inspector_of(question, verdict);
        refuse_encoded_slash(question, verdict);
        return;
    }
    verdict->reason = osh_policy_network_reason(snapshot, question);
}

void
osh_policy_decide(const OshPolicySnapshot *snapshot, const OshFacts *facts,
                  OshPolicyVerdict *ret_verdict)
{
    OshPolicyVerdict *verdict = ret_verdict;
    Decision decision;
    const char *problem;

    verdict->action = OSH_POLICY_DENY;
    verdict->hard = FALSE;
    verdict->policy_name = NULL;
    verdict->rule = NULL;
    verdict->reason = NULL;
    verdict->rule_missing = FALSE;
    verdict->denied_by_rule = FALSE;
    verdict->exact_declared_host = FALSE;
    verdict->endpoints = NULL;
    verdict->n_endpoints = 0;
    verdict->selected = NULL;
    verdict->middleware = NULL;
    verdict->is_opaque = FALSE;
    verdict->inspector = NULL;
    verdict->heap_endpoints = NULL;
    verdict->generation = snapshot->generation;
    if (snapshot->quarantine != NULL) {
        verdict->hard = TRUE;
        verdict->reason = g_strdup(snapshot->quarantine);
        return;
    }
    decision.snapshot = snapshot;
    decision.candidates = decision.inline_candidates;
    decision.n_candidates = 0;
    decision.capacity = INLINE_CANDIDATES;
    problem = osh_policy_question_read(facts, &decision.question);
    if (problem != NULL) {
        verdict->action = OSH_POLICY_ERROR;
        verdict->hard = TRUE;
        verdict->reason = g_strdup_printf("policy evaluation failed: %s", problem);
        return;
    }
    decide(&decision, verdict);
    if (decision.candidates != decision.inline_candidates)
        g_free(decision.candidates);
}

void
osh_policy_verdict_clear(OshPolicyVerdict *verdict)
{
    g_clear_pointer(&verdict->reason, g_free);
    g_clear_pointer(&verdict->heap_endpoints, g_free);
    verdict->endpoints = NULL;
    verdict->n_endpoints = 0;
}

static gboolean
stop_at_reachable(guint endpoint, gboolean exact, gpointer data)
{
    const OshPolicySnapshot *snapshot = data;
    const OshPolicyEntry *entry = &snapshot->policies[snapshot->endpoints[endpoint].policy_index];

    (void)exact;
    return entry->n_binaries == 0 && entry->n_binary_patterns == 0;
}

gboolean
osh_policy_name_is_known(const OshPolicySnapshot *snapshot, const char *host)
{
    char lower[OSH_POLICY_MAX_HOST + 1];
    gsize length = strlen(host);

    if (length == 0 || length > OSH_POLICY_MAX_HOST)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        lower[i] = g_ascii_tolower(host[i]);
    return !osh_policy_index_walk(snapshot, lower, length, 0, stop_at_reachable,
                                  (gpointer)snapshot);
}
