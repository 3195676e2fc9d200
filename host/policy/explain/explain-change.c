/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-change.c: the smallest change of a policy that allows what it denies.
 *
 * Each candidate is made on a draft of the policy's own file, written, loaded as any policy and
 * asked again; only one that is allowed then is offered, as the text that the writer made of it
 * (security rule 13, text from the box). May allocate; any thread.
 */
#include "asked.h"
#include "draft.h"
#include "endpoint-key.h"
#include "osh-address-class.h"
#include "schema-protocol.h"

#include <string.h>

typedef struct {
    const OshPolicyAsked *asked;
    const OshPolicySnapshot *policy;
    OshDraft *draft;
    OshPolicyExplanation *explanation;
} Change;

/* A name or an address, not a pattern. */
static gboolean
is_host(const char *host)
{
    OshAddress address;

    return osh_address_parse(host, -1, &address) ||
           (*host != '\0' && strlen(host) <= 253 && host[0] != '.' && host[0] != '-' &&
            strstr(host, "..") == NULL &&
            strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(host));
}

static gboolean
is_binary(const char *path)
{
    for (const char *p = path; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("._-/+~@,=:", *p) == NULL)
            return FALSE;
    return path[0] == '/' && path[1] != '\0' && strlen(path) <= 4096;
}

/* Whether @draft, as a file, allows what is asked. */
static gboolean
holds(const Change *change, const OshDraft *draft)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *text = osh_draft_write(draft, NULL);
    g_autoptr(OshPolicySnapshot) policy =
        text != NULL
            ? osh_policy_load(&(OshPolicyLoadRequest){.protocols = change->policy->protocols,
                                                      .text = text,
                                                      .length = strlen(text),
                                                      .file_name = "changed",
                                                      .generation = 1,
                                                      .flags = OSH_POLICY_RESOLVE_LINKS},
                              diagnostics)
            : NULL;
    g_auto(OshPolicyVerdict) verdict = {0};
    g_autofree char *reason = NULL;
    gboolean uninspected;
    guint n_addresses;

    if (policy == NULL)
        return FALSE;
    osh_policy_asked_decide(change->asked, policy, &verdict, &uninspected);
    return verdict.action == OSH_POLICY_ALLOW &&
           osh_policy_asked_may_dial(change->asked, &verdict, &n_addresses, &reason);
}

/* The lines below @key of the only policy of @shown, without their indentation. */
static char *
lines_below(const OshDraft *shown, const char *key)
{
    g_autofree char *text = osh_draft_write(shown, NULL);
    g_autofree char *head = g_strdup_printf("%s:", key);
    g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
    GString *below = g_string_new(NULL);
    gboolean inside = FALSE;
    gsize indentation = 0;

    for (guint i = 0; lines[i] != NULL; i++) {
        gsize blanks = strspn(lines[i], " ");

        if (inside && (lines[i][0] == '\0' || blanks < indentation ||
                       (blanks == indentation && lines[i][blanks] != '-' &&
                        strcmp(key, "network_policies") != 0)))
            break;
        if (inside)
            g_string_append_printf(below, "%s\n", lines[i] + indentation);
        if (!inside && strcmp(lines[i] + blanks, head) == 0 && lines[i + 1] != NULL) {
            inside = TRUE;
            indentation = strspn(lines[i + 1], " ");
        }
    }
    return g_string_free(below, FALSE);
}

static void
offer(const Change *change, char *where, char *yaml, char *opens)
{
    OshPolicyExplanation *explanation = change->explanation;

    if (*yaml == '\0') {
        g_free(where);
        g_free(yaml);
        g_free(opens);
        return;
    }
    explanation->change_where = where;
    explanation->change_yaml = yaml;
    explanation->change_opens = opens;
}

static OshValue *
draft_endpoint(const OshDraft *draft, const OshPolicyEndpoint *endpoint)
{
    OshValue *policy = osh_draft_policy(draft, endpoint->policy_name);
    OshValue *list = policy != NULL ? osh_draft_endpoints(policy) : NULL;

    return list != NULL && endpoint->index < osh_value_length(list)
               ? osh_value_item(list, endpoint->index)
               : NULL;
}

static void
append_rule(OshValue *endpoint, OshValue *rule)
{
    OshValue *item = osh_value_mapping();

    osh_value_set(item, "allow", rule);
    osh_value_append(osh_value_ensure_list(endpoint, "rules"), item);
}

