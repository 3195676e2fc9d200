/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h: the numbers behind "openshell.metrics/1". Each thread adds to cells of its own, which
 * are summed when somebody reads.
 *
 * The host hands it to plugins as OshInterface {"host", osh_metrics_interface(), metrics}.
 */
#pragma once

#include "openshell/ext/metrics.h"

G_BEGIN_DECLS

typedef struct _OshMetrics OshMetrics;

/** OSH_METRICS_MAX: how many metrics there can be; each costs 8 bytes per thread that adds. */
#define OSH_METRICS_MAX 512

/**
 * OshMetricFunc:
 * @name: its name
 * @kind: counter or gauge
 * @help: (nullable): one line
 * @value: sum over all threads
 */
typedef void (*OshMetricFunc)(const char *name, OshMetricKind kind, const char *help, gint64 value,
                              gpointer data);

/** osh_metrics_new: [main] Returns: (transfer full) (nullable): NULL with @error set. */
OshMetrics *osh_metrics_new(GError **error);

/** osh_metrics_free: [main] @metrics: (transfer full) (nullable): no thread adds any more. */
void osh_metrics_free(OshMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshMetrics, osh_metrics_free)

/** osh_metrics_interface: [any] Returns: (transfer none): the vtable. */
const OshMetricsInterface *osh_metrics_interface(void);

/** osh_metrics_foreach: [main] Calls @function for each metric, in order of making. */
void osh_metrics_foreach(OshMetrics *metrics, OshMetricFunc function, gpointer data);

G_END_DECLS
