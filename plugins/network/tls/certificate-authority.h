/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate-authority.h: the authority of one run, made in memory and gone with it.
 *
 * Made on [main]; immutable afterwards, so [any] may read it. The key is never written.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshCertificateAuthority OshCertificateAuthority;

/**
 * osh_certificate_authority_new:
 * @error: return location
 *
 * A P-256 key and a self-signed certificate for it: CN "OpenShell Sandbox CA", valid from a day ago
 * for a week, path length 0, for signing certificates and revocation lists only (RFC 5280 §4.2.1).
 *
 * Returns: (transfer full) (nullable): the authority
 */
OshCertificateAuthority *osh_certificate_authority_new(GError **error);

/** osh_certificate_authority_free: @authority: (transfer full) (nullable): the key is wiped. */
void osh_certificate_authority_free(OshCertificateAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshCertificateAuthority, osh_certificate_authority_free)

/** osh_certificate_authority_pem: Returns: (transfer none): the certificate. */
const char *osh_certificate_authority_pem(const OshCertificateAuthority *authority);

/** OSH_AUTHORITY_MODULE_SYMBOL: what the module of these functions exports. */
#define OSH_AUTHORITY_MODULE_SYMBOL "osh_authority_module_v1"

/** OshAuthorityModule: the functions above, of the module that has libcrypto. */
typedef struct {
    OshCertificateAuthority *(*create)(GError **error);
    void (*free)(OshCertificateAuthority *authority);
    const char *(*pem)(const OshCertificateAuthority *authority);
} OshAuthorityModule;

/** osh_authority_module_v1: of a build that has them linked in. */
extern __attribute__((visibility("default"))) const OshAuthorityModule osh_authority_module_v1;

G_END_DECLS
