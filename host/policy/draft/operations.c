/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.c: reads the file that says how to change a policy.
 *
 * Any thread. The same strict YAML as a policy. It checks the shape of an operation and what a
 * proposal may ask for; what the values mean is for the loader, once they are merged.
 */
#include "operations.h"

#include <string.h>

typedef struct {
    OshPolicyDiagnostics *diagnostics;
    GPtrArray *operations;
    gboolean proposed;
} OperationReader;

/* A member by its name or the name's spelling in JSON. */
typedef struct {
    const char *name;
    const char *camel;
} Name;

static const Name rule_name = {"rule_name", "ruleName"};
static const Name rule = {"rule", "rule"};
static const Name host = {"host", "host"};
static const Name port = {"port", "port"};
static const Name rules = {"rules", "rules"};
static const Name deny_rules = {"deny_rules", "denyRules"};
static const Name binary_path = {"binary_path", "binaryPath"};

/* Each is held against the whole policy, and programs may propose some. */
#define MAX_OPERATIONS 256
#define MAX_MEMBERS    4

/* What stands in each kind of operation; all but the name of the policy are needed. */
static const struct {
    Name name;
    OshMergeKind kind;
    const Name *members[MAX_MEMBERS];
    gboolean needs_rule_name;
} kinds[] = {
    {{"add_rule", "addRule"}, OSH_MERGE_ADD_RULE, {&rule_name, &rule, NULL}, FALSE},
    {{"remove_endpoint", "removeEndpoint"},
     OSH_MERGE_REMOVE_ENDPOINT,
     {&rule_name, &host, &port, NULL},
     FALSE},
    {{"remove_rule", "removeRule"}, OSH_MERGE_REMOVE_RULE, {&rule_name, NULL}, TRUE},
    {{"add_allow_rules", "addAllowRules"},
     OSH_MERGE_ADD_ALLOW_RULES,
     {&host, &port, &rules, NULL},
     FALSE},
    {{"add_deny_rules", "addDenyRules"},
     OSH_MERGE_ADD_DENY_RULES,
     {&host, &port, &deny_rules, NULL},
     FALSE},
    {{"remove_binary", "removeBinary"},
     OSH_MERGE_REMOVE_BINARY,
     {&rule_name, &binary_path, NULL},
     TRUE},
};

static gboolean
is_name(const Name *name, const char *key)
{
    return strcmp(key, name->name) == 0 || strcmp(key, name->camel) == 0;
}

static const OshYamlNode *
find(const OshYamlNode *mapping, const Name *name)
{
    const OshYamlNode *node = osh_yaml_find(mapping, name->name);

    return node != NULL ? node : osh_yaml_find(mapping, name->camel);
}

static gboolean
is_kind(OperationReader *reader, const OshYamlNode *node, OshYamlKind kind)
{
    static const char *const names[] = {"a string", "a list", "a mapping"};
    g_autofree char *found = NULL;

    if (node->kind == kind &&
        (kind != OSH_YAML_SCALAR || osh_yaml_scalar_type(node) == OSH_YAML_STRING))
        return TRUE;
    found = osh_yaml_describe(node);
    osh_yaml_error(reader->diagnostics, node, "expected %s, found %s", names[kind], found);
    return FALSE;
}

static char *
read_text(OperationReader *reader, const OshYamlNode *node)
{
    if (node == NULL || !is_kind(reader, node, OSH_YAML_SCALAR))
        return NULL;
    if (node->length == 0)
        osh_yaml_error(reader->diagnostics, node, "must not be empty");
    return g_strdup(node->text);
}

static guint16
read_port(OperationReader *reader, const OshYamlNode *node)
{
    guint64 value;

    if (node == NULL)
        return 0;
    if (osh_yaml_integer(node, &value) && value >= 1 && value <= G_MAXUINT16)
        return (guint16)value;
    osh_yaml_wrong_port(reader->diagnostics, node);
    return 0;
}

static OshValue *
read_list(OperationReader *reader, const OshYamlNode *node)
{
    if (node == NULL || !is_kind(reader, node, OSH_YAML_SEQUENCE))
        return NULL;
    if (node->length == 0)
        osh_yaml_error(reader->diagnostics, node, "must not be empty");
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next)
        if (!is_kind(reader, child, OSH_YAML_MAPPING))
            return NULL;
    return osh_value_from_yaml(node);
}

