/* SPDX-License-Identifier: Apache-2.0 */
/* The strict key-file syntax: every mistake has its line. */
#include "key-file.h"

#include <string.h>

#include "openshell/host.h"

static void
test_groups_and_entries(void)
{
    static const char text[] = "# first\n\n[host]\n policy = /etc/p.yaml \nempty=\n"
                               "[plugin com.example.x]\nkey=a=b;c\n#x=y\n\ttab\t=\ta\tb\t\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(OshKeyFile) key_file = osh_key_file_parse("f", text, strlen(text), &error);
    const OshKeyFileGroup *group;

    g_assert_no_error(error);
    g_assert_cmpuint(key_file->groups->len, ==, 2);
    group = g_ptr_array_index(key_file->groups, 0);
    g_assert_cmpstr(group->name, ==, "host");
    g_assert_cmpuint(group->line, ==, 3);
    g_assert_cmpstr(osh_key_file_group_get(group, "policy")->value, ==, "/etc/p.yaml");
    g_assert_cmpuint(osh_key_file_group_get(group, "policy")->line, ==, 4);
    g_assert_cmpstr(osh_key_file_group_get(group, "empty")->value, ==, "");
    g_assert_null(osh_key_file_group_get(group, "absent"));
    group = g_ptr_array_index(key_file->groups, 1);
    g_assert_cmpstr(osh_key_file_group_get(group, "key")->value, ==, "a=b;c");
    g_assert_cmpstr(osh_key_file_group_get(group, "tab")->value, ==, "a\tb");
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"a=b\n", "f:1: a key before the first group*"},
        {"[host]\n[host]\n", "f:2: group [host] was given before, on line 1*"},
        {"[host]\na=1\nb=2\na=3\n", "f:4: a was given before, on line 2*"},
        {"[host\n", "f:1: a group must end in*"},
        {"[host] x\n", "f:1: a group must end in*"},
        {"[]\n", "f:1: a group needs a name*"},
        {"[ host]\n", "f:1: a group needs a name*"},
        {"[\n", "f:1: a group must end in*"},
        {"[host]\nnonsense\n", "f:2: expected key=value*"},
        {"[host]\nUpper=1\n", "f:2: 'Upper' is not a key*"},
        {"[host]\n=1\n", "f:2: '' is not a key*"},
        {"[host]\r\n", "f:1: control character 0x0d: save the file*"},
        {"[host]\na=\x1b[31m\n", "f:2: control character 0x1b is not allowed"},
        {"[host]\na=\x7f\n", "f:2: control character 0x7f is not allowed"},
        {"[a[b]\n", "f:1: a group needs a name*"},
        {"[host]\na=\xff\n", "f:2: not UTF-8 text"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshKeyFile) key_file =
            osh_key_file_parse("f", cases[i].text, strlen(cases[i].text), &error);

        g_assert_null(key_file);
        g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
        if (!g_pattern_match_simple(cases[i].expected, error->message))
            g_error("case %zu: '%s' does not match '%s'", i, error->message, cases[i].expected);
    }
}

static void
test_length(void)
{
    g_autoptr(GString) text = g_string_new("[host]\n#");
    g_autoptr(OshKeyFile) longest = NULL;
    g_autoptr(GError) error = NULL;

    while (text->len < OSH_KEY_FILE_MAX)
        g_string_append_c(text, 'x');
    longest = osh_key_file_parse("f", text->str, text->len, &error);
    g_assert_no_error(error);
    g_assert_nonnull(longest);
    g_string_append_c(text, 'x');
    g_assert_null(osh_key_file_parse("f", text->str, text->len, &error));
    g_assert_nonnull(strstr(error->message, "f:1: longer than"));
}

static void
test_nul(void)
{
    static const char text[] = "[host]\na=b\0c\n";
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_key_file_parse("f", text, sizeof(text) - 1, &error));
    g_assert_cmpstr(error->message, ==, "f:2: not UTF-8 text");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-file/groups-and-keys-keep-their-lines", test_groups_and_entries);
    g_test_add_func("/key-file/anything-ambiguous-is-an-error-with-its-line", test_errors);
    g_test_add_func("/key-file/a-text-that-is-too-long-is-refused", test_length);
    g_test_add_func("/key-file/a-nul-does-not-cut-a-value-short", test_nul);
    return g_test_run();
}
