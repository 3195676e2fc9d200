/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins from the file to their end, with plugins that do what this program tells them: which take
 * part, in which order they start and osh_told_stop, and what one that fails or hangs does to the
 * others.
 */
#include "registry.h"

#include <string.h>

#include "contributions.h"
#include "told-plugins-test-support.h"

#define SOON (300 * G_TIME_SPAN_MILLISECOND)

/* --- Which plugins take part ------------------------------------------------------------------
 */

static void
test_order(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "third second first alone");
    osh_told_expect_asked("create alone, create first, create second, create third");
    osh_told_start(fixture, SOON);
    g_assert_no_error(fixture->error);
    osh_told_expect_asked("start alone, start first, start second, start third");
    osh_told_expect_state(fixture, "third", OSH_PLUGIN_READY, NULL);
    osh_told_stop(fixture, SOON);
    osh_told_expect_asked("stop third, stop second, stop first, stop alone");
    osh_told_expect_state(fixture, "first", OSH_PLUGIN_STOPPED, NULL);
    g_clear_pointer(&fixture->registry, osh_registry_free);
    osh_told_expect_asked("destroy third, destroy second, destroy first, destroy alone");
}

static void
test_missing_requirement(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "second third alone");
    osh_told_expect_asked("create alone");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, "requires test.first/1");
    osh_told_expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
}

/* Whichever was found first: the third is looked at before the second, which falls. */
static void
test_missing_requirement_of_a_later_one(OshToldFixture *fixture, gconstpointer data)
{
    g_autofree char *third = osh_told_copy_plugin(fixture->folder, "third", "a.so");
    g_autofree char *second = osh_told_copy_plugin(fixture->folder, "second", "b.so");

    (void)data;
    osh_told_create_all(fixture, "alone");
    osh_told_expect_asked("create alone");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, "requires test.first/1");
    osh_told_expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
}

/* An entry that ends before create was never built against plugin.h. */
static void
test_small_entry(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "alone small");
    osh_told_expect_asked("create alone");
    osh_told_expect_state(fixture, "small", OSH_PLUGIN_FAILED, "entry of 8 bytes");
}

static void
test_failed_create_takes_along(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told.fails = "second";
    osh_told_create_all(fixture, "first second third");
    osh_told_expect_asked("create first, create second");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, "told to fail");
    osh_told_expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
    osh_told_start(fixture, SOON);
    osh_told_stop(fixture, SOON);
    osh_told_expect_asked("start first, stop first");
}

static void
test_own_interface_satisfies(OshToldFixture *fixture, gconstpointer data)
{
    static const OshInterface own = {"host", &own, NULL};
    OshInterface found = {0};

    (void)data;
    osh_told_scan(fixture, "second");
    osh_registry_add_interface(fixture->registry, "test.first/1", &own);
    osh_told_create_scanned(fixture);
    osh_told_expect_asked("create second");
    g_assert_true(osh_registry_get_interface(fixture->registry, "test.first/1", &found));
    g_assert_cmpstr(found.provider, ==, "host");
}

static void
test_one_provider_of_a_role(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "launcher launcher-too");
    osh_told_expect_asked("create launcher-too");
    osh_told_expect_state(fixture, "launcher", OSH_PLUGIN_FAILED, "launcher-too is it");
}

static void
test_disabled_leaves_the_role(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_scan(fixture, "launcher launcher-too");
    osh_told_configure(fixture, "[plugin launcher-too]\nenabled=false\n", NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    osh_told_expect_asked("create launcher");
    osh_told_expect_state(fixture, "launcher-too", OSH_PLUGIN_DISABLED, NULL);
}

static void
test_first_of_an_id(OshToldFixture *fixture, gconstpointer data)
{
    g_autofree char *first = osh_told_copy_plugin(fixture->folder, "alone", "a.so");
    g_autofree char *second = osh_told_copy_plugin(fixture->folder, "alone", "b.so");
    const GPtrArray *plugins;

    (void)data;
    osh_told_create_all(fixture, "first");
    osh_told_expect_asked("create alone, create first");
    plugins = osh_registry_plugins(fixture->registry);
    g_assert_cmpstr(osh_told_find(fixture, "alone")->path, ==, first);
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (g_str_equal(plugin->path, second))
            g_assert_nonnull(strstr(plugin->reason, "the id is already taken by"));
    }
}