static gboolean
says(const OshYamlNode *node, const char *word)
{
    return node != NULL && node->kind == OSH_YAML_SCALAR &&
           g_ascii_strcasecmp(node->text, word) == 0;
}

/* Only a person may declare an endpoint that is not inspected. */
static void
check_proposed_transport(OperationReader *reader, const OshYamlNode *endpoint)
{
    const OshYamlNode *protocol = osh_yaml_find(endpoint, "protocol");
    const OshYamlNode *tls = osh_yaml_find(endpoint, "tls");
    const OshYamlNode *name = osh_yaml_find(endpoint, "host");
    OshAddress address;

    if (says(protocol, "tcp"))
        osh_yaml_error(reader->diagnostics, protocol,
                       "a proposal cannot ask for protocol tcp: a person declares it");
    if (says(tls, "skip"))
        osh_yaml_error(reader->diagnostics, tls,
                       "a proposal cannot ask for tls: skip: a person declares it");
    if (name != NULL && name->kind == OSH_YAML_SCALAR &&
        osh_address_parse(name->text, name->length, &address) &&
        osh_address_classify_strict(&address) == OSH_ADDRESS_ALWAYS_BLOCKED)
        osh_yaml_error(reader->diagnostics, name,
                       "a proposal cannot ask for an address that is always blocked");
}

/* A rule path is no place for query values; the text is not repeated, it may hold a secret. */
static void
check_proposed_rules(OperationReader *reader, const OshYamlNode *endpoint)
{
    const OshYamlNode *list = osh_yaml_find(endpoint, "rules");

    if (list == NULL || list->kind != OSH_YAML_SEQUENCE)
        return;
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
        const OshYamlNode *path = osh_yaml_find(osh_yaml_find(child, "allow"), "path");

        if (path != NULL && path->kind == OSH_YAML_SCALAR && strchr(path->text, '?') != NULL)
            osh_yaml_error_hint(reader->diagnostics, path, g_strdup("name them under 'query'"),
                                "the path of a proposed rule holds a '?': query values are no part "
                                "of a path");
    }
}

static OshValue *
read_rule(OperationReader *reader, const OshYamlNode *node)
{
    static const char *const keys[] = {"name", "endpoints", "binaries", NULL};
    OshValue *read;

    if (node == NULL || !is_kind(reader, node, OSH_YAML_MAPPING))
        return NULL;
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next) {
        if (!g_strv_contains(keys, child->key)) {
            osh_yaml_error(reader->diagnostics, child,
                           "unknown key; a rule has name, endpoints and binaries");
            return NULL;
        }
        if (strcmp(child->key, "name") == 0)
            continue;
        if (!is_kind(reader, child, OSH_YAML_SEQUENCE))
            return NULL;
        for (const OshYamlNode *item = child->first; item != NULL; item = item->next) {
            if (strcmp(child->key, "binaries") == 0 && item->kind == OSH_YAML_SCALAR) {
                if (!is_kind(reader, item, OSH_YAML_SCALAR))
                    return NULL;
                continue;
            }
            if (!is_kind(reader, item, OSH_YAML_MAPPING))
                return NULL;
            if (reader->proposed) {
                check_proposed_transport(reader, item);
                check_proposed_rules(reader, item);
            }
        }
    }
    read = osh_value_from_yaml(node);
    osh_draft_normalise_binaries(read);
    return read;
}

/* An addition without a name gets that of its rule, or one made of its first endpoint. */
static char *
default_name(const OshValue *added)
{
    const char *name = osh_value_find_text(added, "name");
    const OshValue *endpoints = osh_draft_endpoints(added);
    const OshValue *first =
        endpoints != NULL && osh_value_length(endpoints) > 0 ? osh_value_item(endpoints, 0) : NULL;
    g_autoptr(GArray) ports = NULL;

    if (*name != '\0' || first == NULL)
        return g_strdup(name);
    ports = osh_draft_ports(first);
    return osh_merge_generated_name(osh_value_find_text(first, "host"),
                                    ports->len > 0 ? g_array_index(ports, guint16, 0) : 0);
}

