/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose.c: several policies as one, and layers of providers over a policy.
 *
 * One thread at a time. It only adds, unless it is told to replace; two parts of one name that
 * differ are an error, because either choice would drop what one file says. A provider's layer has
 * names of its own, so a policy of a person is never read nor changed for it.
 */
#include "compose.h"

#include "contract.h"

#include <string.h>

struct _OshComposition {
    OshDraft *draft;
    GHashTable *origins; /* path of a part to the file that it came from */
    gboolean replace;
};

G_DEFINE_QUARK(osh - compose - error - quark, osh_compose_error)

OshComposition *
osh_composition_new(gboolean replace)
{
    OshComposition *composition = g_new0(OshComposition, 1);

    composition->draft = osh_draft_new();
    composition->origins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    composition->replace = replace;
    return composition;
}

void
osh_composition_free(OshComposition *composition)
{
    if (composition == NULL)
        return;
    osh_draft_free(composition->draft);
    g_hash_table_unref(composition->origins);
    g_free(composition);
}

OshDraft *
osh_composition_draft(OshComposition *composition)
{
    return composition->draft;
}

const char *
osh_composition_origin(const OshComposition *composition, const char *key)
{
    g_autofree char *path = g_strconcat("network_policies.", key, NULL);

    return g_hash_table_lookup(composition->origins, path);
}

/* Appends to @path where @left and @right first differ. */
static void
find_difference(GString *path, const OshValue *left, const OshValue *right)
{
    OshValueKind kind = osh_value_kind(left);

    if (kind != osh_value_kind(right) || kind <= OSH_VALUE_PLAIN)
        return;
    for (guint i = 0; i < osh_value_length(left); i++) {
        const char *key = kind == OSH_VALUE_MAPPING ? osh_value_key(left, i) : NULL;
        const OshValue *other = key != NULL                   ? osh_value_find(right, key)
                                : i < osh_value_length(right) ? osh_value_item(right, i)
                                                              : NULL;

        if (other != NULL && osh_value_equal(osh_value_item(left, i), other))
            continue;
        if (key != NULL)
            g_string_append_printf(path, ".%.100s", key);
        else
            g_string_append_printf(path, "[%u]", i);
        if (other != NULL)
            find_difference(path, osh_value_item(left, i), other);
        return;
    }
    for (guint i = 0; kind == OSH_VALUE_MAPPING && i < osh_value_length(right); i++)
        if (osh_value_find(left, osh_value_key(right, i)) == NULL) {
            g_string_append_printf(path, ".%.100s", osh_value_key(right, i));
            return;
        }
    if (kind == OSH_VALUE_LIST)
        g_string_append_printf(path, "[%u]", osh_value_length(left));
}

/* @path: (transfer full): of the part that is @key of @mapping. */
static gboolean
add_part(OshComposition *composition, OshValue *mapping, const char *key, const OshValue *part,
         const char *origin, char *path, GPtrArray *notes, GError **error)
{
    const OshValue *there = osh_value_find(mapping, key);
    const char *from = g_hash_table_lookup(composition->origins, path);
    g_autofree char *name = path;

    if (there != NULL && osh_value_equal(there, part))
        return TRUE;
    if (there != NULL && !composition->replace) {
        g_autoptr(GString) difference = g_string_new(path);

        find_difference(difference, there, part);
        g_set_error(error, OSH_COMPOSE_ERROR, OSH_COMPOSE_ERROR_CLASH,
                    "%s: %s is not what %s has: they differ in %s; rename one of them, or let the "
                    "later one replace it with --replace",
                    origin, name, from, difference->str);
        return FALSE;
    }
    if (there != NULL)
        g_ptr_array_add(notes, g_strdup_printf("%s of %s replaces that of %s", name, origin, from));
    osh_value_set(mapping, key, osh_value_copy(part));
    g_hash_table_insert(composition->origins, g_steal_pointer(&name), g_strdup(origin));
    return TRUE;
}

