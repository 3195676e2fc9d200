/* SPDX-License-Identifier: Apache-2.0 */
/* environment-test.c: what gets into a box's environment, what wins, and what is refused. */
#include "environment.h"

static char agent[] = "agent", home[] = "/home/agent", shell[] = "/bin/bash";
static OshIdentity somebody = {.uid = 1, .gid = 1, .user = agent, .home = home, .shell = shell};

static GStrv
build(OshEnvironmentRequest request)
{
    g_autoptr(GError) error = NULL;
    GStrv strings;

    request.identity = &somebody;
    strings = osh_environment_new(&request, &error);
    g_assert_no_error(error);
    return strings;
}

static void
assert_refused(OshEnvironmentRequest request, int code)
{
    g_autoptr(GError) error = NULL;

    request.identity = &somebody;
    g_assert_null(osh_environment_new(&request, &error));
    g_assert_error(error, OSH_ENVIRONMENT_ERROR, code);
}

static void
test_allow_list(void)
{
    static const char *const host[] = {"PATH=/opt/bin:/bin",
                                       "TERM=xterm",
                                       "LC_ALL=C.UTF-8",
                                       "LC_TIME=de_DE",
                                       "HOME=/root",
                                       "USER=root",
                                       "AWS_SECRET_ACCESS_KEY=secret",
                                       "LD_PRELOAD=/tmp/evil.so",
                                       "OPENSHELL_SANDBOX=name",
                                       "OPENSHELL_SANDBOX_TOKEN=secret",
                                       "https_proxy=http://elsewhere",
                                       NULL};
    g_auto(GStrv) strings = build((OshEnvironmentRequest){.host = host});
    g_autofree char *text = g_strjoinv("\n", strings);

    g_assert_cmpstr(text, ==,
                    "HOME=/home/agent\n"
                    "LC_ALL=C.UTF-8\n"
                    "LC_TIME=de_DE\n"
                    "LOGNAME=agent\n"
                    "OPENSHELL_SANDBOX=1\n"
                    "PATH=/opt/bin:/bin\n"
                    "SHELL=/bin/bash\n"
                    "TERM=xterm\n"
                    "USER=agent");
}

static void
test_empty_host(void)
{
    g_auto(GStrv) strings = build((OshEnvironmentRequest){0});

    g_assert_cmpstr(g_environ_getenv(strings, "PATH"), ==, "/usr/local/bin:/usr/bin:/bin");
    g_assert_cmpstr(g_environ_getenv(strings, "OPENSHELL_SANDBOX"), ==, "1");
}

static void
test_layers(void)
{
    static const char *const host[] = {"PATH=/host", "EDITOR=ed", "MY_A=1", "MY_B=2", NULL};
    static const char *const pass[] = {"EDITOR", "MY_*", NULL};
    static const char *const additions[] = {"MY_B=3", "HTTPS_PROXY=http://past-it",
                                            "EMPTY=", "EQUALS=a=b", NULL};
    static const OshEnvironmentVariable contributions[] = {
        {"HTTPS_PROXY", "http://10.200.0.1:3128"}};
    g_auto(GStrv) strings = build((OshEnvironmentRequest){.host = host,
                                                          .pass = pass,
                                                          .additions = additions,
                                                          .contributions = contributions,
                                                          .n_contributions = 1});

    g_assert_cmpstr(g_environ_getenv(strings, "EDITOR"), ==, "ed");
    g_assert_cmpstr(g_environ_getenv(strings, "MY_A"), ==, "1");
    g_assert_cmpstr(g_environ_getenv(strings, "MY_B"), ==, "3");
    g_assert_cmpstr(g_environ_getenv(strings, "EMPTY"), ==, "");
    g_assert_cmpstr(g_environ_getenv(strings, "EQUALS"), ==, "a=b");
    g_assert_cmpstr(g_environ_getenv(strings, "HTTPS_PROXY"), ==, "http://10.200.0.1:3128");
}

