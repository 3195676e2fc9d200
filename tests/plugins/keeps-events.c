/* SPDX-License-Identifier: Apache-2.0 */
/* An event sink that says at its end what it was given. [main]; must never do anything else. */
#include <openshell/ext/draft/event-sink.h>
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=keeps-events\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Counts events for a test\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_EVENT_SINK "\n");

typedef struct {
    const OshHost *host;
    guint64 first;
    guint64 last;
    guint count;
} Keeper;

static gboolean
keeper_create(const OshHost *host, gpointer *ret_self, GError **error)
{
    Keeper *keeper = g_new0(Keeper, 1);

    (void)error;
    keeper->host = host;
    *ret_self = keeper;
    return TRUE;
}

static gsize
keeper_consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    Keeper *keeper = instance;

    for (gsize i = 0; i < n_events; i++) {
        if (keeper->count++ == 0)
            keeper->first = events[i]->sequence;
        keeper->last = events[i]->sequence;
    }
    return n_events;
}

static void
keeper_flush(gpointer instance, void (*done)(const GError *error, gpointer data), gpointer data)
{
    const Keeper *keeper = instance;
    g_autofree char *line =
        g_strdup_printf("kept %u events, %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                        keeper->count, keeper->first, keeper->last);

    osh_host_log(keeper->host, G_LOG_LEVEL_MESSAGE, line);
    done(NULL, data);
}

static const OshEventSinkInterface keeper_vtable = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = keeper_consume,
    .flush = keeper_flush,
};

static gboolean
keeper_get_interface(gpointer self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_EVENT_SINK))
        return FALSE;
    *ret_interface = (OshInterface){"keeps-events", &keeper_vtable, self};
    return TRUE;
}

OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
    OSH_PLUGIN_ENTRY_INIT,
    .create = keeper_create,
    .destroy = g_free,
    .get_interface = keeper_get_interface,
};