static void
test_replaceable_from_the_box(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_scan(fixture, "alone");
    osh_told_configure(fixture, "", fixture->folder);
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_FAILED,
                          "programs in the box could replace it");
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    osh_told_expect_asked("");
}

static void
test_required_must_be_usable(OshToldFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    osh_told.fails = "alone";
    osh_told_scan(fixture, "alone first");
    osh_told_configure(fixture, "[plugin alone]\nrequired=true\n", NULL);
    g_assert_false(osh_registry_create_all(fixture->registry, &error));
    g_assert_nonnull(strstr(error->message, "the required plugin alone"));
    g_assert_nonnull(strstr(error->message, "told to fail"));
}

static void
test_interfaces(OshToldFixture *fixture, gconstpointer data)
{
    OshInterface found[3] = {{0}, {0}, {"guard", NULL, NULL}};

    (void)data;
    osh_told_create_all(fixture, "first second");
    g_assert_cmpuint(osh_registry_find_interfaces(fixture->registry, "test.many/1", found, 2), ==,
                     2);
    g_assert_cmpstr(found[0].provider, ==, "first");
    g_assert_cmpstr(found[1].provider, ==, "second");
    memset(found, 0, sizeof found);
    g_assert_cmpuint(osh_registry_find_interfaces(fixture->registry, "test.many/1", found, 1), ==,
                     2);
    g_assert_cmpstr(found[0].provider, ==, "first");
    g_assert_null(found[1].provider);
    g_assert_cmpuint(osh_registry_find_interfaces(fixture->registry, "test.many/1", NULL, 0), ==,
                     2);
    /* What its manifest does not name a plugin does not provide, whatever it answers. */
    g_assert_false(osh_registry_get_interface(fixture->registry, "test.other/1", found));
    osh_registry_fault(fixture->registry, osh_told_find(fixture, "first"), OSH_FAULT_FATAL,
                       "told to");
    g_assert_cmpuint(osh_registry_find_interfaces(fixture->registry, "test.many/1", found, 2), ==,
                     1);
    g_assert_cmpstr(found[0].provider, ==, "second");
}

static void
test_provides_is_kept(OshToldFixture *fixture, gconstpointer data)
{
    OshInterface found;

    (void)data;
    osh_told.denies = "test.first/1";
    osh_told_create_all(fixture, "alone first second");
    osh_told_expect_asked("create alone, create first");
    osh_told_expect_state(fixture, "first", OSH_PLUGIN_FAILED,
                          "its manifest provides test.first/1, but its get_interface does not "
                          "answer for it");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, "requires test.first/1");
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_CREATED, NULL);
    g_assert_false(osh_registry_get_interface(fixture->registry, "test.many/1", &found));
}

/* An answer without a table of functions is none. */
static void
test_provides_nothing(OshToldFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    osh_told_scan(fixture, "gives");
    osh_told_configure(fixture, "[plugin gives]\nrequired=true\n", NULL);
    g_assert_false(osh_registry_create_all(fixture->registry, &error));
    g_assert_nonnull(strstr(error->message, "the required plugin gives"));
    g_assert_nonnull(strstr(error->message, "provides openshell.launch-contributor/1, but"));
}

static void
test_provider_is_known(OshToldFixture *fixture, gconstpointer data)
{
    OshInterface found = {0};

    (void)data;
    osh_told.pretends = "somebody-else";
    osh_told_create_all(fixture, "first");
    g_assert_true(osh_registry_get_interface(fixture->registry, "test.first/1", &found));
    g_assert_cmpstr(found.provider, ==, "first");
}

static void
test_one_network(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "carries carries-too");
    osh_told_expect_asked("create carries-too");
    osh_told_expect_state(fixture, "carries", OSH_PLUGIN_FAILED,
                          "the role network can have one provider only, and carries-too is it");
}

/* --disable takes the word of a role, and then none plays it. */
static void
test_role_is_disabled(OshToldFixture *fixture, gconstpointer data)
{
    const OshPluginSet *set;

    (void)data;
    osh_told_scan(fixture, "alone carries carries-too");
    set = osh_registry_set(fixture->registry);
    g_assert_true(osh_plugin_set_role(set, OSH_ROLE_NETWORK) ==
                  osh_told_find(fixture, "carries-too"));
    osh_told_configure(fixture, "[plugin network]\nenabled=false\n", NULL);
    g_assert_null(osh_plugin_set_role(set, OSH_ROLE_NETWORK));
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    osh_told_expect_asked("create alone");
    osh_told_expect_state(fixture, "carries", OSH_PLUGIN_DISABLED, NULL);
    osh_told_expect_state(fixture, "carries-too", OSH_PLUGIN_DISABLED, NULL);
}

