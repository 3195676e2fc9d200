/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h: the inside of a snapshot. Private to host/policy.
 *
 * The loader fills these structures on one thread; once a snapshot is handed out they are only
 * read. @source pointers lead back to the document and are valid only while loading.
 */
#pragma once

#include <stdatomic.h>

#include "arena.h"
#include "document.h"
#include "osh-glob.h"
#include "osh-mcp.h"
#include "policy.h"
#include "protocol-table.h"

/* The method of MCP whose rules may name a tool and its arguments. */
#define OSH_POLICY_TOOL_CALL "tools/call"

/*
 * A glob of the policy. @glob is NULL when the pattern is broken: the policy still loads (with a
 * warning), but every decision that has to consult it is an error, which denies.
 */
typedef struct {
    const char *text;
    const OshGlob *glob;
} OshPolicyPattern;

/* `{min: N, max: N}`; a limit that is not written is the end of the numbers. */
typedef struct {
    gint64 minimum;
    gint64 maximum;
} OshPolicyLimits;

/* `{any: [...]}`, one glob, or limits of a number. */
typedef struct {
    const OshPolicyPattern *const *patterns;
    guint n_patterns;
    const OshPolicyLimits *limits; /* NULL: the patterns decide; else there are none */
} OshPolicyMatcher;

typedef struct {
    const char *key;
    gsize key_length;
    OshPolicyMatcher matcher;
} OshPolicyKeyMatcher;

/* A field of a record of a plugin's fact. */
typedef struct {
    const OshPolicyFieldDecl *field;
    OshPolicyMatcher matcher;
} OshPolicyFieldMatcher;

/* A fact that a plugin states: a value, or for records their fields. */
typedef struct {
    const OshPolicyFactDecl *fact;
    OshPolicyMatcher matcher;
    const OshPolicyFieldMatcher *fields;
    guint n_fields;
} OshPolicyFactMatcher;

/* One allow or deny rule. Absent text is NULL. */
struct _OshPolicyRule {
    const char *words; /* the rule, for people */
    const char *method;
    const OshPolicyPattern *path;
    const char *command;
    const char *operation_type;
    const OshPolicyPattern *operation_name;
    const OshPolicyPattern *const *fields;
    const OshPolicyKeyMatcher *query;
    const OshPolicyKeyMatcher *params;
    const OshPolicyKeyMatcher *arguments;   /* of an MCP tool call, keys as `arguments.NAME` */
    const OshPolicyFactMatcher *facts;      /* of a plugin's protocol */
    const OshPolicyPattern *method_pattern; /* of json-rpc and mcp */
    const OshYamlNode *source;
    guint n_fields;
    guint n_query;
    guint n_params;
    guint n_arguments;
    guint n_facts;
    guint line; /* where it stands in the file */
    gboolean any_method;
    gboolean has_tool; /* params.name was written as `tool` */
};

/* A registered GraphQL query. */
typedef struct {
    const char *id;
    const char *operation_type;
    const char *operation_name; /* (nullable) */
    const OshSpan *fields;
    guint n_fields;
} OshPolicyRegisteredQuery;

/* What an endpoint compares requests with; shared through OshPolicyEndpoint.match. */
struct _OshPolicyEndpointMatch {
    const OshPolicyPattern *host;          /* NULL unless the host is a pattern */
    const OshPolicyPattern *path;          /* as a rule path; NULL when every path matches */
    const OshPolicyPattern *path_selector; /* as a selector; NULL when every path matches */
    const char *path_prefix;               /* selector of the form PREFIX and everything below */
    guint path_specificity;
    const OshPolicyRule *rules;
    const OshPolicyRule *deny_rules;
    const OshPolicyRegisteredQuery *registered;
    guint n_rules;
    guint n_deny_rules;
    guint n_registered;
    gboolean has_broken_pattern;
    gboolean has_tool_rules;               /* an allow rule names a tool */
    const OshPolicyProtocolDecl *declared; /* NULL unless a plugin brings the protocol */
    guint line;                            /* where the endpoint stands in the file */
    const OshYamlNode *source;
    const char *access;
};

typedef struct _OshPolicyEntry {
    const char *name;
    const char *display_name;
    guint first_endpoint;
    guint n_endpoints;
    const guint32 *binaries; /* ids of exact paths, ascending */
    guint n_binaries;
    const OshPolicyPattern *const *binary_patterns;
    guint n_binary_patterns;
    gboolean any_binary;
    const OshYamlNode *source;
    const struct _OshPolicyEntry *declared; /* without what a proposal made; NULL: nothing was */
} OshPolicyEntry;

typedef struct _OshPolicyIndex OshPolicyIndex;

struct _OshPolicySnapshot {
    atomic_uint references;
    OshArena *arena;
    char *file_name;
    char sha256[65];
    guint64 generation;
    OshPolicyFixed fixed;
    OshPolicyStatic static_part; /* the same for the public interface */
    OshPolicyEntry *policies;
    guint n_policies;
    OshPolicyEndpoint *endpoints;
    guint n_endpoints;
    GHashTable *patterns; /* owns every OshGlob */
    GHashTable *binary_ids;
    OshPolicyProtocolTable *protocols; /* (nullable) */
    OshPolicyIndex *index;
    GArray *middlewares; /* (nullable): OshPolicyMiddlewareEntry, by their order */
    gboolean needs_binaries;
    char *quarantine;        /* (nullable): why every decision is a denial */
    OshPolicySnapshot *kept; /* (nullable): what the fixed part of a quarantine is borrowed from */
};

/** osh_policy_snapshot_new: an empty one with one reference; private to the loader. */
OshPolicySnapshot *osh_policy_snapshot_new(const char *file_name, guint64 generation);

/** osh_policy_pattern: interns @text with @separator in @snapshot; never NULL. */
const OshPolicyPattern *osh_policy_pattern(OshPolicySnapshot *snapshot, const char *text,
                                           char separator, GError **error);

/** osh_policy_index_build: compiles the look-up tables over the endpoints of @snapshot. */
OshPolicyIndex *osh_policy_index_build(const OshPolicySnapshot *snapshot);

/** osh_policy_index_free: frees it. */
void osh_policy_index_free(OshPolicyIndex *index);

/** osh_policy_index_size: bytes held. */
gsize osh_policy_index_size(const OshPolicyIndex *index);

/**
 * OshPolicyIndexVisit: called for each endpoint that matches; FALSE ends the walk.
 * @exact: the endpoint names this very host
 */
typedef gboolean (*OshPolicyIndexVisit)(guint endpoint, gboolean exact, gpointer data);

/**
 * osh_policy_index_walk:
 * @host: (array length=length): lower-case host
 * @port: port, or 0 for any
 *
 * Visits every endpoint that matches host and port, in no particular order.
 *
 * Returns: FALSE when a visit ended it
 */
gboolean osh_policy_index_walk(const OshPolicySnapshot *snapshot, const char *host, gsize length,
                               guint port, OshPolicyIndexVisit visit, gpointer data);

/** osh_policy_index_has_wildcards: TRUE when some endpoint's host is a pattern. */
gboolean osh_policy_index_has_wildcards(const OshPolicyIndex *index);

/** osh_policy_index_binary: Returns: the id of an exact binary path, or G_MAXUINT32. */
guint32 osh_policy_index_binary(const OshPolicyIndex *index, const char *path, gsize length);
