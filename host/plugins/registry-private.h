/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-private.h: what registry.c and registry-run.c share.
 */
#pragma once

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

struct _OshRegistry {
    OshBus *bus;
    OshBusPublisher *publisher;
    GPtrArray *plugins; /* OshPlugin, owned */
    GPtrArray *order;   /* OshPlugin, borrowed: start order of those that were created */
    GHashTable *own;    /* id -> OshInterface of the host */
    OshRegistryWalk walk;
    GPtrArray *answers; /* what start and stop were given, owned; see registry-run.c */
    OshRequiredFailedFunc required_failed;
    gpointer required_failed_data;
};

G_END_DECLS
