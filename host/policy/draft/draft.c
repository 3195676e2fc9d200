/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.c: reading a policy file into values, and changing them in the terms of a policy.
 *
 * One thread at a time. A file is only read after the strict loader took it, so the shape of what a
 * draft holds is known to be right. It decides nothing and touches no file but the one it reads.
 */
#include "draft.h"

#include "model.h"

#include <string.h>

struct _OshDraft {
    OshValue *root;
};

static OshDraft *
draft_new(OshValue *root)
{
    OshDraft *draft = g_new0(OshDraft, 1);

    draft->root = root;
    return draft;
}

OshDraft *
osh_draft_new(void)
{
    OshDraft *draft = draft_new(osh_value_mapping());

    osh_value_set(draft->root, "version", osh_value_integer(1));
    return draft;
}

/* `harness` means nothing, and YAML cannot mark anything as proposed. */
void
osh_draft_normalise_binaries(OshValue *policy)
{
    OshValue *binaries = osh_draft_binaries(policy);
    OshValue *written;

    if (binaries == NULL)
        return;
    written = osh_value_copy(binaries);
    for (guint i = osh_value_length(binaries); i-- > 0;)
        osh_value_remove_at(binaries, i);
    for (guint i = 0; i < osh_value_length(written); i++) {
        const OshValue *binary = osh_value_item(written, i);
        OshValue *added = osh_value_append(binaries, osh_value_kind(binary) == OSH_VALUE_MAPPING
                                                         ? osh_value_copy(binary)
                                                         : osh_value_mapping());

        if (osh_value_kind(binary) != OSH_VALUE_MAPPING)
            osh_value_set_text(added, "path", osh_value_text(binary));
        osh_value_remove(added, "harness");
    }
    osh_value_free(written);
}

static OshDraft *
read_document(const char *text, gsize length, OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(OshArena) arena = osh_arena_new();
    const OshYamlNode *node = osh_yaml_parse(arena, text, length, diagnostics);
    OshDraft *draft;
    OshValue *policies;

    if (node == NULL)
        return NULL;
    draft = draft_new(osh_value_from_yaml(node));
    policies = osh_draft_policies(draft);
    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++)
        osh_draft_normalise_binaries(osh_value_item(policies, i));
    return draft;
}

OshDraft *
osh_draft_read(const OshPolicyLoadRequest *request, OshPolicyDiagnostics *diagnostics)
{
    OshPolicyLoadRequest of_text = *request;
    g_autoptr(OshPolicySnapshot) snapshot = NULL;
    g_autoptr(GString) text = NULL;

    if (request->path != NULL) {
        text = osh_policy_read_file(request->path, diagnostics);
        if (text == NULL)
            return NULL;
        of_text.text = text->str;
        of_text.length = text->len;
        of_text.path = NULL;
        of_text.file_name = request->file_name != NULL ? request->file_name : request->path;
    }
    snapshot = osh_policy_load(&of_text, diagnostics);
    return snapshot != NULL ? read_document(of_text.text, of_text.length, diagnostics) : NULL;
}

static OshPolicyMarks *
collect_marks(const OshDraft *draft)
{
    OshPolicyMarks *marks = osh_policy_marks_new();
    const OshValue *policies = osh_draft_policies(draft);

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        const char *key = osh_value_key(policies, i);
        const OshValue *endpoints = osh_draft_endpoints(osh_value_item(policies, i));
        const OshValue *binaries = osh_draft_binaries(osh_value_item(policies, i));

        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++)
            if (osh_value_is_proposed(osh_value_item(endpoints, k)))
                osh_policy_marks_add_endpoint(marks, key, k);
        for (guint k = 0; binaries != NULL && k < osh_value_length(binaries); k++)
            if (osh_value_is_proposed(osh_value_item(binaries, k)))
                osh_policy_marks_add_binary(
                    marks, key, osh_value_find_text(osh_value_item(binaries, k), "path"));
    }
    return marks;
}

OshPolicySnapshot *
osh_draft_compile(const OshDraft *draft, const OshPolicyLoadRequest *request,
                  OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = osh_draft_write(draft, &error);
    g_autoptr(OshPolicyMarks) marks = NULL;
    OshPolicyLoadRequest of_draft = *request;

    if (text == NULL) {
        osh_policy_diagnostics_set_file(diagnostics, request->file_name);
        osh_policy_diagnostics_add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, 0, 0, NULL,
                                   g_strdup(error->message), NULL);
        return NULL;
    }
    marks = collect_marks(draft);
    of_draft.text = text;
    of_draft.length = strlen(text);
    of_draft.path = NULL;
    of_draft.flags |= OSH_POLICY_LOAD_DERIVED;
    of_draft.marks = marks;
    return osh_policy_load(&of_draft, diagnostics);
}

void
osh_draft_free(OshDraft *draft)
{
    if (draft == NULL)
        return;
    osh_value_free(draft->root);
    g_free(draft);
}

OshDraft *
osh_draft_copy(const OshDraft *draft)
{
    return draft_new(osh_value_copy(draft->root));
}

gboolean
osh_draft_equal(const OshDraft *left, const OshDraft *right)
{
    return osh_value_equal(left->root, right->root);
}

OshValue *
osh_draft_root(const OshDraft *draft)
{
    return draft->root;
}

/* Member @key when it is of the right kind. */
static OshValue *
find_kind(const OshValue *mapping, const char *key, OshValueKind kind)
{
    OshValue *value = osh_value_find(mapping, key);

    return value != NULL && osh_value_kind(value) == kind ? value : NULL;
}

OshValue *
osh_draft_policies(const OshDraft *draft)
{
    return find_kind(draft->root, "network_policies", OSH_VALUE_MAPPING);
}

