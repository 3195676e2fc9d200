/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-binaries-test.c: which binaries of a policy the box can replace, over a tree of real files
 * and links. The tree lies in /var/tmp: all of /tmp is writable in a box.
 */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* $ is the tree, which has
 *   tools/real        tools/link -> ../work/made    tools/fine -> real
 *   work/made         work/link -> ../tools/real    work/folder -> ../tools
 *   work/kept/tool    work/deep/kept/tool    alias -> work                 up -> tools/../work/made
 */
static const struct {
    const char *sentence;
    const char *read_write;
    const char *read_only;
    const char *binary;
    const char *said; /* NULL: nothing */
} rows[] = {
    {"a program outside of what is writable", "$/work", "", "$/tools/real", NULL},
    {"a program in a writable folder", "$/work", "", "$/work/made", "$/work/made lies in"},
    {"a program that is a writable file itself", "$/work/made", "", "$/work/made", "$/work/made"},
    {"a program of a read-only folder inside", "$/work", "$/work/kept", "$/work/kept/tool", NULL},
    {"a program of a read-only folder deeper inside", "$/work", "$/work/deep/kept",
     "$/work/deep/kept/tool", NULL},
    {"a program beside a read-only folder", "$/work", "$/work/deep/kept", "$/work/deep/tool",
     "$/work/deep/tool lies in"},
    {"a writable folder inside a read-only one inside a writable one", "$/work, $/work/deep/kept",
     "$/work/deep", "$/work/deep/kept/tool", "writable $/work/deep/kept"},
    {"a read-only folder that is not there", "$/work", "$/work/none", "$/work/none/tool",
     "$/work/none lies in"},
    {"a program in a writable folder inside a read-only one", "$/work", "$", "$/work/made",
     "$/work/made"},
    {"the same path once read-only, once writable", "$/work", "$/work", "$/work/made",
     "$/work/made"},
    {"a link that leads into a writable folder", "$/work", "", "$/tools/link", "$/work/made"},
    {"a link that leads elsewhere", "$/work", "", "$/tools/fine", NULL},
    {"a link that lies in a writable folder", "$/work", "", "$/work/link", "$/work/link lies in"},
    {"a folder on the way that is a link in a writable folder", "$/work", "", "$/work/folder/real",
     "$/work/folder lies in"},
    {"a folder on the way that is a link to a writable folder", "$/work", "", "$/alias/made",
     "$/work/made"},
    {"a writable folder that is named through a link", "$/alias", "", "$/work/made",
     "the writable $/alias"},
    {"a link that goes up", "$/work", "", "$/up", "$/work/made"},
    {"a program that the box could make", "$/work", "", "$/work/new/tool", "$/work/new lies in"},
    {"a folder above that is writable", "$", "", "$/tools/real", "$/tools lies in"},
    {"a program in the temporary folder, which is the box's own", "$/work", "",
     "/tmp/osh-none/tool", "/tmp"},
    {"a name that only begins like a writable one", "$/work", "", "$/work-2/tool", NULL},
    {"a link that leads to itself", "$/work", "", "$/loop", NULL},
    {"a pattern above a writable folder", "$/work", "", "$/**/made", "'$/**/made' also matches"},
    {"a pattern of names in a writable folder", "$/work", "", "$/work/*", "also matches"},
    {"a pattern inside a writable folder", "$/work", "", "$/work/bin/*/x", "also matches"},
    {"a pattern that reaches a writable folder by a star", "$/work", "", "$/w*/bin/x",
     "also matches"},
    {"a pattern that takes the folder by another name", "$/alias", "", "$/alias/*", "also matches"},
    {"a pattern whose braces hold a slash", "$/work", "", "$/{tools/a,work/*}", "also matches"},
    {"a pattern that stands beside a writable folder", "$/work", "", "$/tools/*", NULL},
    {"a pattern whose star ends before it", "$/work", "", "$/t*/bin/x", NULL},
    {"a pattern that ends above it", "$/work/deep", "", "$/w*", NULL},
};

static char *tree;

static char *
with_tree(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "$", -1);

    return g_strjoinv(tree, parts);
}

