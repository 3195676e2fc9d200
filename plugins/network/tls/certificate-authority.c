/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate-authority.c: makes the authority of a run. It must never write or print the key.
 *
 * With libcrypto this is a module of its own, which run-authority.c loads when a program can need
 * it.
 */
#include "certificate-authority.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "openshell/plugin.h"

#define VALID_BEFORE (24 * 3600)
#define VALID_AFTER  (7 * 24 * 3600)

struct _OshCertificateAuthority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
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

    /* A configuration file could name code to load. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1)
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

OSH_PLUGIN_EXPORT const OshAuthorityModule osh_authority_module_v1 = {
    .create = osh_certificate_authority_new,
    .free = osh_certificate_authority_free,
    .pem = osh_certificate_authority_pem,
};