/* --- Starting, stopping, failing --------------------------------------------------------------
 */

static void
test_failed_start(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told.fails = "alone";
    osh_told_scan(fixture, "alone first");
    osh_told_configure(fixture, "", NULL);
    osh_told.fails = NULL;
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    osh_told.fails = "alone";
    g_string_truncate(osh_told.asked, 0);
    osh_told_start(fixture, SOON);
    g_assert_no_error(fixture->error);
    osh_told_expect_asked("start alone, start first");
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_FAILED, "told to fail");
    osh_told_stop(fixture, SOON);
    osh_told_expect_asked("stop first");
}

static void
start_required(OshToldFixture *fixture, const char *id)
{
    g_autofree char *text = g_strdup_printf("[plugin %s]\nrequired=true\n", id);

    osh_told_scan(fixture, "alone first second");
    osh_told_configure(fixture, text, NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    g_string_truncate(osh_told.asked, 0);
}

static void
test_failed_start_of_a_required_one(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "first");
    osh_told.fails = "first";
    osh_told_start(fixture, SOON);
    g_assert_nonnull(fixture->error);
    g_assert_nonnull(strstr(fixture->error->message, "the required plugin first did not start"));
    osh_told_expect_asked("start alone, start first");
    osh_told_stop(fixture, SOON);
    osh_told_expect_asked("stop alone");
}

static void
test_never_ready(OshToldFixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    (void)data;
    start_required(fixture, "first");
    osh_told.hangs = "first";
    osh_told_start(fixture, SOON);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 10 * SOON);
    g_assert_nonnull(strstr(fixture->error->message, "was not ready in time"));
    /* It answers after all: nothing more comes of it. */
    osh_told.ready(osh_told.data, NULL);
    osh_told_wait_for_walk(fixture, 1);
    osh_told_expect_asked("start alone, start first");
    osh_told_expect_state(fixture, "first", OSH_PLUGIN_FAILED, "was not ready in time");
}

static void
test_ready_later(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "alone first second");
    osh_told.hangs = "first";
    g_string_truncate(osh_told.asked, 0);
    osh_registry_start(fixture->registry, g_get_monotonic_time() + 100 * SOON,
                       osh_told_walk_finished, fixture);
    while (osh_told.ready == NULL)
        g_main_context_iteration(NULL, TRUE);
    osh_told_expect_asked("start alone, start first");
    osh_told.ready(osh_told.data, NULL);
    /* Twice is once. */
    osh_told.ready(osh_told.data, NULL);
    osh_told_wait_for_walk(fixture, 1);
    osh_told_expect_asked("start second");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_READY, NULL);
}

static void
test_never_stops(OshToldFixture *fixture, gconstpointer data)
{
    gint64 began;

    (void)data;
    start_required(fixture, "first");
    osh_told_start(fixture, SOON);
    osh_told_expect_asked("start alone, start first, start second");
    osh_told.hangs = "second";
    began = g_get_monotonic_time();
    osh_told_stop(fixture, SOON);
    g_assert_cmpint(g_get_monotonic_time() - began, >=, SOON / 2);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 10 * SOON);
    osh_told_expect_asked("stop second, stop first, stop alone");
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, "did not stop in time");
    osh_told_expect_state(fixture, "first", OSH_PLUGIN_STOPPED, NULL);
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_STOPPED, NULL);
    /* The late answer is not taken for anything. */
    osh_told.done(osh_told.data);
    osh_told_expect_state(fixture, "second", OSH_PLUGIN_FAILED, NULL);
    g_assert_cmpuint(fixture->finished, ==, 2);
}

static void
test_required_never_stops(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "second");
    osh_told_start(fixture, SOON);
    osh_told.hangs = "second";
    g_string_truncate(osh_told.asked, 0);
    osh_told_stop(fixture, SOON);
    g_assert_no_error(fixture->error);
    osh_told_expect_asked("stop second, stop first, stop alone");
}

