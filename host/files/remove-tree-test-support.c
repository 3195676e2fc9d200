/* SPDX-License-Identifier: Apache-2.0 */
/* remove-tree-test-support.c: removes the folder of a test. Any thread. */
#include "remove-tree-test-support.h"

#include <glib/gstdio.h>

void
osh_test_remove_tree(const char *path)
{
    g_autoptr(GDir) directory = NULL;
    const char *name;

    if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
        directory = g_dir_open(path, 0, NULL);
    while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        osh_test_remove_tree(child);
    }
    g_remove(path);
}
