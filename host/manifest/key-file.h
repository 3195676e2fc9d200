/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key-file.h: the strict key-file syntax that the configuration and the manifests share.
 *
 * |[
 * # a comment, on a line of its own
 * [group name]
 * key = value up to the end of the line, blanks around it removed, no quoting, no escapes
 * ]|
 *
 * Everything else is an error with its line: a key outside a group, a group or key given twice,
 * control characters, text that is not UTF-8. GKeyFile would merge, forget lines and accept all
 * of these.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_KEY_FILE_MAX: a longer text is refused, in bytes. */
#define OSH_KEY_FILE_MAX (1024 * 1024)

/** OshKeyFileEntry: one key and its value. */
typedef struct {
    char *key;
    char *value;
    guint line;
} OshKeyFileEntry;

/** OshKeyFileGroup: one group and its entries, in the order of the text. */
typedef struct {
    char *name;
    guint line;
    GPtrArray *entries;
} OshKeyFileGroup;

/** OshKeyFile: a parsed text. @name is what messages call it. */
typedef struct {
    char *name;
    GPtrArray *groups;
} OshKeyFile;

/**
 * osh_key_file_parse:
 * @name: what messages call the text: a file name
 * @text: the text, not NUL-terminated
 * @length: of @text in bytes
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the groups
 */
OshKeyFile *osh_key_file_parse(const char *name, const char *text, gsize length, GError **error);

/** osh_key_file_free: @key_file: (transfer full) (nullable). */
void osh_key_file_free(OshKeyFile *key_file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshKeyFile, osh_key_file_free)

/**
 * osh_key_file_group_get:
 *
 * Returns: (transfer none) (nullable): the entry of @group called @key
 */
const OshKeyFileEntry *osh_key_file_group_get(const OshKeyFileGroup *group, const char *key);

/**
 * osh_key_file_set_error:
 * @line: where
 *
 * Sets "NAME:LINE: message", the shape of every complaint about such a file.
 */
void osh_key_file_set_error(GError **error, const OshKeyFile *key_file, guint line,
                            const char *format, ...) G_GNUC_PRINTF(4, 5);

G_END_DECLS