/* One more allow rule in the endpoint that was reached. */
static gboolean
try_rule(const Change *change, const OshPolicyEndpoint *endpoint)
{
    g_autoptr(OshDraft) draft = osh_draft_copy(change->draft);
    g_autoptr(OshDraft) shown = osh_draft_new();
    OshValue *target = draft_endpoint(draft, endpoint);
    OshValue *rule = osh_policy_asked_rule(change->asked, endpoint->protocol);
    OshValue *alone;

    /* a preset cannot stand beside rules */
    if (rule == NULL || target == NULL || osh_value_find(target, "access") != NULL ||
        endpoint->protocol == OSH_POLICY_PROTOCOL_NONE) {
        osh_value_free(rule);
        return FALSE;
    }
    append_rule(target, osh_value_copy(rule));
    alone = osh_draft_add_endpoint(osh_draft_add_policy(shown, "shown"), "a.test", 1);
    append_rule(alone, rule);
    if (!holds(change, draft))
        return FALSE;
    offer(change,
          g_strdup_printf("network_policies.%s.endpoints[%u].rules", endpoint->policy_name,
                          endpoint->index),
          lines_below(shown, "rules"), NULL);
    return change->explanation->change_yaml != NULL;
}

/* What else a new binary of the policy would reach. */
static char *
also_opened(const Change *change, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEntry *entry = &change->policy->policies[endpoint->policy_index];
    GString *opens = g_string_new(NULL);

    for (guint i = 0; i < entry->n_endpoints && opens->len < 200; i++) {
        const OshPolicyEndpoint *other = &change->policy->endpoints[entry->first_endpoint + i];

        if (other != endpoint)
            g_string_append_printf(opens, "%s%s", opens->len > 0 ? ", " : "", other->label);
    }
    if (endpoint->match->n_rules > 1 || opens->len > 0)
        g_string_append_printf(opens, "%swhatever the rules of %s allow",
                               opens->len > 0 ? ", " : "", endpoint->label);
    return g_string_free(opens, opens->len == 0);
}

/* One more binary in the policy whose endpoint is reached. */
static gboolean
try_binary(const Change *change, const OshPolicyEndpoint *endpoint)
{
    g_autoptr(OshDraft) draft = osh_draft_copy(change->draft);
    g_autoptr(OshDraft) shown = osh_draft_new();
    OshValue *policy = osh_draft_policy(draft, endpoint->policy_name);
    OshValue *alone = osh_draft_add_policy(shown, "shown");

    if (policy == NULL)
        return FALSE;
    osh_draft_add_binary(policy, change->asked->ask->binary);
    osh_draft_add_endpoint(alone, "a.test", 1);
    osh_draft_add_binary(alone, change->asked->ask->binary);
    if (!holds(change, draft))
        return FALSE;
    offer(change, g_strdup_printf("network_policies.%s.binaries", endpoint->policy_name),
          lines_below(shown, "binaries"), also_opened(change, endpoint));
    return change->explanation->change_yaml != NULL;
}

static char *
new_key(const Change *change)
{
    g_autofree char *name =
        g_strdup_printf("allow_%s_%u", change->asked->host, change->asked->target->port);
    char *key;

    for (char *p = name; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p))
            *p = '_';
    key = g_strdup(name);
    for (guint i = 2; osh_draft_policy(change->draft, key) != NULL; i++) {
        g_free(key);
        key = g_strdup_printf("%s_%u", name, i);
    }
    return key;
}

static OshPolicyProtocol
protocol_of(const OshPolicyAsked *asked)
{
    const OshPolicyAsk *ask = asked->ask;

    if (asked->protocol != NULL)
        return OSH_POLICY_PROTOCOL_PLUGIN;
    if (ask->operations != NULL)
        return OSH_POLICY_PROTOCOL_GRAPHQL;
    if (ask->mcp_tool != NULL || ask->mcp_arguments != NULL)
        return OSH_POLICY_PROTOCOL_MCP;
    if (ask->rpc_method != NULL)
        return OSH_POLICY_PROTOCOL_JSONRPC;
    if (ask->sql_command != NULL)
        return OSH_POLICY_PROTOCOL_SQL;
    if (ask->method != NULL && g_ascii_strcasecmp(ask->method, "WEBSOCKET_TEXT") == 0)
        return OSH_POLICY_PROTOCOL_WEBSOCKET;
    return asked->wants_request ? OSH_POLICY_PROTOCOL_REST : OSH_POLICY_PROTOCOL_NONE;
}

static const char *
protocol_name(const OshPolicyAsked *asked, OshPolicyProtocol protocol)
{
    return protocol == OSH_POLICY_PROTOCOL_PLUGIN ? asked->protocol->name
                                                  : osh_schema_protocol_name(protocol);
}

/* Takes over the keys that have one value for one destination, so that both agree. */
static void
take_over(OshValue *endpoint, const OshValue *beside)
{
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const OshValue *value = osh_value_find(beside, key->name);

        if (value != NULL && (key->traits & OSH_ENDPOINT_KEY_OF_PLACE) != 0)
            osh_value_set(endpoint, key->name, osh_value_copy(value));
    }
}

