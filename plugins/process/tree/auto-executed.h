/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto-executed.h: the table of auto-executed files, those that the user's own tools run or obey
 * outside the box without being told to. Security rule 3, protected files. [any]; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Rows whose files are found by git's own rules rather than by a name. */
#define OSH_AUTO_EXECUTED_GIT_CONFIG   "git-config"
#define OSH_AUTO_EXECUTED_GIT_HOOKS    "git-hooks"
#define OSH_AUTO_EXECUTED_GIT_PROGRAMS "git-programs"
#define OSH_AUTO_EXECUTED_GIT_LAYOUT   "git-layout"
#define OSH_AUTO_EXECUTED_GIT_TODO     "git-todo"
/* A folder in which none of them can be looked for. */
#define OSH_AUTO_EXECUTED_UNREADABLE "unreadable"

/**
 * OshAutoExecutedRow:
 * @id: names the row in the configuration key `auto-executed-writable`
 * @names: (nullable): separated by blanks: the last one or more components of a path; "*.x" is any
 *   name that ends so; %NULL where git's rules find the files
 * @files: (nullable): what the documentation says instead of @names
 * @reason: which tool obeys it, and how
 */
typedef struct {
    const char *id;
    const char *names;
    const char *files;
    const char *reason;
} OshAutoExecutedRow;

/**
 * osh_auto_executed_rows:
 * @ret_count: (out): how many
 *
 * Returns: (transfer none): the table
 */
const OshAutoExecutedRow *osh_auto_executed_rows(gsize *ret_count);

/**
 * osh_auto_executed_row:
 * @id: of a row
 *
 * Returns: (transfer none) (nullable): the row
 */
const OshAutoExecutedRow *osh_auto_executed_row(const char *id);

/** OshAutoExecutedIndex: the names of the table, for many questions. */
typedef struct OshAutoExecutedIndex OshAutoExecutedIndex;

/** osh_auto_executed_index_new: Returns: (transfer full): an index */
OshAutoExecutedIndex *osh_auto_executed_index_new(void);

/**
 * osh_auto_executed_around:
 * @path: an absolute path without links
 *
 * Returns: (transfer none) (nullable): the row that has the name of @path, or of a folder around it
 */
const OshAutoExecutedRow *osh_auto_executed_around(const char *path);

/**
 * osh_auto_executed_index_find:
 * @index: an index
 * @folder: the folder that @name lies in
 * @name: one component
 *
 * Returns: (transfer none) (nullable): the row that has it
 */
const OshAutoExecutedRow *osh_auto_executed_index_find(const OshAutoExecutedIndex *index,
                                                       const char *folder, const char *name);

/** osh_auto_executed_index_free: @index: (nullable): an index */
void osh_auto_executed_index_free(OshAutoExecutedIndex *index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshAutoExecutedIndex, osh_auto_executed_index_free)

/**
 * osh_auto_executed_is_dependency_folder:
 * @folder: the folder that @name lies in
 * @name: one component
 *
 * Returns: whether a package manager or a build fills folders of this name
 */
gboolean osh_auto_executed_is_dependency_folder(const char *folder, const char *name);

/**
 * osh_auto_executed_is_opened:
 * @row: (nullable): of a file
 * @path: of the file
 * @opened: (nullable): what `auto-executed-writable` names: ids of rows, or names in them
 */
gboolean osh_auto_executed_is_opened(const OshAutoExecutedRow *row, const char *path,
                                     const char *const *opened);

/**
 * osh_auto_executed_check:
 * @opened: (nullable): what a configuration names
 * @error: return location
 *
 * Returns: %FALSE with @error set, in words for the user, when the table lacks one
 */
gboolean osh_auto_executed_check(const char *const *opened, GError **error);

G_END_DECLS
