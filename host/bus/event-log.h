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
 * @path: of the file, which is appended to; made with mode 0600 where missing
 * @writable: (array zero-terminated=1): from osh_writable_places(); osh_output_file_open() says
 * what is refused
 * @error: return location
 *
 * [main] Returns: (transfer full) (nullable): the log
 */
OshEventLog *osh_event_log_open(const char *path, const char *const *writable, GError **error);

/**
 * osh_event_log_new:
 * @fd: (transfer full): appended to, without blocking
 * @path: for messages
 *
 * [main] Returns: (transfer full): the log
 */
OshEventLog *osh_event_log_new(int fd, const char *path);

/**
 * osh_event_log_interface:
 * @ret_interface: filled with an openshell.draft.event-sink/1 that lives as long as @log
 */
void osh_event_log_interface(OshEventLog *log, OshInterface *ret_interface);

/** osh_event_log_close: [main] @log: (transfer full) (nullable). */
void osh_event_log_close(OshEventLog *log);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshEventLog, osh_event_log_close)

G_END_DECLS
