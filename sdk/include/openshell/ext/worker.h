/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/worker.h: "openshell.worker/1", a bounded pool for work that blocks: name resolution,
 * hashing a binary, reading a file. Rare by design: nothing on the per-request path belongs here.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_WORKER "openshell.worker/1"

/**
 * OshWorkerInterface:
 * @struct_size: sizeof(OshWorkerInterface) of the host
 * @submit: [main, shard] queues @work, which runs on [worker]; then @done runs on the thread that
 *   submitted. Returns FALSE, and calls neither, when the queue is full or the host is stopping:
 *   the caller denies or retries.
 *
 * Work that was accepted always has its @done called, unless the submitting thread has ended.
 */
typedef struct {
    guint32 struct_size;
    gboolean (*submit)(gpointer instance, OshCallback work, OshCallback done, gpointer data);
} OshWorkerInterface;

/** osh_worker_submit: [main, shard] Returns: whether the work was accepted. */
static inline gboolean
osh_worker_submit(const OshInterface *worker, OshCallback work, OshCallback done, gpointer data)
{
    const OshWorkerInterface *vtable = (const OshWorkerInterface *)worker->vtable;

    return osh_can_call(vtable, OshWorkerInterface, submit) &&
           vtable->submit(worker->instance, work, done, data);
}

G_END_DECLS
