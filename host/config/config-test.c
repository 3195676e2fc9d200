/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration file and the command line may say, and how each mistake is told. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#define MANIFEST(id, rest)                                                                         \
    "[plugin]\nid=" id "\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=MIT\n" rest

static GPtrArray *
manifests(void)
{
    static const char *const texts[] = {
        MANIFEST("one", "[config size]\ntype=integer\ndefault=5\n[config names]\ntype=strings\n"
                        "[config identity.root]\ntype=string\n"),
        MANIFEST("com.example.two", "[config file]\ntype=path\n[config on]\ntype=boolean\n"),
    };
    GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)osh_manifest_free);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_ptr_array_add(array, osh_manifest_parse("m", texts[i], strlen(texts[i]), &error));
        g_assert_no_error(error);
    }
    return array;
}

/* Parses, checks and types @text; the first error of the three steps. */
static void
run_all(const char *text, const char *assignment, GError **error)
{
    g_autoptr(OshConfig) config = osh_config_new();
    g_autoptr(GPtrArray) array = manifests();

    if (!osh_config_parse(config, "host.conf", text, strlen(text), error) ||
        (assignment != NULL && !osh_config_set(config, assignment, error)) ||
        !osh_config_check(config, array, error))
        return;
    for (guint i = 0; i < array->len; i++) {
        g_autoptr(GVariant) values =
            osh_config_for_plugin(config, g_ptr_array_index(array, i), error);

        if (values == NULL)
            return;
    }
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *assignment;
        const char *expected;
    } cases[] = {
        {"[hots]\n", NULL, "host.conf:1: unknown group [hots]*"},
        {"[host]\ntimout=3\n", NULL,
         "host.conf:2: unknown key 'timout' in [host]; did you mean timeout?"},
        {"[host]\ntimeout=soon\n", NULL, "host.conf:2: timeout: expected an integer, not 'soon'"},
        {"[host]\ntimeout=-1\n", NULL, "host.conf:2: timeout: expected 0 to 31536000"},
        {"[host]\npolicy=p.yaml\n", NULL, "host.conf:2: policy: expected an absolute path*"},
        {"[host]\nquiet=yes\n", NULL, "host.conf:2: quiet: expected true or false, not 'yes'"},
        {"[plugin]\n", NULL, "host.conf:1: unknown group [plugin]*"},
        {"[plugin On e]\n", NULL, "host.conf:1: 'On e' is not a plugin id"},
        {"[plugin oen]\n", NULL,
         "host.conf:1: no plugin with the id 'oen' was found; did you mean one?*"},
        {"[plugin one]\nenabled=1\n", NULL, "host.conf:2: enabled: expected true or false*"},
        {"[plugin one]\n\nsiez=1\n", NULL,
         "host.conf:3: plugin one has no key 'siez'; did you mean size?*"},
        {"[plugin one]\nnames=a;;b\n", NULL,
         "host.conf:2: names of plugin one: expected words separated by ';', one of them is empty"},
        {"[plugin one]\nnames=;a\n", NULL, "host.conf:2: names of plugin one: expected words*"},
        {"[plugin one]\nsize=big\n", NULL,
         "host.conf:2: size of plugin one: expected an integer, not 'big'"},
        {"", "one.size", "--set one.size: expected --set ID.KEY=VALUE"},
        {"", "size=3", "--set size=3: expected --set ID.KEY=VALUE"},
        {"", "tow.size=3", "--set: no plugin with the id 'tow'*"},
        {"", "one.sizes=3", "--set: plugin one has no key 'sizes'; did you mean size?*"},
        {"", "com.example.two.on=maybe", "--set: on of plugin com.example.two: expected true*"},
        {"[plugin process]\nenabled=true\n", NULL, "host.conf:1: no plugin with the id 'process'*"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        run_all(cases[i].text, cases[i].assignment, &error);
        g_assert_nonnull(error);
        if (!g_pattern_match_simple(cases[i].expected, error->message))
            g_error("case %zu: '%s' does not match '%s'", i, error->message, cases[i].expected);
    }
}

