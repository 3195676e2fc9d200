/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-image.h: executable images: their content hashes, made aside, and which content a
 * path is trusted with. [any] unless a function says otherwise.
 */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/** OSH_IMAGE_MAX_SIZE: a larger executable is not hashed, and so never identified. */
#define OSH_IMAGE_MAX_SIZE (G_GINT64_CONSTANT(1) << 30)

/**
 * OshImageKey: a content, as far as the file system tells without reading it.
 */
typedef struct {
    guint64 device;
    guint64 inode;
    gint64 changed_seconds;
    gint64 changed_nanoseconds;
    gint64 size;
} OshImageKey;

/**
 * OshImageState:
 * @OSH_IMAGE_PENDING: its content is being hashed
 * @OSH_IMAGE_READY: its hash is known
 * @OSH_IMAGE_FAILED: it cannot be hashed, for good
 */
typedef enum {
    OSH_IMAGE_PENDING,
    OSH_IMAGE_READY,
    OSH_IMAGE_FAILED,
} OshImageState;

typedef struct _OshImage OshImage;
typedef struct _OshImageTable OshImageTable;

/** OshImageFunc: an image is no longer pending. On a thread of the table. */
typedef void (*OshImageFunc)(gpointer data);

/** osh_image_key_init: fills @key from what fstat(2) says of an executable. */
void osh_image_key_init(OshImageKey *key, const struct stat *status);
/** osh_image_key_equal: Returns: whether both name one content. */
gboolean osh_image_key_equal(const OshImageKey *left, const OshImageKey *right);

/** osh_image_table_new: Returns: (transfer full): a table without a thread until one is needed, and
 * without a library loaded until something is hashed. */
OshImageTable *osh_image_table_new(void);
/** osh_image_table_new_with: @library: (nullable): soname of another libcrypto, for tests. */
OshImageTable *osh_image_table_new_with(const char *library);
/** osh_image_table_ref: Returns: (transfer full). */
OshImageTable *osh_image_table_ref(OshImageTable *table);
/** osh_image_table_unref: @table: (nullable) (transfer full). */
void osh_image_table_unref(OshImageTable *table);

/**
 * osh_image_table_end: [main]
 *
 * Ends the hashing: whatever is pending has failed, and its waiters are called. A thread that is
 * stuck in a file system is left behind after a second.
 */
void osh_image_table_end(OshImageTable *table);

/** osh_image_table_find: Returns: (transfer full) (nullable): the image of @key, if it is known. */
OshImage *osh_image_table_find(OshImageTable *table, const OshImageKey *key);

/**
 * osh_image_table_add:
 * @fd: (transfer none): the executable, opened for reading
 * @key: what fstat(2) says of @fd
 *
 * Returns: (transfer full): the image of @key, which is hashed aside where it is new
 */
OshImage *osh_image_table_add(OshImageTable *table, int fd, const OshImageKey *key);

/** osh_image_ref: Returns: (transfer full). */
OshImage *osh_image_ref(OshImage *image);
/** osh_image_unref: @image: (nullable) (transfer full). */
void osh_image_unref(OshImage *image);
/** osh_image_key: Returns: (transfer none). */
const OshImageKey *osh_image_key(const OshImage *image);
/** osh_image_state: Returns: what is known of @image now. */
OshImageState osh_image_state(const OshImage *image);
/** osh_image_sha256: Returns: (transfer none): lower-case hex; only of an image that is ready. */
const char *osh_image_sha256(const OshImage *image);
/** osh_image_problem: Returns: (transfer none): why not; only of an image that has failed. */
const char *osh_image_problem(const OshImage *image);

/**
 * osh_image_table_wait:
 * @done: called once, when @image is no longer pending
 *
 * Returns: FALSE when it is not pending, and then @done is not called
 */
gboolean osh_image_table_wait(OshImageTable *table, OshImage *image, OshImageFunc done,
                              gpointer data);

/**
 * osh_image_table_trusts:
 * @path: of an executable
 * @image: ready; what was found there now
 *
 * A path is trusted with the content that it was first seen with in this run.
 *
 * Returns: (nullable): why @path is not trusted with @image; constant
 */
const char *osh_image_table_trusts(OshImageTable *table, const char *path, const OshImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshImage, osh_image_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshImageTable, osh_image_table_unref)

G_END_DECLS
