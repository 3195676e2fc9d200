/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-destination.h: whether the addresses of a destination may be dialled.
 *
 * Loopback and the other always-blocked classes are refused whatever the policy says, and so are
 * the control-plane ports of a cluster. One bad address among several refuses them all, so that a
 * name server cannot offer one good and one bad. Pure: the data plane asks it before it dials, and
 * whoever repeats a recorded decision asks it again.
 */
#pragma once

#include <netinet/in.h>

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/**
 * OshDestinationRequest:
 * @host: for messages
 * @port: where to
 * @exact_declared_host: from the verdict
 * @allowed: (array length=n_allowed) (nullable): from the verdict
 * @n_allowed: how many
 */
typedef struct {
    const char *host;
    guint16 port;
    gboolean exact_declared_host;
    const OshCidr *allowed;
    gsize n_allowed;
} OshDestinationRequest;

/**
 * osh_destination_check: [any]
 * @request: what the policy said
 * @addresses: (array length=n_addresses): IPv4 in v4-mapped form; with none only the port is looked
 *   at
 * @n_addresses: how many
 * @ret_refused: (out) (nullable): on refusal the address that is refused, inside @addresses
 * @ret_reason: (out) (nullable): (transfer full): why, on refusal only
 *
 * Returns: TRUE when all of them may be dialled
 */
gboolean osh_destination_check(const OshDestinationRequest *request,
                               const struct in6_addr *addresses, gsize n_addresses,
                               const struct in6_addr **ret_refused, char **ret_reason);

/** osh_address_text: [any] Returns: (transfer full): @address, IPv4 without its mapping. */
char *osh_address_text(const struct in6_addr *address);

/**
 * osh_address_mapped_parse: [any]
 * @text: an IPv4 or IPv6 literal, without brackets
 * @ret_address: (out): the address, IPv4 in v4-mapped form; untouched on failure
 *
 * Returns: FALSE when @text is no address
 */
gboolean osh_address_mapped_parse(const char *text, struct in6_addr *ret_address);

G_END_DECLS
