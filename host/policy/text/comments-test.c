/* SPDX-License-Identifier: Apache-2.0 */
/* comments-test.c: a comment is found wherever YAML allows one, and nothing else is taken for one.
 */
#include "comments.h"

#include <string.h>

static const struct {
    const char *text;
    guint line;
} rows[] = {
    {"version: 1\n", 0},
    {"# first\nversion: 1\n", 1},
    {"version: 1 # why\n", 1},
    {"version: 1\n# last", 2},
    {"a: [1, 2] # list\n", 1},
    {"a: [1,\n # inside\n 2]\n", 2},
    {"a: {b: c, # inside\n d: e}\n", 1},
    {"a:\n  - b\n  # between\n  - c\n", 3},
    {"a: # after the key\n  b: c\n", 1},
    {"a: |\n  text # of the text\n", 0},
    {"a: | # of the header\n  text\n", 1},
    {"a: >-\n  text\n# after\n", 3},
    {"a: \"# quoted\"\nb: '# too'\n", 0},
    {"a: b#c\n", 0},
    {"a: \xc3\xa9\xe2\x82\xac\n\"\xf0\x9f\x98\x80#\": x\n", 0},
    {"a: \xc3\xa9\xe2\x82\xac\nb: x #\n", 2},
    {"\xef\xbb\xbf"
     "a: b\n",
     0},
    {"\xef\xbb\xbf"
     "a: b # c\n",
     1},
    {"---\na: b\n...\n", 0},
    {"", 0},
};

static void
test_rows(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s", rows[i].text);
        g_assert_cmpuint(osh_yaml_first_comment(rows[i].text, strlen(rows[i].text)), ==,
                         rows[i].line);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/comments/a comment is found, and nothing else", test_rows);
    return g_test_run();
}
