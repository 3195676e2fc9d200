/* SPDX-License-Identifier: Apache-2.0 */
/* The command line is read strictly, and what stands behind "--" is left alone. */
#include "options.h"

static OshOptions *
parse(const char *line, GError **error)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    return osh_options_parse((const char *const *)words, error);
}

static void
test_everything(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshOptions) options =
        parse("host --policy p --policy-posture fail_closed --plugin-dir a --plugin-dir=b "
              "--timeout 5 --allow-degraded=landlock "
              "--set x.y=z --quiet -- curl --policy q",
              &error);

    g_assert_no_error(error);
    g_assert_cmpint(options->verb, ==, OSH_VERB_RUN);
    g_assert_cmpstr(options->policy, ==, "p");
    g_assert_cmpstr(options->policy_posture, ==, "fail_closed");
    g_assert_cmpint(options->timeout, ==, 5);
    g_assert_true(options->quiet);
    g_assert_cmpuint(options->plugin_dirs->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(options->plugin_dirs, 1), ==, "b");
    g_assert_cmpstr(g_ptr_array_index(options->settings, 0), ==, "x.y=z");
    g_assert_cmpstr(options->command[0], ==, "curl");
    g_assert_cmpstr(options->command[2], ==, "q");
    g_assert_null(options->command[3]);
}

static void
test_verbs(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshOptions) plugins = parse("host --plugin-dir a plugins inspect f", &error);
    g_autoptr(OshOptions) none = parse("host", &error);

    g_assert_no_error(error);
    g_assert_cmpint(plugins->verb, ==, OSH_VERB_PLUGINS);
    g_assert_cmpuint(plugins->arguments->len, ==, 2);
    g_assert_null(none->command);
    g_assert_cmpint(none->timeout, ==, -1);
    g_assert_false(plugins->help);
}

static void
test_errors(void)
{
    static const struct {
        const char *line;
        const char *expected;
    } cases[] = {
        {"host --polcy p -- true", "*--polcy*--policy*"},
        {"host --policy", "*--policy*"},
        {"host --polic p -- true", "unknown option --polic*"},
        {"host --policy-postur x -- true", "unknown option --policy-postur*"},
        {"host --policy -- true", "--policy needs a value"},
        {"host --policy= -- true", "--policy needs a value"},
        {"host --timeout 31536001 -- true", "--timeout*"},
        {"host plugins -- true", "a verb and a command cannot be given together"},
        {"host --policy a --policy b -- true", "--policy is given twice"},
        {"host --timeout soon -- true", "--timeout soon: expected whole seconds*"},
        {"host --timeout -1 -- true", "--timeout*"},
        {"host --quiet=yes -- true", "*--quiet*"},
        {"host true", "*"},
        {"host --timeout 5", "--timeout needs a command*-- COMMAND"},
        {"host --allow-degraded=user", "--allow-degraded needs a command*"},
        {"host --policy p check p",
         "the verb check * must come first: openshell-host check --help*"},
        {"host --quiet init", "the verb init * must come first*"},
        {"host --set a.b=c policy learn", "the verb policy * must come first*"},
        {"host --config c explain", "the verb explain * must come first*"},
        {"host --", "*--*"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshOptions) options = parse(cases[i].line, &error);

        if (options != NULL)
            g_error("'%s' is accepted", cases[i].line);
        if (!g_pattern_match_simple(cases[i].expected, error->message))
            g_error("'%s': '%s' does not match '%s'", cases[i].line, error->message,
                    cases[i].expected);
    }
}

static void
test_help(void)
{
    static const char *const lines[] = {
        "host doctor --help",
        "host doctor -h",
        "host --policy p doctor --help",
        "host doctor --policy p --help",
        "host plugins inspect x --help",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshOptions) options = parse(lines[i], &error);

        g_assert_no_error(error);
        g_assert_true(options->help);
        g_assert_cmpint(options->verb, !=, OSH_VERB_HELP);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/every-option-is-read-and-the-command-left-alone", test_everything);
    g_test_add_func("/options/a-verb-takes-what-follows-it", test_verbs);
    g_test_add_func("/options/help-behind-a-verb-is-about-the-verb", test_help);
    g_test_add_func("/options/every-mistake-is-an-error-that-names-it", test_errors);
    return g_test_run();
}
