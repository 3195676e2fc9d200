/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: JSON-RPC and MCP for `protocol: json-rpc` and `protocol: mcp`: manifest, and the
 * functions of the contract.
 */
#include "response.h"

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=l7-jsonrpc\n"
                    "version=0.1.0\n"
                    "abi=1.0\n"
                    "summary=Has JSON-RPC calls and MCP messages judged by method, tool and "
                    "arguments\n"
                    "license=Apache-2.0\n"
                    "provides=openshell.draft.content-inspector/1\n"
                    "isolation=in-process\n"
                    "[protocol json-rpc]\n"
                    "carrier=http\n"
                    "[protocol mcp]\n"
                    "carrier=http\n"
                    "[config refusals]\n"
                    "type=string\n"
                    "default=json-rpc\n"
                    "choices=json-rpc;openshell\n"
                    "help=Words of a refusal: an error of JSON-RPC, or OpenShell's 403\n");

/* JsonrpcPlugin: one of a process, or of a test. */
typedef struct {
    const OshHost *host;
    gboolean plain_refusals;
    JsonrpcPins *pins;
} JsonrpcPlugin;

static const char *const *
plugin_inspectors(gpointer instance)
{
    static const char *const names[] = {"json-rpc", "mcp", NULL};

    (void)instance;
    return names;
}

static gpointer
plugin_open(gpointer instance, const OshInspectionRequest *request, GError **error)
{
    const JsonrpcPlugin *self = instance;
    JsonrpcInspection *inspection;

    if (!g_str_equal(request->inspector, "json-rpc") && !g_str_equal(request->inspector, "mcp")) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "l7-jsonrpc does not inspect %s",
                    request->inspector);
        return NULL;
    }
    inspection = jsonrpc_inspection_new(request);
    inspection->plain_refusals = self->plain_refusals;
    inspection->host_table = self->host;
    inspection->pins = self->pins;
    return inspection;
}

static OshInspection
plugin_feed(gpointer inspection, OshSpan bytes, gboolean last)
{
    return jsonrpc_inspection_feed(inspection, bytes, last);
}

static OshFacts
plugin_facts(gpointer data)
{
    const JsonrpcInspection *inspection = data;

    return (OshFacts){(const OshFact *)(gconstpointer)inspection->facts.facts->data,
                      inspection->facts.facts->len};
}

static const OshInspectionRefusal *
plugin_refusal(gpointer inspection, const OshInspectionDenial *denial)
{
    return jsonrpc_refusal_make(inspection, denial);
}

static guint64
plugin_response_limit(gpointer data)
{
    JsonrpcInspection *inspection = data;

    if (!inspection->rules.is_mcp)
        return 0;
    inspection->response = jsonrpc_response_new();
    return JSONRPC_ANSWER_MAX;
}

static gsize
plugin_response(gpointer data, const OshInspectedResponse *response)
{
    return jsonrpc_response_begin(((JsonrpcInspection *)data)->response, response);
}

static OshFacts
plugin_response_question(gpointer data, gsize index)
{
    const JsonrpcInspection *inspection = data;

    return jsonrpc_response_question(inspection->response, index, inspection->revision);
}

static void
report_changed(const JsonrpcInspection *inspection, const char *server,
               const JsonrpcAnswerReport *report)
{
    const char *then =
        inspection->rules.pin_tools == JSONRPC_PINS_REFUSE ? ": it is taken out of the list" : "";

    for (guint i = 0; i < report->changed->len; i++) {
        g_autofree char *name = g_strescape(g_ptr_array_index(report->changed, i), NULL);

        osh_host_logf(inspection->host_table, G_LOG_LEVEL_WARNING,
                      "the MCP tool '%s' of %s is not what it was when it was first listed%s", name,
                      server, then);
    }
}

static void
plugin_response_result(gpointer data, const gboolean *allowed, gsize n,
                       OshResponseResult *ret_result)
{
    JsonrpcInspection *inspection = data;
    g_autofree char *server = g_strdup_printf(
        "%s:%" G_GINT64_FORMAT "%s", inspection->head.host != NULL ? inspection->head.host : "",
        inspection->head.port, inspection->head.path != NULL ? inspection->head.path : "");
    const JsonrpcAnswerRules rules = {
        .pins = inspection->pins, .server = server, .pinning = inspection->rules.pin_tools};
    JsonrpcAnswerReport report;

    jsonrpc_answer_report_init(&report);
    jsonrpc_response_end(inspection->response, allowed, n, &rules, &report, ret_result);
    report_changed(inspection, server, &report);
    jsonrpc_answer_report_clear(&report);
}

static void
plugin_close(gpointer inspection)
{
    jsonrpc_inspection_free(inspection);
}

static const OshContentInspectorInterface inspector = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .inspectors = plugin_inspectors,
    .open = plugin_open,
    .feed = plugin_feed,
    .facts = plugin_facts,
    .close = plugin_close,
    .refusal = plugin_refusal,
    .response_limit = plugin_response_limit,
    .response = plugin_response,
    .response_question = plugin_response_question,
    .response_result = plugin_response_result,
};

static gboolean
plugin_create(const OshHost *host, JsonrpcPlugin **ret_self, GError **error)
{
    JsonrpcPlugin *self = g_new0(JsonrpcPlugin, 1);
    g_autofree char *refusals = osh_host_config_string(host, "refusals");

    (void)error;
    self->host = host;
    self->pins = jsonrpc_pins_new(JSONRPC_MAX_PINS);
    self->plain_refusals = g_strcmp0(refusals, "openshell") == 0;
    *ret_self = self;
    return TRUE;
}

static void
plugin_destroy(JsonrpcPlugin *self)
{
    jsonrpc_pins_free(self->pins);
    g_free(self);
}

static gboolean
plugin_get_interface(JsonrpcPlugin *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_CONTENT_INSPECTOR))
        return FALSE;
    *ret_interface = (OshInterface){"l7-jsonrpc", &inspector, self};
    return TRUE;
}

OSH_PLUGIN_DEFINE(JsonrpcPlugin, .create = plugin_create, .destroy = plugin_destroy,
                  .get_interface = plugin_get_interface)
