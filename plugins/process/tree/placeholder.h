/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placeholder.h: files that stand, while a box is open, where a program must not create one.
 *
 * A name that does not exist cannot be a mount point. So the host makes a file there that changes
 * nothing for the tools that read it, the box has it bound read-only, and the host removes it when
 * the last box that uses it has closed. [main].
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshPlaceholderKind:
 * @OSH_PLACEHOLDER_NONE: no placeholder
 * @OSH_PLACEHOLDER_FILE: a line that git reads as a comment, not executable
 * @OSH_PLACEHOLDER_COMMONDIR: git's `commondir` that names the folder which it lies in
 * @OSH_PLACEHOLDER_FOLDER: an empty folder
 */
typedef enum {
    OSH_PLACEHOLDER_NONE,
    OSH_PLACEHOLDER_FILE,
    OSH_PLACEHOLDER_COMMONDIR,
    OSH_PLACEHOLDER_FOLDER,
} OshPlaceholderKind;

/** OshPlaceholders: those of one box. */
typedef struct OshPlaceholders OshPlaceholders;

/** osh_placeholders_new: Returns: (transfer full): none yet */
OshPlaceholders *osh_placeholders_new(void);

/**
 * osh_placeholders_make:
 * @placeholders: those of a box
 * @path: absolute, without symlinks; its folder exists
 * @kind: which
 * @ret_needed: (out): %FALSE when no program can create anything there, so that there is nothing
 *   to bind
 * @error: return location
 *
 * Takes over what another box, or one whose host was killed, has left there. What another program
 * has made there in the meantime is left as it is, and needs to be bound as well.
 *
 * Returns: %FALSE with @error set when the creation cannot be prevented
 */
gboolean osh_placeholders_make(OshPlaceholders *placeholders, const char *path,
                               OshPlaceholderKind kind, gboolean *ret_needed, GError **error);

/**
 * osh_placeholders_remove:
 * @placeholders: (nullable): those of a box, which has closed
 *
 * Removes all that no other box uses and that has not been replaced.
 */
void osh_placeholders_remove(OshPlaceholders *placeholders);

/** osh_placeholders_free: @placeholders: (nullable): removed and freed */
void osh_placeholders_free(OshPlaceholders *placeholders);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPlaceholders, osh_placeholders_free)

/**
 * osh_placeholder_is:
 * @path: what may be one
 * @kind: of which kind
 *
 * Returns: whether it is a placeholder of this or another box
 */
gboolean osh_placeholder_is(const char *path, OshPlaceholderKind kind);

G_END_DECLS
