/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins from the file to their end, with plugins that do what this program tells them: which take
 * part, in which order they start and stop, and what one that fails or hangs does to the others.
 */
#include "registry.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "contributions.h"
#include "remove-tree-test-support.h"
#include "testdata/told-plugin.h"

#define SOON (300 * G_TIME_SPAN_MILLISECOND)

typedef struct {
    char *folder;
    OshBus *bus;
    OshRegistry *registry;
    guint finished;
    GError *error;      /* of the last walk */
    const char *failed; /* the required plugin that failed while it ran */
} Fixture;

/* What the plugins are told, and what they were asked: "start first, start second". */
static struct {
    GString *asked;
    const char *fails; /* who fails to be created, or to start */
    const char *hangs; /* who does not answer yet */
    OshReadyFunc ready;
    OshDoneFunc done;
    gpointer data;
    const OshLaunchContributorInterface *contributor;
} told;

static void
note(const char *what, const char *id)
{
    g_string_append_printf(told.asked, "%s%s %s", told.asked->len > 0 ? ", " : "", what, id);
}

static void
expect_asked(const char *text)
{
    g_assert_cmpstr(told.asked->str, ==, text);
    g_string_truncate(told.asked, 0);
}

gboolean
told_create(const char *id, GError **error)
{
    note("create", id);
    if (g_strcmp0(told.fails, id) != 0)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "told to fail");
    return FALSE;
}

void
told_start(const char *id, OshReadyFunc ready, gpointer data)
{
    g_autoptr(GError) error = NULL;

    note("start", id);
    if (g_strcmp0(told.hangs, id) == 0) {
        told.ready = ready;
        told.data = data;
        return;
    }
    if (g_strcmp0(told.fails, id) == 0)
        error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "told to fail");
    ready(data, error);
}

void
told_stop(const char *id, OshDoneFunc done, gpointer data)
{
    note("stop", id);
    if (g_strcmp0(told.hangs, id) == 0) {
        told.done = done;
        told.data = data;
        return;
    }
    done(data);
}

void
told_destroy(const char *id)
{
    note("destroy", id);
}

gboolean
told_get_interface(const char *id, const char *interface, OshInterface *ret_interface)
{
    static const guint32 nothing = sizeof nothing;
    gboolean contributes = g_str_equal(interface, OSH_INTERFACE_LAUNCH_CONTRIBUTOR);

    *ret_interface =
        (OshInterface){id, contributes ? (gconstpointer)told.contributor : &nothing, (gpointer)id};
    return TRUE;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    memset(&told, 0, sizeof told);
    told.asked = g_string_new(NULL);
    fixture->folder = g_dir_make_tmp("osh-registry-XXXXXX", NULL);
    fixture->bus = osh_bus_new(NULL, NULL, NULL);
    fixture->registry = osh_registry_new(fixture->bus);
}

/*
 * A plugin is loaded as /proc/self/fd/N and never unloaded, so that the linker would give the one
 * of an earlier test for the same number: those of this test are used up.
 */
