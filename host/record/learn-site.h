/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-site.h: what was seen of one host and port, and the rules that grow from it. Private to
 * host/record.
 */
#pragma once

#include "learn-pattern.h"
#include "policy.h"
#include "recording.h"

G_BEGIN_DECLS

/** OshLearnKind: what an endpoint has to read so that its rules can be judged. */
typedef enum {
    OSH_LEARN_CONNECTION,
    OSH_LEARN_REST,
    OSH_LEARN_WEBSOCKET,
    OSH_LEARN_GRAPHQL,
    OSH_LEARN_JSONRPC,
    OSH_LEARN_MCP,
} OshLearnKind;

/**
 * OshLearnRule: one thing that is allowed, and equally one thing that was seen.
 * @scope: (nullable): path of the endpoint, as a glob; NULL for the whole site
 * @method: (nullable): of HTTP, or of a call
 * @pattern: (nullable): path, for REST and WebSocket
 * @type: (nullable): of a GraphQL operation
 * @name: (nullable): of it, as a glob
 * @fields: (nullable): of it, as globs, sorted
 * @tool: (nullable): of an MCP call
 * @key: all of it, for comparing
 */
typedef struct {
    OshLearnKind kind;
    char *scope;
    char *method;
    OshLearnPattern *pattern;
    char *type;
    char *name;
    GStrv fields;
    char *tool;
    char *key;
} OshLearnRule;

/** osh_learn_rule_new: Returns: (transfer full): an empty rule. */
OshLearnRule *osh_learn_rule_new(OshLearnKind kind, const char *scope);
/** osh_learn_rule_scope: makes @rule one of an endpoint of its own for the path @scope. */
void osh_learn_rule_scope(OshLearnRule *rule, OshLearnKind kind, const char *scope);
/** osh_learn_rule_finish: sets its key. Returns: @rule. */
OshLearnRule *osh_learn_rule_finish(OshLearnRule *rule);
/** osh_learn_rule_free: @rule: (nullable) (transfer full). */
void osh_learn_rule_free(OshLearnRule *rule);
/** osh_learn_rule_covers: Returns: whether @rule allows what @seen is. */
gboolean osh_learn_rule_covers(const OshLearnRule *rule, const OshLearnRule *seen);

/**
 * OshLearnRow: one decision to be allowed.
 * @images: (element-type utf8): the program and its ancestors
 * @grant: the one of them that is named in the policy
 * @seen: (element-type OshLearnRule): empty for a mere connection
 */
typedef struct {
    const OshRecordedDecision *row;
    GPtrArray *images;
    char *grant;
    GPtrArray *seen;
} OshLearnRow;

/**
 * OshLearnUnit: the rules of one binary for a site.
 * @rules: (element-type OshLearnRule): of every kind; empty where @is_connection
 * @is_connection: host and port are all there is
 * @is_dropped: nothing needs it
 */
typedef struct {
    char *binary;
    GPtrArray *rules;
    gboolean is_connection;
    gboolean is_dropped;
} OshLearnUnit;

/**
 * OshLearnSite:
 * @allowed_ips: (nullable): from the ceiling
 * @tls_skip: from the ceiling
 * @encoded_slash: some path holds `%2F`
 * @by_pattern: (nullable): the pattern of the ceiling that has the host
 */
typedef struct {
    char *host;
    guint port;
    GPtrArray *rows;  /* OshLearnRow */
    GPtrArray *units; /* OshLearnUnit, by binary */
    GStrv allowed_ips;
    gboolean tls_skip;
    gboolean encoded_slash;
    char *by_pattern;
} OshLearnSite;

/** osh_learn_site_new: Returns: (transfer full): nothing seen yet. */
OshLearnSite *osh_learn_site_new(const char *host, guint port);
/** osh_learn_site_free: @site: (nullable) (transfer full). */
void osh_learn_site_free(OshLearnSite *site);
/** osh_learn_row_has_image: Returns: whether @binary, as a policy has it, is an image of @row. */
gboolean osh_learn_row_has_image(const OshLearnRow *row, const char *binary);
/** osh_learn_row_free: @row: (nullable) (transfer full). */
void osh_learn_row_free(OshLearnRow *row);

/**
 * osh_learn_site_grow:
 * @ceiling: (nullable): not to be exceeded
 * @ret_reason: (out): why the row that is returned cannot be learned
 *
 * Makes the units of @site from its rows: every rule that was seen, then fewer and wider ones.
 *
 * Returns: (transfer none) (nullable): a row that @ceiling does not let stand beside the others, or
 *   an inspected tunnel without a rule; take it out and grow again
 */
OshLearnRow *osh_learn_site_grow(OshLearnSite *site, const OshPolicySnapshot *ceiling,
                                 const char **ret_reason);

/** osh_learn_site_prune: drops every rule and unit without which each row is still allowed. */
void osh_learn_site_prune(OshLearnSite *site);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLearnSite, osh_learn_site_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLearnRule, osh_learn_rule_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLearnRow, osh_learn_row_free)

G_END_DECLS
