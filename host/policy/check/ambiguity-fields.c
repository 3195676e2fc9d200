/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambiguity-fields.c: what two endpoints that overlap must agree about, and how to say that they
 * do not.
 *
 * The rules of requests may differ, they add up; what chooses a parser or shapes a connection may
 * not. Which keys that are stands in the table of model/endpoint-key.c; a key counts only where
 * both protocols have it. Runs on the loading thread.
 */
#include "ambiguity-fields.h"

#include "endpoint-key.h"

#include <string.h>

#define MAX_PORTS_SHOWN 8

gboolean
osh_ambiguity_is_extended(const OshPolicyEndpoint *endpoint)
{
    return endpoint->has_config || endpoint->credential_provider != NULL;
}

/* NULL when the endpoint has nothing of the kind to agree about. */
static char *
value_of(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    if (key->agree_of != 0 && (key->agree_of & OSH_ENDPOINT_OF(endpoint->protocol)) == 0)
        return NULL;
    return osh_endpoint_key_text(key, endpoint);
}

static char *
join_values(const OshPolicyEndpoint *endpoint, OshEndpointKeyAgree agree)
{
    GString *joined = g_string_new(NULL);
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        g_autofree char *value = key->agree == agree ? value_of(key, endpoint) : NULL;

        if (key->agree == agree)
            g_string_append_printf(joined, "%s\n", value != NULL ? value : "-");
    }
    return g_string_free(joined, FALSE);
}

char *
osh_ambiguity_connection_key(const OshPolicyEndpoint *endpoint)
{
    return join_values(endpoint, OSH_ENDPOINT_AGREE_CONNECTION);
}

char *
osh_ambiguity_request_key(const OshPolicyEndpoint *endpoint)
{
    return join_values(endpoint, OSH_ENDPOINT_AGREE_REQUEST);
}

static void
append_ports(GString *text, const OshPolicyEndpoint *endpoint)
{
    for (guint i = 0; i < endpoint->n_ports && i < MAX_PORTS_SHOWN; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? "," : "", endpoint->ports[i]);
    if (endpoint->n_ports > MAX_PORTS_SHOWN)
        g_string_append(text, ",...");
}

static void
append_endpoint(GString *text, const OshPolicySnapshot *snapshot, const OshPolicyEndpoint *endpoint)
{
    g_string_append_printf(text, "policy '%.100s' endpoint[%u] (%s:",
                           snapshot->policies[endpoint->policy_index].display_name, endpoint->index,
                           *endpoint->host != '\0' ? endpoint->host : "any host");
    append_ports(text, endpoint);
    g_string_append_printf(text, "%s)", endpoint->path);
}

static void
append_shared_ports(GString *text, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    guint shown = 0;

    for (guint i = 0; i < a->n_ports && shown < MAX_PORTS_SHOWN; i++)
        for (guint k = 0; k < b->n_ports; k++)
            if (a->ports[i] == b->ports[k]) {
                g_string_append_printf(text, "%s%u", shown++ > 0 ? "," : "", a->ports[i]);
                break;
            }
}

/* What only one of two protocols has does not count: they differ already. */
static void
append_difference(GString *text, const OshEndpointKey *key, const OshPolicyEndpoint *a,
                  const OshPolicyEndpoint *b)
{
    g_autofree char *left = value_of(key, a);
    g_autofree char *right = value_of(key, b);

    if (left == NULL || right == NULL || strcmp(left, right) == 0 ||
        (key->type == OSH_ENDPOINT_KEY_BYTES && a->protocol != b->protocol))
        return;
    g_string_append_printf(text, "%s%s ('%.200s' against '%.200s')",
                           g_str_has_suffix(text->str, ": ") ? "" : "; ",
                           key->agree_as != NULL ? key->agree_as : key->name, left, right);
}

static void
append_differences(GString *text, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    gboolean both = osh_ambiguity_is_extended(a) && osh_ambiguity_is_extended(b) &&
                    a->match->path_specificity == b->match->path_specificity;
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
        if (key->agree == OSH_ENDPOINT_AGREE_CONNECTION)
            append_difference(text, key, a, b);
    for (guint i = 0; both && (key = osh_endpoint_key_at(i)) != NULL; i++)
        if (key->agree == OSH_ENDPOINT_AGREE_REQUEST)
            append_difference(text, key, a, b);
}

char *
osh_ambiguity_describe(const OshPolicySnapshot *snapshot, const OshPolicyEndpoint *earlier,
                       const OshPolicyEndpoint *later)
{
    GString *text = g_string_new("ambiguous: ");

    append_endpoint(text, snapshot, earlier);
    g_string_append(text, " and ");
    append_endpoint(text, snapshot, later);
    g_string_append(text, " overlap on port(s) ");
    append_shared_ports(text, earlier, later);
    g_string_append(text, " with conflicting metadata: ");
    append_differences(text, earlier, later);
    return g_string_free(text, FALSE);
}
