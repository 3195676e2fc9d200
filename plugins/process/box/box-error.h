/* SPDX-License-Identifier: Apache-2.0 */
/* What init says went wrong, in words that a person can act on. */
#pragma once

#include "box.h"

G_BEGIN_DECLS

/**
 * osh_box_set_error:
 * @reply: an OSH_INIT_FAILED of init
 * @error: return location
 */
void osh_box_set_error(const struct osh_init_reply *reply, GError **error);

G_END_DECLS
