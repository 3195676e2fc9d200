/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-plan-test.c: the rights by ABI as a table, and what they do, by restricting forked
 * children with the plan's numbers. Where the kernel is older than a case needs, it is skipped.
 */
#include "landlock-plan.h"

#include "init/landlock-constants.h"
#include "landlock-probe.h"
#include "landlock-report.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    guint abi;
    gboolean refer;
    gboolean truncate;
    gboolean ioctl_device;
    gboolean scoped;
} Row;

static void
test_rights_by_abi(void)
{
    static const Row rows[] = {
        {1, FALSE, FALSE, FALSE, FALSE}, {2, TRUE, FALSE, FALSE, FALSE},
        {3, TRUE, TRUE, FALSE, FALSE},   {4, TRUE, TRUE, FALSE, FALSE},
        {5, TRUE, TRUE, TRUE, FALSE},    {6, TRUE, TRUE, TRUE, TRUE},
        {7, TRUE, TRUE, TRUE, TRUE},
    };
    OshLandlockGrants none = {NULL};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshLandlockPlan) plan = osh_landlock_plan_new(rows[i].abi, &none);

        g_assert_cmpint((plan->handled_fs & LANDLOCK_ACCESS_FS_REFER) != 0, ==, rows[i].refer);
        g_assert_cmpint((plan->handled_fs & LANDLOCK_ACCESS_FS_TRUNCATE) != 0, ==,
                        rows[i].truncate);
        g_assert_cmpint((plan->handled_fs & LANDLOCK_ACCESS_FS_IOCTL_DEV) != 0, ==,
                        rows[i].ioctl_device);
        g_assert_cmpint(plan->scoped != 0, ==, rows[i].scoped);
        g_assert_cmpuint(osh_landlock_read_only_rights(rows[i].abi), ==,
                         LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                             LANDLOCK_ACCESS_FS_READ_DIR);
    }
}

static void
test_no_landlock(void)
{
    static const char *const paths[] = {"/usr", NULL};
    OshLandlockGrants grants = {.read_only = paths};
    g_autoptr(OshLandlockPlan) plan = osh_landlock_plan_new(0, &grants);

    g_assert_cmpuint(plan->handled_fs, ==, 0);
    g_assert_cmpuint(plan->scoped, ==, 0);
    g_assert_cmpuint(plan->rules->len, ==, 0);
}

static void
test_log_flags(void)
{
    for (guint abi = 1; abi <= 7; abi++) {
        for (guint log = 0; log < 2; log++) {
            OshLandlockGrants grants = {.log = log == 1};
            g_autoptr(OshLandlockPlan) plan = osh_landlock_plan_new(abi, &grants);
            guint32 expected = 0;

            if (abi >= 7)
                expected = LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF;
            if (abi >= 7 && log == 1)
                expected |= LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON;
            g_assert_cmpuint(plan->restrict_flags, ==, expected);
        }
    }
}

/* best_effort leaves a rule out when its path is gone by then; hard_requirement fails. */
static void
test_required(void)
{
    static const char *const policy[] = {"/usr", NULL};
    static const char *const own[] = {"/tmp", NULL};

    for (guint required = 0; required < 2; required++) {
        OshLandlockGrants grants = {
            .read_only = policy, .own_read_write = own, .required = required == 1};
        g_autoptr(OshLandlockPlan) plan = osh_landlock_plan_new(7, &grants);

        g_assert_cmpuint(plan->rules->len, ==, 2);
        g_assert_cmpuint(plan->n_policy, ==, 1);
        g_assert_cmpint(g_array_index(plan->rules, OshBoxPathRule, 0).optional, ==, required == 0);
        g_assert_true(g_array_index(plan->rules, OshBoxPathRule, 1).optional);
    }
}

