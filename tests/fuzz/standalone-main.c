/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standalone-main.c: runs a libFuzzer target without libFuzzer.
 *
 * Replays every file of the directories (or files) named on the command line, every prefix of a
 * short one, and a fixed number of pseudo-random mutations of each, so that the corpus is a
 * regression test with any compiler. The sequence depends on nothing but the corpus: a failure
 * repeats. Single-threaded. It never writes to the corpus.
 */
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* Seeds longer than this are replayed and mutated, but not cut at every length. */
#define PREFIX_LIMIT       2048
#define MUTATIONS_PER_SEED 400

/* Runs on an exactly sized heap copy, so that a sanitizer sees the first byte read too far. */
static void
run_one(const guint8 *data, gsize size)
{
    g_autofree guint8 *copy = g_malloc(size > 0 ? size : 1);

    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
}

static gsize
mutate(GRand *random, guint8 *data, gsize size)
{
    guint edits = (guint)g_rand_int_range(random, 1, 5);

    for (guint i = 0; i < edits && size > 0; i++) {
        gsize at = (gsize)g_rand_int_range(random, 0, (gint32)size);

        switch (g_rand_int_range(random, 0, 4)) {
        case 0:
            data[at] = (guint8)g_rand_int_range(random, 0, 256);
            break;
        case 1:
            data[at] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
            break;
        case 2:
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default:
            data[at] = data[g_rand_int_range(random, 0, (gint32)size)];
            break;
        }
    }
    return size;
}

static void
replay_bytes(const guint8 *data, gsize size, guint32 seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_autofree guint8 *scratch = g_malloc(size > 0 ? size : 1);

    run_one(data, size);
    for (gsize cut = 0; size <= PREFIX_LIMIT && cut < size; cut++)
        run_one(data, cut);
    for (guint i = 0; i < MUTATIONS_PER_SEED; i++) {
        if (size > 0)
            memcpy(scratch, data, size);
        run_one(scratch, mutate(random, scratch, size));
    }
}

static guint
replay_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize size = 0;

    if (!g_file_get_contents(path, &data, &size, &error))
        g_error("cannot read seed: %s", error->message);
    replay_bytes((const guint8 *)data, size, g_str_hash(data));
    return 1;
}

static gint
compare_names(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static guint
replay_path(const char *path)
{
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GDir) directory = NULL;
    const char *name;
    guint count = 0;

    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        return replay_file(path);
    directory = g_dir_open(path, 0, NULL);
    if (directory == NULL)
        g_error("cannot open corpus directory %s", path);
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(directory)) != NULL)
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        count += replay_file(g_ptr_array_index(names, i));
    return count;
}

int
main(int argc, char **argv)
{
    guint count = 0;

    for (int i = 1; i < argc; i++)
        count += replay_path(argv[i]);
    if (count == 0)
        g_error("no seeds found: name a corpus directory");
    g_print("%u seeds replayed\n", count);
    return 0;
}
