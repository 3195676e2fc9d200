/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.c: the operations that change a policy.
 *
 * Any thread; works on a copy, so either all operations are done or nothing is. It never touches a
 * policy of a provider and never makes its result live.
 */
#include "merge-private.h"

#include <string.h>

G_DEFINE_QUARK(osh - merge - error - quark, osh_merge_error)

OshMergeOperation *
osh_merge_operation_new(OshMergeKind kind)
{
    OshMergeOperation *operation = g_new0(OshMergeOperation, 1);

    operation->kind = kind;
    return operation;
}

void
osh_merge_operation_free(OshMergeOperation *operation)
{
    if (operation == NULL)
        return;
    g_free(operation->rule_name);
    osh_value_free(operation->rule);
    g_free(operation->host);
    osh_value_free(operation->rules);
    g_free(operation->binary_path);
    g_free(operation);
}

void
osh_merge_warn(GPtrArray *warnings, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(warnings, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

gboolean
osh_merge_refuse(const OshMerge *merge, GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, OSH_MERGE_ERROR, OSH_MERGE_ERROR_REFUSED, "operation %u: %s", merge->number,
                message);
    return FALSE;
}

char *
osh_merge_place(const OshValue *endpoint, guint port)
{
    const char *host = osh_value_find_text(endpoint, "host");

    return g_strdup_printf("%s:%u", *host != '\0' ? host : "any host", port);
}

gboolean
osh_merge_expand_access(const OshMerge *merge, OshValue *endpoint, const char *place,
                        GPtrArray *warnings, GError **error)
{
    g_autofree char *access = g_strdup(osh_value_find_text(endpoint, "access"));
    g_autoptr(OshValue) rules = NULL;

    if (*access == '\0')
        return TRUE;
    rules = osh_contract_expand_access(osh_value_find_text(endpoint, "protocol"), access);
    if (rules == NULL)
        return osh_merge_refuse(
            merge, error, "%s has access '%s', which cannot be written as rules", place, access);
    osh_value_remove(endpoint, "access");
    osh_contract_add_rules(endpoint, "rules", rules);
    osh_merge_warn(warnings, "%s: access '%s' is now written as rules", place, access);
    return TRUE;
}

/* FALSE when @key belongs to a provider. */
static gboolean
check_owner(const OshMerge *merge, const char *key, GError **error)
{
    if (key == NULL || !osh_contract_is_provider(key))
        return TRUE;
    return osh_merge_refuse(merge, error, "policy '%s' belongs to a provider and is not changed",
                            key);
}

static gboolean
remove_from_policy(OshValue *policy, const char *host, guint16 port)
{
    OshValue *endpoints = osh_draft_endpoints(policy);
    gboolean found = FALSE;

    for (guint i = endpoints != NULL ? osh_value_length(endpoints) : 0; i-- > 0;) {
        OshValue *endpoint = osh_value_item(endpoints, i);
        g_autoptr(GArray) ports = NULL;

        if (!osh_contract_is_at(endpoint, host, port))
            continue;
        found = TRUE;
        ports = osh_draft_ports(endpoint);
        for (guint k = ports->len; k-- > 0;)
            if (g_array_index(ports, guint16, k) == port)
                g_array_remove_index(ports, k);
        if (ports->len > 0)
            osh_draft_set_ports(endpoint, ports);
        else
            osh_value_remove_at(endpoints, i);
    }
    return found;
}

static gboolean
remove_endpoint(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    g_autoptr(GArray) policies = osh_draft_sorted_policies(merge->draft);
    gboolean found = FALSE;

    if (!check_owner(merge, operation->rule_name, error))
        return FALSE;
    for (guint i = 0; i < policies->len; i++) {
        const OshDraftPolicy *one = &g_array_index(policies, OshDraftPolicy, i);
        gboolean here;

        if (osh_contract_is_provider(one->key) ||
            (operation->rule_name != NULL && strcmp(operation->rule_name, one->key) != 0))
            continue;
        here = remove_from_policy(one->policy, operation->host, operation->port);
        found |= here;
        if (here && osh_value_length(osh_draft_endpoints(one->policy)) == 0)
            osh_draft_remove_policy(merge->draft, one->key);
    }
    if (!found)
        osh_merge_warn(merge->warnings, "operation %u: there is no endpoint %s:%u to remove",
                       merge->number, operation->host, operation->port);
    return TRUE;
}

static gboolean
remove_rule(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    if (!check_owner(merge, operation->rule_name, error))
        return FALSE;
    if (osh_draft_policy(merge->draft, operation->rule_name) == NULL)
        osh_merge_warn(merge->warnings, "operation %u: there is no policy '%s' to remove",
                       merge->number, operation->rule_name);
    osh_draft_remove_policy(merge->draft, operation->rule_name);
    return TRUE;
}

static gboolean
remove_binary(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    OshValue *policy = osh_draft_policy(merge->draft, operation->rule_name);
    OshValue *binaries = osh_draft_binaries(policy);
    gboolean found = FALSE;

    if (!check_owner(merge, operation->rule_name, error))
        return FALSE;
    for (guint i = binaries != NULL ? osh_value_length(binaries) : 0; i-- > 0;) {
        if (strcmp(osh_value_find_text(osh_value_item(binaries, i), "path"),
                   operation->binary_path) != 0)
            continue;
        osh_value_remove_at(binaries, i);
        found = TRUE;
    }
    if (found && osh_value_length(binaries) == 0)
        osh_draft_remove_policy(merge->draft, operation->rule_name);
    else if (policy != NULL && osh_contract_is_any_binary(policy))
        return osh_merge_refuse(merge, error,
                                "policy '%s' is about any binary, so '%s' cannot be taken out of "
                                "it; list the binaries that stay, or remove the policy",
                                operation->rule_name, operation->binary_path);
    else if (!found)
        osh_merge_warn(merge->warnings, "operation %u: there is no binary '%s' in a policy '%s'",
                       merge->number, operation->binary_path, operation->rule_name);
    return TRUE;
}

/* The one endpoint of a host and port, among policies that are not a provider's, and its list. */
static OshValue *
find_target(OshMerge *merge, const OshMergeOperation *operation, OshValue **ret_list,
            GError **error)
{
    g_autoptr(GArray) policies = osh_draft_sorted_policies(merge->draft);
    g_autoptr(GString) targets = g_string_new(NULL);
    OshValue *target = NULL;
    guint n_targets = 0;

    for (guint i = 0; i < policies->len; i++) {
        const OshDraftPolicy *one = &g_array_index(policies, OshDraftPolicy, i);
        OshValue *endpoints = osh_draft_endpoints(one->policy);

        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++) {
            OshValue *endpoint = osh_value_item(endpoints, k);
            const char *path = osh_value_find_text(endpoint, "path");

            if (osh_contract_is_provider(one->key) ||
                !osh_contract_is_at(endpoint, operation->host, operation->port))
                continue;
            target = endpoint;
            *ret_list = endpoints;
            g_string_append_printf(targets, "%s'%s'", n_targets++ > 0 ? ", " : "", one->key);
            if (*path != '\0')
                g_string_append_printf(targets, " (path %s)", path);
        }
    }
    if (n_targets == 0)
        osh_merge_refuse(merge, error, "no policy has an endpoint %s:%u", operation->host,
                         operation->port);
    else if (n_targets > 1)
        osh_merge_refuse(merge, error,
                         "%s:%u is an endpoint of %s; host and port do not say which of them is "
                         "meant",
                         operation->host, operation->port, targets->str);
    return n_targets == 1 ? target : NULL;
}

