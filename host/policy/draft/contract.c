/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract.c: comparing two endpoints of drafts.
 *
 * Pure functions, any thread. They compare what the loader would understand, not how it is written;
 * where two spellings cannot be told to be equal they count as different, so an addition never
 * counts as granted by mistake.
 */
#include "contract.h"

#include "draft.h"
#include "endpoint-key.h"
#include "osh-mcp.h"
#include "schema-protocol.h"

#include <string.h>

gboolean
osh_contract_is_provider(const char *key)
{
    return g_str_has_prefix(key, OSH_PROVIDER_PREFIX);
}

gboolean
osh_contract_is_unset(const OshValue *value)
{
    if (value == NULL)
        return TRUE;
    if (osh_value_kind(value) == OSH_VALUE_STRING)
        return *osh_value_text(value) == '\0';
    return osh_value_kind(value) != OSH_VALUE_PLAIN && osh_value_length(value) == 0;
}

gboolean
osh_contract_has_port(const OshValue *endpoint, guint16 port)
{
    g_autoptr(GArray) ports = osh_draft_ports(endpoint);

    for (guint i = 0; i < ports->len; i++)
        if (g_array_index(ports, guint16, i) == port)
            return TRUE;
    return FALSE;
}

gboolean
osh_contract_is_at(const OshValue *endpoint, const char *host, guint16 port)
{
    return g_ascii_strcasecmp(osh_value_find_text(endpoint, "host"), host) == 0 &&
           osh_contract_has_port(endpoint, port);
}

gboolean
osh_contract_same_place(const OshValue *left, const OshValue *right)
{
    return g_ascii_strcasecmp(osh_value_find_text(left, "host"),
                              osh_value_find_text(right, "host")) == 0 &&
           strcmp(osh_value_find_text(left, "path"), osh_value_find_text(right, "path")) == 0;
}

gboolean
osh_contract_overlap(const OshValue *left, const OshValue *right)
{
    g_autoptr(GArray) ports = NULL;

    if (!osh_contract_same_place(left, right))
        return FALSE;
    ports = osh_draft_ports(left);
    for (guint i = 0; i < ports->len; i++)
        if (osh_contract_has_port(right, g_array_index(ports, guint16, i)))
            return TRUE;
    return FALSE;
}

GArray *
osh_contract_units(const OshValue *endpoint)
{
    GArray *ports = osh_draft_ports(endpoint);
    const guint16 none = 0;

    if (ports->len == 0)
        g_array_append_val(ports, none);
    return ports;
}

static void append_value(GString *text, const OshValue *value);

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The length keeps one text from running into the next. */
static void
append_text(GString *text, const char *value)
{
    g_string_append_printf(text, "%" G_GSIZE_FORMAT ":%s", strlen(value), value);
}

/* `params: {a: {b: x}}` is `params: {a.b: x}`; `{any: [...]}` is a matcher. */
static void
flatten(GPtrArray *members, const char *prefix, const OshValue *mapping)
{
    for (guint i = 0; i < osh_value_length(mapping); i++) {
        const OshValue *value = osh_value_item(mapping, i);
        g_autofree char *key = g_strconcat(prefix, osh_value_key(mapping, i), NULL);

        if (osh_value_kind(value) == OSH_VALUE_MAPPING && osh_value_find(value, "any") == NULL) {
            g_autofree char *inner = g_strconcat(key, ".", NULL);

            flatten(members, inner, value);
        } else {
            GString *member = g_string_new(NULL);

            append_text(member, key);
            append_value(member, value);
            g_ptr_array_add(members, g_string_free(member, FALSE));
        }
    }
}

static void
append_members(GString *text, GPtrArray *members)
{
    g_ptr_array_sort(members, compare_texts);
    g_string_append_c(text, '{');
    for (guint i = 0; i < members->len; i++)
        g_string_append(text, g_ptr_array_index(members, i));
    g_string_append_c(text, '}');
}

