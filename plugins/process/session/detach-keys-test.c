/* SPDX-License-Identifier: Apache-2.0 */
/* detach-keys-test.c: what is typed in pieces, what goes on, and when it ends. */
#include "detach-keys.h"

#include <string.h>

static const struct {
    const char *name;
    const char *typed[4];
    const char *passed;
    gboolean detached;
} rows[] = {
    {"plain text passes", {"hello"}, "hello", FALSE},
    {"the keys detach and drop the rest",
     {"ab\x10\x11"
      "cd"},
     "ab",
     TRUE},
    {"the keys may arrive apart", {"ab\x10", "\x11"}, "ab", TRUE},
    {"a lone Ctrl-P goes on with what follows", {"\x10", "x"}, "\x10x", FALSE},
    {"a Ctrl-P at the end waits", {"a\x10"}, "a", FALSE},
    {"two Ctrl-P and a Ctrl-Q detach after one", {"\x10\x10\x11"}, "\x10", TRUE},
    {"a Ctrl-Q alone passes", {"\x11"}, "\x11", FALSE},
    {"Ctrl-Q Ctrl-P do not detach", {"\x11\x10", "y"}, "\x11\x10y", FALSE},
    {"an empty piece changes nothing", {"\x10", "", "\x11"}, "", TRUE},
};

static void
test_row(gconstpointer data)
{
    gsize index = GPOINTER_TO_SIZE(data);
    OshDetachKeys keys = {0};
    g_autoptr(GString) passed = g_string_new(NULL);
    gboolean detached = FALSE;

    for (gsize i = 0; i < 4 && rows[index].typed[i] != NULL && !detached; i++) {
        char out[64];
        gsize length;

        detached = osh_detach_keys_filter(&keys, rows[index].typed[i], strlen(rows[index].typed[i]),
                                          out, &length);
        g_string_append_len(passed, out, (gssize)length);
    }
    g_assert_cmpstr(passed->str, ==, rows[index].passed);
    g_assert_cmpint(detached, ==, rows[index].detached);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/detach-keys/", rows[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