static char *
check(const char *read_write, const char *read_only, const char *binary, guint flags)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *template =
        g_strdup_printf("version: 1\nfilesystem_policy: { read_write: [%s], read_only: [%s] }\n"
                        "network_policies: { p: { endpoints: [{ host: a.test, port: 1 }],\n"
                        "  binaries: [{ path: \"%s\" }] } }\n",
                        read_write, read_only, binary);
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
    g_autofree char *said =
        check(rows[i].read_write, rows[i].read_only, rows[i].binary, OSH_POLICY_CHECK_WRITABLE);
    g_autofree char *wanted = rows[i].said != NULL ? with_tree(rows[i].said) : NULL;

    g_test_message("%s", said);
    if (wanted == NULL) {
        g_assert_cmpstr(said, ==, "");
        return;
    }
    g_assert_true(g_str_has_prefix(said, "p.yaml:4:"));
    g_assert_nonnull(strstr(said, ": warning: network_policies.p.binaries[0].path: "));
    g_assert_nonnull(strstr(said, wanted));
}

static void
test_only_when_asked(void)
{
    g_autofree char *said = check("$/work", "", "$/work/made", OSH_POLICY_LOAD_ANY);

    g_assert_cmpstr(said, ==, "");
}

static void
test_any_program_is_no_news(void)
{
    g_autofree char *said = check("$/work", "", "/**", OSH_POLICY_CHECK_WRITABLE);

    g_assert_cmpstr(said, ==, "");
}

/* A policy without filesystem_policy has its working folder writable. */
static void
test_working_folder(void)
{
    g_autofree char *before = g_get_current_dir();
    g_autofree char *work = g_build_filename(tree, "work", NULL);

    for (guint included = 0; included < 2; included++) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
        g_autofree char *text =
            g_strdup_printf("version: 1\n%snetwork_policies: { p: { endpoints: [{ host: a.test, "
                            "port: 1 }], binaries: [{ path: %s/made }] } }\n",
                            included ? "" : "filesystem_policy: { read_only: [/usr] }\n", work);
        g_autoptr(OshPolicySnapshot) policy = NULL;

        g_assert_cmpint(chdir(work), ==, 0);
        policy = osh_policy_load(&(OshPolicyLoadRequest){.text = text,
                                                         .length = strlen(text),
                                                         .file_name = "p.yaml",
                                                         .generation = 1,
                                                         .flags = OSH_POLICY_CHECK_WRITABLE},
                                 diagnostics);
        g_assert_cmpint(chdir(before), ==, 0);
        g_assert_nonnull(policy);
        g_assert_cmpuint(osh_policy_diagnostics_n_warnings(diagnostics), ==, included);
    }
}

static void
make_folder(const char *name)
{
    g_autofree char *path = g_build_filename(tree, name, NULL);

    g_assert_cmpint(mkdir(path, 0755), ==, 0);
}

static void
make_file(const char *name)
{
    g_autofree char *path = g_build_filename(tree, name, NULL);

    g_assert_true(g_file_set_contents(path, "", 0, NULL));
}

static void
make_link(const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(tree, name, NULL);

    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
remove_all(const char *const *names, gsize n_names)
{
    for (gsize i = 0; i < n_names; i++) {
        g_autofree char *path = g_build_filename(tree, names[i], NULL);

        remove(path);
    }
}

int
main(int argc, char **argv)
{
    static const char *const made[] = {"tools/real",
                                       "tools/link",
                                       "tools/fine",
                                       "work/made",
                                       "work/link",
                                       "work/folder",
                                       "alias",
                                       "up",
                                       "loop",
                                       "work/kept/tool",
                                       "work/kept",
                                       "work/deep/kept/tool",
                                       "work/deep/kept",
                                       "work/deep",
                                       "work",
                                       "tools",
                                       ""};
    g_autofree char *pattern = g_strdup("/var/tmp/osh-binaries-XXXXXX");
    int result;

    g_test_init(&argc, &argv, NULL);
    g_assert_nonnull(g_mkdtemp(pattern));
    tree = realpath(pattern, NULL);
    make_folder("tools");
    make_folder("work");
    make_folder("work/kept");
    make_folder("work/deep");
    make_folder("work/deep/kept");
    make_file("work/deep/kept/tool");
    make_file("tools/real");
    make_file("work/made");
    make_file("work/kept/tool");
    make_link("tools/link", "../work/made");
    make_link("tools/fine", "real");
    make_link("work/link", "../tools/real");
    make_link("work/folder", "../tools");
    make_link("alias", "work");
    make_link("up", "tools/../work/made");
    make_link("loop", "loop");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/binaries/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/binaries/nothing is looked at unless asked", test_only_when_asked);
    g_test_add_func("/binaries/where any program is allowed one more is no news",
                    test_any_program_is_no_news);
    g_test_add_func("/binaries/the working folder counts where it is writable",
                    test_working_folder);
    result = g_test_run();
    remove_all(made, G_N_ELEMENTS(made));
    free(tree);
    return result;
}
