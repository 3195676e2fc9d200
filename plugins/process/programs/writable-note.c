/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writable-note.c: paths that the policy makes writable and that the file's owner and mode still
 * refuse to the program's user, said before the program fails at one. [main]; no state.
 */
#include "writable-note.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "osh-access.h"
#include "osh-path-walk.h"

/* A folder that is not the user's may hold some that are. */
#define CHILDREN_LOOKED_AT 200
#define MAX_LINES          4

static gboolean
holds_writable(const char *folder, const OshAccessUser *user)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    for (guint n = 0;
         entries != NULL && n < CHILDREN_LOOKED_AT && (name = g_dir_read_name(entries)) != NULL;
         n++) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (osh_access_may_write(path, user))
            return TRUE;
    }
    return FALSE;
}

static char *
owner_of(const char *path, uid_t *ret_uid)
{
    struct stat about;
    const struct passwd *owner;

    if (stat(path, &about) != 0)
        return NULL;
    *ret_uid = about.st_uid;
    owner = getpwuid(about.st_uid);
    return owner != NULL ? g_strdup(owner->pw_name) : NULL;
}

/* What can be done depends on who starts the box and on whose the folder is. */
static char *
remedy(const char *path, const OshIdentity *identity)
{
    uid_t uid = 0;
    g_autofree char *owner = owner_of(path, &uid);
    g_autofree char *quoted = g_shell_quote(path);
    g_autofree char *dot_git = NULL;

    if (geteuid() != 0)
        return g_strdup_printf("it belongs to %s", owner != NULL ? owner : "another user");
    if (uid != 0 && owner != NULL)
        return g_strdup_printf(
            "it belongs to %s: --set process.default-user=%s runs the program as "
            "that user",
            owner, owner);
    /* git refuses a repository of another user: there the advice would break what works outside. */
    dot_git = g_build_filename(path, ".git", NULL);
    if (g_file_test(dot_git, G_FILE_TEST_EXISTS))
        return g_strdup_printf("it belongs to %s: work in a clone of an ordinary user",
                               owner != NULL ? owner : "another user");
    return g_strdup_printf("it belongs to %s: start in a folder of an ordinary user, or give this "
                           "one away with: chown -R %u:%u %s",
                           owner != NULL ? owner : "another user", identity->uid, identity->gid,
                           quoted);
}

static void
add(GPtrArray *notes, const char *path, const OshIdentity *identity)
{
    g_autofree char *what = remedy(path, identity);

    g_ptr_array_add(notes,
                    g_strdup_printf("the program cannot write to %s, since it runs as uid %u; "
                                    "%s",
                                    path, identity->uid, what));
}

void
osh_writable_notes_add(const OshMountPlan *mounts, const char *workdir, const OshIdentity *identity,
                       GPtrArray *notes)
{
    const OshAccessUser user = {identity->uid, identity->gid, identity->groups, identity->n_groups};
    guint before = notes->len;

    for (guint i = 0; i < mounts->read_write->len && notes->len < before + MAX_LINES; i++) {
        const char *path = mounts->read_write->pdata[i];
        gboolean is_around = path != NULL && workdir != NULL && osh_path_is_in(workdir, path);

        if (path == NULL || g_str_has_prefix(path, "/dev/") || g_str_has_prefix(path, "/proc"))
            continue;
        /* The working directory matters more than the grant around it. That the user may not even
           enter it is said by box-open.c, which starts the program in / then. */
        if (is_around && !osh_access_may_enter(workdir, &user))
            continue;
        if (is_around && !osh_access_may_write(workdir, &user))
            add(notes, workdir, identity);
        else if (!is_around && !osh_access_may_write(path, &user) && !holds_writable(path, &user))
            add(notes, path, identity);
    }
}
