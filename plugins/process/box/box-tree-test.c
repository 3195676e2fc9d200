/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a box: nested grants, security rule 3, protected files, contributed files. */
#include "box-test.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree-error.h"

/* A small repository with auto-executed files. */
static void
fill(TestBox *test)
{
    static const char *const folders[] = {".git", ".git/hooks", ".vscode",
                                          "sub",  "sub/.git",   "sub/.git/hooks"};
    static const char *const files[] = {".git/config",     ".git/HEAD", ".git/hooks/pre-commit",
                                        ".envrc",          ".bashrc",   ".vscode/tasks.json",
                                        "sub/.git/config", "plain"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(test->workdir, folders[i], NULL);

        g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
        g_assert_cmpint(chown(path, test->uid, test->gid), ==, 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(test->workdir, files[i], NULL);

        g_assert_true(g_file_set_contents(path, "original\n", -1, NULL));
        g_assert_cmpint(chown(path, test->uid, test->gid), ==, 0);
    }
}

static void
test_auto_executed_files_can_be_neither_changed_nor_moved_away(void)
{
    static const char *const refused[] = {
        "echo x >> .git/config",
        "echo x > .git/hooks/pre-commit",
        "echo x > .git/hooks/post-checkout",
        "mv .git .old",
        "mv .git/hooks .git/old",
        "rm -f .git/config",
        "mv .git/config .git/c",
        "ln -f plain .envrc",
        "mv -f plain .envrc",
        "rm .bashrc",
        "mv sub sub2",
        "mv sub/.git sub/git2",
        "echo x > sub/.git/hooks/a",
        "rm -rf .vscode; test ! -e .vscode/tasks.json",
    };
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *allowed = NULL;

    fill(test);
    osh_test_box_open(test);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        const char *const argv[] = {"sh", "-c", refused[i], NULL};
        g_autoptr(TestRun) run = osh_test_box_run(test, argv);

        g_assert_no_error(run->error);
        if (run->status == 0)
            g_error("this worked in the box: %s", refused[i]);
    }
    allowed = osh_test_box_shell(test, "echo x > .git/HEAD && echo y > .git/new && mv plain p2 && "
                                       "mv .git/new .git/n && cat .git/config .git/HEAD .git/n");
    g_assert_cmpstr(allowed, ==, "original\nx\ny");
}

static void
test_a_policy_may_open_an_auto_executed_file(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *hooks = g_build_filename(test->workdir, ".git/hooks", NULL);
    const char *const granted[] = {hooks, NULL};
    g_autofree char *output = NULL;

    fill(test);
    osh_test_box_plan(test, NULL, granted);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "echo x > .git/hooks/new && cat .git/hooks/new; "
                                      "(echo x > .git/config) 2>/dev/null || echo refused");
    g_assert_cmpstr(output, ==, "x\nrefused");
}

static void
test_the_files_of_the_host_are_never_writable(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *policy = g_build_filename(test->workdir, "sub", "policy.yaml", NULL);
    const char *const protect[] = {policy, NULL};
    OshMountRequest request = {
        .workdir = test->workdir, .include_workdir = TRUE, .protect = protect};
    static const char *const system[] = {"/usr", NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *output = NULL;

    fill(test);
    g_assert_true(g_file_set_contents(policy, "version: 1\n", -1, NULL));
    g_assert_cmpint(chown(policy, test->uid, test->gid), ==, 0);
    request.read_only = system;
    test->mounts = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "(echo x > sub/policy.yaml) 2>/dev/null || echo refused; "
                                      "mv sub s2 2>/dev/null || echo refused");
    g_assert_cmpstr(output, ==, "refused\nrefused");
}

static void
test_a_grant_inside_a_grant_keeps_its_own_rights(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *closed = g_build_filename(test->workdir, "sub", NULL);
    g_autofree char *open = g_build_filename(test->workdir, "sub", "open", NULL);
    const char *const read_only[] = {closed, NULL};
    const char *const read_write[] = {open, NULL};
    g_autofree char *output = NULL;

    fill(test);
    g_assert_cmpint(g_mkdir(open, 0755), ==, 0);
    g_assert_cmpint(chown(open, test->uid, test->gid), ==, 0);
    osh_test_box_plan(test, read_only, read_write);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "for f in a sub/a sub/open/a; do (echo x > $f) 2>/dev/null "
                                      "&& echo $f; done");
    g_assert_cmpstr(output, ==, "a\nsub/open/a");
}

