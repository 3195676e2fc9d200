/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination check: the modes in their precedence, explicit networks, address literal, exact
 * declared host, public only. Pure functions; never resolves anything.
 */
#include "destination.h"

#include "audit.h"
#include "osh-address-class.h"

#include <string.h>

static OshAddressClass
destination_class(const struct in6_addr *address)
{
    OshAddress plain = {.family = 6};

    if (IN6_IS_ADDR_V4MAPPED(address)) {
        plain.family = 4;
        memcpy(plain.bytes, &address->s6_addr[12], 4);
    } else {
        memcpy(plain.bytes, address->s6_addr, 16);
    }
    return osh_address_classify_strict(&plain);
}

static gboolean
destination_inside(const OshCidr *network, const struct in6_addr *address)
{
    guint whole = MIN(network->prefix, 128u) / 8;
    guint rest = MIN(network->prefix, 128u) % 8;
    guint8 mask = (guint8)(0xff00u >> rest);

    if (memcmp(network->address.s6_addr, address->s6_addr, whole) != 0)
        return FALSE;
    return rest == 0 ||
           (network->address.s6_addr[whole] & mask) == (address->s6_addr[whole] & mask);
}

static const char *
destination_problem(const OshDestinationRequest *request, const struct in6_addr *address)
{
    OshAddressClass class = destination_class(address);

    if (class == OSH_ADDRESS_ALWAYS_BLOCKED)
        return "always-blocked address";
    if (request->n_allowed > 0) {
        for (gsize i = 0; i < request->n_allowed; i++)
            if (destination_inside(&request->allowed[i], address))
                return NULL;
        return "address outside allowed_ips,";
    }
    if (request->literal || request->exact_declared_host || class == OSH_ADDRESS_PUBLIC)
        return NULL;
    return "internal address";
}

const struct in6_addr *
osh_destination_check(const OshDestinationRequest *request, const OshAddressList *addresses,
                      char **ret_reason)
{
    if (osh_address_port_is_control_plane(request->port)) {
        *ret_reason = g_strdup_printf("port %u is a blocked control-plane port", request->port);
        return &addresses->at[0];
    }
    for (guint i = 0; i < addresses->length; i++) {
        const char *problem = destination_problem(request, &addresses->at[i]);

        if (problem != NULL) {
            g_autofree char *text = osh_address_text(&addresses->at[i]);

            *ret_reason = g_strdup_printf("%s resolves to %s %s", request->host, problem, text);
            return &addresses->at[i];
        }
    }
    return NULL;
}
