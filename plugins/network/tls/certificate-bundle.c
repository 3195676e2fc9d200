/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-bundle.c: the roots of the machine with one more. Any thread; no state. */
#include "certificate-bundle.h"

#include "openshell/host.h"

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

/* RFC 7468 section 5; OpenSSL has other words before the last one too. */
static gboolean
has_certificate(const char *pem)
{
    return pem != NULL && strstr(pem, "-----BEGIN ") != NULL &&
           strstr(pem, "CERTIFICATE-----") != NULL;
}

static gboolean
check_file(const char *path, const char *setting, GError **error)
{
    g_autofree char *pem = read_behind("", path);

    if (has_certificate(pem))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "no server can be verified: %s, which %s names, %s", path, setting,
                pem == NULL ? "is not there, is empty or cannot be read" : "has no certificate");
    return FALSE;
}

gboolean
osh_certificate_roots_check(const char *roots, const char *extra_roots, GError **error)
{
    g_autofree char *system = NULL;

    if (roots != NULL && !check_file(roots, "SSL_CERT_FILE", error))
        return FALSE;
    if (extra_roots != NULL)
        return check_file(extra_roots, "network.upstream-ca", error);
    if (roots != NULL)
        return TRUE;
    system = osh_certificate_bundle("", NULL);
    if (has_certificate(system))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                "no server can be verified: this machine has no root certificates; install "
                "ca-certificates, or name a PEM file in SSL_CERT_FILE or network.upstream-ca");
    return FALSE;
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
