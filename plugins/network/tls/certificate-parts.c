/* SPDX-License-Identifier: Apache-2.0 */
/* certificate-parts.c: what certificates are made of. Any thread; no state. */
#include "certificate-parts.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

X509_EXTENSION *
osh_certificate_part(X509 *issuer, X509 *subject, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
    return X509V3_EXT_conf_nid(NULL, &context, nid, value);
}

X509_EXTENSION *
osh_certificate_list_part(const char *uri)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
    X509_EXTENSION *extension;

    if (point == NULL || name == NULL || text == NULL || points == NULL)
        g_error("out of memory");
    ASN1_STRING_set(text, uri, -1);
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    point->distpoint = DIST_POINT_NAME_new();
    point->distpoint->type = 0;
    point->distpoint->name.fullname = sk_GENERAL_NAME_new_null();
    sk_GENERAL_NAME_push(point->distpoint->name.fullname, name);
    sk_DIST_POINT_push(points, point);
    extension = X509V3_EXT_i2d(NID_crl_distribution_points, 0, points);
    CRL_DIST_POINTS_free(points);
    return extension;
}

gboolean
osh_certificate_add_part(X509 *issuer, X509 *subject, int nid, const char *value)
{
    X509_EXTENSION *extension = osh_certificate_part(issuer, subject, nid, value);
    gboolean added = extension != NULL && X509_add_ext(subject, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return added;
}

gboolean
osh_certificate_set_serial(ASN1_INTEGER *serial)
{
    guint8 bytes[16];
    BIGNUM *number;
    gboolean set;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return FALSE;
    /* Positive, and never zero. */
    bytes[0] = (guint8)((bytes[0] & 0x7f) | 0x40);
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    set = number != NULL && BN_to_ASN1_INTEGER(number, serial) != NULL;
    BN_free(number);
    return set;
}

const EVP_MD *
osh_certificate_digest(const EVP_PKEY *key)
{
    int kind = EVP_PKEY_get_base_id(key);

    return kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

const char *
osh_tls_last_error(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return reason != NULL ? reason : "no reason given";
}
