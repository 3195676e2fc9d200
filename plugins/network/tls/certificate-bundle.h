/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-bundle.h: what programs trust beside the authority of a run. Any thread; no state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_certificate_bundle:
 * @pem: the authority's certificate
 * @roots: (nullable): PEM file in place of the system's certificates (SSL_CERT_FILE of the host)
 *
 * Returns: (transfer full): the authority, then what the host trusts, as far as there is anything
 */
char *osh_certificate_bundle(const char *pem, const char *roots);

/**
 * osh_certificate_roots_check:
 * @roots: (nullable): PEM file in place of the system's certificates
 * @extra_roots: (nullable): PEM file beside them
 * @error: return location: which file has no certificate, or that there is none at all
 *
 * Looks for the beginning of a certificate and parses none, so that a run does not start whose
 * connections would all fail, and does not wait either.
 *
 * Returns: FALSE when no server could be verified
 */
gboolean osh_certificate_roots_check(const char *roots, const char *extra_roots, GError **error);

/** osh_certificate_roots_of_host: Returns: (nullable): the file that SSL_CERT_FILE of our own
 * environment names. */
const char *osh_certificate_roots_of_host(void);

G_END_DECLS
