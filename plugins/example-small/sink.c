/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event sink: counts the events and the denials of a run, and logs the counts when it is
 * flushed.
 *
 * Everything here belongs to [main]. It keeps numbers, never a payload, and is never stuck, so it
 * holds nothing up where the configuration requires it.
 */
#include <openshell/ext/draft/event-sink.h>
#include <openshell/openshell.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.counter\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Counts events and denials\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_EVENT_SINK "\n");

typedef struct {
    const OshHost *host;
    guint n_events, n_denials;
} Counter;

static gsize
counter_consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    Counter *self = instance;

    for (gsize i = 0; i < n_events; i++) {
        /* Equal denials within a second are one event with a count. */
        self->n_events += events[i]->count;
        if (g_str_has_suffix(events[i]->topic, ".denied/1"))
            self->n_denials += events[i]->count;
    }
    return n_events;
}

static void
counter_flush(gpointer instance, void (*done)(const GError *error, gpointer data), gpointer data)
{
    Counter *self = instance;

    osh_host_logf(self->host, G_LOG_LEVEL_MESSAGE, "%u events, %u denials", self->n_events,
                  self->n_denials);
    done(NULL, data);
}

static const OshEventSinkInterface counter_sink = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = counter_consume,
    .flush = counter_flush,
};

static gboolean
counter_create(const OshHost *host, Counter **ret_self, GError **error)
{
    (void)error;
    *ret_self = g_new0(Counter, 1);
    (*ret_self)->host = host;
    return TRUE;
}

static void
counter_destroy(Counter *self)
{
    g_free(self);
}

static gboolean
counter_get_interface(Counter *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_EVENT_SINK))
        return FALSE;
    ret_interface->vtable = &counter_sink;
    ret_interface->instance = self;
    return TRUE;
}

OSH_PLUGIN_DEFINE(Counter, .create = counter_create, .destroy = counter_destroy,
                  .get_interface = counter_get_interface)
