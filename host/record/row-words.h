/* SPDX-License-Identifier: Apache-2.0 */
/* row-words.h: a recorded decision in words. Private to host/record. */
#pragma once

#include "recording.h"

/** osh_row_host: Returns: (transfer full): host, "(withheld)" when it is not known. */
char *osh_row_host(const OshRecordedDecision *row);

/** osh_row_port: Returns: its port, 0 for a query to the resolver. */
guint osh_row_port(const OshRecordedDecision *row);

/** osh_row_binary: Returns: (transfer full): path of the program, "" when it is not known. */
char *osh_row_binary(const OshRecordedDecision *row);

/** osh_row_request: Returns: (transfer full): what was asked of the host beyond a connection:
 * method and path, operations, calls; "" when nothing is known. */
char *osh_row_request(const OshRecordedDecision *row);
