/* SPDX-License-Identifier: Apache-2.0 */
/* writable-note.h: what the policy makes writable and the program's user cannot write. [main]. */
#pragma once

#include "identity.h"
#include "mount-plan.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_writable_notes_add:
 * @mounts: the tree
 * @workdir: (nullable): the working directory
 * @identity: of the programs
 * @notes: (element-type utf8): gets a line for each, with what to do about it
 */
void osh_writable_notes_add(const OshMountPlan *mounts, const char *workdir,
                            const OshIdentity *identity, GPtrArray *notes);

G_END_DECLS
