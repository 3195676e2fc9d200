/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content hashes of executables. An image is known by what fstat(2) says of it and hashed once,
 * on threads of the table's own, block by block: between two blocks the thread turns to the
 * smallest file that waits and to the oldest one by turns, so that a huge file keeps no other file
 * waiting, and no flood of small ones keeps a huge one waiting for ever. Two threads, because one
 * may be stuck in a file system that does not answer; neither is waited for without a bound.
 *
 * The locks are the system's, which ThreadSanitizer sees through a GLib that it did not build.
 * Everything here is under the table's lock, except an image's hash and problem, which are written
 * once before its state says so.
 */
#include "osh-identity-image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "osh-identity-digest.h"

#define HASHING_THREADS 2
#define BLOCK_SIZE      (256 * 1024)
/* Images that are not in use are forgotten beyond this many. */
#define MAX_IMAGES 4096
/* A path costs about 100 bytes. */
#define MAX_TRUSTED_PATHS 65536
#define END_WAITS_SECONDS 1

struct _OshImage {
    gint references;
    gint state; /* atomic; an OshImageState */
    OshImageKey key;
    char sha256[2 * 32 + 1];
    const char *problem;
    GSList *waiters; /* Waiter */
};

typedef struct {
    OshImageFunc done;
    gpointer data;
} Waiter;

typedef struct {
    OshImage *image;
    int fd;
    gint64 left;
    guint64 age;       /* a lower number has waited longer */
    OshDigest *digest; /* (nullable): from the first block on */
} Hashing;

typedef struct {
    guint8 bytes[OSH_DIGEST_SIZE];
} Digest;

struct _OshImageTable {
    gint references;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_cond_t ended;
    OshDigestLibrary *library;
    GHashTable *images;  /* OshImageKey -> OshImage */
    GHashTable *trusted; /* path -> Digest */
    GQueue waiting;      /* Hashing, without those that a thread works on */
    guint64 last_age;
    guint n_threads;
    guint n_idle;
    gboolean oldest_next;
    gboolean ending;
};

static guint
key_hash(gconstpointer data)
{
    const OshImageKey *key = data;

    return (guint)(key->inode ^ (key->device << 7) ^ (guint64)key->changed_nanoseconds);
}

static gboolean
key_equal(gconstpointer left, gconstpointer right)
{
    return memcmp(left, right, sizeof(OshImageKey)) == 0;
}

void
osh_image_key_init(OshImageKey *key, const struct stat *status)
{
    memset(key, 0, sizeof *key);
    key->device = status->st_dev;
    key->inode = status->st_ino;
    key->changed_seconds = status->st_ctim.tv_sec;
    key->changed_nanoseconds = status->st_ctim.tv_nsec;
    key->size = status->st_size;
}

gboolean
osh_image_key_equal(const OshImageKey *left, const OshImageKey *right)
{
    return key_equal(left, right);
}

OshImage *
osh_image_ref(OshImage *image)
{
    g_atomic_int_inc(&image->references);
    return image;
}

void
osh_image_unref(OshImage *image)
{
    if (image != NULL && g_atomic_int_dec_and_test(&image->references))
        g_free(image);
}

const OshImageKey *
osh_image_key(const OshImage *image)
{
    return &image->key;
}

OshImageState
osh_image_state(const OshImage *image)
{
    return (OshImageState)g_atomic_int_get(&image->state);
}

const char *
osh_image_sha256(const OshImage *image)
{
    return image->sha256;
}

const char *
osh_image_problem(const OshImage *image)
{
    return image->problem;
}

static void
hashing_free(Hashing *hashing)
{
    close(hashing->fd);
    osh_digest_free(hashing->digest);
    osh_image_unref(hashing->image);
    g_free(hashing);
}

/* With the lock held, which is let go while the waiters are called. */
static void
table_settle(OshImageTable *table, OshImage *image, const char *problem)
{
    GSList *waiters;

    if (osh_image_state(image) != OSH_IMAGE_PENDING)
        return;
    image->problem = problem;
    g_atomic_int_set(&image->state, problem == NULL ? OSH_IMAGE_READY : OSH_IMAGE_FAILED);
    waiters = g_steal_pointer(&image->waiters);
    pthread_mutex_unlock(&table->mutex);
    for (GSList *at = waiters; at != NULL; at = at->next) {
        const Waiter *waiter = at->data;

        waiter->done(waiter->data);
    }
    g_slist_free_full(waiters, g_free);
    pthread_mutex_lock(&table->mutex);
}

