/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h: OpenShell's policy language as an immutable snapshot and a pure decision function.
 *
 * A snapshot is loaded once and then only read: every function that takes a const snapshot may be
 * called from any thread without a lock. Everything "borrowed" below lives as long as the snapshot.
 *
 *     g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
 *     g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
 *         &(OshPolicyLoadRequest){.path = path, .generation = 1, .flags =
 * OSH_POLICY_LOAD_ENFORCEABLE}, diagnostics);
 *
 *     if (policy == NULL)
 *         print and refuse to start: osh_policy_diagnostics_format(diagnostics);
 *
 *     OshPolicyVerdict verdict;
 *
 *     osh_policy_decide(policy, &facts, &verdict);
 *     if (verdict.action != OSH_POLICY_ALLOW)
 *         say verdict.reason;
 *     osh_policy_verdict_clear(&verdict);
 */
#pragma once

#include <glib.h>
#include <openshell/ext/policy.h>

#include "diagnostics.h"
#include "marks.h"
#include "osh-address-class.h"
#include "protocol-table.h"

G_BEGIN_DECLS

/** OSH_PROVIDER_PREFIX: begins the name of a policy that a provider has added. */
#define OSH_PROVIDER_PREFIX "_provider_"

typedef struct _OshPolicyRule OshPolicyRule;
typedef struct _OshPolicyEndpointMatch OshPolicyEndpointMatch;

/** Largest policy file that is read, in bytes. */
#define OSH_POLICY_MAX_FILE (4 * 1024 * 1024)

/**
 * OshPolicyLoadFlags:
 * @OSH_POLICY_LOAD_ANY: load whatever the language allows (check, vectors)
 * @OSH_POLICY_LOAD_ENFORCEABLE: this policy will be enforced: what the running host cannot enforce
 *   is an error "not enforced yet"; the other flags say what it can beyond host, port and binary
 * @OSH_POLICY_ENFORCES_REST: requests of `protocol: rest`
 * @OSH_POLICY_ENFORCES_WEBSOCKET: `protocol: websocket`
 * @OSH_POLICY_ENFORCES_GRAPHQL: `protocol: graphql` and GraphQL rules
 * @OSH_POLICY_ENFORCES_JSONRPC: `protocol: json-rpc`
 * @OSH_POLICY_ENFORCES_MCP: `protocol: mcp`
 * @OSH_POLICY_ENFORCES_SQL: `protocol: sql`
 * @OSH_POLICY_ENFORCES_CREDENTIALS: credential rewriting, signing and binding
 * @OSH_POLICY_ENFORCES_MIDDLEWARE: `network_middlewares`
 * @OSH_POLICY_RESOLVE_LINKS: a binary that is a symbolic link on this machine also stands for the
 *   file at its end, because that is what a process is known by
 * @OSH_POLICY_ENFORCES_PLUGINS: protocols that plugins bring
 * @OSH_POLICY_LOAD_OPENSHELL: what OpenShell itself would not take is an error, what it would
 *   decide differently a warning
 * @OSH_POLICY_LOAD_DERIVED: the text was written by this program from a policy and the layers of
 *   providers, so keys of providers may stand in it
 * @OSH_POLICY_LOAD_FRAGMENT: a file with `preset`, which describes it, needs no version and is a
 * part of a policy
 * @OSH_POLICY_CHECK_WRITABLE: a binary that the box itself could replace, as paths lead on this
 *   machine, is a warning
 * @OSH_POLICY_CHECK_PROGRAMS: a binary that no process is known by on this machine, because the
 *   path leads through a linked folder or is a script, is a warning
 */
typedef enum {
    OSH_POLICY_LOAD_ANY = 0,
    OSH_POLICY_LOAD_ENFORCEABLE = 1 << 0,
    OSH_POLICY_ENFORCES_REST = 1 << 1,
    OSH_POLICY_ENFORCES_WEBSOCKET = 1 << 2,
    OSH_POLICY_ENFORCES_GRAPHQL = 1 << 3,
    OSH_POLICY_ENFORCES_JSONRPC = 1 << 4,
    OSH_POLICY_ENFORCES_MCP = 1 << 5,
    OSH_POLICY_ENFORCES_SQL = 1 << 6,
    OSH_POLICY_ENFORCES_CREDENTIALS = 1 << 7,
    OSH_POLICY_ENFORCES_MIDDLEWARE = 1 << 8,
    OSH_POLICY_RESOLVE_LINKS = 1 << 9,
    OSH_POLICY_ENFORCES_PLUGINS = 1 << 16,
    OSH_POLICY_LOAD_OPENSHELL = 1 << 17,
    OSH_POLICY_CHECK_WRITABLE = 1 << 18,
    OSH_POLICY_LOAD_DERIVED = 1 << 19,
    OSH_POLICY_LOAD_FRAGMENT = 1 << 20,
    OSH_POLICY_CHECK_PROGRAMS = 1 << 21,
} OshPolicyLoadFlags;

