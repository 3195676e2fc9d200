/* SPDX-License-Identifier: Apache-2.0 */
/* record-row.h: one decision as JSON. */
#pragma once

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/** Version of the format, in the first line of a recording. */
#define OSH_RECORDING_VERSION 1
/** Longest line that is written or read, in bytes. */
#define OSH_RECORDING_MAX_LINE 65536

/**
 * osh_record_row_append: [any]
 * @text: gets the members of the object, without its braces
 * @decision: what is written
 * @plain_facts: (nullable): set of names of facts of plugins that may be written
 *
 * Equal decisions give equal text.
 */
void osh_record_row_append(GString *text, const OshDecision *decision, GHashTable *plain_facts);

/** osh_record_outcome_name: Returns: (transfer none): the word of @outcome. */
const char *osh_record_outcome_name(guint32 outcome);

G_END_DECLS
