/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-run.c: starts plugins one after the other and stops them the other way round.
 *
 * [main]. Both are walks over the order that continue from the main loop when a plugin has
 * answered, or when the deadline passes. A plugin that answers late finds its walk gone: the
 * answer carries the walk's number and is ignored.
 */
#include "registry-private.h"

typedef struct {
    OshRegistry *registry;
    OshPlugin *plugin;
    guint generation;
} Answer;

static void walk_on(OshRegistry *registry);

static void
walk_finish(OshRegistry *registry, const GError *error)
{
    OshRegistryWalk *walk = &registry->walk;
    OshRegistryDoneFunc done = walk->done;

    walk->active = FALSE;
    walk->generation++;
    if (walk->timer != NULL) {
        g_source_destroy(walk->timer);
        g_clear_pointer(&walk->timer, g_source_unref);
    }
    done(error, walk->data);
}

/* Returns: the plugin that the walk waits for. */
static OshPlugin *
walk_current(OshRegistry *registry)
{
    return g_ptr_array_index(registry->order, registry->walk.next - 1);
}

static gboolean
walk_failed(OshRegistry *registry, OshPlugin *plugin)
{
    g_autoptr(GError) error = NULL;

    if (registry->walk.stopping || !plugin->required)
        return FALSE;
    error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the required plugin %s did not start: %s",
                        osh_plugin_id(plugin), plugin->reason);
    walk_finish(registry, error);
    return TRUE;
}

static gboolean
walk_expired(gpointer data)
{
    OshRegistry *registry = data;
    OshRegistryWalk *walk = &registry->walk;
    OshPlugin *plugin;

    g_clear_pointer(&walk->timer, g_source_unref);
    if (!walk->active)
        return G_SOURCE_REMOVE;
    plugin =
        walk->stopping ? g_ptr_array_index(registry->order, walk->next) : walk_current(registry);
    walk->generation++;
    if (walk->stopping) {
        osh_plugin_fail(plugin, "stop", "did not stop in time");
        walk->waiting = FALSE;
        walk_on(registry);
        return G_SOURCE_REMOVE;
    }
    osh_plugin_fail(plugin, "start", "was not ready in time");
    walk->waiting = FALSE;
    if (!walk_failed(registry, plugin))
        walk_on(registry);
    return G_SOURCE_REMOVE;
}

static void
walk_set_timer(OshRegistry *registry)
{
    OshRegistryWalk *walk = &registry->walk;
    gint64 left = walk->deadline - g_get_monotonic_time();

    if (walk->timer != NULL) {
        g_source_destroy(walk->timer);
        g_source_unref(walk->timer);
    }
    walk->timer = g_timeout_source_new((guint)(CLAMP(left, 0, G_MAXINT32) / 1000));
    g_source_set_callback(walk->timer, walk_expired, registry, NULL);
    g_source_attach(walk->timer, g_main_context_get_thread_default());
}

static gboolean
answer_is_wanted(const Answer *answer)
{
    const OshRegistryWalk *walk = &answer->registry->walk;

    return walk->active && walk->waiting && walk->generation == answer->generation;
}

static void
plugin_ready(gpointer data, const GError *error)
{
    const Answer *answer = data;
    OshPlugin *plugin = answer->plugin;

    if (!answer_is_wanted(answer))
        return;
    answer->registry->walk.waiting = FALSE;
    answer->registry->walk.generation++;
    if (error != NULL)
        osh_plugin_fail(plugin, "start", error->message);
    else if (osh_plugin_state(plugin) == OSH_PLUGIN_STARTED)
        osh_plugin_set_state(plugin, OSH_PLUGIN_READY, NULL);
    /* A failure of a required plugin ends the walk; without one the walk goes on from here, or
     * from the loop that called start. */
    if (osh_plugin_is_candidate(plugin) || !walk_failed(answer->registry, plugin))
        walk_on(answer->registry);
}

