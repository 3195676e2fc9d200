/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host-table.h: the table of host.h, one for each plugin, so that the host knows who calls.
 */
#pragma once

#include "bus.h"
#include "openshell/host.h"

G_BEGIN_DECLS

/**
 * OshHostCalls: what the calls of one plugin become.
 * @plugin_id: who calls
 * @config: (nullable): a{sv}, its configuration
 * @bus: where it subscribes
 * @publisher: as whom it publishes
 * @find_interfaces: [any] as osh_host_find_interfaces()
 * @manifest: [any] as osh_host_manifest()
 * @fault: [main] what the plugin says of itself
 * @data: for all three
 *
 * Everything is borrowed, and outlives the table.
 */
typedef struct {
    const char *plugin_id;
    GVariant *config;
    OshBus *bus;
    OshBusPublisher *publisher;
    gsize (*find_interfaces)(gpointer data, const char *id, OshInterface *ret_interfaces,
                             gsize capacity);
    const char *(*manifest)(gpointer data, const char *plugin_id);
    void (*fault)(gpointer data, OshFaultSeverity severity, const char *message);
    gpointer data;
} OshHostCalls;

typedef struct _OshHostTable OshHostTable;

/** osh_host_table_new: [main] Returns: (transfer full): a table that does @calls, copied. */
OshHostTable *osh_host_table_new(const OshHostCalls *calls);

/** osh_host_table_get: Returns: (transfer none): what a plugin is given. */
const OshHost *osh_host_table_get(const OshHostTable *table);

/** osh_host_table_free: [main] @table: (transfer full) (nullable): after the plugin's instance. */
void osh_host_table_free(OshHostTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshHostTable, osh_host_table_free)

G_END_DECLS
