/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-digest.h: SHA-256 of libcrypto, which is loaded when the first content is hashed: a
 * run without a connection does not pay for it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_DIGEST_SIZE: bytes of a SHA-256. */
#define OSH_DIGEST_SIZE 32

typedef struct _OshDigestLibrary OshDigestLibrary;
typedef struct _OshDigest OshDigest;

/**
 * osh_digest_library_new:
 * @soname: (nullable): NULL is the libcrypto that this was built with
 *
 * [main] Chooses the file, before a box exists.
 *
 * Returns: (transfer full): the library; loaded by the first osh_digest_new()
 */
OshDigestLibrary *osh_digest_library_new(const char *soname);
/** osh_digest_library_free: @library: (transfer full) (nullable). */
void osh_digest_library_free(OshDigestLibrary *library);

/**
 * osh_digest_new: [any]
 *
 * Returns: (transfer full) (nullable): a SHA-256 of nothing yet; NULL when the library cannot be
 *   loaded or has no memory
 */
OshDigest *osh_digest_new(OshDigestLibrary *library);
/** osh_digest_update: [any] Returns: FALSE when it failed. */
gboolean osh_digest_update(OshDigest *digest, gconstpointer bytes, gsize length);
/** osh_digest_finish: [any] @ret_bytes: OSH_DIGEST_SIZE of them. Returns: FALSE when it failed. */
gboolean osh_digest_finish(OshDigest *digest, guint8 *ret_bytes);
/** osh_digest_free: [any] @digest: (transfer full) (nullable). */
void osh_digest_free(OshDigest *digest);

G_END_DECLS