/* A section whose members have names: each is a part. */
static gboolean
add_members(OshComposition *composition, const char *section, const OshValue *members,
            const char *origin, GPtrArray *notes, GError **error)
{
    OshValue *mapping = osh_value_ensure_mapping(osh_draft_root(composition->draft), section);

    for (guint i = 0; i < osh_value_length(members); i++) {
        const char *key = osh_value_key(members, i);

        if (!add_part(composition, mapping, key, osh_value_item(members, i), origin,
                      g_strdup_printf("%s.%s", section, key), notes, error))
            return FALSE;
    }
    return TRUE;
}

/* What has no effect is left out, so that the result is good for OpenShell 0.1 as well. */
static void
drop_deprecated(OshDraft *draft)
{
    OshValue *policies = osh_draft_policies(draft);

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++) {
        OshValue *endpoints = osh_draft_endpoints(osh_value_item(policies, i));

        for (guint k = 0; endpoints != NULL && k < osh_value_length(endpoints); k++) {
            OshValue *endpoint = osh_value_item(endpoints, k);
            const char *tls = osh_value_find_text(endpoint, "tls");

            if (strcmp(tls, "terminate") == 0 || strcmp(tls, "passthrough") == 0)
                osh_value_remove(endpoint, "tls");
        }
    }
}

gboolean
osh_composition_add(OshComposition *composition, const OshDraft *draft, const char *origin,
                    GPtrArray *notes, GError **error)
{
    g_autoptr(OshDraft) copy = osh_draft_copy(draft);
    const OshValue *root = osh_draft_root(copy);

    drop_deprecated(copy);
    for (guint i = 0; i < osh_value_length(root); i++) {
        const char *key = osh_value_key(root, i);
        const OshValue *section = osh_value_item(root, i);
        gboolean good;

        if (strcmp(key, "version") == 0 || strcmp(key, "preset") == 0)
            continue;
        if (strcmp(key, "network_policies") == 0 || strcmp(key, "network_middlewares") == 0)
            good = add_members(composition, key, section, origin, notes, error);
        else
            good = add_part(composition, osh_draft_root(composition->draft), key, section, origin,
                            g_strdup(key), notes, error);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

char *
osh_compose_key(const char *name)
{
    g_autoptr(GString) words = g_string_new(NULL);
    const char *first;
    gsize length;

    for (const char *p = name; *p != '\0'; p++)
        if (((guchar)*p & 0xc0) != 0x80) /* a character is one underscore, however many bytes */
            g_string_append_c(words, g_ascii_isalnum(*p) ? g_ascii_tolower(*p) : '_');
    first = words->str + strspn(words->str, "_");
    length = strlen(first);
    while (length > 0 && first[length - 1] == '_')
        length--;
    return length > 0 ? g_strdup_printf(OSH_PROVIDER_PREFIX "%.*s", (int)length, first)
                      : g_strdup(OSH_PROVIDER_PREFIX "unnamed");
}

char *
osh_compose_add(OshDraft *draft, const char *key, const OshValue *layer)
{
    char *taken = g_strdup(key);

    for (guint number = 2; osh_draft_policy(draft, taken) != NULL; number++) {
        g_free(taken);
        taken = g_strdup_printf("%s_%u", key, number);
    }
    osh_value_set(osh_value_ensure_mapping(osh_draft_root(draft), "network_policies"), taken,
                  osh_value_copy(layer));
    return taken;
}

gboolean
osh_compose_strip(OshDraft *draft)
{
    OshValue *policies = osh_draft_policies(draft);
    gboolean found = FALSE;

    for (guint i = policies != NULL ? osh_value_length(policies) : 0; i-- > 0;) {
        if (!osh_contract_is_provider(osh_value_key(policies, i)))
            continue;
        osh_value_remove_at(policies, i);
        found = TRUE;
    }
    return found;
}
