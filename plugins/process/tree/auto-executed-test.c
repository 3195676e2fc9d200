/* SPDX-License-Identifier: Apache-2.0 */
/* auto-executed-test.c: which names the table has, how one is opened, and that the README has it.
 */
#include "auto-executed.h"

#include <string.h>

static const struct {
    const char *folder;
    const char *name;
    const char *row; /* (nullable) */
} names[] = {
    {"/w", ".envrc", "direnv"},
    {"/w", ".envrc.d", NULL},
    {"/w", ".envrc~", NULL},
    {"/w/a/b", ".mcp.json", "mcp"},
    {"/w", ".npmrc", "npm"},
    {"/home/me/.config", "fish", "shell"},
    {"/w", "fish", NULL},
    {"/w/x.config", "fish", NULL},
    {"/w/.config/sub", "fish", NULL},
    {"/.config", "autostart", "autostart"},
    {"/home/me/.local/share", "applications", "autostart"},
    {"/usr/share", "applications", NULL},
    {"/w", "my.code-workspace", "vscode"},
    {"/w", "code-workspace", NULL},
    {"/w", ".github", NULL},
    {"/w", "Makefile", NULL},
    {"/w", ".gitmodules", "gitmodules"},
    {"/w", ".gitattributes", NULL},
    {"/w", ".a-name-that-ends-in-a-very-long-and-strange-extension", NULL},
};

static void
test_names(void)
{
    g_autoptr(OshAutoExecutedIndex) index = osh_auto_executed_index_new();

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const OshAutoExecutedRow *row =
            osh_auto_executed_index_find(index, names[i].folder, names[i].name);

        g_test_message("%s/%s", names[i].folder, names[i].name);
        g_assert_cmpstr(row != NULL ? row->id : NULL, ==, names[i].row);
    }
}

static void
test_opened(void)
{
    static const char *const by_row[] = {"git-config", NULL};
    static const char *const by_name[] = {".config/fish", ".bashrc", NULL};
    static const char *const wrong[] = {"npm", ".npmrc ", NULL};
    static const char *const prefix[] = {".envrc.d", NULL};
    static const char *const empty[] = {"", NULL};
    const OshAutoExecutedRow *shell = osh_auto_executed_row("shell");
    const OshAutoExecutedRow *git = osh_auto_executed_row(OSH_AUTO_EXECUTED_GIT_CONFIG);
    g_autoptr(GError) error = NULL;

    g_assert_true(osh_auto_executed_is_opened(git, "/w/.git/config", by_row));
    g_assert_false(osh_auto_executed_is_opened(shell, "/w/.bashrc", by_row));
    g_assert_true(osh_auto_executed_is_opened(shell, "/w/.bashrc", by_name));
    g_assert_true(osh_auto_executed_is_opened(shell, "/w/.config/fish", by_name));
    g_assert_false(osh_auto_executed_is_opened(shell, "/w/.zshrc", by_name));
    g_assert_false(osh_auto_executed_is_opened(shell, "/w/x.bashrc", by_name));
    g_assert_false(osh_auto_executed_is_opened(shell, "/w/.bashrc", NULL));
    g_assert_true(osh_auto_executed_check(by_row, &error));
    g_assert_true(osh_auto_executed_check(by_name, &error));
    g_assert_true(osh_auto_executed_check(NULL, &error));
    g_assert_false(osh_auto_executed_check(wrong, &error));
    g_assert_nonnull(strstr(error->message, "\".npmrc \""));
    g_clear_error(&error);
    g_assert_false(osh_auto_executed_check(prefix, &error));
    g_clear_error(&error);
    g_assert_false(osh_auto_executed_check(empty, &error));
}

static char *
quote(const char *words)
{
    g_auto(GStrv) all = g_strsplit(words, " ", -1);
    g_autofree char *joined = g_strjoinv("`, `", all);

    return g_strdup_printf("`%s`", joined);
}

static void
test_readme(void)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize count;
    const OshAutoExecutedRow *rows = osh_auto_executed_rows(&count);

    g_file_get_contents(OSH_PLUGIN_README, &text, NULL, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *files = rows[i].names != NULL ? quote(rows[i].names) : NULL;
        g_autofree char *line =
            g_strdup_printf("\n| `%s` | %s | %s |\n", rows[i].id,
                            files != NULL ? files : rows[i].files, rows[i].reason);

        if (strstr(text, line) == NULL)
            g_error("%s lacks this row:%s", OSH_PLUGIN_README, line);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auto-executed/a name counts whole, with the folders that it needs",
                    test_names);
    g_test_add_func("/auto-executed/a row or a name opens itself and nothing else", test_opened);
    g_test_add_func("/auto-executed/the README has the table", test_readme);
    return g_test_run();
}