/* An answer to the start that comes during the stop is no answer to the stop. */
static void
test_ready_during_the_stop(OshToldFixture *fixture, gconstpointer data)
{
    OshReadyFunc ready;
    gpointer start_data;

    (void)data;
    osh_told_create_all(fixture, "alone first");
    osh_told.hangs = "first";
    osh_told_start(fixture, SOON);
    ready = osh_told.ready;
    start_data = osh_told.data;
    osh_told.hangs = "alone";
    osh_told.done = NULL;
    osh_registry_stop(fixture->registry, g_get_monotonic_time() + 100 * SOON,
                      osh_told_walk_finished, fixture);
    while (osh_told.done == NULL)
        g_main_context_iteration(NULL, TRUE);
    ready(start_data, NULL);
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_STOPPING, NULL);
    g_assert_cmpuint(fixture->finished, ==, 1);
    osh_told.done(osh_told.data);
    osh_told_wait_for_walk(fixture, 2);
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_STOPPED, NULL);
}

static void
required_failed(const OshPlugin *plugin, gpointer data)
{
    OshToldFixture *fixture = data;

    fixture->failed = osh_plugin_id(plugin);
}

static void
test_fault_at_work(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "first");
    osh_registry_on_required_failed(fixture->registry, required_failed, fixture);
    osh_told_start(fixture, SOON);
    osh_registry_fault(fixture->registry, osh_told_find(fixture, "first"), OSH_FAULT_DEGRADED,
                       "a bit");
    osh_told_expect_state(fixture, "first", OSH_PLUGIN_READY, NULL);
    osh_registry_fault(fixture->registry, osh_told_find(fixture, "alone"), OSH_FAULT_FATAL, "gone");
    osh_told_expect_state(fixture, "alone", OSH_PLUGIN_FAILED, "gone");
    g_assert_null(fixture->failed);
    osh_registry_fault(fixture->registry, osh_told_find(fixture, "first"), OSH_FAULT_FATAL,
                       "gone too");
    g_assert_cmpstr(fixture->failed, ==, "first");
    g_string_truncate(osh_told.asked, 0);
    /* One that failed at work still has threads to end. */
    osh_told_stop(fixture, SOON);
    osh_told_expect_asked("stop second, stop first, stop alone");
}

static void
test_stop_of_none(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_told_create_all(fixture, "");
    osh_told_stop(fixture, SOON);
    osh_told_start(fixture, SOON);
    g_assert_no_error(fixture->error);
}

/* --- What plugins put into the box ------------------------------------------------------------
 */

/* What each of the two contributors asks for, and whether it takes a no for an answer. */
typedef struct {
    const char *sentence;
    const char *variable;
    const char *file;
    const char *file_too; /* of the second contributor */
    const char *variable_too;
    const char *refusal; /* NULL: nothing is wrong */
} Contribution;

static const Contribution contributions[] = {
    {"variables-and-files-of-two-go-together", "ONE", "/run/a", "/run/b", "TWO", NULL},
    {"a-variable-of-two-is-refused", "ONE", NULL, NULL, "ONE",
     "plugin lends cannot put the variable ONE into the box: plugin gives does so already"},
    {"a-file-of-two-is-refused", NULL, "/run/a", "/run/a", NULL,
     "plugin lends cannot put the file /run/a into the box: plugin gives does so already"},
    {"LD_-is-refused", "LD_PRELOAD", NULL, NULL, NULL, "variable LD_PRELOAD"},
    {"a-name-with-an-equals-sign-is-refused", "A=B", NULL, NULL, NULL, "variable A=B"},
    {"a-name-that-begins-with-a-digit-is-refused", "1A", NULL, NULL, NULL, "variable 1A"},
    {"an-empty-name-is-refused", "", NULL, NULL, NULL, "variable "},
    {"a-relative-file-is-refused", NULL, "run/a", NULL, NULL, "file run/a"},
    {"a-file-that-goes-up-is-refused", NULL, "/run/../etc/a", NULL, NULL, "file /run/../etc/a"},
    {"the-root-is-no-file", NULL, "/", NULL, NULL, "file /"},
    {"the-first-refusal-is-told", "LD_PRELOAD", "/", NULL, NULL, "variable LD_PRELOAD"},
};
static const Contribution *wanted;

static gboolean
contribute(gpointer instance, const OshBoxInfo *box, const OshContributionBuilder *builder,
           GError **error)
{
    gboolean second = g_str_equal(instance, "lends");
    const char *variable = second ? wanted->variable_too : wanted->variable;
    const char *file = second ? wanted->file_too : wanted->file;

    (void)box;
    (void)error;
    /* The results are ignored: the host has to remember. */
    if (variable != NULL)
        osh_contribution_set_variable(builder, variable, "x");
    if (file != NULL)
        osh_contribution_add_file(builder, file, "y", 1, 06777);
    return TRUE;
}

