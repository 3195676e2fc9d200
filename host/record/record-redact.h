/* SPDX-License-Identifier: Apache-2.0 */
/* record-redact.h: what a recording must not hold. Pure; [any]. */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/**
 * OshRecordHandling: how a string of a fact is written.
 * @OSH_RECORD_PLAIN: as it is, unless it bears a placeholder of a credential
 * @OSH_RECORD_WITHHELD: never
 * @OSH_RECORD_PATH: segment by segment, as above
 * @OSH_RECORD_ARGUMENT: only a plain absolute path; anything else is left out
 */
typedef enum {
    OSH_RECORD_PLAIN,
    OSH_RECORD_WITHHELD,
    OSH_RECORD_PATH,
    OSH_RECORD_ARGUMENT,
} OshRecordHandling;

/**
 * osh_record_handling:
 * @fact: name of a fact
 * @field: (nullable): for a field of a record of it; its own name
 * @key: the field "key" of that record or of the fact, where it has one
 * @ret_handling: (out): untouched when FALSE is returned
 *
 * Returns: FALSE when the fact is not one of the host's
 */
gboolean osh_record_handling(const char *fact, const char *field, OshSpan key,
                             OshRecordHandling *ret_handling);

/**
 * osh_record_bears_placeholder:
 *
 * Returns: whether @text holds the mark of a credential's placeholder, in any letter case, as it
 *   is or after one percent-decoding
 */
gboolean osh_record_bears_placeholder(OshSpan text);

/** osh_record_is_argument: Returns: whether @text is an absolute path and says nothing else. */
gboolean osh_record_is_argument(OshSpan text);

G_END_DECLS
