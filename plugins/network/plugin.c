/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network plugin: egress of programs by policy, through listeners in a box or listeners of
 * its own. This file adapts the data plane to the plugin interface: manifest, configuration,
 * start, stop. Everything here is [main]; what runs on shards is posted to them.
 */
#include <openshell/plugin.h>

#include "authority-folder.h"
#include "certificate-bundle.h"
#include "claims.h"
#include "dns-listener.h"
#include "drain.h"
#include "explicit-request.h"
#include "identity-question.h"
#include "intercept.h"
#include "java-presence.h"
#include "launch-contribution.h"
#include "listener.h"
#include "network-config.h"
#include "notice.h"
#include "protocols.h"
#include "redecide.h"
#include "shard-part.h"
#include "steps.h"
#include "synthetic-names.h"
#include "transparent.h"

#include <openshell/ext/process-launcher.h>

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The drain ends so long before the time that the host gives a stop. */
#define DRAIN_MARGIN (500 * G_TIME_SPAN_MILLISECOND)

OSH_PLUGIN_MANIFEST(
    "[plugin]\n"
    "id=network\n"
    "version=0.1.0\n"
    "abi=1.0\n"
    "summary=Lets programs reach what the policy allows, and nothing else\n"
    "license=Apache-2.0\n"
    "provides=openshell.launch-contributor/1\n"
    "requires=openshell.policy/1;openshell.shard/1;openshell.worker/1\n"
    "wants=openshell.draft.sandbox-net/1;openshell.draft.peer-identity/1;"
    "openshell.process-launcher/1;"
    "openshell.metrics/1;openshell.draft.l7-protocol/1;openshell.draft.content-inspector/1;"
    "openshell.draft.http-upgrade/1;openshell.draft.credential-provider/1;"
    "openshell.draft.virtual-host/1;openshell.draft.middleware/1\n"
    "publishes=openshell.network.allowed/1;openshell.network.denied/1;"
    "openshell.network.failed/1;openshell.network.opened/1;openshell.network.closed/1;"
    "openshell.network.notice/1;"
    "openshell.l7.allowed/1;openshell.l7.denied/1;openshell.l7.response/1\n"
    "isolation=in-process\n"
    "role=network\n"
    "[config listen]\n"
    "type=strings\n"
    "help=ADDRESS:PORT of explicit proxy listeners for programs outside a box\n"
    "[config identity]\n"
    "type=string\n"
    "default=required\n"
    "choices=required;relaxed\n"
    "help=required: decide by binary; relaxed: any program may use any rule\n"
    "[config identity_root]\n"
    "type=string\n"
    "help=without a box: a pid or an absolute cgroup path whose processes are the workload\n"
    "[config connect_timeout]\n"
    "type=integer\n"
    "default=20\n"
    "min=1\n"
    "max=3600\n"
    "help=seconds for connecting to a destination\n"
    "[config head_timeout]\n"
    "type=integer\n"
    "default=10\n"
    "min=1\n"
    "max=3600\n"
    "help=seconds for a whole request head\n"
    "[config idle_timeout]\n"
    "type=integer\n"
    "default=0\n"
    "min=0\n"
    "max=2147483\n"
    "help=seconds without a byte after which a tunnel is closed; 0 is never\n"
    "[config middleware_timeout]\n"
    "type=integer\n"
    "default=500\n"
    "min=10\n"
    "max=30000\n"
    "help=milliseconds that one middleware of the policy may take for a message\n"
    "[config max_connections]\n"
    "type=integer\n"
    "default=16384\n"
    "min=1\n"
    "max=1000000\n"
    "help=connections open at once\n"
    "[config max_connections_per_process]\n"
    "type=integer\n"
    "default=12288\n"
    "min=1\n"
    "max=1000000\n"
    "help=connections that one process may have open\n"
    "[config tls]\n"
    "type=string\n"
    "default=auto\n"
    "choices=auto;always\n"
    "help=auto: a certificate authority for programs of the box where the policy at the start "
    "inspects connections; always: in every run\n"
    "[config upstream-ca]\n"
    "type=path\n"
    "help=PEM file of certificate authorities by which servers are verified, beside the system's\n"
    "[config authority-certificate]\n"
    "type=path\n"
    "help=PEM file of a certificate authority that signs what programs see; without it each run "
    "makes one of its own\n"
    "[config authority-key]\n"
    "type=path\n"
    "help=PEM file of its key, which others must not be able to read\n"
    "[config authority-folder]\n"
    "type=path\n"
    "help=folder into which each start writes the authority's certificate, alone and with what the "
    "host trusts, for programs outside a box\n"
    "[config client-certificate]\n"
    "type=path\n"
    "help=PEM file of a certificate, and what leads from it to a root, for servers that ask for "
    "one\n"
    "[config client-key]\n"
    "type=path\n"
    "help=PEM file of its key, which others must not be able to read\n"
    "[config client-certificate-hosts]\n"
    "type=strings\n"
    "help=the servers that get the client certificate, by the names or addresses that programs "
    "use\n"
    "[config java]\n"
    "type=boolean\n"
    "default=true\n"
    "help=with an authority, where a Java is installed, JAVA_TOOL_OPTIONS has it trust the run's "
    "authority; each JVM says so in one line\n");

