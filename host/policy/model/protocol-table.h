/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol-table.h: the protocols that plugins bring, as their manifests declare them.
 *
 * Filled on one thread, then shared: a snapshot keeps the table that it was loaded with. No code
 * of a plugin runs to fill it.
 */
#pragma once

#include <glib.h>
#include <openshell/fact.h>

G_BEGIN_DECLS

typedef struct _OshPolicyProtocolTable OshPolicyProtocolTable;

/** OshPolicyFieldDecl: a field of the records of a fact. */
typedef struct {
    char *name;
    OshFactType type;
} OshPolicyFieldDecl;

/**
 * OshPolicyFactDecl:
 * @name: as the plugin states it, for example `redis.command`
 * @short_name: (nullable): without the name of the protocol; NULL when that is no name of its own
 * @type: its shape
 * @sensitive: its values are neither recorded nor shown
 * @separator: the character that `*` does not cross, or 0
 * @values: (nullable) (array zero-terminated=1): its vocabulary: every value that it can have
 * @fields: (array length=n_fields): of its records
 * @n_fields: how many
 */
typedef struct {
    char *name;
    const char *short_name;
    OshFactType type;
    gboolean sensitive;
    char separator;
    char **values;
    OshPolicyFieldDecl *fields;
    guint n_fields;
} OshPolicyFactDecl;

/**
 * OshPolicyProtocolDecl:
 * @name: the value of `protocol:`
 * @carrier: tcp, http or websocket
 * @provider: id of the plugin
 * @unusable: (nullable): why the plugin takes no part in this run
 * @facts: (element-type OshPolicyFactDecl): what it states about a message
 */
typedef struct {
    char *name;
    char *carrier;
    char *provider;
    char *unusable;
    GPtrArray *facts;
} OshPolicyProtocolDecl;

/** osh_policy_protocol_table_new: [any] Returns: (transfer full): an empty table. */
OshPolicyProtocolTable *osh_policy_protocol_table_new(void);

/** osh_policy_protocol_table_ref: [any] Returns: (transfer full): @table. */
OshPolicyProtocolTable *osh_policy_protocol_table_ref(OshPolicyProtocolTable *table);

/** osh_policy_protocol_table_unref: [any] @table: (transfer full) (nullable). */
void osh_policy_protocol_table_unref(OshPolicyProtocolTable *table);

/**
 * osh_policy_protocol_table_set_enforces:
 * @flags: the OSH_POLICY_ENFORCES_* of what the plugins together enforce; each policy that is
 *   loaded with @table is held against them as well as against the flags of its request
 *
 * Before the table is shared.
 */
void osh_policy_protocol_table_set_enforces(OshPolicyProtocolTable *table, guint flags);

/** osh_policy_protocol_table_enforces: [any] Returns: the flags; @table may be NULL. */
guint osh_policy_protocol_table_enforces(const OshPolicyProtocolTable *table);

/**
 * osh_policy_protocol_table_add:
 * @name: value of `protocol:`; a name of OpenShell's schema keeps the schema's meaning
 * @carrier: tcp, http or websocket
 * @provider: id of the plugin that declares it
 * @error: return location
 *
 * Returns: (transfer none) (nullable): the new entry; NULL when another plugin declared @name
 *   before, which stays
 */
OshPolicyProtocolDecl *osh_policy_protocol_table_add(OshPolicyProtocolTable *table,
                                                     const char *name, const char *carrier,
                                                     const char *provider, GError **error);

/**
 * osh_policy_protocol_add_fact:
 * @name: of the fact
 * @type: string, integer, boolean, strings or records
 * @separator: (nullable): one ASCII character
 * @fields: (nullable) (array zero-terminated=1): of records: NAME or NAME:TYPE
 * @error: return location
 *
 * Returns: FALSE when the declaration is not right
 */
gboolean osh_policy_protocol_add_fact(OshPolicyProtocolDecl *protocol, const char *name,
                                      const char *type, gboolean sensitive, const char *separator,
                                      const char *const *fields, GError **error);

/**
 * osh_policy_protocol_declare_values:
 * @fact: full name of a fact of @protocol, a string or strings
 * @values: (array zero-terminated=1): every value that it can have
 * @error: return location
 *
 * Rules may name these values alone, and globs that match one of them.
 *
 * Returns: FALSE when the declaration is not right
 */
gboolean osh_policy_protocol_declare_values(OshPolicyProtocolDecl *protocol, const char *fact,
                                            const char *const *values, GError **error);

/**
 * osh_policy_protocol_table_add_middleware:
 * @name: value of `middleware:`
 *
 * Before the table is shared. A plugin of this run serves it.
 */
void osh_policy_protocol_table_add_middleware(OshPolicyProtocolTable *table, const char *name);

/** osh_policy_protocol_table_middlewares: [any] Returns: (transfer container) (array
 * zero-terminated=1): every name, sorted; @table may be NULL. */
char **osh_policy_protocol_table_middlewares(const OshPolicyProtocolTable *table);

/** osh_policy_protocol_table_find: [any] Returns: (nullable): what @name is, @table may be NULL. */
const OshPolicyProtocolDecl *osh_policy_protocol_table_find(const OshPolicyProtocolTable *table,
                                                            const char *name);

/** osh_policy_protocol_table_names: [any] Returns: (transfer container): every name, sorted;
 * @table may be NULL. */
char **osh_policy_protocol_table_names(const OshPolicyProtocolTable *table);

/**
 * osh_policy_protocol_find_fact:
 * @name: the full name of a fact, or its short one
 *
 * Returns: (nullable): its declaration
 */
const OshPolicyFactDecl *osh_policy_protocol_find_fact(const OshPolicyProtocolDecl *protocol,
                                                       const char *name);

/** osh_policy_protocol_fact_names: Returns: (transfer container): how rules name the facts. */
const char **osh_policy_protocol_fact_names(const OshPolicyProtocolDecl *protocol);

/** osh_policy_fact_rule_name: Returns: the shortest name that a rule may use. */
const char *osh_policy_fact_rule_name(const OshPolicyFactDecl *fact);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyProtocolTable, osh_policy_protocol_table_unref)

G_END_DECLS
