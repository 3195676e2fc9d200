/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf-manifest.h: the manifest text of a plugin file, read without loading the file.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_elf_manifest_read_fd:
 * @fd: a regular file open for reading; its offset is not moved
 * @error: return location; the message says what the file is not, without its name
 *
 * Reads with pread(2), not mmap(2): a file that shrinks meanwhile is an error, not a SIGBUS.
 *
 * Returns: (transfer full) (nullable): the text of the manifest section
 */
GBytes *osh_elf_manifest_read_fd(int fd, GError **error);

/**
 * osh_elf_manifest_read_bytes:
 * @data: the bytes of a file
 * @size: of @data
 *
 * The same over bytes in memory.
 *
 * Returns: (transfer full) (nullable): the text of the manifest section
 */
GBytes *osh_elf_manifest_read_bytes(const guint8 *data, gsize size, GError **error);

G_END_DECLS
