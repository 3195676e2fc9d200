/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare-paths.c: makes the missing writable folders of a policy, component by component.
 *
 * [main]; no state. Every step works on a descriptor of the folder above, opened without following
 * links, so that a program of an earlier box that races with this one cannot lead root elsewhere.
 * It must never change the owner or mode of something that it has not just made: that a name was
 * free a moment ago says nothing of what is there now.
 */
#include "prepare-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tree-error.h"

static int
open_folder(int above, const char *name)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, above, name, &how, sizeof how);
}

/* Returns: a descriptor of @name in @above, made if need be, or -1 with errno set */
static int
enter(int above, const char *name)
{
    int folder = open_folder(above, name);

    if (folder >= 0 || errno != ENOENT)
        return folder;
    if (mkdirat(above, name, 0755) != 0 && errno != EEXIST)
        return -1;
    return open_folder(above, name);
}

/* Returns: a descriptor of a folder in @above into which root alone can put something, or -1 */
static int
make_private(int above, char *ret_name, gsize size)
{
    struct stat about;
    int folder;

    g_snprintf(ret_name, size, ".openshell-%08x%08x", g_random_int(), g_random_int());
    if (mkdirat(above, ret_name, 0700) != 0)
        return -1;
    folder = open_folder(above, ret_name);
    if (folder < 0)
        return -1;
    /* A user who may write @above can have put another one there; one of root's will do. */
    if (fstat(folder, &about) == 0 && about.st_uid == geteuid() && (about.st_mode & 077) == 0)
        return folder;
    close(folder);
    errno = EPERM;
    return -1;
}

/* Returns: whether @name in @private, which was just made there, is now @name in @above, given away
 */
static gboolean
hand_over(int private, int above, const char *name, uid_t uid, gid_t gid)
{
    int folder = open_folder(private, name);
    gboolean done = folder >= 0 && fchownat(folder, "", uid, gid, AT_EMPTY_PATH) == 0 &&
                    syscall(SYS_renameat2, private, name, above, name, RENAME_NOREPLACE) == 0;

    if (folder >= 0)
        close(folder);
    return done;
}

/*
 * A name in a folder of another user may be another folder from one call to the next, and mkdirat()
 * gives no descriptor. So root makes the folder where no other user can reach it, changes its owner
 * there, and moves it to its place, where nothing may be.
 */
static gboolean
make_for(int above, const char *name, uid_t uid, gid_t gid)
{
    char private_name[sizeof ".openshell-" + 16];
    int private = make_private(above, private_name, sizeof private_name);
    gboolean made = FALSE;

    if (private < 0)
        return FALSE;
    if (mkdirat(private, name, 0755) == 0) {
        made = hand_over(private, above, name, uid, gid);
        if (!made)
            unlinkat(private, name, AT_REMOVEDIR);
    }
    close(private);
    unlinkat(above, private_name, AT_REMOVEDIR);
    return made;
}

static gboolean
make_last(int above, const char *name, uid_t uid, gid_t gid)
{
    return geteuid() == 0 ? make_for(above, name, uid, gid) : mkdirat(above, name, 0755) == 0;
}

/* Returns: whether @path was made, by this call and no other */
static gboolean
make_folder(const char *path, uid_t uid, gid_t gid)
{
    g_auto(GStrv) names = g_strsplit(path + 1, "/", -1);
    int folder = open_folder(AT_FDCWD, "/");
    gboolean made = FALSE;

    for (gsize i = 0; names[i] != NULL && folder >= 0; i++) {
        int next = -1;

        if (names[i + 1] != NULL)
            next = enter(folder, names[i]);
        else
            made = make_last(folder, names[i], uid, gid);
        close(folder);
        folder = next;
    }
    return made;
}

/* What is the box's own in every box, or the kernel's: nothing is ever made there. */
static gboolean
is_foreign(const char *path)
{
    static const char *const folders[] = {"/proc", "/sys", "/dev", "/tmp", "/run", "/var/run"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        gsize length = strlen(folders[i]);

        if (strncmp(path, folders[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return TRUE;
    }
    return FALSE;
}

/* Two slashes at the start have a meaning of their own to some, none to Linux. */
static char *
clean_path(const char *path)
{
    g_autofree char *clean = g_canonicalize_filename(path, "/");

    return g_strdup(clean[1] == '/' ? clean + 1 : clean);
}

static gboolean
refuse_link(const char *path, GError **error)
{
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *shown = g_strescape(path, NULL);
    g_autofree char *shown_target = g_strescape(target != NULL ? target : "?", NULL);

    g_set_error(
        error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
        "the writable path %s of the policy is a symbolic link (to %s): a user that can "
        "replace the link would choose what the box may write; name the path that it leads to",
        shown, shown_target);
    return FALSE;
}

gboolean
osh_prepare_paths(const char *const *read_write, uid_t uid, gid_t gid, GPtrArray *made,
                  GError **error)
{
    for (gsize i = 0; read_write != NULL && read_write[i] != NULL; i++) {
        g_autofree char *path = clean_path(read_write[i]);
        struct stat about;

        if (read_write[i][0] != '/' || is_foreign(path) || strstr(read_write[i], "/../") != NULL ||
            g_str_has_suffix(read_write[i], "/.."))
            continue;
        if (lstat(path, &about) == 0) {
            if (S_ISLNK(about.st_mode))
                return refuse_link(path, error);
        } else if (errno == ENOENT && make_folder(path, uid, gid)) {
            g_ptr_array_add(made, g_steal_pointer(&path));
        }
    }
    return TRUE;
}
