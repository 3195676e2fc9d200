/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-host-pattern.c: host patterns as lists of labels.
 *
 * Immutable after creation; any thread. Names with empty labels never match, so a trailing dot
 * cannot slip past an exclusion.
 */
#include "osh-host-pattern.h"

#include "osh-glob.h"

#include <string.h>

#define MAX_LABELS 128

typedef enum {
    LABEL_LITERAL,
    LABEL_GLOB,
    LABEL_DEEP, /* one or more labels */
} LabelKind;

typedef struct {
    LabelKind kind;
    char *text;
    OshGlob *glob;
} Label;

struct _OshHostPattern {
    char *text; /* lower case */
    Label *labels;
    guint n_labels;
    gboolean is_literal;
};

GQuark
osh_host_pattern_error_quark(void)
{
    return g_quark_from_static_string("osh-host-pattern-error");
}

void
osh_host_pattern_free(OshHostPattern *pattern)
{
    if (pattern == NULL)
        return;
    for (guint i = 0; i < pattern->n_labels; i++) {
        g_free(pattern->labels[i].text);
        osh_glob_free(pattern->labels[i].glob);
    }
    g_free(pattern->labels);
    g_free(pattern->text);
    g_free(pattern);
}

static gboolean
read_label(Label *label, const char *text, GError **error)
{
    if (*text == '\0') {
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0, "it holds empty DNS labels");
        return FALSE;
    }
    label->text = g_strdup(text);
    if (strcmp(text, "**") == 0) {
        label->kind = LABEL_DEEP;
        return TRUE;
    }
    if (strpbrk(text, "*?[") == NULL)
        return TRUE;
    label->kind = LABEL_GLOB;
    label->glob = osh_glob_new(text, OSH_GLOB_SELECTOR, error);
    return label->glob != NULL;
}

OshHostPattern *
osh_host_pattern_new(const char *text, GError **error)
{
    g_autoptr(OshHostPattern) pattern = g_new0(OshHostPattern, 1);
    g_auto(GStrv) labels = NULL;
    guint n_labels;

    pattern->text = g_ascii_strdown(text, -1);
    labels = g_strsplit(pattern->text, ".", -1);
    n_labels = g_strv_length(labels);
    if (*text == '\0' || n_labels > MAX_LABELS) {
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0,
                            *text == '\0' ? "it must not be empty" : "it has too many labels");
        return NULL;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isspace(*p) && *p != '{' && *p != '}')
            continue;
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0,
                            g_ascii_isspace(*p) ? "it must not hold whitespace"
                                                : "it must not hold braces; list the alternates");
        return NULL;
    }
    pattern->labels = g_new0(Label, n_labels);
    pattern->n_labels = n_labels;
    pattern->is_literal = TRUE;
    for (guint i = 0; i < n_labels; i++) {
        if (!read_label(&pattern->labels[i], labels[i], error))
            return NULL;
        pattern->is_literal &= pattern->labels[i].kind == LABEL_LITERAL;
    }
    return g_steal_pointer(&pattern);
}

static gboolean
label_matches(const Label *label, const char *text, gsize length)
{
    switch (label->kind) {
    case LABEL_DEEP:
        return TRUE;
    case LABEL_GLOB:
        return osh_glob_match(label->glob, text, length) == OSH_GLOB_MATCHED;
    case LABEL_LITERAL:
    default:
        return strlen(label->text) == length && memcmp(label->text, text, length) == 0;
    }
}

gboolean
osh_host_pattern_match(const OshHostPattern *pattern, const char *host, gsize length)
{
    char lower[256];
    guint8 used[MAX_LABELS + 1] = {1}; /* the first i labels of the pattern are used up */
    gsize start = 0;

    if (length == 0 || length >= sizeof(lower) || host[0] == '.' || host[length - 1] == '.' ||
        memmem(host, length, "..", 2) != NULL)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        lower[i] = g_ascii_tolower(host[i]);
    while (start < length) {
        const char *dot = memchr(lower + start, '.', length - start);
        gsize size = dot != NULL ? (gsize)(dot - (lower + start)) : length - start;
        gboolean alive = FALSE;

        for (guint i = pattern->n_labels; i > 0; i--) {
            const Label *label = &pattern->labels[i - 1];
            gboolean from = used[i - 1] || (label->kind == LABEL_DEEP && used[i]);

            used[i] = from && label_matches(label, lower + start, size);
            alive |= used[i];
        }
        used[0] = 0;
        if (!alive)
            return FALSE;
        start += size + 1;
    }
    return used[pattern->n_labels] != 0;
}

static gboolean
labels_meet(const Label *left, const Label *right)
{
    if (left->kind == LABEL_LITERAL && right->kind == LABEL_LITERAL)
        return strcmp(left->text, right->text) == 0;
    if (left->kind == LABEL_GLOB && right->kind == LABEL_LITERAL)
        return osh_glob_match(left->glob, right->text, strlen(right->text)) == OSH_GLOB_MATCHED;
    if (left->kind == LABEL_LITERAL && right->kind == LABEL_GLOB)
        return osh_glob_match(right->glob, left->text, strlen(left->text)) == OSH_GLOB_MATCHED;
    return TRUE;
}

/* @reached[i][j] says that the first i and j labels can stand for the same names. */
gboolean
osh_host_pattern_may_overlap(const OshHostPattern *left, const OshHostPattern *right)
{
    guint width = right->n_labels + 1;
    g_autofree guint8 *reached = g_malloc0((gsize)(left->n_labels + 1) * width);

    reached[0] = 1;
    for (guint i = 0; i <= left->n_labels; i++) {
        for (guint j = 0; j <= right->n_labels; j++) {
            const Label *a = i > 0 ? &left->labels[i - 1] : NULL;
            const Label *b = j > 0 ? &right->labels[j - 1] : NULL;

            if (a == NULL || b == NULL || !labels_meet(a, b))
                continue;
            reached[i * width + j] = reached[(i - 1) * width + j - 1] ||
                                     (a->kind == LABEL_DEEP && reached[i * width + j - 1]) ||
                                     (b->kind == LABEL_DEEP && reached[(i - 1) * width + j]);
        }
    }
    return reached[left->n_labels * width + right->n_labels] != 0;
}

/*
 * An exclusion only helps where it is sure to: against a name that is known, against everything,
 * or spelt like one of the two patterns that meet.
 */
static gboolean
is_excluded(const OshHostPattern *const *exclude, guint n_exclude, const OshHostPattern *include,
            const OshHostPattern *candidate)
{
    const OshHostPattern *known = candidate->is_literal ? candidate
                                  : include->is_literal ? include
                                                        : NULL;

    for (guint i = 0; i < n_exclude; i++) {
        if (known != NULL) {
            if (osh_host_pattern_match(exclude[i], known->text, strlen(known->text)))
                return TRUE;
        } else if (strcmp(exclude[i]->text, "**") == 0 ||
                   strcmp(exclude[i]->text, include->text) == 0 ||
                   strcmp(exclude[i]->text, candidate->text) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
osh_host_pattern_selector_may_match(const OshHostPattern *const *include, guint n_include,
                                    const OshHostPattern *const *exclude, guint n_exclude,
                                    const OshHostPattern *candidate)
{
    for (guint i = 0; i < n_include; i++)
        if (osh_host_pattern_may_overlap(include[i], candidate) &&
            !is_excluded(exclude, n_exclude, include[i], candidate))
            return TRUE;
    return FALSE;
}
