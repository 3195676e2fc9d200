/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit-code.h: what the process answers its caller with when it is not the program's own code.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshExitCode:
 * @OSH_EXIT_OK: done
 * @OSH_EXIT_CHECK_FAILED: a verb that checks something found it wrong
 * @OSH_EXIT_TIMEOUT: --timeout ended the program
 * @OSH_EXIT_HOST_ERROR: the host could not do its own part
 * @OSH_EXIT_NOT_EXECUTABLE: the command was found and cannot be run
 * @OSH_EXIT_NOT_FOUND: the command was not found
 * @OSH_EXIT_SIGNAL_BASE: plus the signal that ended the program
 */
typedef enum {
    OSH_EXIT_OK = 0,
    OSH_EXIT_CHECK_FAILED = 1,
    OSH_EXIT_TIMEOUT = 124,
    OSH_EXIT_HOST_ERROR = 125,
    OSH_EXIT_NOT_EXECUTABLE = 126,
    OSH_EXIT_NOT_FOUND = 127,
    OSH_EXIT_SIGNAL_BASE = 128,
} OshExitCode;

G_END_DECLS