typedef enum {
    OSH_POLICY_PROTOCOL_NONE, /* not inspected */
    OSH_POLICY_PROTOCOL_TCP,
    OSH_POLICY_PROTOCOL_REST,
    OSH_POLICY_PROTOCOL_WEBSOCKET,
    OSH_POLICY_PROTOCOL_GRAPHQL,
    OSH_POLICY_PROTOCOL_SQL,
    OSH_POLICY_PROTOCOL_JSONRPC,
    OSH_POLICY_PROTOCOL_MCP,
    OSH_POLICY_PROTOCOL_PLUGIN, /* declared by a plugin's manifest */
} OshPolicyProtocol;

typedef enum {
    OSH_POLICY_TLS_AUTO,
    OSH_POLICY_TLS_SKIP,
} OshPolicyTls;

typedef enum {
    OSH_POLICY_AUDIT, /* a denied request is logged and forwarded */
    OSH_POLICY_ENFORCE,
} OshPolicyEnforcement;

typedef enum {
    OSH_POLICY_BEST_EFFORT,
    OSH_POLICY_HARD_REQUIREMENT,
} OshPolicyLandlock;

/**
 * OshPolicyEndpoint:
 *
 * One entry of `endpoints`, as the loader understood it. Read-only; strings are never NULL unless
 * said so.
 */
typedef struct {
    const char *label;         /* `github.endpoints[0] (api.github.com:443)` */
    const char *policy_name;   /* key of the policy that holds it */
    const char *host;          /* lower case; "" when hostless */
    const char *path;          /* "" selects every request */
    const char *protocol_name; /* as in the file, lower case; "" when absent */
    const guint16 *ports;
    const OshAddressRange *allowed_ips;
    const OshCidr *allowed_cidrs;        /* the same entries as the public interface has them */
    const char *const *allowed_ip_texts; /* the same entries as written */
    guint n_ports;
    guint n_allowed_ips;
    guint index;        /* position in its policy's list */
    guint policy_index; /* position of its policy, in byte order of the keys */
    OshPolicyProtocol protocol;
    OshPolicyTls tls;
    OshPolicyEnforcement enforcement;
    gboolean has_config; /* carries handling: an inspected protocol, allowed_ips or tls */
    gboolean host_is_pattern;
    gboolean is_proposed; /* made by a proposal: its host is not trusted for being named exactly */
    gboolean allow_encoded_slash;
    gboolean websocket_credential_rewrite;
    gboolean request_body_credential_rewrite;
    gboolean allow_uninspected_credentials;
    gboolean allow_registered_queries;
    gboolean strict_tool_names;
    const char *pin_tools; /* mcp.pin_tools; NULL when absent */
    gboolean allow_all_known_mcp_methods;
    gboolean has_graphql_rules;
    guint mcp_versions;     /* sum of OshMcpRevision, see osh-mcp.h; 0 unless it speaks MCP */
    guint32 max_body_bytes; /* of the inspected content; 0 when it has none */
    const char *credential_signing;      /* (nullable) */
    const char *signing_service;         /* (nullable) */
    const char *signing_region;          /* (nullable) */
    const char *credential_provider;     /* (nullable) */
    const OshPolicyEndpointMatch *match; /* private to the engine */
} OshPolicyEndpoint;

/**
 * OshPolicyFixed:
 *
 * What holds from the start of a box to its end.
 */
typedef struct {
    guint version;
    const char *const *read_only; /* NULL-terminated, lexically normalised */
    const char *const *read_write;
    gboolean include_workdir;
    gboolean private_tmp; /* no policy was given: /tmp is the box's own */
    OshPolicyLandlock landlock;
    const char *run_as_user;  /* (nullable): absent */
    const char *run_as_group; /* (nullable): absent */
} OshPolicyFixed;

