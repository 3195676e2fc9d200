/* SPDX-License-Identifier: Apache-2.0 */
/* authority-folder.h: the authority of a run as files for programs that no box gives them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_authority_folder_write:
 * @folder: that is there
 * @pem: the authority's certificate
 * @roots: (nullable): PEM file in place of the system's certificates (SSL_CERT_FILE of the host)
 * @error: return location
 *
 * Writes openshell-ca.pem and ca-bundle.pem, which everybody may read, in place of those that are
 * there; a program sees an old file or a new one, and never a part of one. No file holds a key.
 *
 * Returns: FALSE when one of them cannot be written
 */
gboolean osh_authority_folder_write(const char *folder, const char *pem, const char *roots,
                                    GError **error);

G_END_DECLS
