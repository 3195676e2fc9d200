/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial-line.h: what the person at the terminal reads when something was refused or failed.
 */
#pragma once

#include "bus.h"

G_BEGIN_DECLS

typedef struct _OshDenialLines OshDenialLines;

/** OshDenialPrint: [main] must not block. */
typedef void (*OshDenialPrint)(const char *line, gpointer data);

/**
 * osh_denial_line_format:
 * @event: of topic network.denied, network.failed, process.violation or host.plugin-fault, or of
 *   network.allowed where that was only audited, or box.closed where something was left behind
 * @policy: (nullable): path of the policy in force, for the command that explains a denial
 *
 * One line without a newline, for example
 *
 * |[
 * openshell: DENIED e7 curl(4121) -> api.example.com:443 [connect] endpoint … is not allowed by
 * any policy; next: …
 * ]|
 *
 * A failure is worded FAILED and never as a denial. Bytes that a terminal would obey are escaped.
 *
 * Returns: (transfer full) (nullable): the line; NULL for any other topic
 */
char *osh_denial_line_format(const OshEvent *event, const char *policy);

/**
 * osh_denial_lines_new:
 * @bus: subscribed to; must outlive the result
 * @print: called with each line, without a newline
 * @data: for @print
 * @policy: (nullable): path of the policy in force
 * @audit: the run only audits: show also what would have been refused
 *
 * [main] One line for each distinct refusal of the run: the same process image, destination and
 * reason is shown once, whatever its count.
 *
 * Returns: (transfer full): the writer
 */
OshDenialLines *osh_denial_lines_new(OshBus *bus, OshDenialPrint print, gpointer data,
                                     const char *policy, gboolean audit);

/** osh_denial_lines_count: [main] Returns: how many refusals there were, repeats included. */
guint64 osh_denial_lines_count(OshDenialLines *lines);

/** osh_denial_lines_free: [main] @lines: (transfer full) (nullable). */
void osh_denial_lines_free(OshDenialLines *lines);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshDenialLines, osh_denial_lines_free)

G_END_DECLS
