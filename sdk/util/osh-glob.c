/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob.c: matching of compiled globs and the question whether two of them overlap.
 *
 * The automaton is walked with a set of places at once, so a match costs one pass over the value
 * and can never backtrack. The commonest shapes (no wildcard, or one) are compared directly.
 * Objects are immutable and may be used from any thread. Only the overlap walk allocates.
 */
#include "osh-glob-private.h"

#include <string.h>

#define SEEN_WORDS ((OSH_GLOB_MAX_STEPS + 63) / 64)

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
    g_free(glob->steps);
    g_free(glob->sets);
    g_free(glob->follow);
    g_free(glob->takers);
    g_free(glob->text);
    g_free(glob);
}

gsize
osh_glob_size(const OshGlob *glob)
{
    return sizeof(*glob) + glob->n_steps * sizeof(OshGlobStep) + glob->n_sets * sizeof(OshGlobSet) +
           (glob->follow != NULL ? (glob->n_takers + 1) * (sizeof(guint64) + 1) : 0) +
           glob->text_length + 1;
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

/* The bytes that the automaton reads for one byte of the value. */
static inline guint
translate_byte(const OshGlob *glob, char c, guchar *bytes)
{
    if (glob->separator == '/' || glob->separator == OSH_GLOB_SELECTOR ||
        (c != '/' && c != glob->separator)) {
        bytes[0] = (guchar)c;
        return 1;
    }
    if (c == '/') {
        bytes[0] = 0;
        return 1;
    }
    bytes[0] = '/';
    bytes[1] = (guchar)c;
    bytes[2] = '/';
    return 3;
}

static gboolean
match_bits(const OshGlob *glob, const char *value, gsize length)
{
    guint64 candidates = glob->follow[0];
    gboolean accepted = glob->accepts_empty;

    for (gsize i = 0; i < length; i++) {
        guchar bytes[3];
        guint count = translate_byte(glob, value[i], bytes);

        for (guint k = 0; k < count; k++) {
            guint64 left = candidates;
            guint64 reached = 0;

            candidates = 0;
            for (; left != 0; left &= left - 1) {
                guint bit = (guint)__builtin_ctzll(left);

                if (!osh_glob_accepts(glob, &glob->steps[glob->takers[bit]], bytes[k]))
                    continue;
                reached |= G_GUINT64_CONSTANT(1) << bit;
                candidates |= glob->follow[bit + 1];
            }
            if (reached == 0)
                return FALSE;
            accepted = (reached & glob->accepting) != 0;
        }
    }
    return accepted;
}

/* Places in the automaton; each at most once. */
typedef struct {
    guint n;
    guint16 steps[OSH_GLOB_MAX_STEPS];
    guint64 seen[SEEN_WORDS];
} Places;

static void
places_clear(const OshGlob *glob, Places *places)
{
    places->n = 0;
    memset(places->seen, 0, (glob->n_steps + 63) / 64 * sizeof(guint64));
}

static inline void
places_add(Places *places, guint step)
{
    guint64 bit = G_GUINT64_CONSTANT(1) << (step & 63);

    if (places->seen[step >> 6] & bit)
        return;
    places->seen[step >> 6] |= bit;
    places->steps[places->n++] = (guint16)step;
}

/* Adds what is reached without a byte; TRUE when the value may end here. */
static gboolean
places_close(const OshGlob *glob, Places *places)
{
    gboolean ends = FALSE;

    for (guint i = 0; i < places->n; i++) {
        const OshGlobStep *step = &glob->steps[places->steps[i]];

        if (step->kind == OSH_GLOB_STEP_SPLIT)
            places_add(places, places->steps[i] + 1u);
        if (step->kind == OSH_GLOB_STEP_SPLIT || step->kind == OSH_GLOB_STEP_JUMP)
            places_add(places, step->target);
        ends |= step->kind == OSH_GLOB_STEP_ACCEPT;
    }
    return ends;
}

static gboolean
match_large(const OshGlob *glob, const char *value, gsize length)
{
    Places places[2];
    guint current = 0;
    gboolean ends;

    places_clear(glob, &places[0]);
    places_add(&places[0], 0);
    ends = places_close(glob, &places[0]);
    for (gsize i = 0; i < length; i++) {
        guchar bytes[3];
        guint count = translate_byte(glob, value[i], bytes);

        for (guint k = 0; k < count; k++) {
            const Places *from = &places[current];
            Places *to = &places[1 - current];

            places_clear(glob, to);
            for (guint p = 0; p < from->n; p++)
                if (osh_glob_accepts(glob, &glob->steps[from->steps[p]], bytes[k]))
                    places_add(to, from->steps[p] + 1u);
            if (to->n == 0)
                return FALSE;
            ends = places_close(glob, to);
            current = 1 - current;
        }
    }
    return ends;
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
        matched = glob->follow != NULL ? match_bits(glob, value, length)
                                       : match_large(glob, value, length);
        break;
    }
    return matched ? OSH_GLOB_MATCHED : OSH_GLOB_DIFFERENT;
}

