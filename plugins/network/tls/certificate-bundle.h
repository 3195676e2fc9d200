/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-bundle.h: what programs trust beside the authority of a run. Any thread; no state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_certificate_bundle:
 * @pem: the authority's certificate
 *
 * Returns: (transfer full): the authority, then the system's certificates, as far as there are any
 */
char *osh_certificate_bundle(const char *pem);

G_END_DECLS
