/* SPDX-License-Identifier: Apache-2.0 */
/* hidden-folder-test.c: which values name a folder that can be hidden. */
#include "hidden-folder.h"

#include <string.h>

static const struct {
    const char *value;
    const char *folder;
    const char *problem;
} rows[] = {
    {NULL, NULL, NULL},
    {"", NULL, NULL},
    {" \t ", NULL, NULL},
    {"/run/spire/agent.sock", "/run/spire", NULL},
    {"unix:/run/spire/agent.sock", "/run/spire", NULL},
    {"unix:///run/spire/agent.sock", "/run/spire", NULL},
    {" /opt/a/../b/agent.sock ", "/opt/b", NULL},
    {"tcp:127.0.0.1:8081", NULL, "only a Unix socket"},
    {"agent.sock", NULL, "absolute path"},
    {"unix:agent.sock", NULL, "absolute path"},
    {"/agent.sock", NULL, "shared"},
    {"/run/agent.sock", NULL, "shared"},
    {"/var/agent.sock", NULL, "shared"},
    {"/tmp/agent.sock", NULL, "shared"},
    {"/etc/agent.sock", NULL, "shared"},
    {"/opt/../tmp/agent.sock", NULL, "shared"},
};

static void
test_values(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *folder = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(osh_hidden_folder_parse(rows[i].value, &folder, &error) ==
                      (rows[i].problem == NULL));
        g_assert_cmpstr(folder, ==, rows[i].folder);
        if (rows[i].problem != NULL)
            g_assert_nonnull(strstr(error->message, rows[i].problem));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hidden-folder/only a folder of its own can be hidden", test_values);
    return g_test_run();
}
