/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy contract, lived through: a policy of one rule, and who asks it.
 */
#include <string.h>

#include "openshell/ext/policy.h"

struct _OshPolicySnapshot {
    gint references;
};

typedef struct {
    OshPolicySnapshot snapshot;
    guint64 generation;
} Policy;

static OshPolicySnapshot *
one_current(gpointer instance)
{
    Policy *policy = instance;

    policy->snapshot.references++;
    return &policy->snapshot;
}

static void
one_release(gpointer instance, OshPolicySnapshot *snapshot)
{
    (void)instance;
    snapshot->references--;
}

static guint64
one_generation(gpointer instance)
{
    return ((Policy *)instance)->generation;
}

static void
one_decide(gpointer instance, const OshPolicySnapshot *snapshot, const OshFacts *facts,
           OshVerdict *verdict)
{
    static const OshCidr allowed[] = {{.prefix = 104}};
    const OshFact *host = NULL;

    (void)snapshot;
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, OSH_FACT_NETWORK_HOST))
            host = &facts->facts[i];
    verdict->generation = ((Policy *)instance)->generation;
    if (host != NULL && host->type == OSH_FACT_STRING && host->value.string.length == 9 &&
        memcmp(host->value.string.data, "a.example", 9) == 0) {
        verdict->action = OSH_ACTION_ALLOW;
        verdict->policy = "only";
        verdict->allowed_addresses = allowed;
        verdict->n_allowed_addresses = G_N_ELEMENTS(allowed);
    } else {
        verdict->reason = g_strdup("endpoint is not allowed by any policy");
    }
}

static gboolean
one_name_is_known(gpointer instance, const OshPolicySnapshot *snapshot, const char *host)
{
    (void)instance;
    (void)snapshot;
    return g_str_equal(host, "a.example");
}

static const OshPolicyInterface one_vtable = {
    .struct_size = sizeof(OshPolicyInterface),
    .current = one_current,
    .release = one_release,
    .generation = one_generation,
    .decide = one_decide,
    .name_is_known = one_name_is_known,
};

static guint32
decide(const OshInterface *policy, const OshPolicySnapshot *snapshot, const char *host)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
    };
    OshFacts set = {facts, G_N_ELEMENTS(facts)};
    OshVerdict verdict = OSH_VERDICT_INIT;
    guint32 action;

    osh_policy_interface_decide(policy, snapshot, &set, &verdict);
    action = verdict.action;
    g_assert_true((action == OSH_ACTION_ALLOW) == (verdict.reason == NULL));
    osh_verdict_clear(&verdict);
    return action;
}

static void
test_snapshot_decides_until_it_is_released(void)
{
    Policy state = {.generation = 3};
    OshInterface policy = {"host", &one_vtable, &state};
    OshPolicySnapshot *snapshot = osh_policy_interface_current(&policy);

    g_assert_cmpuint(decide(&policy, snapshot, "a.example"), ==, OSH_ACTION_ALLOW);
    g_assert_cmpuint(decide(&policy, snapshot, "b.example"), ==, OSH_ACTION_DENY);
    g_assert_true(osh_policy_interface_name_is_known(&policy, snapshot, "a.example"));
    g_assert_cmpuint(osh_policy_interface_generation(&policy), ==, 3);
    osh_policy_interface_release(&policy, snapshot);
    g_assert_cmpint(state.snapshot.references, ==, 0);
}

static void
test_what_cannot_be_asked_denies(void)
{
    static const OshPolicyInterface small = {.struct_size = sizeof(guint32)};
    OshInterface policy = {"old", &small, NULL};
    OshPolicySnapshot snapshot = {1};
    OshFacts none = {NULL, 0};
    OshVerdict verdict = OSH_VERDICT_INIT;

    g_assert_null(osh_policy_interface_current(&policy));
    osh_policy_interface_decide(&policy, &snapshot, &none, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    osh_policy_interface_decide(&policy, NULL, &none, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    g_assert_false(osh_policy_interface_name_is_known(&policy, &snapshot, "a.example"));
    g_assert_true(osh_policy_interface_names_binaries(&policy, &snapshot));
    g_assert_null(osh_policy_interface_static_part(&policy, &snapshot));
    g_assert_null(osh_policy_interface_endpoint_option(&policy, &snapshot, &snapshot, "tls"));
    g_assert_false(osh_policy_interface_is_recording(&policy));
    osh_policy_interface_record(&policy, &(OshDecision){.struct_size = sizeof(OshDecision)});
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/policy/snapshot-decides-until-it-is-released",
                    test_snapshot_decides_until_it_is_released);
    g_test_add_func("/sdk/policy/what-cannot-be-asked-denies", test_what_cannot_be_asked_denies);
    return g_test_run();
}
