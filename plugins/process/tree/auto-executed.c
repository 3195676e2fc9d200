/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto-executed.c: the table of auto-executed files. [any]; no state but an index that its caller
 * owns. It looks at text only.
 *
 * A file belongs here when a tool of the user's obeys it as soon as the tool is used in the folder,
 * and it can name a program. Source code, build files (Makefile, package.json) and what a server
 * runs (.github) do not: running the project is the user's own decision.
 */
#include "auto-executed.h"

#include <string.h>

#include "tree-error.h"

static const OshAutoExecutedRow rows[] = {
    {OSH_AUTO_EXECUTED_GIT_CONFIG, NULL,
     "`config` and `config.worktree` of a git repository, and the files that they include",
     "names the folder of hooks and programs that git starts"},
    {OSH_AUTO_EXECUTED_GIT_HOOKS, NULL,
     "`hooks` of a git repository, the folder of `core.hooksPath`, where linked hooks lead",
     "git runs them"},
    {OSH_AUTO_EXECUTED_GIT_PROGRAMS, NULL,
     "files of the tree that a git configuration names as programs (`core.fsmonitor`, filters)",
     "git runs them"},
    {OSH_AUTO_EXECUTED_GIT_LAYOUT, NULL,
     "`.git` that is a file or a link; `commondir` and `gitdir` of a git repository",
     "says where git takes configuration and hooks from"},
    {OSH_AUTO_EXECUTED_GIT_TODO, NULL,
     "`rebase-merge/git-rebase-todo`, `rebase-merge/strategy`, `sequencer/todo`, `sequencer/opts` "
     "of "
     "a git repository; listed when new, writable",
     "`--continue` runs the `exec` lines and the merge strategy that they name"},
    {OSH_AUTO_EXECUTED_UNREADABLE, NULL, "a folder that the host may not list, with all below",
     "any of the files of this table may lie in it"},
    {"gitmodules", ".gitmodules", NULL, "says what git fetches and where it is put"},
    {"git-user", ".gitconfig .config/git", NULL, "git obeys it in every repository"},
    {"other-repositories",
     ".hg/hgrc .hg/sharedpath .sl/config .sl/sharedpath .jj/repo/config.toml "
     ".bzr/branch/branch.conf",
     NULL, "names hooks, aliases and programs that Mercurial, Sapling, Jujutsu or Breezy run"},
    {"husky", ".husky", NULL, "git runs its scripts as hooks"},
    {"pre-commit", ".pre-commit-config.yaml .pre-commit-config.yml", NULL,
     "names programs that pre-commit runs as git hooks"},
    {"hook-managers",
     "lefthook.yml lefthook.yaml lefthook.toml lefthook.json .lefthook.yml .lefthook.yaml "
     ".lefthook.toml .lefthook.json lefthook-local.yml .lefthook-local.yml .lefthook "
     ".overcommit.yml .lintstagedrc .lintstagedrc.json .lintstagedrc.yaml .lintstagedrc.yml "
     ".simple-git-hooks.json",
     NULL, "names programs that run as git hooks"},
    {"direnv", ".envrc .config/direnv", NULL, "direnv runs it at a change of folder"},
    {"tool-versions",
     ".tool-versions .mise.toml mise.toml .mise.local.toml mise.local.toml .mise .config/mise "
     ".config/mise.toml .rtx.toml .autoenv .autoenv.zsh",
     NULL, "mise, asdf and autoenv set variables and paths at a change of folder"},
    {"shell",
     ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv "
     ".zprofile .zlogin .zlogout .kshrc .mkshrc .cshrc .tcshrc .login .logout .xonshrc .inputrc "
     ".config/fish .config/nushell .config/powershell",
     NULL, "a shell runs it when it starts"},
    {"vscode", ".vscode *.code-workspace .config/Code", NULL,
     "names programs and tasks that Visual Studio Code runs"},
    {"idea", ".idea", NULL, "names programs that JetBrains' editors run"},
    {"editors",
     ".zed .fleet .helix .exrc .nvimrc .nvim.lua .vimrc .gvimrc .vim .emacs .emacs.d "
     ".dir-locals.el .dir-locals-2.el *.sublime-project .config/nvim .config/emacs .config/zed "
     ".config/helix",
     NULL, "an editor runs it or a program that it names"},
    {"claude", ".claude .claude.json", NULL, "names hooks and programs that Claude Code runs"},
    {"mcp", ".mcp.json", NULL, "names servers that an agent starts"},
    {"cursor", ".cursor", NULL, "names hooks and servers that Cursor starts"},
    {"agents",
     ".windsurf .codex .gemini .qwen .continue .roo .kilocode .cline .amazonq .kiro .junie "
     ".opencode opencode.json opencode.jsonc .crush.json crush.json .aider.conf.yml .goose "
     ".config/opencode .config/goose",
     NULL, "names programs that an agent starts"},
    {"devcontainer", ".devcontainer .devcontainer.json", NULL,
     "names commands that an editor runs on the host when it opens the folder"},
    {"npm", ".npmrc", NULL, "names the shell and the registry of npm"},
    {"yarn", ".yarnrc .yarnrc.yml .yarn/releases .yarn/plugins", NULL,
     "names the program that runs as yarn, and is it"},
    {"packages",
     ".pnpmfile.cjs .pnpmfile.mjs bunfig.toml .cargo/config .cargo/config.toml rust-toolchain "
     "rust-toolchain.toml .mvn .bazelrc .bundle/config .condarc .pip .config/pip "
     ".pydistutils.cfg .gemrc",
     NULL, "names programs and sources of a package manager or build tool"},
    {"interpreters",
     ".gdbinit .lldbinit .pdbrc .irbrc .pryrc .Rprofile .Renviron .ghci .iex.exs .perldb .psqlrc "
     ".sqliterc .ipython/profile_default .jupyter",
     NULL, "an interpreter or debugger runs it when it starts"},
    {"ssh", ".ssh", NULL, "who may log in, and programs that ssh starts"},
    {"credentials", ".aws/config .kube/config .docker/config.json .docker/cli-plugins .gnupg", NULL,
     "names programs that give credentials"},
    {"autostart",
     ".config/autostart .config/systemd .config/environment.d .config/plasma-workspace "
     ".config/hypr .config/sway .config/i3 .config/awesome .config/openbox .config/tmux "
     ".config/kitty .config/wezterm .config/alacritty .local/share/systemd "
     ".local/share/applications .local/share/dbus-1 .local/bin .xinitrc .xsession .xsessionrc "
     ".xprofile .xserverrc .pam_environment .tmux.conf .screenrc .wezterm.lua",
     NULL, "a session or a terminal starts what it names"},
};