/* Without the lock. Returns: FALSE when there is nothing left to read. */
static gboolean
hashing_read(OshDigestLibrary *library, Hashing *hashing, guint8 *block, const char **ret_problem)
{
    gsize wanted = (gsize)MIN(hashing->left, BLOCK_SIZE);
    struct stat status;
    OshImageKey now;
    ssize_t n;

    if (hashing->digest == NULL)
        hashing->digest = osh_digest_new(library);
    if (hashing->digest == NULL) {
        *ret_problem = "has an executable that cannot be hashed: OpenSSL's libcrypto could not be "
                       "loaded";
        return FALSE;
    }
    if (wanted > 0) {
        do
            n = read(hashing->fd, block, wanted);
        while (n < 0 && errno == EINTR);
        if (n <= 0 || !osh_digest_update(hashing->digest, block, (gsize)n)) {
            *ret_problem = "has an executable that cannot be read";
            return FALSE;
        }
        hashing->left -= n;
        return TRUE;
    }
    if (fstat(hashing->fd, &status) != 0) {
        *ret_problem = "has an executable that cannot be read";
        return FALSE;
    }
    osh_image_key_init(&now, &status);
    if (!osh_image_key_equal(&now, &hashing->image->key))
        *ret_problem = "has an executable that changes while it is read";
    return FALSE;
}

static const char *
hashing_finish(Hashing *hashing)
{
    Digest digest;

    if (!osh_digest_finish(hashing->digest, digest.bytes))
        return "has an executable that cannot be hashed";
    for (gsize i = 0; i < sizeof digest.bytes; i++)
        g_snprintf(hashing->image->sha256 + 2 * i, 3, "%02x", digest.bytes[i]);
    return NULL;
}

/* With the lock held. Returns: (transfer full): the next to read a block of. */
static Hashing *
table_next(OshImageTable *table)
{
    GList *chosen = table->waiting.head;
    Hashing *hashing;

    for (GList *at = chosen; at != NULL; at = at->next) {
        const Hashing *one = at->data;
        const Hashing *best = chosen->data;

        if (table->oldest_next ? one->age < best->age : one->left < best->left)
            chosen = at;
    }
    table->oldest_next = !table->oldest_next;
    hashing = chosen->data;
    g_queue_delete_link(&table->waiting, chosen);
    return hashing;
}

static void
table_free(OshImageTable *table)
{
    g_queue_clear_full(&table->waiting, (GDestroyNotify)hashing_free);
    g_hash_table_unref(table->images);
    g_hash_table_unref(table->trusted);
    pthread_mutex_destroy(&table->mutex);
    pthread_cond_destroy(&table->wake);
    pthread_cond_destroy(&table->ended);
    osh_digest_library_free(table->library);
    g_free(table);
}

static gpointer
table_run(gpointer data)
{
    OshImageTable *table = data;
    guint8 *block = g_malloc(BLOCK_SIZE);
    gboolean is_last;

    pthread_mutex_lock(&table->mutex);
    while (!table->ending) {
        const char *problem = NULL;
        Hashing *hashing;
        gboolean more;

        if (g_queue_is_empty(&table->waiting)) {
            table->n_idle++;
            pthread_cond_wait(&table->wake, &table->mutex);
            table->n_idle--;
            continue;
        }
        hashing = table_next(table);
        pthread_mutex_unlock(&table->mutex);
        more = hashing_read(table->library, hashing, block, &problem);
        if (!more && problem == NULL)
            problem = hashing_finish(hashing);
        pthread_mutex_lock(&table->mutex);
        if (more) {
            g_queue_push_tail(&table->waiting, hashing);
            continue;
        }
        table_settle(table, hashing->image, problem);
        hashing_free(hashing);
    }
    g_free(block);
    /* The waiter for the end may leave the process right after it: nothing is given back later. */
    is_last = g_atomic_int_dec_and_test(&table->references);
    table->n_threads--;
    pthread_cond_signal(&table->ended);
    pthread_mutex_unlock(&table->mutex);
    if (is_last)
        table_free(table);
    return NULL;
}

OshImageTable *
osh_image_table_new(void)
{
    return osh_image_table_new_with(NULL);
}

