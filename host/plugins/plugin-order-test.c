/* SPDX-License-Identifier: Apache-2.0 */
/* Providers start before who needs them; cycles are found, and cut only at a `wants`. */
#include "plugin-order.h"

#include <string.h>

#define PLUGINS_MAX 4

static void
count_notice(const char *text, gpointer data)
{
    g_assert_nonnull(text);
    (*(guint *)data)++;
}

/* Up to four plugins a, b, c, d; each text is the rest of its manifest. Returns the order as
 * letters, each member of a cycle behind a "!". */
static char *
order(const char *const *rests, guint *ret_notices)
{
    OshManifest *manifests[PLUGINS_MAX] = {NULL};
    gsize indexes[PLUGINS_MAX];
    gboolean cycle[PLUGINS_MAX] = {FALSE};
    GString *letters = g_string_new(NULL);
    gsize n = 0;
    gsize length;

    for (; rests[n] != NULL; n++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf(
            "[plugin]\nid=%c\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=MIT\nprovides=test.%c/1\n"
            "%s",
            (char)('a' + n), (char)('a' + n), rests[n]);

        manifests[n] = osh_manifest_parse("m", text, strlen(text), &error);
        g_assert_no_error(error);
    }
    *ret_notices = 0;
    length = osh_plugin_order((const OshManifest *const *)manifests, n, indexes, cycle,
                              count_notice, ret_notices);
    for (gsize i = 0; i < length; i++)
        g_string_append_c(letters, (char)('a' + indexes[i]));
    for (gsize i = 0; i < n; i++)
        if (cycle[i])
            g_string_append_printf(letters, "!%c", (char)('a' + i));
    for (gsize i = 0; i < n; i++)
        osh_manifest_free(manifests[i]);
    return g_string_free(letters, FALSE);
}

static void
test_table(void)
{
    static const struct {
        const char *rests[PLUGINS_MAX + 1];
        const char *expected;
        guint notices;
    } cases[] = {
        {{"", "", "", NULL}, "abc", 0},
        {{"requires=test.c/1\n", "", "", NULL}, "bca", 0},
        {{"wants=test.b/1\n", "requires=test.c/1\n", "", NULL}, "cba", 0},
        {{"requires=test.b/1\n", "requires=test.a/1\n", "", NULL}, "c!a!b", 0},
        {{"wants=test.b/1\n", "requires=test.a/1\n", NULL}, "ab", 1},
        {{"wants=test.absent/1\n", "", NULL}, "ab", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint notices;
        g_autofree char *letters = order(cases[i].rests, &notices);

        if (!g_str_equal(letters, cases[i].expected) || notices != cases[i].notices)
            g_error("case %zu: %s with %u notices, not %s with %u", i, letters, notices,
                    cases[i].expected, cases[i].notices);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plugin-order/providers-come-first-and-cycles-are-found", test_table);
    return g_test_run();
}
