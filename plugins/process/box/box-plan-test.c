/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-plan-test.c: what is written for the init of a box, and what is refused before anything is
 * cloned.
 */
#include "box-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box-request.h"

#define ORDINARY 65533

static GBytes *
read_plan(int fd)
{
    gsize size = (gsize)lseek(fd, 0, SEEK_END);
    guint8 *bytes = g_malloc(size);

    g_assert_cmpint(pread(fd, bytes, size, 0), ==, (gssize)size);
    close(fd);
    return g_bytes_new_take(bytes, size);
}

static OshMountPlan *
empty_mounts(void)
{
    const OshMountRequest request = {0};

    return osh_mount_plan_new(&request, NULL);
}

static void
assert_open_refused(const OshBoxPlan *plan, const char *why)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(osh_box_write_open(plan, &error), ==, -1);
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID);
    if (strstr(error->message, why) == NULL)
        g_error("'%s' does not say '%s'", error->message, why);
}

/* The ids of a box that may be had here. */
static uid_t
good_uid(void)
{
    return geteuid() == 0 ? 1 : geteuid();
}

static gid_t
good_gid(void)
{
    return geteuid() == 0 ? 1 : getegid();
}

static void
test_plan_is_sealed(void)
{
    g_auto(OshBoxPlanWriter) writer = {0};
    struct osh_init_plan head = {0};
    int fd;

    osh_box_plan_begin(&writer, sizeof head, 0);
    osh_box_plan_string(&writer, "text");
    fd = osh_box_plan_finish(&writer, &head, sizeof head, OSH_INIT_OPEN, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_GET_SEALS), ==,
                    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    g_assert_cmpint(pwrite(fd, "x", 1, 0), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_cmpint(ftruncate(fd, 0), ==, -1);
    g_assert_true(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    close(fd);
}

static void
test_tables_are_aligned_and_counted(void)
{
    static const char *const strings[] = {"a", "bc", "def", NULL};
    g_auto(OshBoxPlanWriter) writer = {0};
    struct osh_init_table table;
    const guint64 *offsets;

    osh_box_plan_begin(&writer, 8, 100);
    for (guint i = 0; i < 20; i++) {
        osh_box_plan_string(&writer, "odd" + i % 3);
        g_assert_cmpuint(osh_box_plan_bytes(&writer, "x", 1).offset % 8, ==, 0);
    }
    table = osh_box_plan_strings(&writer, strings);
    g_assert_cmpuint(table.count, ==, 3);
    g_assert_cmpuint(table.offset % 8, ==, 0);
    offsets = (const guint64 *)(gconstpointer)(writer.bytes->data + table.offset);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpstr((const char *)writer.bytes->data + offsets[i], ==, strings[i]);
    g_assert_cmpuint(offsets[3], ==, 0);
    g_assert_cmpuint(osh_box_plan_strings(&writer, NULL).count, ==, 0);
    g_assert_cmpuint(osh_box_plan_string(&writer, NULL), ==, 0);
}

static void
test_too_long_a_request(void)
{
    g_autofree char *text = g_strnfill(OSH_INIT_MAX_PLAN, 'x');
    const char *argv[] = {"/bin/true", text, NULL};
    const OshBoxLaunch launch = {
        .argv = argv, .stdio = {OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL}};
    g_autoptr(GError) error = NULL;
    int fds[OSH_INIT_MAX_STDIO_FDS];
    guint n_fds;

    g_assert_cmpint(osh_box_write_launch(&launch, fds, &n_fds, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "bytes long"));
}

static void
refused_to_an_ordinary_user(OshBoxPlan *plan)
{
    plan->uid = geteuid() + 1;
    plan->gid = getegid();
    assert_open_refused(plan, "only root can run a box as another user");
    plan->uid = geteuid();
    plan->gid = getegid() + 1;
    assert_open_refused(plan, "only root can run a box as another user");
    plan->uid = plan->gid = 0;
    assert_open_refused(plan, "only root can run a box as another user");
}

static void
test_who_a_box_may_be(void)
{
    g_autoptr(OshMountPlan) mounts = empty_mounts();
    OshBoxPlan plan = {.mounts = mounts, .uid = good_uid(), .gid = good_gid()};
    int fd = osh_box_write_open(&plan, NULL);
    pid_t child;
    int status;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    if (geteuid() != 0) {
        refused_to_an_ordinary_user(&plan);
        return;
    }
    plan.gid = 0;
    assert_open_refused(&plan, "as root or with root's group");
    plan.gid = 1;
    plan.uid = 0;
    assert_open_refused(&plan, "as root or with root's group");
    child = fork();
    if (child == 0) {
        if (setresgid(ORDINARY, ORDINARY, ORDINARY) == 0 &&
            setresuid(ORDINARY, ORDINARY, ORDINARY) == 0)
            refused_to_an_ordinary_user(&plan);
        _exit(geteuid() == ORDINARY ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static void
test_too_many_sockets(void)
{
    g_autoptr(OshMountPlan) mounts = empty_mounts();
    OshBoxSocket sockets[OSH_INIT_MAX_SOCKETS + 1] = {0};
    OshBoxPlan plan = {.mounts = mounts,
                       .sockets = sockets,
                       .socket_count = OSH_INIT_MAX_SOCKETS,
                       .uid = good_uid(),
                       .gid = good_gid()};
    int fd = osh_box_write_open(&plan, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    plan.socket_count++;
    assert_open_refused(&plan, "sockets were asked for");
}

static void
test_root_of_the_host(void)
{
    static const struct {
        gboolean is_host;
        gboolean read_only;
        gboolean proc;
        guint32 flags;
    } rows[] = {
        {FALSE, FALSE, FALSE, 0},
        {TRUE, FALSE, FALSE, OSH_INIT_OPEN_ROOT_IS_HOST},
        {TRUE, TRUE, FALSE, OSH_INIT_OPEN_ROOT_IS_HOST | OSH_INIT_OPEN_ROOT_READ_ONLY},
        {FALSE, FALSE, TRUE, OSH_INIT_OPEN_HOST_PROC_OK},
    };
    g_autoptr(OshMountPlan) mounts = empty_mounts();

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshBoxPlan plan = {
            .mounts = mounts, .uid = good_uid(), .gid = good_gid(), .host_proc_ok = rows[i].proc};
        g_autoptr(GBytes) bytes = NULL;
        struct osh_init_open_plan open;

        mounts->root_is_host = rows[i].is_host;
        mounts->root_read_only = rows[i].read_only;
        bytes = read_plan(osh_box_write_open(&plan, NULL));
        memcpy(&open, g_bytes_get_data(bytes, NULL), sizeof open);
        g_assert_cmpuint(open.flags, ==, rows[i].flags);
        g_assert_cmpuint(open.uid, ==, good_uid());
        g_assert_cmpuint(open.plan.size, ==, g_bytes_get_size(bytes));
    }
}

static void
test_what_may_be_launched(void)
{
    static const char *const nothing[] = {NULL};
    static const char *const unnamed[] = {"", "x", NULL};
    static const char *const named[] = {"true", NULL};
    static const gid_t groups[OSH_INIT_MAX_GROUPS + 1] = {0};
    static const OshBoxFilter filters[OSH_INIT_MAX_FILTERS + 1] = {{0}};
    const struct {
        const char *const *argv;
        gsize n_groups;
        gsize n_filters;
        int input;
        int code; /* -1: none */
    } rows[] = {
        {named, 0, 0, OSH_BOX_STDIO_NULL, -1},
        {NULL, 0, 0, OSH_BOX_STDIO_NULL, OSH_BOX_ERROR_NOT_FOUND},
        {nothing, 0, 0, OSH_BOX_STDIO_NULL, OSH_BOX_ERROR_NOT_FOUND},
        {unnamed, 0, 0, OSH_BOX_STDIO_NULL, OSH_BOX_ERROR_NOT_FOUND},
        {named, OSH_INIT_MAX_GROUPS + 1, 0, OSH_BOX_STDIO_NULL, OSH_BOX_ERROR_INVALID},
        {named, 0, OSH_INIT_MAX_FILTERS + 1, OSH_BOX_STDIO_NULL, OSH_BOX_ERROR_INVALID},
        {named, 0, 0, OSH_BOX_STDIO_TERMINAL, OSH_BOX_ERROR_INVALID},
        {named, 0, 0, -3, OSH_BOX_ERROR_INVALID},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshBoxLaunch launch = {
            .argv = rows[i].argv,
            .stdio = {rows[i].input, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL},
            .groups = groups,
            .group_count = rows[i].n_groups,
            .filters = filters,
            .filter_count = rows[i].n_filters,
        };
        g_autoptr(GError) error = NULL;
        int fds[OSH_INIT_MAX_STDIO_FDS];
        guint n_fds;
        int fd = osh_box_write_launch(&launch, fds, &n_fds, &error);

        if (rows[i].code < 0) {
            g_assert_no_error(error);
            close(fd);
            continue;
        }
        g_assert_cmpint(fd, ==, -1);
        g_assert_error(error, OSH_BOX_ERROR, rows[i].code);
    }
}

static void
test_limits_are_written_as_they_are(void)
{
    static const char *const argv[] = {"true", NULL};
    static const OshBoxLimit limits[] = {{7, 100, 200}};
    const OshBoxLaunch launch = {
        .argv = argv,
        .stdio = {OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL},
        .limits = limits,
        .limit_count = 1};
    g_autoptr(GBytes) bytes = NULL;
    struct osh_init_launch_plan plan;
    struct osh_init_limit limit;
    const guint8 *data;
    int fds[OSH_INIT_MAX_STDIO_FDS];
    guint n_fds;

    bytes = read_plan(osh_box_write_launch(&launch, fds, &n_fds, NULL));
    data = g_bytes_get_data(bytes, NULL);
    memcpy(&plan, data, sizeof plan);
    g_assert_cmpuint(plan.limits.count, ==, 1);
    memcpy(&limit, data + plan.limits.offset, sizeof limit);
    g_assert_cmpuint(limit.resource, ==, 7);
    g_assert_cmpuint(limit.soft, ==, 100);
    g_assert_cmpuint(limit.hard, ==, 200);
    g_assert_cmpint((plan.flags & OSH_INIT_LAUNCH_SWITCH_USER) != 0, ==, geteuid() == 0);
}

/* Init says of every rule what became of it; one that it left out is no rule. */
static void
test_reports_are_complete(void)
{
    static const OshBoxPathRule rules[] = {{.path = "/a"}, {.path = "/b"}};
    OshBoxRuleReport seen[2] = {{0}};
    OshBoxSeal seal = {
        .handled_fs = 1, .path_rules = rules, .path_rule_count = 2, .path_reports = seen};
    struct osh_init_rule_report reports[2] = {{.done = 1, .rights = 5}, {.done = 0}};
    g_autoptr(GError) error = NULL;
    int fd = osh_box_new_reports(NULL);

    g_assert_false(osh_box_read_reports(fd, &seal, &error));
    g_clear_error(&error);
    g_assert_cmpint(pwrite(fd, reports, sizeof reports, 0), ==, sizeof reports);
    g_assert_false(osh_box_read_reports(fd, &seal, &error));
    g_assert_nonnull(strstr(error->message, "did not account for every Landlock rule"));
    reports[1].done = 1;
    reports[1].error = ENOENT;
    g_assert_cmpint(pwrite(fd, reports, sizeof reports, 0), ==, sizeof reports);
    g_assert_true(osh_box_read_reports(fd, &seal, NULL));
    g_assert_cmpuint(seen[0].rights, ==, 5);
    g_assert_cmpint(seen[1].error, ==, ENOENT);
    close(fd);
    /* Without a ruleset nothing is reported. */
    seal.handled_fs = 0;
    g_assert_true(osh_box_read_reports(-1, &seal, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/box-plan/a-request-cannot-be-changed-once-written", test_plan_is_sealed);
    g_test_add_func("/box-plan/tables-are-aligned-and-counted",
                    test_tables_are_aligned_and_counted);
    g_test_add_func("/box-plan/too-long-a-request-is-refused", test_too_long_a_request);
    g_test_add_func("/box-plan/a-box-is-never-root-and-only-root-chooses", test_who_a_box_may_be);
    g_test_add_func("/box-plan/too-many-sockets-are-refused", test_too_many_sockets);
    g_test_add_func("/box-plan/the-root-of-the-host-is-as-the-policy-has-it",
                    test_root_of_the_host);
    g_test_add_func("/box-plan/what-cannot-be-launched-is-refused-first",
                    test_what_may_be_launched);
    g_test_add_func("/box-plan/limits-are-written-as-they-are",
                    test_limits_are_written_as_they_are);
    g_test_add_func("/box-plan/every-rule-has-to-be-reported", test_reports_are_complete);
    return g_test_run();
}
