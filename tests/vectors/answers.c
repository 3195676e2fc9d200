/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers.c: rows that need a policy: network, l7 and validate.
 *
 * Turns a row into facts exactly as a plugin would, nothing more.
 */
#include "answers.h"

#include "policy.h"

#include <string.h>

/* The messages of a load, and the stages that reported them. */
typedef struct {
    char *messages;
    guint count;
    guint stages;
} Said;

typedef struct {
    OshPolicySnapshot *snapshot; /* NULL: refused */
    Said errors;
    Said warnings;
} Loaded;

struct _OshVectorPolicies {
    char *directory;
    GHashTable *loaded;
};

static void
loaded_free(gpointer data)
{
    Loaded *loaded = data;

    if (loaded->snapshot != NULL)
        osh_policy_snapshot_unref(loaded->snapshot);
    g_free(loaded->errors.messages);
    g_free(loaded->warnings.messages);
    g_free(loaded);
}

OshVectorPolicies *
osh_vector_policies_new(const char *directory)
{
    OshVectorPolicies *policies = g_new0(OshVectorPolicies, 1);

    policies->directory = g_strdup(directory);
    policies->loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, loaded_free);
    return policies;
}

void
osh_vector_policies_free(OshVectorPolicies *policies)
{
    g_free(policies->directory);
    g_hash_table_unref(policies->loaded);
    g_free(policies);
}

static Said
collect(OshPolicyDiagnostics *diagnostics, OshPolicySeverity severity)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Said said = {NULL, 0, 0};

    for (guint i = 0; i < osh_policy_diagnostics_length(diagnostics); i++) {
        const OshPolicyDiagnostic *one = osh_policy_diagnostics_get(diagnostics, i);
        g_autofree char *line = NULL;

        if (one->severity != severity)
            continue;
        line = osh_policy_diagnostic_format(diagnostics, one);
        g_string_append_printf(text, "%s\n", line);
        said.count++;
        said.stages |= one->stages;
    }
    said.messages = g_strdup(text->str);
    return said;
}

static const Loaded *
load(OshVectorPolicies *policies, const char *name)
{
    Loaded *loaded = g_hash_table_lookup(policies->loaded, name);
    g_autoptr(OshPolicyDiagnostics) diagnostics = NULL;
    g_autofree char *path = NULL;

    if (loaded != NULL)
        return loaded;
    loaded = g_new0(Loaded, 1);
    diagnostics = osh_policy_diagnostics_new();
    path = g_build_filename(policies->directory, "policies", name, NULL);
    loaded->snapshot =
        osh_policy_load(&(OshPolicyLoadRequest){.path = path, .generation = 1}, diagnostics);
    loaded->errors = collect(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR);
    loaded->warnings = collect(diagnostics, OSH_POLICY_DIAGNOSTIC_WARNING);
    g_hash_table_insert(policies->loaded, g_strdup(name), loaded);
    return loaded;
}

void
osh_vector_expect(GString *problem, const char *what, const char *expected, const char *got)
{
    g_string_append_printf(problem, "%sexpected %s %s, got %s", problem->len > 0 ? "; " : "", what,
                           expected, got != NULL ? got : "nothing");
}

/* Facts of one row; everything they point to is freed with @memory. */
typedef struct {
    GArray *facts;
    GPtrArray *memory;
} Facts;

static gpointer
keep(Facts *facts, gsize size)
{
    gpointer memory = g_malloc0(size + 1);

    g_ptr_array_add(facts->memory, memory);
    return memory;
}

static OshSpan
text_of(json_t *value)
{
    return (OshSpan){json_string_value(value), json_string_length(value)};
}

static void
add(Facts *facts, OshFact fact)
{
    g_array_append_val(facts->facts, fact);
}

static void
add_string(Facts *facts, const char *name, json_t *value)
{
    if (json_is_string(value))
        add(facts, (OshFact)OSH_FACT_STRING_INIT(name, text_of(value)));
}

static OshFact
strings_fact(Facts *facts, const char *name, json_t *list)
{
    gsize length = json_array_size(list);
    OshSpan *spans = keep(facts, length * sizeof(OshSpan));

    for (gsize i = 0; i < length; i++)
        spans[i] = text_of(json_array_get(list, i));
    return (OshFact)OSH_FACT_STRINGS_INIT(name, spans, length);
}

static void
add_query(Facts *facts, json_t *query)
{
    OshFactRecord *records = keep(facts, json_object_size(query) * sizeof(OshFactRecord));
    gsize length = 0;
    const char *key;
    json_t *values;

    json_object_foreach(query, key, values)
    {
        OshFact *fields = keep(facts, 2 * sizeof(OshFact));

        fields[0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(key));
        fields[1] = strings_fact(facts, "values", values);
        records[length++] = (OshFactRecord){fields, 2};
    }
    add(facts, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, records, length));
}

