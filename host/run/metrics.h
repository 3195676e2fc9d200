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

/** osh_metrics_new: [main] Returns: (transfer full) (nullable): NULL with @error set. */
OshMetrics *osh_metrics_new(GError **error);

/** osh_metrics_free: [main] @metrics: (transfer full) (nullable): no thread adds any more. */
void osh_metrics_free(OshMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshMetrics, osh_metrics_free)

/** osh_metrics_interface: [any] Returns: (transfer none): the vtable. */
const OshMetricsInterface *osh_metrics_interface(void);

G_END_DECLS
