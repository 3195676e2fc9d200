/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority-folder.c: the authority of a run as files. [main]
 *
 * Each is written beside its name and then renamed, in the folder that was opened: a link that
 * stands at the name is replaced and never followed. The mode does not depend on the umask, since
 * programs of other users are to read them. It must never write a key.
 */
#include "authority-folder.h"

#include "certificate-bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <openshell/host.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTING "network.authority-folder"

/* Returns: 0 or an errno. */
static int
write_all(int fd, const char *text)
{
    gsize left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        left -= (gsize)n;
    }
    return fchmod(fd, 0644) == 0 ? 0 : errno;
}

/* Returns: 0 or an errno. */
static int
replace_file(int folder, const char *name, const char *text)
{
    g_autofree char *fresh = g_strdup_printf(".%s.new", name);
    int problem;
    int fd;

    /* Of a start that was ended in the middle. */
    unlinkat(folder, fresh, 0);
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    problem = write_all(fd, text);
    close(fd);
    if (problem == 0 && renameat(folder, fresh, folder, name) != 0)
        problem = errno;
    if (problem != 0)
        unlinkat(folder, fresh, 0);
    return problem;
}

gboolean
osh_authority_folder_write(const char *folder, const char *pem, const char *roots, GError **error)
{
    g_autofree char *bundle = osh_certificate_bundle(pem, roots);
    const struct {
        const char *name;
        const char *text;
    } files[] = {{"openshell-ca.pem", pem}, {"ca-bundle.pem", bundle}};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int problem = fd < 0 ? errno : 0;

    for (gsize i = 0; i < G_N_ELEMENTS(files) && problem == 0; i++)
        problem = replace_file(fd, files[i].name, files[i].text);
    if (fd >= 0)
        close(fd);
    if (problem == 0)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                SETTING ": cannot write the certificate authority into %s: %s", folder,
                g_strerror(problem));
    return FALSE;
}
