/* SPDX-License-Identifier: Apache-2.0 */
/* landlock-probe.h: which Landlock this kernel has. [any]; no state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshLandlockState:
 * @OSH_LANDLOCK_AVAILABLE: @abi of the probe says how much
 * @OSH_LANDLOCK_NOT_BUILT: the kernel has no Landlock
 * @OSH_LANDLOCK_NOT_ENABLED: it has, but it is not among the active security modules
 * @OSH_LANDLOCK_REFUSED: something around us, such as a container's filter, refuses the call
 */
typedef enum {
    OSH_LANDLOCK_AVAILABLE,
    OSH_LANDLOCK_NOT_BUILT,
    OSH_LANDLOCK_NOT_ENABLED,
    OSH_LANDLOCK_REFUSED,
} OshLandlockState;

/**
 * osh_landlock_probe:
 * @ret_abi: (out): the kernel's ABI, %OSH_LANDLOCK_KNOWN_ABI at most, 0 unless available
 *
 * In builds for tests (OSH_TEST_BUILD) the environment variable OSH_TEST_LANDLOCK_ABI caps the ABI,
 * so that one kernel shows what older ones do.
 *
 * Returns: whether there is Landlock, and why not
 */
OshLandlockState osh_landlock_probe(guint *ret_abi);

/**
 * osh_landlock_state_reason:
 *
 * Returns: (transfer none): a state in words for messages
 */
const char *osh_landlock_state_reason(OshLandlockState state);

G_END_DECLS
