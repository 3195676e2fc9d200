/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git-repository.c: what git executes or obeys in a repository, by git's own rules
 * (gitrepository-layout(5), git-config(1), githooks(5)). [any]; no state beside that of the search.
 *
 * A repository may have been made by a program of an earlier box. So nothing is run, only regular
 * files of a bounded size are read, and what they name matters only inside of writable grants.
 */
#include "protect-search.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git-config.h"

/* git's own for a .git file (setup.c, read_gitfile_gently()); the other ones have none. */
#define MAX_GITFILE       (1 << 20)
#define MAX_INCLUDES      64
#define MAX_INCLUDE_DEPTH 10 /* git's own */
#define MAX_REPOSITORIES  1024

/* One repository, as seen from one work tree. */
typedef struct {
    OshProtectSearch *search;
    const char *folder;    /* of the repository: git's common directory */
    const char *work_tree; /* (nullable) */
    GPtrArray *variables;  /* OshGitVariable */
    guint includes;
} Repository;

static const OshAutoExecutedRow *
row(const char *id)
{
    return osh_auto_executed_row(id);
}

/* Returns: (transfer full): @path, which is relative to @folder unless it is absolute */
static char *
join(const char *folder, const char *path)
{
    return g_path_is_absolute(path) ? g_strdup(path) : g_strconcat(folder, "/", path, NULL);
}

static void
add_part(OshProtectSearch *search, const char *folder, const char *name, const char *id,
         OshPlaceholderKind absent)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *real = NULL;
    struct stat about;

    if (absent == OSH_PLACEHOLDER_NONE && lstat(path, &about) != 0)
        return;
    real = osh_protect_add(search, path, row(id), absent);
}

/* What git goes on with, when it is told to, in a rebase, a cherry-pick or a revert. */
static void
add_todo(OshProtectSearch *search, const char *folder)
{
    static const char *const names[] = {"rebase-merge/git-rebase-todo", "rebase-merge/strategy",
                                        "sequencer/todo", "sequencer/opts"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        add_part(search, folder, names[i], OSH_AUTO_EXECUTED_GIT_TODO, OSH_PLACEHOLDER_NONE);
}

/* The home directories that "~" may stand for: the user's own, and that of the file's owner. */
static GPtrArray *
list_homes(const char *folder)
{
    GPtrArray *homes = g_ptr_array_new_with_free_func(g_free);
    struct stat about;
    const struct passwd *owner = NULL;

    g_ptr_array_add(homes, g_strdup(g_get_home_dir()));
    if (folder != NULL && stat(folder, &about) == 0 && about.st_uid != geteuid())
        owner = getpwuid(about.st_uid);
    if (owner != NULL && owner->pw_dir != NULL && owner->pw_dir[0] == '/')
        g_ptr_array_add(homes, g_strdup(owner->pw_dir));
    return homes;
}

/* Returns: (transfer full) (element-type utf8): the absolute paths that @value may stand for */
static GPtrArray *
list_places(const char *value, const char *const *bases, const char *folder)
{
    GPtrArray *places = g_ptr_array_new_with_free_func(g_free);

    if (value == NULL || value[0] == '\0' || g_str_has_prefix(value, "%("))
        return places;
    if (value[0] == '~') {
        const char *slash = strchr(value, '/');
        g_autofree char *name =
            slash != NULL ? g_strndup(value + 1, (gsize)(slash - value - 1)) : NULL;
        g_autoptr(GPtrArray) homes = NULL;

        if (name == NULL)
            return places;
        if (name[0] != '\0') {
            const struct passwd *user = getpwnam(name);

            if (user != NULL)
                g_ptr_array_add(places, g_strconcat(user->pw_dir, slash, NULL));
            return places;
        }
        homes = list_homes(folder);
        for (guint i = 0; i < homes->len; i++)
            g_ptr_array_add(places, g_strconcat(g_ptr_array_index(homes, i), slash, NULL));
        return places;
    }
    if (value[0] == '/')
        g_ptr_array_add(places, g_strdup(value));
    for (gsize i = 0; value[0] != '/' && bases[i] != NULL; i++)
        g_ptr_array_add(places, join(bases[i], value));
    return places;
}

static void read_config(Repository *repository, const char *path, GPtrArray *variables,
                        guint depth);

/* Conditions are not judged: what one user's condition leaves out another's may take in. */
static void
include(Repository *repository, const char *from, const char *value, GPtrArray *variables,
        guint depth)
{
    g_autofree char *folder = g_path_get_dirname(from);
    const char *const bases[] = {folder, NULL};
    g_autoptr(GPtrArray) places = list_places(value, bases, repository->folder);

    for (guint i = 0; i < places->len && repository->includes < MAX_INCLUDES; i++) {
        const char *place = g_ptr_array_index(places, i);
        g_autofree char *real = osh_protect_add(
            repository->search, place, row(OSH_AUTO_EXECUTED_GIT_CONFIG), OSH_PLACEHOLDER_FILE);

        repository->includes++;
        if (real != NULL && depth < MAX_INCLUDE_DEPTH)
            read_config(repository, place, variables, depth + 1);
    }
}

static gboolean
is_include(const OshGitVariable *variable)
{
    if (!g_str_equal(variable->key, "path"))
        return FALSE;
    return g_str_equal(variable->section, "includeif") ||
           (g_str_equal(variable->section, "include") && variable->subsection == NULL);
}

static void
read_config(Repository *repository, const char *path, GPtrArray *variables, guint depth)
{
    g_autoptr(GPtrArray) own = osh_git_variables_new();

    osh_git_config_read(path, own);
    for (guint i = 0; i < own->len; i++) {
        OshGitVariable *variable = g_ptr_array_index(own, i);

        if (is_include(variable))
            include(repository, path, variable->value, variables, depth);
    }
    while (own->len > 0)
        g_ptr_array_add(variables, g_ptr_array_steal_index(own, 0));
}

/* What the user's own configuration says holds in every repository. */
static void
read_user_config(Repository *repository)
{
    OshProtectSearch *search = repository->search;
    const char *named = g_getenv("GIT_CONFIG_GLOBAL");
    g_autofree char *home = g_build_filename(g_get_home_dir(), ".gitconfig", NULL);
    g_autofree char *xdg = g_build_filename(g_get_user_config_dir(), "git", "config", NULL);
    const char *const files[] = {"/etc/gitconfig", xdg, home, named};

    if (search->user_config != NULL)
        return;
    search->user_config = osh_git_variables_new();
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        if (files[i] != NULL)
            read_config(repository, files[i], search->user_config, 0);
    }
}