/**
 * OshPolicyAction:
 * @OSH_POLICY_DENY: refused
 * @OSH_POLICY_ALLOW: permitted
 * @OSH_POLICY_ERROR: the policy could not be evaluated; refused, and audit does not soften it
 */
typedef enum {
    OSH_POLICY_DENY,
    OSH_POLICY_ALLOW,
    OSH_POLICY_ERROR,
} OshPolicyAction;

#define OSH_POLICY_INLINE_ENDPOINTS 8

/**
 * OshPolicyVerdict:
 * @action: the answer, before `enforcement: audit` turns a denial into log-and-forward
 * @hard: a denial that audit mode must not soften
 * @policy_name: (nullable): borrowed; the smallest key among the policies that match
 * @rule: (nullable): borrowed; the rule that decided, in words
 * @reason: (nullable): why not; owned by the verdict, NULL on allow
 * @rule_missing: a request that no rule allows and no deny rule refuses: one more allow rule would
 *   let it pass
 * @denied_by_rule: a deny rule refuses the request: @rule
 * @exact_declared_host: some matching endpoint names this very host
 * @endpoints: (array length=n_endpoints): borrowed; matching endpoints that carry handling, in
 *   key order, then list order
 * @selected: (nullable): borrowed; without request facts the first of @endpoints, with them the
 *   endpoint whose path fits the request best; tls, protocol, enforcement, allowed_ips are its
 * @middleware: (nullable): borrowed; of those that select the host of a connection that is allowed,
 *   one that allows nothing it cannot inspect, if there is any
 * @is_opaque: an endpoint with `tls: skip` or `protocol: tcp` allows it, which @middleware cannot
 *   look into
 * @inspector: (nullable): borrowed; the rules of @selected are about what the content of the
 *   message says, and nothing is known of it yet: who looks into it, before this is an answer
 * @generation: of the snapshot that answered
 *
 * Fill with osh_policy_decide(), release with osh_policy_verdict_clear(). Do not copy.
 */
typedef struct {
    OshPolicyAction action;
    gboolean hard;
    const char *policy_name;
    const char *rule;
    char *reason;
    gboolean rule_missing;
    gboolean denied_by_rule;
    gboolean exact_declared_host;
    const OshPolicyEndpoint *const *endpoints;
    guint n_endpoints;
    const OshPolicyEndpoint *selected;
    const OshPolicyMiddleware *middleware;
    gboolean is_opaque;
    const char *inspector;
    guint64 generation;
    /*< private >*/
    const OshPolicyEndpoint *inline_endpoints[OSH_POLICY_INLINE_ENDPOINTS];
    const OshPolicyEndpoint **heap_endpoints;
} OshPolicyVerdict;

/**
 * OshPolicyLoadRequest:
 * @text: (nullable) (array length=length): the file
 * @length: its size
 * @path: (nullable): a regular file that is read instead of @text; symbolic links are followed
 * @file_name: (nullable): what to call it in messages; NULL is @path
 * @generation: number of the snapshot, raised by the caller at each reload
 * @flags: #OshPolicyLoadFlags
 * @protocols: (nullable): the protocols that plugins bring, which are legal then; the snapshot
 * keeps a reference
 * @marks: (nullable): what of the text a proposal made: such an endpoint or binary gives no host
 * the trust of having been named exactly
 * @ret_enforceable: (out) (nullable): whether a run would take the policy, whatever else @flags ask
 *
 * What to load, and how. Zero is the default of each. Read during the call only.
 */
typedef struct {
    const char *text;
    gsize length;
    const char *path;
    const char *file_name;
    guint64 generation;
    guint flags;
    OshPolicyProtocolTable *protocols;
    const OshPolicyMarks *marks;
    gboolean *ret_enforceable;
} OshPolicyLoadRequest;

/**
 * osh_policy_load: [any]
 * @request: what to load
 * @diagnostics: gets every error and warning
 *
 * Returns: (transfer full) (nullable): the snapshot, or NULL when there was any error
 */
OshPolicySnapshot *osh_policy_load(const OshPolicyLoadRequest *request,
                                   OshPolicyDiagnostics *diagnostics);

