/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-property-test.c: no merge grants more than its operation declares.
 *
 * Random small policies and operations; every connection and request of a small world is decided
 * before and after, and by the operation as a policy of its own. What is allowed after was allowed
 * before or is allowed by the operation. OSH_MERGE_SEED and OSH_MERGE_CASES choose the cases.
 */
#include "contract.h"
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#define CASES 4000
/* The suite says the same of the same tree; other seeds are asked by hand. */
#define FIXED_SEED 20261126

static const char *const hosts[] = {"a.test", "b.test", "A.test"};
static const char *const binaries[] = {"/b", "/c", "/d", "/**"};
static const char *const methods[] = {"GET", "POST", "*"};
static const char *const paths[] = {"/x", "/y", "**"};
static const char *const presets[] = {"read-only", "read-write", "full"};
static const char *const addresses[] = {"10.0.0.1", "10.0.0.2"};

typedef struct {
    GRand *random;
    guint accepted;
    guint folded;
    guint refused;
    guint newly_allowed;
    /* the case at hand, for a failure */
    const OshDraft *before;
    const OshDraft *after;
    const OshDraft *asked;
    char question[64];
} World;

static guint
pick(World *world, guint below)
{
    return (guint)g_rand_int_range(world->random, 0, (gint32)below);
}

#define PICK(world, list) ((list)[pick((world), G_N_ELEMENTS(list))])

static void
fill_rule(World *world, OshValue *rule)
{
    osh_value_set_text(rule, "method", PICK(world, methods));
    osh_value_set_text(rule, "path", PICK(world, paths));
}

static OshValue *
random_endpoint(World *world)
{
    OshValue *endpoint = osh_value_mapping();
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(guint16));
    guint n_rules = pick(world, 3);

    osh_value_set_text(endpoint, "host", PICK(world, hosts));
    for (guint i = pick(world, 2) + 1; i > 0; i--) {
        guint16 port = (guint16)(1 + pick(world, 2));

        g_array_append_val(ports, port);
    }
    osh_draft_set_ports(endpoint, ports);
    if (pick(world, 5) == 0)
        osh_value_append(osh_value_ensure_list(endpoint, "allowed_ips"),
                         osh_value_string(PICK(world, addresses)));
    if (pick(world, 2) == 0)
        return endpoint;
    osh_value_set_text(endpoint, "protocol", "rest");
    if (pick(world, 4) > 0)
        osh_value_set_text(endpoint, "enforcement", "enforce");
    if (pick(world, 6) == 0)
        osh_value_set(endpoint, "allow_encoded_slash", osh_value_boolean(TRUE));
    for (guint i = 0; i < n_rules; i++)
        fill_rule(world, osh_draft_add_rule(endpoint, NULL, NULL));
    if (n_rules == 0)
        osh_value_set_text(endpoint, "access", PICK(world, presets));
    if (pick(world, 4) == 0)
        fill_rule(world, osh_draft_add_deny_rule(endpoint, NULL, NULL));
    return endpoint;
}

static void
fill_policy(World *world, OshValue *policy)
{
    for (guint i = pick(world, 2) + 1; i > 0; i--)
        osh_value_append(osh_value_ensure_list(policy, "endpoints"), random_endpoint(world));
    for (guint i = pick(world, 3); i > 0; i--)
        osh_draft_add_binary(policy, PICK(world, binaries));
}

static OshDraft *
random_policy(World *world)
{
    static const char *const keys[] = {"p", "q", "_provider_x"};
    OshDraft *draft = osh_draft_new();

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (pick(world, 3) > 0)
            fill_policy(world, osh_draft_add_policy(draft, keys[i]));
    return draft;
}

static OshMergeOperation *
random_operation(World *world)
{
    static const char *const keys[] = {"p", "q", "new"};
    /* mostly additions, the others are simpler */
    guint kind = pick(world, 10);
    OshMergeOperation *operation = osh_merge_operation_new(
        kind > OSH_MERGE_REMOVE_BINARY ? OSH_MERGE_ADD_RULE : (OshMergeKind)kind);

    operation->rule_name = g_strdup(PICK(world, keys));
    operation->host = g_strdup(PICK(world, hosts));
    operation->port = (guint16)(1 + pick(world, 2));
    operation->binary_path = g_strdup(PICK(world, binaries));
    operation->rule = osh_value_mapping();
    fill_policy(world, operation->rule);
    operation->rules = osh_value_list();
    if (operation->kind == OSH_MERGE_ADD_ALLOW_RULES)
        fill_rule(world, osh_value_set(osh_value_append(operation->rules, osh_value_mapping()),
                                       "allow", osh_value_mapping()));
    else
        fill_rule(world, osh_value_append(operation->rules, osh_value_mapping()));
    if (pick(world, 4) == 0)
        osh_merge_mark_proposed(operation);
    return operation;
}