/* Whether everything in @folder can be read-only: not the project, its repository or a grant. */
static gboolean
is_apart(const Repository *repository, const char *folder)
{
    GHashTableIter iterator;
    gpointer grant;

    if (osh_protect_is_around(folder, repository->folder) ||
        (repository->work_tree != NULL && osh_protect_is_around(folder, repository->work_tree)))
        return FALSE;
    g_hash_table_iter_init(&iterator, repository->search->writable);
    while (g_hash_table_iter_next(&iterator, &grant, NULL)) {
        if (osh_protect_is_around(folder, grant) && !g_str_equal(folder, grant))
            return FALSE;
    }
    return TRUE;
}

static void
add_hooks_one_by_one(Repository *repository, const char *folder)
{
    static const char *const hooks[] = {
        "applypatch-msg",     "pre-applypatch",   "post-applypatch",
        "pre-commit",         "pre-merge-commit", "prepare-commit-msg",
        "commit-msg",         "post-commit",      "pre-rebase",
        "post-checkout",      "post-merge",       "pre-push",
        "pre-receive",        "update",           "proc-receive",
        "post-receive",       "post-update",      "push-to-checkout",
        "pre-auto-gc",        "post-rewrite",     "sendemail-validate",
        "fsmonitor-watchman", "post-index-change"};

    if (osh_protect_access(repository->search, folder) != OSH_PROTECT_WRITABLE)
        return;
    osh_protect_remark(repository->search,
                       "writable although git takes hooks from it: %s, since the project is in it",
                       folder);
    for (gsize i = 0; i < G_N_ELEMENTS(hooks); i++)
        add_part(repository->search, folder, hooks[i], OSH_AUTO_EXECUTED_GIT_HOOKS,
                 OSH_PLACEHOLDER_FILE);
}