static void
test_contributions(OshToldFixture *fixture, gconstpointer data)
{
    static const OshLaunchContributorInterface vtable = {sizeof vtable, contribute};
    const OshBoxInfo box = {.struct_size = sizeof box};
    g_autoptr(OshContributionSet) set = NULL;
    g_autoptr(GError) error = NULL;
    const OshContributions *all;

    wanted = data;
    osh_told.contributor = &vtable;
    osh_told_create_all(fixture, "gives lends");
    set = osh_contributions_gather(fixture->registry, &box, &error);
    if (wanted->refusal != NULL) {
        g_assert_null(set);
        if (strstr(error->message, wanted->refusal) == NULL)
            g_error("'%s' does not say '%s'", error->message, wanted->refusal);
        return;
    }
    g_assert_no_error(error);
    all = osh_contributions_get(set);
    g_assert_cmpuint(all->n_variables, ==, 2);
    g_assert_cmpuint(all->n_files, ==, 2);
    g_assert_cmpstr(all->variables[1].name, ==, "TWO");
    g_assert_cmpstr(all->variables[1].provider, ==, "lends");
    g_assert_cmpstr(all->files[0].path, ==, "/run/a");
    /* Nobody may write it, and nothing in it is set-user-ID. */
    g_assert_cmpuint(all->files[0].mode, ==, 0555);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/registry/" name, OshToldFixture, NULL, osh_told_set_up, function,                 \
               osh_told_tear_down)
    ADD("what-is-required-starts-first-and-stops-last", test_order);
    ADD("what-requires-something-that-is-not-there-takes-no-part", test_missing_requirement);
    ADD("and-whichever-was-found-first", test_missing_requirement_of_a_later_one);
    ADD("an-entry-that-is-too-small-is-refused", test_small_entry);
    ADD("one-that-is-not-created-takes-along-what-requires-it", test_failed_create_takes_along);
    ADD("an-interface-of-the-host-satisfies", test_own_interface_satisfies);
    ADD("a-role-has-one-provider", test_one_provider_of_a_role);
    ADD("one-that-is-disabled-leaves-its-role-to-another", test_disabled_leaves_the_role);
    ADD("the-first-plugin-of-an-id-wins", test_first_of_an_id);
    ADD("a-plugin-that-the-box-could-replace-is-refused", test_replaceable_from_the_box);
    ADD("a-required-plugin-that-failed-ends-the-start", test_required_must_be_usable);
    ADD("an-interface-is-found-by-manifest-in-order-and-within-bounds", test_interfaces);
    ADD("one-that-does-not-answer-for-what-it-provides-fails-and-is-named", test_provides_is_kept);
    ADD("an-answer-without-functions-is-none", test_provides_nothing);
    ADD("the-provider-of-an-interface-is-said-by-the-host", test_provider_is_known);
    ADD("the-role-network-has-one-provider", test_one_network);
    ADD("a-role-that-is-disabled-is-played-by-none", test_role_is_disabled);
    ADD("one-that-fails-to-start-holds-nobody-up", test_failed_start);
    ADD("a-required-one-that-fails-to-start-ends-the-start", test_failed_start_of_a_required_one);
    ADD("one-that-is-never-ready-ends-at-the-deadline", test_never_ready);
    ADD("one-that-is-ready-later-is-waited-for", test_ready_later);
    ADD("one-that-never-stops-does-not-keep-the-others-from-being-stopped", test_never_stops);
    ADD("a-required-one-that-never-stops-does-not-either", test_required_never_stops);
    ADD("an-answer-to-the-start-is-no-answer-to-the-stop", test_ready_during_the_stop);
    ADD("a-fault-at-work-ends-the-plugin-or-the-run", test_fault_at_work);
    ADD("without-plugins-there-is-nothing-to-wait-for", test_stop_of_none);
    for (gsize i = 0; i < G_N_ELEMENTS(contributions); i++) {
        g_autofree char *path = g_strdup_printf("/contributions/%s", contributions[i].sentence);

        g_test_add(path, OshToldFixture, &contributions[i], osh_told_set_up, test_contributions,
                   osh_told_tear_down);
    }
    return g_test_run();
}
