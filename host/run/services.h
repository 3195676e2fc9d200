/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services.h: what the host has for its plugins, and the plugins themselves. Made in one place, for
 * a run and for the verbs that look at plugins.
 */
#pragma once

#include "bus.h"
#include "event-log.h"
#include "event-sinks.h"
#include "metrics.h"
#include "policy-interface.h"
#include "recorder.h"
#include "registry.h"
#include "worker.h"

G_BEGIN_DECLS

/**
 * OshServices:
 * @bus: the event bus
 * @publisher: as which the host itself publishes
 * @metrics: counters and gauges
 * @shards: data-plane threads, not started
 * @workers: threads that may block
 * @policy: the policy in force
 * @registry: the plugins, which find the services above by their interfaces
 * @sinks: (nullable): from osh_services_create_plugins()
 * @log: (nullable): from osh_services_open_log()
 * @recorder: (nullable): from osh_services_record()
 *
 * The members are borrowed from it.
 */
typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    OshMetrics *metrics;
    OshShardPool *shards;
    OshWorkerPool *workers;
    OshPolicyService *policy;
    OshRegistry *registry;
    OshEventSinks *sinks;
    OshEventLog *log;
    OshRecorder *recorder;
} OshServices;

/**
 * OshServicesRequest:
 * @policy: (transfer full): in force from the beginning
 * @plugins: (transfer full): what was found
 * @shards: how many; 0: one for each processor
 * @workers: threads at most
 * @worker_queue: works that wait at most
 */
typedef struct {
    OshPolicySnapshot *policy;
    OshPluginSet *plugins;
    guint shards;
    guint workers;
    guint worker_queue;
} OshServicesRequest;

/**
 * osh_services_new:
 * @request: what they are made of
 * @error: return location
 *
 * [main] Makes no thread. The calling thread becomes the bus's.
 *
 * Returns: (transfer full) (nullable): the services
 */
OshServices *osh_services_new(const OshServicesRequest *request, GError **error);

/**
 * osh_services_open_log:
 * @path: of `--events`
 * @writable: (array zero-terminated=1): what programs of the box may write
 * @error: return location
 *
 * [main] Writes every event from the first to @path; a required sink.
 */
gboolean osh_services_open_log(OshServices *services, const char *path, const char *const *writable,
                               GError **error);

/**
 * osh_services_record:
 * @path: of `--record`
 * @writable: (array zero-terminated=1): what programs of the box may write
 * @audit: the run only audits
 * @error: return location
 *
 * [main] Every decision is recorded from now on. The recorder is not started yet.
 */
gboolean osh_services_record(OshServices *services, const char *path, const char *const *writable,
                             gboolean audit, GError **error);

/**
 * osh_services_create_plugins:
 * @error: return location; names the required plugin that failed
 *
 * [main] Creates those that take part, and attaches the sinks among them to the bus, so that they
 * get every event that is delivered from here on.
 */
gboolean osh_services_create_plugins(OshServices *services, GError **error);

/**
 * osh_services_stop:
 *
 * [main] Ends threads and plugins in the order in which they use each other, and the recording.
 * Afterwards nothing publishes; the bus is still there.
 */
void osh_services_stop(OshServices *services);

/** osh_services_free: [main] @services: (transfer full) (nullable): stopped before if they are not.
 */
void osh_services_free(OshServices *services);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshServices, osh_services_free)

G_END_DECLS
