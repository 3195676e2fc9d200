/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-config.c: the plugin's configuration, checked. [main]
 */
#include "network-config.h"

static gint64
config_integer(GVariant *config, const char *name, gint64 lowest, gint64 highest, gint64 otherwise,
               GError **error)
{
    gint64 value = otherwise;

    if (config != NULL)
        g_variant_lookup(config, name, "x", &value);
    if (value < lowest || value > highest) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s: %" G_GINT64_FORMAT " is not between %" G_GINT64_FORMAT
                    " and %" G_GINT64_FORMAT,
                    name, value, lowest, highest);
        return -1;
    }
    return value;
}

static gboolean
config_read_identity(GVariant *config, OshNetworkConfig *parsed, GError **error)
{
    g_autofree char *identity = NULL;

    if (config != NULL) {
        g_variant_lookup(config, "identity", "s", &identity);
        g_variant_lookup(config, "identity_root", "s", &parsed->identity_root);
    }
    parsed->identity_required = identity == NULL || g_str_equal(identity, "required");
    if (!parsed->identity_required && !g_str_equal(identity, "relaxed")) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "identity: \"%s\" is neither \"required\" nor \"relaxed\"", identity);
        return FALSE;
    }
    if (parsed->identity_root != NULL && parsed->identity_root[0] != '/' &&
        !g_ascii_string_to_unsigned(parsed->identity_root, 10, 1, G_MAXINT, NULL, NULL)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "identity_root: \"%s\" is neither a pid nor an absolute path",
                    parsed->identity_root);
        return FALSE;
    }
    return TRUE;
}

static gboolean
config_read_tls(GVariant *config, OshNetworkConfig *parsed, GError **error)
{
    g_autofree char *tls = NULL;

    if (config != NULL)
        g_variant_lookup(config, "tls", "s", &tls);
    parsed->tls_always = g_strcmp0(tls, "always") == 0;
    if (tls == NULL || parsed->tls_always || g_str_equal(tls, "auto"))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "tls: \"%s\" is neither \"auto\" nor "
                "\"always\"",
                tls);
    return FALSE;
}

gboolean
osh_network_config_read(GVariant *config, OshNetworkConfig *parsed, GError **error)
{
    gint64 connect, head, idle, all, each;

    parsed->java = TRUE;
    if (config != NULL) {
        g_variant_lookup(config, "listen", "^as", &parsed->listen);
        g_variant_lookup(config, "java", "b", &parsed->java);
    }
    if (!config_read_identity(config, parsed, error) || !config_read_tls(config, parsed, error))
        return FALSE;
    if ((connect = config_integer(config, "connect_timeout", 1, 3600, 20, error)) < 0 ||
        (head = config_integer(config, "head_timeout", 1, 3600, 10, error)) < 0 ||
        (idle = config_integer(config, "idle_timeout", 0, G_MAXINT, 0, error)) < 0 ||
        (all = config_integer(config, "max_connections", 1, 1000000, 16384, error)) < 0 ||
        (each = config_integer(config, "max_connections_per_process", 1, 1000000, 12288, error)) <
            0)
        return FALSE;
    parsed->connect_timeout = connect * G_TIME_SPAN_SECOND;
    parsed->head_timeout = head * G_TIME_SPAN_SECOND;
    parsed->idle_timeout = idle * G_TIME_SPAN_SECOND;
    parsed->max_connections = (guint)all;
    parsed->max_connections_per_process = (guint)each;
    return TRUE;
}

void
osh_network_config_clear(OshNetworkConfig *config)
{
    g_clear_pointer(&config->listen, g_strfreev);
    g_clear_pointer(&config->identity_root, g_free);
}
