/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/policy.h: "openshell.policy/1", the host's policy, asked by everyone who decides.
 *
 * A snapshot is one compiled policy: immutable, reference-counted, shared by all threads without
 * locks. decide() is a pure function of a snapshot and facts. A reload swaps the current snapshot
 * and raises the generation; whoever keeps something open compares generations and decides again.
 *
 * |[<!-- language="C" -->
 * OshPolicySnapshot *snapshot = osh_policy_interface_current(&policy);
 * OshVerdict verdict = OSH_VERDICT_INIT;
 *
 * osh_policy_interface_decide(&policy, snapshot, &facts, &verdict);
 * if (verdict.action != OSH_ACTION_ALLOW)
 *     refuse(verdict.reason);
 * osh_verdict_clear(&verdict);
 * osh_policy_interface_release(&policy, snapshot);
 * ]|
 */
#pragma once

#include <netinet/in.h>

#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_POLICY "openshell.policy/1"

/** OshPolicySnapshot: one generation of the policy; immutable, reference-counted. */
typedef struct _OshPolicySnapshot OshPolicySnapshot;

/**
 * OshAction:
 * @OSH_ACTION_DENY: refuse; the default of everything
 * @OSH_ACTION_ALLOW: go on
 * %OSH_ACTION_INSPECT: mark the message's content and decide again with what the inspector adds
 */
typedef enum {
    OSH_ACTION_DENY = 0,
    OSH_ACTION_ALLOW = 1,
    OSH_ACTION_INSPECT = 2,
} OshAction;

/**
 * OshTlsMode:
 * @OSH_TLS_AUTO: terminate TLS where it is seen
 * @OSH_TLS_SKIP: leave it alone
 */
typedef enum {
    OSH_TLS_AUTO = 0,
    OSH_TLS_SKIP = 1,
} OshTlsMode;

/**
 * OshCidr:
 * @address: network order; an IPv4 network is in its v4-mapped form
 * @prefix: 0..128; an IPv4 prefix has 96 added
 *
 * Passed in arrays: its layout never changes.
 */
typedef struct {
    struct in6_addr address;
    guint32 prefix;
} OshCidr;

/**
 * OshVerdict:
 * @struct_size: sizeof(OshVerdict) of the caller
 * @action: an #OshAction
 * @generation: of the snapshot that decided
 * @policy: (nullable): key of the policy that decided; borrowed from the snapshot
 * @rule: (nullable): the rule in words; borrowed from the snapshot
 * @reason: (nullable): why not, in words a person can act on; owned by the verdict
 * @hint: (nullable): what would allow it, in words; owned by the verdict
 * @audit: the endpoint, or the whole run, only audits: forward what @action denies, and record it
 * as such. Never set for a hard denial.
 * @exact_declared_host: a user-declared endpoint names exactly this host and port, so a private
 *   address is acceptable
 * @tls: an #OshTlsMode
 * @protocol: (nullable): what the endpoint speaks, "" for none; borrowed
 * @inspector: (nullable): for %OSH_ACTION_INSPECT, which inspector; borrowed
 * @inspect_limit: for %OSH_ACTION_INSPECT, how many decoded bytes it may take
 * @n_allowed_addresses: length of @allowed_addresses
 * @allowed_addresses: (nullable): when not empty, every resolved address must be inside one;
 *   borrowed
 * @endpoint: (nullable): the endpoint chosen, for osh_policy_interface_endpoint_option(); borrowed
 * @handling: equal in two verdicts, of one snapshot or of two, when the bytes of a connection are
 *   treated in the same way (TLS mode, protocol, credentials); an open connection whose handling
 *   has changed cannot go on
 * @credentials: credentials are bound to the endpoint chosen, or may be written into what it gets:
 *   nothing goes there before the owners of the connection were looked at
 * @unjudged: @protocol says only how messages are read, for the middlewares of the policy: no
 *   endpoint has rules about them, so the answer for the connection is the answer for each
 * @uninspectable: (nullable): name of a middleware that selects the host of an endpoint without
 *   rules about messages, and lets pass what it cannot inspect, with a finding; borrowed. Where it
 *   is %NULL and a middleware selects the host, such a thing is refused.
 * @inspect_limit_name: (nullable): for %OSH_ACTION_INSPECT, the key of the policy that says
 *   @inspect_limit; borrowed
 * @rule_missing: of a denied message: one more allow rule would let it pass. FALSE where a deny
 *   rule refuses it, which @reason then names, and for a hard denial
 *
 * What is borrowed lives as long as the caller's reference to the snapshot.
 */
