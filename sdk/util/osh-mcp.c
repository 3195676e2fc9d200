/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-mcp.c: the revisions of the Model Context Protocol and their methods.
 *
 * Constant tables and pure functions; any thread, no allocation. The methods are those of the
 * published schemas; what a server alone sends is listed so that no rule lets a client send it.
 */
#include "osh-mcp.h"

#include <string.h>

#define ALL  (OSH_MCP_REVISIONS_OF_2025 | OSH_MCP_REVISION_2026_07_28)
#define Y25  OSH_MCP_REVISIONS_OF_2025
#define TASK OSH_MCP_REVISION_2025_11_25
#define Y26  OSH_MCP_REVISION_2026_07_28

static const struct {
    guint revision;
    const char *name;
} revisions[OSH_MCP_REVISIONS] = {
    {OSH_MCP_REVISION_2025_03_26, "2025-03-26"},
    {OSH_MCP_REVISION_2025_06_18, "2025-06-18"},
    {OSH_MCP_REVISION_2025_11_25, "2025-11-25"},
    {OSH_MCP_REVISION_2026_07_28, "2026-07-28"},
};

/* What a client sends, and in which revisions. */
static const struct {
    const char *method;
    guint revisions;
} core_methods[] = {
    {"tools/list", ALL},
    {"tools/call", ALL},
    {"resources/list", ALL},
    {"resources/templates/list", ALL},
    {"resources/read", ALL},
    {"prompts/list", ALL},
    {"prompts/get", ALL},
    {"completion/complete", ALL},
    {"initialize", Y25},
    {"ping", Y25},
    {"logging/setLevel", Y25},
    {"resources/subscribe", Y25},
    {"resources/unsubscribe", Y25},
    {"notifications/cancelled", Y25},
    {"notifications/initialized", Y25},
    {"notifications/progress", Y25},
    {"notifications/roots/list_changed", Y25},
    {"tasks/get", TASK},
    {"tasks/result", TASK},
    {"tasks/list", TASK},
    {"tasks/cancel", TASK},
    {"notifications/tasks/status", TASK},
    {"server/discover", Y26},
    {"subscriptions/listen", Y26},
};

static const char *const server_methods[] = {
    "sampling/createMessage",
    "roots/list",
    "elicitation/create",
    "notifications/message",
    "notifications/elicitation/complete",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/tools/list_changed",
};

static gboolean
is_text(const char *text, gsize length, const char *name)
{
    return strlen(name) == length && memcmp(text, name, length) == 0;
}

guint
osh_mcp_revision_parse(const char *text, gssize length)
{
    gsize size = length < 0 ? strlen(text) : (gsize)length;

    for (gsize i = 0; size > 0 && i < G_N_ELEMENTS(revisions); i++)
        if (is_text(text, size, revisions[i].name))
            return revisions[i].revision;
    return 0;
}

guint
osh_mcp_revision_at(guint index)
{
    return index < OSH_MCP_REVISIONS ? revisions[index].revision : 0;
}

const char *
osh_mcp_revision_name(guint revision)
{
    for (gsize i = 0; i < G_N_ELEMENTS(revisions); i++)
        if (revisions[i].revision == revision)
            return revisions[i].name;
    return NULL;
}

OshMcpMethodClass
osh_mcp_method_class(const char *method, gssize length, guint *ret_revisions)
{
    gsize size = length < 0 ? strlen(method) : (gsize)length;

    if (ret_revisions != NULL)
        *ret_revisions = 0;
    for (gsize i = 0; size > 0 && i < G_N_ELEMENTS(core_methods); i++) {
        if (!is_text(method, size, core_methods[i].method))
            continue;
        if (ret_revisions != NULL)
            *ret_revisions = core_methods[i].revisions;
        return OSH_MCP_METHOD_CORE;
    }
    for (gsize i = 0; size > 0 && i < G_N_ELEMENTS(server_methods); i++)
        if (is_text(method, size, server_methods[i]))
            return OSH_MCP_METHOD_SERVER_ONLY;
    return OSH_MCP_METHOD_EXTENSION;
}
