/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-programs-test.c: which binaries of a policy no process is known by, over a tree of real
 * files, links and scripts.
 */
#include "policy.h"
#include "program-path.h"
#include "remove-tree-test-support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* $ is the tree, which has
 *   real/tool  real/other  real/link -> tool   real/script (of $/real/tool)   real/deep (of script)
 *   real/shell (of $/real/sh)   real/env (of env tool)   real/lost (of $/none)   linked -> real
 *   real/sh    real/into -> ../linked/tool     real/fifo   real/loop (of itself)
 */
static const struct {
    const char *sentence;
    const char *binaries;
    const char *said; /* NULL: nothing */
} rows[] = {
    {"a program by its own path", "$/real/tool", NULL},
    {"a link to a program, which a run follows", "$/real/link", NULL},
    {"a program that is not there", "$/real/none", NULL},
    {"a program through a linked folder", "$/linked/tool", "(write $/real/tool)"},
    {"a link in a linked folder", "$/linked/link", "(write $/real/tool)"},
    {"a link that leads through a linked folder", "$/real/into", "(write $/real/tool)"},
    {"a path that goes up", "$/real/../real/tool", "(write $/real/tool)"},
    {"a path with a slash too many", "$/real//tool", "(write $/real/tool)"},
    {"a script", "$/real/script", "interpreter $/real/tool (write $/real/tool)"},
    {"a script whose interpreter is a script", "$/real/deep", "interpreter $/real/tool"},
    {"a script of env", "$/real/env", "interpreter $/real/tool"},
    {"a script of a shell", "$/real/shell", "(name the program that it starts"},
    {"a script whose interpreter is not there", "$/real/lost", NULL},
    {"a script that is its own interpreter", "$/real/loop", NULL},
    {"a FIFO", "$/real/fifo", NULL},
    {"a script beside its interpreter", "$/real/script\" }, { path: \"$/real/tool", NULL},
    {"a linked folder beside the program", "$/linked/tool\" }, { path: \"$/real/tool", NULL},
    {"a script beside a pattern for its interpreter", "$/real/script\" }, { path: \"$/real/*",
     NULL},
    {"a script beside another program", "$/real/script\" }, { path: \"$/real/other",
     "interpreter $/real/tool"},
    {"a pattern in a linked folder", "$/linked/*", "(write $/real/*)"},
    {"a pattern below a linked folder", "$/linked/t*", "(write $/real/t*)"},
    {"a pattern in a folder", "$/real/*", NULL},
    {"a pattern of folders that are not there", "$/none/**", NULL},
    {"any program", "/**", NULL},
};

static char *tree;

static char *
with_tree(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "$", -1);

    return g_strjoinv(tree, parts);
}

static char *
check(const char *binaries, guint flags)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *template =
        g_strdup_printf("version: 1\n"
                        "network_policies: { p: { endpoints: [{ host: a.test, port: 1 }],\n"
                        "  binaries: [{ path: \"%s\" }] } }\n",
                        binaries);
    g_autofree char *text = with_tree(template);
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = text,
                                                .length = strlen(text),
                                                .file_name = "p.yaml",
                                                .generation = 1,
                                                .flags = flags},
                        diagnostics);

    g_assert_nonnull(policy);
    return osh_policy_diagnostics_format(diagnostics);
}

static void
test_row(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *said = check(rows[i].binaries, OSH_POLICY_CHECK_PROGRAMS);
    g_autofree char *in_a_run =
        check(rows[i].binaries, OSH_POLICY_CHECK_PROGRAMS | OSH_POLICY_RESOLVE_LINKS);
    g_autofree char *wanted = rows[i].said != NULL ? with_tree(rows[i].said) : NULL;

    g_test_message("%s", said);
    if (wanted == NULL) {
        g_assert_cmpstr(said, ==, "");
        return;
    }
    g_assert_true(g_str_has_prefix(said, "p.yaml:3:"));
    g_assert_nonnull(strstr(said, "matches no process"));
    g_assert_nonnull(strstr(said, wanted));
    g_assert_nonnull(strstr(in_a_run, wanted));
}

static void
test_only_when_asked(void)
{
    g_autofree char *said = check("$/linked/tool", OSH_POLICY_LOAD_ANY);

    g_assert_cmpstr(said, ==, "");
}

