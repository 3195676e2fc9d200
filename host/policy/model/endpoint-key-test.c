/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-key-test.c: what the row of an endpoint key says is what the loader, the checks, the
 * writer, the merge and the options for plugins do.
 *
 * Walks the table, so that a new row is tested as soon as it is there.
 */
#include "endpoint-key.h"

#include "draft.h"
#include "merge.h"

#include <string.h>

/* Read by its row alone. */
static gboolean
is_plain(const OshEndpointKey *key)
{
    return (key->type == OSH_ENDPOINT_KEY_SWITCH || key->type == OSH_ENDPOINT_KEY_TEXT ||
            key->type == OSH_ENDPOINT_KEY_BYTES) &&
           !(key->traits & OSH_ENDPOINT_KEY_READ_ALONE);
}

/* What the judge of a key asks for besides, where it does. */
static const char *
inspected(const OshEndpointKey *key)
{
    if (strcmp(key->name, "websocket_credential_rewrite") == 0)
        return "protocol: websocket, enforcement: enforce, access: full";
    if (strncmp(key->name, "mcp", 3) == 0)
        return "protocol: mcp, enforcement: enforce, rules: [{ allow: { method: ping } }]";
    if (strncmp(key->name, "json_rpc", 8) == 0)
        return "protocol: json-rpc, enforcement: enforce, rules: [{ allow: { method: ping } }]";
    if (strcmp(key->name, "graphql_max_body_bytes") == 0)
        return "protocol: graphql, enforcement: enforce, access: full";
    if (strcmp(key->name, "credential_signing") == 0)
        return "signing_service: s3, protocol: rest, enforcement: enforce, access: full";
    return "protocol: rest, enforcement: enforce, access: full";
}

/* Some value that is not what the key is when it is absent. */
static const char *
other_value(const OshEndpointKey *key)
{
    if (key->type == OSH_ENDPOINT_KEY_BYTES)
        return "4096";
    if (key->type == OSH_ENDPOINT_KEY_SWITCH)
        return key->absent != NULL ? "false" : "true";
    if (strcmp(key->name, "mcp.pin_tools") == 0)
        return "report";
    return strcmp(key->name, "credential_signing") == 0 ? "sigv4" : "word";
}

/* `KEY: VALUE`, or `SECTION: { MEMBER: VALUE }`. */
static char *
written(const OshEndpointKey *key, const char *value)
{
    const char *dot = strchr(key->name, '.');

    return dot != NULL ? g_strdup_printf("%.*s: { %s: %s }", (int)(dot - key->name), key->name,
                                         dot + 1, value)
                       : g_strdup_printf("%s: %s", key->name, value);
}

static char *
policy_text(const char *endpoint, const char *beside)
{
    GString *text = g_string_new("version: 1\nnetwork_policies:\n");

    g_string_append_printf(text, "  p:\n    endpoints:\n    - %s\n    binaries: [{ path: /b }]\n",
                           endpoint);
    if (beside != NULL)
        g_string_append_printf(
            text, "  q:\n    endpoints:\n    - %s\n    binaries: [{ path: /b }]\n", beside);
    return g_string_free(text, FALSE);
}

static OshPolicySnapshot *
load(const char *text, guint flags, char **ret_messages)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "p.yaml", .flags = flags},
        diagnostics);

    *ret_messages = osh_policy_diagnostics_format(diagnostics);
    return policy;
}

static char *
endpoint_with(const OshEndpointKey *key, const char *protocol, gboolean set)
{
    g_autofree char *entry = written(key, other_value(key));

    return set ? g_strdup_printf("{ host: a.test, port: 1, %s, %s }", protocol, entry)
               : g_strdup_printf("{ host: a.test, port: 1, %s }", protocol);
}

static OshPolicySnapshot *
load_with(const OshEndpointKey *key, gboolean set)
{
    g_autofree char *endpoint = endpoint_with(key, inspected(key), set);
    g_autofree char *text = policy_text(endpoint, NULL);
    g_autofree char *messages = NULL;
    OshPolicySnapshot *policy = load(text, OSH_POLICY_LOAD_ANY, &messages);

    if (policy == NULL)
        g_error("%s\n%s", text, messages);
    return policy;
}

