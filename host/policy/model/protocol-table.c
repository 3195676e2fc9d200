/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol-table.c: the protocols that plugins bring.
 *
 * One thread fills a table; from then on it is only read, by any. What a manifest says has passed
 * the manifest's own grammar; here it becomes what rules are compared with. It must never run a
 * plugin's code.
 */
#include "protocol-table.h"

#include <stdatomic.h>
#include <string.h>

struct _OshPolicyProtocolTable {
    atomic_uint references;
    GHashTable *protocols;
    GHashTable *middlewares; /* names */
    guint enforces;
};

static void
fact_free(gpointer data)
{
    OshPolicyFactDecl *fact = data;

    for (guint i = 0; i < fact->n_fields; i++)
        g_free(fact->fields[i].name);
    g_free(fact->fields);
    g_strfreev(fact->values);
    g_free(fact->name);
    g_free(fact);
}

static void
protocol_free(gpointer data)
{
    OshPolicyProtocolDecl *protocol = data;

    g_free(protocol->name);
    g_free(protocol->carrier);
    g_free(protocol->provider);
    g_free(protocol->unusable);
    g_ptr_array_unref(protocol->facts);
    g_free(protocol);
}

OshPolicyProtocolTable *
osh_policy_protocol_table_new(void)
{
    OshPolicyProtocolTable *table = g_new0(OshPolicyProtocolTable, 1);

    atomic_init(&table->references, 1);
    table->protocols = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, protocol_free);
    table->middlewares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return table;
}

