/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asked.c: the words behind `explain` become the facts that a plugin would have stated.
 *
 * No state, any thread. What cannot be understood is an error here and never left out: an answer
 * to half a question would be a wrong one.
 */
#include "asked.h"

#include "document.h"

#include <string.h>

#define EMPTY_LIST "[]"

static gboolean
fail(GError **error, const char *what, const char *text)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "'%s': %s", text, what);
    return FALSE;
}

static gpointer
keep(OshPolicyAsked *asked, gpointer memory)
{
    g_ptr_array_add(asked->memory, memory);
    return memory;
}

static void
add(OshPolicyAsked *asked, OshFact fact)
{
    g_array_append_val(asked->facts, fact);
}

void
osh_policy_asked_free(OshPolicyAsked *asked)
{
    if (asked == NULL)
        return;
    osh_policy_target_free(asked->target);
    g_free(asked->host);
    g_array_unref(asked->facts);
    g_ptr_array_unref(asked->memory);
    g_free(asked);
}

static OshSpan *
keep_spans(OshPolicyAsked *asked, const char *const *texts, guint *ret_length)
{
    guint length = texts != NULL ? g_strv_length((char **)texts) : 0;
    OshSpan *spans = keep(asked, g_new0(OshSpan, (gsize)length + 1));

    for (guint i = 0; i < length; i++)
        spans[i] = osh_span(texts[i]);
    *ret_length = length;
    return spans;
}

/* TYPE[:NAME[:FIELD,FIELD...]] */
static OshFactRecord
operation(OshPolicyAsked *asked, const char *text)
{
    char **parts = g_strsplit(text, ":", 3);
    OshFact *fields = keep(asked, g_new0(OshFact, 3));
    OshFactRecord record = {fields, 1};

    fields[0] = (OshFact)OSH_FACT_STRING_INIT("type", osh_span(keep(asked, g_strdup(parts[0]))));
    if (parts[0] != NULL && parts[1] != NULL && parts[1][0] != '\0')
        fields[record.n_fields++] =
            (OshFact)OSH_FACT_STRING_INIT("name", osh_span(keep(asked, g_strdup(parts[1]))));
    if (parts[0] != NULL && parts[1] != NULL && parts[2] != NULL) {
        char **names = g_strsplit(parts[2], ",", -1);
        guint length = g_strv_length(names);
        OshSpan *spans = keep(asked, g_new0(OshSpan, (gsize)length + 1));

        for (guint i = 0; i < length; i++)
            spans[i] = osh_span(keep(asked, g_strdup(names[i])));
        fields[record.n_fields++] = (OshFact)OSH_FACT_STRINGS_INIT("fields", spans, length);
        g_strfreev(names);
    }
    g_strfreev(parts);
    return record;
}

static gboolean
add_operations(OshPolicyAsked *asked, GError **error)
{
    static const char *const types[] = {"query", "mutation", "subscription", NULL};
    const char *const *texts = asked->ask->operations;
    guint length = g_strv_length((char **)texts);
    OshFactRecord *records = keep(asked, g_new0(OshFactRecord, (gsize)length + 1));

    for (guint i = 0; i < length; i++) {
        g_autofree char *type = g_strndup(texts[i], strcspn(texts[i], ":"));

        if (!g_strv_contains(types, type))
            return fail(error,
                        "an operation is TYPE[:NAME[:FIELD,FIELD]], TYPE one of query, "
                        "mutation, subscription",
                        texts[i]);
        records[i] = operation(asked, texts[i]);
    }
    add(asked, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_GRAPHQL_OPERATIONS, records, length));
    return TRUE;
}

static OshFactRecord
param(OshPolicyAsked *asked, char *key, const char *value)
{
    OshFact *fields = keep(asked, g_new0(OshFact, 2));

    fields[0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(keep(asked, key)));
    fields[1] = (OshFact)OSH_FACT_STRING_INIT("value", osh_span(value));
    return (OshFactRecord){fields, 2};
}