typedef struct {
    guint32 struct_size;
    guint32 action;
    guint64 generation;
    const char *policy;
    const char *rule;
    char *reason;
    char *hint;
    gboolean audit;
    gboolean exact_declared_host;
    guint32 tls;
    const char *protocol;
    const char *inspector;
    guint64 inspect_limit;
    gsize n_allowed_addresses;
    const OshCidr *allowed_addresses;
    gconstpointer endpoint;
    guint64 handling;
    gboolean credentials;
    gboolean unjudged;
    const char *uninspectable;
    const char *inspect_limit_name;
    gboolean rule_missing;
} OshVerdict;

/** OSH_VERDICT_INIT: a denial without a reason. */
#define OSH_VERDICT_INIT                                                                           \
    {                                                                                              \
        .struct_size = sizeof(OshVerdict), .action = OSH_ACTION_DENY                               \
    }

/** osh_verdict_clear: [any] frees what the verdict owns. */
static inline void
osh_verdict_clear(OshVerdict *verdict)
{
    g_clear_pointer(&verdict->reason, g_free);
    g_clear_pointer(&verdict->hint, g_free);
}

/**
 * OshPolicyStatic:
 * @struct_size: sizeof(OshPolicyStatic) of the host
 * @hard_requirement: landlock compatibility: every protection or none at all
 * @include_workdir: the working directory is readable and writable
 * @read_only: (array zero-terminated=1): absolute, normalised paths
 * @read_write: (array zero-terminated=1): likewise
 * @run_as_user: (nullable): name or decimal id; NULL when the policy leaves it open
 * @run_as_group: (nullable): likewise
 * @source_path: (nullable): file it was read from
 * @inspects: some endpoint has its connections looked into, so that programs of a box must trust
 *   the run's certificate authority; read it with osh_policy_static_inspects()
 *
 * What is fixed when a box is made. Borrowed from the snapshot.
 */
typedef struct {
    guint32 struct_size;
    gboolean hard_requirement;
    gboolean include_workdir;
    const char *const *read_only;
    const char *const *read_write;
    const char *run_as_user;
    const char *run_as_group;
    const char *source_path;
    gboolean inspects;
} OshPolicyStatic;

/** osh_policy_static_inspects: [any] Returns: whether @part has anything looked into; TRUE when its
 * host cannot say. */
static inline gboolean
osh_policy_static_inspects(const OshPolicyStatic *part)
{
    return part != NULL &&
           (part->struct_size < G_STRUCT_OFFSET(OshPolicyStatic, inspects) + sizeof(gboolean) ||
            part->inspects);
}

/**
 * OshPolicyMiddleware:
 * @struct_size: sizeof(OshPolicyMiddleware) of the host
 * @name: its key in `network_middlewares`
 * @implementation: value of `middleware:`
 * @config: (nullable): a{sv} of `config:`; numbers are x or d, lists av, mappings a{sv}
 * @fail_open: where it fails, the message goes on without it
 * @allow_uninspectable: what it cannot inspect goes on, with a finding
 * @fingerprint: equal in two entries, of one snapshot or of two, that ask the same implementation
 *   with the same configuration
 *
 * One entry of `network_middlewares`. Borrowed from the snapshot.
 */
typedef struct {
    guint32 struct_size;
    const char *name;
    const char *implementation;
    GVariant *config;
    gboolean fail_open;
    gboolean allow_uninspectable;
    guint64 fingerprint;
} OshPolicyMiddleware;

