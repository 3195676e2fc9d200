/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-socket.c: makes a control socket. [main]; no state. The umask is set before the bind, so
 * that there is no moment in which another user could connect.
 */
#include "session-socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "box.h"
#include "osh-mount-table.h"
#include "osh-path-walk.h"

#define BACKLOG 16

static gboolean G_GNUC_PRINTF(2, 3) refuse(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (error != NULL)
        *error = g_error_new_valist(OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID, format, arguments);
    va_end(arguments);
    return FALSE;
}

/* By every path that leads to the folder: a granted mount elsewhere shows it as well. */
static gboolean
check_hidden(const char *folder, const char *const *visible, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(OshMountTable) mounts = osh_mount_table_read(&cause);
    g_autoptr(GPtrArray) views = NULL;

    if (mounts == NULL)
        return refuse(error, "session: %s", cause->message);
    views = osh_mount_table_views(mounts, folder);
    for (guint i = 0; i < views->len; i++)
        for (gsize k = 0; visible[k] != NULL; k++)
            if (osh_path_is_in(g_ptr_array_index(views, i), visible[k]))
                return refuse(error,
                              "session: programs of the box can see %s, which the policy grants: "
                              "use a folder outside of it",
                              folder);
    return TRUE;
}

static gboolean
check_folder(const char *folder, const char *const *visible, GError **error)
{
    struct stat about;

    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return refuse(error, "session: the folder %s cannot be used: %s; make it first", folder,
                      g_strerror(errno));
    if ((about.st_uid != geteuid() && about.st_uid != 0) || (about.st_mode & 022) != 0)
        return refuse(error,
                      "session: others may write the folder %s: use one of your own (mkdir -m 700)",
                      folder);
    return check_hidden(folder, visible, error);
}

typedef struct {
    const char *const *visible;
    char *link;
} Way;

static gboolean
look_at_link(const char *link, const char *text, gpointer data)
{
    Way *way = data;

    (void)text;
    for (gsize i = 0; way->visible[i] != NULL; i++) {
        if (!osh_path_is_in(link, way->visible[i]))
            continue;
        way->link = g_strdup(link);
        return FALSE;
    }
    return TRUE;
}

/* A program that replaces a link on the way would be attached to in place of the run. */
static gboolean
check_way(const char *given, const char *const *visible, GError **error)
{
    Way way = {.visible = visible};
    OshPathWalk walk = {.follow = look_at_link, .data = &way};
    g_autofree char *end = osh_path_walk(given, &walk);
    g_autofree char *link = way.link;

    if (link != NULL)
        return refuse(error,
                      "session: %s is reached through the symbolic link %s, which lies in what the "
                      "policy grants: name the folder itself",
                      given, link);
    return TRUE;
}

/* What an earlier run has left behind; never anything but a socket that no process listens on. */
static gboolean
remove_stale(const struct sockaddr_un *address, GError **error)
{
    struct stat about;
    gboolean answers;
    int probe;

    if (lstat(address->sun_path, &about) != 0)
        return TRUE;
    if (!S_ISSOCK(about.st_mode))
        return refuse(error, "session: %s is there already and is no socket", address->sun_path);
    probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    answers = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    answers |= errno == EAGAIN;
    if (probe >= 0)
        close(probe);
    if (answers)
        return refuse(error, "session: another process listens at %s", address->sun_path);
    if (unlink(address->sun_path) != 0)
        return refuse(error, "session: %s cannot be replaced: %s", address->sun_path,
                      g_strerror(errno));
    return TRUE;
}

static int
bind_and_listen(const struct sockaddr_un *address, GError **error)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    gboolean good = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
                    listen(fd, BACKLOG) == 0;
    int failure = errno;

    umask(before);
    if (good)
        return fd;
    if (fd >= 0)
        close(fd);
    refuse(error, "session: cannot listen at %s: %s", address->sun_path, g_strerror(failure));
    return -1;
}

int
osh_session_socket_listen(const char *path, const char *const *visible, char **ret_path,
                          GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *given = g_path_get_dirname(absolute);
    g_autofree char *name = g_path_get_basename(absolute);
    g_autofree char *folder = realpath(given, NULL);
    g_autofree char *real = NULL;
    int fd;

    if (folder == NULL) {
        refuse(error, "session: the folder %s cannot be used: %s; make it first", given,
               g_strerror(errno));
        return -1;
    }
    if (!check_folder(folder, visible, error) || !check_way(given, visible, error))
        return -1;
    real = g_build_filename(folder, name, NULL);
    if (strlen(real) >= sizeof address.sun_path) {
        refuse(error, "session: %s is longer than the path of a Unix socket can be", real);
        return -1;
    }
    g_strlcpy(address.sun_path, real, sizeof address.sun_path);
    errno = 0;
    if (!remove_stale(&address, error))
        return -1;
    fd = bind_and_listen(&address, error);
    if (fd >= 0)
        *ret_path = g_steal_pointer(&real);
    return fd;
}
