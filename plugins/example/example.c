/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole plugin: it greets every program that starts in the box.
 *
 * It shows a manifest, a configuration, a subscription and a log line, and that a subscriber who
 * comes late misses nothing: process.started is retained. Everything here belongs to [main]. It
 * never keeps a pointer into an event beyond the callback.
 */
#include <openshell/openshell.h>

G_STATIC_ASSERT(OSH_ABI_CHECK(1, 0));

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.greeter\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Greets every program that starts in the box\n"
                    "license=Apache-2.0\n"
                    "\n"
                    "[config greeting]\n"
                    "type=string\n"
                    "default=hello\n"
                    "help=What to say\n"
                    "\n"
                    "[config delay-ms]\n"
                    "type=integer\n"
                    "default=0\n"
                    "min=0\n"
                    "max=60000\n"
                    "help=How long to wait before subscribing, in milliseconds\n");

/* One instance; everything hangs off it, so that a host could make two. */
typedef struct {
    const OshHost *host; /* borrowed; outlives us */
    char *greeting;
    gint64 delay_ms;
    GSource *timer;
    guint64 subscription;
} Greeter;

static gboolean
greeter_create(const OshHost *host, Greeter **ret_self, GError **error)
{
    Greeter *self = g_new0(Greeter, 1);

    (void)error;
    self->host = host;
    self->greeting = osh_host_config_string(host, "greeting");
    self->delay_ms = osh_host_config_integer(host, "delay-ms", 0);
    *ret_self = self;
    return TRUE;
}

static void
on_process_started(const OshEvent *event, gpointer data)
{
    Greeter *self = data;
    OshEventProcessStarted started;

    if (osh_event_process_started_unpack(event->payload, &started))
        osh_host_logf(self->host, G_LOG_LEVEL_MESSAGE, "%s, %s %s (pid %u)", self->greeting,
                      started.kind, started.path, started.pid);
}

static gboolean
subscribe(gpointer data)
{
    Greeter *self = data;

    self->subscription =
        osh_host_subscribe(self->host, OSH_TOPIC_PROCESS_STARTED, on_process_started, self, NULL);
    return G_SOURCE_REMOVE;
}

static void
greeter_start(Greeter *self, OshReadyFunc ready, gpointer ready_data)
{
    if (self->delay_ms > 0) {
        self->timer = g_timeout_source_new((guint)self->delay_ms);
        g_source_set_callback(self->timer, subscribe, self, NULL);
        g_source_attach(self->timer, g_main_context_get_thread_default());
    } else {
        subscribe(self);
    }
    ready(ready_data, NULL);
}

static void
greeter_stop(Greeter *self, gint64 deadline, OshDoneFunc done, gpointer done_data)
{
    (void)deadline;
    if (self->timer != NULL)
        g_source_destroy(self->timer);
    g_clear_pointer(&self->timer, g_source_unref);
    osh_host_unsubscribe(self->host, self->subscription);
    self->subscription = 0;
    done(done_data);
}

static void
greeter_destroy(Greeter *self)
{
    g_free(self->greeting);
    g_free(self);
}

OSH_PLUGIN_DEFINE(Greeter, .create = greeter_create, .start = greeter_start, .stop = greeter_stop,
                  .destroy = greeter_destroy)