static OshPolicySnapshot *
compile(const OshDraft *draft)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

    return osh_draft_compile(draft, &(OshPolicyLoadRequest){.file_name = "policy", .generation = 1},
                             diagnostics);
}

/*
 * The operation as a policy. An addition without binaries stands for any; what it adds to an
 * endpoint stands for every host and binary, for the policy before has to allow those anyway.
 */
static OshDraft *
draft_of(const OshMergeOperation *operation)
{
    OshDraft *draft = osh_draft_new();
    OshValue *policy = osh_draft_add_policy(draft, "operation");
    OshValue *endpoint;

    if (operation->kind == OSH_MERGE_ADD_RULE) {
        osh_value_set(osh_draft_policies(draft), "operation", osh_value_copy(operation->rule));
        policy = osh_draft_policy(draft, "operation");
        if (osh_draft_binaries(policy) == NULL)
            osh_draft_add_binary(policy, "/**");
        return draft;
    }
    if (operation->kind != OSH_MERGE_ADD_ALLOW_RULES)
        return draft;
    endpoint = osh_draft_add_endpoint(policy, operation->host, operation->port);
    osh_value_set_text(endpoint, "protocol", "rest");
    osh_value_set(endpoint, "rules", osh_value_copy(operation->rules));
    osh_draft_add_binary(policy, "/**");
    return draft;
}

typedef struct {
    gboolean connects;
    gboolean allowed;   /* the request */
    gboolean inspected; /* requests are judged at all */
    gboolean enforced;
    gboolean trusted;
    gboolean addresses[G_N_ELEMENTS(addresses)];
} Answer;

static Answer
ask(const OshPolicySnapshot *policy, const char *host, guint port, const char *binary,
    const char *method, const char *path)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, port),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(binary)),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(method)),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(path)),
    };
    OshFacts connection = {facts, 3};
    OshFacts request = {facts, 5};
    OshPolicyVerdict verdict;
    Answer answer = {0};

    osh_policy_decide(policy, &connection, &verdict);
    answer.connects = verdict.action == OSH_POLICY_ALLOW;
    answer.trusted = answer.connects && verdict.exact_declared_host;
    for (guint i = 0; i < verdict.n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = verdict.endpoints[i];

        answer.inspected |= endpoint->protocol != OSH_POLICY_PROTOCOL_NONE;
        answer.enforced |= endpoint->protocol != OSH_POLICY_PROTOCOL_NONE &&
                           endpoint->enforcement == OSH_POLICY_ENFORCE;
        for (guint k = 0; k < endpoint->n_allowed_ips; k++)
            for (gsize m = 0; m < G_N_ELEMENTS(addresses); m++)
                answer.addresses[m] |= strcmp(endpoint->allowed_ip_texts[k], addresses[m]) == 0;
    }
    osh_policy_verdict_clear(&verdict);
    osh_policy_decide(policy, &request, &verdict);
    answer.allowed = answer.connects && (!answer.inspected || verdict.action == OSH_POLICY_ALLOW);
    osh_policy_verdict_clear(&verdict);
    return answer;
}

/* Shows the case before the test stops. */
static void
require(const World *world, gboolean holds, const char *what)
{
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    g_autofree char *asked = NULL;

    if (holds)
        return;
    before = osh_draft_write(world->before, NULL);
    after = osh_draft_write(world->after, NULL);
    asked = osh_draft_write(world->asked, NULL);
    g_error("%s %s: not before\n%s--- nor by the operation\n%s--- but after\n%s", world->question,
            what, before, asked, after);
}

