/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect-search.h: what the parts of the search for auto-executed files share. [any]; a search
 * belongs to its caller and lives for one call of osh_mount_protect_search().
 */
#pragma once

#include "auto-executed.h"
#include "mount-protect.h"
#include "placeholder.h"

G_BEGIN_DECLS

/* What the grants say of a path. */
typedef enum {
    OSH_PROTECT_NOT_GRANTED,
    OSH_PROTECT_READ_ONLY,
    OSH_PROTECT_WRITABLE,
} OshProtectAccess;

/* A name of a protected file that has others. */
typedef struct {
    guint64 device;
    guint64 inode;
    guint64 links;
    guint64 known; /* names that are protected */
    const OshAutoExecutedRow *row;
    char *path; /* one of them */
} OshLinkedFile;

typedef struct {
    char *path;
    guint depth;
    guint kind; /* which queue it is in */
} OshProtectFolder;

/* Folders wait in three queues, each with a budget of its own, served in this order. */
enum {
    OSH_PROTECT_QUEUE_GIT, /* inside of a repository: submodules, worktrees */
    OSH_PROTECT_QUEUE_PLAIN,
    OSH_PROTECT_QUEUE_DEPENDENCIES,
    OSH_PROTECT_N_QUEUES,
};

typedef struct {
    const OshProtectScope *scope;
    OshProtectFindings *findings;
    OshAutoExecutedIndex *index;
    GHashTable *writable;     /* path */
    GHashTable *read_only;    /* path */
    GHashTable *seen;         /* folder: queued or looked into */
    GHashTable *repositories; /* what was taken: folder, work tree */
    GHashTable *hinted;       /* repository outside of the grants, said once */
    GPtrArray *user_config;   /* (nullable) OshGitVariable: of the user, read once */
    GPtrArray *looked;        /* (element-type utf8): folders */
    GHashTable *linked;       /* "device:inode" → OshLinkedFile */
    GQueue folders[OSH_PROTECT_N_QUEUES];
    guint spent[OSH_PROTECT_N_QUEUES];
    guint entries[OSH_PROTECT_N_QUEUES];
} OshProtectSearch;

/* Returns: what the innermost grant around @path, or of it, allows */
OshProtectAccess osh_protect_access(const OshProtectSearch *search, const char *path);

/* Returns: whether @folder is @path or lies around it */
gboolean osh_protect_is_around(const char *folder, const char *path);

/*
 * Goes along @path as the kernel does; each link on the way becomes a finding where it lies in a
 * writable grant. @absent says what takes the place of what does not exist.
 * Returns: (transfer full) (nullable): where it ends, without links; %NULL when that is not there
 */
char *osh_protect_follow(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row,
                         OshPlaceholderKind absent);

/* The same, and what it ends at becomes a finding too. */
char *osh_protect_add(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row,
                      OshPlaceholderKind absent);

/* Notes what is in a protected folder: links that lead out of it, files with other names. */
void osh_protect_add_contents(OshProtectSearch *search, const char *folder,
                              const OshAutoExecutedRow *row);

/* The folder of an entry that is looked into later, once. */
void osh_protect_look_later(OshProtectSearch *search, const char *path, guint queue, guint depth);

void osh_protect_remark(OshProtectSearch *search, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* git-repository.c: what git executes or obeys in the repository @folder, for @work_tree. */
void osh_git_repository_add(OshProtectSearch *search, const char *folder, const char *work_tree);

/* git-repository.c: `.git` in @work_tree, whatever it is. */
void osh_git_repository_add_dot_git(OshProtectSearch *search, const char *work_tree);

/* hard-links.c: finds the other names of what was found. */
void osh_protect_add_hard_links(OshProtectSearch *search);

/* hard-links.c: notes a protected name of a file with several. */
void osh_protect_note_links(OshProtectSearch *search, const char *path,
                            const OshAutoExecutedRow *row);

G_END_DECLS