static void
test_report(void)
{
    static const char *const read_only[] = {"/usr", "/gone", NULL};
    static const char *const own[] = {"/own-and-not-there", "/dev/null", NULL};
    OshLandlockGrants grants = {.read_only = read_only, .own_read_write = own};
    g_autoptr(OshLandlockPlan) plan = osh_landlock_plan_new(7, &grants);
    const OshBoxRuleReport reports[] = {
        {.rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE, .is_folder = TRUE},
        {.error = EACCES},
        {.error = ENOENT},
        {.rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_IOCTL_DEV},
    };
    OshMountPlan mounts = {.missing = g_ptr_array_new(),
                           .missing_errors = g_array_new(FALSE, FALSE, sizeof(int))};
    int loop = ELOOP;
    guint skipped;
    g_autoptr(GVariant) report = NULL;
    g_autofree char *text = NULL;

    g_ptr_array_add(mounts.missing, (gpointer) "/circle");
    g_ptr_array_add(mounts.missing, NULL);
    g_array_append_val(mounts.missing_errors, loop);
    report = g_variant_ref_sink(osh_landlock_report_new(plan, reports, &mounts, &skipped));
    text = g_variant_print(report, FALSE);
    g_assert_cmpstr(text, ==,
                    "[('/usr', ['read', 'execute'], ''), "
                    "('/gone', [], 'Permission denied'), "
                    "('/dev/null', ['write', 'ioctl'], ''), "
                    "('/circle', [], 'Too many levels of symbolic links')]");
    g_assert_cmpuint(skipped, ==, 2);
    g_ptr_array_unref(mounts.missing);
    g_array_unref(mounts.missing_errors);
}

static void
test_cap(void)
{
    guint abi, capped;

    if (osh_landlock_probe(&abi) != OSH_LANDLOCK_AVAILABLE) {
        g_test_skip("this kernel has no Landlock");
        return;
    }
    g_setenv("OSH_TEST_LANDLOCK_ABI", "1", TRUE);
    g_assert_cmpint(osh_landlock_probe(&capped), ==, OSH_LANDLOCK_AVAILABLE);
    g_assert_cmpuint(capped, ==, 1);
    g_setenv("OSH_TEST_LANDLOCK_ABI", "0", TRUE);
    g_assert_cmpint(osh_landlock_probe(&capped), ==, OSH_LANDLOCK_NOT_ENABLED);
    g_assert_cmpuint(capped, ==, 0);
    g_setenv("OSH_TEST_LANDLOCK_ABI", "99", TRUE);
    osh_landlock_probe(&capped);
    g_assert_cmpuint(capped, ==, abi);
    g_unsetenv("OSH_TEST_LANDLOCK_ABI");
}

/* What init does with the plan. */
static void
restrict_self(const OshLandlockPlan *plan)
{
    struct osh_landlock_ruleset attributes = {.handled_access_fs = plan->handled_fs,
                                              .scoped = plan->scoped};
    gsize size = plan->abi >= 6 ? sizeof attributes : plan->abi >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);

    g_assert_cmpint(ruleset, >=, 0);
    for (guint i = 0; i < plan->rules->len; i++) {
        const OshBoxPathRule *rule = &g_array_index(plan->rules, OshBoxPathRule, i);
        struct landlock_path_beneath_attr beneath = {
            .allowed_access = rule->rights, .parent_fd = open(rule->path, O_PATH | O_CLOEXEC)};

        if (beneath.parent_fd < 0 && rule->optional)
            continue;
        g_assert_cmpint(
            syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0), ==,
            0);
        close(beneath.parent_fd);
    }
    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(syscall(SYS_landlock_restrict_self, ruleset, plan->restrict_flags), ==, 0);
}

static void
assert_open(const char *path, int flags, int expected)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (expected == 0) {
        g_assert_cmpint(fd, >=, 0);
        close(fd);
    } else {
        g_assert_cmpint(fd, ==, -1);
        g_assert_cmpint(errno, ==, expected);
    }
}