static void
compare(World *world, const OshMergeOperation *operation, const Answer *before, const Answer *after,
        const Answer *asked)
{
    gboolean adds = operation->kind == OSH_MERGE_ADD_RULE;
    /* what goes may have been all that denied a request, or had it looked at */
    gboolean removes = operation->kind == OSH_MERGE_REMOVE_ENDPOINT ||
                       operation->kind == OSH_MERGE_REMOVE_RULE ||
                       operation->kind == OSH_MERGE_REMOVE_BINARY;

    require(world, !after->connects || before->connects || (adds && asked->connects), "connects");
    require(world, removes || !after->allowed || before->allowed || asked->allowed, "is allowed");
    require(world, !after->trusted || before->trusted || (adds && asked->trusted), "is trusted");
    /* inspection that refuses is never turned into one that only watches, or into none */
    if (before->enforced && after->connects && !removes)
        require(world, after->enforced, "is no longer enforced");
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++)
        require(world, !after->addresses[i] || before->addresses[i] || asked->addresses[i],
                "has an address");
    world->newly_allowed += after->allowed && !before->allowed;
}

static void
compare_everything(World *world, const OshMergeOperation *operation,
                   const OshPolicySnapshot *before, const OshPolicySnapshot *after)
{
    g_autoptr(OshDraft) draft = draft_of(operation);
    g_autoptr(OshPolicySnapshot) asked = compile(draft);

    world->asked = draft;
    if (asked == NULL)
        return; /* by itself it contradicts itself */
    for (guint h = 0; h < 2; h++)
        for (guint port = 1; port <= 2; port++)
            for (guint b = 0; b < 3; b++)
                for (guint r = 0; r < 4; r++) {
                    const char *method = r & 1 ? "GET" : "POST";
                    const char *path = r & 2 ? "/x" : "/y";
                    Answer old = ask(before, hosts[h], port, binaries[b], method, path);
                    Answer new = ask(after, hosts[h], port, binaries[b], method, path);
                    Answer own = ask(asked, hosts[h], port, binaries[b], method, path);

                    g_snprintf(world->question, sizeof(world->question), "%s %s:%u %s %s",
                               binaries[b], hosts[h], port, method, path);
                    compare(world, operation, &old, &new, &own);
                }
}

static void
try_one(World *world)
{
    g_autoptr(OshDraft) base = random_policy(world);
    g_autoptr(OshMergeOperation) operation = random_operation(world);
    g_autoptr(GPtrArray) operations = g_ptr_array_new();
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(OshPolicySnapshot) before = compile(base);
    g_autoptr(OshPolicySnapshot) after = NULL;
    g_autoptr(OshDraft) merged = NULL;

    if (before == NULL)
        return;
    g_ptr_array_add(operations, operation);
    merged = osh_merge(base, operations, warnings, NULL);
    if (merged == NULL) {
        world->refused++;
        return;
    }
    if (osh_draft_policy(base, "_provider_x") != NULL)
        g_assert_true(osh_value_equal(osh_draft_policy(base, "_provider_x"),
                                      osh_draft_policy(merged, "_provider_x")));
    after = compile(merged);
    if (after == NULL)
        return;
    world->accepted++;
    world->folded += operation->kind == OSH_MERGE_ADD_RULE &&
                     osh_draft_policy(base, operation->rule_name) == NULL &&
                     osh_draft_policy(merged, operation->rule_name) == NULL;
    world->before = base;
    world->after = merged;
    compare_everything(world, operation, before, after);
}

static void
test_never_widens(void)
{
    const char *seed_text = g_getenv("OSH_MERGE_SEED");
    const char *cases_text = g_getenv("OSH_MERGE_CASES");
    guint32 seed = seed_text != NULL ? (guint32)strtoul(seed_text, NULL, 10) : FIXED_SEED;
    guint cases = cases_text != NULL ? (guint)strtoul(cases_text, NULL, 10) : CASES;
    World world = {.random = g_rand_new_with_seed(seed)};

    g_test_message("OSH_MERGE_SEED=%u", seed);
    for (guint i = 0; i < cases; i++) {
        /* so that a case repeats without those before it */
        guint32 own = g_rand_int(world.random);
        World one = {.random = g_rand_new_with_seed(own)};

        try_one(&one);
        world.accepted += one.accepted;
        world.folded += one.folded;
        world.refused += one.refused;
        world.newly_allowed += one.newly_allowed;
        g_rand_free(one.random);
    }
    g_test_message("%u accepted (%u of them folded), %u refused, %u answers newly allowed",
                   world.accepted, world.folded, world.refused, world.newly_allowed);
    g_assert_cmpuint(world.accepted, >, cases / 10);
    g_assert_cmpuint(world.folded, >, cases / 200);
    g_assert_cmpuint(world.refused, >, cases / 10);
    g_assert_cmpuint(world.newly_allowed, >, cases / 10);
    g_rand_free(world.random);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/merge/nothing is allowed that an operation does not declare",
                    test_never_widens);
    return g_test_run();
}
