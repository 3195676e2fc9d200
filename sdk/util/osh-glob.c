/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob.c: matching of compiled globs and the question whether two of them overlap.
 *
 * A pattern is a position automaton (Glushkov): one state for each character of the pattern, held
 * as a bit set, so a match costs one pass over the value and can never backtrack. The commonest
 * shapes (no wildcard, or one) are compared directly. Objects are immutable after osh-glob-parse.c
 * has made them and may be used from any thread. Nothing here allocates except the overlap walk.
 */
#include "osh-glob-private.h"

#include <string.h>

GQuark
osh_glob_error_quark(void)
{
    return g_quark_from_static_string("osh-glob-error");
}

void
osh_glob_free(OshGlob *glob)
{
    if (glob == NULL)
        return;
    g_free(glob->positions);
    g_free(glob->sets);
    g_free(glob->follow);
    g_free(glob->text);
    g_free(glob);
}

gsize
osh_glob_size(const OshGlob *glob)
{
    return sizeof(*glob) + glob->n_positions * sizeof(OshGlobPosition) +
           glob->n_sets * sizeof(OshGlobSet) +
           (gsize)(glob->n_positions + 2) * glob->words * sizeof(guint64) + glob->text_length + 1;
}

static inline gboolean
position_accepts(const OshGlob *glob, const OshGlobPosition *position, guchar byte)
{
    switch (position->kind) {
    case OSH_GLOB_POSITION_BYTE:
        return byte == position->byte;
    case OSH_GLOB_POSITION_ANY:
        return TRUE;
    case OSH_GLOB_POSITION_INSIDE:
        return byte != (guchar)glob->separator || glob->separator == '\0';
    case OSH_GLOB_POSITION_SET:
        return (glob->sets[position->set].bits[byte >> 6] >> (byte & 63)) & 1;
    default:
        return FALSE;
    }
}

/* One wildcard between a fixed prefix and a fixed suffix. */
static gboolean
match_single_star(const OshGlob *glob, const char *value, gsize length)
{
    gsize suffix = glob->text_length - glob->prefix_length;

    if (length < glob->text_length || memcmp(value, glob->text, glob->prefix_length) != 0 ||
        memcmp(value + length - suffix, glob->text + glob->prefix_length, suffix) != 0)
        return FALSE;
    if (glob->shape == OSH_GLOB_SHAPE_DEEP || glob->separator == '\0')
        return TRUE;
    return memchr(value + glob->prefix_length, glob->separator, length - glob->text_length) == NULL;
}

static gboolean
match_small(const OshGlob *glob, const char *value, gsize length)
{
    guint64 candidates = glob->follow[0];
    guint64 reached = 0;

    for (gsize i = 0; i < length; i++) {
        guint64 left = candidates;

        reached = 0;
        candidates = 0;
        while (left != 0) {
            guint bit = (guint)__builtin_ctzll(left);

            left &= left - 1;
            if (!position_accepts(glob, &glob->positions[bit], (guchar)value[i]))
                continue;
            reached |= G_GUINT64_CONSTANT(1) << bit;
            candidates |= glob->follow[bit + 2];
        }
        if (reached == 0)
            return FALSE;
    }
    return length == 0 ? glob->matches_empty : (reached & glob->follow[1]) != 0;
}

static gboolean
match_large(const OshGlob *glob, const char *value, gsize length)
{
    guint64 candidates[OSH_GLOB_MAX_WORDS];
    guint64 next[OSH_GLOB_MAX_WORDS];
    guint words = glob->words;
    gboolean accepted = glob->matches_empty;

    memcpy(candidates, glob->follow, words * sizeof(guint64));
    for (gsize i = 0; i < length; i++) {
        gboolean alive = FALSE;

        accepted = FALSE;
        memset(next, 0, words * sizeof(guint64));
        for (guint word = 0; word < words; word++) {
            for (guint64 left = candidates[word]; left != 0; left &= left - 1) {
                guint bit = word * 64 + (guint)__builtin_ctzll(left);
                const guint64 *follow = glob->follow + (gsize)(bit + 2) * words;

                if (!position_accepts(glob, &glob->positions[bit], (guchar)value[i]))
                    continue;
                alive = TRUE;
                accepted |= (glob->follow[words + word] >> (bit & 63)) & 1;
                for (guint k = 0; k < words; k++)
                    next[k] |= follow[k];
            }
        }
        if (!alive)
            return FALSE;
        memcpy(candidates, next, words * sizeof(guint64));
    }
    return accepted;
}