static void
add_hooks_folder(Repository *repository, const char *path)
{
    g_autofree char *known = realpath(path, NULL);
    g_autofree char *real = NULL;

    if (known != NULL && !is_apart(repository, known)) {
        add_hooks_one_by_one(repository, known);
        return;
    }
    real = osh_protect_add(repository->search, path, row(OSH_AUTO_EXECUTED_GIT_HOOKS),
                           OSH_PLACEHOLDER_FOLDER);
    if (real != NULL)
        osh_protect_add_contents(repository->search, real, row(OSH_AUTO_EXECUTED_GIT_HOOKS));
}

/* Whether git runs the value of this variable as a command. */
static gboolean
names_program(const OshGitVariable *variable)
{
    /* "section.key", or "section.*.key" with a subsection, which may also be absent */
    static const char *const names[] = {"core.fsmonitor",
                                        "core.sshcommand",
                                        "core.editor",
                                        "core.pager",
                                        "core.askpass",
                                        "core.gitproxy",
                                        "core.alternaterefscommand",
                                        "sequence.editor",
                                        "diff.external",
                                        "diff.*.command",
                                        "diff.*.textconv",
                                        "difftool.*.cmd",
                                        "difftool.*.path",
                                        "mergetool.*.cmd",
                                        "mergetool.*.path",
                                        "merge.*.driver",
                                        "filter.*.clean",
                                        "filter.*.smudge",
                                        "filter.*.process",
                                        "gpg.program",
                                        "gpg.*.program",
                                        "gpg.*.defaultkeycommand",
                                        "credential.helper",
                                        "credential.*.helper",
                                        "uploadpack.packobjectshook",
                                        "remote.*.uploadpack",
                                        "remote.*.receivepack",
                                        "submodule.*.update",
                                        "interactive.difffilter",
                                        "trailer.*.command",
                                        "trailer.*.cmd",
                                        "browser.*.cmd",
                                        "browser.*.path",
                                        "man.*.cmd",
                                        "guitool.*.cmd",
                                        "init.templatedir",
                                        "hook.*.command",
                                        "gc.recentobjectshook",
                                        "sendemail.sendmailcmd",
                                        "sendemail.tocmd",
                                        "sendemail.cccmd",
                                        "web.browser",
                                        "tar.*.command",
                                        "imap.tunnel",
                                        "sendemail.smtpserver",
                                        "instaweb.httpd",
                                        "lfs.customtransfer.*.path",
                                        "remote.*.url",
                                        "remote.*.pushurl",
                                        NULL};
    g_autofree char *name = g_strconcat(
        variable->section, variable->subsection != NULL ? ".*." : ".", variable->key, NULL);

    return g_str_equal(variable->section, "alias") || g_str_equal(variable->section, "pager") ||
           g_strv_contains(names, name);
}

/*
 * A word that names a file of the tree: a program, or the script of an interpreter. Where git may
 * or may not run it, it counts if it can be run.
 */
static void
add_word(Repository *repository, const char *const *bases, const char *word, gboolean runs)
{
    g_autoptr(GPtrArray) places = list_places(word, bases, repository->folder);

    for (guint i = 0; i < places->len; i++) {
        const char *place = g_ptr_array_index(places, i);
        g_autofree char *real = NULL;
        struct stat about;

        if (stat(place, &about) == 0 && S_ISREG(about.st_mode) &&
            (runs || (about.st_mode & 0111) != 0))
            real = osh_protect_add(repository->search, place, row(OSH_AUTO_EXECUTED_GIT_PROGRAMS),
                                   OSH_PLACEHOLDER_NONE);
    }
}

/*
 * Not the shell's own rules: its words may hold quotes and variables. A word with a slash is taken
 * for a path, another one only where an interpreter would take it: after the first. Every argument
 * of an alias may be a file of the project, so that only the paths in it count. Keys that are not
 * known here, those of git's extensions among them, may name a program too.
 */