static void
use_up_descriptors(void)
{
    for (guint i = 0; i < 8; i++)
        g_assert_cmpint(open("/dev/null", O_RDONLY | O_CLOEXEC), >=, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_registry_free(fixture->registry);
    use_up_descriptors();
    g_object_unref(fixture->bus);
    g_clear_error(&fixture->error);
    g_string_free(told.asked, TRUE);
    osh_test_remove_tree(fixture->folder);
    g_free(fixture->folder);
}

/* @as: (nullable): the name of the file, which decides the order in which plugins are found. */
static char *
copy_plugin(const char *folder, const char *id, const char *as)
{
    g_autofree char *name = g_strdup_printf("told-%s.so", id);
    g_autofree char *from = g_build_filename(TOLD_DIRECTORY, name, NULL);
    char *to = g_build_filename(folder, as != NULL ? as : name, NULL);
    g_autofree char *bytes = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
    g_assert_true(
        g_file_set_contents_full(to, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    return to;
}

/* Finds the plugins of @ids, in the order of the letters. */
static void
scan(Fixture *fixture, const char *ids)
{
    g_auto(GStrv) names = g_strsplit(ids, " ", -1);

    for (gsize i = 0; names[i] != NULL; i++)
        g_free(copy_plugin(fixture->folder, names[i], NULL));
    g_assert_true(osh_registry_scan(fixture->registry, fixture->folder, NULL));
}

static void
configure(Fixture *fixture, const char *text, const char *writable)
{
    g_autoptr(OshConfig) config = osh_config_new();
    const char *paths[] = {writable, NULL};

    g_assert_true(osh_config_parse(config, "f", text, strlen(text), NULL));
    g_assert_true(osh_registry_configure(fixture->registry, config, paths, NULL));
}

static OshPlugin *
find(Fixture *fixture, const char *id)
{
    OshPlugin *plugin = osh_registry_find(fixture->registry, id);

    g_assert_nonnull(plugin);
    return plugin;
}

static void
expect_state(Fixture *fixture, const char *id, OshPluginState state, const char *reason)
{
    const OshPlugin *plugin = find(fixture, id);

    g_assert_cmpstr(osh_plugin_state_name(osh_plugin_state(plugin)), ==,
                    osh_plugin_state_name(state));
    if (reason != NULL && (plugin->reason == NULL || strstr(plugin->reason, reason) == NULL))
        g_error("'%s' does not say '%s'", plugin->reason, reason);
}

static void
walk_finished(const GError *error, gpointer data)
{
    Fixture *fixture = data;

    fixture->finished++;
    g_clear_error(&fixture->error);
    if (error != NULL)
        fixture->error = g_error_copy(error);
}

static void
wait_for_walk(Fixture *fixture, guint finished)
{
    gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    while (fixture->finished < finished && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(fixture->finished, ==, finished);
}

static void
start(Fixture *fixture, gint64 time)
{
    guint finished = fixture->finished;

    osh_registry_start(fixture->registry, g_get_monotonic_time() + time, walk_finished, fixture);
    g_assert_cmpuint(fixture->finished, ==, finished);
    wait_for_walk(fixture, finished + 1);
}

static void
stop(Fixture *fixture, gint64 time)
{
    osh_registry_stop(fixture->registry, g_get_monotonic_time() + time, walk_finished, fixture);
    wait_for_walk(fixture, fixture->finished + 1);
}

static void
create_all(Fixture *fixture, const char *ids)
{
    g_autoptr(GError) error = NULL;

    scan(fixture, ids);
    configure(fixture, "", NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, &error));
    g_assert_no_error(error);
}

/* --- Which plugins take part ------------------------------------------------------------------
 */

static void
test_order(Fixture *fixture, gconstpointer data)
{
    (void)data;
    create_all(fixture, "third second first alone");
    expect_asked("create alone, create first, create second, create third");
    start(fixture, SOON);
    g_assert_no_error(fixture->error);
    expect_asked("start alone, start first, start second, start third");
    expect_state(fixture, "third", OSH_PLUGIN_READY, NULL);
    stop(fixture, SOON);
    expect_asked("stop third, stop second, stop first, stop alone");
    expect_state(fixture, "first", OSH_PLUGIN_STOPPED, NULL);
    g_clear_pointer(&fixture->registry, osh_registry_free);
    expect_asked("destroy third, destroy second, destroy first, destroy alone");
}

static void
test_missing_requirement(Fixture *fixture, gconstpointer data)
{
    (void)data;
    create_all(fixture, "second third alone");
    expect_asked("create alone");
    expect_state(fixture, "second", OSH_PLUGIN_FAILED, "requires test.first/1");
    expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
}

/* Whichever was found first: the third is looked at before the second, which falls. */
static void
test_missing_requirement_of_a_later_one(Fixture *fixture, gconstpointer data)
{
    g_autofree char *third = copy_plugin(fixture->folder, "third", "a.so");
    g_autofree char *second = copy_plugin(fixture->folder, "second", "b.so");

    (void)data;
    create_all(fixture, "alone");
    expect_asked("create alone");
    expect_state(fixture, "second", OSH_PLUGIN_FAILED, "requires test.first/1");
    expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
}

/* An entry that ends before create was never built against plugin.h. */
static void
test_small_entry(Fixture *fixture, gconstpointer data)
{
    (void)data;
    create_all(fixture, "alone small");
    expect_asked("create alone");
    expect_state(fixture, "small", OSH_PLUGIN_FAILED, "entry of 8 bytes");
}

static void
test_failed_create_takes_along(Fixture *fixture, gconstpointer data)
{
    (void)data;
    told.fails = "second";
    create_all(fixture, "first second third");
    expect_asked("create first, create second");
    expect_state(fixture, "second", OSH_PLUGIN_FAILED, "told to fail");
    expect_state(fixture, "third", OSH_PLUGIN_FAILED, "requires test.second/1");
    start(fixture, SOON);
    stop(fixture, SOON);
    expect_asked("start first, stop first");
}

static void
test_own_interface_satisfies(Fixture *fixture, gconstpointer data)
{
    static const OshInterface own = {"host", &own, NULL};
    OshInterface found = {0};

    (void)data;
    osh_registry_add_interface(fixture->registry, "test.first/1", &own);
    create_all(fixture, "second");
    expect_asked("create second");
    g_assert_true(osh_registry_get_interface(fixture->registry, "test.first/1", &found));
    g_assert_cmpstr(found.provider, ==, "host");
}

static void
test_one_provider_of_a_role(Fixture *fixture, gconstpointer data)
{
    (void)data;
    create_all(fixture, "launcher launcher-too");
    expect_asked("create launcher-too");
    expect_state(fixture, "launcher", OSH_PLUGIN_FAILED, "launcher-too is it");
}

static void
test_disabled_leaves_the_role(Fixture *fixture, gconstpointer data)
{
    (void)data;
    scan(fixture, "launcher launcher-too");
    configure(fixture, "[plugin launcher-too]\nenabled=false\n", NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    expect_asked("create launcher");
    expect_state(fixture, "launcher-too", OSH_PLUGIN_DISABLED, NULL);
}

static void
test_first_of_an_id(Fixture *fixture, gconstpointer data)
{
    g_autofree char *first = copy_plugin(fixture->folder, "alone", "a.so");
    g_autofree char *second = copy_plugin(fixture->folder, "alone", "b.so");
    const GPtrArray *plugins;

    (void)data;
    create_all(fixture, "first");
    expect_asked("create alone, create first");
    plugins = osh_registry_plugins(fixture->registry);
    g_assert_cmpstr(find(fixture, "alone")->path, ==, first);
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (g_str_equal(plugin->path, second))
            g_assert_nonnull(strstr(plugin->reason, "the id is already taken by"));
    }
}

static void
test_replaceable_from_the_box(Fixture *fixture, gconstpointer data)
{
    (void)data;
    scan(fixture, "alone");
    configure(fixture, "", fixture->folder);
    expect_state(fixture, "alone", OSH_PLUGIN_FAILED, "programs in the box could replace it");
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    expect_asked("");
}

static void
test_required_must_be_usable(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    told.fails = "alone";
    scan(fixture, "alone first");
    configure(fixture, "[plugin alone]\nrequired=true\n", NULL);
    g_assert_false(osh_registry_create_all(fixture->registry, &error));
    g_assert_nonnull(strstr(error->message, "the required plugin alone"));
    g_assert_nonnull(strstr(error->message, "told to fail"));
}

static void
test_interfaces(Fixture *fixture, gconstpointer data)
{
    OshInterface found[3] = {{0}, {0}, {"guard", NULL, NULL}};

    (void)data;
    create_all(fixture, "first second");
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
    osh_registry_fault(fixture->registry, find(fixture, "first"), OSH_FAULT_FATAL, "told to");
    g_assert_cmpuint(osh_registry_find_interfaces(fixture->registry, "test.many/1", found, 2), ==,
                     1);
    g_assert_cmpstr(found[0].provider, ==, "second");
}

/* --- Starting, stopping, failing --------------------------------------------------------------
 */

static void
test_failed_start(Fixture *fixture, gconstpointer data)
{
    (void)data;
    told.fails = "alone";
    scan(fixture, "alone first");
    configure(fixture, "", NULL);
    told.fails = NULL;
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    told.fails = "alone";
    g_string_truncate(told.asked, 0);
    start(fixture, SOON);
    g_assert_no_error(fixture->error);
    expect_asked("start alone, start first");
    expect_state(fixture, "alone", OSH_PLUGIN_FAILED, "told to fail");
    stop(fixture, SOON);
    expect_asked("stop first");
}

static void
start_required(Fixture *fixture, const char *id)
{
    g_autofree char *text = g_strdup_printf("[plugin %s]\nrequired=true\n", id);

    scan(fixture, "alone first second");
    configure(fixture, text, NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    g_string_truncate(told.asked, 0);
}

static void
test_failed_start_of_a_required_one(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "first");
    told.fails = "first";
    start(fixture, SOON);
    g_assert_nonnull(fixture->error);
    g_assert_nonnull(strstr(fixture->error->message, "the required plugin first did not start"));
    expect_asked("start alone, start first");
    stop(fixture, SOON);
    expect_asked("stop alone");
}

static void
test_never_ready(Fixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    (void)data;
    start_required(fixture, "first");
    told.hangs = "first";
    start(fixture, SOON);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 10 * SOON);
    g_assert_nonnull(strstr(fixture->error->message, "was not ready in time"));
    /* It answers after all: nothing more comes of it. */
    told.ready(told.data, NULL);
    wait_for_walk(fixture, 1);
    expect_asked("start alone, start first");
    expect_state(fixture, "first", OSH_PLUGIN_FAILED, "was not ready in time");
}

static void
test_ready_later(Fixture *fixture, gconstpointer data)
{
    (void)data;
    create_all(fixture, "alone first second");
    told.hangs = "first";
    g_string_truncate(told.asked, 0);
    osh_registry_start(fixture->registry, g_get_monotonic_time() + 100 * SOON, walk_finished,
                       fixture);
    while (told.ready == NULL)
        g_main_context_iteration(NULL, TRUE);
    expect_asked("start alone, start first");
    told.ready(told.data, NULL);
    /* Twice is once. */
    told.ready(told.data, NULL);
    wait_for_walk(fixture, 1);
    expect_asked("start second");
    expect_state(fixture, "second", OSH_PLUGIN_READY, NULL);
}

static void
test_never_stops(Fixture *fixture, gconstpointer data)
{
    gint64 began;

    (void)data;
    start_required(fixture, "first");
    start(fixture, SOON);
    expect_asked("start alone, start first, start second");
    told.hangs = "second";
    began = g_get_monotonic_time();
    stop(fixture, SOON);
    g_assert_cmpint(g_get_monotonic_time() - began, >=, SOON / 2);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 10 * SOON);
    expect_asked("stop second, stop first, stop alone");
    expect_state(fixture, "second", OSH_PLUGIN_FAILED, "did not stop in time");
    expect_state(fixture, "first", OSH_PLUGIN_STOPPED, NULL);
    expect_state(fixture, "alone", OSH_PLUGIN_STOPPED, NULL);
    /* The late answer is not taken for anything. */
    told.done(told.data);
    expect_state(fixture, "second", OSH_PLUGIN_FAILED, NULL);
    g_assert_cmpuint(fixture->finished, ==, 2);
}

static void
test_required_never_stops(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "second");
    start(fixture, SOON);
    told.hangs = "second";
    g_string_truncate(told.asked, 0);
    stop(fixture, SOON);
    g_assert_no_error(fixture->error);
    expect_asked("stop second, stop first, stop alone");
}