static void
plugin_stopped(gpointer data)
{
    const Answer *answer = data;

    if (!answer_is_wanted(answer))
        return;
    answer->registry->walk.waiting = FALSE;
    answer->registry->walk.generation++;
    if (osh_plugin_state(answer->plugin) == OSH_PLUGIN_STOPPING)
        osh_plugin_set_state(answer->plugin, OSH_PLUGIN_STOPPED, NULL);
    walk_on(answer->registry);
}

static Answer *
answer_new(OshRegistry *registry, OshPlugin *plugin)
{
    Answer *answer = g_new0(Answer, 1);

    /* Kept to the end: a plugin that answers twice finds its answer taken, not its memory gone. */
    g_ptr_array_add(registry->answers, answer);
    registry->walk.waiting = TRUE;
    answer->registry = registry;
    answer->plugin = plugin;
    answer->generation = ++registry->walk.generation;
    return answer;
}

static void
start_next(OshRegistry *registry)
{
    OshRegistryWalk *walk = &registry->walk;
    OshPlugin *plugin;

    if (walk->next == registry->order->len) {
        walk_finish(registry, NULL);
        return;
    }
    plugin = g_ptr_array_index(registry->order, walk->next++);
    if (!osh_plugin_is_usable(plugin)) {
        walk_on(registry);
        return;
    }
    osh_plugin_set_state(plugin, OSH_PLUGIN_STARTED, NULL);
    if (osh_can_call(plugin->entry, OshPluginEntry, start))
        plugin->entry->start(plugin->self, plugin_ready, answer_new(registry, plugin));
    else
        plugin_ready(answer_new(registry, plugin), NULL);
}

static void
stop_next(OshRegistry *registry)
{
    OshRegistryWalk *walk = &registry->walk;
    OshPluginState state;
    OshPlugin *plugin;

    if (walk->next == 0) {
        walk_finish(registry, NULL);
        return;
    }
    plugin = g_ptr_array_index(registry->order, --walk->next);
    state = osh_plugin_state(plugin);
    /* One that failed at work still has threads to end; one that never started has none. */
    if (plugin->self == NULL || state == OSH_PLUGIN_CREATED || state == OSH_PLUGIN_STOPPED ||
        (state == OSH_PLUGIN_FAILED && g_strcmp0(plugin->failed_stage, "run") != 0)) {
        walk_on(registry);
        return;
    }
    if (state != OSH_PLUGIN_FAILED)
        osh_plugin_set_state(plugin, OSH_PLUGIN_STOPPING, NULL);
    walk_set_timer(registry);
    if (osh_can_call(plugin->entry, OshPluginEntry, stop))
        plugin->entry->stop(plugin->self, walk->deadline, plugin_stopped,
                            answer_new(registry, plugin));
    else
        plugin_stopped(answer_new(registry, plugin));
}

static void
walk_on(OshRegistry *registry)
{
    if (!registry->walk.active || registry->walk.waiting)
        return;
    if (registry->walk.stopping)
        stop_next(registry);
    else
        start_next(registry);
}

static gboolean
walk_first(gpointer data)
{
    walk_on(data);
    return G_SOURCE_REMOVE;
}

static void
walk_begin(OshRegistry *registry, gboolean stopping, gint64 deadline, OshRegistryDoneFunc done,
           gpointer data)
{
    OshRegistryWalk *walk = &registry->walk;
    g_autoptr(GSource) idle = g_idle_source_new();

    walk->active = TRUE;
    walk->stopping = stopping;
    walk->waiting = FALSE;
    walk->generation++;
    walk->next = stopping ? registry->order->len : 0;
    walk->deadline = deadline;
    walk->done = done;
    walk->data = data;
    walk_set_timer(registry);
    g_source_set_priority(idle, G_PRIORITY_DEFAULT);
    g_source_set_callback(idle, walk_first, registry, NULL);
    g_source_attach(idle, g_main_context_get_thread_default());
}

void
osh_registry_start(OshRegistry *registry, gint64 deadline, OshRegistryDoneFunc done, gpointer data)
{
    walk_begin(registry, FALSE, deadline, done, data);
}

void
osh_registry_stop(OshRegistry *registry, gint64 deadline, OshRegistryDoneFunc done, gpointer data)
{
    walk_begin(registry, TRUE, deadline, done, data);
}