/**
 * osh_policy_read_file:
 * @path: (nullable): a regular file; symbolic links are followed. NULL is standard input
 * @diagnostics: gets the error
 *
 * Returns: (transfer full) (nullable): its bytes, at most OSH_POLICY_MAX_FILE of them
 */
GString *osh_policy_read_file(const char *path, OshPolicyDiagnostics *diagnostics);

/** osh_policy_protocols: [any] Returns: (transfer none) (nullable): what it was loaded with. */
OshPolicyProtocolTable *osh_policy_protocols(const OshPolicySnapshot *snapshot);

/**
 * osh_policy_default: [any]
 *
 * Returns: (transfer full): what holds when no policy is given: no network, read-only system,
 *   writable working directory, private /tmp
 */
OshPolicySnapshot *osh_policy_default(void);

/**
 * osh_policy_quarantine: [any]
 * @kept: the policy that was in force; its fixed part goes on to hold
 * @generation: of the quarantine
 * @problem: why the candidate that would have had this generation was rejected
 *
 * Returns: (transfer full): a snapshot of which every decision is a hard denial that says so
 */
OshPolicySnapshot *osh_policy_quarantine(OshPolicySnapshot *kept, guint64 generation,
                                         const char *problem);

/** osh_policy_quarantine_reason: [any] Returns: (transfer none) (nullable): NULL for a policy. */
const char *osh_policy_quarantine_reason(const OshPolicySnapshot *snapshot);

/** osh_policy_snapshot_ref: [any] Returns: (transfer full): @snapshot. */
OshPolicySnapshot *osh_policy_snapshot_ref(OshPolicySnapshot *snapshot);

/** osh_policy_snapshot_unref: [any] @snapshot: (transfer full): the last one frees it. */
void osh_policy_snapshot_unref(OshPolicySnapshot *snapshot);

/** osh_policy_fixed: [any] Returns: (transfer none): the part that never changes in a box. */
const OshPolicyFixed *osh_policy_fixed(const OshPolicySnapshot *snapshot);

/** osh_policy_static_part: [any] Returns: (transfer none): the same as the public interface has
 * it. */
const OshPolicyStatic *osh_policy_static_part(const OshPolicySnapshot *snapshot);

/** osh_policy_generation: [any] Returns: the number given at load. */
guint64 osh_policy_generation(const OshPolicySnapshot *snapshot);

/** osh_policy_sha256: [any] Returns: (transfer none): 64 hex digits over the text of the file. */
const char *osh_policy_sha256(const OshPolicySnapshot *snapshot);

/** osh_policy_file_name: [any] Returns: (transfer none): as given at load. */
const char *osh_policy_file_name(const OshPolicySnapshot *snapshot);

/** osh_policy_n_policies: [any] Returns: number of network policies. */
guint osh_policy_n_policies(const OshPolicySnapshot *snapshot);

/** osh_policy_n_endpoints: [any] Returns: number of endpoints over all policies. */
guint osh_policy_n_endpoints(const OshPolicySnapshot *snapshot);

/** osh_policy_endpoint: [any] Returns: (transfer none): endpoint @index, in policy order. */
const OshPolicyEndpoint *osh_policy_endpoint(const OshPolicySnapshot *snapshot, guint index);

/** osh_policy_memory: [any] Returns: bytes that the snapshot holds. */
gsize osh_policy_memory(const OshPolicySnapshot *snapshot);

/**
 * osh_policy_decide: [any]
 * @snapshot: the policy
 * @facts: what is asked; `network.host`, `network.port` and `process.binary` at least
 * @ret_verdict: (out caller-allocates): the answer; previous content is ignored
 *
 * A pure function. Without request facts it decides the connection, with any of them the request.
 * Allocates nothing when the answer is allow and at most #OSH_POLICY_INLINE_ENDPOINTS endpoints
 * match.
 */
void osh_policy_decide(const OshPolicySnapshot *snapshot, const OshFacts *facts,
                       OshPolicyVerdict *ret_verdict);

/**
 * osh_policy_rule_line: [any]
 * @rule: (nullable): of a verdict of @snapshot
 * @selected: (nullable): of the same verdict
 *
 * Looks at every rule of the snapshot: for what is shown to a person, not for each decision.
 *
 * Returns: line in the file of the policy where @rule stands, or else @selected; 0 for neither
 */
guint osh_policy_rule_line(const OshPolicySnapshot *snapshot, const char *rule,
                           const OshPolicyEndpoint *selected);

