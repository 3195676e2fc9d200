/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem-file.c: reads certificates and keys. Any thread but a shard's; no state. It must never print
 * what a file holds.
 */
#include "pem-file.h"

#include "certificate-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openshell/host.h"

#define MAX_FILE (16 * 1024 * 1024)

/* Wiped: it may have held a key. */
static void
wipe(char *text, gsize size)
{
    if (text != NULL)
        OPENSSL_cleanse(text, size);
    g_free(text);
}

/* Returns: (nullable): why the status of a key's file is not right. */
static const char *
key_problem(const struct stat *status)
{
    if ((status->st_mode & (S_IROTH | S_IWOTH)) != 0)
        return "others can read or write it: chmod o-rw it";
    if ((status->st_mode & S_IWGRP) != 0)
        return "its group can write it: chmod g-w it";
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return "it belongs to another user: it must be root's or yours";
    return NULL;
}

static gboolean
fail(GError **error, const char *path, const char *problem)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "cannot use %s: %s", path, problem);
    return FALSE;
}

static gboolean
read_all(int fd, char *text, gsize size, gsize *ret_length)
{
    gsize at = 0;

    while (at < size) {
        gssize n = read(fd, text + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        at += (gsize)n;
    }
    *ret_length = at;
    return TRUE;
}

/* Returns: FALSE with an error, otherwise @ret_text is to be wiped, @ret_size bytes long. */
static gboolean
read_file(const char *path, gboolean is_key, char **ret_text, gsize *ret_size, GError **error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *problem = NULL;
    struct stat status;
    char *text = NULL;
    gsize size = 0;

    if (fd < 0 || fstat(fd, &status) != 0)
        problem = g_strerror(errno);
    else if (!S_ISREG(status.st_mode))
        problem = "it is no regular file";
    else if (is_key)
        problem = key_problem(&status);
    if (problem == NULL && status.st_size > MAX_FILE)
        problem = "it is larger than 16 MiB";
    if (problem == NULL) {
        size = (gsize)status.st_size;
        text = g_malloc(size + 1);
        if (!read_all(fd, text, size, &size))
            problem = g_strerror(errno);
    }
    if (fd >= 0)
        close(fd);
    if (problem != NULL) {
        wipe(text, size);
        return fail(error, path, problem);
    }
    text[size] = '\0';
    *ret_text = text;
    *ret_size = size;
    return TRUE;
}

STACK_OF(X509) * osh_pem_certificates(const char *pem, gsize length, guint *ret_skipped)
{
    BIO *memory = BIO_new_mem_buf(pem, (int)length);
    STACK_OF(X509) *certificates = sk_X509_new_null();
    guint skipped = 0;

    for (;;) {
        X509 *certificate;

        ERR_clear_error();
        certificate = PEM_read_bio_X509_AUX(memory, NULL, NULL, NULL);
        if (certificate != NULL)
            sk_X509_push(certificates, certificate);
        else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
            break;
        else
            skipped++;
    }
    ERR_clear_error();
    BIO_free(memory);
    if (ret_skipped != NULL)
        *ret_skipped = skipped;
    if (sk_X509_num(certificates) > 0)
        return certificates;
    sk_X509_free(certificates);
    return NULL;
}

STACK_OF(X509) * osh_pem_file_certificates(const char *path, guint *ret_skipped, GError **error)
{
    STACK_OF(X509) * certificates;
    char *text;
    gsize size;

    if (!read_file(path, FALSE, &text, &size, error))
        return NULL;
    certificates = osh_pem_certificates(text, size, ret_skipped);
    wipe(text, size);
    if (certificates == NULL)
        fail(error, path, "it has no certificate that can be read (PEM)");
    return certificates;
}

/* Without it OpenSSL would ask on the terminal. */
static int
no_passphrase(char *buffer, int size, int writing, gpointer data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

EVP_PKEY *
osh_pem_file_key(const char *path, GError **error)
{
    EVP_PKEY *key;
    char *text;
    gsize size;
    BIO *memory;

    if (!read_file(path, TRUE, &text, &size, error))
        return NULL;
    memory = BIO_new_mem_buf(text, (int)size);
    key = PEM_read_bio_PrivateKey(memory, NULL, no_passphrase, NULL);
    BIO_free(memory);
    if (key == NULL)
        fail(error, path,
             g_strstr_len(text, (gssize)size, "ENCRYPTED") != NULL
                 ? "it is encrypted: a key without a passphrase is needed"
                 : "it has no private key that can be read (PEM)");
    wipe(text, size);
    ERR_clear_error();
    return key;
}

gboolean
osh_pem_pair(const char *certificate_path, const char *key_path, const char *what,
             STACK_OF(X509) * *ret_chain, EVP_PKEY **ret_key, GError **error)
{
    STACK_OF(X509) * chain;
    EVP_PKEY *key;

    *ret_chain = NULL;
    *ret_key = NULL;
    if (certificate_path == NULL && key_path == NULL)
        return TRUE;
    if (certificate_path == NULL || key_path == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s needs a file of its certificate and a file of its key", what);
        return FALSE;
    }
    chain = osh_pem_file_certificates(certificate_path, NULL, error);
    if (chain == NULL)
        return FALSE;
    key = osh_pem_file_key(key_path, error);
    if (key != NULL && X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
        ERR_clear_error();
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s: the key in %s is not the one of the first certificate in %s", what,
                    key_path, certificate_path);
        g_clear_pointer(&key, EVP_PKEY_free);
    }
    if (key == NULL) {
        sk_X509_pop_free(chain, X509_free);
        return FALSE;
    }
    *ret_chain = chain;
    *ret_key = key;
    return TRUE;
}
