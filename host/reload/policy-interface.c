/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-interface.c: hands the engine's snapshots to plugins as "openshell.policy/1".
 *
 * Swapped on [main], asked from [any]. The lock covers taking a reference and nothing else; a
 * caller that decides often keeps its reference and compares osh_policy_interface_generation(), one
 * atomic load, so that threads share nothing while the policy stands. It must never decide anything
 * by itself: verdicts are translated, not judged.
 */
#include "policy-interface.h"

#include <pthread.h>
#include <string.h>

#include "openshell/ext/policy.h"
#include "recorder.h"

struct _OshPolicyService {
    pthread_mutex_t lock; /* of current */
    OshPolicySnapshot *current;
    guint64 generation;    /* atomic */
    gboolean audit;        /* constant once threads run */
    OshRecorder *recorder; /* likewise */
    OshInterface interface;
};

OshPolicySnapshot *
osh_policy_service_ref_current(OshPolicyService *service)
{
    OshPolicySnapshot *snapshot;

    pthread_mutex_lock(&service->lock);
    snapshot = osh_policy_snapshot_ref(service->current);
    pthread_mutex_unlock(&service->lock);
    return snapshot;
}

void
osh_policy_service_swap(OshPolicyService *service, OshPolicySnapshot *snapshot)
{
    OshPolicySnapshot *old;

    pthread_mutex_lock(&service->lock);
    old = service->current;
    service->current = snapshot;
    /* Stored before a caller can take the snapshot, so that its decisions find their generation. */
    __atomic_store_n(&service->generation, osh_policy_generation(snapshot), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&service->lock);
    if (service->recorder != NULL)
        osh_recorder_policy(service->recorder, snapshot);
    osh_policy_snapshot_unref(old);
}

static OshPolicySnapshot *
interface_current(gpointer instance)
{
    return osh_policy_service_ref_current(instance);
}

static void
interface_release(gpointer instance, OshPolicySnapshot *snapshot)
{
    (void)instance;
    osh_policy_snapshot_unref(snapshot);
}

static guint64
interface_generation(gpointer instance)
{
    OshPolicyService *service = instance;

    return __atomic_load_n(&service->generation, __ATOMIC_ACQUIRE);
}

/*
 * What audit may soften: a request that an endpoint's rules refuse and, in a run that only audits,
 * whatever the policy alone refuses. Nothing that is hard.
 */
static gboolean
audit_softens(const OshPolicyService *service, const OshPolicyVerdict *verdict)
{
    return osh_policy_verdict_is_softened(verdict) ||
           (service->audit && verdict->action == OSH_POLICY_DENY && !verdict->hard);
}

/* The size of the first version of the verdict; a later caller passes more. */
#define VERDICT_SIZE (G_STRUCT_OFFSET(OshVerdict, endpoint) + sizeof(gconstpointer))

/* A middleware sees the messages of an endpoint without a protocol too. */
static void
translate_middleware(const OshPolicyVerdict *verdict, OshVerdict *ret_verdict)
{
    const OshPolicyEndpoint *selected = verdict->selected;

    if (verdict->middleware == NULL)
        return;
    if (selected != NULL && selected->tls != OSH_POLICY_TLS_SKIP &&
        osh_policy_protocol_is_inspected(selected->protocol))
        return;
    if (verdict->middleware->allow_uninspectable)
        ret_verdict->uninspectable = verdict->middleware->name;
    if (verdict->is_opaque)
        return;
    ret_verdict->protocol = "rest";
    ret_verdict->unjudged = TRUE;
    /* Not that of an endpoint whose connections are only copied. */
    ret_verdict->handling = ~ret_verdict->handling;
}

/* Neither what the rules would say without the content nor audit holds before it was read. */
static void
translate_inspection(const OshPolicyVerdict *verdict, OshVerdict *ret_verdict)
{
    if (verdict->inspector == NULL)
        return;
    ret_verdict->action = OSH_ACTION_INSPECT;
    ret_verdict->inspector = verdict->inspector;
    ret_verdict->inspect_limit = verdict->selected->max_body_bytes;
    ret_verdict->inspect_limit_name = osh_policy_endpoint_limit_name(verdict->selected);
    ret_verdict->audit = FALSE;
    g_clear_pointer(&ret_verdict->reason, g_free);
}

