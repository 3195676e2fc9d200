/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls libcrypto through the addresses that osh-lazy-library.c finds. Any thread; the first one
 * that needs them fills them in under a lock. OpenSSL is told to read no configuration file: it
 * could name code to load, and programs of the box run by then.
 */
#include "osh-identity-digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <pthread.h>
#include <string.h>

#include "osh-lazy-library.h"

#define LIBCRYPTO "libcrypto.so." G_STRINGIFY(OPENSSL_SHLIB_VERSION)

#define FUNCTIONS(X)                                                                               \
    X(OPENSSL_init_crypto)                                                                         \
    X(EVP_MD_CTX_new)                                                                              \
    X(EVP_MD_CTX_free)                                                                             \
    X(EVP_sha256)                                                                                  \
    X(EVP_DigestInit_ex)                                                                           \
    X(EVP_DigestUpdate)                                                                            \
    X(EVP_DigestFinal_ex)

typedef struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} Functions;

struct _OshDigestLibrary {
    pthread_mutex_t mutex;
    OshLazyLibrary *file;
    gboolean loaded;     /* under the lock */
    Functions functions; /* never changed once loaded */
};

struct _OshDigest {
    const Functions *functions;
    EVP_MD_CTX *context;
};

OshDigestLibrary *
osh_digest_library_new(const char *soname)
{
    OshDigestLibrary *library = g_new0(OshDigestLibrary, 1);

    pthread_mutex_init(&library->mutex, NULL);
    library->file = osh_lazy_library_find(soname != NULL ? soname : LIBCRYPTO);
    return library;
}

void
osh_digest_library_free(OshDigestLibrary *library)
{
    if (library == NULL)
        return;
    osh_lazy_library_free(library->file);
    pthread_mutex_destroy(&library->mutex);
    g_free(library);
}

static gboolean
library_load(OshDigestLibrary *library)
{
    Functions *functions = &library->functions;

/* As dlsym(3) has it: ISO C converts no object pointer to a function pointer. */
#define FIND(name)                                                                                 \
    *(gpointer *)(gpointer)&functions->name = osh_lazy_library_symbol(library->file, #name, NULL); \
    if (functions->name == NULL)                                                                   \
        return FALSE;
    FUNCTIONS(FIND)
#undef FIND
    return functions->OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1;
}

OshDigest *
osh_digest_new(OshDigestLibrary *library)
{
    const Functions *functions = &library->functions;
    OshDigest *digest;
    gboolean loaded;

    pthread_mutex_lock(&library->mutex);
    loaded = library->loaded = library->loaded || library_load(library);
    pthread_mutex_unlock(&library->mutex);
    if (!loaded)
        return NULL;
    digest = g_new0(OshDigest, 1);
    digest->functions = functions;
    digest->context = functions->EVP_MD_CTX_new();
    if (digest->context == NULL ||
        functions->EVP_DigestInit_ex(digest->context, functions->EVP_sha256(), NULL) != 1) {
        osh_digest_free(digest);
        return NULL;
    }
    return digest;
}

gboolean
osh_digest_update(OshDigest *digest, gconstpointer bytes, gsize length)
{
    return digest->functions->EVP_DigestUpdate(digest->context, bytes, length) == 1;
}

gboolean
osh_digest_finish(OshDigest *digest, guint8 *ret_bytes)
{
    guint8 bytes[EVP_MAX_MD_SIZE];
    guint length = 0;

    if (digest->functions->EVP_DigestFinal_ex(digest->context, bytes, &length) != 1 ||
        length != OSH_DIGEST_SIZE)
        return FALSE;
    memcpy(ret_bytes, bytes, OSH_DIGEST_SIZE);
    return TRUE;
}

void
osh_digest_free(OshDigest *digest)
{
    if (digest == NULL)
        return;
    digest->functions->EVP_MD_CTX_free(digest->context);
    g_free(digest);
}