static void
test_fresh_folders_are_fresh_and_writable(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    const char *const granted[] = {"/tmp", "/dev/null", NULL};
    g_autofree char *output = NULL;
    g_autofree char *links = NULL;

    osh_test_box_plan(test, NULL, granted);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "ls -A /tmp /dev/shm | tr -d '\\n'; echo; "
                                      "for f in /tmp/a /dev/shm/a; do echo x > $f && cat $f; done");
    links = osh_test_box_shell(test, "readlink /bin /var/run; echo x > /dev/null; "
                                     "head -c 4 /dev/urandom | wc -c; hostname");
    g_assert_cmpstr(output, ==, "/dev/shm:/tmp:\nx\nx");
    g_assert_cmpstr(links, ==, "usr/bin\n/run\n4\nbox");
}

static void
test_contributed_files_are_there_and_cannot_be_replaced(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    OshBoxFile files[] = {
        {.path = "/run/openshell/ca.pem", .bytes = "certificate\n", .size = 12, .mode = 0444},
        {.path = "/etc/hostname", .bytes = "covered\n", .size = 8, .mode = 0644},
        {.path = "/opt/made/here", .bytes = "", .size = 0, .mode = 0400},
    };
    OshBoxSeal seal = {.files = files, .file_count = G_N_ELEMENTS(files)};
    g_autofree char *output = NULL;
    g_autofree char *refused = NULL;

    test->seal = &seal;
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "cat /run/openshell/ca.pem /etc/hostname /opt/made/here; "
                                      "stat -c %a /etc/hostname /run/openshell/ca.pem");
    refused =
        osh_test_box_shell(test, "cd /run/openshell; (echo x > ca.pem) 2>/dev/null || echo 1; "
                                 "rm -f ca.pem 2>/dev/null || echo 2; "
                                 "chmod 600 ca.pem 2>/dev/null || echo 3");
    g_assert_cmpstr(output, ==, "certificate\ncovered\n444\n444");
    g_assert_cmpstr(refused, ==, "1\n2\n3");
}