static void
translate(const OshPolicyService *service, OshPolicyVerdict *verdict, OshVerdict *ret_verdict)
{
    const OshPolicyEndpoint *selected = verdict->selected;

    ret_verdict->action = verdict->action == OSH_POLICY_ALLOW ? OSH_ACTION_ALLOW : OSH_ACTION_DENY;
    ret_verdict->generation = verdict->generation;
    ret_verdict->policy = verdict->policy_name;
    ret_verdict->rule = verdict->rule;
    ret_verdict->reason = g_steal_pointer(&verdict->reason);
    ret_verdict->audit = audit_softens(service, verdict);
    ret_verdict->exact_declared_host = verdict->exact_declared_host;
    ret_verdict->rule_missing = verdict->rule_missing;
    ret_verdict->protocol = "";
    ret_verdict->handling = osh_policy_endpoint_handling(selected);
    ret_verdict->credentials = osh_policy_endpoint_has_credentials(selected);
    translate_middleware(verdict, ret_verdict);
    if (selected == NULL)
        return;
    ret_verdict->tls = selected->tls == OSH_POLICY_TLS_SKIP ? OSH_TLS_SKIP : OSH_TLS_AUTO;
    if (!ret_verdict->unjudged)
        ret_verdict->protocol = selected->protocol_name;
    ret_verdict->n_allowed_addresses = selected->n_allowed_ips;
    ret_verdict->allowed_addresses = selected->allowed_cidrs;
    ret_verdict->endpoint = selected;
    translate_inspection(verdict, ret_verdict);
}

static void
interface_decide(gpointer instance, const OshPolicySnapshot *snapshot, const OshFacts *facts,
                 OshVerdict *ret_verdict)
{
    const OshPolicyService *service = instance;
    g_auto(OshPolicyVerdict) verdict = {0};
    OshVerdict translated = {.struct_size = ret_verdict->struct_size};

    /* A caller whose structure is smaller keeps the denial that it was filled with. */
    if (translated.struct_size < VERDICT_SIZE)
        return;
    osh_policy_decide(snapshot, facts, &verdict);
    translate(service, &verdict, &translated);
    memcpy(ret_verdict, &translated, MIN(translated.struct_size, sizeof(translated)));
}

static gboolean
interface_name_is_known(gpointer instance, const OshPolicySnapshot *snapshot, const char *host)
{
    const OshPolicyService *service = instance;

    return (service->audit && osh_policy_quarantine_reason(snapshot) == NULL) ||
           osh_policy_name_is_known(snapshot, host);
}

static gboolean
interface_names_binaries(gpointer instance, const OshPolicySnapshot *snapshot)
{
    (void)instance;
    return osh_policy_needs_binaries(snapshot);
}

static GVariant *
interface_endpoint_option(gpointer instance, const OshPolicySnapshot *snapshot,
                          gconstpointer endpoint, const char *name)
{
    (void)instance;
    (void)snapshot;
    return osh_policy_endpoint_option(endpoint, name);
}

static const OshPolicyStatic *
interface_static_part(gpointer instance, const OshPolicySnapshot *snapshot)
{
    (void)instance;
    return osh_policy_static_part(snapshot);
}

static gboolean
interface_is_recording(gpointer instance)
{
    const OshPolicyService *service = instance;

    return service->recorder != NULL;
}

static void
interface_record(gpointer instance, const OshDecision *decision)
{
    const OshPolicyService *service = instance;

    if (service->recorder != NULL && decision->struct_size >= sizeof(OshDecision))
        osh_recorder_add(service->recorder, decision);
}

static const OshPolicyMiddleware *
interface_middleware(gpointer instance, const OshPolicySnapshot *snapshot, const char *host,
                     guint index)
{
    (void)instance;
    return osh_policy_middleware(snapshot, host, host != NULL ? strlen(host) : 0, index);
}

OshPolicyService *
osh_policy_service_new(OshPolicySnapshot *snapshot)
{
    static const OshPolicyInterface vtable = {
        .struct_size = sizeof(OshPolicyInterface),
        .current = interface_current,
        .release = interface_release,
        .generation = interface_generation,
        .decide = interface_decide,
        .name_is_known = interface_name_is_known,
        .static_part = interface_static_part,
        .names_binaries = interface_names_binaries,
        .endpoint_option = interface_endpoint_option,
        .is_recording = interface_is_recording,
        .record = interface_record,
        .middleware = interface_middleware,
    };
    OshPolicyService *service = g_new0(OshPolicyService, 1);

    pthread_mutex_init(&service->lock, NULL);
    service->current = snapshot;
    service->generation = osh_policy_generation(snapshot);
    service->interface = (OshInterface){"host", &vtable, service};
    return service;
}

void
osh_policy_service_set_audit(OshPolicyService *service)
{
    service->audit = TRUE;
}

void
osh_policy_service_set_recorder(OshPolicyService *service, OshRecorder *recorder)
{
    service->recorder = recorder;
}

void
osh_policy_service_interface(OshPolicyService *service, OshInterface *ret_interface)
{
    *ret_interface = service->interface;
}

void
osh_policy_service_free(OshPolicyService *service)
{
    if (service == NULL)
        return;
    osh_policy_snapshot_unref(service->current);
    pthread_mutex_destroy(&service->lock);
    g_free(service);
}