static void
add_graphql(Facts *facts, json_t *graphql)
{
    static const char *const names[][2] = {
        {"operation_type", "type"},   {"operation_name", "name"}, {"persisted_query_hash", "hash"},
        {"persisted_query_id", "id"}, {"hash", "hash"},           {"id", "id"}};
    json_t *operations = json_object_get(graphql, "operations");
    gsize length = json_array_size(operations);
    OshFactRecord *records = keep(facts, length * sizeof(OshFactRecord));

    for (gsize i = 0; i < length; i++) {
        json_t *operation = json_array_get(operations, i);
        OshFact *fields = keep(facts, (G_N_ELEMENTS(names) + 2) * sizeof(OshFact));
        gsize n = 0;

        for (gsize k = 0; k < G_N_ELEMENTS(names); k++) {
            json_t *value = json_object_get(operation, names[k][0]);

            if (json_is_string(value))
                fields[n++] = (OshFact)OSH_FACT_STRING_INIT(names[k][1], text_of(value));
        }
        if (json_is_array(json_object_get(operation, "fields")))
            fields[n++] = strings_fact(facts, "fields", json_object_get(operation, "fields"));
        if (json_is_boolean(json_object_get(operation, "persisted_query")))
            fields[n++] = (OshFact)OSH_FACT_BOOLEAN_INIT(
                "persisted", json_is_true(json_object_get(operation, "persisted_query")));
        records[i] = (OshFactRecord){fields, n};
    }
    if (operations != NULL || json_object_get(graphql, "control") == NULL)
        add(facts, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_GRAPHQL_OPERATIONS, records, length));
    add_string(facts, OSH_FACT_GRAPHQL_CONTROL, json_object_get(graphql, "control"));
    add_string(facts, OSH_FACT_GRAPHQL_ERROR, json_object_get(graphql, "error"));
}

static OshFact
params_fact(Facts *facts, json_t *params)
{
    OshFactRecord *records = keep(facts, json_object_size(params) * sizeof(OshFactRecord));
    gsize length = 0;
    const char *key;
    json_t *value;

    json_object_foreach(params, key, value)
    {
        OshFact *fields = keep(facts, 2 * sizeof(OshFact));

        if (!json_is_string(value))
            continue;
        fields[0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(key));
        fields[1] = (OshFact)OSH_FACT_STRING_INIT("value", text_of(value));
        records[length++] = (OshFactRecord){fields, 2};
    }
    return (OshFact)OSH_FACT_RECORDS_INIT("params", records, length);
}

static void
add_jsonrpc(Facts *facts, json_t *jsonrpc)
{
    json_t *method = json_object_get(jsonrpc, "method");
    json_t *params = json_object_get(jsonrpc, "params");
    OshFactRecord *call = keep(facts, sizeof(OshFactRecord));
    OshFact *fields = keep(facts, 2 * sizeof(OshFact));

    fields[0] = (OshFact)OSH_FACT_STRING_INIT("method", text_of(method));
    if (json_is_object(params))
        fields[1] = params_fact(facts, params);
    *call = (OshFactRecord){fields, json_is_object(params) ? 2 : 1};
    add(facts, (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, call,
                                              json_is_string(method) ? 1 : 0));
    if (json_is_true(json_object_get(jsonrpc, "has_response")))
        add(facts, (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RESPONSE, TRUE));
    if (json_is_true(json_object_get(jsonrpc, "receive_stream")))
        add(facts, (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RECEIVE_STREAM, TRUE));
    add_string(facts, OSH_FACT_JSONRPC_ERROR, json_object_get(jsonrpc, "error"));
}

static void
read_facts(Facts *facts, json_t *input, gboolean request)
{
    add_string(facts, OSH_FACT_NETWORK_HOST, json_object_get(input, "host"));
    add(facts, (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT,
                                              json_integer_value(json_object_get(input, "port"))));
    add_string(facts, OSH_FACT_PROCESS_BINARY, json_object_get(input, "binary"));
    add(facts,
        strings_fact(facts, OSH_FACT_PROCESS_ANCESTORS, json_object_get(input, "ancestors")));
    add(facts, strings_fact(facts, OSH_FACT_PROCESS_CMDLINE, json_object_get(input, "cmdline")));
    add_string(facts, OSH_FACT_PROCESS_IDENTITY, json_object_get(input, "binary_identity"));
    if (!request)
        return;
    add_string(facts, OSH_FACT_REQUEST_METHOD, json_object_get(input, "method"));
    add_string(facts, OSH_FACT_REQUEST_PATH, json_object_get(input, "path"));
    add_string(facts, OSH_FACT_SQL_COMMAND, json_object_get(input, "command"));
    if (json_is_object(json_object_get(input, "query")))
        add_query(facts, json_object_get(input, "query"));
    if (json_is_object(json_object_get(input, "graphql")))
        add_graphql(facts, json_object_get(input, "graphql"));
    if (json_is_object(json_object_get(input, "jsonrpc")))
        add_jsonrpc(facts, json_object_get(input, "jsonrpc"));
    add_string(facts, OSH_FACT_MCP_VERSION, json_object_get(input, "mcp_version"));
}

