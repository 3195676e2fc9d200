/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-neighbours.c: an MCP endpoint and one of another protocol at one host and port.
 *
 * Rules add up over all endpoints that a request reaches, so a rule about paths can let through
 * what the rules about methods do not. Where both are for the same requests the policy is ambiguous
 * (check-ambiguity.c); where they are told apart by their paths it loads, with a warning. Runs on
 * the loading thread, after the index was built.
 */
#include "schema.h"

#include <string.h>

/* Endpoints looked at in all; enough for every policy that a person reads. */
#define MAX_STEPS 2000000

typedef struct {
    OshPolicyLoader *loader;
    const OshPolicyEndpoint *endpoint;
    guint port;
    GHashTable *warned; /* MCP endpoints, by position */
    guint steps;
} Neighbours;

static gboolean
is_inspected(const OshPolicyEndpoint *endpoint)
{
    return osh_policy_protocol_is_inspected(endpoint->protocol);
}

static gboolean
is_mcp(const OshPolicyEndpoint *endpoint)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
}

static gboolean
compare(guint number, gboolean exact, gpointer data)
{
    Neighbours *neighbours = data;
    const OshPolicySnapshot *snapshot = neighbours->loader->snapshot;
    const OshPolicyEndpoint *other = &snapshot->endpoints[number];
    const OshPolicyEndpoint *mcp = is_mcp(other) ? other : neighbours->endpoint;

    (void)exact;
    if (++neighbours->steps > MAX_STEPS)
        return FALSE;
    if (!is_inspected(other) || is_mcp(other) == is_mcp(neighbours->endpoint) ||
        !g_hash_table_add(neighbours->warned, (gpointer)mcp))
        return TRUE;
    other = is_mcp(other) ? neighbours->endpoint : other;
    osh_yaml_warning(
        neighbours->loader->diagnostics, mcp->match->source,
        "protocol mcp beside protocol %s of %.200s on port %u: a rule of one can allow "
        "what the other does not",
        other->protocol_name, other->label, neighbours->port);
    return TRUE;
}

static gboolean
has_both(const OshPolicySnapshot *snapshot)
{
    gboolean mcp = FALSE;
    gboolean other = FALSE;

    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        mcp |= is_mcp(&snapshot->endpoints[i]);
        other |= is_inspected(&snapshot->endpoints[i]) && !is_mcp(&snapshot->endpoints[i]);
    }
    return mcp && other;
}

void
osh_schema_check_neighbours(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;
    g_autoptr(GHashTable) warned = NULL;
    Neighbours neighbours = {.loader = loader};

    if (!has_both(snapshot))
        return;
    warned = g_hash_table_new(NULL, NULL);
    neighbours.warned = warned;
    osh_policy_diagnostics_set_stages(loader->diagnostics,
                                      OSH_POLICY_STAGE_AMBIGUITY | OSH_POLICY_STAGE_INSPECTION);
    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];

        neighbours.endpoint = endpoint;
        for (guint k = 0; is_inspected(endpoint) && k < endpoint->n_ports; k++) {
            neighbours.port = endpoint->ports[k];
            osh_policy_index_walk(snapshot, endpoint->host, strlen(endpoint->host), neighbours.port,
                                  compare, &neighbours);
        }
    }
}
