/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transparent.h: captured connections. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** osh_transparent_begin: finds where the program wanted to go and identifies it. May free. */
void osh_transparent_begin(OshConnection *connection);

G_END_DECLS
