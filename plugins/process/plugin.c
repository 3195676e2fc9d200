/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: the process plugin: manifest, configuration, and the two interfaces that it gives.
 *
 * [main] throughout. It knows nothing of the network plugin: what that one needs of a box goes
 * through openshell.draft.sandbox-net/1.
 */
#include "process-plugin.h"

#include "seccomp-calls.h"

OSH_PLUGIN_MANIFEST(
    "[plugin]\n"
    "id=process\n"
    "version=0.1.0\n"
    "abi=1.0\n"
    "summary=Boxes: namespaces, mounts, Landlock, seccomp, dropped privileges, and their init\n"
    "license=Apache-2.0\n"
    "provides=openshell.process-launcher/1;openshell.draft.sandbox-net/1;"
    "openshell.draft.peer-identity/1\n"
    "wants=openshell.shard/1\n"
    "publishes=openshell.box.opened/1;openshell.box.closed/1;openshell.process.started/1;"
    "openshell.process.exited/1;openshell.process.refused/1;openshell.network.denied/1\n"
    "\n"
    "[config pass-environment]\n"
    "type=strings\n"
    "help=names of host variables that programs also get; a trailing * matches any rest\n"
    "\n"
    "[config publish]\n"
    "type=strings\n"
    "help=[ADDRESS:]PORT of servers in the box that can be reached from outside, as --publish\n"
    "\n"
    "[config groups]\n"
    "type=strings\n"
    "help=supplementary groups of programs, as root; none otherwise\n"
    "\n"
    "[config default-user]\n"
    "type=string\n"
    "help=account of programs when root's policy names none; sandbox if it exists\n"
    "\n"
    "[config seccomp-allow]\n"
    "type=strings\n"
    "help=system calls that are allowed although refused by default, such as ptrace; reported\n"
    "\n"
    "[config auto-executed-writable]\n"
    "type=strings\n"
    "help=auto-executed files that programs may change, by row or name of the table in the "
    "plugin's README: git-config, .npmrc\n"
    "\n"
    "[config refuse-internet-sockets]\n"
    "type=boolean\n"
    "default=false\n"
    "help=refuse every internet socket in the box, also for its own loopback\n"
    "\n"
    "[config landlock-log]\n"
    "type=boolean\n"
    "default=true\n"
    "help=the kernel's audit log records what Landlock refuses, where the kernel can (Linux "
    "6.15)\n"
    "\n"
    "[config limits]\n"
    "type=strings\n"
    "help=resource limits of programs, NAME=SOFT[:HARD] as setrlimit(2) names them: nofile=1024\n"
    "\n"
    "[config require-pid-limit]\n"
    "type=boolean\n"
    "default=false\n"
    "help=refuse to start where no cgroup limits the number of processes\n"
    "\n"
    "[config session]\n"
    "type=string\n"
    "help=path of a socket at which openshell-host attach joins the program\n"
    "\n"
    "[config session-terminal]\n"
    "type=boolean\n"
    "default=false\n"
    "help=with session, a terminal for the program even where the run itself has none\n"
    "\n"
    "[config baseline]\n"
    "type=boolean\n"
    "default=true\n"
    "help=a box with a network can also read /usr, /lib, /etc, /app and /var/log, as "
    "OpenShell's\n"
    "\n"
    "[config identity]\n"
    "type=string\n"
    "default=best\n"
    "help=how the program of a connection is found: best, connect (by its connect(2) alone) or "
    "scan (by the owners of its socket)\n"
    "\n"
    "[config capture]\n"
    "type=string\n"
    "default=best\n"
    "help=how connections are captured: best, tproxy, redirect, or none (programs that use the "
    "proxy only)\n");

static GStrv
strings_setting(GVariant *config, const char *key)
{
    GStrv value = NULL;

    if (config == NULL || !g_variant_lookup(config, key, "^as", &value))
        value = g_new0(char *, 1);
    return value;
}

static char *
string_setting(GVariant *config, const char *key, const char *fallback)
{
    char *value;

    return config != NULL && g_variant_lookup(config, key, "s", &value) ? value
                                                                        : g_strdup(fallback);
}

static gboolean
boolean_setting(GVariant *config, const char *key, gboolean fallback)
{
    gboolean value = fallback;

    if (config != NULL)
        g_variant_lookup(config, key, "b", &value);
    return value;
}

static void
process_destroy(OshProcessPlugin *plugin)
{
    osh_process_box_free(plugin->box);
    osh_process_end_identity(plugin);
    g_strfreev(plugin->groups);
    g_strfreev(plugin->publish);
    g_strfreev(plugin->seccomp_allow);
    g_strfreev(plugin->auto_executed_writable);
    g_strfreev(plugin->pass_environment);
    g_free(plugin->default_user);
    g_free(plugin->session);
    g_free(plugin->capture);
    g_free(plugin->connect_identity);
    g_clear_pointer(&plugin->limits, g_array_unref);
    g_free(plugin);
}

static gboolean
publish_ports(OshProcessPlugin *plugin, GError **error)
{
    OshInterface shard;
    const OshInterface net = {"process", &osh_sandbox_net_vtable, plugin};
    const OshPublishedPortsRequest request = {
        .host = plugin->host,
        .shard = &shard,
        .net = &net,
        .ports = (const char *const *)plugin->publish,
    };

    if (plugin->publish[0] == NULL || plugin->box == NULL)
        return TRUE;
    if (!osh_host_get_interface(plugin->host, OSH_INTERFACE_SHARD, &shard)) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                            "publish: this host has no threads that could carry bytes");
        return FALSE;
    }
    plugin->published = osh_published_ports_new(&request, error);
    return plugin->published != NULL;
}

