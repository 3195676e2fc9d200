/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-entry.c: which middlewares see the content for a host. Pure, [any]; a snapshot without
 * middlewares costs one comparison.
 */
#include "middleware-entry.h"

#include "model.h"

static void
entry_clear(gpointer data)
{
    OshPolicyMiddlewareEntry *entry = data;

    g_clear_pointer(&entry->shown.config, g_variant_unref);
    g_clear_pointer(&entry->include, g_ptr_array_unref);
    g_clear_pointer(&entry->exclude, g_ptr_array_unref);
}

GArray *
osh_policy_middlewares_new(void)
{
    GArray *middlewares = g_array_new(FALSE, TRUE, sizeof(OshPolicyMiddlewareEntry));

    g_array_set_clear_func(middlewares, entry_clear);
    return middlewares;
}

void
osh_policy_middleware_seal(OshPolicyMiddlewareEntry *entry)
{
    OshPolicyMiddleware *shown = &entry->shown;
    g_autofree char *config =
        shown->config != NULL ? g_variant_print(shown->config, FALSE) : g_strdup("");
    g_autofree char *text = g_strdup_printf("%s\n%s\n%d\n%s", shown->name, shown->implementation,
                                            shown->fail_open, config);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    digest[16] = '\0';
    shown->fingerprint = g_ascii_strtoull(digest, NULL, 16);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const OshPolicyMiddlewareEntry *left = a;
    const OshPolicyMiddlewareEntry *right = b;

    return (left->order > right->order) - (left->order < right->order);
}

void
osh_policy_middlewares_sort(GArray *middlewares)
{
    g_array_sort(middlewares, compare);
}

static gboolean
matches(const GPtrArray *patterns, const char *host, gsize length)
{
    for (guint i = 0; i < patterns->len; i++)
        if (osh_host_pattern_match(patterns->pdata[i], host, length))
            return TRUE;
    return FALSE;
}

const OshPolicyMiddleware *
osh_policy_middleware(const OshPolicySnapshot *snapshot, const char *host, gsize length,
                      guint index)
{
    guint n = snapshot->middlewares != NULL ? snapshot->middlewares->len : 0;

    for (guint i = 0; i < n; i++) {
        const OshPolicyMiddlewareEntry *entry =
            &g_array_index(snapshot->middlewares, OshPolicyMiddlewareEntry, i);

        if (host != NULL &&
            (!matches(entry->include, host, length) || matches(entry->exclude, host, length)))
            continue;
        if (index == 0)
            return &entry->shown;
        index--;
    }
    return NULL;
}

guint
osh_policy_middleware_line(const OshPolicyMiddleware *middleware)
{
    /* What is shown is the first member of its entry. */
    return ((const OshPolicyMiddlewareEntry *)middleware)->line;
}

const OshPolicyMiddleware *
osh_policy_middleware_strictest(const OshPolicySnapshot *snapshot, const char *host, gsize length)
{
    const OshPolicyMiddleware *first = osh_policy_middleware(snapshot, host, length, 0);
    const OshPolicyMiddleware *at = first;

    for (guint i = 1; at != NULL; i++) {
        if (!at->allow_uninspectable)
            return at;
        at = osh_policy_middleware(snapshot, host, length, i);
    }
    return first;
}