static void
test_values(void)
{
    static const char text[] = "[host]\ntimeout=30\nallow-degraded=landlock;tproxy\n"
                               "[plugin one]\nrequired=true\nnames=a; b ;\n"
                               "[plugin com.example.two]\nenabled=false\non=false\n"
                               "[plugin process]\nenabled=false\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(OshConfig) config = osh_config_new();
    g_autoptr(GPtrArray) array = manifests();
    g_autoptr(GVariant) one = NULL;
    g_autoptr(GVariant) two = NULL;
    g_autofree const char **names = NULL;
    gboolean on = FALSE;
    const char *root = NULL;
    gint64 size = 0;

    g_assert_true(osh_config_parse(config, "f", text, strlen(text), &error));
    osh_config_enable(config, "com.example.two", TRUE, "--enable");
    g_assert_true(osh_config_set(config, "com.example.two.on=true", &error));
    g_assert_true(osh_config_set(config, "one.identity.root=/x=y", &error));
    g_assert_true(osh_config_check(config, array, &error));
    g_assert_no_error(error);
    one = osh_config_for_plugin(config, g_ptr_array_index(array, 0), &error);
    two = osh_config_for_plugin(config, g_ptr_array_index(array, 1), &error);
    g_assert_no_error(error);

    g_assert_true(g_variant_lookup(one, "size", "x", &size));
    g_assert_cmpint(size, ==, 5);
    g_assert_true(g_variant_lookup(one, "names", "^a&s", &names));
    g_assert_cmpstr(names[1], ==, "b");
    g_assert_null(names[2]);
    g_assert_true(g_variant_lookup(one, "identity.root", "&s", &root));
    g_assert_cmpstr(root, ==, "/x=y");
    g_assert_true(g_variant_lookup(two, "on", "b", &on));
    g_assert_true(on);
    g_assert_false(g_variant_lookup(two, "file", "s", NULL));
    g_assert_cmpint(osh_config_enabled(config, "com.example.two"), ==, OSH_TRUE);
    g_assert_cmpint(osh_config_enabled(config, "one"), ==, OSH_UNSET);
    g_assert_cmpint(osh_config_required(config, "one"), ==, OSH_TRUE);
    g_assert_cmpint(osh_config_host_integer(config, "timeout", 0), ==, 30);
    g_assert_cmpint(osh_config_host_integer(config, "shards", 9), ==, 9);
}

/* Without a plugin of that id the word of a role means the plugin that plays it. */
static void
test_roles(void)
{
    static const char text[] = "[plugin process]\nsize=7\nrequired=true\n[plugin com.example.net]\n"
                               "enabled=true\n[plugin network]\nenabled=false\n";
    static const char box_text[] =
        MANIFEST("com.example.box", "provides=openshell.process-launcher/1\n[config size]\n"
                                    "type=integer\n[config publish]\ntype=strings\n");
    static const char net_text[] = MANIFEST("com.example.net", "role=network\n");
    static const char other_text[] = MANIFEST("com.example.other-net", "role=network\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(OshConfig) config = osh_config_new();
    g_autoptr(OshManifest) box = osh_manifest_parse("m", box_text, strlen(box_text), NULL);
    g_autoptr(OshManifest) net = osh_manifest_parse("m", net_text, strlen(net_text), NULL);
    g_autoptr(OshManifest) other = osh_manifest_parse("m", other_text, strlen(other_text), NULL);
    g_autoptr(GPtrArray) array = g_ptr_array_new();
    g_autoptr(GVariant) values = NULL;
    g_autofree const char **ports = NULL;
    gint64 size = 0;

    g_ptr_array_add(array, box);
    g_ptr_array_add(array, net);
    g_ptr_array_add(array, other);
    g_assert_true(osh_config_parse(config, "f", text, strlen(text), &error));
    g_assert_true(osh_config_set(config, "process.publish=80", &error));
    g_assert_true(osh_config_check(config, array, &error));
    g_assert_no_error(error);
    values = osh_config_for_plugin(config, box, &error);
    g_assert_true(g_variant_lookup(values, "size", "x", &size));
    g_assert_cmpint(size, ==, 7);
    g_assert_true(g_variant_lookup(values, "publish", "^a&s", &ports));
    g_assert_cmpstr(ports[0], ==, "80");
    g_assert_cmpint(osh_config_required(config, "com.example.box"), ==, OSH_TRUE);
    g_assert_cmpint(osh_config_enabled(config, "com.example.net"), ==, OSH_TRUE);
    g_assert_cmpint(osh_config_enabled(config, "com.example.other-net"), ==, OSH_FALSE);
}

static void
test_files(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshConfig) config = osh_config_new();

    g_assert_false(osh_config_load(config, "/nonexistent/host.conf", &error));
    g_assert_cmpstr(error->message, ==,
                    "cannot read configuration /nonexistent/host.conf: No such file or directory");
    g_clear_error(&error);
    g_assert_false(osh_config_load(config, "/dev/null", &error));
    g_assert_nonnull(strstr(error->message, "not a regular file"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/every-mistake-is-named-with-its-place", test_errors);
    g_test_add_func("/config/the-command-line-wins-over-the-file-over-the-default", test_values);
    g_test_add_func("/config/the-word-of-a-role-means-the-plugin-that-plays-it", test_roles);
    g_test_add_func("/config/a-file-that-cannot-be-read-is-named", test_files);
    return g_test_run();
}
