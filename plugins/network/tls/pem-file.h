/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem-file.h: certificates and keys from files of the configuration. [main], [worker]; no state.
 *
 * Names may lead over symbolic links: mounted secrets do. Whether a program of the box can change
 * what a name leads to is the host's to judge.
 */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

G_BEGIN_DECLS

/**
 * osh_pem_file_certificates:
 * @path: at most 16 MiB
 * @ret_skipped: (out) (optional): certificates that could not be parsed
 * @error: return location: a file that cannot be read, or that has no certificate that can be
 *   parsed
 *
 * Returns: (transfer full) (nullable): the certificates in their order, one at least
 */
STACK_OF(X509) * osh_pem_file_certificates(const char *path, guint *ret_skipped, GError **error);

/** osh_pem_certificates: as osh_pem_file_certificates(), of a text. Returns: (transfer full)
 * (nullable): %NULL for none. */
STACK_OF(X509) * osh_pem_certificates(const char *pem, gsize length, guint *ret_skipped);

/**
 * osh_pem_file_key:
 * @path: of a private key that is not encrypted
 * @error: return location
 *
 * Refuses a file that others may read or write, that its group may write, or that is neither root's
 * nor ours. Nothing is asked on the terminal. The bytes of the file are wiped.
 *
 * Returns: (transfer full) (nullable): the key
 */
EVP_PKEY *osh_pem_file_key(const char *path, GError **error);

/**
 * osh_pem_pair:
 * @certificate_path: (nullable): first the certificate of the key, then its chain
 * @key_path: (nullable): both or neither
 * @what: for messages, for example "the client certificate"
 * @ret_chain: (out) (nullable): (transfer full): certificates
 * @ret_key: (out) (nullable): (transfer full): the key of the first
 * @error: return location
 *
 * Returns: FALSE when one is missing or wrong, or they do not belong together; TRUE with both %NULL
 *   when no path was given
 */
gboolean osh_pem_pair(const char *certificate_path, const char *key_path, const char *what,
                      STACK_OF(X509) * *ret_chain, EVP_PKEY **ret_key, GError **error);

G_END_DECLS
