/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-private.h: what the files of the registry share. [main] throughout.
 */
#pragma once

#include "host-table.h"
#include "registry.h"

G_BEGIN_DECLS

/* A start or a stop under way: plugins are taken one after the other. */
typedef struct {
    gboolean active;
    gboolean stopping;
    gboolean waiting; /* for the plugin at @next - 1 (start) or at @next (stop) */
    guint generation; /* so that an answer from an earlier walk is not taken for one of this */
    gsize next;
    gint64 deadline;
    GSource *timer;
    OshRegistryDoneFunc done;
    gpointer data;
} OshRegistryWalk;

/* What the registry keeps for one plugin; lives as long as the registry. */
typedef struct {
    OshRegistry *registry;
    OshPlugin *plugin;
    OshHostTable *table; /* (nullable): once created */
} OshRegistryMember;

struct _OshRegistry {
    OshBus *bus;
    OshBusPublisher *publisher;
    OshPluginSet *set;
    GPtrArray *members; /* OshRegistryMember, owned, in the order of the set */
    GPtrArray *order;   /* OshPlugin, borrowed: start order of those that take part */
    GHashTable *own;    /* id -> OshInterface of the host */
    OshRegistryWalk walk;
    GPtrArray *answers; /* what start and stop were given, owned; see registry-run.c */
    OshRequiredFailedFunc required_failed;
    gpointer required_failed_data;
    OshRegistryStateFunc state_changed;
    gpointer state_changed_data;
};

/* registry-settle.c */
void osh_registry_settle_roles(OshRegistry *registry);
void osh_registry_settle_order(OshRegistry *registry);
void osh_registry_drop_unsatisfied(OshRegistry *registry);

G_END_DECLS