/* Whether some byte of a translated value suits both. */
static gboolean
steps_meet(const OshGlob *left, const OshGlobStep *a, const OshGlob *right, const OshGlobStep *b)
{
    if (a->kind == OSH_GLOB_STEP_BYTE)
        return osh_glob_accepts(right, b, a->byte);
    if (b->kind == OSH_GLOB_STEP_BYTE)
        return osh_glob_accepts(left, a, b->byte);
    if (a->kind != OSH_GLOB_STEP_SET && b->kind != OSH_GLOB_STEP_SET)
        return TRUE;
    for (guint byte = left->separator == '/' || left->separator == OSH_GLOB_SELECTOR; byte < 256;
         byte++)
        if (osh_glob_accepts(left, a, (guchar)byte) && osh_glob_accepts(right, b, (guchar)byte))
            return TRUE;
    return FALSE;
}

/* Fixed text at the ends of both says no without a walk. */
static gboolean
ends_differ(const OshGlob *left, const OshGlob *right)
{
    gsize prefix;
    gsize suffix;

    if (left->shape == OSH_GLOB_SHAPE_AUTOMATON || right->shape == OSH_GLOB_SHAPE_AUTOMATON)
        return FALSE;
    prefix = MIN(left->prefix_length, right->prefix_length);
    suffix =
        MIN(left->text_length - left->prefix_length, right->text_length - right->prefix_length);
    return memcmp(left->text, right->text, prefix) != 0 ||
           memcmp(left->text + left->text_length - suffix,
                  right->text + right->text_length - suffix, suffix) != 0;
}

typedef struct {
    guint64 *seen;
    GArray *queue; /* of left step << 16 | right step */
    guint width;
} Pairs;

static void
pairs_add(Pairs *pairs, guint left, guint right)
{
    gsize place = (gsize)left * pairs->width + right;
    guint32 pair = left << 16 | right;

    if ((pairs->seen[place >> 6] >> (place & 63)) & 1)
        return;
    pairs->seen[place >> 6] |= G_GUINT64_CONSTANT(1) << (place & 63);
    g_array_append_val(pairs->queue, pair);
}

gsize
osh_glob_overlap_cost(const OshGlob *left, const OshGlob *right)
{
    if (left->shape == OSH_GLOB_SHAPE_LITERAL || right->shape == OSH_GLOB_SHAPE_LITERAL ||
        ends_differ(left, right))
        return 1;
    return (gsize)left->n_steps * right->n_steps;
}

gboolean
osh_glob_may_overlap(const OshGlob *left, const OshGlob *right)
{
    g_autofree guint64 *seen = NULL;
    g_autoptr(GArray) queue = NULL;
    Pairs pairs;

    if (left->shape == OSH_GLOB_SHAPE_LITERAL)
        return osh_glob_match(right, left->text, left->text_length) == OSH_GLOB_MATCHED;
    if (right->shape == OSH_GLOB_SHAPE_LITERAL)
        return osh_glob_match(left, right->text, right->text_length) == OSH_GLOB_MATCHED;
    if (ends_differ(left, right))
        return FALSE;
    seen = g_new0(guint64, (gsize)left->n_steps * right->n_steps / 64 + 1);
    queue = g_array_new(FALSE, FALSE, sizeof(guint32));
    pairs = (Pairs){seen, queue, right->n_steps};
    pairs_add(&pairs, 0, 0);
    for (guint taken = 0; taken < queue->len; taken++) {
        guint32 pair = g_array_index(queue, guint32, taken);
        guint i = pair >> 16;
        guint j = pair & 0xffff;
        const OshGlobStep *a = &left->steps[i];
        const OshGlobStep *b = &right->steps[j];

        if (a->kind == OSH_GLOB_STEP_ACCEPT && b->kind == OSH_GLOB_STEP_ACCEPT)
            return TRUE;
        if (a->kind == OSH_GLOB_STEP_SPLIT)
            pairs_add(&pairs, i + 1, j);
        if (a->kind == OSH_GLOB_STEP_SPLIT || a->kind == OSH_GLOB_STEP_JUMP)
            pairs_add(&pairs, a->target, j);
        if (b->kind == OSH_GLOB_STEP_SPLIT)
            pairs_add(&pairs, i, j + 1);
        if (b->kind == OSH_GLOB_STEP_SPLIT || b->kind == OSH_GLOB_STEP_JUMP)
            pairs_add(&pairs, i, b->target);
        if (a->kind <= OSH_GLOB_STEP_SET && b->kind <= OSH_GLOB_STEP_SET &&
            steps_meet(left, a, right, b))
            pairs_add(&pairs, i + 1, j + 1);
    }
    return FALSE;
}