static char *
option_text(const OshPolicySnapshot *policy, const char *name)
{
    g_autoptr(GVariant) option = osh_policy_endpoint_option(osh_policy_endpoint(policy, 0), name);

    if (option == NULL)
        return NULL;
    return g_variant_is_of_type(option, G_VARIANT_TYPE_STRING) ? g_variant_dup_string(option, NULL)
                                                               : g_variant_print(option, FALSE);
}

static void
test_option(gconstpointer data)
{
    const OshEndpointKey *key = data;
    g_autoptr(OshPolicySnapshot) with = load_with(key, TRUE);
    g_autoptr(OshPolicySnapshot) without = load_with(key, FALSE);
    g_autofree char *set = option_text(with, key->name);
    g_autofree char *unset = option_text(without, key->name);

    g_assert_cmpstr(set, ==, other_value(key));
    g_assert_cmpstr(unset, !=, set);
    if (key->absent != NULL)
        g_assert_cmpstr(unset, ==, key->absent);
}

static void
test_handling(gconstpointer data)
{
    const OshEndpointKey *key = data;
    g_autoptr(OshPolicySnapshot) with = load_with(key, TRUE);
    g_autoptr(OshPolicySnapshot) without = load_with(key, FALSE);
    const OshPolicyEndpoint *one = osh_policy_endpoint(with, 0);
    const OshPolicyEndpoint *other = osh_policy_endpoint(without, 0);

    g_assert_cmpint(osh_policy_endpoint_handling(one) != osh_policy_endpoint_handling(other), ==,
                    (key->traits & OSH_ENDPOINT_KEY_HANDLING) != 0);
    g_assert_cmpint(osh_policy_endpoint_has_credentials(one), ==,
                    (key->traits & OSH_ENDPOINT_KEY_CREDENTIALS) != 0);
    g_assert_false(osh_policy_endpoint_has_credentials(other));
}

static void
test_agreement(gconstpointer data)
{
    const OshEndpointKey *key = data;
    g_autofree char *with = endpoint_with(key, inspected(key), TRUE);
    g_autofree char *without = endpoint_with(key, inspected(key), FALSE);
    g_autofree char *text = policy_text(with, without);
    g_autofree char *messages = NULL;
    g_autofree char *difference = g_strdup_printf(
        "conflicting metadata: %s ('", key->agree_as != NULL ? key->agree_as : key->name);
    g_autoptr(OshPolicySnapshot) policy = load(text, OSH_POLICY_LOAD_ANY, &messages);

    /* of one limit that two sections set, one row says it */
    if (strcmp(key->name, "mcp.max_body_bytes") == 0)
        g_assert_nonnull(strstr(messages, "conflicting metadata: json_rpc_max_body_bytes"));
    else
        g_assert_cmpint(policy == NULL, ==, key->agree != OSH_ENDPOINT_AGREE_NOT);
    if (key->agree != OSH_ENDPOINT_AGREE_NOT && strstr(messages, difference) == NULL)
        g_error("'%s' is missing in\n%s", difference, messages);
}

static void
test_writing(gconstpointer data)
{
    const OshEndpointKey *key = data;
    g_autofree char *endpoint = endpoint_with(key, inspected(key), TRUE);
    g_autofree char *text = policy_text(endpoint, NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text, .length = strlen(text), .file_name = "p.yaml"},
        diagnostics);
    g_autoptr(OshPolicySnapshot) again =
        osh_draft_compile(draft, &(OshPolicyLoadRequest){.file_name = "p.yaml"}, diagnostics);
    g_autofree char *option = option_text(again, key->name);

    g_assert_cmpstr(option, ==, other_value(key));
}

/* Into an endpoint that does not have it. */
static void
test_merging(gconstpointer data)
{
    const OshEndpointKey *key = data;
    g_autofree char *with = endpoint_with(key, inspected(key), TRUE);
    g_autofree char *without = endpoint_with(key, inspected(key), FALSE);
    g_autofree char *text = policy_text(without, NULL);
    g_autofree char *more = policy_text(with, NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) base = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text, .length = strlen(text), .file_name = "base"},
        diagnostics);
    g_autoptr(OshDraft) addition = osh_draft_read(
        &(OshPolicyLoadRequest){.text = more, .length = strlen(more), .file_name = "more"},
        diagnostics);
    g_autoptr(GPtrArray) operations =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_merge_operation_free);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    OshMergeOperation *operation = osh_merge_operation_new(OSH_MERGE_ADD_RULE);
    g_autoptr(GError) error = NULL;
    g_autoptr(OshDraft) merged = NULL;
    g_autoptr(OshPolicySnapshot) policy = NULL;
    g_autofree char *option = NULL;

    operation->rule_name = g_strdup("p");
    operation->rule = osh_value_copy(osh_draft_policy(addition, "p"));
    g_ptr_array_add(operations, operation);
    merged = osh_merge(base, operations, warnings, &error);
    /* one destination is read as MCP in one way */
    if (strncmp(key->name, "mcp.", 4) == 0) {
        g_assert_error(error, OSH_MERGE_ERROR, OSH_MERGE_ERROR_REFUSED);
        return;
    }
    g_assert_no_error(error);
    policy = osh_draft_compile(merged, &(OshPolicyLoadRequest){.file_name = "merged"}, diagnostics);
    option = option_text(policy, key->name);
    g_assert_cmpstr(option, ==, other_value(key));
}