/* Each program counts as what the kernel says of a process of it: the table above is believed. */
static void
test_kernel(void)
{
    static const char *const names[] = {"tool", "link", "script", "into", "env"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(tree, "linked", names[i], NULL);
        char *argv[] = {path, (char *)"-f", (char *)"/dev/null", NULL};
        g_auto(OshProgramPath) program = {0};
        g_autofree char *real = g_build_filename(tree, "real", "tool", NULL);
        g_autofree char *file = NULL;
        g_autofree char *executable = NULL;
        GPid pid;

        g_assert_true(osh_program_path_find(path, &program));
        g_assert_cmpstr(program.path, ==, real);
        g_assert_true(g_spawn_async(NULL, argv, NULL,
                                    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                                    NULL, &pid, NULL));
        file = g_strdup_printf("/proc/%d/exe", (int)pid);
        /* env is a program of its own until it has found the other */
        for (guint tries = 0; tries < 500 && g_strcmp0(executable, program.path) != 0; tries++) {
            g_free(executable);
            executable = g_file_read_link(file, NULL);
            g_usleep(10000);
        }
        g_assert_cmpstr(executable, ==, program.path);
        kill(pid, SIGKILL);
        g_spawn_close_pid(pid);
    }
}

/* The script is the one that was named, and not another script that runs it. */
static void
test_script(void)
{
    g_autofree char *path = g_build_filename(tree, "linked", "deep", NULL);
    g_autofree char *script = g_build_filename(tree, "real", "deep", NULL);
    g_auto(OshProgramPath) program = {0};

    g_assert_true(osh_program_path_find(path, &program));
    g_assert_cmpstr(program.script, ==, script);
    g_assert_false(program.is_shell);
}

static void
make(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(tree, name, NULL);
    g_autofree char *content = with_tree(text);

    g_assert_true(g_file_set_contents(path, content, -1, NULL));
    g_assert_cmpint(chmod(path, 0755), ==, 0);
}

static void
make_link(const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(tree, name, NULL);

    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
make_tree(void)
{
    g_autofree char *template =
        g_build_filename(g_get_tmp_dir(), "osh-check-programs-XXXXXX", NULL);
    g_autofree char *folder = NULL;
    g_autofree char *tool = NULL;
    g_autofree char *fifo = NULL;
    g_autofree char *content = NULL;
    gsize length;

    g_assert_nonnull(g_mkdtemp(template));
    tree = g_strdup(template);
    folder = g_build_filename(tree, "real", NULL);
    g_assert_cmpint(mkdir(folder, 0755), ==, 0);
    tool = g_build_filename(tree, "real", "tool", NULL);
    /* tail -f lives until it is killed: something to look at. */
    g_assert_true(g_file_get_contents("/usr/bin/tail", &content, &length, NULL));
    g_assert_true(g_file_set_contents(tool, content, (gssize)length, NULL));
    g_assert_cmpint(chmod(tool, 0755), ==, 0);
    fifo = g_build_filename(tree, "real", "fifo", NULL);
    g_assert_cmpint(mkfifo(fifo, 0700), ==, 0);
    make("real/other", "\177ELF");
    make("real/sh", "\177ELF");
    make("real/script", "#!$/real/tool -f\n");
    make("real/deep", "#! $/real/script\n");
    make("real/shell", "#!$/real/sh -e\n");
    make("real/env", "#!/usr/bin/env -S tool -f\n");
    make("real/lost", "#!$/none\n");
    make("real/loop", "#!$/real/loop\n");
    make_link("real/link", "tool");
    make_link("linked", "real");
    make_link("real/into", "../linked/tool");
    g_assert_true(g_setenv("PATH", folder, TRUE));
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    make_tree();
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/check-programs/%s", rows[i].sentence);

        g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/check-programs/nothing is said where nobody asked", test_only_when_asked);
    g_test_add_func("/check-programs/a script of a script is still the one that was named",
                    test_script);
    g_test_add_func("/check-programs/the kernel knows each by the same path", test_kernel);
    result = g_test_run();
    osh_test_remove_tree(tree);
    g_free(tree);
    return result;
}
