/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contributor under the fake host: what the configuration says is what the box gets.
 */
#include <openshell/testing/osh-fake-host.h>

#include "contributor.c"

static gboolean
keep_variable(gpointer handle, const char *name, const char *value)
{
    g_string_append_printf(handle, "%s=%s ", name, value);
    return TRUE;
}

static gboolean
keep_file(gpointer handle, const char *path, const char *content, gsize length, guint32 mode)
{
    g_string_append_printf(handle, "%s %03o %.*s", path, mode, (int)length, content);
    return TRUE;
}

static void
test_note_says_what_the_configuration_says(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(openshell_manifest_text);
    g_autoptr(GString) kept = g_string_new(NULL);
    OshContributionBuilder builder = {sizeof(OshContributionBuilder), kept, keep_variable,
                                      keep_file};
    OshInterface contributor = {0};
    gpointer self = NULL;

    osh_fake_host_set_config(host, "text", g_variant_new_string("hello"));
    g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &self, NULL));
    g_assert_true(
        openshell_plugin_v1.get_interface(self, OSH_INTERFACE_LAUNCH_CONTRIBUTOR, &contributor));
    g_assert_true(osh_launch_contributor_contribute(&contributor, NULL, &builder, NULL));
    g_assert_cmpstr(kept->str, ==, NOTE_FILE " 444 hello\nNOTE=" NOTE_FILE " ");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contributor/note-says-what-the-configuration-says",
                    test_note_says_what_the_configuration_says);
    return g_test_run();
}
