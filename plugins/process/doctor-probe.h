/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor-probe.h: what this machine offers to boxes, found out by trying. [main], before threads.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_doctor_probe:
 *
 * Opens a box with everything, and asks what it got; leaves nothing behind.
 *
 * Returns: (transfer full): a(ssss): name, "ok", "weak" or "missing", detail, remedy
 */
GVariant *osh_doctor_probe(void);

G_END_DECLS