static void
check_contains(json_t *list, const char *got, const char *what, GString *problem)
{
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *part = json_string_value(json_array_get(list, i));

        if (got == NULL || strstr(got, part) == NULL)
            osh_vector_expect(problem, what, part, got);
    }
}

/* As JSON, so that numbers, booleans and lists compare like the row has them. */
static json_t *
option_json(GVariant *option)
{
    json_t *list;

    if (option == NULL)
        return json_null();
    if (g_variant_is_of_type(option, G_VARIANT_TYPE_STRING))
        return json_string(g_variant_get_string(option, NULL));
    if (g_variant_is_of_type(option, G_VARIANT_TYPE_BOOLEAN))
        return json_boolean(g_variant_get_boolean(option));
    if (g_variant_is_of_type(option, G_VARIANT_TYPE_UINT16))
        return json_integer(g_variant_get_uint16(option));
    if (g_variant_is_of_type(option, G_VARIANT_TYPE_UINT32))
        return json_integer(g_variant_get_uint32(option));
    list = json_array();
    for (gsize i = 0; i < g_variant_n_children(option); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(option, i);

        json_array_append_new(list, option_json(child));
    }
    return list;
}

static void
check_members(json_t *expected, const char *prefix, const OshPolicyEndpoint *endpoint,
              GString *problem)
{
    const char *key;
    json_t *value;

    json_object_foreach(expected, key, value)
    {
        g_autofree char *name = g_strconcat(prefix, key, NULL);
        g_autoptr(GVariant) option = NULL;
        json_t *got;

        if (json_is_object(value)) {
            g_autofree char *below = g_strconcat(name, ".", NULL);

            check_members(value, below, endpoint, problem);
            continue;
        }
        option = osh_policy_endpoint_option(endpoint, name);
        got = option_json(option);
        if (!json_equal(got, value)) {
            char *wanted = json_dumps(value, JSON_ENCODE_ANY);
            char *found = json_dumps(got, JSON_ENCODE_ANY);

            osh_vector_expect(problem, name, wanted, found);
            free(wanted);
            free(found);
        }
        json_decref(got);
    }
}

static void
check_config(json_t *expected, const OshPolicyVerdict *verdict, GString *problem)
{
    const OshPolicyEndpoint *first = verdict->n_endpoints > 0 ? verdict->endpoints[0] : NULL;

    if (json_is_null(expected)) {
        if (first != NULL)
            osh_vector_expect(problem, "endpoint_config", "none", first->label);
        return;
    }
    if (first == NULL)
        osh_vector_expect(problem, "endpoint_config", "one", "none");
    else
        check_members(expected, "", first, problem);
}

static void
check_addresses(json_t *expected, const OshPolicyVerdict *verdict, GString *problem)
{
    const OshPolicyEndpoint *first = verdict->n_endpoints > 0 ? verdict->endpoints[0] : NULL;
    guint length = first != NULL ? first->n_allowed_ips : 0;

    if (length != json_array_size(expected)) {
        osh_vector_expect(problem, "allowed_ips", "another number of entries", "them");
        return;
    }
    for (guint i = 0; i < length; i++) {
        const char *wanted = json_string_value(json_array_get(expected, i));

        if (strcmp(first->allowed_ip_texts[i], wanted) != 0)
            osh_vector_expect(problem, "allowed_ips", wanted, first->allowed_ip_texts[i]);
    }
}

static const char *
action_name(OshPolicyAction action)
{
    switch (action) {
    case OSH_POLICY_ALLOW:
        return "allow";
    case OSH_POLICY_DENY:
        return "deny";
    case OSH_POLICY_ERROR:
    default:
        return "error";
    }
}