static void
test_a_contributed_file_makes_nothing_on_the_host(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *path = g_build_filename(test->workdir, "made-by-the-box", NULL);
    OshBoxFile file = {.path = path, .bytes = "x", .size = 1, .mode = 0444};
    OshBoxSeal seal = {.files = &file, .file_count = 1};
    OshBoxPlan plan = {.uid = test->uid, .gid = test->gid};
    g_autoptr(OshBoxHandle) box = NULL;
    g_autoptr(GError) error = NULL;

    osh_test_box_plan(test, NULL, NULL);
    plan.mounts = test->mounts;
    box = osh_box_open(&plan, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_false(osh_box_seal(box, &seal, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_the_whole_host_read_only_still_has_fresh_folders(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    const char *const read_only[] = {"/", NULL};
    g_autofree char *output = NULL;
    g_autofree char *marker = g_strdup_printf("/tmp/openshell-marker-%d", getpid());
    g_autofree char *script = g_strdup_printf(
        "ls %s 2>/dev/null || echo hidden; (echo x > /usr/x) 2>/dev/null || echo refused; "
        "echo x > /tmp/x && cat /tmp/x; echo x > w && cat w; ls -d /var/tmp",
        marker);

    g_assert_true(g_file_set_contents(marker, "", -1, NULL));
    osh_test_box_plan(test, read_only, NULL);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, script);
    g_unlink(marker);
    g_assert_cmpstr(output, ==, "hidden\nrefused\nx\nx\n/var/tmp");
}

static void
test_the_whole_host_writable_still_has_fresh_folders_and_the_users_own_rights(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    const char *const read_write[] = {"/", NULL};
    g_autofree char *output = NULL;
    g_autofree char *repository = g_dir_make_tmp("openshell-repository-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(repository, ".envrc", NULL);
    g_autoptr(GError) error = NULL;

    /* An auto-executed file is bound read-only, but not into a folder that is the box's own. */
    g_assert_true(g_file_set_contents(file, "", -1, NULL));
    fill(test);
    /* What other tests make and remove meanwhile is protected as well. */
    do {
        g_clear_error(&error);
        osh_test_box_plan(test, NULL, read_write);
    } while (!osh_test_box_try(test, &error) &&
             g_error_matches(error, OSH_BOX_ERROR, OSH_BOX_ERROR_CHANGED));
    g_assert_no_error(error);
    g_unlink(file);
    g_rmdir(repository);
    output = osh_test_box_shell(test, "ls -A /tmp /run; (echo x > /etc/x) 2>/dev/null || echo "
                                      "refused; ls /root 2>/dev/null || echo hidden; "
                                      "echo x > w && cat w; mv .git .old 2>/dev/null || echo kept");
    g_assert_cmpstr(output, ==, "/run:\n\n/tmp:\nrefused\nhidden\nx\nkept");
}

static void
test_a_protected_file_that_is_gone_asks_for_a_new_plan(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *file = g_build_filename(test->workdir, ".envrc", NULL);
    g_autoptr(GError) error = NULL;

    fill(test);
    osh_test_box_plan(test, NULL, NULL);
    g_assert_cmpint(g_unlink(file), ==, 0);
    g_assert_false(osh_test_box_try(test, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_CHANGED);
    g_assert_nonnull(strstr(error->message, file));
    osh_test_box_plan(test, NULL, NULL);
    osh_test_box_open(test);
}

static void
test_missing_paths_are_reported_or_refused(void)
{
    const char *const missing[] = {"/usr", "/no/such/path", NULL};
    const char *const relative[] = {"usr", NULL};
    const char *const climbing[] = {"/usr/../root", NULL};
    OshMountRequest request = {.read_only = missing};
    g_autoptr(OshMountPlan) plan = NULL;
    g_autoptr(GError) error = NULL;

    plan = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(plan->missing->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(plan->missing, 0), ==, "/no/such/path");
    request.hard_requirement = TRUE;
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_assert_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID);
    g_clear_error(&error);
    request.read_only = relative;
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_clear_error(&error);
    request.read_only = climbing;
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_clear_error(&error);
}

static void
test_a_link_in_a_writable_tree_chooses_no_grant(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *link = g_build_filename(test->workdir, "config", NULL);
    g_autofree char *below = g_build_filename(link, "ssh", NULL);
    const char *const through[] = {below, NULL};
    OshMountRequest request = {
        .read_only = through, .workdir = test->workdir, .include_workdir = TRUE};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(symlink("/etc", link), ==, 0);
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_assert_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "writable tree"));
}

static void
test_a_hidden_folder_is_empty_whatever_is_granted(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *folder = g_build_filename(test->workdir, "identity", NULL);
    g_autofree char *socket = g_build_filename(folder, "agent.sock", NULL);
    OshMountRequest request = {
        .workdir = test->workdir, .include_workdir = TRUE, .baseline = TRUE, .hidden = folder};
    g_autofree char *output = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(folder, 0777), ==, 0);
    g_assert_true(g_file_set_contents(socket, "", -1, NULL));
    test->mounts = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "ls -A identity; (echo x > identity/x) 2>/dev/null || echo "
                                      "refused; mv identity old 2>/dev/null || echo kept");
    g_assert_cmpstr(output, ==, "refused\nkept");
    g_assert_true(g_file_test(socket, G_FILE_TEST_EXISTS));
}

