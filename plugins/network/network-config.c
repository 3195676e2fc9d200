/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-config.c: the plugin's configuration. [main]. Ranges and words stand in the manifest,
 * where the host checks them.
 */
#include "network-config.h"

/* A pid, or the path of a cgroup: what no limit in a manifest can say. */
static gboolean
config_check_root(const char *root, GError **error)
{
    if (root == NULL || root[0] == '/' ||
        g_ascii_string_to_unsigned(root, 10, 1, G_MAXINT, NULL, NULL))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "identity_root: \"%s\" is neither a pid nor an absolute path", root);
    return FALSE;
}

static gboolean
config_check_authority(const OshNetworkConfig *parsed, GError **error)
{
    if ((parsed->authority_certificate != NULL) == (parsed->authority_key != NULL))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "%s is set and %s is not: an authority has both, or neither for one of its own",
                parsed->authority_key != NULL ? "authority-key" : "authority-certificate",
                parsed->authority_key != NULL ? "authority-certificate" : "authority-key");
    return FALSE;
}

static gboolean
config_check_client(const OshNetworkConfig *parsed, GError **error)
{
    gboolean has_hosts =
        parsed->client_certificate_hosts != NULL && parsed->client_certificate_hosts[0] != NULL;

    if ((parsed->client_certificate != NULL) == (parsed->client_key != NULL) &&
        (parsed->client_certificate != NULL) == has_hosts)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "client-certificate, client-key and client-certificate-hosts belong together: %s "
                "is not set",
                parsed->client_certificate == NULL ? "client-certificate"
                : parsed->client_key == NULL       ? "client-key"
                                                   : "client-certificate-hosts");
    return FALSE;
}

gboolean
osh_network_config_read(const OshHost *host, OshNetworkConfig *parsed, GError **error)
{
    g_autofree char *identity = osh_host_config_string(host, "identity");
    g_autofree char *tls = osh_host_config_string(host, "tls");

    *parsed = (OshNetworkConfig){
        .listen = osh_host_config_strings(host, "listen"),
        .identity_required = g_strcmp0(identity, "relaxed") != 0,
        .identity_root = osh_host_config_string(host, "identity_root"),
        .connect_timeout =
            osh_host_config_integer(host, "connect_timeout", 20) * G_TIME_SPAN_SECOND,
        .head_timeout = osh_host_config_integer(host, "head_timeout", 10) * G_TIME_SPAN_SECOND,
        .idle_timeout = osh_host_config_integer(host, "idle_timeout", 0) * G_TIME_SPAN_SECOND,
        .middleware_timeout =
            osh_host_config_integer(host, "middleware_timeout", 500) * G_TIME_SPAN_MILLISECOND,
        .max_connections = (guint)osh_host_config_integer(host, "max_connections", 16384),
        .max_connections_per_process =
            (guint)osh_host_config_integer(host, "max_connections_per_process", 12288),
        .java = osh_host_config_boolean(host, "java", TRUE),
        .tls_always = g_strcmp0(tls, "always") == 0,
        .upstream_ca = osh_host_config_string(host, "upstream-ca"),
        .authority_certificate = osh_host_config_string(host, "authority-certificate"),
        .authority_key = osh_host_config_string(host, "authority-key"),
        .authority_folder = osh_host_config_string(host, "authority-folder"),
        .client_certificate = osh_host_config_string(host, "client-certificate"),
        .client_key = osh_host_config_string(host, "client-key"),
        .client_certificate_hosts = osh_host_config_strings(host, "client-certificate-hosts"),
    };
    return config_check_root(parsed->identity_root, error) &&
           config_check_authority(parsed, error) && config_check_client(parsed, error);
}

void
osh_network_config_clear(OshNetworkConfig *config)
{
    g_clear_pointer(&config->listen, g_strfreev);
    g_clear_pointer(&config->identity_root, g_free);
    g_clear_pointer(&config->upstream_ca, g_free);
    g_clear_pointer(&config->authority_certificate, g_free);
    g_clear_pointer(&config->authority_key, g_free);
    g_clear_pointer(&config->authority_folder, g_free);
    g_clear_pointer(&config->client_certificate, g_free);
    g_clear_pointer(&config->client_key, g_free);
    g_clear_pointer(&config->client_certificate_hosts, g_strfreev);
}
