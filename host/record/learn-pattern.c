/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-pattern.c: paths as patterns, and whether a pattern lies inside a glob of a policy.
 *
 * Pure; any thread. Inside is answered segment by segment and errs on the side of no: what cannot
 * be proven is not allowed.
 */
#include "learn-pattern.h"

#include "glob-text.h"

#include <string.h>

static char *
escape(const char *segment, gsize length)
{
    GString *text = g_string_sized_new(length);

    osh_glob_append_literal(text, segment, length);
    return g_string_free(text, FALSE);
}

static char *
unescape(const char *segment)
{
    GString *text = g_string_new(NULL);

    for (; *segment != '\0'; segment++) {
        if (*segment == '\\' && segment[1] != '\0')
            segment++;
        g_string_append_c(text, *segment);
    }
    return g_string_free(text, FALSE);
}

static gboolean
is_exact(const GPtrArray *segments)
{
    for (guint i = 0; i < segments->len; i++) {
        const char *segment = g_ptr_array_index(segments, i);

        if (strcmp(segment, OSH_LEARN_ANY) == 0 || strcmp(segment, OSH_LEARN_BELOW) == 0)
            return FALSE;
    }
    return TRUE;
}

static OshLearnPattern *
pattern_of(GPtrArray *segments)
{
    OshLearnPattern *pattern = g_new0(OshLearnPattern, 1);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < segments->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "/" : "",
                               (const char *)g_ptr_array_index(segments, i));
    pattern->segments = segments;
    pattern->text = g_string_free(g_steal_pointer(&text), FALSE);
    pattern->plain = is_exact(segments) ? unescape(pattern->text) : NULL;
    pattern->glob = osh_glob_new(pattern->text, '/', NULL);
    if (pattern->glob != NULL)
        return pattern;
    osh_learn_pattern_free(pattern);
    return NULL;
}

OshLearnPattern *
osh_learn_pattern_new(const char *path, gsize length)
{
    GPtrArray *segments;
    const char *at = path;
    const char *end = path + length;

    if (length == 0 || path[0] != '/')
        return NULL;
    segments = g_ptr_array_new_with_free_func(g_free);
    for (;;) {
        const char *slash = memchr(at, '/', (gsize)(end - at));
        const char *stop = slash != NULL ? slash : end;
        gsize size = (gsize)(stop - at);

        if (size == 1 && at[0] == '\0') {
            g_ptr_array_add(segments, g_strdup(OSH_LEARN_ANY));
        } else if (memchr(at, '\0', size) != NULL) {
            g_ptr_array_unref(segments);
            return NULL;
        } else {
            g_ptr_array_add(segments, escape(at, size));
        }
        if (slash == NULL)
            return pattern_of(segments);
        at = slash + 1;
    }
}

OshLearnPattern *
osh_learn_pattern_with(const OshLearnPattern *pattern, guint index, const char *segment)
{
    gboolean ends = strcmp(segment, OSH_LEARN_BELOW) == 0;
    GPtrArray *segments = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < pattern->segments->len && (!ends || i <= index); i++)
        g_ptr_array_add(segments,
                        g_strdup(i == index ? segment : g_ptr_array_index(pattern->segments, i)));
    return pattern_of(segments);
}

/* Whether one component of a glob without `/`, braces, classes and escapes matches @segment. */
static gboolean
component_matches(const char *component, const char *segment)
{
    g_autofree char *plain = unescape(segment);
    g_autoptr(OshGlob) glob = osh_glob_new(component, '/', NULL);

    return glob != NULL && osh_glob_match(glob, plain, strlen(plain)) == OSH_GLOB_MATCHED;
}

static gboolean
inside(char **glob, const OshLearnPattern *pattern, guint at)
{
    const char *segment =
        at < pattern->segments->len ? g_ptr_array_index(pattern->segments, at) : NULL;

    if (*glob == NULL)
        return segment == NULL;
    if (strcmp(*glob, "**") == 0 && glob[1] == NULL)
        return segment != NULL; /* strictly below */
    if (strcmp(*glob, "**") == 0) {
        /* any number of components, but none that stands for any number itself */
        for (guint i = at; i <= pattern->segments->len; i++) {
            if (inside(glob + 1, pattern, i))
                return TRUE;
            if (i < pattern->segments->len &&
                strcmp(g_ptr_array_index(pattern->segments, i), OSH_LEARN_BELOW) == 0)
                return FALSE;
        }
        return FALSE;
    }
    if (segment == NULL || strcmp(segment, OSH_LEARN_BELOW) == 0)
        return FALSE;
    if (strcmp(*glob, "*") != 0 &&
        (strcmp(segment, OSH_LEARN_ANY) == 0 || !component_matches(*glob, segment)))
        return FALSE;
    return inside(glob + 1, pattern, at + 1);
}

gboolean
osh_learn_pattern_inside(const OshLearnPattern *pattern, const char *glob)
{
    g_auto(GStrv) components = NULL;

    if (strcmp(glob, "**") == 0 || strcmp(glob, pattern->text) == 0)
        return TRUE;
    if (pattern->plain != NULL) {
        g_autoptr(OshGlob) compiled = osh_glob_new(glob, '/', NULL);

        return compiled != NULL &&
               osh_glob_match(compiled, pattern->plain, strlen(pattern->plain)) == OSH_GLOB_MATCHED;
    }
    /* Braces may hold slashes, and escapes and classes may too: not told apart here. */
    if (strpbrk(glob, "[]{}\\") != NULL)
        return FALSE;
    components = g_strsplit(glob, "/", -1);
    return inside(components, pattern, 0);
}

OshLearnPattern *
osh_learn_pattern_copy(const OshLearnPattern *pattern)
{
    return osh_learn_pattern_with(pattern, G_MAXUINT, "");
}

gboolean
osh_learn_pattern_covers(const OshLearnPattern *wide, const OshLearnPattern *narrow)
{
    if (narrow->plain == NULL)
        return osh_learn_pattern_inside(narrow, wide->text);
    return osh_glob_match(wide->glob, narrow->plain, strlen(narrow->plain)) == OSH_GLOB_MATCHED;
}

void
osh_learn_pattern_free(OshLearnPattern *pattern)
{
    if (pattern == NULL)
        return;
    g_ptr_array_unref(pattern->segments);
    g_free(pattern->text);
    g_free(pattern->plain);
    osh_glob_free(pattern->glob);
    g_free(pattern);
}
