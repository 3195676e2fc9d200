/* SPDX-License-Identifier: Apache-2.0 */
/* trust-store.h: certificates in the one form that Java reads. Any thread; no state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_trust_store_new:
 * @pem: certificates in PEM, with any text between them (RFC 7468)
 *
 * A PKCS #12 file (RFC 7292) without encryption and without a password: what it holds is public,
 * and what guards it is that the file is read-only. Each certificate carries the attribute by which
 * Java takes an entry without a key for a trusted one.
 *
 * Returns: (transfer full): the file
 */
GBytes *osh_trust_store_new(const char *pem);

G_END_DECLS
