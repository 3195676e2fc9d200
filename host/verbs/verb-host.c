/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb-host.c: the host's services without a run. [main]. Shards exist and never start.
 */
#include "verb-host.h"

#include "plugin-folders.h"
#include "run.h"

struct _OshVerbHost {
    OshConfig *config;
    OshServices *services;
};

static gboolean
verb_host_make(OshVerbHost *host, const OshOptions *options, GError **error)
{
    static const char *const nothing_writable[] = {NULL};
    OshServicesRequest request = {.shards = 1, .workers = 1, .worker_queue = 1};
    g_autoptr(GError) ignored = NULL;

    host->config = osh_run_load_config(options, error);
    request.plugins =
        host->config != NULL ? osh_plugin_folders_find(options, host->config, error) : NULL;
    if (request.plugins == NULL)
        return FALSE;
    request.policy = osh_policy_default();
    host->services = osh_services_new(&request, error);
    if (host->services == NULL ||
        !osh_plugin_set_configure(osh_registry_set(host->services->registry), host->config,
                                  nothing_writable, error))
        return FALSE;
    /* A required plugin that fails is shown in the table like any other. */
    osh_registry_create_all(host->services->registry, &ignored);
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
    return host->services->registry;
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
    osh_services_free(host->services);
    osh_config_free(host->config);
    g_free(host);
}