OshGlobResult
osh_glob_match(const OshGlob *glob, const char *value, gsize length)
{
    gboolean matched;

    if (length > 0 && memchr(value, '\0', length) != NULL)
        return OSH_GLOB_INVALID;
    switch (glob->shape) {
    case OSH_GLOB_SHAPE_LITERAL:
        matched =
            length == glob->text_length && (length == 0 || memcmp(value, glob->text, length) == 0);
        break;
    case OSH_GLOB_SHAPE_STAR:
    case OSH_GLOB_SHAPE_DEEP:
        matched = length == 0 ? glob->text_length == 0 : match_single_star(glob, value, length);
        break;
    case OSH_GLOB_SHAPE_AUTOMATON:
    default:
        matched =
            glob->words == 1 ? match_small(glob, value, length) : match_large(glob, value, length);
        break;
    }
    return matched ? OSH_GLOB_MATCHED : OSH_GLOB_DIFFERENT;
}

static OshGlobSet
position_set(const OshGlob *glob, guint index)
{
    const OshGlobPosition *position = &glob->positions[index];
    OshGlobSet set = {{0}};

    if (position->kind == OSH_GLOB_POSITION_SET)
        return glob->sets[position->set];
    for (guint byte = 1; byte < 256; byte++)
        if (position_accepts(glob, position, (guchar)byte))
            set.bits[byte >> 6] |= G_GUINT64_CONSTANT(1) << (byte & 63);
    return set;
}

static inline gboolean
has_bit(const guint64 *bits, guint index)
{
    return (bits[index >> 6] >> (index & 63)) & 1;
}

static gboolean
sets_meet(const OshGlobSet *left, const OshGlobSet *right)
{
    for (guint word = 0; word < 4; word++)
        if ((left->bits[word] & right->bits[word]) != 0)
            return TRUE;
    return FALSE;
}

gboolean
osh_glob_may_overlap(const OshGlob *left, const OshGlob *right)
{
    g_autofree OshGlobSet *left_sets = g_new0(OshGlobSet, left->n_positions + 1);
    g_autofree OshGlobSet *right_sets = g_new0(OshGlobSet, right->n_positions + 1);
    g_autofree guint8 *seen = g_malloc0((gsize)left->n_positions * right->n_positions + 1);
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint32));
    const guint64 *left_next = left->follow;
    const guint64 *right_next = right->follow;

    if (left->matches_empty && right->matches_empty)
        return TRUE;
    for (guint i = 0; i < left->n_positions; i++)
        left_sets[i] = position_set(left, i);
    for (guint i = 0; i < right->n_positions; i++)
        right_sets[i] = position_set(right, i);
    for (guint taken = 0;; taken++) {
        guint32 pair;

        for (guint i = 0; i < left->n_positions; i++) {
            if (!has_bit(left_next, i))
                continue;
            for (guint j = 0; j < right->n_positions; j++) {
                if (!has_bit(right_next, j) || seen[i * right->n_positions + j] ||
                    !sets_meet(&left_sets[i], &right_sets[j]))
                    continue;
                if (has_bit(left->follow + left->words, i) &&
                    has_bit(right->follow + right->words, j))
                    return TRUE;
                seen[i * right->n_positions + j] = 1;
                pair = i << 16 | j;
                g_array_append_val(queue, pair);
            }
        }
        if (taken == queue->len)
            return FALSE;
        pair = g_array_index(queue, guint32, taken);
        left_next = left->follow + (gsize)((pair >> 16) + 2) * left->words;
        right_next = right->follow + (gsize)((pair & 0xffff) + 2) * right->words;
    }
}
