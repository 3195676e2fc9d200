/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-endpoint.c: one endpoint into another in the same place.
 *
 * Any thread. Lists grow, switches turn on, words that are there stay, with a warning. Whether the
 * result may be given to the binaries of its policy is for merge-rule.c.
 */
#include "endpoint-key.h"
#include "merge-private.h"

#include <string.h>

static gboolean
same_word(const char *key, const char *left, const char *right)
{
    return strcmp(key, "enforcement") == 0 ? strcmp(left, right) == 0
                                           : g_ascii_strcasecmp(left, right) == 0;
}

static void
merge_words(OshValue *existing, const OshValue *incoming, const char *place, GPtrArray *warnings)
{
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const char *old = osh_value_find_text(existing, key->name);
        const char *new = osh_value_find_text(incoming, key->name);

        if (key->merge != OSH_ENDPOINT_MERGE_WORD || *new == '\0')
            continue;
        if (*old == '\0')
            osh_value_set_text(existing, key->name, new);
        else if (!same_word(key->name, old, new))
            osh_merge_warn(warnings, "%s keeps %s '%s'; '%s' is not taken over", place, key->name,
                           old, new);
    }
}

static gboolean
merge_rules(const OshMerge *merge, OshValue *existing, const OshValue *incoming, const char *place,
            GPtrArray *warnings, GError **error)
{
    const OshValue *rules = osh_value_find(incoming, "rules");
    const char *access = osh_value_find_text(incoming, "access");
    const char *old = osh_value_find_text(existing, "access");

    if (!osh_contract_is_unset(rules)) {
        if (!osh_merge_expand_access(merge, existing, place, warnings, error))
            return FALSE;
        osh_contract_add_rules(existing, "rules", rules);
    } else if (*access == '\0') {
        return TRUE;
    } else if (osh_contract_is_unset(osh_value_find(existing, "rules"))) {
        if (*old == '\0')
            osh_value_set_text(existing, "access", access);
        else if (strcmp(old, access) != 0)
            osh_merge_warn(warnings, "%s keeps access '%s'; '%s' is not taken over", place, old,
                           access);
        return TRUE;
    }
    if (*access != '\0')
        osh_merge_warn(warnings, "%s has rules; access '%s' is not taken over", place, access);
    return TRUE;
}

static void
merge_ports(OshValue *existing, const OshValue *incoming)
{
    g_autoptr(GArray) ports = osh_draft_ports(existing);
    g_autoptr(GArray) more = osh_draft_ports(incoming);

    if (more->len > 0)
        g_array_append_vals(ports, more->data, more->len);
    osh_draft_set_ports(existing, ports);
}

static gboolean
lists_text(const OshValue *list, const char *text)
{
    for (guint i = 0; i < osh_value_length(list); i++)
        if (strcmp(osh_value_text(osh_value_item(list, i)), text) == 0)
            return TRUE;
    return FALSE;
}

static void
merge_addresses(OshValue *existing, const OshValue *more)
{
    OshValue *list;

    if (osh_contract_is_unset(more))
        return;
    list = osh_value_ensure_list(existing, "allowed_ips");
    for (guint i = 0; i < osh_value_length(more); i++)
        if (!lists_text(list, osh_value_text(osh_value_item(more, i))))
            osh_value_append(list, osh_value_copy(osh_value_item(more, i)));
}

void
osh_merge_tidy_endpoint(OshValue *endpoint)
{
    static const char *const lists[] = {"rules", "deny_rules", "allowed_ips", NULL};
    g_autoptr(GArray) ports = osh_draft_ports(endpoint);

    osh_draft_set_ports(endpoint, ports);
    for (gsize i = 0; lists[i] != NULL; i++) {
        const OshValue *list = osh_value_find(endpoint, lists[i]);
        g_autoptr(OshValue) copy = NULL;

        if (list == NULL || osh_value_kind(list) != OSH_VALUE_LIST || osh_value_length(list) < 2)
            continue;
        copy = osh_value_copy(list);
        osh_value_set(endpoint, lists[i], osh_value_list());
        if (strcmp(lists[i], "allowed_ips") == 0)
            merge_addresses(endpoint, copy);
        else
            osh_contract_add_rules(endpoint, lists[i], copy);
    }
}

static gboolean
is_switch(const OshValue *value)
{
    return osh_value_kind(value) == OSH_VALUE_PLAIN &&
           (strcmp(osh_value_text(value), "true") == 0 ||
            strcmp(osh_value_text(value), "false") == 0);
}

