/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-rule.c: adding a policy: by itself, or into one that exists.
 *
 * Any thread. A policy grants each of its binaries each of its endpoints, so adding one of either
 * can grant pairs that the addition does not declare. Those are found before anything is changed.
 */
#include "endpoint-key.h"
#include "merge-private.h"

#include <string.h>

static char *
join_ports(const GArray *ports)
{
    GString *words = g_string_new(NULL);

    for (guint i = 0; i < ports->len; i++)
        if (g_array_index(ports, guint16, i) != 0)
            g_string_append_printf(words, "%s%u", words->len > 0 ? ", " : "",
                                   g_array_index(ports, guint16, i));
    if (words->len == 0)
        g_string_append(words, "none");
    return g_string_free(words, FALSE);
}

static gboolean widens(const OshMerge *merge, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean
widens(const OshMerge *merge, GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, OSH_MERGE_ERROR, OSH_MERGE_ERROR_WIDENS, "operation %u: %s", merge->number,
                message);
    return FALSE;
}

/* What the addition would newly let in, in words; NULL when no binary is new. */
static char *
new_binaries(const OshValue *existing, const OshValue *incoming)
{
    const OshValue *binaries = osh_draft_binaries(incoming);

    if (osh_contract_is_any_binary(existing) || !osh_contract_has_binaries(incoming))
        return NULL;
    if (osh_contract_is_any_binary(incoming))
        return g_strdup("any binary");
    for (guint i = 0; i < osh_value_length(binaries); i++) {
        const char *path = osh_value_find_text(osh_value_item(binaries, i), "path");

        if (!osh_contract_has_binary(existing, path))
            return g_strdup_printf("'%s'", path);
    }
    return NULL;
}

/* The binaries of @existing that the addition does not name, in words; NULL when it names all. */
static char *
unnamed_binaries(const OshValue *existing, const OshValue *incoming, gboolean by_name)
{
    const OshValue *binaries = osh_draft_binaries(existing);
    GString *words;

    if (osh_contract_has_binaries(incoming) ? osh_contract_is_any_binary(incoming) : by_name)
        return NULL;
    if (osh_contract_is_any_binary(existing))
        return g_strdup("any binary ('/**')");
    words = g_string_new(NULL);
    for (guint i = 0; i < osh_value_length(binaries); i++) {
        const char *path = osh_value_find_text(osh_value_item(binaries, i), "path");

        if (!osh_contract_has_binary(incoming, path))
            g_string_append_printf(words, "%s'%s'", words->len > 0 ? ", " : "", path);
    }
    if (words->len > 0)
        return g_string_free(words, FALSE);
    g_string_free(words, TRUE);
    return NULL;
}

/* What the addition says about an endpoint, where it is silent completed by what is there. */
static OshValue *
completed(const OshValue *declared, const OshValue *endpoint)
{
    OshValue *copy = osh_value_copy(declared);
    gboolean has_rules = !osh_contract_is_unset(osh_value_find(copy, "rules"));

    for (guint i = 0; i < osh_value_length(endpoint); i++) {
        const char *name = osh_value_key(endpoint, i);
        const OshEndpointKey *key = osh_endpoint_key_find(name);
        const OshValue *value = osh_value_item(endpoint, i);
        gboolean is_on =
            osh_value_kind(value) == OSH_VALUE_PLAIN && strcmp(osh_value_text(value), "true") == 0;

        /* a switch that is on has to be asked for */
        if ((key != NULL && (key->traits & OSH_ENDPOINT_KEY_DECLARED) != 0) || is_on ||
            (has_rules && strcmp(name, "access") == 0))
            continue;
        if (osh_contract_is_unset(osh_value_find(copy, name)))
            osh_value_set(copy, name, osh_value_copy(value));
    }
    /* a mark takes trust away, so the addition need not have it */
    osh_value_set_proposed(copy, TRUE);
    return copy;
}

static gboolean
is_at_place(const OshValue *declared, const OshValue *endpoint, guint16 port)
{
    return osh_contract_same_place(declared, endpoint) &&
           (port == 0 || osh_contract_has_port(declared, port));
}

/*
 * Every endpoint that the addition has there must ask for all of it: of two, the one that says less
 * restrains the other where they stand alone, and would not in an endpoint that is there already.
 */
