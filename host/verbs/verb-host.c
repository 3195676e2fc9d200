/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb-host.c: the host's services without a run. [main]. Shards exist and never start.
 */
#include "verb-host.h"

#include "metrics.h"
#include "plugin-folders.h"
#include "policy-interface.h"
#include "run.h"
#include "worker.h"

struct _OshVerbHost {
    OshConfig *config;
    OshBus *bus;
    OshRegistry *registry;
    OshPolicyService *policy;
    OshShardPool *shards;
    OshWorkerPool *workers;
    OshMetrics *metrics;
};

static gboolean
verb_host_make(OshVerbHost *host, const OshOptions *options, GError **error)
{
    static const char *const nothing_writable[] = {NULL};
    g_autoptr(GError) ignored = NULL;
    OshInterface policy;

    host->config = osh_run_load_config(options, error);
    if (host->config == NULL || (host->bus = osh_bus_new(NULL, NULL, error)) == NULL ||
        (host->metrics = osh_metrics_new(error)) == NULL)
        return FALSE;
    host->policy = osh_policy_service_new(osh_policy_default());
    host->shards = osh_shard_pool_new(1);
    host->workers = osh_worker_pool_new(NULL, host->shards, 1, 1);
    host->registry = osh_registry_new(host->bus);
    osh_policy_service_interface(host->policy, &policy);
    osh_registry_add_interface(host->registry, OSH_INTERFACE_POLICY, &policy);
    osh_registry_add_interface(host->registry, OSH_INTERFACE_SHARD,
                               &(OshInterface){"host", osh_shard_pool_interface(), host->shards});
    osh_registry_add_interface(host->registry, OSH_INTERFACE_WORKER,
                               &(OshInterface){"host", osh_worker_pool_interface(), host->workers});
    osh_registry_add_interface(host->registry, OSH_INTERFACE_METRICS,
                               &(OshInterface){"host", osh_metrics_interface(), host->metrics});
    if (!osh_plugin_folders_scan(host->registry, options, host->config, error) ||
        !osh_registry_configure(host->registry, host->config, nothing_writable, error))
        return FALSE;
    /* A required plugin that fails is shown in the table like any other. */
    osh_registry_create_all(host->registry, &ignored);
    return TRUE;
}

OshVerbHost *
osh_verb_host_new(const OshOptions *options, GError **error)
{
    g_autoptr(OshVerbHost) host = g_new0(OshVerbHost, 1);

    if (!verb_host_make(host, options, error))
        return NULL;
    return g_steal_pointer(&host);
}

OshRegistry *
osh_verb_host_registry(OshVerbHost *host)
{
    return host->registry;
}

const OshConfig *
osh_verb_host_config(const OshVerbHost *host)
{
    return host->config;
}

void
osh_verb_host_free(OshVerbHost *host)
{
    if (host == NULL)
        return;
    osh_registry_free(host->registry);
    g_clear_object(&host->bus);
    osh_worker_pool_free(host->workers);
    osh_shard_pool_free(host->shards);
    osh_metrics_free(host->metrics);
    osh_policy_service_free(host->policy);
    osh_config_free(host->config);
    g_free(host);
}
