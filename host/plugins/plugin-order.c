/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-order.c: a topological order over a handful of plugins. Plain functions, [any].
 *
 * The relation "must come behind" is kept transitively closed in a square of booleans: with tens of
 * plugins at most, simplicity is worth more than the cube of their number.
 */
#include "plugin-order.h"

typedef struct {
    const OshManifest *const *manifests;
    gsize n;
    gboolean *behind; /* behind[a * n + b]: a must come behind b */
} Relation;

static gboolean
is_behind(const Relation *relation, gsize a, gsize b)
{
    return relation->behind[a * relation->n + b];
}

static void
put_behind(Relation *relation, gsize a, gsize b)
{
    for (gsize i = 0; i < relation->n; i++) {
        if (i != a && !is_behind(relation, i, a))
            continue;
        for (gsize k = 0; k < relation->n; k++)
            if (k == b || is_behind(relation, b, k))
                relation->behind[i * relation->n + k] = TRUE;
    }
}

static void
add_requirements(Relation *relation)
{
    for (gsize i = 0; i < relation->n; i++)
        for (char **id = relation->manifests[i]->requires; *id != NULL; id++)
            for (gsize k = 0; k < relation->n; k++)
                if (k != i && osh_manifest_provides(relation->manifests[k], *id))
                    put_behind(relation, i, k);
}

static void
add_wants(Relation *relation, OshOrderNotice notice, gpointer data)
{
    for (gsize i = 0; i < relation->n; i++)
        for (char **id = relation->manifests[i]->wants; *id != NULL; id++)
            for (gsize k = 0; k < relation->n; k++) {
                if (k == i || !osh_manifest_provides(relation->manifests[k], *id))
                    continue;
                if (is_behind(relation, k, i)) {
                    g_autofree char *text = g_strdup_printf(
                        "%s wants %s of %s, which must start after it: ignored",
                        relation->manifests[i]->id, *id, relation->manifests[k]->id);

                    if (notice != NULL)
                        notice(text, data);
                } else {
                    put_behind(relation, i, k);
                }
            }
}

static gboolean
is_next(const Relation *relation, const gboolean *left_out, const gboolean *placed, gsize candidate)
{
    if (left_out[candidate] || placed[candidate])
        return FALSE;
    for (gsize i = 0; i < relation->n; i++)
        if (is_behind(relation, candidate, i) && !placed[i] && !left_out[i])
            return FALSE;
    return TRUE;
}

gsize
osh_plugin_order(const OshManifest *const *manifests, gsize n, gsize *ret_order,
                 gboolean *ret_cycle, OshOrderNotice notice, gpointer data)
{
    g_autofree gboolean *behind = g_new0(gboolean, n * n + 1);
    g_autofree gboolean *placed = g_new0(gboolean, n + 1);
    Relation relation = {manifests, n, behind};
    gsize length = 0;

    add_requirements(&relation);
    for (gsize i = 0; i < n; i++)
        ret_cycle[i] = is_behind(&relation, i, i);
    add_wants(&relation, notice, data);
    for (gboolean progress = TRUE; progress;) {
        progress = FALSE;
        for (gsize i = 0; i < n && !progress; i++)
            if (is_next(&relation, ret_cycle, placed, i)) {
                placed[i] = TRUE;
                ret_order[length++] = i;
                progress = TRUE;
            }
    }
    return length;
}