static void
walk_the_rights(guint abi, const char *folder)
{
    g_autofree char *ro = g_build_filename(folder, "ro", NULL);
    g_autofree char *rw = g_build_filename(folder, "rw", NULL);
    g_autofree char *ro_file = g_build_filename(ro, "file", NULL);
    g_autofree char *rw_file = g_build_filename(rw, "new", NULL);
    g_autofree char *other = g_build_filename(folder, "other", NULL);
    const char *const read_only[] = {ro, NULL};
    const char *const read_write[] = {rw, NULL};
    const char *const own[] = {"/dev/null", "/no/such/path", NULL};
    OshLandlockGrants grants = {
        .read_only = read_only, .read_write = read_write, .own_read_write = own};
    g_autoptr(OshLandlockPlan) plan = NULL;
    pid_t parent = getppid();

    /* /dev/null is no directory; init leaves its directory rights out, here by hand. */
    plan = osh_landlock_plan_new(abi, &grants);
    for (guint i = 0; i < plan->rules->len; i++) {
        OshBoxPathRule *rule = &g_array_index(plan->rules, OshBoxPathRule, i);

        if (g_strcmp0(rule->path, "/dev/null") == 0)
            rule->rights &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_TRUNCATE |
                            LANDLOCK_ACCESS_FS_IOCTL_DEV;
    }
    restrict_self(plan);
    assert_open(ro_file, O_RDONLY, 0);
    assert_open(ro_file, O_WRONLY, EACCES);
    assert_open(ro, O_RDONLY | O_DIRECTORY, 0);
    assert_open(rw_file, O_RDWR | O_CREAT, 0);
    assert_open(other, O_RDONLY, EACCES);
    assert_open("/etc/passwd", O_RDONLY, EACCES);
    assert_open("/dev/null", O_RDWR, 0);
    if (abi >= 3)
        g_assert_cmpint(truncate(ro_file, 0), ==, -1);
    else
        g_assert_cmpint(truncate(ro_file, 0), ==, 0);
    if (abi >= 6) {
        g_assert_cmpint(kill(parent, 0), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
    }
}

static void
test_enforced(gconstpointer data)
{
    guint abi = GPOINTER_TO_UINT(data), kernel;
    g_autofree char *folder = NULL;
    const char *const files[] = {"ro/file", "other", "rw/new"};
    pid_t child;
    int status;

    osh_landlock_probe(&kernel);
    if (kernel < abi) {
        g_test_skip("this kernel's Landlock is older");
        return;
    }
    folder = g_dir_make_tmp("openshell-landlock-XXXXXX", NULL);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(folder, i == 0 ? "ro" : "rw", NULL);

        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    }
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i], NULL);

        g_assert_true(g_file_set_contents(path, "text", -1, NULL));
    }
    child = fork();
    if (child == 0) {
        walk_the_rights(abi, folder);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i], NULL);

        g_remove(path);
    }
    for (guint i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(folder, i == 0 ? "ro" : "rw", NULL);

        g_rmdir(path);
    }
    g_rmdir(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/landlock-plan/each-abi-handles-all-that-it-can", test_rights_by_abi);
    g_test_add_func("/landlock-plan/without-landlock-there-are-no-rules", test_no_landlock);
    g_test_add_func("/landlock-plan/refusals-are-logged-where-the-kernel-can", test_log_flags);
    g_test_add_func("/landlock-plan/missing-path-best-hard", test_required);
    g_test_add_func("/landlock-plan/the-report-says-what-was-done-and-why-not", test_report);
    g_test_add_func("/landlock-plan/tests-can-cap-the-abi", test_cap);
    for (guint abi = 1; abi <= 7; abi++) {
        g_autofree char *path =
            g_strdup_printf("/landlock-plan/what-is-not-granted-is-refused/abi-%u", abi);

        g_test_add_data_func(path, GUINT_TO_POINTER(abi), test_enforced);
    }
    return g_test_run();
}