/** osh_policy_verdict_is_softened: [any] Returns: whether the request is denied and is forwarded
 * all the same, because its endpoint only audits. Never true of a connection or a hard denial. */
static inline gboolean
osh_policy_verdict_is_softened(const OshPolicyVerdict *verdict)
{
    return verdict->action == OSH_POLICY_DENY && !verdict->hard && verdict->selected != NULL &&
           verdict->selected->enforcement == OSH_POLICY_AUDIT;
}

/** osh_policy_verdict_clear: [any] Releases what @verdict owns; may be called twice. */
void osh_policy_verdict_clear(OshPolicyVerdict *verdict);

/**
 * osh_policy_name_is_known: [any]
 * @snapshot: the policy
 * @host: a host name, any letter case
 *
 * Returns: TRUE when some binary may reach some port of @host, so its name may be resolved
 */
gboolean osh_policy_name_is_known(const OshPolicySnapshot *snapshot, const char *host);

/**
 * osh_policy_endpoint_option: [any]
 * @endpoint: an endpoint of a snapshot
 * @name: a key of the endpoint schema; options of a stanza as `mcp.strict_tool_names`, the body
 *   limit that applies also as `max_body_bytes`; rules have no value here
 *
 * Returns: (transfer full) (nullable): its value, floating reference sunk; NULL when the key has
 *   no value here
 */
GVariant *osh_policy_endpoint_option(const OshPolicyEndpoint *endpoint, const char *name);

/**
 * osh_policy_endpoint_handling: [any]
 * @endpoint: (nullable): NULL for one that says nothing beyond host and port
 *
 * Returns: a number that is equal for endpoints, of whatever snapshots, that have the bytes of a
 *   connection treated in the same way: TLS mode, protocol and credentials
 */
guint64 osh_policy_endpoint_handling(const OshPolicyEndpoint *endpoint);

/**
 * osh_policy_endpoint_has_credentials: [any]
 * @endpoint: (nullable): as above
 *
 * Returns: whether credentials are bound to it or may be written into what it gets
 */
gboolean osh_policy_endpoint_has_credentials(const OshPolicyEndpoint *endpoint);

/** osh_policy_protocol_is_inspected: [any] Returns: whether requests of @protocol are judged. */
static inline gboolean
osh_policy_protocol_is_inspected(OshPolicyProtocol protocol)
{
    return protocol != OSH_POLICY_PROTOCOL_NONE && protocol != OSH_POLICY_PROTOCOL_TCP;
}

/** osh_policy_endpoint_inspects: [any] Returns: whether what passes is looked into, which takes the
 * run's certificate authority where it is TLS. */
gboolean osh_policy_endpoint_inspects(const OshPolicyEndpoint *endpoint);

/**
 * osh_policy_middleware: [any]
 * @host: (array length=length) (nullable): a host name, any letter case; %NULL for every entry
 * @index: 0 for the first
 *
 * Returns: (transfer none) (nullable): middleware number @index of those that select @host, in the
 *   order in which they run
 */
const OshPolicyMiddleware *osh_policy_middleware(const OshPolicySnapshot *snapshot,
                                                 const char *host, gsize length, guint index);

/** osh_policy_middleware_line: [any] Returns: line in the file of the policy where @middleware, of
 * a snapshot, stands. */
guint osh_policy_middleware_line(const OshPolicyMiddleware *middleware);

/** osh_policy_middleware_strictest: [any] Returns: (transfer none) (nullable): the first that
 * selects @host and allows nothing that it cannot inspect, or else the first that selects it. */
const OshPolicyMiddleware *osh_policy_middleware_strictest(const OshPolicySnapshot *snapshot,
                                                           const char *host, gsize length);

/** osh_policy_endpoint_limit_name: [any] Returns: (transfer none) (nullable): the key by which an
 * endpoint of this protocol says how much of a message is inspected. */
const char *osh_policy_endpoint_limit_name(const OshPolicyEndpoint *endpoint);

/** osh_policy_needs_binaries: [any] Returns: TRUE when an answer depends on who asks. */
gboolean osh_policy_needs_binaries(const OshPolicySnapshot *snapshot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicySnapshot, osh_policy_snapshot_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshPolicyVerdict, osh_policy_verdict_clear)

G_END_DECLS