static gboolean
check_members(OperationReader *reader, const OshYamlNode *body, gsize kind)
{
    const Name *const *members = kinds[kind].members;
    gboolean good = TRUE;

    for (const OshYamlNode *child = body->first; child != NULL; child = child->next) {
        gboolean known = FALSE;

        for (gsize i = 0; members[i] != NULL; i++)
            known |= is_name(members[i], child->key);
        if (!known)
            osh_yaml_error(reader->diagnostics, child, "unknown key in %s", kinds[kind].name.name);
        good &= known;
    }
    for (gsize i = 0; members[i] != NULL; i++) {
        gboolean needed = members[i] != &rule_name || kinds[kind].needs_rule_name;

        if (needed && find(body, members[i]) == NULL) {
            osh_yaml_error(reader->diagnostics, body, "missing key '%s'", members[i]->name);
            good = FALSE;
        }
    }
    return good;
}

static void
read_body(OperationReader *reader, const OshYamlNode *body, gsize kind)
{
    OshMergeOperation *operation;
    const OshYamlNode *list =
        find(body, kinds[kind].kind == OSH_MERGE_ADD_DENY_RULES ? &deny_rules : &rules);

    if (reader->proposed && kinds[kind].kind != OSH_MERGE_ADD_RULE) {
        osh_yaml_error(reader->diagnostics, body, "a proposal can only add rules");
        return;
    }
    if (!is_kind(reader, body, OSH_YAML_MAPPING) || !check_members(reader, body, kind))
        return;
    operation = osh_merge_operation_new(kinds[kind].kind);
    g_ptr_array_add(reader->operations, operation);
    operation->rule_name = read_text(reader, find(body, &rule_name));
    operation->rule = read_rule(reader, find(body, &rule));
    operation->host = read_text(reader, find(body, &host));
    operation->port = read_port(reader, find(body, &port));
    operation->rules = read_list(reader, list);
    operation->binary_path = read_text(reader, find(body, &binary_path));
    if (operation->rule == NULL)
        return;
    if (operation->rule_name == NULL)
        operation->rule_name = default_name(operation->rule);
    if (reader->proposed)
        osh_merge_mark_proposed(operation);
}

static void
read_operation(OperationReader *reader, const OshYamlNode *node)
{
    if (!is_kind(reader, node, OSH_YAML_MAPPING))
        return;
    if (node->length != 1) {
        osh_yaml_error(reader->diagnostics, node, "an operation is one key: what to do");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (is_name(&kinds[i].name, node->first->key)) {
            read_body(reader, node->first, i);
            return;
        }
    }
    osh_yaml_error_hint(
        reader->diagnostics, node->first,
        g_strdup("known: add_rule, remove_endpoint, remove_rule, add_allow_rules, add_deny_rules, "
                 "remove_binary"),
        "unknown operation");
}

static void
read_document(OperationReader *reader, const OshYamlNode *root)
{
    const OshYamlNode *list = osh_yaml_find(root, "operations");

    for (const OshYamlNode *child = root->first; child != NULL; child = child->next)
        if (strcmp(child->key, "operations") != 0 && strcmp(child->key, "intent_summary") != 0)
            osh_yaml_error_hint(reader->diagnostics, child,
                                g_strdup("known here: operations, intent_summary"), "unknown key");
    if (list == NULL) {
        osh_yaml_error(reader->diagnostics, root, "missing key 'operations'");
        return;
    }
    if (!is_kind(reader, list, OSH_YAML_SEQUENCE))
        return;
    if (list->length == 0)
        osh_yaml_error(reader->diagnostics, list, "there is no operation");
    if (list->length > MAX_OPERATIONS) {
        osh_yaml_error(reader->diagnostics, list, "more than %d operations: split the file",
                       MAX_OPERATIONS);
        return;
    }
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next)
        read_operation(reader, child);
}

GPtrArray *
osh_operations_read(const char *text, gsize length, const char *file_name, gboolean proposed,
                    OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(OshArena) arena = osh_arena_new();
    g_autoptr(GPtrArray) operations =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_merge_operation_free);
    OperationReader reader = {diagnostics, operations, proposed};
    guint errors_before = osh_policy_diagnostics_n_errors(diagnostics);
    const OshYamlNode *root;

    osh_policy_diagnostics_set_file(diagnostics, file_name);
    root = osh_yaml_parse(arena, text, length, diagnostics);
    if (root != NULL)
        read_document(&reader, root);
    if (osh_policy_diagnostics_n_errors(diagnostics) > errors_before)
        return NULL;
    return g_steal_pointer(&operations);
}