static void
add_programs(Repository *repository, const char *const *bases, const OshGitVariable *variable)
{
    g_auto(GStrv) words = NULL;
    gboolean runs = names_program(variable);
    guint n = 0;

    if (variable->value == NULL)
        return;
    words = g_strsplit_set(variable->value, " \t\n\"';|&()!=<>{},`$", -1);
    for (gsize i = 0; words[i] != NULL; i++) {
        if (words[i][0] == '\0')
            continue;
        n++;
        if (strchr(words[i], '/') != NULL ||
            (runs && n == 2 && !g_str_equal(variable->section, "alias")))
            add_word(repository, bases, words[i], runs);
    }
}

static void
add_variables(Repository *repository, const GPtrArray *variables)
{
    g_autofree char *other_tree = NULL;
    const char *bases[4] = {repository->folder, repository->work_tree};
    gsize n = repository->work_tree != NULL ? 2 : 1;

    for (guint i = 0; i < variables->len; i++) {
        const OshGitVariable *variable = g_ptr_array_index(variables, i);

        if (g_str_equal(variable->section, "core") && g_str_equal(variable->key, "worktree") &&
            variable->value != NULL && other_tree == NULL) {
            other_tree = join(repository->folder, variable->value);
            bases[n++] = other_tree;
        }
    }
    for (guint i = 0; i < variables->len; i++) {
        const OshGitVariable *variable = g_ptr_array_index(variables, i);

        if (g_str_equal(variable->section, "core") && g_str_equal(variable->key, "hookspath")) {
            g_autoptr(GPtrArray) places = list_places(variable->value, bases, repository->folder);

            for (guint k = 0; k < places->len; k++)
                add_hooks_folder(repository, g_ptr_array_index(places, k));
        } else {
            add_programs(repository, bases, variable);
        }
    }
}

/*
 * As git reads it: line ends at the end do not count, those in the name do.
 * Returns: (transfer full) (nullable): what a file that names a folder says
 */
static char *
read_folder_name(OshProtectSearch *search, const char *path, const char *prefix)
{
    gsize length = 0;
    g_autofree char *text = osh_git_read_file(path, MAX_GITFILE, &length);
    struct stat about;

    if (text == NULL && stat(path, &about) == 0 && about.st_size > MAX_GITFILE)
        osh_protect_remark(
            search, "not searched: the file that %s leads to, which is larger than 1 MiB", path);
    if (text == NULL || !g_str_has_prefix(text, prefix))
        return NULL;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = '\0';
    return length > strlen(prefix) ? g_strdup(text + strlen(prefix)) : NULL;
}

/* The repository itself: its configuration, its hooks, what they name. */
static void
add_common(OshProtectSearch *search, const char *folder, const char *work_tree)
{
    Repository repository = {.search = search, .folder = folder, .work_tree = work_tree};
    g_autofree char *config = g_build_filename(folder, "config", NULL);
    g_autofree char *own = g_build_filename(folder, "config.worktree", NULL);
    g_autofree char *hooks = g_build_filename(folder, "hooks", NULL);

    repository.variables = osh_git_variables_new();
    read_user_config(&repository);
    read_config(&repository, config, repository.variables, 0);
    read_config(&repository, own, repository.variables, 0);
    add_part(search, folder, "config", OSH_AUTO_EXECUTED_GIT_CONFIG, OSH_PLACEHOLDER_FILE);
    add_hooks_folder(&repository, hooks);
    add_variables(&repository, repository.variables);
    add_variables(&repository, search->user_config);
    add_todo(search, folder);
    g_ptr_array_unref(repository.variables);
}

/* A linked worktree: `gitdir` names the `.git` file in its folder. */
static void
add_linked_worktree(OshProtectSearch *search, const char *folder, const char *common,
                    const char *work_tree)
{
    g_autofree char *gitdir = g_build_filename(folder, "gitdir", NULL);
    g_autofree char *name = work_tree == NULL ? read_folder_name(search, gitdir, "") : NULL;
    g_autofree char *place = name != NULL ? join(folder, name) : NULL;
    g_autofree char *tree = place != NULL ? g_path_get_dirname(place) : g_strdup(work_tree);

    Repository repository = {.search = search, .folder = common, .work_tree = tree};
    g_autofree char *config = g_build_filename(folder, "config.worktree", NULL);
    g_autoptr(GPtrArray) variables = osh_git_variables_new();

    read_config(&repository, config, variables, 0);
    add_variables(&repository, variables);
    add_part(search, folder, "gitdir", OSH_AUTO_EXECUTED_GIT_LAYOUT, OSH_PLACEHOLDER_NONE);
    add_todo(search, folder);
    osh_git_repository_add(search, common, tree);
}

