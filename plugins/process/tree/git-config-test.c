/* SPDX-License-Identifier: Apache-2.0 */
/* git-config-test.c: what git reads as a variable is one, by examples and beside git itself. */
#include "git-config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
show(const char *text, gboolean *ret_whole)
{
    g_autoptr(GPtrArray) variables = osh_git_variables_new();
    GString *shown = g_string_new(NULL);

    *ret_whole = osh_git_config_parse(text, strlen(text), variables);
    for (guint i = 0; i < variables->len; i++) {
        const OshGitVariable *variable = g_ptr_array_index(variables, i);

        g_string_append(shown, variable->section);
        if (variable->subsection != NULL)
            g_string_append_printf(shown, ".%s", variable->subsection);
        g_string_append_printf(shown, "%s%s", variable->section[0] != '\0' ? "." : "",
                               variable->key);
        if (variable->value != NULL)
            g_string_append_printf(shown, "\n%s", variable->value);
        g_string_append_c(shown, '|');
    }
    return g_string_free(shown, FALSE);
}

static const struct {
    const char *text;
    const char *variables;
    gboolean whole;
} rows[] = {
    {"", "", TRUE},
    {"[core]\n\thooksPath = .githooks\n", "core.hookspath\n.githooks|", TRUE},
    {"[CORE]HooksPath=a b  # c\n", "core.hookspath\na b|", TRUE},
    {"[core]\nhooksPath = \"a # b \" ; c\n", "core.hookspath\na # b |", TRUE},
    {"[core]\nhooksPath = a\\\n  b\n", "core.hookspath\na  b|", TRUE},
    {"[core]\nhooksPath = a\\tb\\\\\\\"\n", "core.hookspath\na\tb\\\"|", TRUE},
    {"[include \"x\"]\npath\n", "include.x.path|", TRUE},
    {"[includeIf \"gitdir:A\\\"B\\\\\"] path = z\n", "includeif.gitdir:A\"B\\.path\nz|", TRUE},
    {"[Remote.Origin]\nurl=x\n", "remote.origin.url\nx|", TRUE},
    {"# c\n; d\n \t\n[a]\nb=1 ;\nc=\n", "a.b\n1|a.c\n|", TRUE},
    {"\xef\xbb\xbf[a]\r\nb = c\r\n", "a.b\nc|", TRUE},
    {"[a]b=c", "a.b\nc|", TRUE},
    {"[a]\nb=c\n[d\ne=f\n", "a.b\nc|", FALSE},
    {"[a]\nb=\"c\nd=e\n", "", FALSE},
    {"[a]\nb=\\q\n", "", FALSE},
    {"[a \"b\nc\"]\nd=e\n", "", FALSE},
    {"[a]\n1b=c\n", "", FALSE},
    {"[a]\nb c=d\n", "", FALSE},
};

static void
test_rows(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gboolean whole;
        g_autofree char *shown = show(rows[i].text, &whole);

        g_test_message("%s", rows[i].text);
        g_assert_cmpstr(shown, ==, rows[i].variables);
        g_assert_true(whole == rows[i].whole);
    }
}

/* Returns: (transfer full) (nullable): what git makes of a file; %NULL when it refuses it */
static char *
ask_git(const char *path)
{
    const char *const argv[] = {"git", "config", "--file", path, "--list", "--null", NULL};
    g_autoptr(GSubprocess) git = NULL;
    g_autoptr(GBytes) output = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;
    const char *bytes;
    char *text;

    git = g_subprocess_newv(
        argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
    g_assert_no_error(error);
    g_assert_true(g_subprocess_communicate(git, NULL, NULL, &output, NULL, &error));
    if (!g_subprocess_get_if_exited(git) || g_subprocess_get_exit_status(git) != 0)
        return NULL;
    bytes = g_bytes_get_data(output, &length);
    text = g_malloc(length + 1);
    for (gsize i = 0; i < length; i++)
        text[i] = bytes[i] == '\0' ? '|' : bytes[i];
    text[length] = '\0';
    return text;
}

static void
add_some(GString *text, GRand *random, const char *const *pieces, gint count, gint most)
{
    for (gint i = g_rand_int_range(random, 1, most + 1); i > 0; i--)
        g_string_append(text, pieces[g_rand_int_range(random, 0, count)]);
}

static char *
make_text(GRand *random)
{
    static const char *const sections[] = {"[core]", "[A.b] ", "\n[x \"Y\\\"z\"]\r\n", "[q \"\"]\n",
                                           "# c\n[s]\n;\n"};
    static const char *const keys[] = {"key", " Key-2 ", "k9 ", "\n k"};
    static const char *const values[] = {"value", "\"a;#b\"", "\\\n", "\\t", "\\n",   "\\\\",
                                         "\\\"",  ";",        "#",    "]",   "a b  ", "  ",
                                         "9",     "\"",       "=",    "'"};
    static const char *const ends[] = {"\n", "\n", "\r\n", "\n\n", ""};
    GString *text = g_string_new(NULL);

    for (gint i = g_rand_int_range(random, 1, 4); i > 0; i--) {
        add_some(text, random, sections, G_N_ELEMENTS(sections), 1);
        add_some(text, random, keys, G_N_ELEMENTS(keys), 1);
        if (g_rand_int_range(random, 0, 8) > 0)
            g_string_append(text, g_rand_boolean(random) ? "=" : " = ");
        add_some(text, random, values, G_N_ELEMENTS(values), 4);
        add_some(text, random, ends, G_N_ELEMENTS(ends), 1);
    }
    return g_string_free(text, FALSE);
}

static void
test_beside_git(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-git-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "config", NULL);
    GRand *random = g_rand_new_with_seed(7);
    guint accepted = 0;

    for (guint i = 0; i < 60; i++) {
        g_autofree char *text = make_text(random);
        g_autofree char *wanted = NULL;
        g_autofree char *shown = NULL;
        gboolean whole;

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        wanted = ask_git(path);
        shown = show(text, &whole);
        if (wanted == NULL)
            continue;
        accepted++;
        if (g_strcmp0(shown, wanted) != 0 || !whole)
            g_error("git reads \"%s\" as \"%s\", we as \"%s\"", text, wanted, shown);
    }
    g_rand_free(random);
    g_assert_cmpuint(accepted, >, 20);
    g_unlink(path);
    g_rmdir(folder);
}

static void
test_only_regular_files_are_read(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-git-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "pipe", NULL);
    g_autoptr(GPtrArray) variables = osh_git_variables_new();

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    g_assert_false(osh_git_config_read(path, variables));
    g_assert_false(osh_git_config_read("/dev/zero", variables));
    g_assert_false(osh_git_config_read(folder, variables));
    g_unlink(path);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_assert_cmpint(truncate(path, OSH_GIT_CONFIG_MAX_SIZE + 1), ==, 0);
    g_assert_false(osh_git_config_read(path, variables));
    g_unlink(path);
    g_rmdir(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/git-config/variables are read as git-config(1) says", test_rows);
    g_test_add_func("/git-config/whatever git accepts is read as git reads it", test_beside_git);
    g_test_add_func("/git-config/only regular files of a bounded size are read",
                    test_only_regular_files_are_read);
    return g_test_run();
}
