/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services.c: makes the host's services and takes them down in the one order in which that works.
 *
 * [main]. Shards end before the plugins that they call into are destroyed; plugins before the
 * recording that their decisions go to; workers before what they were given is freed; the bus after
 * everything that publishes.
 */
#include "services.h"

#include "run-recording.h"

static void
add_interfaces(OshServices *services)
{
    OshRegistry *registry = services->registry;
    OshInterface policy;
    OshInterface shard = {"host", osh_shard_pool_interface(), services->shards};
    OshInterface worker = {"host", osh_worker_pool_interface(), services->workers};
    OshInterface metrics = {"host", osh_metrics_interface(), services->metrics};

    osh_policy_service_interface(services->policy, &policy);
    osh_registry_add_interface(registry, OSH_INTERFACE_POLICY, &policy);
    osh_registry_add_interface(registry, OSH_INTERFACE_SHARD, &shard);
    osh_registry_add_interface(registry, OSH_INTERFACE_WORKER, &worker);
    osh_registry_add_interface(registry, OSH_INTERFACE_METRICS, &metrics);
}

static gboolean
make_bus(OshServices *services, GError **error)
{
    static const char *const topics[] = {OSH_TOPIC_HOST_STARTED, OSH_TOPIC_HOST_STOPPING,
                                         OSH_TOPIC_POLICY_CHANGED, OSH_TOPIC_POLICY_REJECTED, NULL};

    services->bus = osh_bus_new(NULL, NULL, error);
    if (services->bus == NULL)
        return FALSE;
    services->publisher = osh_bus_publisher_new(services->bus, "host", topics, error);
    return services->publisher != NULL;
}

OshServices *
osh_services_new(const OshServicesRequest *request, GError **error)
{
    g_autoptr(OshServices) services = g_new0(OshServices, 1);
    g_autoptr(OshPluginSet) plugins = request->plugins;

    services->policy = osh_policy_service_new(request->policy);
    services->metrics = osh_metrics_new(error);
    if (services->metrics == NULL || !make_bus(services, error))
        return NULL;
    services->shards = osh_shard_pool_new(request->shards);
    services->workers =
        osh_worker_pool_new(NULL, services->shards, request->workers, request->worker_queue);
    osh_bus_set_shard_pool(services->bus, services->shards);
    services->registry = osh_registry_new(services->bus, g_steal_pointer(&plugins));
    add_interfaces(services);
    return g_steal_pointer(&services);
}

gboolean
osh_services_open_log(OshServices *services, const char *path, const char *const *writable,
                      GError **error)
{
    OshInterface sink;

    services->log = osh_event_log_open(path, writable, error);
    if (services->log == NULL)
        return FALSE;
    osh_event_log_interface(services->log, &sink);
    osh_bus_add_sink(services->bus, &sink, TRUE);
    return TRUE;
}

gboolean
osh_services_record(OshServices *services, const char *path, const char *const *writable,
                    gboolean audit, GError **error)
{
    services->recorder = osh_run_record(path, writable, services->registry, services->policy,
                                        services->bus, audit, error);
    return services->recorder != NULL;
}

gboolean
osh_services_create_plugins(OshServices *services, GError **error)
{
    if (!osh_registry_create_all(services->registry, error))
        return FALSE;
    services->sinks = osh_event_sinks_attach(services->registry, services->bus);
    return TRUE;
}

void
osh_services_stop(OshServices *services)
{
    gint64 deadline = g_get_monotonic_time() + G_USEC_PER_SEC;

    if (services == NULL)
        return;
    if (services->workers != NULL)
        osh_worker_pool_stop(services->workers, deadline);
    if (services->shards != NULL)
        osh_shard_pool_stop(services->shards);
    g_clear_pointer(&services->sinks, osh_event_sinks_free);
    g_clear_pointer(&services->registry, osh_registry_free);
    osh_run_record_end(g_steal_pointer(&services->recorder), services->policy);
    g_clear_pointer(&services->workers, osh_worker_pool_free);
}

void
osh_services_free(OshServices *services)
{
    if (services == NULL)
        return;
    osh_services_stop(services);
    if (services->bus != NULL)
        osh_bus_set_shard_pool(services->bus, NULL);
    g_clear_object(&services->bus);
    osh_shard_pool_free(services->shards);
    osh_metrics_free(services->metrics);
    osh_event_log_close(services->log);
    osh_policy_service_free(services->policy);
    g_free(services);
}
