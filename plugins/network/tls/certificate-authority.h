/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate-authority.h: the authority of one run: made in memory and gone with it, or read from
 * files.
 *
 * Made on [main]; immutable afterwards, so [any] may read it. The key is never written.
 */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

G_BEGIN_DECLS

typedef struct _OshCertificateAuthority OshCertificateAuthority;

/**
 * osh_certificate_authority_new:
 * @revocation_list_uri: (nullable): CRL distribution point of the certificate
 * @error: return location
 *
 * A P-256 key and a self-signed certificate for it: CN "OpenShell Sandbox CA", valid from a day ago
 * for ten years (a proxy may run for long, and each leaf is valid for a week), path length 0, for
 * signing certificates and revocation lists only (RFC 5280 §4.2.1).
 *
 * Returns: (transfer full) (nullable): the authority
 */
OshCertificateAuthority *osh_certificate_authority_new(const char *revocation_list_uri,
                                                       GError **error);

/**
 * osh_certificate_authority_read:
 * @certificate_path: PEM: its certificate, then what leads from it to a root
 * @key_path: PEM: its key, which osh_pem_file_key() takes
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the authority, unless it may not sign certificates or is not
 *   valid now
 */
OshCertificateAuthority *osh_certificate_authority_read(const char *certificate_path,
                                                        const char *key_path, GError **error);

/** osh_certificate_authority_free: @authority: (transfer full) (nullable): the key is wiped. */
void osh_certificate_authority_free(OshCertificateAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshCertificateAuthority, osh_certificate_authority_free)

/** osh_certificate_authority_pem: Returns: (transfer none): the certificate, and what leads from it
 * to a root. */
const char *osh_certificate_authority_pem(const OshCertificateAuthority *authority);

/** osh_certificate_authority_chain: Returns: (transfer none): the same certificates; the first is
 * the authority's. */
STACK_OF(X509) * osh_certificate_authority_chain(const OshCertificateAuthority *authority);

/** osh_certificate_authority_key: Returns: (transfer none): for signing. */
EVP_PKEY *osh_certificate_authority_key(const OshCertificateAuthority *authority);

/** osh_certificate_authority_signs_lists: Returns: whether its key usage has cRLSign (RFC 5280
 * section 4.2.1.3), so that clients take its list. */
gboolean osh_certificate_authority_signs_lists(const OshCertificateAuthority *authority);

/**
 * osh_certificate_authority_revocation_list:
 *
 * Returns: (transfer full) (nullable): an empty list, DER (RFC 5280 section 5)
 */
GBytes *osh_certificate_authority_revocation_list(const OshCertificateAuthority *authority);

G_END_DECLS