struct OshAutoExecutedIndex {
    GHashTable *names; /* last component → GPtrArray of Name */
};

typedef struct {
    const OshAutoExecutedRow *row;
    char *path; /* all its components */
} Name;

static void
name_free(Name *name)
{
    g_free(name->path);
    g_free(name);
}

const OshAutoExecutedRow *
osh_auto_executed_rows(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(rows);
    return rows;
}

const OshAutoExecutedRow *
osh_auto_executed_row(const char *id)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (g_str_equal(rows[i].id, id))
            return &rows[i];
    }
    return NULL;
}

static void
add_name(OshAutoExecutedIndex *index, const OshAutoExecutedRow *row, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    GPtrArray *same = g_hash_table_lookup(index->names, last);
    Name *name = g_new0(Name, 1);

    if (same == NULL) {
        same = g_ptr_array_new_with_free_func((GDestroyNotify)name_free);
        g_hash_table_insert(index->names, g_strdup(last), same);
    }
    name->row = row;
    name->path = g_strdup(path);
    g_ptr_array_add(same, name);
}

OshAutoExecutedIndex *
osh_auto_executed_index_new(void)
{
    OshAutoExecutedIndex *index = g_new0(OshAutoExecutedIndex, 1);

    index->names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) names = g_strsplit(rows[i].names != NULL ? rows[i].names : "", " ", -1);

        for (gsize k = 0; names[k] != NULL; k++)
            add_name(index, &rows[i], names[k]);
    }
    return index;
}

/* Whether @folder ends with what @path has in front of its last component. */
static gboolean
lies_in(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    gsize wanted = slash != NULL ? (gsize)(slash - path) : 0;
    gsize length = strlen(folder);

    if (slash == NULL)
        return TRUE;
    return length > wanted && folder[length - wanted - 1] == '/' &&
           strncmp(folder + length - wanted, path, wanted) == 0;
}

static const OshAutoExecutedRow *
look_up(const OshAutoExecutedIndex *index, const char *folder, const char *name)
{
    const GPtrArray *same = g_hash_table_lookup(index->names, name);

    for (guint i = 0; same != NULL && i < same->len; i++) {
        const Name *candidate = g_ptr_array_index(same, i);

        if (lies_in(candidate->path, folder))
            return candidate->row;
    }
    return NULL;
}