static void
check_verdict(const OshPolicyVerdict *verdict, json_t *expect, gboolean request, GString *problem)
{
    const char *action = json_string_value(json_object_get(expect, "action"));
    const char *got = action_name(verdict->action);
    json_t *value;

    /* in l7 rows an evaluation error is written as what the caller makes of it */
    if (request && action != NULL && strcmp(action, "deny") == 0 &&
        verdict->action == OSH_POLICY_ERROR)
        got = "deny";
    if (action != NULL && strcmp(action, got) != 0)
        osh_vector_expect(problem, "action", action, got);
    value = json_object_get(expect, "policy_name");
    if (value != NULL && g_strcmp0(json_string_value(value), verdict->policy_name) != 0)
        osh_vector_expect(problem, "policy_name",
                          json_is_null(value) ? "none" : json_string_value(value),
                          verdict->policy_name);
    value = json_object_get(expect, "reason");
    if (value != NULL &&
        g_strcmp0(json_string_value(value), verdict->reason != NULL ? verdict->reason : "") != 0)
        osh_vector_expect(problem, "reason", json_string_value(value), verdict->reason);
    check_contains(json_object_get(expect, "reason_contains"), verdict->reason, "reason with",
                   problem);
    value = json_object_get(expect, "exact_declared_host");
    if (value != NULL && json_is_true(value) != (verdict->exact_declared_host != FALSE))
        osh_vector_expect(problem, "exact_declared_host", json_is_true(value) ? "true" : "false",
                          verdict->exact_declared_host ? "true" : "false");
    value = json_object_get(expect, "endpoint_config");
    if (value != NULL)
        check_config(value, verdict, problem);
    value = json_object_get(expect, "allowed_ips");
    if (value != NULL)
        check_addresses(value, verdict, problem);
    value = json_object_get(expect, "endpoint_config_count");
    if (value != NULL && json_integer_value(value) != verdict->n_endpoints) {
        g_autofree char *wanted = json_dumps(value, JSON_ENCODE_ANY);
        g_autofree char *found = g_strdup_printf("%u", verdict->n_endpoints);

        osh_vector_expect(problem, "endpoint_config_count", wanted, found);
    }
}

static void
check_decision(const Loaded *loaded, json_t *input, json_t *expect, gboolean request,
               GString *problem)
{
    g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(OshFact));
    g_autoptr(GPtrArray) memory = g_ptr_array_new_with_free_func(g_free);
    Facts facts = {array, memory};
    OshFacts all;
    g_auto(OshPolicyVerdict) verdict;

    read_facts(&facts, input, request);
    all = (OshFacts){(const OshFact *)(gpointer)array->data, array->len};
    osh_policy_decide(loaded->snapshot, &all, &verdict);
    check_verdict(&verdict, expect, request, problem);
}

static guint
stage_of(const char *name)
{
    static const struct {
        const char *name;
        guint stage;
    } stages[] = {
        {"parse", OSH_POLICY_STAGE_PARSE},   {"safety", OSH_POLICY_STAGE_SAFETY},
        {"l7", OSH_POLICY_STAGE_INSPECTION}, {"ambiguity", OSH_POLICY_STAGE_AMBIGUITY},
        {"expand", OSH_POLICY_STAGE_EXPAND},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(stages); i++)
        if (strcmp(stages[i].name, name) == 0)
            return stages[i].stage;
    return 0;
}

/* A refusal is explained by errors, a warning by warnings; neither stands in for the other. */
static void
check_validation(const Loaded *loaded, json_t *expect, GString *problem)
{
    const char *result = json_string_value(json_object_get(expect, "result"));
    const char *stage = json_string_value(json_object_get(expect, "stage"));
    const char *got = loaded->snapshot == NULL                                    ? "reject"
                      : strcmp(result, "warn") == 0 && loaded->warnings.count > 0 ? "warn"
                                                                                  : "accept";
    const Said *said = loaded->snapshot == NULL ? &loaded->errors : &loaded->warnings;

    if (strcmp(result, got) != 0)
        osh_vector_expect(problem, "result", result,
                          loaded->snapshot == NULL ? loaded->errors.messages : got);
    check_contains(json_object_get(expect, "contains"), said->messages, "a message with", problem);
    if (stage != NULL && strcmp(result, "accept") != 0 && !(said->stages & stage_of(stage)))
        osh_vector_expect(problem, "stage", stage, said->messages);
}

void
osh_vector_check(json_t *row, OshVectorPolicies *policies, GString *problem)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    const char *policy = json_string_value(json_object_get(row, "policy"));
    json_t *input = json_object_get(row, "input");
    json_t *expect = json_object_get(row, "expect");
    gboolean request = g_strcmp0(kind, "l7") == 0;

    if (g_strcmp0(kind, "validate") == 0) {
        check_validation(load(policies, policy), expect, problem);
    } else if (request || g_strcmp0(kind, "network") == 0) {
        const Loaded *loaded = load(policies, policy);

        if (loaded->snapshot == NULL)
            osh_vector_expect(problem, "policy", "to load", loaded->errors.messages);
        else
            check_decision(loaded, input, expect, request, problem);
    } else {
        osh_vector_check_primitive(kind, input, expect, problem);
    }
}
