/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf-mint.h: makes leaf certificates, which the run's authority signs.
 *
 * Made on [main]; immutable afterwards, so [any] may mint, several threads at once.
 */
#pragma once

#include "certificate-authority.h"

G_BEGIN_DECLS

typedef struct _OshLeafMint OshLeafMint;

/**
 * osh_leaf_mint_new:
 * @authority: (transfer none): outlives the mint
 * @revocation_list_uri: (nullable): CRL distribution point of each leaf
 * @error: return location
 *
 * Makes the one P-256 key that all leaves of the run share.
 *
 * Returns: (transfer full) (nullable): the mint
 */
OshLeafMint *osh_leaf_mint_new(const OshCertificateAuthority *authority,
                               const char *revocation_list_uri, GError **error);

/** osh_leaf_mint_free: @mint: (transfer full) (nullable): the key is wiped. */
void osh_leaf_mint_free(OshLeafMint *mint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLeafMint, osh_leaf_mint_free)

/**
 * osh_leaf_mint_make:
 * @name: host name or address, up to 253 bytes
 *
 * RFC 5280 section 4: subjectAltName of @name alone (dNSName or iPAddress), valid from a day ago
 * for a week, for TLS servers only, a random serial. The subject has @name as its CN where it fits
 * (64 characters).
 *
 * Returns: (transfer full) (nullable): %NULL for what is neither a name (letters, digits, "-", "_",
 *   ".") nor an address, and when OpenSSL fails
 */
X509 *osh_leaf_mint_make(const OshLeafMint *mint, const char *name);

/** osh_leaf_mint_key: Returns: (transfer none): the key of every leaf. */
EVP_PKEY *osh_leaf_mint_key(const OshLeafMint *mint);

/** osh_leaf_mint_chain: Returns: (transfer none): what is sent behind a leaf, the authority first.
 */
STACK_OF(X509) * osh_leaf_mint_chain(const OshLeafMint *mint);

G_END_DECLS
