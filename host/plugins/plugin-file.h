/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-file.h: a plugin's file: opened once, checked on that descriptor, read and loaded from it.
 */
#pragma once

#include <glib.h>

#include "manifest.h"
#include "openshell/plugin.h"

G_BEGIN_DECLS

/** OshPluginFile: @path is absolute, without symbolic links; @fd is open for reading. */
typedef struct {
    char *path;
    int fd;
} OshPluginFile;

/**
 * osh_plugin_file_open:
 * @path: of the file; its directory is resolved, the file itself must not be a symbolic link
 * @error: return location; names the path and what to do
 *
 * Refuses what somebody other than root or our own user could replace: a file or a directory above
 * it that belongs to another user, or that its group or others may write. A directory that many
 * may write is accepted when it is sticky and what is taken from it is root's or ours.
 *
 * Returns: (transfer full) (nullable): the file
 */
OshPluginFile *osh_plugin_file_open(const char *path, GError **error);

/** osh_plugin_file_free: @file: (transfer full) (nullable). What was loaded stays loaded. */
void osh_plugin_file_free(OshPluginFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPluginFile, osh_plugin_file_free)

/**
 * osh_plugin_file_read_manifest:
 *
 * Returns: (transfer full) (nullable): the manifest; no code of the file has run
 */
OshManifest *osh_plugin_file_read_manifest(const OshPluginFile *file, GError **error);

/**
 * osh_plugin_file_load:
 * @error: return location; the message names the file
 *
 * Runs the file's constructors. Never undone.
 *
 * Returns: (transfer none) (nullable): its entry, checked to be of our ABI major and at least as
 *   large as that of 1.0
 */
const OshPluginEntry *osh_plugin_file_load(const OshPluginFile *file, GError **error);

/**
 * osh_plugin_file_lies_below:
 * @path: absolute
 * @directory: absolute
 *
 * Returns: whether @path is @directory or something in it
 */
gboolean osh_plugin_file_lies_below(const char *path, const char *directory);

G_END_DECLS
