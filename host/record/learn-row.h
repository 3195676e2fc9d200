/* SPDX-License-Identifier: Apache-2.0 */
/* learn-row.h: whether a recorded decision can be learned, and what of it. Private to host/record.
 */
#pragma once

#include "learn-site.h"
#include "learn.h"

G_BEGIN_DECLS

/**
 * osh_learn_row_read:
 * @options: how to learn
 * @row: a decision
 * @ret_reason: (out): why it is left to a person, when NULL is returned
 *
 * Returns: (transfer full) (nullable): what a policy has to allow
 */
OshLearnRow *osh_learn_row_read(const OshLearnOptions *options, const OshRecordedDecision *row,
                                const char **ret_reason);

/** osh_learn_row_host: Returns: (transfer full) (nullable): its host, lower case, if a policy can
 * name it. */
char *osh_learn_row_host(const OshRecordedDecision *row);

G_END_DECLS