OshImageTable *
osh_image_table_new_with(const char *library)
{
    OshImageTable *table = g_new0(OshImageTable, 1);
    pthread_condattr_t monotonic;

    table->references = 1;
    pthread_mutex_init(&table->mutex, NULL);
    pthread_cond_init(&table->wake, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&table->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    table->library = osh_digest_library_new(library);
    g_queue_init(&table->waiting);
    table->images =
        g_hash_table_new_full(key_hash, key_equal, NULL, (GDestroyNotify)osh_image_unref);
    table->trusted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return table;
}

OshImageTable *
osh_image_table_ref(OshImageTable *table)
{
    g_atomic_int_inc(&table->references);
    return table;
}

void
osh_image_table_unref(OshImageTable *table)
{
    if (table != NULL && g_atomic_int_dec_and_test(&table->references))
        table_free(table);
}

void
osh_image_table_end(OshImageTable *table)
{
    struct timespec deadline;
    g_autoptr(GPtrArray) pending = g_ptr_array_new_with_free_func((GDestroyNotify)osh_image_unref);
    GHashTableIter iter;
    gpointer value;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += END_WAITS_SECONDS;
    pthread_mutex_lock(&table->mutex);
    table->ending = TRUE;
    pthread_cond_broadcast(&table->wake);
    while (table->n_threads > 0 &&
           pthread_cond_timedwait(&table->ended, &table->mutex, &deadline) == 0)
        continue;
    g_hash_table_iter_init(&iter, table->images);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (osh_image_state(value) == OSH_IMAGE_PENDING)
            g_ptr_array_add(pending, osh_image_ref(value));
    for (guint i = 0; i < pending->len; i++)
        table_settle(table, pending->pdata[i], "cannot be identified any more: the run is ending");
    pthread_mutex_unlock(&table->mutex);
}

static gboolean
image_is_unused(gpointer key, gpointer value, gpointer data)
{
    const OshImage *image = value;

    (void)key;
    (void)data;
    return g_atomic_int_get(&image->references) == 1;
}

OshImage *
osh_image_table_find(OshImageTable *table, const OshImageKey *key)
{
    OshImage *image;

    pthread_mutex_lock(&table->mutex);
    image = g_hash_table_lookup(table->images, key);
    if (image != NULL)
        osh_image_ref(image);
    pthread_mutex_unlock(&table->mutex);
    return image;
}

/* With the lock held. Returns: FALSE when there is no thread at all. */
static gboolean
table_wake(OshImageTable *table)
{
    if (table->n_idle == 0 && table->n_threads < HASHING_THREADS) {
        GThread *thread = g_thread_try_new("executables", table_run, table, NULL);

        if (thread != NULL) {
            osh_image_table_ref(table);
            table->n_threads++;
            g_thread_unref(thread);
        }
    }
    pthread_cond_signal(&table->wake);
    return table->n_threads > 0;
}

/* With the lock held. Returns: (nullable): why @image cannot be hashed. */
static const char *
table_begin(OshImageTable *table, OshImage *image, int fd)
{
    Hashing *hashing;
    int own;

    if (table->ending)
        return "cannot be identified any more: the run is ending";
    if (image->key.size > OSH_IMAGE_MAX_SIZE)
        return "has an executable of more than 1 GiB, which is too large to be identified";
    own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return "has an executable that cannot be kept open: the host has no descriptor left";
    hashing = g_new0(Hashing, 1);
    hashing->image = osh_image_ref(image);
    hashing->fd = own;
    hashing->left = image->key.size;
    hashing->age = ++table->last_age;
    if (!table_wake(table)) {
        hashing_free(hashing);
        return "has an executable that cannot be hashed: the host has no thread or memory left";
    }
    g_queue_push_tail(&table->waiting, hashing);
    return NULL;
}

OshImage *
osh_image_table_add(OshImageTable *table, int fd, const OshImageKey *key)
{
    OshImage *image;
    const char *problem;

    pthread_mutex_lock(&table->mutex);
    image = g_hash_table_lookup(table->images, key);
    if (image != NULL && osh_image_state(image) != OSH_IMAGE_FAILED) {
        osh_image_ref(image);
        pthread_mutex_unlock(&table->mutex);
        return image;
    }
    if (g_hash_table_size(table->images) >= MAX_IMAGES)
        g_hash_table_foreach_remove(table->images, image_is_unused, NULL);
    image = g_new0(OshImage, 1);
    image->references = 2; /* the table's and the caller's */
    image->state = OSH_IMAGE_PENDING;
    image->key = *key;
    g_hash_table_replace(table->images, &image->key, image);
    problem = table_begin(table, image, fd);
    if (problem != NULL)
        table_settle(table, image, problem);
    pthread_mutex_unlock(&table->mutex);
    return image;
}

gboolean
osh_image_table_wait(OshImageTable *table, OshImage *image, OshImageFunc done, gpointer data)
{
    gboolean pending;

    pthread_mutex_lock(&table->mutex);
    pending = osh_image_state(image) == OSH_IMAGE_PENDING;
    if (pending) {
        Waiter *waiter = g_new0(Waiter, 1);

        waiter->done = done;
        waiter->data = data;
        image->waiters = g_slist_prepend(image->waiters, waiter);
    }
    pthread_mutex_unlock(&table->mutex);
    return pending;
}

const char *
osh_image_table_trusts(OshImageTable *table, const char *path, const OshImage *image)
{
    const char *problem = NULL;
    const Digest *first;
    Digest *digest = g_new0(Digest, 1);

    for (gsize i = 0; i < sizeof digest->bytes; i++)
        digest->bytes[i] = (guint8)(g_ascii_xdigit_value(image->sha256[2 * i]) << 4 |
                                    g_ascii_xdigit_value(image->sha256[2 * i + 1]));
    pthread_mutex_lock(&table->mutex);
    first = g_hash_table_lookup(table->trusted, path);
    if (first != NULL && memcmp(first, digest, sizeof *digest) != 0)
        problem = "runs a binary whose content has changed during the run";
    else if (first == NULL && g_hash_table_size(table->trusted) >= MAX_TRUSTED_PATHS)
        problem = "runs a new binary, and the record of binaries of this run is full (65,536)";
    else if (first == NULL)
        g_hash_table_insert(table->trusted, g_strdup(path), g_steal_pointer(&digest));
    pthread_mutex_unlock(&table->mutex);
    g_free(digest);
    return problem;
}
