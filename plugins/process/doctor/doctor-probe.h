/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor-probe.h: what this machine offers to boxes, found out by trying. [main], before threads.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_doctor_probe:
 * @seccomp_allow: (array zero-terminated=1): the exceptions of the configuration
 *
 * Opens a box with everything and asks what it got, tries what Landlock and seccomp are to refuse;
 * leaves nothing behind.
 *
 * Returns: (transfer full): a(ssss): name, "ok", "weak" or "missing", detail, remedy
 */
GVariant *osh_doctor_probe(const char *const *seccomp_allow);

G_END_DECLS
