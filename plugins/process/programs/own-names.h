/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own-names.h: the lines by which a box knows itself: its user and group in passwd(5) and group(5),
 * its host name in hosts(5). [main].
 */
#pragma once

#include "identity.h"

#include <glib.h>

G_BEGIN_DECLS

/** OSH_BOX_HOSTNAME: what uname(2) says in a box. */
#define OSH_BOX_HOSTNAME "openshell"

/**
 * osh_own_passwd:
 * @host: the host's passwd(5), "" where the box does not show it
 * @identity: of the box
 *
 * Returns: (transfer full) (nullable): @host with a line for the user of @identity, or %NULL when
 * it has one
 */
char *osh_own_passwd(const char *host, const OshIdentity *identity);

/**
 * osh_own_group:
 * @host: the host's group(5), "" where the box does not show it
 * @identity: of the box
 *
 * Returns: (transfer full) (nullable): @host with a line for each group of @identity that has none,
 *   or %NULL when all have one
 */
char *osh_own_group(const char *host, const OshIdentity *identity);

/**
 * osh_own_hosts:
 *
 * The host's own table of names is not the box's: a name found in it would arrive as a literal
 * address, and never as the name that the policy speaks of.
 *
 * Returns: (transfer full): hosts(5) with what is the box itself
 */
char *osh_own_hosts(void);

G_END_DECLS
