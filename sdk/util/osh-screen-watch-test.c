/* SPDX-License-Identifier: Apache-2.0 */
/* The alternate screen, found in what a program writes, however it is cut. */
#include "osh-screen-watch.h"

#include <string.h>

static const struct {
    const char *written;
    gboolean alternate;
} cases[] = {
    {"plain text", FALSE},
    {"\x1b[?1049h", TRUE},
    {"\x1b[?47h drawn", TRUE},
    {"\x1b[?1047h", TRUE},
    {"\x1b[?1h\x1b[?25;1049h", TRUE},
    {"\x1b[?1049;25h", TRUE},
    {"\x1b[?1049h\x1b[?1049l", FALSE},
    {"\x1b[?1049h\x1b[?1;47l", FALSE},
    {"\x1b[?1049h\x1b[?25l", TRUE},
    {"\x1b[?1049h\x1b"
     "c",
     FALSE},
    {"\x1b[1049h", FALSE},
    {"[?1049h", FALSE},
    {"\x1b[?104900h", FALSE},
    {"\x1b[?99999999999999999991049h", FALSE},
    {"\x1b[?1049m", FALSE},
    {"\x1b[?10\x1b[?1049h", TRUE},
};

static void
test_alternate_screen_is_found(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length = strlen(cases[i].written);

        for (gsize cut = 0; cut <= length; cut++) {
            OshScreenWatch watch = {0};

            osh_screen_watch(&watch, cases[i].written, cut);
            osh_screen_watch(&watch, cases[i].written + cut, length - cut);
            g_assert_cmpint(watch.alternate, ==, cases[i].alternate);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/screen-watch/the-alternate-screen-is-found-in-every-form-and-cut",
                    test_alternate_screen_is_found);
    return g_test_run();
}