/**
 * OshDecisionOutcome: how a decision ended.
 * @OSH_DECISION_ALLOWED: the policy allows it, and so does the destination check
 * @OSH_DECISION_AUDITED: the policy denies it; it was forwarded, because that is only audited
 * @OSH_DECISION_DENIED_POLICY: the policy denies it
 * @OSH_DECISION_DENIED_DESTINATION: an address of the destination was refused
 * @OSH_DECISION_DENIED_IDENTITY: nobody could be named who asks
 * @OSH_DECISION_DENIED_HARD: refused whatever a policy says: a message that is not understood, two
 *   names that contradict each other
 */
typedef enum {
    OSH_DECISION_ALLOWED = 1,
    OSH_DECISION_AUDITED = 2,
    OSH_DECISION_DENIED_POLICY = 3,
    OSH_DECISION_DENIED_DESTINATION = 4,
    OSH_DECISION_DENIED_IDENTITY = 5,
    OSH_DECISION_DENIED_HARD = 6,
} OshDecisionOutcome;

/**
 * OshDecision:
 * @struct_size: sizeof(OshDecision) of the caller
 * @outcome: an #OshDecisionOutcome
 * @layer: the way in, or a word of the list at NETWORK_DENIED in event.h
 * @facts: what was asked, as far as it is known; may hold request facts that nobody judged
 * @verdict: (nullable): what the policy said; NULL where it was not asked
 * @addresses: (array length=n_addresses) (nullable): what the name was resolved to, IPv4 in
 *   v4-mapped form
 * @n_addresses: 0 where nothing was resolved
 *
 * A decision that is final, for a recording.
 */
typedef struct {
    guint32 struct_size;
    guint32 outcome;
    const char *layer;
    const OshFacts *facts;
    const OshVerdict *verdict;
    const struct in6_addr *addresses;
    gsize n_addresses;
} OshDecision;

/**
 * OshPolicyInterface:
 * @struct_size: sizeof(OshPolicyInterface) of the host
 *
 * Functions are documented at their inlines.
 */
typedef struct {
    guint32 struct_size;
    OshPolicySnapshot *(*current)(gpointer instance);
    void (*release)(gpointer instance, OshPolicySnapshot *snapshot);
    guint64 (*generation)(gpointer instance);
    void (*decide)(gpointer instance, const OshPolicySnapshot *snapshot, const OshFacts *facts,
                   OshVerdict *verdict);
    gboolean (*name_is_known)(gpointer instance, const OshPolicySnapshot *snapshot,
                              const char *host);
    const OshPolicyStatic *(*static_part)(gpointer instance, const OshPolicySnapshot *snapshot);
    gboolean (*names_binaries)(gpointer instance, const OshPolicySnapshot *snapshot);
    GVariant *(*endpoint_option)(gpointer instance, const OshPolicySnapshot *snapshot,
                                 gconstpointer endpoint, const char *name);
    gboolean (*is_recording)(gpointer instance);
    void (*record)(gpointer instance, const OshDecision *decision);
    const OshPolicyMiddleware *(*middleware)(gpointer instance, const OshPolicySnapshot *snapshot,
                                             const char *host, guint index);
} OshPolicyInterface;

/** osh_policy_interface_current: [any] Returns: (transfer full) (nullable): the snapshot in force.
 */
static inline OshPolicySnapshot *
osh_policy_interface_current(const OshInterface *policy)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return osh_can_call(vtable, OshPolicyInterface, current) ? vtable->current(policy->instance)
                                                             : NULL;
}

/** osh_policy_interface_release: [any] Gives back what osh_policy_interface_current() returned.
 * NULL is ignored. */
static inline void
osh_policy_interface_release(const OshInterface *policy, OshPolicySnapshot *snapshot)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    if (snapshot != NULL && osh_can_call(vtable, OshPolicyInterface, release))
        vtable->release(policy->instance, snapshot);
}

/** osh_policy_interface_generation: [any] Returns: generation in force; one atomic load. */
static inline guint64
osh_policy_interface_generation(const OshInterface *policy)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return osh_can_call(vtable, OshPolicyInterface, generation)
               ? vtable->generation(policy->instance)
               : 0;
}

/**
 * osh_policy_interface_decide:
 * @facts: without request.* facts the question is whether the connection may be made at all
 * @verdict: initialised with %OSH_VERDICT_INIT; overwritten
 *
 * [any] Pure; allocates nothing when it allows.
 */
