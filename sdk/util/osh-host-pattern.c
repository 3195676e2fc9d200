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
    Label *labels;
    guint n_labels;
    OshGlob *whole;
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
    osh_glob_free(pattern->whole);
    g_free(pattern);
}

static gboolean
read_label(Label *label, const char *text, GError **error)
{
    if (*text == '\0') {
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0, "a label is empty");
        return FALSE;
    }
    label->text = g_strdup(text);
    if (strcmp(text, "**") == 0) {
        label->kind = LABEL_DEEP;
        return TRUE;
    }
    if (strstr(text, "**") != NULL) {
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0, "'**' must be a whole label");
        return FALSE;
    }
    if (strpbrk(text, "*?[\\") == NULL)
        return TRUE;
    label->kind = LABEL_GLOB;
    label->glob = osh_glob_new(text, '.', error);
    return label->glob != NULL;
}

OshHostPattern *
osh_host_pattern_new(const char *text, GError **error)
{
    g_autoptr(OshHostPattern) pattern = g_new0(OshHostPattern, 1);
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_auto(GStrv) labels = g_strsplit(lower, ".", -1);
    guint n_labels = g_strv_length(labels);

    if (*text == '\0' || n_labels > MAX_LABELS) {
        g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0,
                            *text == '\0' ? "the pattern is empty" : "too many labels");
        return NULL;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (g_ascii_isspace(*p) || *p == '{' || *p == '}') {
            g_set_error_literal(error, OSH_HOST_PATTERN_ERROR, 0,
                                "blanks and braces do not belong in it");
            return NULL;
        }
    }
    pattern->labels = g_new0(Label, n_labels);
    pattern->n_labels = n_labels;
    for (guint i = 0; i < n_labels; i++)
        if (!read_label(&pattern->labels[i], labels[i], error))
            return NULL;
    pattern->whole = osh_glob_new(lower, '.', error);
    return pattern->whole != NULL ? g_steal_pointer(&pattern) : NULL;
}

gboolean
osh_host_pattern_match(const OshHostPattern *pattern, const char *host, gsize length)
{
    char lower[256];

    if (length == 0 || length >= sizeof(lower) || host[0] == '.' || host[length - 1] == '.' ||
        memmem(host, length, "..", 2) != NULL)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        lower[i] = g_ascii_tolower(host[i]);
    return osh_glob_match(pattern->whole, lower, length) == OSH_GLOB_MATCHED;
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

static gboolean
label_covers(const Label *wide, const Label *narrow)
{
    if (strcmp(wide->text, "*") == 0 || wide->kind == LABEL_DEEP)
        return TRUE;
    if (narrow->kind == LABEL_LITERAL)
        return labels_meet(wide, narrow);
    return strcmp(wide->text, narrow->text) == 0;
}

/*
 * Both questions walk the two label lists with a table over "labels of left used, labels of right
 * used": @reached[i][j] says that the first i and j labels can stand for the same names.
 */
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

gboolean
osh_host_pattern_covers(const OshHostPattern *wide, const OshHostPattern *narrow)
{
    guint width = narrow->n_labels + 1;
    g_autofree guint8 *reached = g_malloc0((gsize)(wide->n_labels + 1) * width);

    reached[0] = 1;
    for (guint i = 1; i <= wide->n_labels; i++) {
        for (guint j = 1; j <= narrow->n_labels; j++) {
            const Label *a = &wide->labels[i - 1];
            const Label *b = &narrow->labels[j - 1];

            if (!label_covers(a, b) || (b->kind == LABEL_DEEP && a->kind != LABEL_DEEP))
                continue;
            reached[i * width + j] = reached[(i - 1) * width + j - 1] ||
                                     (a->kind == LABEL_DEEP && reached[i * width + j - 1]);
        }
    }
    return reached[wide->n_labels * width + narrow->n_labels] != 0;
}

gboolean
osh_host_pattern_selector_may_match(const OshHostPattern *const *include, guint n_include,
                                    const OshHostPattern *const *exclude, guint n_exclude,
                                    const OshHostPattern *candidate)
{
    gboolean taken = FALSE;

    for (guint i = 0; i < n_exclude; i++)
        if (osh_host_pattern_covers(exclude[i], candidate))
            return FALSE;
    for (guint i = 0; i < n_include; i++)
        taken |= osh_host_pattern_may_overlap(include[i], candidate);
    return taken;
}
