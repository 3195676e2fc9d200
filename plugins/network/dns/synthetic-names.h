/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic-names.h: the addresses that our resolver hands out in place of names.
 *
 * A name gets one IPv4 address of 198.18.0.0/15 and one IPv6 address of fd23:6f70:656e::/48, each
 * when it is first asked for, and keeps them for the whole run. An address is never given to a
 * second name, so the destination of a captured connection says which name was meant. How many
 * addresses a process may cause to be handed out is capped: the one that runs into the cap starves
 * nobody else.
 *
 * Threads: one table is shared. Looking up an address takes no lock; handing one out takes a short
 * one. Both are [any].
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshSyntheticNames OshSyntheticNames;

/** OshSyntheticFamily: which of a name's two addresses is meant. */
typedef enum {
    OSH_SYNTHETIC_IPV4,
    OSH_SYNTHETIC_IPV6,
} OshSyntheticFamily;

/** OSH_SYNTHETIC_POOL_SIZE: how many names one family can ever hold: 198.18.0.1 to 198.19.255.254.
 */
#define OSH_SYNTHETIC_POOL_SIZE 131070
/** OSH_SYNTHETIC_PROCESS_LIMIT: default cap for one process key. */
#define OSH_SYNTHETIC_PROCESS_LIMIT 4096
/** OSH_SYNTHETIC_TTL: a constant answer may be kept long, but a name may leave the policy. */
#define OSH_SYNTHETIC_TTL 60

/**
 * OshSyntheticResult:
 * @OSH_SYNTHETIC_FOUND: the address is set
 * @OSH_SYNTHETIC_POOL_FULL: no address is left for anyone
 * @OSH_SYNTHETIC_PROCESS_FULL: this process key has used its share
 */
typedef enum {
    OSH_SYNTHETIC_FOUND,
    OSH_SYNTHETIC_POOL_FULL,
    OSH_SYNTHETIC_PROCESS_FULL,
} OshSyntheticResult;

/**
 * osh_synthetic_names_new:
 * @pool_limit: names in one family, at most %OSH_SYNTHETIC_POOL_SIZE
 * @process_limit: new addresses that one process key may cause
 *
 * Returns: (transfer full): an empty table
 */
OshSyntheticNames *osh_synthetic_names_new(guint pool_limit, guint process_limit);

/**
 * osh_synthetic_names_free:
 * @names: (nullable) (transfer full): a table that no thread uses any more
 */
void osh_synthetic_names_free(OshSyntheticNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshSyntheticNames, osh_synthetic_names_free)

/**
 * osh_synthetic_names_assign:
 * @name: a host name in lower case without a trailing dot
 * @family: which address
 * @process_key: whose query it is; 0 when it is not known, which is a key like any other
 * @ret_address: (out caller-allocates): 4 or 16 bytes in network order, set when found
 *
 * [any] Returns the address of @name, handing one out if it has none.
 */
OshSyntheticResult osh_synthetic_names_assign(OshSyntheticNames *names, const char *name,
                                              OshSyntheticFamily family, guint64 process_key,
                                              guint8 ret_address[16]);

/**
 * osh_synthetic_names_lookup:
 * @address: 4 or 16 bytes in network order; an IPv4-mapped IPv6 address is taken as IPv4
 * @size: 4 or 16
 *
 * [any] No lock, no allocation.
 *
 * Returns: (transfer none) (nullable): the name that @address was handed out for, valid as long as
 * the table; %NULL when it was not handed out
 */
const char *osh_synthetic_names_lookup(const OshSyntheticNames *names, const guint8 *address,
                                       gsize size);

/**
 * osh_synthetic_names_contains:
 *
 * [any] Returns: whether @address lies in one of the two ranges, handed out or not. Such an address
 *   that lookup does not know means nothing and is to be denied, never dialled.
 */
gboolean osh_synthetic_names_contains(const guint8 *address, gsize size);

/** osh_synthetic_names_count: [any] how many addresses of @family have been handed out. */
guint osh_synthetic_names_count(OshSyntheticNames *names, OshSyntheticFamily family);

G_END_DECLS