typedef struct {
    OshNetwork network;
    OshRunAuthority authority;
    OshInterceptor interceptor;
    OshLaunchContribution contribution;
    guint64 subscription;
    gboolean started;
    gboolean is_stopped; /* nothing runs on a shard any more */
    gboolean reads_roots;
    gint shards_left;
    gint64 drain_until;
    OshDoneFunc done;
    gpointer done_data;
} NetworkPlugin;

static void
network_destroy(NetworkPlugin *plugin)
{
    osh_network_config_clear(&plugin->network.config);
    g_ptr_array_unref(plugin->network.listeners);
    osh_dns_listener_free(plugin->network.dns);
    osh_peer_table_clear(&plugin->network.peers);
    osh_noticed_clear(&plugin->network.noticed);
    osh_providers_free(plugin->network.providers);
    g_clear_pointer(&plugin->network.protocols, g_hash_table_unref);
    g_clear_pointer(&plugin->network.virtual_hosts, g_hash_table_unref);
    osh_synthetic_names_free(plugin->network.names);
    osh_run_authority_clear(&plugin->authority);
    g_free(plugin->network.shards);
    g_free(plugin);
}

static void
network_choose_authority(NetworkPlugin *plugin)
{
    const OshNetworkConfig *config = &plugin->network.config;
    g_auto(GStrv) environment = g_get_environ();

    plugin->authority.settings.upstream_extra_roots = config->upstream_ca;
    plugin->authority.settings.authority_certificate = config->authority_certificate;
    plugin->authority.settings.authority_key = config->authority_key;
    plugin->authority.settings.client_certificate = config->client_certificate;
    plugin->authority.settings.client_key = config->client_key;
    osh_run_authority_choose(&plugin->authority,
                             config->tls_always || config->authority_folder != NULL,
                             &plugin->network.policy);
    plugin->contribution.java = config->java && plugin->authority.wanted &&
                                osh_java_is_here((const char *const *)environment);
}

static gboolean
network_create(const OshHost *host, NetworkPlugin **ret_self, GError **error)
{
    NetworkPlugin *plugin = g_new0(NetworkPlugin, 1);
    OshNetwork *network = &plugin->network;

    network->host = host;
    osh_peer_table_init(&network->peers);
    osh_noticed_init(&network->noticed);
    network->listeners = g_ptr_array_new_with_free_func((GDestroyNotify)osh_listener_free);
    network->steps = osh_connection_steps;
    plugin->contribution.network = network;
    plugin->contribution.authority = &plugin->authority;
    if (!osh_network_config_read(host, &network->config, error)) {
        network_destroy(plugin);
        return FALSE;
    }
    if (osh_host_get_interface(host, OSH_INTERFACE_POLICY, &network->policy))
        network_choose_authority(plugin);
    *ret_self = plugin;
    return TRUE;
}

/* Two descriptors for each connection, and some for pipes and everything else. */
static void
network_raise_limit(OshNetwork *network)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)network->config.max_connections * 2 + 1024;
    guint fits;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = MIN(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    fits = limit.rlim_cur > 1280 ? (guint)((limit.rlim_cur - 1024) / 2) : 128;
    network->config.max_connections = MIN(network->config.max_connections, fits);
}

static void
network_claim(NetworkPlugin *plugin, OshSandboxListenerKind kind)
{
    OshNetwork *network = &plugin->network;
    OshSandboxListener claimed[4];
    gsize n = osh_sandbox_net_claim(&network->sandbox_net, kind, claimed, G_N_ELEMENTS(claimed));

    for (gsize i = 0; i < n; i++) {
        gboolean proxy = kind == OSH_SANDBOX_LISTENER_PROXY;
        OshListener *listener = osh_listener_new(
            network, claimed[i].fd, proxy ? &osh_transport_connect : &osh_transport_transparent,
            claimed[i].original_destination, &claimed[i].address, claimed[i].port);

        listener->of_box = TRUE;
        g_ptr_array_add(network->listeners, listener);
        network->has_box = TRUE;
        if (proxy && plugin->contribution.proxy_port == 0) {
            plugin->contribution.proxy_address = claimed[i].address;
            plugin->contribution.proxy_port = claimed[i].port;
        }
    }
}

