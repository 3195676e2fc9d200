/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare-paths.c: makes the missing writable folders of a policy, component by component.
 *
 * [main]; no state. Every step works on a descriptor of the folder above, opened without following
 * links, so that a program of an earlier box that races with this one cannot lead root elsewhere.
 * It must never change the owner or mode of something that it has not just made.
 */
#include "prepare-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"

static int
open_folder(int above, const char *name)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, above, name, &how, sizeof how);
}

/* An O_PATH descriptor cannot be given to fchown(); the same folder by the kernel's own name can.
 */
static int
give_away(int folder, uid_t uid, gid_t gid)
{
    return fchownat(folder, "", uid, gid, AT_EMPTY_PATH);
}

/* Returns: a descriptor of @name in @above, made if need be, or -1 with errno set */
static int
enter(int above, const char *name, gboolean *ret_made)
{
    int folder = open_folder(above, name);

    *ret_made = FALSE;
    if (folder >= 0 || errno != ENOENT)
        return folder;
    if (mkdirat(above, name, 0755) != 0 && errno != EEXIST)
        return -1;
    *ret_made = TRUE;
    return open_folder(above, name);
}

static gboolean
make_folder(const char *path, uid_t uid, gid_t gid)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    int folder = open_folder(AT_FDCWD, "/");
    gboolean made = FALSE;

    for (gsize i = 0; names[i] != NULL && folder >= 0; i++) {
        int next;

        if (names[i][0] == '\0')
            continue;
        next = enter(folder, names[i], &made);
        close(folder);
        folder = next;
    }
    if (folder < 0)
        return FALSE;
    if (made && geteuid() == 0 && give_away(folder, uid, gid) != 0)
        made = FALSE;
    close(folder);
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

static gboolean
refuse_link(const char *path, GError **error)
{
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *shown = g_strescape(path, NULL);
    g_autofree char *shown_target = g_strescape(target != NULL ? target : "?", NULL);

    g_set_error(
        error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
        "the writable path %s of the policy is a symbolic link (to %s): whoever can replace "
        "it would choose what the box may write; name the place itself",
        shown, shown_target);
    return FALSE;
}

gboolean
osh_prepare_paths(const char *const *read_write, uid_t uid, gid_t gid, GPtrArray *made,
                  GError **error)
{
    for (gsize i = 0; read_write != NULL && read_write[i] != NULL; i++) {
        g_autofree char *path = g_canonicalize_filename(read_write[i], "/");
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