static gboolean
add_call(OshPolicyAsked *asked, GError **error)
{
    const OshPolicyAsk *ask = asked->ask;
    const char *const *arguments = ask->mcp_arguments;
    guint n_arguments = arguments != NULL ? g_strv_length((char **)arguments) : 0;
    OshFactRecord *params = keep(asked, g_new0(OshFactRecord, (gsize)n_arguments + 1));
    OshFact *fields = keep(asked, g_new0(OshFact, 2));
    OshFactRecord *call = keep(asked, g_new0(OshFactRecord, 1));
    const char *method = ask->rpc_method != NULL ? ask->rpc_method : OSH_POLICY_TOOL_CALL;
    guint n_params = 0;

    if ((ask->mcp_tool != NULL || n_arguments > 0) && strcmp(method, OSH_POLICY_TOOL_CALL) != 0)
        return fail(error, "only " OSH_POLICY_TOOL_CALL " has a tool and arguments", method);
    if (ask->mcp_tool != NULL)
        params[n_params++] = param(asked, g_strdup("name"), ask->mcp_tool);
    for (guint i = 0; i < n_arguments; i++) {
        const char *equals = strchr(arguments[i], '=');

        if (equals == NULL || equals == arguments[i])
            return fail(error, "an argument is NAME=VALUE", arguments[i]);
        params[n_params++] = param(
            asked, g_strdup_printf("arguments.%.*s", (int)(equals - arguments[i]), arguments[i]),
            equals + 1);
    }
    fields[0] = (OshFact)OSH_FACT_STRING_INIT("method", osh_span(method));
    fields[1] = (OshFact)OSH_FACT_RECORDS_INIT("params", params, n_params);
    *call = (OshFactRecord){fields, 2};
    add(asked, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, call, 1));
    if (ask->mcp_version == NULL)
        return TRUE;
    if (osh_mcp_revision_parse(ask->mcp_version, -1) == 0)
        return fail(error, "known revisions: 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28",
                    ask->mcp_version);
    add(asked, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_MCP_VERSION, osh_span(ask->mcp_version)));
    return TRUE;
}

/* --- Facts of a plugin --------------------------------------------------------------------------
 */

static gboolean
read_value(OshPolicyAsked *asked, OshFactType type, const char *name, const char *text,
           OshFact *ret_fact, GError **error)
{
    gint64 number;
    OshSpan *span;

    switch (type) {
    case OSH_FACT_STRING:
        *ret_fact = (OshFact)OSH_FACT_STRING_INIT(name, osh_span(text));
        return TRUE;
    case OSH_FACT_INTEGER:
        if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
            return fail(error, "the fact is a whole number", text);
        *ret_fact = (OshFact)OSH_FACT_INTEGER_INIT(name, number);
        return TRUE;
    case OSH_FACT_BOOLEAN:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return fail(error, "the fact is true or false", text);
        *ret_fact = (OshFact)OSH_FACT_BOOLEAN_INIT(name, strcmp(text, "true") == 0);
        return TRUE;
    case OSH_FACT_STRINGS:
        span = keep(asked, g_new0(OshSpan, 1));
        *span = osh_span(text);
        *ret_fact = (OshFact)OSH_FACT_STRINGS_INIT(name, span, 1);
        return TRUE;
    case OSH_FACT_RECORDS:
    default:
        return fail(error, "a record is written {FIELD: VALUE}", text);
    }
}