static gboolean
is_declared(const OshValue *incoming, const OshValue *endpoint, guint16 port)
{
    const OshValue *endpoints = osh_draft_endpoints(incoming);
    gboolean found = FALSE;

    for (guint i = 0; i < osh_value_length(endpoints); i++) {
        g_autoptr(OshValue) declared = NULL;

        if (!is_at_place(osh_value_item(endpoints, i), endpoint, port))
            continue;
        declared = completed(osh_value_item(endpoints, i), endpoint);
        if (!osh_contract_covers(declared, endpoint, port))
            return FALSE;
        found = TRUE;
    }
    return found;
}

static gboolean
is_unchanged(const OshValue *existing, const OshValue *endpoint, guint16 port)
{
    const OshValue *endpoints = osh_draft_endpoints(existing);

    for (guint i = 0; endpoints != NULL && i < osh_value_length(endpoints); i++) {
        const OshValue *before = osh_value_item(endpoints, i);

        if (osh_contract_covers(before, endpoint, port) &&
            osh_contract_covers(endpoint, before, port))
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_named(const OshValue *incoming, const OshValue *endpoint, guint16 port)
{
    const OshValue *endpoints = osh_draft_endpoints(incoming);

    for (guint i = 0; endpoints != NULL && i < osh_value_length(endpoints); i++)
        if (is_at_place(osh_value_item(endpoints, i), endpoint, port))
            return TRUE;
    return FALSE;
}

/* The ports of @endpoint for which @test says @wanted. */
static GArray *
ports_where(const OshValue *policy, const OshValue *endpoint, const GArray *ports,
            gboolean (*test)(const OshValue *, const OshValue *, guint16), gboolean wanted)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(guint16));

    for (guint i = 0; i < ports->len; i++) {
        guint16 port = g_array_index(ports, guint16, i);

        if (test(policy, endpoint, port) == wanted)
            g_array_append_val(found, port);
    }
    return found;
}

/* Merges into @contract what @policy says for @place on @port alone; makes it when it is NULL. */
static gboolean
collect_port(const OshMerge *merge, const OshValue *policy, const OshValue *place, guint16 port,
             OshValue **contract)
{
    const OshValue *endpoints = osh_draft_endpoints(policy);
    g_autoptr(GPtrArray) unheard = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(guint16));

    g_array_append_val(ports, port);
    for (guint i = 0; endpoints != NULL && i < osh_value_length(endpoints); i++) {
        const OshValue *endpoint = osh_value_item(endpoints, i);
        g_autoptr(OshValue) narrow = NULL;

        if (!osh_contract_same_place(endpoint, place) || !osh_contract_has_port(endpoint, port))
            continue;
        narrow = osh_value_copy(endpoint);
        osh_draft_set_ports(narrow, ports);
        if (*contract == NULL)
            *contract = g_steal_pointer(&narrow);
        else if (!osh_merge_endpoint(merge, *contract, narrow, unheard, NULL))
            return FALSE;
    }
    return TRUE;
}

/*
 * The ports on which @endpoint has more than merging port by port would give: what one port had, or
 * was declared for it, must not spread to the others.
 */
static GArray *
ports_beyond(const OshMerge *merge, const OshValue *existing, const OshValue *incoming,
             const OshValue *endpoint)
{
    g_autoptr(GArray) ports = osh_draft_ports(endpoint);
    GArray *beyond = g_array_new(FALSE, FALSE, sizeof(guint16));

    for (guint i = 0; i < ports->len; i++) {
        guint16 port = g_array_index(ports, guint16, i);
        g_autoptr(OshValue) contract = NULL;
        gboolean good = collect_port(merge, existing, endpoint, port, &contract);
        gboolean is_new = contract == NULL;

        good = good && collect_port(merge, incoming, endpoint, port, &contract);
        if (good && contract != NULL && is_new) {
            OshValue *whole = completed(contract, endpoint);

            osh_value_free(contract);
            contract = whole;
        }
        if (!good || contract == NULL || !osh_contract_covers(contract, endpoint, port))
            g_array_append_val(beyond, port);
    }
    return beyond;
}

/*
 * Refuses @endpoints, which @existing and @incoming would have together, when some binary would get
 * more by them than @incoming declares. @by_name: the addition named this very policy.
 */
