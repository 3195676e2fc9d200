/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-log.h: `--events FILE`: every bus event as one line of JSON, in a file.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

typedef struct _OshEventLog OshEventLog;

/**
 * osh_event_log_open:
 * @path: of the file, which is appended to; made with mode 0600 where missing. A symbolic link, a
 *   directory, and a regular file of somebody else are refused (security rule 3).
 * @error: return location
 *
 * [main] Returns: (transfer full) (nullable): the log
 */
OshEventLog *osh_event_log_open(const char *path, GError **error);

/**
 * osh_event_log_interface:
 * @ret_interface: filled with an openshell.event-sink/1 that lives as long as @log
 */
void osh_event_log_interface(OshEventLog *log, OshInterface *ret_interface);

/** osh_event_log_close: [main] @log: (transfer full) (nullable). */
void osh_event_log_close(OshEventLog *log);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshEventLog, osh_event_log_close)

G_END_DECLS
