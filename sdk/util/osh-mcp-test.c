/* SPDX-License-Identifier: Apache-2.0 */
/* osh-mcp-test.c: the revisions of MCP and which methods they have. */
#include "osh-mcp.h"

#define ALL (OSH_MCP_REVISIONS_OF_2025 | OSH_MCP_REVISION_2026_07_28)

static void
test_names(void)
{
    static const char *const wrong[] = {
        "", "2024-11-05", "2025-11-2", "2025-11-255", " 2025-11-25", "2025-11-25\n"};

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++) {
        guint revision = osh_mcp_revision_at(i);

        g_assert_cmpuint(revision, ==, 1u << i);
        g_assert_cmpuint(osh_mcp_revision_parse(osh_mcp_revision_name(revision), -1), ==, revision);
    }
    g_assert_cmpuint(osh_mcp_revision_at(OSH_MCP_REVISIONS), ==, 0);
    g_assert_null(osh_mcp_revision_name(OSH_MCP_REVISIONS_OF_2025));
    g_assert_cmpuint(osh_mcp_revision_parse("2025-11-25, 2025-03-26", 10), ==,
                     OSH_MCP_REVISION_2025_11_25);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpuint(osh_mcp_revision_parse(wrong[i], -1), ==, 0);
}

static void
test_methods(void)
{
    static const struct {
        const char *method;
        OshMcpMethodClass kind;
        guint revisions;
    } rows[] = {
        {"tools/call", OSH_MCP_METHOD_CORE, ALL},
        {"completion/complete", OSH_MCP_METHOD_CORE, ALL},
        {"initialize", OSH_MCP_METHOD_CORE, OSH_MCP_REVISIONS_OF_2025},
        {"ping", OSH_MCP_METHOD_CORE, OSH_MCP_REVISIONS_OF_2025},
        {"notifications/roots/list_changed", OSH_MCP_METHOD_CORE, OSH_MCP_REVISIONS_OF_2025},
        {"tasks/cancel", OSH_MCP_METHOD_CORE, OSH_MCP_REVISION_2025_11_25},
        {"notifications/tasks/status", OSH_MCP_METHOD_CORE, OSH_MCP_REVISION_2025_11_25},
        {"server/discover", OSH_MCP_METHOD_CORE, OSH_MCP_REVISION_2026_07_28},
        {"subscriptions/listen", OSH_MCP_METHOD_CORE, OSH_MCP_REVISION_2026_07_28},
        {"sampling/createMessage", OSH_MCP_METHOD_SERVER_ONLY, 0},
        {"roots/list", OSH_MCP_METHOD_SERVER_ONLY, 0},
        {"elicitation/create", OSH_MCP_METHOD_SERVER_ONLY, 0},
        {"notifications/tools/list_changed", OSH_MCP_METHOD_SERVER_ONLY, 0},
        {"Tools/call", OSH_MCP_METHOD_EXTENSION, 0},
        {"tools/calls", OSH_MCP_METHOD_EXTENSION, 0},
        {"tools/cal", OSH_MCP_METHOD_EXTENSION, 0},
        {"vendor/notice", OSH_MCP_METHOD_EXTENSION, 0},
        {"", OSH_MCP_METHOD_EXTENSION, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint revisions = 99;

        if (osh_mcp_method_class(rows[i].method, -1, &revisions) != rows[i].kind ||
            revisions != rows[i].revisions)
            g_error("'%s' is of another class or in revisions %u", rows[i].method, revisions);
    }
    g_assert_cmpint(osh_mcp_method_class("pingpong", 4, NULL), ==, OSH_MCP_METHOD_CORE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mcp/a revision is known by its exact name alone", test_names);
    g_test_add_func("/mcp/each method is of its class and its revisions", test_methods);
    return g_test_run();
}
