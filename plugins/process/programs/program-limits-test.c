/* SPDX-License-Identifier: Apache-2.0 */
/* program-limits-test.c: limits as text, and what a cgroup says. */
#include "program-limits.h"

#include <string.h>
#include <sys/resource.h>

static void
test_limits_are_read_as_ulimit_names_them(void)
{
    const char *const settings[] = {"nofile=64:128", "nproc=50", "as=unlimited", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) limits = osh_program_limits_parse(settings, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(limits->len, ==, 3);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 0).resource, ==, RLIMIT_NOFILE);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 0).soft, ==, 64);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 0).hard, ==, 128);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 1).soft, ==, 50);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 1).hard, ==, 50);
    g_assert_cmpuint(g_array_index(limits, OshBoxLimit, 2).soft, ==, RLIM_INFINITY);
}

static void
test_what_is_no_limit_is_refused(void)
{
    static const char *const bad[][2] = {
        {"nofile", "NAME=SOFT"},       {"nofile=", "NAME=SOFT"},
        {"nofile=1:2:3", "NAME=SOFT"}, {"nofile=-1", "NAME=SOFT"},
        {"nofile=12k", "NAME=SOFT"},   {"files=12", "no limit \"files\""},
        {"core=100", "always 0"},      {"nofile=10:5", "above the hard"},
        {"=5", "no limit \"\""},       {"nofile=4000000000", "above the host"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *const settings[] = {bad[i][0], NULL};
        g_autoptr(GError) error = NULL;

        g_assert_null(osh_program_limits_parse(settings, &error));
        g_assert_nonnull(strstr(error->message, bad[i][1]));
    }
}

static void
test_a_limit_given_twice_is_refused(void)
{
    const char *const settings[] = {"nofile=64", "nofile=65", NULL};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_program_limits_parse(settings, &error));
    g_assert_nonnull(strstr(error->message, "twice"));
}

static void
test_pids_max_is_a_number_or_max_or_nothing(void)
{
    guint64 limit = 0;

    g_assert_cmpint(osh_pid_limit_parse("2048\n", &limit), ==, OSH_PID_LIMIT_LIMITED);
    g_assert_cmpuint(limit, ==, 2048);
    g_assert_cmpint(osh_pid_limit_parse("max\n", NULL), ==, OSH_PID_LIMIT_UNLIMITED);
    g_assert_cmpint(osh_pid_limit_parse(" MAX ", NULL), ==, OSH_PID_LIMIT_UNLIMITED);
    g_assert_cmpint(osh_pid_limit_parse("", NULL), ==, OSH_PID_LIMIT_UNAVAILABLE);
    g_assert_cmpint(osh_pid_limit_parse("-1", NULL), ==, OSH_PID_LIMIT_UNAVAILABLE);
    g_assert_cmpint(osh_pid_limit_parse("many", NULL), ==, OSH_PID_LIMIT_UNAVAILABLE);
}

static void
test_a_required_limit_must_be_there(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(osh_pid_limit_check(OSH_PID_LIMIT_UNLIMITED, FALSE, NULL));
    g_assert_true(osh_pid_limit_check(OSH_PID_LIMIT_UNAVAILABLE, FALSE, NULL));
    g_assert_true(osh_pid_limit_check(OSH_PID_LIMIT_LIMITED, TRUE, NULL));
    g_assert_false(osh_pid_limit_check(OSH_PID_LIMIT_UNLIMITED, TRUE, &error));
    g_assert_nonnull(strstr(error->message, "has none"));
    g_clear_error(&error);
    g_assert_false(osh_pid_limit_check(OSH_PID_LIMIT_UNAVAILABLE, TRUE, &error));
    g_assert_nonnull(strstr(error->message, "no cgroup"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limits/limits are read as ulimit names them",
                    test_limits_are_read_as_ulimit_names_them);
    g_test_add_func("/limits/what is no limit is refused", test_what_is_no_limit_is_refused);
    g_test_add_func("/limits/a limit given twice is refused", test_a_limit_given_twice_is_refused);
    g_test_add_func("/limits/pids.max is a number, max, or nothing",
                    test_pids_max_is_a_number_or_max_or_nothing);
    g_test_add_func("/limits/a required limit must be there", test_a_required_limit_must_be_there);
    return g_test_run();
}
