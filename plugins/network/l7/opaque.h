/* SPDX-License-Identifier: Apache-2.0 */
/* opaque.h: what an inspected connection goes on with when nothing of it is inspected any more. */
#pragma once

#include <openshell/ext/draft/l7-protocol.h>

G_BEGIN_DECLS

/** osh_opaque_protocol: [any] Returns: (transfer none): a protocol whose sessions pass every byte
 * of both directions. */
const OshInterface *osh_opaque_protocol(void);

G_END_DECLS