OshValue *
osh_draft_policy(const OshDraft *draft, const char *key)
{
    return osh_value_find(osh_draft_policies(draft), key);
}

OshValue *
osh_draft_add_policy(OshDraft *draft, const char *key)
{
    return osh_value_ensure_mapping(osh_value_ensure_mapping(draft->root, "network_policies"), key);
}

void
osh_draft_remove_policy(OshDraft *draft, const char *key)
{
    OshValue *policies = osh_draft_policies(draft);

    if (policies != NULL)
        osh_value_remove(policies, key);
}

static gint
compare_policies(gconstpointer a, gconstpointer b)
{
    return strcmp(((const OshDraftPolicy *)a)->key, ((const OshDraftPolicy *)b)->key);
}

GArray *
osh_draft_sorted_policies(const OshDraft *draft)
{
    const OshValue *policies = osh_draft_policies(draft);
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(OshDraftPolicy));

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        OshDraftPolicy one = {osh_value_key(policies, i), osh_value_item(policies, i)};

        g_array_append_val(sorted, one);
    }
    g_array_sort(sorted, compare_policies);
    return sorted;
}

GStrv
osh_draft_policy_keys(const OshDraft *draft)
{
    g_autoptr(GArray) sorted = osh_draft_sorted_policies(draft);
    GStrv keys = g_new0(char *, (gsize)sorted->len + 1);

    for (guint i = 0; i < sorted->len; i++)
        keys[i] = g_strdup(g_array_index(sorted, OshDraftPolicy, i).key);
    return keys;
}

OshValue *
osh_draft_endpoints(const OshValue *policy)
{
    return find_kind(policy, "endpoints", OSH_VALUE_LIST);
}

OshValue *
osh_draft_binaries(const OshValue *policy)
{
    return find_kind(policy, "binaries", OSH_VALUE_LIST);
}

OshValue *
osh_draft_add_endpoint(OshValue *policy, const char *host, guint16 port)
{
    OshValue *endpoint =
        osh_value_append(osh_value_ensure_list(policy, "endpoints"), osh_value_mapping());

    if (*host != '\0')
        osh_value_set_text(endpoint, "host", host);
    if (port != 0)
        osh_value_set(endpoint, "port", osh_value_integer(port));
    return endpoint;
}

OshValue *
osh_draft_add_binary(OshValue *policy, const char *path)
{
    OshValue *binaries = osh_value_ensure_list(policy, "binaries");
    OshValue *binary;

    for (guint i = 0; i < osh_value_length(binaries); i++) {
        binary = osh_value_item(binaries, i);
        if (strcmp(osh_value_find_text(binary, "path"), path) == 0)
            return binary;
    }
    binary = osh_value_append(binaries, osh_value_mapping());
    osh_value_set_text(binary, "path", path);
    return binary;
}

static OshValue *
add_rule(OshValue *list, gboolean wrapped, const char *method, const char *path)
{
    OshValue *rule = osh_value_append(list, osh_value_mapping());

    if (wrapped)
        rule = osh_value_set(rule, "allow", osh_value_mapping());
    if (method != NULL)
        osh_value_set_text(rule, "method", method);
    if (path != NULL)
        osh_value_set_text(rule, "path", path);
    return rule;
}

OshValue *
osh_draft_add_rule(OshValue *endpoint, const char *method, const char *path)
{
    return add_rule(osh_value_ensure_list(endpoint, "rules"), TRUE, method, path);
}

OshValue *
osh_draft_add_deny_rule(OshValue *endpoint, const char *method, const char *path)
{
    return add_rule(osh_value_ensure_list(endpoint, "deny_rules"), FALSE, method, path);
}

static gint
compare_ports(gconstpointer a, gconstpointer b)
{
    return (gint)(*(const guint16 *)a) - (gint)(*(const guint16 *)b);
}

static void
sort_ports(GArray *ports)
{
    g_array_sort(ports, compare_ports);
    for (guint i = ports->len; i-- > 1;)
        if (g_array_index(ports, guint16, i) == g_array_index(ports, guint16, i - 1))
            g_array_remove_index(ports, i);
}

static void
add_port(GArray *ports, const OshValue *value)
{
    guint64 number;
    guint16 port;

    if (!g_ascii_string_to_unsigned(osh_value_text(value), 10, 1, G_MAXUINT16, &number, NULL))
        return;
    port = (guint16)number;
    g_array_append_val(ports, port);
}

GArray *
osh_draft_ports(const OshValue *endpoint)
{
    const OshValue *list = find_kind(endpoint, "ports", OSH_VALUE_LIST);
    const OshValue *single = osh_value_find(endpoint, "port");
    GArray *ports = g_array_new(FALSE, FALSE, sizeof(guint16));

    if (list != NULL && osh_value_length(list) > 0)
        for (guint i = 0; i < osh_value_length(list); i++)
            add_port(ports, osh_value_item(list, i));
    else if (single != NULL)
        add_port(ports, single);
    sort_ports(ports);
    return ports;
}

void
osh_draft_set_ports(OshValue *endpoint, const GArray *ports)
{
    g_autoptr(GArray) sorted = g_array_copy((GArray *)ports);
    OshValue *list;

    sort_ports(sorted);
    osh_value_remove(endpoint, "ports");
    if (sorted->len == 1) {
        osh_value_set(endpoint, "port", osh_value_integer(g_array_index(sorted, guint16, 0)));
        return;
    }
    osh_value_remove(endpoint, "port");
    if (sorted->len == 0)
        return;
    list = osh_value_ensure_list(endpoint, "ports");
    for (guint i = 0; i < sorted->len; i++)
        osh_value_append(list, osh_value_integer(g_array_index(sorted, guint16, i)));
}
