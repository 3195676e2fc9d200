/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/metrics.h: "openshell.metrics/1", numbers about the host's own work.
 *
 * A metric is made once and added to from any thread; a shard's additions touch memory of its
 * own, so counting costs no sharing. Names are "plugin_id.words_joined_by_underscores".
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_METRICS "openshell.metrics/1"

/** OshMetric: one number; belongs to the host, for the life of the process. */
typedef struct _OshMetric OshMetric;

/**
 * OshMetricKind:
 * @OSH_METRIC_COUNTER: only grows
 * @OSH_METRIC_GAUGE: a level; add negative amounts to lower it
 */
typedef enum {
    OSH_METRIC_COUNTER = 1,
    OSH_METRIC_GAUGE = 2,
} OshMetricKind;

/**
 * OshMetricsInterface:
 * @struct_size: sizeof(OshMetricsInterface) of the host
 * @metric: [main] finds or makes one; the same name gives the same metric, a name taken with
 *   another kind gives NULL. Lives as long as the host.
 * @add: [any] adds @amount
 * @read: [any] sum over all threads; may lag behind additions in progress
 */
typedef struct {
    guint32 struct_size;
    OshMetric *(*metric)(gpointer instance, const char *name, OshMetricKind kind, const char *help);
    void (*add)(gpointer instance, OshMetric *metric, gint64 amount);
    gint64 (*read)(gpointer instance, OshMetric *metric);
} OshMetricsInterface;

/** osh_metrics_metric: [main] Returns: (transfer none) (nullable): the metric. */
static inline OshMetric *
osh_metrics_metric(const OshInterface *metrics, const char *name, OshMetricKind kind,
                   const char *help)
{
    const OshMetricsInterface *vtable = (const OshMetricsInterface *)metrics->vtable;

    return osh_can_call(vtable, OshMetricsInterface, metric)
               ? vtable->metric(metrics->instance, name, kind, help)
               : NULL;
}

/** osh_metrics_add: [any] @metric: (nullable): NULL is ignored. */
static inline void
osh_metrics_add(const OshInterface *metrics, OshMetric *metric, gint64 amount)
{
    const OshMetricsInterface *vtable = (const OshMetricsInterface *)metrics->vtable;

    if (metric != NULL && osh_can_call(vtable, OshMetricsInterface, add))
        vtable->add(metrics->instance, metric, amount);
}

/** osh_metrics_read: [any] Returns: the value; 0 for NULL. */
static inline gint64
osh_metrics_read(const OshInterface *metrics, OshMetric *metric)
{
    const OshMetricsInterface *vtable = (const OshMetricsInterface *)metrics->vtable;

    return metric != NULL && osh_can_call(vtable, OshMetricsInterface, read)
               ? vtable->read(metrics->instance, metric)
               : 0;
}

G_END_DECLS
