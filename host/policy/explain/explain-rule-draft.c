/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-rule-draft.c: the rule that allows one request and nothing more.
 *
 * Made of values that passed their grammars, with whatever a glob would take for syntax escaped
 * (security rule 13, text from the box). What cannot be said in one rule gets none. May allocate;
 * any thread.
 */
#include "asked.h"
#include "draft.h"
#include "glob-text.h"

#include <string.h>

/* Printable ASCII, and short. */
static gboolean
is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) && *p != ' ')
            return FALSE;
    return *text != '\0' && strlen(text) <= 200;
}

static gboolean
is_token(const char *text)
{
    return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_-") == strlen(text);
}

static char *
escape_glob(const char *text)
{
    GString *glob = g_string_new(NULL);

    osh_glob_append_literal(glob, text, strlen(text));
    return g_string_free(glob, FALSE);
}

gboolean
osh_policy_set_literal(OshValue *rule, const char *key, const char *text)
{
    g_autofree char *glob = escape_glob(text);

    if (!is_plain(text))
        return FALSE;
    osh_value_set_text(rule, key, glob);
    return TRUE;
}

static gboolean
rest_rule(const OshPolicyAsked *asked, OshValue *rule)
{
    if (asked->ask->sql_command != NULL) {
        if (!is_token(asked->ask->sql_command))
            return FALSE;
        osh_value_set_text(rule, "command", asked->ask->sql_command);
        return TRUE;
    }
    if (!is_token(asked->method) || !osh_policy_set_literal(rule, "path", asked->target->path->str))
        return FALSE;
    osh_value_set_text(rule, "method", asked->method);
    return TRUE;
}

static gboolean
graphql_rule(const OshPolicyAsked *asked, OshValue *rule)
{
    const char *const *operations = asked->ask->operations;
    g_auto(GStrv) parts = NULL;

    if (operations == NULL || operations[1] != NULL)
        return FALSE;
    parts = g_strsplit(operations[0], ":", 3);
    osh_value_set_text(rule, "operation_type", parts[0]);
    if (parts[1] != NULL && parts[1][0] != '\0' &&
        !osh_policy_set_literal(rule, "operation_name", parts[1]))
        return FALSE;
    if (parts[1] != NULL && parts[2] != NULL) {
        g_auto(GStrv) fields = g_strsplit(parts[2], ",", -1);
        OshValue *list = osh_value_ensure_list(rule, "fields");

        for (guint i = 0; fields[i] != NULL; i++) {
            g_autofree char *glob = escape_glob(fields[i]);

            if (!is_plain(fields[i]))
                return FALSE;
            osh_value_append(list, osh_value_string(glob));
        }
    }
    return TRUE;
}

static gboolean
rpc_rule(const OshPolicyAsked *asked, OshValue *rule, gboolean is_mcp)
{
    const OshPolicyAsk *ask = asked->ask;
    const char *method = ask->rpc_method != NULL ? ask->rpc_method : OSH_POLICY_TOOL_CALL;
    OshValue *arguments;

    if (!is_plain(method) || strpbrk(method, OSH_GLOB_SYNTAX) != NULL ||
        (ask->rpc_method == NULL && ask->mcp_tool == NULL && ask->mcp_arguments == NULL))
        return FALSE;
    osh_value_set_text(rule, "method", method);
    if (!is_mcp)
        return TRUE;
    if (ask->mcp_tool != NULL && !osh_policy_set_literal(rule, "tool", ask->mcp_tool))
        return FALSE;
    if (ask->mcp_arguments == NULL)
        return TRUE;
    arguments = osh_value_ensure_mapping(rule, "mcp_arguments");
    for (gsize i = 0; ask->mcp_arguments[i] != NULL; i++) {
        const char *equals = strchr(ask->mcp_arguments[i], '=');
        g_autofree char *name =
            g_strndup(ask->mcp_arguments[i], (gsize)(equals - ask->mcp_arguments[i]));

        if (!is_plain(name) || !osh_policy_set_literal(arguments, name, equals + 1))
            return FALSE;
    }
    return TRUE;
}

/* --- Facts of a plugin --------------------------------------------------------------------------
 */

static gboolean
set_values(OshValue *rule, const char *name, const OshSpan *values, guint length)
{
    OshValue *list;

    if (length == 1) {
        g_autofree char *text = g_strndup(values[0].data, values[0].length);

        return osh_policy_set_literal(rule, name, text);
    }
    list = osh_value_ensure_list(osh_value_ensure_mapping(rule, name), "any");
    for (guint i = 0; i < length; i++) {
        g_autofree char *text = g_strndup(values[i].data, values[i].length);
        g_autofree char *glob = escape_glob(text);

        if (!is_plain(text))
            return FALSE;
        osh_value_append(list, osh_value_string(glob));
    }
    return length > 0;
}

static gboolean
set_fact(OshValue *rule, const char *name, const OshFact *fact)
{
    g_autofree char *number = NULL;

    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        return set_values(rule, name, &fact->value.string, 1);
    case OSH_FACT_INTEGER:
        number = g_strdup_printf("%" G_GINT64_FORMAT, fact->value.integer);
        osh_value_set_text(rule, name, number);
        return TRUE;
    case OSH_FACT_BOOLEAN:
        osh_value_set(rule, name, osh_value_boolean(fact->value.boolean));
        return TRUE;
    case OSH_FACT_STRINGS:
        return set_values(rule, name, fact->value.strings, fact->count);
    case OSH_FACT_RECORDS:
        /* one record can be said in one rule */
        if (fact->count != 1)
            return FALSE;
        for (gsize i = 0; i < fact->value.records[0].n_fields; i++)
            if (!set_fact(osh_value_ensure_mapping(rule, name),
                          fact->value.records[0].fields[i].name, &fact->value.records[0].fields[i]))
                return FALSE;
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean
fact_rule(const OshPolicyAsked *asked, OshValue *rule)
{
    for (guint i = (guint)asked->n_connection; i < asked->facts->len; i++) {
        const OshFact *fact = &g_array_index(asked->facts, OshFact, i);
        const OshPolicyFactDecl *decl =
            asked->protocol != NULL ? osh_policy_protocol_find_fact(asked->protocol, fact->name)
                                    : NULL;

        if (strcmp(fact->name, OSH_FACT_REQUEST_PROTOCOL) == 0)
            continue;
        if (decl == NULL || !set_fact(rule, osh_policy_fact_rule_name(decl), fact))
            return FALSE;
    }
    return osh_value_length(rule) > 0;
}

struct _OshValue *
osh_policy_asked_rule(const OshPolicyAsked *asked, OshPolicyProtocol protocol)
{
    g_autoptr(OshValue) rule = osh_value_mapping();
    gboolean said = FALSE;

    switch (protocol) {
    case OSH_POLICY_PROTOCOL_PLUGIN:
        said = fact_rule(asked, rule);
        break;
    case OSH_POLICY_PROTOCOL_JSONRPC:
    case OSH_POLICY_PROTOCOL_MCP:
        said = rpc_rule(asked, rule, protocol == OSH_POLICY_PROTOCOL_MCP);
        break;
    case OSH_POLICY_PROTOCOL_GRAPHQL:
        said = graphql_rule(asked, rule);
        break;
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
        said = asked->ask->operations != NULL ? graphql_rule(asked, rule) : rest_rule(asked, rule);
        break;
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_TCP:
    case OSH_POLICY_PROTOCOL_REST:
    case OSH_POLICY_PROTOCOL_SQL:
    default:
        said = rest_rule(asked, rule);
        break;
    }
    return said ? g_steal_pointer(&rule) : NULL;
}