static gboolean
check_declared(const OshMerge *merge, const char *rule_name, const OshValue *existing,
               const OshValue *incoming, const OshValue *endpoints, gboolean by_name,
               GError **error)
{
    g_autofree char *added = new_binaries(existing, incoming);
    g_autofree char *unnamed = unnamed_binaries(existing, incoming, by_name);

    for (guint i = 0; i < osh_value_length(endpoints); i++) {
        const OshValue *endpoint = osh_value_item(endpoints, i);
        const char *host = osh_value_find_text(endpoint, "host");
        g_autoptr(GArray) ports = osh_contract_units(endpoint);
        g_autoptr(GArray) changed = ports_where(existing, endpoint, ports, is_unchanged, FALSE);
        g_autoptr(GArray) undeclared = ports_where(incoming, endpoint, ports, is_declared, FALSE);
        g_autoptr(GArray) unasked = ports_where(incoming, endpoint, changed, is_named, FALSE);
        g_autoptr(GArray) beyond = ports_beyond(merge, existing, incoming, endpoint);
        g_autofree char *changed_words = join_ports(changed);
        g_autofree char *beyond_words = join_ports(beyond);
        g_autofree char *undeclared_words = join_ports(undeclared);
        g_autofree char *unasked_words = join_ports(unasked);

        if (added != NULL && undeclared->len > 0)
            return widens(merge, error,
                          "add_rule '%s' would let %s have what the policy grants at %s on port "
                          "%s; declare that too, or use another rule name",
                          rule_name, added, host, undeclared_words);
        if (unasked->len > 0)
            return widens(merge, error,
                          "add_rule '%s' would change %s on port %s, which it does not name; name "
                          "every port of the endpoint, or use another rule name",
                          rule_name, host, unasked_words);
        if (beyond->len > 0)
            return widens(merge, error,
                          "add_rule '%s' would change %s on port %s beyond what is there and what "
                          "it declares for that port; declare each port by itself, or use another "
                          "rule name",
                          rule_name, host, beyond_words);
        if (changed->len > 0 && unnamed != NULL)
            return widens(merge, error,
                          "add_rule '%s' would change what others may do at %s on port %s; "
                          "declare %s too, or use another rule name",
                          rule_name, host, changed_words, unnamed);
    }
    return TRUE;
}

/* What a person declared stays unmarked when a proposal names it too. */
static void
add_binaries(OshValue *policy, const OshValue *binaries)
{
    for (guint i = 0; i < osh_value_length(binaries); i++) {
        const OshValue *binary = osh_value_item(binaries, i);
        const char *path = osh_value_find_text(binary, "path");
        gboolean is_new = !osh_contract_has_binary(policy, path);
        OshValue *kept = osh_draft_add_binary(policy, path);

        osh_value_set_proposed(kept, osh_value_is_proposed(binary) &&
                                         (is_new || osh_value_is_proposed(kept)));
    }
}

static void
merge_binaries(OshValue *existing, const OshValue *incoming, const char *key, GPtrArray *warnings)
{
    if (!osh_contract_has_binaries(incoming)) {
        if (!osh_contract_is_any_binary(existing))
            osh_merge_warn(warnings,
                           "policy '%s' keeps the binaries it has, for none is named; for any, "
                           "name /**",
                           key);
        return;
    }
    if (osh_contract_is_any_binary(existing)) {
        if (!osh_contract_has_binaries(existing))
            osh_merge_warn(warnings,
                           "policy '%s' lists no binaries and stays so: it lets none through; name "
                           "them, or /** for any",
                           key);
        else if (!osh_contract_is_any_binary(incoming))
            osh_merge_warn(warnings, "policy '%s' is about any binary and stays so", key);
        return;
    }
    add_binaries(existing, osh_draft_binaries(incoming));
}

/* Merges into @existing, which is left as it is when that cannot be done. */
static gboolean
merge_into(const OshMerge *merge, const char *rule_name, const OshValue *incoming,
           OshValue *existing, const char *key, GPtrArray *warnings, GError **error)
{
    const OshValue *more = osh_draft_endpoints(incoming);
    const OshValue *old = osh_draft_endpoints(existing);
    g_autoptr(OshValue) endpoints = old != NULL ? osh_value_copy(old) : osh_value_list();
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < osh_value_length(more); i++) {
        const OshValue *endpoint = osh_value_item(more, i);
        OshValue *same = NULL;

        for (guint k = 0; k < osh_value_length(endpoints) && same == NULL; k++)
            if (osh_contract_overlap(osh_value_item(endpoints, k), endpoint))
                same = osh_value_item(endpoints, k);
        if (same == NULL)
            osh_value_append(endpoints, osh_value_copy(endpoint));
        else if (!osh_merge_endpoint(merge, same, endpoint, found, error))
            return FALSE;
    }
    if (!check_declared(merge, rule_name, existing, incoming, endpoints,
                        strcmp(rule_name, key) == 0, error))
        return FALSE;
    osh_value_set(existing, "endpoints", g_steal_pointer(&endpoints));
    merge_binaries(existing, incoming, key, warnings);
    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(warnings, g_strdup(g_ptr_array_index(found, i)));
    return TRUE;
}

