/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-socket.c: makes a control socket. [main]; no state. The umask stands before the bind, so
 * that there is no moment in which the socket is anybody's.
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

/* As paths that end in a slash, so that /a is not above /ab; the root becomes "/". */
static gboolean
lies_in(const char *path, const char *tree)
{
    g_autofree char *with_slash = g_strconcat(path, "/", NULL);
    g_autofree char *tree_with_slash =
        g_str_has_suffix(tree, "/") ? g_strdup(tree) : g_strconcat(tree, "/", NULL);

    return g_str_has_prefix(with_slash, tree_with_slash);
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
    for (gsize i = 0; visible[i] != NULL; i++)
        if (lies_in(folder, visible[i]))
            return refuse(error,
                          "session: programs of the box can see %s, which the policy grants: use a "
                          "folder outside of it",
                          folder);
    return TRUE;
}

/* What an earlier run has left behind; never anything but a socket that nobody answers on. */
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
        return refuse(error, "session: somebody else listens at %s", address->sun_path);
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
    if (!check_folder(folder, visible, error))
        return -1;
    real = g_build_filename(folder, name, NULL);
    if (strlen(real) >= sizeof address.sun_path) {
        refuse(error, "session: %s is longer than a socket's path may be", real);
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
