/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf-mint.c: makes leaf certificates. Any thread; what it shares does not change.
 *
 * A name comes from a client. It is never written into a text that OpenSSL parses: a comma in it
 * would begin another name.
 */
#include "leaf-mint.h"

#include "certificate-parts.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "openshell/host.h"

#define MAX_NAME        253
#define MAX_COMMON_NAME 64
#define N_CONSTANT      6

struct _OshLeafMint {
    const OshCertificateAuthority *authority;
    EVP_PKEY *key;
    X509_EXTENSION *constant[N_CONSTANT]; /* what is the same in each leaf */
    guint n_constant;
};

static gboolean
keep(OshLeafMint *mint, X509_EXTENSION *extension)
{
    if (extension == NULL)
        return FALSE;
    mint->constant[mint->n_constant++] = extension;
    return TRUE;
}

static gboolean
make_constant(OshLeafMint *mint, const char *revocation_list_uri)
{
    X509 *issuer = sk_X509_value(osh_certificate_authority_chain(mint->authority), 0);
    X509 *subject = X509_new();
    gboolean made;

    made =
        subject != NULL && X509_set_pubkey(subject, mint->key) == 1 &&
        keep(mint,
             osh_certificate_part(issuer, subject, NID_basic_constraints, "critical,CA:FALSE")) &&
        keep(mint,
             osh_certificate_part(issuer, subject, NID_key_usage, "critical,digitalSignature")) &&
        keep(mint, osh_certificate_part(issuer, subject, NID_ext_key_usage, "serverAuth")) &&
        keep(mint, osh_certificate_part(issuer, subject, NID_subject_key_identifier, "hash"));
    if (made && X509_get0_subject_key_id(issuer) != NULL)
        made = keep(mint, osh_certificate_part(issuer, subject, NID_authority_key_identifier,
                                               "keyid:always"));
    if (made && revocation_list_uri != NULL)
        made = keep(mint, osh_certificate_list_part(revocation_list_uri));
    X509_free(subject);
    return made;
}

/*
 * Returns: (transfer full) (nullable): a P-256 key.
 *
 * X509_set_pubkey(3) writes and parses the public key of one that EVP_EC_gen(3) made each time,
 * which takes 180 us of the 250 us for a leaf (OpenSSL 3.0). Of a key in the older form it takes
 * 4 us; signing takes the same for both.
 */
static EVP_PKEY *
make_key(void)
{
#ifdef OPENSSL_NO_DEPRECATED_3_0
    return EVP_EC_gen("P-256");
#else
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *pair;

    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    pair = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    if (key != NULL && pair != NULL && EC_KEY_generate_key(pair) == 1 &&
        EVP_PKEY_assign_EC_KEY(key, pair) == 1)
        return key;
    EC_KEY_free(pair);
    G_GNUC_END_IGNORE_DEPRECATIONS
    EVP_PKEY_free(key);
    return NULL;
#endif
}

OshLeafMint *
osh_leaf_mint_new(const OshCertificateAuthority *authority, const char *revocation_list_uri,
                  GError **error)
{
    g_autoptr(OshLeafMint) mint = g_new0(OshLeafMint, 1);

    mint->authority = authority;
    mint->key = make_key();
    if (mint->key == NULL || !make_constant(mint, revocation_list_uri)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot make leaf certificates: %s",
                    osh_tls_last_error());
        return NULL;
    }
    return g_steal_pointer(&mint);
}

void
osh_leaf_mint_free(OshLeafMint *mint)
{
    if (mint == NULL)
        return;
    for (guint i = 0; i < mint->n_constant; i++)
        X509_EXTENSION_free(mint->constant[i]);
    EVP_PKEY_free(mint->key);
    g_free(mint);
}

/* Returns: (transfer full) (nullable): @name as subjectAltName has it. */
static GENERAL_NAME *
general_name(const char *name)
{
    gsize length = strlen(name);
    guint8 address[sizeof(struct in6_addr)];
    gboolean v4 = inet_pton(AF_INET, name, address) == 1;
    gboolean is_address = v4 || inet_pton(AF_INET6, name, address) == 1;
    GENERAL_NAME *general;
    ASN1_STRING *value;

    if (length == 0 || length > MAX_NAME)
        return NULL;
    for (gsize i = 0; i < length && !is_address; i++)
        if (!g_ascii_isalnum(name[i]) && strchr("-_.", name[i]) == NULL)
            return NULL;
    general = GENERAL_NAME_new();
    value = ASN1_STRING_type_new(is_address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (general == NULL || value == NULL ||
        ASN1_STRING_set(value, is_address ? (gconstpointer)address : name,
                        is_address ? (v4 ? 4 : 16) : (int)length) != 1) {
        GENERAL_NAME_free(general);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(general, is_address ? GEN_IPADD : GEN_DNS, value);
    return general;
}

static gboolean
add_names(X509 *leaf, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(leaf);
    GENERAL_NAME *general = general_name(name);
    GENERAL_NAMES *names = general != NULL ? sk_GENERAL_NAME_new_null() : NULL;
    gboolean added = names != NULL && sk_GENERAL_NAME_push(names, general) > 0;

    if (!added)
        GENERAL_NAME_free(general);
    /* Not critical: the subject is never empty. */
    added = added && X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, 0, 0) == 1 &&
            X509_NAME_add_entry_by_NID(subject, NID_organizationName, MBSTRING_ASC,
                                       (const guint8 *)"OpenShell", -1, -1, 0) == 1;
    if (added && strlen(name) <= MAX_COMMON_NAME)
        added = X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                           (const guint8 *)name, -1, -1, 0) == 1;
    GENERAL_NAMES_free(names);
    return added;
}

static gboolean
fill(const OshLeafMint *mint, X509 *leaf, const char *name)
{
    X509 *issuer = sk_X509_value(osh_certificate_authority_chain(mint->authority), 0);
    EVP_PKEY *key = osh_certificate_authority_key(mint->authority);

    if (X509_set_version(leaf, X509_VERSION_3) != 1 ||
        !osh_certificate_set_serial(X509_get_serialNumber(leaf)) ||
        X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(leaf), -OSH_CERTIFICATE_VALID_BEFORE) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(leaf), OSH_CERTIFICATE_VALID_AFTER) == NULL ||
        X509_set_pubkey(leaf, mint->key) != 1 || !add_names(leaf, name))
        return FALSE;
    for (guint i = 0; i < mint->n_constant; i++)
        if (X509_add_ext(leaf, mint->constant[i], -1) != 1)
            return FALSE;
    return X509_sign(leaf, key, osh_certificate_digest(key)) > 0;
}

X509 *
osh_leaf_mint_make(const OshLeafMint *mint, const char *name)
{
    X509 *leaf = X509_new();

    if (leaf != NULL && fill(mint, leaf, name))
        return leaf;
    X509_free(leaf);
    return NULL;
}

EVP_PKEY *
osh_leaf_mint_key(const OshLeafMint *mint)
{
    return mint->key;
}

STACK_OF(X509) * osh_leaf_mint_chain(const OshLeafMint *mint)
{
    return osh_certificate_authority_chain(mint->authority);
}