/* Whether it says so of a key that stands in an endpoint itself. */
static void
test_refusals(gconstpointer data)
{
    const OshEndpointKey *key = data;
    const char *top = strchr(key->name, '.');
    g_autofree char *name =
        g_strndup(key->name, top != NULL ? (gsize)(top - key->name) : strlen(key->name));
    const OshEndpointKey *row = osh_endpoint_key_find(name);
    g_autofree char *entry =
        written(key, strcmp(other_value(key), "false") == 0 ? "true" : other_value(key));
    g_autofree char *over_tcp =
        g_strdup_printf("{ host: a.test, port: 1, protocol: tcp, %s }", entry);
    g_autofree char *tcp_text = policy_text(over_tcp, NULL);
    g_autofree char *run = endpoint_with(key, inspected(key), TRUE);
    g_autofree char *run_text = policy_text(run, NULL);
    g_autofree char *tcp_messages = NULL;
    g_autofree char *run_messages = NULL;
    g_autofree char *not_enforced = g_strdup_printf("%s is not enforced yet", name);
    g_autofree char *l7_only = g_strdup_printf("does not support L7-only fields: %s", name);
    g_autoptr(OshPolicySnapshot) ignored = load(tcp_text, OSH_POLICY_LOAD_ANY, &tcp_messages);

    g_assert_cmpint(strstr(tcp_messages, l7_only) != NULL, ==,
                    (row->traits & OSH_ENDPOINT_KEY_INSPECTION) != 0);
    g_assert_null(load(run_text, OSH_POLICY_LOAD_ENFORCEABLE, &run_messages));
    g_assert_cmpint(strstr(run_messages, not_enforced) != NULL, ==, row->needs != 0);
}

/* No two rows have one name, and what a row needs is there. */
static void
test_rows(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL);
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const char *dot = strchr(key->name, '.');

        g_assert_true(g_hash_table_add(names, (gpointer)key->name));
        g_assert_true(key->written == 0 ||
                      g_hash_table_add(places, GUINT_TO_POINTER(key->written)));
        if (key->agree != OSH_ENDPOINT_AGREE_NOT && key->type != OSH_ENDPOINT_KEY_SWITCH &&
            key->type != OSH_ENDPOINT_KEY_BYTES && key->type != OSH_ENDPOINT_KEY_TEXT)
            g_assert_nonnull(key->text);
        if (dot != NULL) {
            g_autofree char *section = g_strndup(key->name, (gsize)(dot - key->name));

            g_assert_cmpint(osh_endpoint_key_find(section)->type, ==, OSH_ENDPOINT_KEY_SECTION);
        }
    }
    for (guint place = 1; place <= g_hash_table_size(places); place++)
        g_assert_true(g_hash_table_contains(places, GUINT_TO_POINTER(place)));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *words;
        GTestDataFunc test;
    } tests[] = {
        {"is read and served to plugins", test_option},
        {"is part of the handling and of the credentials as its row says", test_handling},
        {"has to be agreed about as its row says", test_agreement},
        {"is written", test_writing},
        {"is merged", test_merging},
        {"is refused over tcp and by a run as its row says", test_refusals},
    };
    const OshEndpointKey *key;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint-key/rows have names and places of their own", test_rows);
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
        for (gsize k = 0; is_plain(key) && k < G_N_ELEMENTS(tests); k++) {
            g_autofree char *path =
                g_strdup_printf("/endpoint-key/%s/%s", key->name, tests[k].words);

            g_test_add_data_func(path, key, tests[k].test);
        }
    return g_test_run();
}
