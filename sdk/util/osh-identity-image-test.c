/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes that a thread makes, in an order in which no file waits for a huge one; trusted paths. */
#include "osh-identity-image.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    GMutex mutex;
    GCond cond;
    guint order; /* how many were hashed so far */
} Order;

typedef struct {
    Order *all;
    guint place; /* 0: not yet */
} Waiting;

static void
hashed(gpointer data)
{
    Waiting *waiting = data;

    g_mutex_lock(&waiting->all->mutex);
    waiting->place = ++waiting->all->order;
    g_cond_broadcast(&waiting->all->cond);
    g_mutex_unlock(&waiting->all->mutex);
}

static void
wait_for(Waiting *waiting)
{
    g_mutex_lock(&waiting->all->mutex);
    while (waiting->place == 0)
        g_cond_wait(&waiting->all->cond, &waiting->all->mutex);
    g_mutex_unlock(&waiting->all->mutex);
}

/* Returns: (transfer full): the image of a new file with @text and then zeros up to @size. */
static OshImage *
image_of(OshImageTable *table, const char *text, off_t size, Waiting *waiting)
{
    g_autofree char *path = NULL;
    OshImageKey key;
    struct stat status;
    OshImage *image;
    int fd = g_file_open_tmp("osh-image-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_unlink(path);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    g_assert_cmpint(fstat(fd, &status), ==, 0);
    osh_image_key_init(&key, &status);
    image = osh_image_table_add(table, fd, &key);
    if (waiting != NULL && !osh_image_table_wait(table, image, hashed, waiting))
        hashed(waiting);
    close(fd);
    return image;
}

static void
test_hash(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    Order order = {.order = 0};
    Waiting waiting = {&order, 0};
    g_autoptr(OshImage) image = image_of(table, "abc", 3, &waiting);

    wait_for(&waiting);
    g_assert_cmpint(osh_image_state(image), ==, OSH_IMAGE_READY);
    g_assert_cmpstr(osh_image_sha256(image), ==,
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    g_autoptr(OshImage) again = osh_image_table_find(table, osh_image_key(image));
    g_assert_true(again == image);
    g_assert_false(osh_image_table_wait(table, image, hashed, &waiting));
    osh_image_table_end(table);
}

static void
test_hash_of_many_blocks(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    g_autofree char *text = g_strnfill(1000000, 'a');
    Order order = {.order = 0};
    Waiting waiting = {&order, 0};
    g_autoptr(OshImage) image = image_of(table, text, 1000000, &waiting);

    wait_for(&waiting);
    /* FIPS 180-2, appendix B.3 */
    g_assert_cmpstr(osh_image_sha256(image), ==,
                    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    osh_image_table_end(table);
}

static void
test_no_library(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new_with("libosh-none.so.9");
    Order order = {.order = 0};
    Waiting waiting[2] = {{&order, 0}, {&order, 0}};

    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) {
        g_autoptr(OshImage) image =
            image_of(table, i == 0 ? "abc" : "", i == 0 ? 3 : 0, &waiting[i]);

        wait_for(&waiting[i]);
        g_assert_cmpint(osh_image_state(image), ==, OSH_IMAGE_FAILED);
        g_assert_nonnull(strstr(osh_image_problem(image), "libcrypto could not be loaded"));
    }
    osh_image_table_end(table);
}

static void
test_too_large(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    g_autoptr(OshImage) image = image_of(table, "x", OSH_IMAGE_MAX_SIZE + 1, NULL);

    g_assert_cmpint(osh_image_state(image), ==, OSH_IMAGE_FAILED);
    g_assert_nonnull(strstr(osh_image_problem(image), "more than 1 GiB"));
    osh_image_table_end(table);
}

/* Two huge ones keep both threads busy; what comes after them is ready before either. */
static void
test_small_ones_do_not_wait(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    Order order = {.order = 0};
    Waiting huge[3] = {{&order, 0}, {&order, 0}, {&order, 0}};
    Waiting small[4] = {{&order, 0}, {&order, 0}, {&order, 0}, {&order, 0}};
    gint64 began;

    for (guint i = 0; i < G_N_ELEMENTS(huge); i++)
        osh_image_unref(image_of(table, "huge", (700 + i) << 20, &huge[i]));
    for (guint i = 0; i < G_N_ELEMENTS(small); i++) {
        g_autofree char *text = g_strdup_printf("small %u", i);

        osh_image_unref(image_of(table, text, 8, &small[i]));
        wait_for(&small[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(huge); i++)
        g_assert_cmpuint(huge[i].place, ==, 0);
    /* And the end waits for none of it: within a second both threads have ended. */
    began = g_get_monotonic_time();
    osh_image_table_end(table);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 900 * G_TIME_SPAN_MILLISECOND);
    for (guint i = 0; i < G_N_ELEMENTS(huge); i++)
        g_assert_cmpuint(huge[i].place, >, G_N_ELEMENTS(small));
    g_assert_cmpuint(order.order, ==, G_N_ELEMENTS(small) + G_N_ELEMENTS(huge));
}

/* While new small ones come all the time the huge one gets every other turn. */
static void
test_huge_ones_are_not_starved(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    Order order = {.order = 0};
    Waiting huge = {&order, 0};
    g_autoptr(OshImage) image = image_of(table, "huge", 64 << 20, &huge);
    guint n = 0;

    for (; huge.place == 0 && n < 5000; n++) {
        g_autofree char *text = g_strdup_printf("small %u", n);

        osh_image_unref(image_of(table, text, 65536, NULL));
        g_mutex_lock(&order.mutex);
        g_mutex_unlock(&order.mutex);
    }
    g_assert_cmpuint(n, <, 5000);
    osh_image_table_end(table);
}

static void
test_end_fails_what_waits(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    Order order = {.order = 0};
    Waiting waiting = {&order, 0};
    g_autoptr(OshImage) image = image_of(table, "huge", 1000 << 20, &waiting);
    g_autoptr(OshImage) late = NULL;

    osh_image_table_end(table);
    g_assert_cmpuint(waiting.place, ==, 1);
    g_assert_cmpint(osh_image_state(image), ==, OSH_IMAGE_FAILED);
    late = image_of(table, "late", 4, NULL);
    g_assert_cmpint(osh_image_state(late), ==, OSH_IMAGE_FAILED);
}

static void
test_trust(void)
{
    g_autoptr(OshImageTable) table = osh_image_table_new();
    Order order = {.order = 0};
    Waiting waiting[2] = {{&order, 0}, {&order, 0}};
    g_autoptr(OshImage) first = image_of(table, "first", 5, &waiting[0]);
    g_autoptr(OshImage) second = image_of(table, "second", 6, &waiting[1]);
    const char *problem;

    wait_for(&waiting[0]);
    wait_for(&waiting[1]);
    g_assert_cmpstr(osh_image_table_trusts(table, "/usr/bin/x", first), ==, NULL);
    g_assert_cmpstr(osh_image_table_trusts(table, "/usr/bin/x", first), ==, NULL);
    problem = osh_image_table_trusts(table, "/usr/bin/x", second);
    g_assert_nonnull(problem);
    g_assert_nonnull(strstr(problem, "content has changed"));
    g_assert_cmpstr(osh_image_table_trusts(table, "/usr/bin/y", second), ==, NULL);
    /* A flood of new paths is refused by name, and known ones stay known. */
    for (guint i = 0; i < 65536; i++) {
        g_autofree char *path = g_strdup_printf("/tmp/%u", i);

        problem = osh_image_table_trusts(table, path, first);
    }
    g_assert_nonnull(problem);
    g_assert_nonnull(strstr(problem, "record of binaries of this run is full"));
    g_assert_cmpstr(osh_image_table_trusts(table, "/usr/bin/x", first), ==, NULL);
    g_assert_nonnull(strstr(osh_image_table_trusts(table, "/usr/bin/x", second), "changed"));
    osh_image_table_end(table);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity-image/a-content-is-hashed-once-and-known-by-its-key", test_hash);
    g_test_add_func("/identity-image/a-content-of-many-blocks-has-its-known-hash",
                    test_hash_of_many_blocks);
    g_test_add_func("/identity-image/nothing-is-identified-without-a-library-to-hash-with",
                    test_no_library);
    g_test_add_func("/identity-image/a-file-that-is-too-large-is-refused-by-its-size",
                    test_too_large);
    g_test_add_func("/identity-image/small-files-and-the-end-do-not-wait-for-huge-ones",
                    test_small_ones_do_not_wait);
    g_test_add_func("/identity-image/a-huge-file-is-not-starved-by-small-ones",
                    test_huge_ones_are_not_starved);
    g_test_add_func("/identity-image/the-end-fails-what-waits-and-what-comes-late",
                    test_end_fails_what_waits);
    g_test_add_func("/identity-image/a-path-is-trusted-with-its-first-content-alone", test_trust);
    return g_test_run();
}