void
osh_git_repository_add(OshProtectSearch *search, const char *folder, const char *work_tree)
{
    g_autofree char *real = realpath(folder, NULL);
    g_autofree char *tree = work_tree != NULL ? realpath(work_tree, NULL) : NULL;
    g_autofree char *key = g_strconcat(real != NULL ? real : "", "\n", tree, NULL);
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;

    if (real == NULL || g_hash_table_size(search->repositories) >= MAX_REPOSITORIES ||
        !g_hash_table_add(search->repositories, g_steal_pointer(&key)))
        return;
    path = g_build_filename(real, "commondir", NULL);
    if (!osh_placeholder_is(path, OSH_PLACEHOLDER_COMMONDIR))
        name = read_folder_name(search, path, "");
    add_part(search, real, "commondir", OSH_AUTO_EXECUTED_GIT_LAYOUT, OSH_PLACEHOLDER_COMMONDIR);
    add_part(search, real, "config.worktree", OSH_AUTO_EXECUTED_GIT_CONFIG, OSH_PLACEHOLDER_FILE);
    if (osh_protect_access(search, real) != OSH_PROTECT_NOT_GRANTED)
        osh_protect_look_later(search, real, OSH_PROTECT_QUEUE_GIT, 0);
    if (name != NULL) {
        g_autofree char *common = join(real, name);
        g_autofree char *there = osh_protect_follow(
            search, common, row(OSH_AUTO_EXECUTED_GIT_LAYOUT), OSH_PLACEHOLDER_FOLDER);

        if (there != NULL && !g_str_equal(there, real))
            add_linked_worktree(search, real, there, tree);
        return;
    }
    add_common(search, real, tree);
}

/* Said once for each: git in the box has nothing to work with otherwise. */
static void
hint(OshProtectSearch *search, const char *work_tree, const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "commondir", NULL);
    g_autofree char *name = read_folder_name(search, path, "");
    g_autofree char *joined = name != NULL ? join(folder, name) : NULL;
    g_autofree char *common = realpath(joined != NULL ? joined : folder, NULL);

    if (common == NULL || osh_protect_access(search, common) != OSH_PROTECT_NOT_GRANTED ||
        !g_hash_table_add(search->hinted, g_strdup(common)))
        return;
    osh_protect_remark(
        search,
        "to use git here a policy has to name %s in read_write, or in read_only to look only: "
        "it is the repository of %s, and not granted",
        common, work_tree);
}

void
osh_git_repository_add_dot_git(OshProtectSearch *search, const char *work_tree)
{
    g_autofree char *path = g_build_filename(work_tree, ".git", NULL);
    g_autofree char *name = NULL;
    g_autofree char *real = NULL;
    struct stat about;

    if (lstat(path, &about) != 0)
        return;
    if (S_ISDIR(about.st_mode)) {
        osh_git_repository_add(search, path, work_tree);
        return;
    }
    /* A link leads to a folder, or to a file that names one. */
    real =
        osh_protect_follow(search, path, row(OSH_AUTO_EXECUTED_GIT_LAYOUT), OSH_PLACEHOLDER_FOLDER);
    /* The file is one of these whatever it says, and however it says it. */
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
        g_autofree char *file =
            osh_protect_add(search, path, row(OSH_AUTO_EXECUTED_GIT_LAYOUT), OSH_PLACEHOLDER_NONE);
    }
    name = read_folder_name(search, path, "gitdir: ");
    if (name != NULL) {
        g_autofree char *place = join(work_tree, name);

        g_free(real);
        real = osh_protect_follow(search, place, row(OSH_AUTO_EXECUTED_GIT_LAYOUT),
                                  OSH_PLACEHOLDER_FOLDER);
    }
    if (real == NULL)
        return;
    osh_git_repository_add(search, real, work_tree);
    if (osh_protect_access(search, work_tree) != OSH_PROTECT_NOT_GRANTED)
        hint(search, work_tree, real);
}