static gboolean
shares_endpoint(const OshValue *policy, const OshValue *incoming)
{
    const OshValue *endpoints = osh_draft_endpoints(policy);
    const OshValue *more = osh_draft_endpoints(incoming);

    for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++)
        for (guint m = 0; m < osh_value_length(more); m++)
            if (osh_contract_overlap(osh_value_item(endpoints, k), osh_value_item(more, m)))
                return TRUE;
    return FALSE;
}

/* The first policy of a person that shares an endpoint with the addition. */
static char *
find_overlap(const OshDraft *draft, const OshValue *incoming)
{
    const OshValue *policies = osh_draft_policies(draft);
    const char *first = NULL;

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        const char *key = osh_value_key(policies, i);

        if (!osh_contract_is_provider(key) && (first == NULL || strcmp(key, first) < 0) &&
            shares_endpoint(osh_value_item(policies, i), incoming))
            first = key;
    }
    return g_strdup(first);
}

static OshValue *
tidy_rule(const OshValue *rule)
{
    OshValue *copy = osh_value_copy(rule);
    OshValue *endpoints = osh_draft_endpoints(copy);
    g_autoptr(OshValue) binaries = osh_value_copy(copy);

    for (guint i = 0; endpoints != NULL && i < osh_value_length(endpoints); i++)
        osh_merge_tidy_endpoint(osh_value_item(endpoints, i));
    if (osh_contract_has_binaries(copy)) {
        osh_value_set(copy, "binaries", osh_value_list());
        add_binaries(copy, osh_draft_binaries(binaries));
    }
    return copy;
}

/* The part of a message about widening that says what would happen. */
static const char *
reason_of(GError *problem)
{
    char *reason = strstr(problem->message, "would ");
    char *end = strrchr(problem->message, ';');

    if (end != NULL)
        *end = '\0';
    return reason != NULL ? reason : problem->message;
}

gboolean
osh_merge_add_rule(OshMerge *merge, const OshMergeOperation *operation, GError **error)
{
    const char *name = operation->rule_name;
    const OshValue *more = osh_draft_endpoints(operation->rule);
    OshValue *named = osh_draft_policy(merge->draft, name);
    g_autoptr(OshValue) rule = NULL;
    g_autofree char *overlap = NULL;
    g_autoptr(GError) problem = NULL;

    if (more == NULL || osh_value_length(more) == 0)
        return osh_merge_refuse(merge, error, "add_rule '%s' needs at least one endpoint", name);
    rule = tidy_rule(operation->rule);
    if (named != NULL)
        return merge_into(merge, name, rule, named, name, merge->warnings, error);
    overlap = find_overlap(merge->draft, rule);
    if (overlap != NULL) {
        if (merge_into(merge, name, rule, osh_draft_policy(merge->draft, overlap), overlap,
                       merge->warnings, &problem))
            return TRUE;
        if (!g_error_matches(problem, OSH_MERGE_ERROR, OSH_MERGE_ERROR_WIDENS)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        osh_merge_warn(merge->warnings, "policy '%s' stays apart from '%s': in there it %s", name,
                       overlap, reason_of(problem));
    }
    osh_value_set(osh_value_ensure_mapping(osh_draft_root(merge->draft), "network_policies"), name,
                  g_steal_pointer(&rule));
    return TRUE;
}

char *
osh_merge_generated_name(const char *host, guint16 port)
{
    GString *name = g_string_new("allow_");

    for (const char *p = host; *p != '\0'; p++) {
        if (*p == '.' || *p == '-' || *p == '_')
            g_string_append_c(name, '_');
        else if (g_ascii_isalnum(*p))
            g_string_append_c(name, *p);
    }
    g_string_append_printf(name, "_%u", port);
    return g_string_free(name, FALSE);
}

void
osh_merge_mark_proposed(OshMergeOperation *operation)
{
    const OshValue *endpoints = osh_draft_endpoints(operation->rule);
    const OshValue *binaries = osh_draft_binaries(operation->rule);

    for (guint i = 0; endpoints != NULL && i < osh_value_length(endpoints); i++)
        osh_value_set_proposed(osh_value_item(endpoints, i), TRUE);
    for (guint i = 0; binaries != NULL && i < osh_value_length(binaries); i++)
        osh_value_set_proposed(osh_value_item(binaries, i), TRUE);
}
