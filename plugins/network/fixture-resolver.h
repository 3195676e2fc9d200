/* SPDX-License-Identifier: Apache-2.0 */
/* fixture-resolver.h: a system resolver that answers what a test has set. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_fixture_resolve_to:
 * @addresses: (array zero-terminated=1) (nullable): literals in the order that the system prefers;
 *   NULL for a name that does not exist. Kept by reference.
 *
 * From now on getaddrinfo(3) of this program gives these for every name.
 */
void osh_fixture_resolve_to(const char *const *addresses);

/** osh_fixture_n_lookups: Returns: how often a name was looked up since the last call of it. */
guint osh_fixture_n_lookups(void);

/** osh_fixture_looked_up: Returns: (transfer none): the name looked up last. */
const char *osh_fixture_looked_up(void);

G_END_DECLS