static gboolean
read_field(OshPolicyAsked *asked, const OshPolicyFactDecl *decl, const OshYamlNode *node,
           OshFact *ret_fact, GError **error)
{
    const OshPolicyFieldDecl *field = NULL;
    OshSpan *spans;
    guint length = 0;

    for (guint i = 0; i < decl->n_fields; i++)
        if (strcmp(decl->fields[i].name, node->key) == 0)
            field = &decl->fields[i];
    if (field == NULL)
        return fail(error, "the records of the fact have no such field", node->key);
    if (node->kind == OSH_YAML_SCALAR)
        return read_value(asked, field->type, field->name, keep(asked, g_strdup(node->text)),
                          ret_fact, error);
    if (node->kind != OSH_YAML_SEQUENCE || field->type != OSH_FACT_STRINGS)
        return fail(error, "the field is no list", node->key);
    spans = keep(asked, g_new0(OshSpan, (gsize)node->length + 1));
    for (const OshYamlNode *item = node->first; item != NULL; item = item->next)
        if (item->kind == OSH_YAML_SCALAR)
            spans[length++] = osh_span(keep(asked, g_strdup(item->text)));
    *ret_fact = (OshFact)OSH_FACT_STRINGS_INIT(field->name, spans, length);
    return TRUE;
}

static gboolean
read_record(OshPolicyAsked *asked, const OshPolicyFactDecl *decl, const char *text,
            OshFact *ret_fact, GError **error)
{
    g_autoptr(OshArena) arena = osh_arena_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    const OshYamlNode *root = osh_yaml_parse(arena, text, strlen(text), diagnostics);
    OshFactRecord *record;
    OshFact *fields;

    if (root == NULL || root->kind != OSH_YAML_MAPPING)
        return fail(error, "a record is written {FIELD: VALUE}", text);
    record = keep(asked, g_new0(OshFactRecord, 1));
    fields = keep(asked, g_new0(OshFact, (gsize)root->length + 1));
    for (const OshYamlNode *node = root->first; node != NULL; node = node->next)
        if (!read_field(asked, decl, node, &fields[record->n_fields++], error))
            return FALSE;
    record->fields = fields;
    *ret_fact = (OshFact)OSH_FACT_RECORDS_INIT(decl->name, record, 1);
    return TRUE;
}

/* A fact that is there already grows when it is a list. */
static gboolean
join(OshPolicyAsked *asked, const OshFact *fact, const char *text, GError **error)
{
    OshFact *known = NULL;
    gsize size = fact->type == OSH_FACT_RECORDS ? sizeof(OshFactRecord) : sizeof(OshSpan);
    char *items;

    for (guint i = 0; i < asked->facts->len; i++)
        if (strcmp(g_array_index(asked->facts, OshFact, i).name, fact->name) == 0)
            known = &g_array_index(asked->facts, OshFact, i);
    if (known == NULL) {
        add(asked, *fact);
        return TRUE;
    }
    if (fact->type != OSH_FACT_STRINGS && fact->type != OSH_FACT_RECORDS)
        return fail(error, "the fact is given twice and is no list", text);
    if (fact->count == 0 || known->count == 0)
        return fail(error, "the fact is an empty list and has values as well", text);
    items = keep(asked, g_malloc0((known->count + 1) * size));
    if (fact->type == OSH_FACT_RECORDS) {
        memcpy(items, known->value.records, known->count * size);
        memcpy(items + known->count * size, fact->value.records, size);
        known->value.records = (const OshFactRecord *)(gpointer)items;
    } else {
        memcpy(items, known->value.strings, known->count * size);
        memcpy(items + known->count * size, fact->value.strings, size);
        known->value.strings = (const OshSpan *)(gpointer)items;
    }
    known->count++;
    return TRUE;
}

static gboolean
read_empty(OshPolicyAsked *asked, const OshPolicyFactDecl *decl, OshFact *ret_fact, GError **error)
{
    if (decl->type == OSH_FACT_STRINGS)
        *ret_fact = (OshFact)OSH_FACT_STRINGS_INIT(decl->name, keep(asked, g_new0(OshSpan, 1)), 0);
    else if (decl->type == OSH_FACT_RECORDS)
        *ret_fact =
            (OshFact)OSH_FACT_RECORDS_INIT(decl->name, keep(asked, g_new0(OshFactRecord, 1)), 0);
    else
        return read_value(asked, decl->type, decl->name, EMPTY_LIST, ret_fact, error);
    return TRUE;
}

