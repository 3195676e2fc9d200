/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: GraphQL for `protocol: graphql`, and for rules about operations at an endpoint of
 * `protocol: websocket`: manifest, and the functions of the contract.
 */
#include <openshell/plugin.h>

#include "graphql-inspection.h"

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=l7-graphql\n"
                    "version=0.1.0\n"
                    "abi=1.0\n"
                    "summary=Has each GraphQL request judged by its operations\n"
                    "license=Apache-2.0\n"
                    "provides=openshell.draft.content-inspector/1\n"
                    "isolation=in-process\n"
                    "[protocol graphql]\n"
                    "carrier=http\n"
                    "action=" OSH_FACT_REQUEST_METHOD "\n"
                    "target=" OSH_FACT_REQUEST_PATH "\n"
                    "[config max_tokens]\n"
                    "type=integer\n"
                    "default=20000\n"
                    "min=100\n"
                    "max=1000000\n"
                    "help=Tokens of a GraphQL document\n"
                    "[config max_depth]\n"
                    "type=integer\n"
                    "default=128\n"
                    "min=8\n"
                    "max=1024\n"
                    "help=Levels of selections, lists and objects of a GraphQL document\n"
                    "[config max_batch]\n"
                    "type=integer\n"
                    "default=100\n"
                    "min=1\n"
                    "max=10000\n"
                    "help=GraphQL requests in one body\n"
                    "[config multipart]\n"
                    "type=string\n"
                    "default=refuse\n"
                    "choices=refuse;read\n"
                    "help=What becomes of a request with files, in multipart/form-data\n");

/* GraphqlPlugin: one of a process, or of a test. */
typedef struct {
    GraphqlSettings settings;
} GraphqlPlugin;

static const char *const *
graphql_inspectors(gpointer instance)
{
    static const char *const names[] = {"graphql", NULL};

    (void)instance;
    return names;
}

static gpointer
graphql_open(gpointer instance, const OshInspectionRequest *asked, GError **error)
{
    const GraphqlPlugin *plugin = instance;

    (void)error;
    return graphql_inspection_new(&plugin->settings, asked);
}

static const OshContentInspectorInterface graphql_vtable = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .inspectors = graphql_inspectors,
    .open = graphql_open,
    .feed = graphql_inspection_feed,
    .facts = graphql_inspection_facts,
    .close = graphql_inspection_free,
};

static gboolean
plugin_create(const OshHost *host, GraphqlPlugin **ret_self, GError **error)
{
    GraphqlPlugin *self = g_new0(GraphqlPlugin, 1);
    GraphqlSettings *settings = &self->settings;
    g_autofree char *multipart = osh_host_config_string(host, "multipart");

    (void)error;
    settings->limits.tokens =
        (guint32)osh_host_config_integer(host, "max_tokens", GRAPHQL_MAX_TOKENS);
    settings->limits.depth = (guint32)osh_host_config_integer(host, "max_depth", GRAPHQL_MAX_DEPTH);
    settings->limits.batch = (guint32)osh_host_config_integer(host, "max_batch", GRAPHQL_MAX_BATCH);
    settings->multipart = g_strcmp0(multipart, "read") == 0;
    *ret_self = self;
    return TRUE;
}

static void
plugin_destroy(GraphqlPlugin *self)
{
    g_free(self);
}

static gboolean
plugin_get_interface(GraphqlPlugin *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_CONTENT_INSPECTOR))
        return FALSE;
    *ret_interface = (OshInterface){"l7-graphql", &graphql_vtable, self};
    return TRUE;
}

OSH_PLUGIN_DEFINE(GraphqlPlugin, .create = plugin_create, .destroy = plugin_destroy,
                  .get_interface = plugin_get_interface)
