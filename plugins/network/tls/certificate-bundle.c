/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-bundle.c: the roots of the machine with one more. Any thread; no state. */
#include "certificate-bundle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BUNDLE (16 * 1024 * 1024)

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/* The roots of a machine are the largest thing that the start of a box handles: read in place. */
static char *
read_behind(const char *first, const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    gsize at = strlen(first);
    struct stat about;
    gssize length = -1;
    char *text = NULL;

    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        about.st_size < MAX_BUNDLE) {
        text = g_malloc(at + (gsize)about.st_size + 1);
        memcpy(text, first, at);
        length = read(fd, text + at, (gsize)about.st_size);
    }
    if (fd >= 0)
        close(fd);
    if (length <= 0) {
        g_free(text);
        return NULL;
    }
    text[at + (gsize)length] = '\0';
    return text;
}

const char *
osh_certificate_roots_of_host(void)
{
    const char *roots = g_getenv("SSL_CERT_FILE");

    return roots != NULL && roots[0] != '\0' ? roots : NULL;
}

char *
osh_certificate_bundle(const char *pem, const char *roots)
{
    if (roots != NULL) {
        char *bundle = read_behind(pem, roots);

        return bundle != NULL ? bundle : g_strdup(pem);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(system_bundles); i++) {
        char *bundle = read_behind(pem, system_bundles[i]);

        if (bundle != NULL)
            return bundle;
    }
    return g_strdup(pem);
}