/* Protocols whose rules name no path, so that the endpoint has to. */
static gboolean
rule_says_no_path(OshPolicyProtocol protocol)
{
    return protocol == OSH_POLICY_PROTOCOL_GRAPHQL || protocol == OSH_POLICY_PROTOCOL_JSONRPC ||
           protocol == OSH_POLICY_PROTOCOL_MCP;
}

static gboolean
fill_policy(const Change *change, OshDraft *draft, const char *key, const OshPolicyEndpoint *beside)
{
    const OshPolicyAsked *asked = change->asked;
    OshValue *policy = osh_draft_add_policy(draft, key);
    OshValue *endpoint = osh_draft_add_endpoint(policy, asked->host, (guint16)asked->target->port);
    OshPolicyProtocol protocol = beside != NULL ? beside->protocol : protocol_of(asked);
    OshValue *rule;

    osh_draft_add_binary(policy, asked->ask->binary);
    if (beside != NULL)
        take_over(endpoint, draft_endpoint(change->draft, beside));
    if (protocol == OSH_POLICY_PROTOCOL_NONE || protocol == OSH_POLICY_PROTOCOL_TCP)
        return TRUE;
    rule = osh_policy_asked_rule(asked, protocol);
    if (rule == NULL)
        return FALSE;
    append_rule(endpoint, rule);
    if (beside == NULL) {
        if (rule_says_no_path(protocol) && strcmp(asked->target->path->str, "/") != 0 &&
            !osh_policy_set_literal(endpoint, "path", asked->target->path->str))
            return FALSE;
        osh_value_set_text(endpoint, "protocol", protocol_name(asked, protocol));
        osh_value_set_text(endpoint, "enforcement",
                           protocol == OSH_POLICY_PROTOCOL_SQL ? "audit" : "enforce");
    }
    return TRUE;
}

/* A policy of its own for this binary, host and port. */
static gboolean
try_policy(const Change *change, const OshPolicyEndpoint *beside)
{
    g_autoptr(OshDraft) draft = osh_draft_copy(change->draft);
    g_autoptr(OshDraft) shown = osh_draft_new();
    g_autofree char *key = new_key(change);

    if (!fill_policy(change, draft, key, beside) || !fill_policy(change, shown, key, beside) ||
        !holds(change, draft))
        return FALSE;
    offer(change, g_strdup("network_policies"), lines_below(shown, "network_policies"), NULL);
    return change->explanation->change_yaml != NULL;
}

static gboolean
try_near(const Change *change, const OshPolicyEndpoint *endpoint)
{
    guint n_endpoints = change->policy->policies[endpoint->policy_index].n_endpoints;

    /* a binary more opens all endpoints of its policy, so that comes first only where it is one */
    if (n_endpoints == 1 && try_binary(change, endpoint))
        return TRUE;
    return try_policy(change, endpoint) || (n_endpoints > 1 && try_binary(change, endpoint));
}

/* Where the rules are about what the content says, and the question says nothing of it: a rule of
 * another protocol would open all that those rules keep closed. */
static gboolean
would_open_content(const Change *change, const OshPolicyEndpoint *endpoint)
{
    return (rule_says_no_path(endpoint->protocol) ||
            endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN) &&
           protocol_of(change->asked) != endpoint->protocol;
}

void
osh_policy_suggest_change(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                          const GString *text, OshPolicyExplanation *explanation)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft =
        osh_draft_read(&(OshPolicyLoadRequest){.protocols = policy->protocols,
                                               .text = text->str,
                                               .length = text->len,
                                               .file_name = "policy"},
                       diagnostics);
    Change change = {asked, policy, draft, explanation};

    if (draft == NULL || !is_host(asked->host) || !is_binary(asked->ask->binary))
        return;
    if (explanation->policy_name != NULL) {
        /* the connection is allowed; what is missing is a rule */
        if (explanation->selected != NULL && try_rule(&change, explanation->selected))
            return;
        for (guint i = 0; i < explanation->endpoints->len; i++)
            if (try_rule(&change, g_ptr_array_index(explanation->endpoints, i)))
                return;
        for (guint i = 0; i < explanation->endpoints->len; i++)
            if (would_open_content(&change, g_ptr_array_index(explanation->endpoints, i)))
                return;
    }
    for (guint i = 0; i < explanation->near->len; i++) {
        const OshPolicyNear *near = g_ptr_array_index(explanation->near, i);

        if (osh_policy_host_matches(asked, near->endpoint) &&
            osh_policy_port_matches(asked, near->endpoint) && try_near(&change, near->endpoint))
            return;
    }
    try_policy(&change, NULL);
}