/*
 * What @endpoint says for @port alone: when it has other ports too, they keep what they have, and
 * the port gets an endpoint of its own.
 */
static OshValue *
split_port(OshMerge *merge, OshValue *list, OshValue *endpoint, guint16 port)
{
    g_autoptr(GArray) others = osh_draft_ports(endpoint);
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(guint16));
    g_autofree char *place = osh_merge_place(endpoint, port);

    if (others->len < 2)
        return endpoint;
    for (guint i = others->len; i-- > 0;)
        if (g_array_index(others, guint16, i) == port)
            g_array_remove_index(others, i);
    g_array_append_val(own, port);
    osh_draft_set_ports(endpoint, others);
    endpoint = osh_value_append(list, osh_value_copy(endpoint));
    osh_draft_set_ports(endpoint, own);
    osh_merge_warn(merge->warnings,
                   "%s is an endpoint of its own now; the other ports stay as they "
                   "are",
                   place);
    return endpoint;
}

static gboolean
add_rules(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    OshValue *list = NULL;
    OshValue *endpoint = find_target(merge, operation, &list, error);
    g_autofree char *place = NULL;
    const char *protocol;

    if (endpoint == NULL)
        return FALSE;
    place = osh_merge_place(endpoint, operation->port);
    protocol = osh_value_find_text(endpoint, "protocol");
    if (*protocol == '\0')
        return osh_merge_refuse(merge, error, "%s is not inspected: it has no protocol", place);
    if (g_ascii_strcasecmp(protocol, "rest") != 0 && g_ascii_strcasecmp(protocol, "websocket") != 0)
        return osh_merge_refuse(merge, error,
                                "%s has protocol %s; rules can be added to rest and websocket",
                                place, protocol);
    if (operation->kind == OSH_MERGE_ADD_ALLOW_RULES) {
        endpoint = split_port(merge, list, endpoint, operation->port);
        if (!osh_merge_expand_access(merge, endpoint, place, merge->warnings, error))
            return FALSE;
        osh_contract_add_rules(endpoint, "rules", operation->rules);
        return TRUE;
    }
    if (*osh_value_find_text(endpoint, "access") == '\0' &&
        osh_contract_is_unset(osh_value_find(endpoint, "rules")))
        return osh_merge_refuse(merge, error,
                                "%s allows nothing that could be denied; it needs access or rules",
                                place);
    endpoint = split_port(merge, list, endpoint, operation->port);
    osh_contract_add_rules(endpoint, "deny_rules", operation->rules);
    return TRUE;
}