static void
network_claim_dns(OshNetwork *network, OshSandboxListenerKind kind)
{
    OshSandboxListener claimed[4];
    gsize n = osh_sandbox_net_claim(&network->sandbox_net, kind, claimed, G_N_ELEMENTS(claimed));

    if (n > 0 && network->dns == NULL)
        network->dns = osh_dns_listener_new(network);
    for (gsize i = 0; i < n; i++)
        osh_dns_listener_add(network->dns, claimed[i].fd, kind == OSH_SANDBOX_LISTENER_DNS_TCP);
}

static gboolean
network_open_listeners(NetworkPlugin *plugin, GError **error)
{
    OshNetwork *network = &plugin->network;

    if (osh_host_get_interface(network->host, OSH_INTERFACE_SANDBOX_NET, &network->sandbox_net)) {
        network_claim(plugin, OSH_SANDBOX_LISTENER_PROXY);
        network_claim(plugin, OSH_SANDBOX_LISTENER_TRANSPARENT);
        network_claim_dns(network, OSH_SANDBOX_LISTENER_DNS_UDP);
        network_claim_dns(network, OSH_SANDBOX_LISTENER_DNS_TCP);
    }
    for (char **text = network->config.listen; text != NULL && *text != NULL; text++) {
        OshListener *listener =
            osh_listener_bind(network, &osh_transport_connect, "listen", *text, error);

        if (listener == NULL)
            return FALSE;
        g_ptr_array_add(network->listeners, listener);
    }
    if (network->listeners->len == 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "nothing to listen on: there is no box, and network.listen names no address; "
                    "write --set network.listen=127.0.0.1:3128 for a proxy, or -- COMMAND for a "
                    "command in a box");
        return FALSE;
    }
    return TRUE;
}

static void
network_workload(const OshNetwork *network, OshWorkload *ret_workload)
{
    OshInterface launcher;
    const OshBoxInfo *info = NULL;
    const char *root = network->config.identity_root;

    if (network->has_box &&
        osh_host_get_interface(network->host, OSH_INTERFACE_PROCESS_LAUNCHER, &launcher))
        info = osh_launcher_box_info(&launcher, osh_launcher_box_get(&launcher));
    if (info != NULL)
        ret_workload->init_pid = info->init_pid;
    else if (root != NULL && root[0] == '/')
        ret_workload->cgroup = root;
    else if (root != NULL)
        ret_workload->root_pid = (pid_t)g_ascii_strtoull(root, NULL, 10);
}

static int
network_diag_socket(const OshNetwork *network)
{
    return network->has_box ? osh_sandbox_net_diag_socket(&network->sandbox_net)
                            : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

/* A process half that has no box offers the interface, and nothing of it can be called. */
static gboolean
network_find_process_half(OshNetwork *network)
{
    OshInterface identity;

    if (!osh_host_get_interface(network->host, OSH_INTERFACE_PEER_IDENTITY, &identity) ||
        !osh_can_call((const OshPeerIdentityInterface *)identity.vtable, OshPeerIdentityInterface,
                      lookup))
        return FALSE;
    network->peer_identity = identity;
    return TRUE;
}

/* Where no process half beside the workload tells who connects, we look ourselves. */
static gboolean
network_find_identities(OshNetwork *network, GError **error)
{
    OshWorkload workload = {0};
    int fd;

    if (!network->config.identity_required || network_find_process_half(network))
        return TRUE;
    fd = network_diag_socket(network);
    if (fd < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                    "cannot look up the program of a connection (sock_diag): %s; set "
                    "identity=relaxed to do "
                    "without",
                    g_strerror(errno));
        return FALSE;
    }
    network_workload(network, &workload);
    network->images = osh_image_table_new();
    network->scanner = osh_identity_scanner_new(network->host, &network->shard, &workload,
                                                network->images, fd, error);
    if (network->scanner != NULL)
        osh_network_log(network, G_LOG_LEVEL_MESSAGE,
                        "identity by scan: without a box connect(2) is not observed, and a program "
                        "is identified as the owner of its socket");
    return network->scanner != NULL;
}

static void
network_make_shards(OshNetwork *network)
{
    network->shards = g_new0(OshNetworkShard, network->n_shards);
    for (guint i = 0; i < network->n_shards; i++)
        osh_shard_part_init(&network->shards[i], network, i);
}