OshPolicyProtocolTable *
osh_policy_protocol_table_ref(OshPolicyProtocolTable *table)
{
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void
osh_policy_protocol_table_unref(OshPolicyProtocolTable *table)
{
    if (table == NULL ||
        atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
        return;
    g_hash_table_unref(table->protocols);
    g_hash_table_unref(table->middlewares);
    g_free(table);
}

void
osh_policy_protocol_table_set_enforces(OshPolicyProtocolTable *table, guint flags)
{
    table->enforces = flags;
}

guint
osh_policy_protocol_table_enforces(const OshPolicyProtocolTable *table)
{
    return table != NULL ? table->enforces : 0;
}

OshPolicyProtocolDecl *
osh_policy_protocol_table_add(OshPolicyProtocolTable *table, const char *name, const char *carrier,
                              const char *provider, GError **error)
{
    const OshPolicyProtocolDecl *first = g_hash_table_lookup(table->protocols, name);
    OshPolicyProtocolDecl *protocol;

    if (first != NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "protocol %s of plugin %s is already declared by plugin %s, which keeps it",
                    name, provider, first->provider);
        return NULL;
    }
    protocol = g_new0(OshPolicyProtocolDecl, 1);
    protocol->name = g_strdup(name);
    protocol->carrier = g_strdup(carrier);
    protocol->provider = g_strdup(provider);
    protocol->facts = g_ptr_array_new_with_free_func(fact_free);
    g_hash_table_insert(table->protocols, protocol->name, protocol);
    return protocol;
}

/* 0 for a word that is no type. */
static guint
type_from_name(const char *name)
{
    static const char *const names[] = {
        [OSH_FACT_STRING] = "string",   [OSH_FACT_INTEGER] = "integer",
        [OSH_FACT_BOOLEAN] = "boolean", [OSH_FACT_STRINGS] = "strings",
        [OSH_FACT_RECORDS] = "records",
    };

    for (guint i = OSH_FACT_STRING; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

static gboolean
refuse(GError **error, const char *fact, const char *problem)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "fact %s: %s", fact, problem);
    return FALSE;
}

static gboolean
add_field(OshPolicyFactDecl *fact, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    guint type = colon != NULL ? type_from_name(colon + 1) : OSH_FACT_STRING;
    g_autofree char *name = g_strndup(text, colon != NULL ? (gsize)(colon - text) : strlen(text));

    if (type == 0 || type == OSH_FACT_RECORDS)
        return refuse(error, fact->name, "a field is a string, integer, boolean or strings");
    for (guint i = 0; i < fact->n_fields; i++)
        if (strcmp(fact->fields[i].name, name) == 0)
            return refuse(error, fact->name, "a field is declared twice");
    fact->fields = g_renew(OshPolicyFieldDecl, fact->fields, fact->n_fields + 1);
    fact->fields[fact->n_fields++] =
        (OshPolicyFieldDecl){g_steal_pointer(&name), (OshFactType)type};
    return TRUE;
}

/* The rest of the name behind `PROTOCOL.`, unless another fact has that very name. */
static void
settle_short_names(OshPolicyProtocolDecl *protocol)
{
    gsize length = strlen(protocol->name);

    for (guint i = 0; i < protocol->facts->len; i++) {
        OshPolicyFactDecl *fact = g_ptr_array_index(protocol->facts, i);

        fact->short_name = NULL;
        if (!g_str_has_prefix(fact->name, protocol->name) || fact->name[length] != '.')
            continue;
        fact->short_name = fact->name + length + 1;
        for (guint k = 0; k < protocol->facts->len; k++) {
            const OshPolicyFactDecl *other = g_ptr_array_index(protocol->facts, k);

            if (fact->short_name != NULL && strcmp(other->name, fact->short_name) == 0)
                fact->short_name = NULL;
        }
    }
}

gboolean
osh_policy_protocol_add_fact(OshPolicyProtocolDecl *protocol, const char *name, const char *type,
                             gboolean sensitive, const char *separator, const char *const *fields,
                             GError **error)
{
    OshPolicyFactDecl *fact;
    guint number = type_from_name(type);

    if (g_str_has_prefix(name, "network.") || g_str_has_prefix(name, "process."))
        return refuse(error, name, "what the host states itself, a plugin cannot");
    for (guint i = 0; i < protocol->facts->len; i++)
        if (strcmp(((OshPolicyFactDecl *)g_ptr_array_index(protocol->facts, i))->name, name) == 0)
            return refuse(error, name, "is declared twice");
    if (number == 0)
        return refuse(error, name, "is of an unknown type");
    fact = g_new0(OshPolicyFactDecl, 1);
    fact->name = g_strdup(name);
    fact->type = (OshFactType)number;
    fact->sensitive = sensitive;
    fact->separator = separator != NULL ? separator[0] : '\0';
    g_ptr_array_add(protocol->facts, fact);
    settle_short_names(protocol);
    for (gsize i = 0; fields != NULL && fields[i] != NULL; i++)
        if (!add_field(fact, fields[i], error))
            return FALSE;
    return TRUE;
}

gboolean
osh_policy_protocol_declare_values(OshPolicyProtocolDecl *protocol, const char *fact,
                                   const char *const *values, GError **error)
{
    OshPolicyFactDecl *decl = NULL;

    for (guint i = 0; i < protocol->facts->len; i++)
        if (strcmp(((OshPolicyFactDecl *)g_ptr_array_index(protocol->facts, i))->name, fact) == 0)
            decl = g_ptr_array_index(protocol->facts, i);
    if (decl == NULL)
        return refuse(error, fact, "has values and is not declared");
    if (decl->type != OSH_FACT_STRING && decl->type != OSH_FACT_STRINGS)
        return refuse(error, fact, "only a string or strings have a vocabulary");
    if (values[0] == NULL)
        return refuse(error, fact, "a vocabulary has at least one value");
    for (gsize i = 0; values[i] != NULL; i++)
        if (values[i][0] == '\0' || g_strv_contains(values + i + 1, values[i]))
            return refuse(error, fact, "a value is empty or named twice");
    g_strfreev(decl->values);
    decl->values = g_strdupv((char **)values);
    return TRUE;
}

const OshPolicyProtocolDecl *
osh_policy_protocol_table_find(const OshPolicyProtocolTable *table, const char *name)
{
    return table != NULL ? g_hash_table_lookup(table->protocols, name) : NULL;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **
sorted_names(GHashTable *table)
{
    guint length = 0;
    char **names = table != NULL ? (char **)g_hash_table_get_keys_as_array(table, &length) : NULL;

    if (names == NULL)
        return g_new0(char *, 1);
    qsort(names, length, sizeof(*names), compare_names);
    return names;
}

char **
osh_policy_protocol_table_names(const OshPolicyProtocolTable *table)
{
    return sorted_names(table != NULL ? table->protocols : NULL);
}

void
osh_policy_protocol_table_add_middleware(OshPolicyProtocolTable *table, const char *name)
{
    g_hash_table_add(table->middlewares, g_strdup(name));
}

char **
osh_policy_protocol_table_middlewares(const OshPolicyProtocolTable *table)
{
    return sorted_names(table != NULL ? table->middlewares : NULL);
}

const OshPolicyFactDecl *
osh_policy_protocol_find_fact(const OshPolicyProtocolDecl *protocol, const char *name)
{
    for (guint i = 0; i < protocol->facts->len; i++) {
        const OshPolicyFactDecl *fact = g_ptr_array_index(protocol->facts, i);

        if (strcmp(fact->name, name) == 0 || g_strcmp0(fact->short_name, name) == 0)
            return fact;
    }
    return NULL;
}

const char *
osh_policy_fact_rule_name(const OshPolicyFactDecl *fact)
{
    return fact->short_name != NULL ? fact->short_name : fact->name;
}

const char **
osh_policy_protocol_fact_names(const OshPolicyProtocolDecl *protocol)
{
    const char **names = g_new0(const char *, (gsize)protocol->facts->len + 1);

    for (guint i = 0; i < protocol->facts->len; i++)
        names[i] = osh_policy_fact_rule_name(g_ptr_array_index(protocol->facts, i));
    return names;
}
