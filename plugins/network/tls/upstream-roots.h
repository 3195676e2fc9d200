/* SPDX-License-Identifier: Apache-2.0 */
/* upstream-roots.h: the certificates by which servers are verified. [worker], [main]; no state. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

G_BEGIN_DECLS

/**
 * osh_upstream_roots:
 * @roots: (nullable): PEM file in place of the system's bundle
 * @extra_roots: (nullable): PEM file beside it
 * @error: return location: a file that has no certificate, or that there is no root at all
 *
 * Parses the certificates; those that cannot be parsed are left out.
 *
 * Returns: (transfer full) (nullable): a store that trusts them and nothing else
 */
X509_STORE *osh_upstream_roots(const char *roots, const char *extra_roots, GError **error);

G_END_DECLS