/* [worker] Parsing the roots takes longer than a connection should wait, but for the first. */
static void
network_read_roots(gpointer data)
{
    NetworkPlugin *plugin = data;
    g_autoptr(GError) error = NULL;

    if (plugin->interceptor.tls->engine_prepare_upstream(plugin->interceptor.engine, &error))
        return;
    g_atomic_int_set(&plugin->interceptor.has_no_roots, TRUE);
    osh_network_log(&plugin->network, G_LOG_LEVEL_WARNING, "no server can be verified by TLS: %s",
                    error->message);
}

static void network_finish(NetworkPlugin *plugin);

/* [main] */
static void
network_roots_read(gpointer data)
{
    NetworkPlugin *plugin = data;

    plugin->reads_roots = FALSE;
    network_finish(plugin);
}

static void
network_intercept(NetworkPlugin *plugin)
{
    if (plugin->authority.engine == NULL)
        return;
    plugin->interceptor = (OshInterceptor){
        plugin->authority.functions,
        plugin->authority.engine,
        (const char *const *)plugin->network.config.client_certificate_hosts,
        FALSE,
    };
    plugin->network.interceptor = &plugin->interceptor;
    plugin->reads_roots =
        osh_worker_submit(&plugin->network.worker, network_read_roots, network_roots_read, plugin);
    if (!plugin->reads_roots)
        network_read_roots(plugin);
}

/* Once the addresses are ours: another proxy that serves them has its files. */
static gboolean
network_write_authority(const NetworkPlugin *plugin, GError **error)
{
    const char *folder = plugin->network.config.authority_folder;

    return folder == NULL ||
           osh_authority_folder_write(folder, osh_run_authority_pem(&plugin->authority),
                                      osh_certificate_roots_of_host(), error);
}

static gboolean
network_make_authority(NetworkPlugin *plugin, GError **error)
{
    return (!plugin->authority.wanted ||
            osh_certificate_roots_check(osh_certificate_roots_of_host(),
                                        plugin->network.config.upstream_ca, error)) &&
           osh_run_authority_make(&plugin->authority, error) &&
           network_write_authority(plugin, error);
}

static gboolean
network_bring_up(NetworkPlugin *plugin, GError **error)
{
    OshNetwork *network = &plugin->network;

    if (!osh_host_get_interface(network->host, OSH_INTERFACE_POLICY, &network->policy) ||
        !osh_host_get_interface(network->host, OSH_INTERFACE_SHARD, &network->shard) ||
        !osh_host_get_interface(network->host, OSH_INTERFACE_WORKER, &network->worker) ||
        (network->n_shards = osh_shard_count(&network->shard)) == 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                    "the host offers no policy, shards or workers");
        return FALSE;
    }
    if (osh_host_get_interface(network->host, OSH_INTERFACE_METRICS, &network->metrics)) {
        network->open_connections = osh_metrics_metric(
            &network->metrics, "network.connections_open", OSH_METRIC_GAUGE, "open connections");
        network->bytes_up = osh_metrics_metric(&network->metrics, "network.bytes_up",
                                               OSH_METRIC_COUNTER, "bytes sent by programs");
        network->bytes_down = osh_metrics_metric(&network->metrics, "network.bytes_down",
                                                 OSH_METRIC_COUNTER, "bytes sent to programs");
    }
    network->allowed = osh_host_topic(network->host, OSH_TOPIC_NETWORK_ALLOWED);
    network->denied = osh_host_topic(network->host, OSH_TOPIC_NETWORK_DENIED);
    network->failed = osh_host_topic(network->host, OSH_TOPIC_NETWORK_FAILED);
    network->opened = osh_host_topic(network->host, OSH_TOPIC_NETWORK_OPENED);
    network->closed = osh_host_topic(network->host, OSH_TOPIC_NETWORK_CLOSED);
    network->notice = osh_host_topic(network->host, OSH_TOPIC_NETWORK_NOTICE);
    network->l7_allowed = osh_host_topic(network->host, OSH_TOPIC_L7_ALLOWED);
    network->l7_denied = osh_host_topic(network->host, OSH_TOPIC_L7_DENIED);
    network->l7_response = osh_host_topic(network->host, OSH_TOPIC_L7_RESPONSE);
    network->protocols = osh_protocols_find(network->host);
    network->providers = osh_providers_find(network->host);
    network->virtual_hosts = osh_virtual_hosts_find(network->host, error);
    if (network->virtual_hosts == NULL)
        return FALSE;
    network->names = osh_synthetic_names_new(OSH_SYNTHETIC_POOL_SIZE, OSH_SYNTHETIC_PROCESS_LIMIT);
    network_raise_limit(network);
    if (!network_open_listeners(plugin, error) || !network_find_identities(network, error) ||
        !network_make_authority(plugin, error))
        return FALSE;
    network_intercept(plugin);
    network_make_shards(network);
    return TRUE;
}

