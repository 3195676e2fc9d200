/* SPDX-License-Identifier: Apache-2.0 */
/* upstream-roots.c: reads the roots of the machine. Never on a shard: it takes milliseconds. */
#include "upstream-roots.h"

#include "certificate-bundle.h"
#include "pem-file.h"

#include <openssl/err.h>
#include <string.h>

#include "openshell/host.h"

static void
add_all(X509_STORE *store, STACK_OF(X509) * certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        X509_STORE_add_cert(store, sk_X509_value(certificates, i));
    sk_X509_pop_free(certificates, X509_free);
    /* One that is there already is no error. */
    ERR_clear_error();
}

static gboolean
add_file(X509_STORE *store, const char *path, const char *setting, GError **error)
{
    STACK_OF(X509) *certificates = osh_pem_file_certificates(path, NULL, error);

    if (certificates == NULL) {
        g_prefix_error(error, "no server can be verified (%s): ", setting);
        return FALSE;
    }
    add_all(store, certificates);
    return TRUE;
}

static gboolean
add_system(X509_STORE *store, gboolean is_needed, GError **error)
{
    g_autofree char *pem = osh_certificate_bundle("", NULL);
    STACK_OF(X509) *certificates = osh_pem_certificates(pem, strlen(pem), NULL);

    if (certificates == NULL && is_needed) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                    "no server can be verified: this machine has no root certificates; install "
                    "ca-certificates, or name a PEM file in SSL_CERT_FILE or network.upstream-ca");
        return FALSE;
    }
    if (certificates != NULL)
        add_all(store, certificates);
    return TRUE;
}

X509_STORE *
osh_upstream_roots(const char *roots, const char *extra_roots, GError **error)
{
    X509_STORE *store = X509_STORE_new();

    if (store == NULL)
        g_error("out of memory");
    if ((roots != NULL ? add_file(store, roots, "SSL_CERT_FILE", error)
                       : add_system(store, extra_roots == NULL, error)) &&
        (extra_roots == NULL || add_file(store, extra_roots, "network.upstream-ca", error)))
        return store;
    X509_STORE_free(store);
    return NULL;
}
