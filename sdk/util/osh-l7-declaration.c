/* SPDX-License-Identifier: Apache-2.0 */
/* osh-l7-declaration.c: reads a manifest that the host has accepted. [any] */
#include "osh-l7-declaration.h"

static void
declared_fact_free(gpointer data)
{
    OshL7DeclaredFact *fact = data;

    g_strfreev(fact->values);
    g_free(fact);
}

static guint
type_of(const char *word)
{
    static const struct {
        const char *word;
        guint type;
    } types[] = {
        {"string", OSH_FACT_STRING},   {"integer", OSH_FACT_INTEGER}, {"boolean", OSH_FACT_BOOLEAN},
        {"strings", OSH_FACT_STRINGS}, {"records", OSH_FACT_RECORDS},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(types[i].word, word) == 0)
            return types[i].type;
    return 0;
}

static void
declaration_add_fact(OshL7Declaration *declaration, GKeyFile *file, const char *group)
{
    OshL7DeclaredFact *fact = g_new0(OshL7DeclaredFact, 1);
    g_autofree char *type = g_key_file_get_string(file, group, "type", NULL);
    g_autofree char *sensitivity = g_key_file_get_string(file, group, "sensitivity", NULL);

    fact->type = type_of(type);
    fact->values = g_key_file_get_string_list(file, group, "values", NULL, NULL);
    fact->sensitive = g_strcmp0(sensitivity, "sensitive") == 0;
    g_hash_table_replace(declaration->facts, g_strdup(group + strlen("fact ")), fact);
}

static void
declaration_read(OshL7Declaration *declaration, GKeyFile *file, const char *group)
{
    declaration->protocol = g_strdup(group + strlen("protocol "));
    declaration->carrier = g_key_file_get_string(file, group, "carrier", NULL);
    declaration->action = g_key_file_get_string(file, group, "action", NULL);
    declaration->target = g_key_file_get_string(file, group, "target", NULL);
    declaration->alpn = g_key_file_get_string_list(file, group, "alpn", NULL, NULL);
    declaration->server_speaks_first =
        g_key_file_get_boolean(file, group, "server-speaks-first", NULL);
    declaration->window = (gsize)g_key_file_get_uint64(file, group, "window", NULL);
}

/* A fact that names no protocol belongs to the only one. */
static gboolean
fact_is_of(GKeyFile *file, const char *group, const char *protocol)
{
    g_autofree char *of = g_key_file_get_string(file, group, "protocol", NULL);

    return of == NULL || g_str_equal(of, protocol);
}

OshL7Declaration *
osh_l7_declaration_new(const char *manifest, const char *protocol)
{
    g_autoptr(OshL7Declaration) declaration = g_new0(OshL7Declaration, 1);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) groups = NULL;

    if (!g_key_file_load_from_data(file, manifest, (gsize)-1, G_KEY_FILE_NONE, NULL))
        return NULL;
    groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL && declaration->protocol == NULL; i++)
        if (g_str_has_prefix(groups[i], "protocol ") &&
            (protocol == NULL || g_str_equal(groups[i] + strlen("protocol "), protocol)))
            declaration_read(declaration, file, groups[i]);
    if (declaration->protocol == NULL)
        return NULL;
    if (declaration->alpn == NULL)
        declaration->alpn = g_new0(char *, 1);
    declaration->facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, declared_fact_free);
    for (guint i = 0; groups[i] != NULL; i++)
        if (g_str_has_prefix(groups[i], "fact ") &&
            fact_is_of(file, groups[i], declaration->protocol))
            declaration_add_fact(declaration, file, groups[i]);
    return g_steal_pointer(&declaration);
}

void
osh_l7_declaration_free(OshL7Declaration *declaration)
{
    if (declaration == NULL)
        return;
    g_free(declaration->protocol);
    g_free(declaration->carrier);
    g_free(declaration->action);
    g_free(declaration->target);
    g_strfreev(declaration->alpn);
    g_clear_pointer(&declaration->facts, g_hash_table_unref);
    g_free(declaration);
}

const OshL7DeclaredFact *
osh_l7_declaration_fact(const OshL7Declaration *declaration, const char *name)
{
    return declaration != NULL ? g_hash_table_lookup(declaration->facts, name) : NULL;
}

const char *
osh_l7_declaration_action(const OshL7Declaration *declaration)
{
    return declaration != NULL && declaration->action != NULL ? declaration->action
                                                              : OSH_FACT_REQUEST_METHOD;
}

const char *
osh_l7_declaration_target(const OshL7Declaration *declaration)
{
    return declaration != NULL && declaration->target != NULL ? declaration->target
                                                              : OSH_FACT_REQUEST_PATH;
}
