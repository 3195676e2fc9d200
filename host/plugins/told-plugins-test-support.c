/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told-plugins-test-support.c: plugins that do what a test tells them, and the registry that they
 * are in. [main]. The functions of testdata/told-plugin.c stand here; the plugins find them in the
 * program that loads them.
 */
#include "told-plugins-test-support.h"

#include <fcntl.h>
#include <string.h>

#include "remove-tree-test-support.h"

OshTold osh_told;

static void
note(const char *what, const char *id)
{
    g_string_append_printf(osh_told.asked, "%s%s %s", osh_told.asked->len > 0 ? ", " : "", what,
                           id);
}

void
osh_told_expect_asked(const char *text)
{
    g_assert_cmpstr(osh_told.asked->str, ==, text);
    g_string_truncate(osh_told.asked, 0);
}

gboolean
told_create(const char *id, GError **error)
{
    note("create", id);
    if (g_strcmp0(osh_told.fails, id) != 0)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "told to fail");
    return FALSE;
}

void
told_start(const char *id, OshReadyFunc ready, gpointer data)
{
    g_autoptr(GError) error = NULL;

    note("start", id);
    if (g_strcmp0(osh_told.hangs, id) == 0) {
        osh_told.ready = ready;
        osh_told.data = data;
        return;
    }
    if (g_strcmp0(osh_told.fails, id) == 0)
        error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "told to fail");
    ready(data, error);
}

void
told_stop(const char *id, OshDoneFunc done, gpointer data)
{
    note("stop", id);
    if (g_strcmp0(osh_told.hangs, id) == 0) {
        osh_told.done = done;
        osh_told.data = data;
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
    gconstpointer vtable = &nothing;

    if (g_strcmp0(interface, osh_told.denies) == 0)
        return FALSE;
    if (g_str_equal(interface, OSH_INTERFACE_LAUNCH_CONTRIBUTOR))
        vtable = osh_told.contributor;
    else if (g_str_equal(interface, OSH_INTERFACE_EVENT_SINK))
        vtable = osh_told.sink;
    *ret_interface =
        (OshInterface){osh_told.pretends != NULL ? osh_told.pretends : id, vtable, (gpointer)id};
    return TRUE;
}

void
osh_told_set_up(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    memset(&osh_told, 0, sizeof osh_told);
    osh_told.asked = g_string_new(NULL);
    fixture->folder = g_dir_make_tmp("osh-registry-XXXXXX", NULL);
    fixture->bus = osh_bus_new(NULL, NULL, NULL);
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

void
osh_told_tear_down(OshToldFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_registry_free(fixture->registry);
    use_up_descriptors();
    g_object_unref(fixture->bus);
    g_clear_error(&fixture->error);
    g_string_free(osh_told.asked, TRUE);
    osh_test_remove_tree(fixture->folder);
    g_free(fixture->folder);
}

/* @as: (nullable): the name of the file, which decides the order in which plugins are found. */
char *
osh_told_copy_plugin(const char *folder, const char *id, const char *as)
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
void
osh_told_scan(OshToldFixture *fixture, const char *ids)
{
    g_auto(GStrv) names = g_strsplit(ids, " ", -1);
    OshPluginSet *set = osh_plugin_set_new();

    for (gsize i = 0; *ids != '\0' && names[i] != NULL; i++)
        g_free(osh_told_copy_plugin(fixture->folder, names[i], NULL));
    g_assert_true(osh_plugin_set_scan(set, fixture->folder, NULL));
    fixture->registry = osh_registry_new(fixture->bus, set);
}

void
osh_told_configure(OshToldFixture *fixture, const char *text, const char *writable)
{
    g_autoptr(OshConfig) config = osh_config_new();
    OshPluginSet *set = osh_registry_set(fixture->registry);
    const char *paths[] = {writable, NULL};

    g_assert_true(osh_config_parse(config, "f", text, strlen(text), NULL));
    g_assert_true(osh_plugin_set_check_config(set, config, NULL));
    g_assert_true(osh_plugin_set_configure(set, config, paths, NULL));
}

OshPlugin *
osh_told_find(OshToldFixture *fixture, const char *id)
{
    OshPlugin *plugin = osh_plugin_set_find(osh_registry_set(fixture->registry), id);

    g_assert_nonnull(plugin);
    return plugin;
}

void
osh_told_expect_state(OshToldFixture *fixture, const char *id, OshPluginState state,
                      const char *reason)
{
    const OshPlugin *plugin = osh_told_find(fixture, id);

    g_assert_cmpstr(osh_plugin_state_name(osh_plugin_state(plugin)), ==,
                    osh_plugin_state_name(state));
    if (reason != NULL && (plugin->reason == NULL || strstr(plugin->reason, reason) == NULL))
        g_error("'%s' does not say '%s'", plugin->reason, reason);
}

void
osh_told_walk_finished(const GError *error, gpointer data)
{
    OshToldFixture *fixture = data;

    fixture->finished++;
    g_clear_error(&fixture->error);
    if (error != NULL)
        fixture->error = g_error_copy(error);
}

void
osh_told_wait_for_walk(OshToldFixture *fixture, guint finished)
{
    gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    while (fixture->finished < finished && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(fixture->finished, ==, finished);
}

void
osh_told_start(OshToldFixture *fixture, gint64 time)
{
    guint finished = fixture->finished;

    osh_registry_start(fixture->registry, g_get_monotonic_time() + time, osh_told_walk_finished,
                       fixture);
    g_assert_cmpuint(fixture->finished, ==, finished);
    osh_told_wait_for_walk(fixture, finished + 1);
}

void
osh_told_stop(OshToldFixture *fixture, gint64 time)
{
    osh_registry_stop(fixture->registry, g_get_monotonic_time() + time, osh_told_walk_finished,
                      fixture);
    osh_told_wait_for_walk(fixture, fixture->finished + 1);
}

void
osh_told_create_scanned(OshToldFixture *fixture)
{
    g_autoptr(GError) error = NULL;

    osh_told_configure(fixture, "", NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, &error));
    g_assert_no_error(error);
}

void
osh_told_create_all(OshToldFixture *fixture, const char *ids)
{
    osh_told_scan(fixture, ids);
    osh_told_create_scanned(fixture);
}
