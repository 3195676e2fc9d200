/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor-probe.h: what this machine offers to boxes, found out by trying. [main], before threads.
 */
#pragma once

#include "process-plugin.h"

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

/**
 * osh_doctor_probe_rules:
 * @plugin: the plugin
 * @request: what a run would ask for
 *
 * Opens that box, seals it, tells what became of its Landlock rules and takes it down again.
 *
 * Returns: (transfer full): rows as above
 */
GVariant *osh_doctor_probe_rules(OshProcessPlugin *plugin, const OshBoxRequest *request);

G_END_DECLS