static void
append_value(GString *text, const OshValue *value)
{
    g_autoptr(GPtrArray) members = NULL;

    if (osh_value_kind(value) <= OSH_VALUE_PLAIN) {
        g_string_append(text, osh_value_kind(value) == OSH_VALUE_PLAIN ? "#" : "=");
        append_text(text, osh_value_text(value));
        return;
    }
    if (osh_value_kind(value) == OSH_VALUE_LIST) {
        g_string_append_c(text, '[');
        for (guint i = 0; i < osh_value_length(value); i++)
            append_value(text, osh_value_item(value, i));
        g_string_append_c(text, ']');
        return;
    }
    members = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < osh_value_length(value); i++) {
        GString *member = g_string_new(NULL);

        append_text(member, osh_value_key(value, i));
        append_value(member, osh_value_item(value, i));
        g_ptr_array_add(members, g_string_free(member, FALSE));
    }
    append_members(text, members);
}

/* `tool: X` is `params: {name: X}` unless that is there already. */
static OshValue *
rule_params(const OshValue *rule)
{
    const OshValue *params = osh_value_find(rule, "params");
    const OshValue *tool = osh_value_find(rule, "tool");
    OshValue *copy = params != NULL && osh_value_kind(params) == OSH_VALUE_MAPPING
                         ? osh_value_copy(params)
                         : osh_value_mapping();

    if (!osh_contract_is_unset(tool) && osh_value_find(copy, "name") == NULL)
        osh_value_set(copy, "name", osh_value_copy(tool));
    return copy;
}

/* Equal for rules that mean the same. */
static char *
rule_key(const OshValue *rule)
{
    const OshValue *allow = osh_value_find(rule, "allow");
    const OshValue *body = allow != NULL ? allow : rule;
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(OshValue) params = rule_params(body);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < osh_value_length(body); i++) {
        const char *key = osh_value_key(body, i);
        const OshValue *value = osh_value_item(body, i);
        GString *member;

        if (osh_contract_is_unset(value) || strcmp(key, "params") == 0 || strcmp(key, "tool") == 0)
            continue;
        member = g_string_new(NULL);
        append_text(member, key);
        if (strcmp(key, "operation_type") == 0) {
            g_autofree char *lower = g_ascii_strdown(osh_value_text(value), -1);

            append_text(member, lower);
        } else {
            append_value(member, value);
        }
        g_ptr_array_add(members, g_string_free(member, FALSE));
    }
    flatten(members, "params.", params);
    append_members(text, members);
    return g_string_free(text, FALSE);
}

/* Keys of all rules of a list; NULL is an empty list. */
static GHashTable *
rule_keys(const OshValue *rules)
{
    GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; rules != NULL && i < osh_value_length(rules); i++)
        g_hash_table_add(keys, rule_key(osh_value_item(rules, i)));
    return keys;
}

void
osh_contract_add_rules(OshValue *endpoint, const char *key, const OshValue *rules)
{
    g_autoptr(GHashTable) keys = NULL;
    OshValue *list;

    if (osh_contract_is_unset(rules))
        return;
    list = osh_value_ensure_list(endpoint, key);
    keys = rule_keys(list);
    for (guint i = 0; i < osh_value_length(rules); i++)
        if (g_hash_table_add(keys, rule_key(osh_value_item(rules, i))))
            osh_value_append(list, osh_value_copy(osh_value_item(rules, i)));
}

static gboolean
contains_rules(const OshValue *loaded, const OshValue *asked)
{
    g_autoptr(GHashTable) keys = NULL;

    if (osh_contract_is_unset(asked))
        return TRUE;
    keys = rule_keys(loaded);
    for (guint i = 0; i < osh_value_length(asked); i++) {
        g_autofree char *key = rule_key(osh_value_item(asked, i));

        if (!g_hash_table_contains(keys, key))
            return FALSE;
    }
    return TRUE;
}

OshValue *
osh_contract_expand_access(const char *protocol, const char *access)
{
    const char *const *words = osh_schema_access_words(osh_schema_protocol_find(protocol), access);
    OshValue *rules;

    if (words == NULL)
        return NULL;
    rules = osh_value_list();
    for (gsize i = 0; words[i] != NULL; i++) {
        OshValue *rule = osh_value_append(rules, osh_value_mapping());
        OshValue *allow = osh_value_set(rule, "allow", osh_value_mapping());

        if (g_ascii_strcasecmp(protocol, "graphql") == 0) {
            osh_value_set_text(allow, "operation_type", words[i]);
        } else {
            osh_value_set_text(allow, "method", words[i]);
            osh_value_set_text(allow, "path", "**");
        }
    }
    return rules;
}

