/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination check: the modes in their precedence, explicit networks, exact declared host,
 * public only. Pure functions; never resolves anything.
 */
#include "osh-destination.h"

#include "osh-address-class.h"
#include "osh-socket-address.h"

#include <arpa/inet.h>
#include <string.h>

char *
osh_address_text(const struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof text);
    else
        inet_ntop(AF_INET6, address, text, sizeof text);
    return g_strdup(text);
}

gboolean
osh_address_mapped_parse(const char *text, struct in6_addr *ret_address)
{
    struct in6_addr address = {0};

    if (inet_pton(AF_INET, text, &address.s6_addr[12]) == 1)
        address.s6_addr[10] = address.s6_addr[11] = 0xff;
    else if (inet_pton(AF_INET6, text, &address) != 1)
        return FALSE;
    *ret_address = address;
    return TRUE;
}

static OshAddress
destination_plain(const struct in6_addr *address)
{
    OshAddress plain = {.family = 6};

    if (IN6_IS_ADDR_V4MAPPED(address)) {
        plain.family = 4;
        memcpy(plain.bytes, &address->s6_addr[12], 4);
    } else {
        memcpy(plain.bytes, address->s6_addr, 16);
    }
    return plain;
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

/* An IPv4 network of the list also stands for its NAT64 form. */
static gboolean
destination_is_listed(const OshDestinationRequest *request, const struct in6_addr *address)
{
    OshAddress plain = destination_plain(address);
    OshAddress inside;
    struct in6_addr behind = *address;

    if (osh_address_nat64_inside(&plain, &inside))
        osh_address_map_ipv4(inside.bytes, &behind);
    for (gsize i = 0; i < request->n_allowed; i++)
        if (destination_inside(&request->allowed[i], address) ||
            destination_inside(&request->allowed[i], &behind))
            return TRUE;
    return FALSE;
}

/*
 * An address that the client wrote is trusted no more than one that a name server gave: a wildcard
 * allows public ones alone, whatever it matches as text.
 */
static const char *
destination_problem(const OshDestinationRequest *request, const struct in6_addr *address)
{
    OshAddress plain = destination_plain(address);
    OshAddressClass class = osh_address_classify_strict(&plain);

    if (class == OSH_ADDRESS_ALWAYS_BLOCKED)
        return "always-blocked address";
    if (request->n_allowed > 0)
        return destination_is_listed(request, address) ? NULL : "address outside allowed_ips,";
    if (request->exact_declared_host || class == OSH_ADDRESS_PUBLIC)
        return NULL;
    return "internal address";
}

static gboolean
destination_refuse(const struct in6_addr *address, const struct in6_addr **ret_refused,
                   char **ret_reason, char *reason)
{
    if (ret_refused != NULL)
        *ret_refused = address;
    if (ret_reason != NULL)
        *ret_reason = reason;
    else
        g_free(reason);
    return FALSE;
}

gboolean
osh_destination_check(const OshDestinationRequest *request, const struct in6_addr *addresses,
                      gsize n_addresses, const struct in6_addr **ret_refused, char **ret_reason)
{
    if (osh_address_port_is_control_plane(request->port))
        return destination_refuse(
            n_addresses > 0 ? &addresses[0] : NULL, ret_refused, ret_reason,
            g_strdup_printf("port %u is a blocked control-plane port", request->port));
    for (gsize i = 0; i < n_addresses; i++) {
        const char *problem = destination_problem(request, &addresses[i]);

        if (problem != NULL) {
            g_autofree char *text = osh_address_text(&addresses[i]);

            return destination_refuse(
                &addresses[i], ret_refused, ret_reason,
                g_strdup_printf("%s resolves to %s %s", request->host, problem, text));
        }
    }
    return TRUE;
}