static void
network_part_begin(gpointer data)
{
    osh_shard_part_begin(data);
}

static void
network_part_reload(gpointer data)
{
    OshNetworkShard *part = data;

    if (!part->stopping)
        osh_redecide(part);
}

static void
network_policy_changed(const OshEvent *event, gpointer data)
{
    NetworkPlugin *plugin = data;
    OshNetwork *network = &plugin->network;
    const char *line = network->has_box
                           ? osh_run_authority_policy_changed(&plugin->authority, &network->policy)
                           : NULL;

    (void)event;
    if (line != NULL)
        osh_host_log(network->host, G_LOG_LEVEL_MESSAGE, line);
    for (guint i = 0; i < network->n_shards; i++)
        osh_shard_post(&network->shard, i, network_part_reload, &network->shards[i]);
}

static void
network_start(NetworkPlugin *plugin, OshReadyFunc ready, gpointer data)
{
    OshNetwork *network = &plugin->network;
    g_autoptr(GError) error = NULL;

    if (!network_bring_up(plugin, &error)) {
        ready(data, error);
        return;
    }
    plugin->started = TRUE;
    plugin->subscription = osh_host_subscribe(network->host, OSH_TOPIC_POLICY_CHANGED,
                                              network_policy_changed, plugin, NULL);
    for (guint i = 0; i < network->n_shards; i++)
        osh_shard_post(&network->shard, i, network_part_begin, &network->shards[i]);
    ready(data, NULL);
}

/* [main] What a worker reads must be there until it has. */
static void
network_finish(NetworkPlugin *plugin)
{
    if (plugin->is_stopped && !plugin->reads_roots)
        plugin->done(plugin->done_data);
}

/* [main] */
static void
network_stopped(gpointer data)
{
    NetworkPlugin *plugin = data;
    OshNetwork *network = &plugin->network;

    /* What waits for a hash is answered, or dropped with its shard, before the scanner goes. */
    if (network->images != NULL)
        osh_image_table_end(network->images);
    g_clear_pointer(&network->scanner, osh_identity_scanner_free);
    g_clear_pointer(&network->images, osh_image_table_unref);
    for (guint i = 0; network->shards != NULL && i < network->n_shards; i++)
        if (network->shards[i].network != NULL)
            osh_shard_part_clear(&network->shards[i]);
    plugin->is_stopped = TRUE;
    network_finish(plugin);
}

/* [shard] */
static void
network_part_end(OshNetworkShard *part)
{
    NetworkPlugin *plugin = (NetworkPlugin *)part->network;

    osh_shard_part_end(part);
    if (g_atomic_int_dec_and_test(&plugin->shards_left))
        osh_host_invoke(part->network->host, network_stopped, plugin, NULL);
}

/* [shard] */
static void
network_part_stop(gpointer data)
{
    OshNetworkShard *part = data;

    osh_drain(part, ((NetworkPlugin *)part->network)->drain_until, network_part_end);
}

static void
network_stop(NetworkPlugin *plugin, gint64 deadline, OshDoneFunc done, gpointer data)
{
    OshNetwork *network = &plugin->network;

    plugin->drain_until = deadline - DRAIN_MARGIN;
    plugin->done = done;
    plugin->done_data = data;
    osh_host_unsubscribe(network->host, plugin->subscription);
    if (!plugin->started) {
        network_stopped(plugin);
        return;
    }
    plugin->shards_left = (gint)network->n_shards;
    for (guint i = 0; i < network->n_shards; i++)
        if (!osh_shard_post(&network->shard, i, network_part_stop, &network->shards[i]) &&
            g_atomic_int_dec_and_test(&plugin->shards_left))
            network_stopped(plugin);
}

static gboolean
network_get_interface(NetworkPlugin *plugin, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_LAUNCH_CONTRIBUTOR))
        return FALSE;
    ret_interface->provider = "network";
    ret_interface->vtable = &osh_launch_contribution_vtable;
    ret_interface->instance = &plugin->contribution;
    return TRUE;
}

OSH_PLUGIN_DEFINE(NetworkPlugin, .create = network_create, .start = network_start,
                  .stop = network_stop, .destroy = network_destroy,
                  .get_interface = network_get_interface)
