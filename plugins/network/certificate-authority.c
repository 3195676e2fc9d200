/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate-authority.c: makes the authority of a run. It must never write or print the key.
 */
#include "certificate-authority.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openshell/host.h"

#define VALID_BEFORE (24 * 3600)
#define VALID_AFTER  (7 * 24 * 3600)

struct _OshCertificateAuthority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
};

#define MAX_BUNDLE (16 * 1024 * 1024)

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

static gboolean
add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    gboolean added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static gboolean
set_serial(X509 *certificate)
{
    guint8 bytes[16];
    BIGNUM *number;
    gboolean set;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return FALSE;
    /* Positive, and never zero. */
    bytes[0] = (guint8)((bytes[0] & 0x7f) | 0x40);
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static gboolean
set_name(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const guint8 *)"OpenShell Sandbox CA", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const guint8 *)"OpenShell", -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

static gboolean
make_certificate(OshCertificateAuthority *authority)
{
    X509 *certificate = X509_new();

    authority->certificate = certificate;
    return certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
           set_serial(certificate) && set_name(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_BEFORE) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_AFTER) != NULL &&
           X509_set_pubkey(certificate, authority->key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, authority->key, EVP_sha256()) > 0;
}

static gboolean
write_pem(OshCertificateAuthority *authority)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    long length;

    if (memory == NULL || PEM_write_bio_X509(memory, authority->certificate) != 1) {
        BIO_free(memory);
        return FALSE;
    }
    length = BIO_get_mem_data(memory, &data);
    authority->pem = g_strndup(data, (gsize)length);
    BIO_free(memory);
    return TRUE;
}

OshCertificateAuthority *
osh_certificate_authority_new(GError **error)
{
    g_autoptr(OshCertificateAuthority) authority = g_new0(OshCertificateAuthority, 1);

    authority->key = EVP_EC_gen("P-256");
    if (authority->key == NULL || !make_certificate(authority) || !write_pem(authority)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    "cannot make the certificate authority of this run: %s",
                    ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return NULL;
    }
    return g_steal_pointer(&authority);
}

void
osh_certificate_authority_free(OshCertificateAuthority *authority)
{
    if (authority == NULL)
        return;
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    g_free(authority->pem);
    g_free(authority);
}

const char *
osh_certificate_authority_pem(const OshCertificateAuthority *authority)
{
    return authority->pem;
}

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

char *
osh_certificate_authority_bundle(const OshCertificateAuthority *authority)
{
    for (gsize i = 0; i < G_N_ELEMENTS(system_bundles); i++) {
        char *bundle = read_behind(authority->pem, system_bundles[i]);

        if (bundle != NULL)
            return bundle;
    }
    return g_strdup(authority->pem);
}
