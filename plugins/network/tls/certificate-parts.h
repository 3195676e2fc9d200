/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-parts.h: what the authority, leaves and revocation lists are made of. [any], pure. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

G_BEGIN_DECLS

/** OSH_CERTIFICATE_VALID_BEFORE: seconds that a certificate is dated back, for wrong clocks. */
#define OSH_CERTIFICATE_VALID_BEFORE (24 * 3600)
/** OSH_CERTIFICATE_VALID_AFTER: seconds that a leaf and a revocation list are valid. */
#define OSH_CERTIFICATE_VALID_AFTER (7 * 24 * 3600)

/**
 * osh_certificate_part:
 * @issuer: for what is taken from the issuer's certificate
 * @subject: likewise from the certificate itself
 * @nid: OpenSSL's number of the extension
 * @value: in the words of x509v3_config(5); constant: a comma in it begins another value
 *
 * Returns: (transfer full) (nullable): the extension
 */
X509_EXTENSION *osh_certificate_part(X509 *issuer, X509 *subject, int nid, const char *value);

/** osh_certificate_list_part: RFC 5280 section 4.2.1.13: one distribution point, named by @uri.
 * Returns: (transfer full) (nullable): the extension */
X509_EXTENSION *osh_certificate_list_part(const char *uri);

/** osh_certificate_add_part: adds osh_certificate_part() to @subject. Returns: FALSE on failure. */
gboolean osh_certificate_add_part(X509 *issuer, X509 *subject, int nid, const char *value);

/** osh_certificate_set_serial: @serial: gets 127 random bits (RFC 5280 section 4.1.2.2). Returns:
 * FALSE on failure. */
gboolean osh_certificate_set_serial(ASN1_INTEGER *serial);

/** osh_certificate_digest: Returns: (nullable): what @key signs with; %NULL for a key that brings
 * its own (RFC 8032). */
const EVP_MD *osh_certificate_digest(const EVP_PKEY *key);

/** osh_tls_last_error: takes OpenSSL's errors of this thread. Returns: (transfer none): the oldest
 * one in words. */
const char *osh_tls_last_error(void);

G_END_DECLS