static void
test_what_is_passed_by_name_is_passed(void)
{
    static const char *const host[] = {"HOME=/here", "SHELL=/bin/zsh", "USER=me", "http_proxy=mine",
                                       NULL};
    static const char *const pass[] = {"HOME", "SHELL", "http_proxy", "absent", NULL};
    static const OshEnvironmentVariable contributions[] = {{"http_proxy", "the box's"},
                                                           {"absent", "1"}};
    g_auto(GStrv) strings = build((OshEnvironmentRequest){.host = host, .pass = pass});

    g_assert_cmpstr(g_environ_getenv(strings, "HOME"), ==, "/here");
    g_assert_cmpstr(g_environ_getenv(strings, "SHELL"), ==, "/bin/zsh");
    g_assert_cmpstr(g_environ_getenv(strings, "USER"), !=, "me");
    /* Or it says that it is not. */
    assert_refused((OshEnvironmentRequest){.host = host,
                                           .pass = pass,
                                           .contributions = contributions,
                                           .n_contributions = G_N_ELEMENTS(contributions)},
                   OSH_ENVIRONMENT_ERROR_REFUSED);
}

static void
test_star_filters(void)
{
    static const char *const host[] = {"L=1",
                                       "LD_PRELOAD=/tmp/evil.so",
                                       "OPENSHELL_SANDBOX_TOKEN=secret",
                                       "OPENSHELL_ANYTHING=1",
                                       "OPENER=2",
                                       NULL};
    static const char *const pass[] = {"L*", "OPEN*", NULL};
    g_auto(GStrv) strings = build((OshEnvironmentRequest){.host = host, .pass = pass});

    g_assert_cmpstr(g_environ_getenv(strings, "L"), ==, "1");
    g_assert_null(g_environ_getenv(strings, "LD_PRELOAD"));
    g_assert_cmpstr(g_environ_getenv(strings, "OPENER"), ==, "2");
    g_assert_null(g_environ_getenv(strings, "OPENSHELL_SANDBOX_TOKEN"));
    g_assert_null(g_environ_getenv(strings, "OPENSHELL_ANYTHING"));
}

static void
test_refused_names(void)
{
    static const char *const names[] = {"LD_PRELOAD", "LD_", "LD_LIBRARY_PATH",
                                        "OPENSHELL_SANDBOX_TOKEN", "OPENSHELL_TLS_KEY"};
    static const char *const everything[] = {"*", NULL};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *addition = g_strconcat(names[i], "=x", NULL);
        const char *const pass[] = {names[i], NULL};
        const char *const additions[] = {addition, NULL};
        const OshEnvironmentVariable contribution = {names[i], "x"};

        assert_refused((OshEnvironmentRequest){.pass = pass}, OSH_ENVIRONMENT_ERROR_REFUSED);
        assert_refused((OshEnvironmentRequest){.additions = additions},
                       OSH_ENVIRONMENT_ERROR_REFUSED);
        assert_refused(
            (OshEnvironmentRequest){.contributions = &contribution, .n_contributions = 1},
            OSH_ENVIRONMENT_ERROR_REFUSED);
    }
    assert_refused((OshEnvironmentRequest){.pass = everything}, OSH_ENVIRONMENT_ERROR_REFUSED);
}

static void
test_invalid_names(void)
{
    static const char *const entries[] = {"no-equals", "=x",    "1A=x",
                                          "A-B=x",     "A B=x", "\xc3\xa4=x"};

    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        const char *const additions[] = {entries[i], NULL};

        assert_refused((OshEnvironmentRequest){.additions = additions},
                       OSH_ENVIRONMENT_ERROR_INVALID);
    }
}

static void
test_own_prefix(void)
{
    static const char *const additions[] = {"OPENSHELL_ANYTHING=1", NULL};
    static const OshEnvironmentVariable contribution = {"OPENSHELL_PLACEHOLDER", "x"};
    g_auto(GStrv) strings =
        build((OshEnvironmentRequest){.contributions = &contribution, .n_contributions = 1});

    assert_refused((OshEnvironmentRequest){.additions = additions}, OSH_ENVIRONMENT_ERROR_REFUSED);
    g_assert_cmpstr(g_environ_getenv(strings, "OPENSHELL_PLACEHOLDER"), ==, "x");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/environment/only-listed-names-come-from-the-host", test_allow_list);
    g_test_add_func("/environment/an-empty-host-environment-gives-a-usable-one", test_empty_host);
    g_test_add_func("/environment/what-is-passed-by-name-is-passed",
                    test_what_is_passed_by_name_is_passed);
    g_test_add_func("/environment/later-layers-win-and-contributions-last", test_layers);
    g_test_add_func("/environment/a-star-does-not-pass-what-is-refused", test_star_filters);
    g_test_add_func("/environment/loader-and-supervisor-names-are-refused", test_refused_names);
    g_test_add_func("/environment/malformed-names-are-refused", test_invalid_names);
    g_test_add_func("/environment/only-contributions-may-set-openshell-names", test_own_prefix);
    return g_test_run();
}