/* Switches turn on; whatever else @existing has stays, what it lacks is taken over. */
static void
merge_others(OshValue *existing, const OshValue *incoming, const char *place, GPtrArray *warnings)
{
    for (guint i = 0; i < osh_value_length(incoming); i++) {
        const char *name = osh_value_key(incoming, i);
        const OshEndpointKey *key = osh_endpoint_key_find(name);
        const OshValue *value = osh_value_item(incoming, i);
        const OshValue *old = osh_value_find(existing, name);

        if ((key != NULL && key->merge != OSH_ENDPOINT_MERGE_VALUE) || osh_contract_is_unset(value))
            continue;
        if (osh_contract_is_unset(old))
            osh_value_set(existing, name, osh_value_copy(value));
        else if (is_switch(value))
            osh_value_set(existing, name,
                          osh_value_boolean(strcmp(osh_value_text(value), "true") == 0 ||
                                            strcmp(osh_value_text(old), "true") == 0));
        else if (!osh_value_equal(old, value))
            osh_merge_warn(warnings, "%s keeps its %s; another one is not taken over", place, name);
    }
}

/* An endpoint that was not inspected may become an MCP one. */
static gboolean
becomes_mcp(const OshValue *existing, const OshValue *incoming)
{
    return osh_contract_is_mcp(incoming) && *osh_value_find_text(existing, "protocol") == '\0' &&
           osh_value_find(existing, "mcp") == NULL && osh_value_find(existing, "json_rpc") == NULL;
}

static gboolean
merge_inspection(const OshMerge *merge, OshValue *existing, const OshValue *incoming,
                 const char *place, GPtrArray *warnings, GError **error)
{
    static const char *const sections[] = {"mcp", "json_rpc", NULL};
    const char *protocol = osh_value_find_text(incoming, "protocol");

    if (!becomes_mcp(existing, incoming) && !osh_contract_same_mcp(existing, incoming)) {
        g_autofree char *old = osh_contract_inspection(existing);
        g_autofree char *new = osh_contract_inspection(incoming);

        return osh_merge_refuse(merge, error,
                                "%s cannot be inspected in two ways: it has %s, the "
                                "operation %s",
                                place, old, new);
    }
    if (*protocol != '\0' && *osh_value_find_text(existing, "protocol") == '\0')
        osh_merge_warn(warnings, "%s was not inspected, and is now, as %s", place, protocol);
    for (gsize i = 0; sections[i] != NULL; i++) {
        const OshValue *value = osh_value_find(incoming, sections[i]);
        const OshValue *old = osh_value_find(existing, sections[i]);

        if (osh_contract_is_unset(value))
            continue;
        if (old == NULL)
            osh_value_set(existing, sections[i], osh_value_copy(value));
        else if (!osh_value_equal(old, value) &&
                 !(osh_contract_is_mcp(existing) && osh_contract_same_mcp(existing, incoming)))
            osh_merge_warn(warnings, "%s keeps its %s; another one is not taken over", place,
                           sections[i]);
    }
    return TRUE;
}

/* A port that both have, else the first of the incoming ones. */
static guint
common_port(const OshValue *existing, const OshValue *incoming)
{
    g_autoptr(GArray) ports = osh_draft_ports(existing);
    g_autoptr(GArray) more = osh_draft_ports(incoming);

    for (guint i = 0; i < ports->len; i++)
        if (osh_contract_has_port(incoming, g_array_index(ports, guint16, i)))
            return g_array_index(ports, guint16, i);
    return more->len > 0 ? g_array_index(more, guint16, 0) : 0;
}

gboolean
osh_merge_endpoint(const OshMerge *merge, OshValue *existing, const OshValue *incoming,
                   GPtrArray *warnings, GError **error)
{
    g_autofree char *place = osh_merge_place(existing, common_port(existing, incoming));

    if (!merge_inspection(merge, existing, incoming, place, warnings, error))
        return FALSE;
    merge_ports(existing, incoming);
    merge_words(existing, incoming, place, warnings);
    if (!merge_rules(merge, existing, incoming, place, warnings, error))
        return FALSE;
    osh_contract_add_rules(existing, "deny_rules", osh_value_find(incoming, "deny_rules"));
    merge_addresses(existing, osh_value_find(incoming, "allowed_ips"));
    merge_others(existing, incoming, place, warnings);
    if (osh_value_is_proposed(incoming) && !osh_value_is_proposed(existing)) {
        osh_value_set_proposed(existing, TRUE);
        osh_merge_warn(warnings,
                       "%s counts as proposed from now on: private addresses need allowed_ips",
                       place);
    }
    return TRUE;
}
