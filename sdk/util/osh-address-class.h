/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-address-class.h: what kind of destination an address is, and networks in CIDR notation.
 *
 * Two views of the same address: osh_address_classify() answers as OpenShell does, so its policies
 * keep their meaning; osh_address_classify_strict() adds the ranges that OpenShell overlooks and is
 * what a connection is judged by. The strict answer is never weaker than the plain one.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshAddressClass:
 * @OSH_ADDRESS_PUBLIC: anyone's
 * @OSH_ADDRESS_INTERNAL: reachable only when the policy names it (exact host or allowed_ips)
 * @OSH_ADDRESS_ALWAYS_BLOCKED: never reachable, whatever the policy says
 *
 * Ordered: a greater value is refused more often.
 */
typedef enum {
    OSH_ADDRESS_PUBLIC = 0,
    OSH_ADDRESS_INTERNAL = 1,
    OSH_ADDRESS_ALWAYS_BLOCKED = 2,
} OshAddressClass;

/**
 * OshAddress:
 * @family: 4 or 6
 * @bytes: network order; the first four count when @family is 4
 */
typedef struct {
    guint8 family;
    guint8 bytes[16];
} OshAddress;

/**
 * OshAddressRange:
 * @address: the network, host bits cleared
 * @prefix: number of fixed bits
 */
typedef struct {
    OshAddress address;
    guint8 prefix;
} OshAddressRange;

/**
 * osh_address_parse: [any]
 * @text: an IPv4 dotted quad or IPv6 literal, without brackets, zone or blanks
 * @length: its length in bytes, or -1 when NUL-terminated
 * @ret_address: (out): the address; untouched on failure
 *
 * Returns: FALSE when @text is no address
 */
gboolean osh_address_parse(const char *text, gssize length, OshAddress *ret_address);

/**
 * osh_address_range_parse: [any]
 * @text: an address, or an address, a slash and a prefix length
 * @ret_range: (out): the range, host bits cleared; untouched on failure
 *
 * Returns: FALSE when @text is no range
 */
gboolean osh_address_range_parse(const char *text, OshAddressRange *ret_range);

/**
 * osh_address_range_contains: [any]
 *
 * An IPv4-mapped address is not inside an IPv4 range.
 *
 * Returns: TRUE when @address lies in @range
 */
gboolean osh_address_range_contains(const OshAddressRange *range, const OshAddress *address);

/** osh_address_classify: [any] Returns: the class of @address as OpenShell has it. */
OshAddressClass osh_address_classify(const OshAddress *address);

/** osh_address_classify_strict: [any] Returns: the class that a connection is judged by. */
OshAddressClass osh_address_classify_strict(const OshAddress *address);

/**
 * osh_address_nat64_inside: [any]
 * @address: an address
 * @ret_inside: (out): the IPv4 address that a translator sends it to; untouched on failure
 *
 * Of the well-known prefix 64:ff9b::/96 (RFC 6052) alone: where another one has it depends on the
 * network.
 *
 * Returns: FALSE when @address is not in it
 */
gboolean osh_address_nat64_inside(const OshAddress *address, OshAddress *ret_inside);

/**
 * osh_address_range_overlaps_class: [any]
 * @range: a range
 * @at_least: the class asked about
 *
 * Returns: TRUE when @range shares an address with a range of class @at_least or stronger, as
 *   OpenShell has the classes
 */
gboolean osh_address_range_overlaps_class(const OshAddressRange *range, OshAddressClass at_least);

/**
 * osh_address_is_metadata_name: [any]
 * @host: (nullable): a host name
 *
 * Returns: TRUE for the well-known name of a cloud metadata server; surrounding blanks, one
 *   trailing dot and letter case do not matter
 */
gboolean osh_address_is_metadata_name(const char *host);

/** osh_address_port_is_control_plane: [any] Returns: TRUE for cluster control-plane ports. */
gboolean osh_address_port_is_control_plane(guint port);

G_END_DECLS
