/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount-protect.h: the search of writable trees for auto-executed files. Security rule 3, protected
 * files. [any]; reads the file system, changes nothing.
 */
#pragma once

#include <glib.h>

#include "auto-executed.h"
#include "placeholder.h"

G_BEGIN_DECLS

/**
 * OshProtectScope:
 * @writable: (element-type utf8): what a policy makes writable, without symlinks; a closing %NULL
 *   is ignored
 * @read_only: (element-type utf8): what it makes readable, likewise
 * @opened: (nullable) (array zero-terminated=1): rows and names that configuration opens
 * @covered: (nullable): whether the box shows something else at a path inside a grant
 *
 * Where to search. Borrowed for the call.
 */
typedef struct {
    const GPtrArray *writable;
    const GPtrArray *read_only;
    const char *const *opened;
    gboolean (*covered)(const char *path, const char *grant);
} OshProtectScope;

/**
 * OshProtectedFile:
 * @path: without symlinks, or of a symlink
 * @row: of the table
 * @absent: %OSH_PLACEHOLDER_NONE when it exists; else what makes its creation impossible
 * @opened: the policy or the configuration lets programs change it
 * @listed_only: it stays writable, and is said at the end when it is new
 * @in_dependencies: it lies in a dependency folder
 * @device: of the file
 * @inode: of the file
 */
typedef struct {
    char *path;
    const OshAutoExecutedRow *row;
    OshPlaceholderKind absent;
    gboolean opened;
    gboolean listed_only;
    gboolean in_dependencies;
    guint64 device;
    guint64 inode;
} OshProtectedFile;

/**
 * OshProtectFindings:
 * @files: (element-type OshProtectedFile): nearest first, dependency folders last
 * @by_path: path → its OshProtectedFile
 * @remarks: (element-type utf8): lines for the user: what is not protected and why, what to grant
 * @unsearched: folders that were not looked into, beside what is below them
 * @unsearched_dependencies: the same of dependency folders
 * @first_unsearched: (nullable): one of them, of the first kind if there is one
 * @beyond: files that were found beyond %OSH_PROTECT_MAX_FILES
 * @in_dependencies: names of the table in dependency folders, which are not protected
 */
typedef struct {
    GPtrArray *files;
    GHashTable *by_path;
    GPtrArray *remarks;
    guint unsearched;
    guint unsearched_dependencies;
    char *first_unsearched;
    guint beyond;
    guint in_dependencies;
} OshProtectFindings;

/**
 * osh_mount_protect_search:
 * @scope: where
 *
 * Looks nearest first into a bounded number of folders and entries; dependency folders come last
 * and have a budget of their own. Links are followed only where a tool would follow them.
 *
 * Returns: (transfer full): what there is
 */
OshProtectFindings *osh_mount_protect_search(const OshProtectScope *scope);

/** osh_protect_findings_free: @findings: (nullable): of a search */
void osh_protect_findings_free(OshProtectFindings *findings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshProtectFindings, osh_protect_findings_free)

/**
 * osh_protect_findings_unsearched:
 * @findings: of a search
 *
 * Returns: (transfer full) (nullable): what was not looked into, in words
 */
char *osh_protect_findings_unsearched(const OshProtectFindings *findings);

/**
 * OshProtectAppeared:
 * @paths: (element-type utf8): new, nearest first, dependency folders last
 * @more: beside them
 * @in_dependencies: names of the table that are new in dependency folders
 * @unsearched: (nullable): what was not looked into now and was then, in words
 *
 * What is there at the end of a run and was not at its start.
 */
typedef struct {
    GPtrArray *paths;
    guint more;
    guint in_dependencies;
    char *unsearched;
} OshProtectAppeared;

/**
 * osh_mount_protect_appeared:
 * @scope: as at the start
 * @before: what was found then
 *
 * A file that was replaced from outside counts as new: the protection of its name ended with it.
 *
 * Returns: (transfer full): what is new and not opened
 */
OshProtectAppeared *osh_mount_protect_appeared(const OshProtectScope *scope,
                                               const OshProtectFindings *before);

/** osh_protect_appeared_free: @appeared: (nullable): what is new */
void osh_protect_appeared_free(OshProtectAppeared *appeared);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshProtectAppeared, osh_protect_appeared_free)

#define OSH_PROTECT_MAX_APPEARED           64
#define OSH_PROTECT_MAX_FILES              2048
#define OSH_PROTECT_MAX_FOLDERS            4096
#define OSH_PROTECT_MAX_GIT_FOLDERS        2048
#define OSH_PROTECT_MAX_DEPENDENCY_FOLDERS 4096
#define OSH_PROTECT_MAX_ENTRIES            400000
#define OSH_PROTECT_MAX_REMARKS            8

G_END_DECLS
