/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-takeover.c: an observed denial takes over what is known of its destination.
 *
 * Any thread. A second, plain endpoint beside an inspected one would lose the inspection or make
 * the policy ambiguous. Only the port that was seen is taken, never its neighbours.
 */
#include "merge-private.h"

#include <string.h>

/* Nothing but a host and one port: what a refused connection knows. */
static gboolean
is_observation(const OshMergeOperation *operation)
{
    const OshValue *endpoints = osh_draft_endpoints(operation->rule);
    const OshValue *binaries = osh_draft_binaries(operation->rule);
    const OshValue *endpoint;
    g_autoptr(GArray) ports = NULL;

    if (operation->kind != OSH_MERGE_ADD_RULE || endpoints == NULL || binaries == NULL ||
        osh_value_length(endpoints) != 1 || osh_value_length(binaries) == 0)
        return FALSE;
    endpoint = osh_value_item(endpoints, 0);
    ports = osh_draft_ports(endpoint);
    for (guint i = 0; i < osh_value_length(endpoint); i++)
        if (strcmp(osh_value_key(endpoint, i), "host") != 0 &&
            !g_str_has_prefix(osh_value_key(endpoint, i), "port") &&
            !osh_contract_is_unset(osh_value_item(endpoint, i)))
            return FALSE;
    return *osh_value_find_text(endpoint, "host") != '\0' && ports->len == 1;
}

static gboolean
same_contract(const OshValue *left, const OshValue *right)
{
    return osh_value_is_proposed(left) == osh_value_is_proposed(right) &&
           osh_value_equal(left, right);
}

/* @endpoint narrowed to @port, or as it is when that is 0. */
static OshValue *
contract_of(const OshValue *endpoint, guint16 port)
{
    OshValue *contract = osh_value_copy(endpoint);
    g_autoptr(GArray) ports = NULL;

    osh_merge_tidy_endpoint(contract);
    if (port != 0) {
        ports = g_array_new(FALSE, FALSE, sizeof(guint16));
        g_array_append_val(ports, port);
        osh_draft_set_ports(contract, ports);
    }
    return contract;
}

/* What host and port of @asked have in force; NULL when nothing, *ret_differ when several things.
 */
static OshValue *
find_contract(const OshDraft *effective, const OshValue *asked, guint16 port, gboolean *ret_differ)
{
    const OshValue *policies = osh_draft_policies(effective);
    OshValue *found = NULL;

    *ret_differ = FALSE;
    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        const OshValue *endpoints = osh_draft_endpoints(osh_value_item(policies, i));

        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++) {
            const OshValue *endpoint = osh_value_item(endpoints, k);
            g_autoptr(OshValue) contract = NULL;

            if (!osh_contract_is_at(endpoint, osh_value_find_text(asked, "host"), port))
                continue;
            contract = contract_of(endpoint, port);
            if (found == NULL)
                found = g_steal_pointer(&contract);
            else
                *ret_differ |= !same_contract(found, contract);
        }
    }
    return found;
}

/* The first policy of a person in @base that holds exactly @contract. */
static char *
find_owner(const OshDraft *base, const OshValue *contract)
{
    g_autoptr(GArray) policies = osh_draft_sorted_policies(base);

    for (guint i = 0; i < policies->len; i++) {
        const OshDraftPolicy *one = &g_array_index(policies, OshDraftPolicy, i);
        const OshValue *endpoints = osh_draft_endpoints(one->policy);

        if (osh_contract_is_provider(one->key))
            continue;
        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++) {
            g_autoptr(OshValue) own = contract_of(osh_value_item(endpoints, k), 0);

            if (same_contract(own, contract))
                return g_strdup(one->key);
        }
    }
    return NULL;
}

gboolean
osh_merge_take_over(const OshDraft *base, const OshDraft *effective, OshMergeOperation *operation,
                    GError **error)
{
    const OshValue *asked;
    g_autoptr(OshValue) contract = NULL;
    g_autoptr(GArray) ports = NULL;
    OshValue *endpoints;
    gboolean differ;
    char *owner;
    guint16 port;

    if (!is_observation(operation))
        return TRUE;
    asked = osh_value_item(osh_draft_endpoints(operation->rule), 0);
    ports = osh_draft_ports(asked);
    port = g_array_index(ports, guint16, 0);
    contract = find_contract(effective, asked, port, &differ);
    if (contract == NULL)
        return TRUE;
    if (differ) {
        g_set_error(error, OSH_MERGE_ERROR, OSH_MERGE_ERROR_REFUSED,
                    "%s:%u has several endpoints that differ; the addition has to say which of "
                    "them it means",
                    osh_value_find_text(asked, "host"), port);
        return FALSE;
    }
    owner = find_owner(base, contract);
    if (owner != NULL) {
        g_free(operation->rule_name);
        operation->rule_name = owner;
    }
    endpoints = osh_value_list();
    osh_value_append(endpoints, g_steal_pointer(&contract));
    osh_value_set(operation->rule, "endpoints", endpoints);
    return TRUE;
}
