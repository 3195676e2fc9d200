/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h: the host's configuration: a file, then what the command line says over it.
 *
 * |[
 * [host]
 * timeout = 600
 *
 * [plugin network]
 * enabled = true
 * required = true
 * some-key = a value of the type that the plugin's manifest declares
 * ]|
 *
 * Reading knows no plugins yet; osh_config_check() and osh_config_for_plugin() hold what was read
 * against the manifests. Every message says where the setting stands.
 */
#pragma once

#include <glib.h>

#include "manifest.h"

G_BEGIN_DECLS

/** OshTristate: a boolean that may have been left out. */
typedef enum {
    OSH_UNSET = -1,
    OSH_FALSE = 0,
    OSH_TRUE = 1,
} OshTristate;

typedef struct _OshConfig OshConfig;

/** osh_config_new: Returns: (transfer full): a configuration that says nothing. */
OshConfig *osh_config_new(void);

/** osh_config_free: @config: (transfer full) (nullable). */
void osh_config_free(OshConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshConfig, osh_config_free)

/**
 * osh_config_load:
 * @path: of the file, which must be a regular file
 * @error: return location
 *
 * Returns: FALSE when it cannot be read or is not right in every line
 */
gboolean osh_config_load(OshConfig *config, const char *path, GError **error);

/** osh_config_parse: the same over text that messages call @name. */
gboolean osh_config_parse(OshConfig *config, const char *name, const char *text, gsize length,
                          GError **error);

/**
 * osh_config_set:
 * @assignment: "ID.key=value"; which dot ends the ID is decided by osh_config_check()
 *
 * Returns: FALSE when there is no dot or no "="
 */
gboolean osh_config_set(OshConfig *config, const char *assignment, GError **error);

/**
 * osh_config_enable:
 * @origin: for messages: "--enable"
 *
 * Says whether a plugin is enabled, over what the file says.
 */
void osh_config_enable(OshConfig *config, const char *id, gboolean enabled, const char *origin);

/**
 * osh_config_check:
 * @manifests: (element-type OshManifest): of every plugin that was found
 *
 * Gives the settings to their plugins. An assignment is split at the last dot that leaves a known
 * id, so an id with dots and a key with dots both work. Where no plugin has an id that is the word
 * of a role, the plugin that plays the role is meant; a role that none plays may be disabled. Then
 * looks for settings of plugins that do not exist and of keys that no manifest declares.
 *
 * Returns: FALSE with the first of them
 */
gboolean osh_config_check(OshConfig *config, const GPtrArray *manifests, GError **error);

/** osh_config_enabled: Returns: what was said about @id. */
OshTristate osh_config_enabled(const OshConfig *config, const char *id);

/** osh_config_required: Returns: what was said about @id. */
OshTristate osh_config_required(const OshConfig *config, const char *id);

/**
 * osh_config_for_plugin:
 *
 * Returns: (transfer full) (nullable): a{sv} with every key that has a value, the manifest's
 *   defaults included; NULL with @error set for a value of the wrong type
 */
GVariant *osh_config_for_plugin(const OshConfig *config, const OshManifest *manifest,
                                GError **error);

/**
 * osh_config_host:
 * @key: a key of [host]
 *
 * Returns: (transfer none) (nullable): its value, of the key's type
 */
GVariant *osh_config_host(const OshConfig *config, const char *key);

/** osh_config_host_text: Returns: (transfer none) (nullable): @option where given, or @key's value.
 */
const char *osh_config_host_text(const OshConfig *config, const char *key, const char *option);

/** osh_config_host_integer: Returns: the value of @key, or @fallback. */
gint64 osh_config_host_integer(const OshConfig *config, const char *key, gint64 fallback);

G_END_DECLS
