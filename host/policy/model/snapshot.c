/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c: life and read access of a policy snapshot.
 *
 * A snapshot is immutable from the moment the loader returns it; references are atomic, so any
 * thread may hold one. Nothing here changes a snapshot except osh_policy_pattern(), which only the
 * loader calls.
 */
#include "model.h"

#include <string.h>

static void
pattern_free(gpointer data)
{
    OshPolicyPattern *pattern = data;

    /* the pattern itself lives in the arena */
    osh_glob_free((OshGlob *)pattern->glob);
}

OshPolicySnapshot *
osh_policy_snapshot_new(const char *file_name, guint64 generation)
{
    OshPolicySnapshot *snapshot = g_new0(OshPolicySnapshot, 1);

    atomic_init(&snapshot->references, 1);
    snapshot->arena = osh_arena_new();
    snapshot->file_name = g_strdup(file_name);
    snapshot->generation = generation;
    snapshot->patterns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, pattern_free);
    snapshot->binary_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return snapshot;
}

OshPolicySnapshot *
osh_policy_snapshot_ref(OshPolicySnapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void
osh_policy_snapshot_unref(OshPolicySnapshot *snapshot)
{
    if (atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    osh_policy_index_free(snapshot->index);
    g_clear_pointer(&snapshot->middlewares, g_array_unref);
    g_clear_pointer(&snapshot->patterns, g_hash_table_unref);
    g_clear_pointer(&snapshot->binary_ids, g_hash_table_unref);
    osh_policy_protocol_table_unref(snapshot->protocols);
    osh_arena_free(snapshot->arena);
    g_clear_pointer(&snapshot->kept, osh_policy_snapshot_unref);
    g_free(snapshot->quarantine);
    g_free(snapshot->file_name);
    g_free(snapshot);
}

const OshPolicyPattern *
osh_policy_pattern(OshPolicySnapshot *snapshot, const char *text, char separator, GError **error)
{
    g_autofree char *key = g_strdup_printf("%c%s", separator == '\0' ? '-' : separator, text);
    OshPolicyPattern *pattern = g_hash_table_lookup(snapshot->patterns, key);
    g_autoptr(GError) problem = NULL;

    if (pattern == NULL) {
        pattern = osh_arena_take(snapshot->arena, sizeof(*pattern));
        pattern->text = osh_arena_copy(snapshot->arena, text, strlen(text));
        pattern->glob = osh_glob_new(text, separator, &problem);
        g_hash_table_insert(snapshot->patterns, g_steal_pointer(&key), pattern);
    } else if (pattern->glob == NULL) {
        /* compiled again only to say once more what is wrong with it */
        osh_glob_free(osh_glob_new(text, separator, &problem));
    }
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return pattern;
}

const OshPolicyFixed *
osh_policy_fixed(const OshPolicySnapshot *snapshot)
{
    return &snapshot->fixed;
}

const OshPolicyStatic *
osh_policy_static_part(const OshPolicySnapshot *snapshot)
{
    return &snapshot->static_part;
}

guint64
osh_policy_generation(const OshPolicySnapshot *snapshot)
{
    return snapshot->generation;
}

const char *
osh_policy_sha256(const OshPolicySnapshot *snapshot)
{
    return snapshot->sha256;
}

const char *
osh_policy_file_name(const OshPolicySnapshot *snapshot)
{
    return snapshot->file_name;
}

guint
osh_policy_n_policies(const OshPolicySnapshot *snapshot)
{
    return snapshot->n_policies;
}

guint
osh_policy_n_endpoints(const OshPolicySnapshot *snapshot)
{
    return snapshot->n_endpoints;
}

const OshPolicyEndpoint *
osh_policy_endpoint(const OshPolicySnapshot *snapshot, guint index)
{
    g_return_val_if_fail(index < snapshot->n_endpoints, NULL);
    return &snapshot->endpoints[index];
}

gsize
osh_policy_memory(const OshPolicySnapshot *snapshot)
{
    gsize total = sizeof(*snapshot) + osh_arena_size(snapshot->arena) +
                  osh_policy_index_size(snapshot->index);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, snapshot->patterns);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const OshPolicyPattern *pattern = value;

        total += sizeof(*pattern) + 2 * strlen(pattern->text) + 64 +
                 (pattern->glob != NULL ? osh_glob_size(pattern->glob) : 0);
    }
    return total + g_hash_table_size(snapshot->binary_ids) * 64;
}

OshPolicyProtocolTable *
osh_policy_protocols(const OshPolicySnapshot *snapshot)
{
    return snapshot->protocols;
}

gboolean
osh_policy_needs_binaries(const OshPolicySnapshot *snapshot)
{
    return snapshot->needs_binaries;
}