static inline void
osh_policy_interface_decide(const OshInterface *policy, const OshPolicySnapshot *snapshot,
                            const OshFacts *facts, OshVerdict *verdict)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    if (snapshot != NULL && osh_can_call(vtable, OshPolicyInterface, decide))
        vtable->decide(policy->instance, snapshot, facts, verdict);
}

/**
 * osh_policy_interface_name_is_known:
 * @host: lower-case, no trailing dot
 *
 * [any] Whether any binary may reach any port of @host: what a resolver may admit to knowing.
 */
static inline gboolean
osh_policy_interface_name_is_known(const OshInterface *policy, const OshPolicySnapshot *snapshot,
                                   const char *host)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return snapshot != NULL && osh_can_call(vtable, OshPolicyInterface, name_is_known) &&
           vtable->name_is_known(policy->instance, snapshot, host);
}

/** osh_policy_interface_static_part: [any] Returns: (transfer none) (nullable): what a box is made
 * from. */
static inline const OshPolicyStatic *
osh_policy_interface_static_part(const OshInterface *policy, const OshPolicySnapshot *snapshot)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    if (snapshot == NULL || !osh_can_call(vtable, OshPolicyInterface, static_part))
        return NULL;
    return vtable->static_part(policy->instance, snapshot);
}

/**
 * osh_policy_interface_names_binaries:
 *
 * [any] Whether a decision depends on which binary asks. Where identity cannot be had, such a
 * policy is refused unless identity is relaxed. TRUE when it cannot be told.
 */
static inline gboolean
osh_policy_interface_names_binaries(const OshInterface *policy, const OshPolicySnapshot *snapshot)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return snapshot == NULL || !osh_can_call(vtable, OshPolicyInterface, names_binaries) ||
           vtable->names_binaries(policy->instance, snapshot);
}

/**
 * osh_policy_interface_endpoint_option:
 * @endpoint: (nullable): from a verdict of the same snapshot
 * @name: a key of the endpoint schema, for example "allow_encoded_slash"
 *
 * [any] Returns: (transfer full) (nullable): its value, NULL when the endpoint does not set it
 */
static inline GVariant *
osh_policy_interface_endpoint_option(const OshInterface *policy, const OshPolicySnapshot *snapshot,
                                     gconstpointer endpoint, const char *name)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    if (snapshot == NULL || endpoint == NULL ||
        !osh_can_call(vtable, OshPolicyInterface, endpoint_option))
        return NULL;
    return vtable->endpoint_option(policy->instance, snapshot, endpoint, name);
}

/**
 * osh_policy_interface_middleware:
 * @host: that was judged; %NULL for every entry, whatever it selects
 * @index: 0 for the first
 *
 * [any] Returns: (transfer none) (nullable): entry number @index of the policy's middlewares that
 *   select @host, in the order in which they run
 */
static inline const OshPolicyMiddleware *
osh_policy_interface_middleware(const OshInterface *policy, const OshPolicySnapshot *snapshot,
                                const char *host, guint index)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return snapshot != NULL && osh_can_call(vtable, OshPolicyInterface, middleware)
               ? vtable->middleware(policy->instance, snapshot, host, index)
               : NULL;
}

/** osh_policy_interface_is_recording: [any] Returns: whether decisions are wanted; one load. Ask
 * before building facts for nothing else. */
static inline gboolean
osh_policy_interface_is_recording(const OshInterface *policy)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    return osh_can_call(vtable, OshPolicyInterface, is_recording) &&
           vtable->is_recording(policy->instance);
}

/**
 * osh_policy_interface_record:
 * @decision: borrowed for the call
 *
 * [any] Hands a final decision to the recording. Never blocks: what finds no capacity is counted,
 * and the recording says so. The host leaves out what a recording must not hold (query values,
 * error texts, sensitive facts, placeholders of credentials).
 */
static inline void
osh_policy_interface_record(const OshInterface *policy, const OshDecision *decision)
{
    const OshPolicyInterface *vtable = (const OshPolicyInterface *)policy->vtable;

    if (osh_can_call(vtable, OshPolicyInterface, record))
        vtable->record(policy->instance, decision);
}

G_END_DECLS
