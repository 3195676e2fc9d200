/* SPDX-License-Identifier: Apache-2.0 */
/* recorded-facts.h: facts of a recorded decision from JSON. Private to host/record. */
#pragma once

#include <jansson.h>

#include "arena.h"
#include "recording.h"

/**
 * osh_recorded_facts_read: [any]
 * @object: the member "facts"
 * @arena: gets everything that @row points to
 * @row: gets its facts and what they withhold
 *
 * Returns: NULL, or what is wrong
 */
const char *osh_recorded_facts_read(json_t *object, OshArena *arena, OshRecordedDecision *row);