/* The rules of an endpoint, those of its `access` when it has none. */
static OshValue *
effective_rules(const OshValue *endpoint)
{
    const OshValue *rules = osh_value_find(endpoint, "rules");
    const char *access = osh_value_find_text(endpoint, "access");

    if (!osh_contract_is_unset(rules))
        return osh_value_copy(rules);
    return *access != '\0'
               ? osh_contract_expand_access(osh_value_find_text(endpoint, "protocol"), access)
               : NULL;
}

gboolean
osh_contract_is_mcp(const OshValue *endpoint)
{
    return g_ascii_strcasecmp(osh_value_find_text(endpoint, "protocol"), "mcp") == 0;
}

static guint64
body_bytes(const OshValue *endpoint, const char *section)
{
    g_autofree char *name = g_strconcat(section, ".max_body_bytes", NULL);
    guint64 absent = g_ascii_strtoull(osh_endpoint_key_find(name)->absent, NULL, 10);

    return osh_value_find_integer(osh_value_find(endpoint, section), "max_body_bytes", absent);
}

/* Revisions of MCP that it accepts, whichever way they are written. */
static guint
mcp_versions(const OshValue *endpoint)
{
    const OshValue *list = osh_value_find(osh_value_find(endpoint, "mcp"), "versions");
    guint versions = 0;

    for (guint i = 0; list != NULL && i < osh_value_length(list); i++)
        versions |= osh_mcp_revision_parse(osh_value_text(osh_value_item(list, i)), -1);
    return versions != 0 ? versions : OSH_MCP_REVISION_DEFAULT;
}

static char *
mcp_version_names(const OshValue *endpoint)
{
    GString *names = g_string_new(NULL);
    guint versions = mcp_versions(endpoint);

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++)
        if (versions & osh_mcp_revision_at(i))
            g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "",
                                   osh_mcp_revision_name(osh_mcp_revision_at(i)));
    return g_string_free(names, FALSE);
}

char *
osh_contract_inspection(const OshValue *endpoint)
{
    const OshValue *mcp = osh_value_find(endpoint, "mcp");
    g_autofree char *protocol = g_ascii_strdown(osh_value_find_text(endpoint, "protocol"), -1);
    g_autofree char *versions = mcp_version_names(endpoint);
    const char *pins = osh_value_find_text(mcp, "pin_tools");

    if (!osh_contract_is_mcp(endpoint))
        return *protocol != '\0' ? g_strdup_printf("protocol %s", protocol)
                                 : g_strdup("no protocol");
    return g_strdup_printf(
        "protocol mcp with strict_tool_names %s, allow_all_known_mcp_methods %s, max_body_bytes "
        "%" G_GUINT64_FORMAT ", versions %s%s%s",
        osh_value_find_flag(mcp, "strict_tool_names", TRUE) ? "true" : "false",
        osh_value_find_flag(mcp, "allow_all_known_mcp_methods", FALSE) ? "true" : "false",
        body_bytes(endpoint, "mcp"), versions, *pins != '\0' ? ", pin_tools " : "", pins);
}

gboolean
osh_contract_same_mcp(const OshValue *left, const OshValue *right)
{
    g_autofree char *left_words = NULL;
    g_autofree char *right_words = NULL;

    if (osh_contract_is_mcp(left) != osh_contract_is_mcp(right))
        return FALSE;
    if (!osh_contract_is_mcp(left))
        return osh_value_find(left, "mcp") == NULL && osh_value_find(right, "mcp") == NULL;
    left_words = osh_contract_inspection(left);
    right_words = osh_contract_inspection(right);
    return strcmp(left_words, right_words) == 0;
}

static gboolean
covers_texts(const OshValue *loaded, const OshValue *asked)
{
    for (guint i = 0; asked != NULL && i < osh_value_length(asked); i++) {
        g_autofree char *text =
            g_strstrip(g_ascii_strdown(osh_value_text(osh_value_item(asked, i)), -1));
        gboolean found = FALSE;

        for (guint k = 0; loaded != NULL && k < osh_value_length(loaded) && !found; k++) {
            g_autofree char *other =
                g_strstrip(g_ascii_strdown(osh_value_text(osh_value_item(loaded, k)), -1));

            found = strcmp(text, other) == 0;
        }
        if (!found)
            return FALSE;
    }
    return TRUE;
}

