/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handling.c: one number for how an endpoint has a connection treated. Pure, [any]; allocates
 * nothing, because it is asked with every decision.
 *
 * Two policies are compared by it when an open connection is decided again. It must never depend on
 * what does not reach the bytes of a connection: keys, order, rules, binaries, labels. Addresses
 * are not part of it either: the one in use is checked against the new policy instead.
 */
#include "endpoint-key.h"

/* FNV-1a, 64 bits. */
#define OFFSET_BASIS 14695981039346656037u
#define PRIME        1099511628211u

static guint64
add_number(guint64 hash, guint64 number)
{
    return (hash ^ number) * PRIME;
}

static guint64
add_text(guint64 hash, const char *text)
{
    if (text == NULL)
        return add_number(hash, 256);
    for (; *text != '\0'; text++)
        hash = add_number(hash, (guint8)*text);
    return add_number(hash, 257);
}

guint64
osh_policy_endpoint_handling(const OshPolicyEndpoint *endpoint)
{
    static const OshPolicyEndpoint plain = {.protocol_name = ""};
    const OshEndpointKey *key;
    guint64 hash;

    if (endpoint == NULL)
        endpoint = &plain;
    hash = add_number(OFFSET_BASIS, endpoint->tls == OSH_POLICY_TLS_SKIP);
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
        if ((key->traits & OSH_ENDPOINT_KEY_HANDLING) != 0)
            hash = key->type == OSH_ENDPOINT_KEY_SWITCH
                       ? add_number(hash, (guint64)osh_endpoint_key_switch(key, endpoint))
                       : add_text(hash, osh_endpoint_key_string(key, endpoint));
    return hash;
}

gboolean
osh_policy_endpoint_inspects(const OshPolicyEndpoint *endpoint)
{
    return endpoint->tls != OSH_POLICY_TLS_SKIP &&
           (osh_policy_protocol_is_inspected(endpoint->protocol) ||
            osh_policy_endpoint_has_credentials(endpoint));
}