/* A plugin states no other value, so an answer about one would be about nothing. */
static gboolean
check_vocabulary(const OshPolicyFactDecl *decl, const char *text, GError **error)
{
    g_autofree char *list = NULL;

    if (decl->values == NULL || strcmp(text, EMPTY_LIST) == 0 ||
        g_strv_contains((const char *const *)decl->values, text))
        return TRUE;
    list = g_strjoinv(", ", decl->values);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "'%s': fact %s has no such value; it has: %s", text,
                osh_policy_fact_rule_name(decl), list);
    return FALSE;
}

static const OshPolicyProtocolDecl *
find_protocol(const OshPolicyAsked *asked, const OshPolicySnapshot *policy)
{
    for (guint i = 0; i < policy->n_endpoints; i++)
        if (policy->endpoints[i].match->declared != NULL &&
            osh_policy_port_matches(asked, &policy->endpoints[i]) &&
            osh_policy_host_matches(asked, &policy->endpoints[i]))
            return policy->endpoints[i].match->declared;
    return NULL;
}

static gboolean
add_plugin_facts(OshPolicyAsked *asked, const OshPolicySnapshot *policy, GError **error)
{
    asked->protocol = find_protocol(asked, policy);
    if (asked->protocol == NULL)
        return fail(error, "no endpoint there has a protocol of a plugin, whose facts these are",
                    asked->ask->target);
    for (gsize i = 0; asked->ask->facts[i] != NULL; i++) {
        const char *text = asked->ask->facts[i];
        const char *equals = strchr(text, '=');
        g_autofree char *name =
            equals != NULL ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
        const OshPolicyFactDecl *decl = osh_policy_protocol_find_fact(asked->protocol, name);
        OshFact fact;

        if (equals == NULL)
            return fail(error, "a fact is NAME=VALUE", text);
        if (decl == NULL) {
            g_autofree const char **names = osh_policy_protocol_fact_names(asked->protocol);
            g_autofree char *list = g_strjoinv(", ", (char **)names);

            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "'%s': protocol %s states no such fact; it states: %s", name,
                        asked->protocol->name, list);
            return FALSE;
        }
        if (!check_vocabulary(decl, equals + 1, error))
            return FALSE;
        if (!(strcmp(equals + 1, EMPTY_LIST) == 0 ? read_empty(asked, decl, &fact, error)
              : decl->type == OSH_FACT_RECORDS
                  ? read_record(asked, decl, equals + 1, &fact, error)
                  : read_value(asked, decl->type, decl->name, equals + 1, &fact, error)) ||
            !join(asked, &fact, text, error))
            return FALSE;
    }
    add(asked,
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PROTOCOL, osh_span(asked->protocol->name)));
    return TRUE;
}

/* --- The question -------------------------------------------------------------------------------
 */

static void
add_connection(OshPolicyAsked *asked)
{
    guint length;
    OshSpan *ancestors = keep_spans(asked, asked->ask->ancestors, &length);

    add(asked, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(asked->target->host)));
    add(asked, (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, asked->target->port));
    add(asked,
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(asked->ask->binary)));
    add(asked, (OshFact)OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, ancestors, length));
    asked->n_connection = asked->facts->len;
}