const OshAutoExecutedRow *
osh_auto_executed_index_find(const OshAutoExecutedIndex *index, const char *folder,
                             const char *name)
{
    const OshAutoExecutedRow *row = look_up(index, folder, name);
    const char *dot = strrchr(name, '.');
    char ending[32];

    if (row != NULL || dot == NULL || strlen(dot) >= sizeof ending - 1)
        return row;
    g_snprintf(ending, sizeof ending, "*%s", dot);
    return look_up(index, folder, ending);
}

/* Whether @name in @folder is the folder of a repository's hooks. */
static gboolean
is_hooks_folder(const char *folder, const char *name)
{
    g_autofree char *head = g_build_filename(folder, "HEAD", NULL);
    g_autofree char *objects = g_build_filename(folder, "objects", NULL);

    return strcmp(name, "hooks") == 0 && g_file_test(head, G_FILE_TEST_EXISTS) &&
           g_file_test(objects, G_FILE_TEST_IS_DIR);
}

const OshAutoExecutedRow *
osh_auto_executed_around(const char *path)
{
    OshAutoExecutedIndex *index = osh_auto_executed_index_new();
    g_autofree char *at = g_strdup(path);
    const OshAutoExecutedRow *row = NULL;

    while (row == NULL && at[1] != '\0') {
        char *slash = strrchr(at, '/');
        g_autofree char *name = g_strdup(slash + 1);

        slash[slash == at ? 1 : 0] = '\0';
        row = is_hooks_folder(at, name) ? osh_auto_executed_row(OSH_AUTO_EXECUTED_GIT_HOOKS)
                                        : osh_auto_executed_index_find(index, at, name);
    }
    osh_auto_executed_index_free(index);
    return row;
}

void
osh_auto_executed_index_free(OshAutoExecutedIndex *index)
{
    if (index == NULL)
        return;
    g_hash_table_unref(index->names);
    g_free(index);
}

gboolean
osh_auto_executed_is_dependency_folder(const char *folder, const char *name)
{
    static const char *const names[] = {"node_modules",  "bower_components",
                                        "jspm_packages", "site-packages",
                                        "dist-packages", "__pycache__",
                                        ".venv",         "venv",
                                        ".tox",          ".nox",
                                        ".eggs",         ".mypy_cache",
                                        ".pytest_cache", ".ruff_cache",
                                        "target",        "vendor",
                                        "third_party",   ".gradle",
                                        ".m2",           ".cache",
                                        ".npm",          ".pnpm-store",
                                        ".rustup",       ".terraform",
                                        "Pods",          ".next",
                                        ".nuxt",         ".svelte-kit",
                                        ".turbo",        ".nx",
                                        ".dart_tool",    "_build",
                                        "elm-stuff",     ".stack-work",
                                        "dist-newstyle", ".direnv",
                                        ".parcel-cache", NULL};
    static const char *const pairs[] = {".yarn/cache", ".yarn/unplugged", ".cargo/registry",
                                        ".cargo/git"};

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (g_str_equal(strchr(pairs[i], '/') + 1, name) && lies_in(pairs[i], folder))
            return TRUE;
    }
    return g_strv_contains(names, name);
}

gboolean
osh_auto_executed_is_opened(const OshAutoExecutedRow *row, const char *path,
                            const char *const *opened)
{
    for (gsize i = 0; row != NULL && opened != NULL && opened[i] != NULL; i++) {
        g_autofree char *end = g_strconcat("/", opened[i], NULL);

        if (g_str_equal(opened[i], row->id) || (row->names != NULL && g_str_has_suffix(path, end)))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_name(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) names = g_strsplit(rows[i].names != NULL ? rows[i].names : "", " ", -1);

        if (g_str_equal(rows[i].id, name) || g_strv_contains((const char *const *)names, name))
            return TRUE;
    }
    return FALSE;
}

gboolean
osh_auto_executed_check(const char *const *opened, GError **error)
{
    for (gsize i = 0; opened != NULL && opened[i] != NULL; i++) {
        g_autoptr(GString) ids = g_string_new(NULL);
        g_autofree char *shown = g_strescape(opened[i], NULL);

        if (opened[i][0] != '\0' && has_name(opened[i]))
            continue;
        for (gsize k = 0; k < G_N_ELEMENTS(rows); k++)
            g_string_append_printf(ids, "%s%s", k > 0 ? ", " : "", rows[k].id);
        g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                    "auto-executed-writable names \"%s\", which is neither a row of the table of "
                    "auto-executed files nor a name in it; rows are %s",
                    shown, ids->str);
        return FALSE;
    }
    return TRUE;
}