static gboolean
apply(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    switch (operation->kind) {
    case OSH_MERGE_ADD_RULE:
        if (operation->rule_name == NULL || *operation->rule_name == '\0')
            return osh_merge_refuse(merge, error, "add_rule needs a rule_name");
        return check_owner(merge, operation->rule_name, error) &&
               osh_merge_add_rule(merge, operation, error);
    case OSH_MERGE_REMOVE_ENDPOINT:
        return remove_endpoint(merge, operation, error);
    case OSH_MERGE_REMOVE_RULE:
        return remove_rule(merge, operation, error);
    case OSH_MERGE_REMOVE_BINARY:
        return remove_binary(merge, operation, error);
    case OSH_MERGE_ADD_ALLOW_RULES:
    case OSH_MERGE_ADD_DENY_RULES:
    default:
        return add_rules(merge, operation, error);
    }
}

/*
 * Ways in which each host and port is inspected, for those where an MCP endpoint is among them and
 * they differ: one destination has one MCP contract, in whatever policy and under whatever path.
 */
static GHashTable *
mcp_conflicts(const OshDraft *draft)
{
    GHashTable *places =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    const OshValue *policies = osh_draft_policies(draft);
    GHashTableIter iter;
    gpointer ways;

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        const OshValue *endpoints = osh_draft_endpoints(osh_value_item(policies, i));

        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++) {
            const OshValue *endpoint = osh_value_item(endpoints, k);
            g_autoptr(GArray) ports = osh_draft_ports(endpoint);

            if (*osh_value_find_text(endpoint, "protocol") == '\0')
                continue;
            for (guint p = 0; p < ports->len; p++) {
                g_autofree char *host = osh_merge_place(endpoint, g_array_index(ports, guint16, p));
                char *place = g_ascii_strdown(host, -1);
                g_autofree char *way = osh_contract_inspection(endpoint);
                GPtrArray *known = g_hash_table_lookup(places, place);

                if (known == NULL)
                    g_hash_table_insert(places, place,
                                        known = g_ptr_array_new_with_free_func(g_free));
                else
                    g_free(place);
                if (!g_ptr_array_find_with_equal_func(known, way, g_str_equal, NULL))
                    g_ptr_array_add(known, g_steal_pointer(&way));
            }
        }
    }
    g_hash_table_iter_init(&iter, places);
    while (g_hash_table_iter_next(&iter, NULL, &ways)) {
        gboolean has_mcp = FALSE;

        for (guint i = 0; i < ((GPtrArray *)ways)->len; i++)
            has_mcp |= g_str_has_prefix(g_ptr_array_index((GPtrArray *)ways, i), "protocol mcp");
        if (!has_mcp || ((GPtrArray *)ways)->len < 2)
            g_hash_table_iter_remove(&iter);
    }
    return places;
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
check_conflicts(const OshDraft *before, const OshDraft *after, GError **error)
{
    g_autoptr(GHashTable) old = mcp_conflicts(before);
    g_autoptr(GHashTable) new = mcp_conflicts(after);
    g_autofree gpointer *places = g_hash_table_get_keys_as_array(new, NULL);

    for (gsize i = 0; places[i] != NULL; i++) {
        GPtrArray *ways = g_hash_table_lookup(new, places[i]);
        g_autofree char *words = NULL;

        if (g_hash_table_contains(old, places[i]))
            continue;
        g_ptr_array_sort(ways, compare_texts);
        g_ptr_array_add(ways, NULL);
        words = g_strjoinv("; ", (char **)ways->pdata);
        g_set_error(error, OSH_MERGE_ERROR, OSH_MERGE_ERROR_REFUSED,
                    "%s would be inspected in more than one way (%s); MCP traffic of one host and "
                    "port is read in one way, whatever the policy or path",
                    (const char *)places[i], words);
        return FALSE;
    }
    return TRUE;
}

OshDraft *
osh_merge(const OshDraft *policy, const GPtrArray *operations, GPtrArray *warnings, GError **error)
{
    g_autoptr(OshDraft) draft = osh_draft_copy(policy);
    OshMerge merge = {draft, warnings, 0};

    for (guint i = 0; i < operations->len; i++) {
        merge.number = i + 1;
        if (!apply(&merge, g_ptr_array_index(operations, i), error))
            return NULL;
    }
    if (!check_conflicts(policy, draft, error))
        return NULL;
    return g_steal_pointer(&draft);
}