static void
process_start(OshProcessPlugin *plugin, OshReadyFunc ready, gpointer data)
{
    g_autoptr(GError) error = NULL;

    if (osh_process_start_scanner(plugin, &error))
        publish_ports(plugin, &error);
    ready(data, error);
}

typedef struct {
    OshDoneFunc done;
    gpointer data;
} Stop;

static void
ports_stopped(gpointer data)
{
    g_autofree Stop *stop = data;

    stop->done(stop->data);
}

static void
process_stop(OshProcessPlugin *plugin, gint64 deadline, OshDoneFunc done, gpointer data)
{
    Stop *stop;

    (void)deadline;
    if (plugin->published == NULL) {
        done(data);
        return;
    }
    stop = g_new(Stop, 1);
    *stop = (Stop){done, data};
    osh_published_ports_stop(g_steal_pointer(&plugin->published), ports_stopped, stop);
}

static gboolean
check_identity(const char *name, GError **error)
{
    static const char *const names[] = {"best", "connect", "scan", NULL};

    if (g_strv_contains(names, name))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "identity: \"%s\" is none of best, connect and scan", name);
    return FALSE;
}

static gboolean
check_settings(OshProcessPlugin *plugin, GVariant *config, GError **error)
{
    g_auto(GStrv) limits = strings_setting(config, "limits");
    GError *cause = NULL;

    plugin->limits = osh_program_limits_parse((const char *const *)limits, &cause);
    if (plugin->limits == NULL ||
        !osh_auto_executed_check((const char *const *)plugin->auto_executed_writable, &cause)) {
        osh_process_propagate(error, cause);
        return FALSE;
    }
    plugin->capture = string_setting(config, "capture", "best");
    plugin->connect_identity = string_setting(config, "identity", "best");
    return osh_process_check_capture(plugin->capture, error) &&
           osh_published_ports_check((const char *const *)plugin->publish, error) &&
           check_identity(plugin->connect_identity, error) &&
           osh_seccomp_check_exceptions((const char *const *)plugin->seccomp_allow, error);
}

static gboolean
process_create(const OshHost *host, OshProcessPlugin **ret_self, GError **error)
{
    OshProcessPlugin *plugin = g_new0(OshProcessPlugin, 1);
    GVariant *config = osh_host_config(host);

    plugin->host = host;
    plugin->images = osh_image_table_new();
    for (gsize i = 0; i < OSH_PROCESS_N_DIAGS; i++)
        g_mutex_init(&plugin->diags[i].mutex);
    plugin->baseline = boolean_setting(config, "baseline", TRUE);
    plugin->require_pid_limit = boolean_setting(config, "require-pid-limit", FALSE) ||
                                g_getenv("OPENSHELL_REQUIRE_RUNTIME_PID_LIMIT") != NULL;
    plugin->groups = strings_setting(config, "groups");
    plugin->publish = strings_setting(config, "publish");
    plugin->pass_environment = strings_setting(config, "pass-environment");
    plugin->seccomp_allow = strings_setting(config, "seccomp-allow");
    plugin->auto_executed_writable = strings_setting(config, "auto-executed-writable");
    plugin->refuse_internet_sockets = boolean_setting(config, "refuse-internet-sockets", FALSE);
    plugin->landlock_log = boolean_setting(config, "landlock-log", TRUE);
    plugin->session_terminal = boolean_setting(config, "session-terminal", FALSE);
    if (config != NULL) {
        g_variant_lookup(config, "default-user", "s", &plugin->default_user);
        g_variant_lookup(config, "session", "s", &plugin->session);
    }
    plugin->box_opened = osh_host_topic(host, OSH_TOPIC_BOX_OPENED);
    plugin->box_closed = osh_host_topic(host, OSH_TOPIC_BOX_CLOSED);
    plugin->process_started = osh_host_topic(host, OSH_TOPIC_PROCESS_STARTED);
    plugin->process_exited = osh_host_topic(host, OSH_TOPIC_PROCESS_EXITED);
    plugin->process_refused = osh_host_topic(host, OSH_TOPIC_PROCESS_REFUSED);
    plugin->network_denied = osh_host_topic(host, OSH_TOPIC_NETWORK_DENIED);
    if (!check_settings(plugin, config, error)) {
        process_destroy(plugin);
        return FALSE;
    }
    *ret_self = plugin;
    return TRUE;
}

static gboolean
process_get_interface(OshProcessPlugin *plugin, const char *id, OshInterface *ret_interface)
{
    if (g_str_equal(id, OSH_INTERFACE_PROCESS_LAUNCHER))
        *ret_interface = (OshInterface){"process", &osh_process_launcher_vtable, plugin};
    else if (g_str_equal(id, OSH_INTERFACE_PEER_IDENTITY))
        *ret_interface = (OshInterface){"process",
                                        plugin->box_was_opened ? &osh_peer_identity_vtable
                                                               : &osh_peer_identity_without_box,
                                        plugin};
    else if (g_str_equal(id, OSH_INTERFACE_SANDBOX_NET))
        *ret_interface = (OshInterface){"process", &osh_sandbox_net_vtable, plugin};
    else
        return FALSE;
    return TRUE;
}

OSH_PLUGIN_DEFINE(OshProcessPlugin, .create = process_create, .start = process_start,
                  .stop = process_stop, .destroy = process_destroy,
                  .get_interface = process_get_interface)
