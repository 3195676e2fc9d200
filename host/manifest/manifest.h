/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h: everything static about a plugin, as its key-file text says it; the grammar is
 * documented at OSH_PLUGIN_MANIFEST in openshell/plugin.h.
 */
#pragma once

#include <glib.h>

#include "config-value.h"
#include "openshell/event.h"

G_BEGIN_DECLS

/** OshManifestTopic: a topic of the plugin's own. */
typedef struct {
    char *name;
    char *type;
    OshEventClass event_class;
    gboolean retained;
    char *ends; /* (nullable) */
} OshManifestTopic;

/**
 * OshManifestConfigKey: a key of the configuration, or of endpoints; @default_value is %NULL where
 * there is none.
 */
typedef struct {
    char *key;
    OshConfigType type;
    OshConfigLimits limits;
    GVariant *default_value;
    char *help; /* (nullable) */
} OshManifestConfigKey;

/** OshManifestProtocol: a value of `protocol:` that the plugin serves. */
typedef struct {
    char *name;
    char *carrier;
    char **alpn;
    gboolean server_speaks_first;
    guint window;       /* least bytes of a direction that a session needs to see, or 0 */
    char *action;       /* (nullable): name of a fact */
    char *target;       /* (nullable): name of a fact */
    GPtrArray *options; /* of OshManifestConfigKey: keys of its endpoints */
} OshManifestProtocol;

/** OshManifestFact: a fact that a protocol of the plugin states. */
typedef struct {
    char *name;
    char *protocol;
    char *type;
    gboolean sensitive;
    char *separator; /* (nullable): one ASCII character */
    char **fields;   /* of records: NAME or NAME:TYPE; empty for the rest */
    char **values;   /* of strings: the only ones; empty means any */
} OshManifestFact;

/**
 * OSH_ROLE_PROCESS: makes boxes and runs programs in them; played by each plugin that provides
 * openshell.process-launcher/1
 */
#define OSH_ROLE_PROCESS "process"
/** OSH_ROLE_NETWORK: carries connections as the policy decides; `role=` of the manifest says so */
#define OSH_ROLE_NETWORK "network"

/**
 * OshManifest: a whole manifest; lists are never %NULL.
 * @role: (nullable): the part of a run that it plays, one of OSH_ROLE_*
 * @text: what all of it was read from
 */
typedef struct {
    char *text;
    char *id;
    char *version;
    char *summary;
    char *license;
    char *role;
    guint abi_major;
    guint abi_minor;
    gboolean worker_capable;
    char **provides;
    char **requires;
    char **wants;
    char **publishes;
    char **middleware; /* values of `middleware:` in the policy that it serves */
    GPtrArray *topics;
    GPtrArray *config_keys;
    GPtrArray *protocols;
    GPtrArray *facts;
} OshManifest;

/**
 * osh_manifest_parse:
 * @name: what messages call the text: the plugin's file
 * @text: the text, not NUL-terminated
 * @length: of @text in bytes
 * @error: return location
 *
 * The ABI major is read and not judged here, so that a plugin for another major can be listed.
 *
 * Returns: (transfer full) (nullable): the manifest
 */
OshManifest *osh_manifest_parse(const char *name, const char *text, gsize length, GError **error);

/** osh_manifest_free: @manifest: (transfer full) (nullable). */
void osh_manifest_free(OshManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshManifest, osh_manifest_free)

/** osh_manifest_provides: Returns: whether @interface_id is among what it provides. */
gboolean osh_manifest_provides(const OshManifest *manifest, const char *interface_id);

/** osh_manifest_uses: Returns: whether @interface_id is among what it requires or wants. */
gboolean osh_manifest_uses(const OshManifest *manifest, const char *interface_id);

/** osh_manifest_config_key: Returns: (transfer none) (nullable): the declaration of @key. */
const OshManifestConfigKey *osh_manifest_config_key(const OshManifest *manifest, const char *key);

/** osh_role_is_known: Returns: whether @word names a role; the words are legal where a plugin id
 * is.
 */
gboolean osh_role_is_known(const char *word);

/**
 * osh_manifest_config_key_parse:
 * @text: what was written for @key
 * @error: return location; the message says what was expected and not where
 *
 * Returns: (transfer full) (nullable): a value of its type and within its limits, not floating
 */
GVariant *osh_manifest_config_key_parse(const OshManifestConfigKey *key, const char *text,
                                        GError **error);

/** osh_manifest_config_key_free: @key: (transfer full). */
void osh_manifest_config_key_free(OshManifestConfigKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshManifestConfigKey, osh_manifest_config_key_free)

/**
 * osh_manifest_protocol:
 *
 * Returns: (transfer none) (nullable): what it declares as @name
 */
OshManifestProtocol *osh_manifest_protocol(const OshManifest *manifest, const char *name);

/** osh_manifest_id_is_valid: Returns: whether @id may name a plugin. */
gboolean osh_manifest_id_is_valid(const char *id);

G_END_DECLS
