/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage.c: whether a proposal is in force.
 *
 * A pure function, any thread. It answers yes only when a loaded policy grants each endpoint to
 * each binary.
 */
#include "coverage.h"

#include "contract.h"

/* @binary: NULL for any binary */
static gboolean
is_granted(const OshDraft *policy, const OshValue *endpoint, guint16 port, const char *binary)
{
    const OshValue *policies = osh_draft_policies(policy);

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        const OshValue *loaded = osh_value_item(policies, i);
        const OshValue *endpoints = osh_draft_endpoints(loaded);

        if (!osh_contract_is_any_binary(loaded) &&
            (binary == NULL || !osh_contract_has_binary(loaded, binary)))
            continue;
        /* a policy without binaries allows no program */
        if (binary != NULL && !osh_contract_has_binaries(loaded))
            continue;
        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++)
            if (osh_contract_covers(osh_value_item(endpoints, k), endpoint, port))
                return TRUE;
    }
    return FALSE;
}

static gboolean
is_granted_to_all(const OshDraft *policy, const OshValue *proposal, const OshValue *endpoint,
                  guint16 port)
{
    const OshValue *binaries = osh_draft_binaries(proposal);

    if (osh_contract_is_any_binary(proposal))
        return is_granted(policy, endpoint, port, NULL);
    for (guint i = 0; i < osh_value_length(binaries); i++)
        if (!is_granted(policy, endpoint, port,
                        osh_value_find_text(osh_value_item(binaries, i), "path")))
            return FALSE;
    return TRUE;
}

gboolean
osh_coverage_is_live(const OshDraft *policy, const OshValue *proposal)
{
    const OshValue *endpoints = osh_draft_endpoints(proposal);

    if (endpoints == NULL || osh_value_length(endpoints) == 0)
        return FALSE;
    for (guint i = 0; i < osh_value_length(endpoints); i++) {
        const OshValue *endpoint = osh_value_item(endpoints, i);
        g_autoptr(GArray) ports = osh_contract_units(endpoint);

        for (guint k = 0; k < ports->len; k++)
            if (!is_granted_to_all(policy, proposal, endpoint, g_array_index(ports, guint16, k)))
                return FALSE;
    }
    return TRUE;
}
