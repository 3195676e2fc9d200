/* SPDX-License-Identifier: Apache-2.0 */
/* shown-calls.h: what the content of a message asks for, in words for its event. */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** OSH_SHOWN_CALLS: calls of a batch that are named; of the others the number. */
#define OSH_SHOWN_CALLS 8
/** OSH_SHOWN_NAME: bytes of a name that are shown. */
#define OSH_SHOWN_NAME 128

/**
 * osh_shown_calls: [any]
 * @facts: of a message, with those of its content
 *
 * Names of methods and tools alone, with `?` for control characters: no other value of the params.
 *
 * Returns: (transfer full) (nullable): for example `tools/call read_file, ping`; NULL when the
 *   message holds no call
 */
char *osh_shown_calls(const OshFacts *facts);

G_END_DECLS