static gboolean
add_request(OshPolicyAsked *asked, const OshPolicySnapshot *policy, GError **error)
{
    const OshPolicyAsk *ask = asked->ask;
    gboolean has_content = ask->operations != NULL || ask->rpc_method != NULL ||
                           ask->mcp_version != NULL || ask->mcp_tool != NULL ||
                           ask->mcp_arguments != NULL;
    OshPolicyTarget *target = asked->target;

    asked->wants_request = ask->method != NULL || has_content || ask->sql_command != NULL ||
                           ask->facts != NULL || target->query->len > 0 ||
                           (target->has_path && strcmp(target->path->str, "/") != 0);
    asked->method = ask->method != NULL ? ask->method : has_content ? "POST" : "GET";
    if (ask->facts != NULL)
        return add_plugin_facts(asked, policy, error);
    if (ask->sql_command != NULL) {
        add(asked, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_SQL_COMMAND, osh_span(ask->sql_command)));
        return TRUE;
    }
    if (!target->has_path && !asked->wants_request)
        return TRUE;
    if (!target->has_path)
        g_string_assign(target->path, "/");
    add(asked, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(asked->method)));
    add(asked, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(target->path->str)));
    add(asked, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY,
                                              (const OshFactRecord *)(gpointer)target->query->data,
                                              target->query->len));
    if (ask->operations != NULL && !add_operations(asked, error))
        return FALSE;
    return (ask->rpc_method == NULL && ask->mcp_tool == NULL && ask->mcp_arguments == NULL &&
            ask->mcp_version == NULL) ||
           add_call(asked, error);
}

OshPolicyAsked *
osh_policy_asked_new(const OshPolicySnapshot *policy, const OshPolicyAsk *ask, GError **error)
{
    g_autoptr(OshPolicyAsked) asked = g_new0(OshPolicyAsked, 1);

    asked->ask = ask;
    asked->facts = g_array_new(FALSE, FALSE, sizeof(OshFact));
    asked->memory = g_ptr_array_new_with_free_func(g_free);
    asked->target = osh_policy_target_new(ask->target, error);
    if (asked->target == NULL)
        return NULL;
    asked->host = g_ascii_strdown(asked->target->host, -1);
    add_connection(asked);
    if (!add_request(asked, policy, error))
        return NULL;
    return g_steal_pointer(&asked);
}

gboolean
osh_policy_asked_has_request(const OshPolicyAsked *asked)
{
    return asked->facts->len > asked->n_connection;
}

static gboolean
is_inspected(const OshPolicyVerdict *verdict)
{
    for (guint i = 0; i < verdict->n_endpoints; i++)
        if (osh_policy_protocol_is_inspected(verdict->endpoints[i]->protocol))
            return TRUE;
    return FALSE;
}

gboolean
osh_policy_asked_is_skipped(const OshPolicyAsked *asked, const OshPolicyVerdict *verdict)
{
    return asked->target->is_tls && verdict->selected != NULL &&
           verdict->selected->tls == OSH_POLICY_TLS_SKIP && is_inspected(verdict);
}

void
osh_policy_asked_decide(const OshPolicyAsked *asked, const OshPolicySnapshot *policy,
                        OshPolicyVerdict *ret_verdict, gboolean *ret_uninspected)
{
    const OshFact *facts = (const OshFact *)(gpointer)asked->facts->data;

    osh_policy_decide(policy, &(OshFacts){facts, asked->n_connection}, ret_verdict);
    *ret_uninspected =
        !is_inspected(ret_verdict) || osh_policy_asked_is_skipped(asked, ret_verdict);
    if (ret_verdict->action != OSH_POLICY_ALLOW || *ret_uninspected ||
        !osh_policy_asked_has_request(asked))
        return;
    osh_policy_verdict_clear(ret_verdict);
    osh_policy_decide(policy, &(OshFacts){facts, asked->facts->len}, ret_verdict);
}

gboolean
osh_policy_host_matches(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint)
{
    if (endpoint->host_is_pattern)
        return osh_policy_pattern_matches(endpoint->match->host, osh_span(asked->host)) ==
               OSH_POLICY_YES;
    return endpoint->host[0] == '\0' || strcmp(endpoint->host, asked->host) == 0;
}

gboolean
osh_policy_port_matches(const OshPolicyAsked *asked, const OshPolicyEndpoint *endpoint)
{
    for (guint i = 0; i < endpoint->n_ports; i++)
        if (endpoint->ports[i] == asked->target->port)
            return TRUE;
    return FALSE;
}
