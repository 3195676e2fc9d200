/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-limit.h: whether a run may have as many open files, and as much memory, as it takes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_file_limit_check:
 *
 * [main] Before anything is opened.
 *
 * Returns: %FALSE when a limit of getrlimit(2) is too low, which has been said then
 */
gboolean osh_file_limit_check(void);

G_END_DECLS
