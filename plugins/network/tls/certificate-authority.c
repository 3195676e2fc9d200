/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate-authority.c: makes or reads the authority of a run. It must never write or print the
 * key.
 */
#include "certificate-authority.h"

#include "certificate-parts.h"
#include "pem-file.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "openshell/host.h"

#define AUTHORITY_VALID_AFTER (10 * 365 * 24 * 3600L)

struct _OshCertificateAuthority {
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    char *pem;
};

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

/* Returns: FALSE on failure. */
static gboolean
add_list(X509 *certificate, const char *uri)
{
    X509_EXTENSION *extension = uri != NULL ? osh_certificate_list_part(uri) : NULL;
    gboolean added =
        uri == NULL || (extension != NULL && X509_add_ext(certificate, extension, -1) == 1);

    X509_EXTENSION_free(extension);
    return added;
}

static gboolean
make_certificate(OshCertificateAuthority *authority, const char *uri)
{
    X509 *certificate = X509_new();

    authority->chain = sk_X509_new_null();
    if (certificate == NULL || sk_X509_push(authority->chain, certificate) == 0) {
        X509_free(certificate);
        return FALSE;
    }
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           osh_certificate_set_serial(X509_get_serialNumber(certificate)) &&
           set_name(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -OSH_CERTIFICATE_VALID_BEFORE) !=
               NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), AUTHORITY_VALID_AFTER) != NULL &&
           X509_set_pubkey(certificate, authority->key) == 1 &&
           osh_certificate_add_part(certificate, certificate, NID_basic_constraints,
                                    "critical,CA:TRUE,pathlen:0") &&
           osh_certificate_add_part(certificate, certificate, NID_key_usage,
                                    "critical,keyCertSign,cRLSign") &&
           osh_certificate_add_part(certificate, certificate, NID_subject_key_identifier, "hash") &&
           add_list(certificate, uri) && X509_sign(certificate, authority->key, EVP_sha256()) > 0;
}

static gboolean
write_pem(OshCertificateAuthority *authority)
{
    BIO *memory = BIO_new(BIO_s_mem());
    gboolean written = memory != NULL;
    char *data;
    long length;

    for (int i = 0; i < sk_X509_num(authority->chain); i++)
        written = written && PEM_write_bio_X509(memory, sk_X509_value(authority->chain, i)) == 1;
    if (written) {
        length = BIO_get_mem_data(memory, &data);
        authority->pem = g_strndup(data, (gsize)length);
    }
    BIO_free(memory);
    return written;
}

OshCertificateAuthority *
osh_certificate_authority_new(const char *revocation_list_uri, GError **error)
{
    g_autoptr(OshCertificateAuthority) authority = g_new0(OshCertificateAuthority, 1);

    /* A configuration file could name code to load. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1)
        authority->key = EVP_EC_gen("P-256");
    if (authority->key == NULL || !make_certificate(authority, revocation_list_uri) ||
        !write_pem(authority)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    "cannot make the certificate authority of this run: %s", osh_tls_last_error());
        return NULL;
    }
    return g_steal_pointer(&authority);
}

/* Returns: (nullable): why @certificate cannot sign leaves. */
static const char *
authority_problem(X509 *certificate)
{
    if (X509_check_ca(certificate) != 1)
        return "its first certificate is no authority (basicConstraints)";
    if ((X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0)
        return "its first certificate may not sign certificates (keyUsage)";
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        return "its first certificate has expired";
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
        return "its first certificate is not valid yet";
    return NULL;
}

OshCertificateAuthority *
osh_certificate_authority_read(const char *certificate_path, const char *key_path, GError **error)
{
    g_autoptr(OshCertificateAuthority) authority = g_new0(OshCertificateAuthority, 1);
    const char *problem;

    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
        !osh_pem_pair(certificate_path, key_path, "the certificate authority", &authority->chain,
                      &authority->key, error))
        return NULL;
    problem = authority_problem(sk_X509_value(authority->chain, 0));
    if (problem == NULL && !write_pem(authority))
        problem = osh_tls_last_error();
    if (problem != NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "cannot use %s as the certificate authority: %s", certificate_path, problem);
        return NULL;
    }
    return g_steal_pointer(&authority);
}

void
osh_certificate_authority_free(OshCertificateAuthority *authority)
{
    if (authority == NULL)
        return;
    sk_X509_pop_free(authority->chain, X509_free);
    EVP_PKEY_free(authority->key);
    g_free(authority->pem);
    g_free(authority);
}

const char *
osh_certificate_authority_pem(const OshCertificateAuthority *authority)
{
    return authority->pem;
}

gboolean
osh_certificate_authority_signs_lists(const OshCertificateAuthority *authority)
{
    return (X509_get_key_usage(sk_X509_value(authority->chain, 0)) & KU_CRL_SIGN) != 0;
}

STACK_OF(X509) * osh_certificate_authority_chain(const OshCertificateAuthority *authority)
{
    return authority->chain;
}

EVP_PKEY *
osh_certificate_authority_key(const OshCertificateAuthority *authority)
{
    return authority->key;
}

static gboolean
add_list_extensions(X509_CRL *list, X509 *issuer)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    AUTHORITY_KEYID *key = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(issuer);
    gboolean added;

    added = number != NULL && key != NULL && osh_certificate_set_serial(number) &&
            X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0) == 1;
    if (added && identifier != NULL) {
        key->keyid = ASN1_OCTET_STRING_dup(identifier);
        added = key->keyid != NULL &&
                X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, key, 0, 0) == 1;
    }
    ASN1_INTEGER_free(number);
    AUTHORITY_KEYID_free(key);
    return added;
}

static gboolean
set_list_times(X509_CRL *list)
{
    ASN1_TIME *at = ASN1_TIME_new();
    gboolean set = at != NULL && X509_gmtime_adj(at, -OSH_CERTIFICATE_VALID_BEFORE) != NULL &&
                   X509_CRL_set1_lastUpdate(list, at) == 1 &&
                   X509_gmtime_adj(at, OSH_CERTIFICATE_VALID_AFTER) != NULL &&
                   X509_CRL_set1_nextUpdate(list, at) == 1;

    ASN1_TIME_free(at);
    return set;
}

GBytes *
osh_certificate_authority_revocation_list(const OshCertificateAuthority *authority)
{
    X509 *issuer = sk_X509_value(authority->chain, 0);
    X509_CRL *list = X509_CRL_new();
    guint8 *der = NULL;
    GBytes *bytes = NULL;
    int length = -1;

    if (list != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
        X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)) == 1 &&
        set_list_times(list) && add_list_extensions(list, issuer) &&
        X509_CRL_sign(list, authority->key, osh_certificate_digest(authority->key)) > 0)
        length = i2d_X509_CRL(list, &der);
    if (length > 0)
        bytes = g_bytes_new(der, (gsize)length);
    OPENSSL_free(der);
    X509_CRL_free(list);
    ERR_clear_error();
    return bytes;
}
