/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-lazy-library.h: a shared library that is chosen at the start and loaded when it is needed.
 *
 * What is loaded late must be protected from the start. So the file is opened and one page of it
 * mapped at once: the host lists the files that it has mapped when it makes a box, and later loads
 * that very file, whatever its name leads to by then. [any] once made.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshLazyLibrary OshLazyLibrary;

/**
 * osh_lazy_library_find:
 * @soname: for example "libcrypto.so.3"
 *
 * Looks in the folders of the dynamic linker (LD_LIBRARY_PATH and the system's). A library that
 * only its cache knows is loaded at once.
 *
 * Returns: (transfer full): never %NULL; what is missing shows when it is loaded
 */
OshLazyLibrary *osh_lazy_library_find(const char *soname);

/**
 * osh_lazy_library_beside:
 * @code: an address in the shared module that asks
 * @name: of a file in the folder of that module
 *
 * A file that its group or others may write is not taken, and it must be root's, ours, or of the
 * owner of that module: what holds for a plugin's file. The folder was checked with the plugin.
 *
 * Returns: (transfer full): never %NULL; what is wrong shows when it is loaded
 */
OshLazyLibrary *osh_lazy_library_beside(gconstpointer code, const char *name);

/** osh_lazy_library_free: @library: (transfer full) (nullable). What was loaded stays loaded,
 * and its descriptor open. */
void osh_lazy_library_free(OshLazyLibrary *library);

/**
 * osh_lazy_library_load:
 * @error: return location; names the library
 *
 * Returns: whether it is loaded
 */
gboolean osh_lazy_library_load(OshLazyLibrary *library, GError **error);

/**
 * osh_lazy_library_symbol:
 * @name: of what it exports
 * @error: return location; names the library
 *
 * Loads the library first, unless that was done.
 *
 * Returns: (transfer none) (nullable): its address
 */
gpointer osh_lazy_library_symbol(OshLazyLibrary *library, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLazyLibrary, osh_lazy_library_free)

G_END_DECLS