static void
test_a_folder_that_was_exchanged_for_a_link_after_the_plan_ends_the_start(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *folder = g_build_filename(test->workdir, "identity", NULL);
    g_autofree char *moved = g_build_filename(test->workdir, "moved", NULL);
    g_autofree char *other = g_build_filename(test->workdir, "other", NULL);
    OshMountRequest request = {
        .workdir = test->workdir, .include_workdir = TRUE, .baseline = TRUE, .hidden = folder};
    OshBoxPlan plan = {.hostname = "box", .uid = test->uid, .gid = test->gid};
    g_autoptr(OshBoxHandle) box = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    g_assert_cmpint(g_mkdir(other, 0755), ==, 0);
    test->mounts = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    /* As a program of another box with the same tree would. */
    g_assert_cmpint(g_rename(folder, moved), ==, 0);
    g_assert_cmpint(symlink("other", folder), ==, 0);
    plan.mounts = test->mounts;
    box = osh_box_open(&plan, NULL, NULL, &error);
    g_assert_null(box);
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, folder));
}

static void
test_the_baseline_is_what_is_there_and_no_grant_covers(void)
{
    const char *const read_write[] = {"/usr/local", NULL};
    OshMountRequest request = {.read_write = read_write, .baseline = TRUE};
    g_autoptr(OshMountPlan) plan = NULL;
    g_autoptr(OshMountPlan) covered = NULL;
    const char *const read_only[] = {"/usr", "/etc", "/var", NULL};
    g_autoptr(GError) error = NULL;

    plan = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    g_assert_true(g_ptr_array_find_with_equal_func(plan->baseline, "/usr", g_str_equal, NULL));
    g_assert_true(g_ptr_array_find_with_equal_func(plan->baseline, "/etc", g_str_equal, NULL));
    g_assert_true(g_ptr_array_find_with_equal_func(plan->baseline, "/app", g_str_equal, NULL) ==
                  g_file_test("/app", G_FILE_TEST_EXISTS));
    g_assert_cmpuint(plan->read_write->len, ==, 1);
    request = (OshMountRequest){.read_only = read_only, .baseline = TRUE};
    covered = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(covered->baseline->len, ==, 0);
    g_assert_cmpuint(covered->missing->len, ==, 0);
}

int
main(int argc, char **argv)
{
    osh_test_box_init(&argc, &argv);
    g_test_add_func("/tree/auto-executed files can be neither changed nor moved away",
                    test_auto_executed_files_can_be_neither_changed_nor_moved_away);
    g_test_add_func("/tree/a policy may open an auto-executed file",
                    test_a_policy_may_open_an_auto_executed_file);
    g_test_add_func("/tree/the files of the host are never writable",
                    test_the_files_of_the_host_are_never_writable);
    g_test_add_func("/tree/a grant inside a grant keeps its own rights",
                    test_a_grant_inside_a_grant_keeps_its_own_rights);
    g_test_add_func("/tree/fresh folders are fresh and writable",
                    test_fresh_folders_are_fresh_and_writable);
    g_test_add_func("/tree/contributed files are there and cannot be replaced",
                    test_contributed_files_are_there_and_cannot_be_replaced);
    g_test_add_func("/tree/a contributed file makes nothing on the host",
                    test_a_contributed_file_makes_nothing_on_the_host);
    g_test_add_func("/tree/the whole host read-only still has fresh folders",
                    test_the_whole_host_read_only_still_has_fresh_folders);
    g_test_add_func(
        "/tree/the whole host writable still has fresh folders and the user's own rights",
        test_the_whole_host_writable_still_has_fresh_folders_and_the_users_own_rights);
    g_test_add_func("/tree/a link in a writable tree chooses no grant",
                    test_a_link_in_a_writable_tree_chooses_no_grant);
    g_test_add_func("/tree/a hidden folder is empty whatever is granted",
                    test_a_hidden_folder_is_empty_whatever_is_granted);
    g_test_add_func("/tree/a folder that was exchanged for a link after the plan ends the start",
                    test_a_folder_that_was_exchanged_for_a_link_after_the_plan_ends_the_start);
    g_test_add_func("/tree/the baseline is what is there and no grant covers",
                    test_the_baseline_is_what_is_there_and_no_grant_covers);
    g_test_add_func("/tree/a protected file that is gone asks for a new plan",
                    test_a_protected_file_that_is_gone_asks_for_a_new_plan);
    g_test_add_func("/tree/missing paths are reported or refused",
                    test_missing_paths_are_reported_or_refused);
    return g_test_run();
}