/* An answer to the start that comes during the stop is no answer to the stop. */
static void
test_ready_during_the_stop(Fixture *fixture, gconstpointer data)
{
    OshReadyFunc ready;
    gpointer start_data;

    (void)data;
    create_all(fixture, "alone first");
    told.hangs = "first";
    start(fixture, SOON);
    ready = told.ready;
    start_data = told.data;
    told.hangs = "alone";
    told.done = NULL;
    osh_registry_stop(fixture->registry, g_get_monotonic_time() + 100 * SOON, walk_finished,
                      fixture);
    while (told.done == NULL)
        g_main_context_iteration(NULL, TRUE);
    ready(start_data, NULL);
    expect_state(fixture, "alone", OSH_PLUGIN_STOPPING, NULL);
    g_assert_cmpuint(fixture->finished, ==, 1);
    told.done(told.data);
    wait_for_walk(fixture, 2);
    expect_state(fixture, "alone", OSH_PLUGIN_STOPPED, NULL);
}

static void
required_failed(const OshPlugin *plugin, gpointer data)
{
    Fixture *fixture = data;

    fixture->failed = osh_plugin_id(plugin);
}

static void
test_fault_at_work(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start_required(fixture, "first");
    osh_registry_on_required_failed(fixture->registry, required_failed, fixture);
    start(fixture, SOON);
    osh_registry_fault(fixture->registry, find(fixture, "first"), OSH_FAULT_DEGRADED, "a bit");
    expect_state(fixture, "first", OSH_PLUGIN_READY, NULL);
    osh_registry_fault(fixture->registry, find(fixture, "alone"), OSH_FAULT_FATAL, "gone");
    expect_state(fixture, "alone", OSH_PLUGIN_FAILED, "gone");
    g_assert_null(fixture->failed);
    osh_registry_fault(fixture->registry, find(fixture, "first"), OSH_FAULT_FATAL, "gone too");
    g_assert_cmpstr(fixture->failed, ==, "first");
    g_string_truncate(told.asked, 0);
    /* One that failed at work still has threads to end. */
    stop(fixture, SOON);
    expect_asked("stop second, stop first, stop alone");
}

static void
test_stop_of_none(Fixture *fixture, gconstpointer data)
{
    (void)data;
    stop(fixture, SOON);
    start(fixture, SOON);
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
test_contributions(Fixture *fixture, gconstpointer data)
{
    static const OshLaunchContributorInterface vtable = {sizeof vtable, contribute};
    const OshBoxInfo box = {.struct_size = sizeof box};
    g_autoptr(OshContributionSet) set = NULL;
    g_autoptr(GError) error = NULL;
    const OshContributions *all;

    wanted = data;
    told.contributor = &vtable;
    create_all(fixture, "gives lends");
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
    g_test_add("/registry/" name, Fixture, NULL, set_up, function, tear_down)
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

        g_test_add(path, Fixture, &contributions[i], set_up, test_contributions, tear_down);
    }
    return g_test_run();
}
