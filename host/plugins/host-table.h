/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host-table.h: the table of host.h, one for each plugin, so that the host knows who calls.
 */
#pragma once

#include "plugin.h"

G_BEGIN_DECLS

/** osh_host_table_init: [main] fills @table for @plugin, whose publisher is there. */
void osh_host_table_init(OshHost *table, OshPlugin *plugin);

G_END_DECLS