static gboolean
is_skip(const OshValue *endpoint)
{
    return g_ascii_strcasecmp(osh_value_find_text(endpoint, "tls"), "skip") == 0;
}

static gboolean
is_enforced(const OshValue *endpoint)
{
    return strcmp(osh_value_find_text(endpoint, "enforcement"), "enforce") == 0;
}

/* Whether @value says what stands for a key that is not written. */
static gboolean
is_default(const OshEndpointKey *key, const OshValue *value)
{
    return key != NULL && key->absent != NULL ? strcmp(osh_value_text(value), key->absent) == 0
                                              : osh_contract_is_unset(value);
}

/* Every key that has no comparison of its own: a switch asks when it is on, all else when set. */
static gboolean
covers_others(const OshValue *loaded, const OshValue *asked)
{
    for (guint i = 0; i < osh_value_length(asked); i++) {
        const char *name = osh_value_key(asked, i);
        const OshEndpointKey *key = osh_endpoint_key_find(name);
        const OshValue *value = osh_value_item(asked, i);
        const OshValue *other = osh_value_find(loaded, name);

        if ((key != NULL && key->merge != OSH_ENDPOINT_MERGE_VALUE) || osh_contract_is_unset(value))
            continue;
        if (osh_value_kind(value) == OSH_VALUE_PLAIN && strcmp(osh_value_text(value), "false") == 0)
            continue;
        if (osh_contract_is_unset(other) ? !is_default(key, value) : !osh_value_equal(value, other))
            return FALSE;
    }
    return TRUE;
}

gboolean
osh_contract_covers(const OshValue *loaded, const OshValue *asked, guint16 port)
{
    const char *protocol = osh_value_find_text(asked, "protocol");
    const char *access = osh_value_find_text(asked, "access");
    g_autoptr(OshValue) granted = effective_rules(loaded);
    g_autoptr(OshValue) wanted = effective_rules(asked);

    if ((port != 0 && !osh_contract_has_port(loaded, port)) ||
        !osh_contract_same_place(loaded, asked))
        return FALSE;
    if (*protocol != '\0' &&
        g_ascii_strcasecmp(protocol, osh_value_find_text(loaded, "protocol")) != 0)
        return FALSE;
    if (!osh_contract_is_unset(osh_value_find(asked, "tls")) && is_skip(asked) != is_skip(loaded))
        return FALSE;
    if (!osh_contract_is_unset(osh_value_find(asked, "enforcement")) &&
        is_enforced(asked) != is_enforced(loaded))
        return FALSE;
    /* a preset without rules of its own equals only the same preset */
    if (wanted == NULL && *access != '\0' &&
        strcmp(access, osh_value_find_text(loaded, "access")) != 0)
        return FALSE;
    if (!osh_contract_same_mcp(loaded, asked) ||
        (!osh_contract_is_mcp(loaded) && osh_value_find(asked, "json_rpc") != NULL &&
         body_bytes(asked, "json_rpc") != body_bytes(loaded, "json_rpc")))
        return FALSE;
    if (osh_value_is_proposed(asked) && !osh_value_is_proposed(loaded))
        return FALSE;
    return contains_rules(granted, wanted) &&
           contains_rules(osh_value_find(loaded, "deny_rules"),
                          osh_value_find(asked, "deny_rules")) &&
           covers_texts(osh_value_find(loaded, "allowed_ips"),
                        osh_value_find(asked, "allowed_ips")) &&
           covers_others(loaded, asked);
}

gboolean
osh_contract_has_binaries(const OshValue *policy)
{
    const OshValue *binaries = osh_draft_binaries(policy);

    return binaries != NULL && osh_value_length(binaries) > 0;
}

gboolean
osh_contract_is_any_binary(const OshValue *policy)
{
    return !osh_contract_has_binaries(policy) || osh_contract_has_binary(policy, "/**") ||
           osh_contract_has_binary(policy, "**");
}

gboolean
osh_contract_has_binary(const OshValue *policy, const char *path)
{
    const OshValue *binaries = osh_draft_binaries(policy);

    for (guint i = 0; binaries != NULL && i < osh_value_length(binaries); i++)
        if (strcmp(osh_value_find_text(osh_value_item(binaries, i), "path"), path) == 0)
            return TRUE;
    return FALSE;
}
