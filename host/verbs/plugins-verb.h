/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins-verb.h: `openshell-host plugins` and `openshell-host doctor`.
 */
#pragma once

#include "options.h"

G_BEGIN_DECLS

/** osh_verb_plugins: [main] Prints the table, or one manifest. Returns: the exit code. */
int osh_verb_plugins(const OshOptions *options);

/** osh_verb_doctor: [main] Prints what can be enforced here. Returns: the exit code. */
int osh_verb_doctor(const OshOptions *options);

G_END_DECLS
