/* SPDX-License-Identifier: Apache-2.0 */
/* learn-pattern.h: paths of requests as patterns of whole segments. Private to host/record. */
#pragma once

#include "osh-glob.h"

G_BEGIN_DECLS

/** A segment that stands for any one segment, and a last one for everything below. */
#define OSH_LEARN_ANY   "*"
#define OSH_LEARN_BELOW "**"

/**
 * OshLearnPattern: segments in the spelling of globs: what is not one of the two above is literal,
 * with whatever a glob would take for something else escaped.
 */
typedef struct {
    GPtrArray *segments; /* of utf8 */
    char *text;          /* joined by slashes */
    char *plain;         /* the one path that it matches; NULL when there are more */
    OshGlob *glob;
} OshLearnPattern;

/**
 * osh_learn_pattern_new:
 * @path: (array length=length): a path; a segment that is one NUL byte becomes %OSH_LEARN_ANY
 *
 * Returns: (transfer full) (nullable): NULL when it is no path, or too long for a glob
 */
OshLearnPattern *osh_learn_pattern_new(const char *path, gsize length);

/** osh_learn_pattern_with: Returns: (transfer full) (nullable): @pattern with another segment
 * @index; %OSH_LEARN_BELOW ends it there. */
OshLearnPattern *osh_learn_pattern_with(const OshLearnPattern *pattern, guint index,
                                        const char *segment);

/** osh_learn_pattern_copy: Returns: (transfer full): the same. */
OshLearnPattern *osh_learn_pattern_copy(const OshLearnPattern *pattern);

/** osh_learn_pattern_covers: Returns: TRUE when @wide is certain to match all that @narrow does. */
gboolean osh_learn_pattern_covers(const OshLearnPattern *wide, const OshLearnPattern *narrow);

/**
 * osh_learn_pattern_inside:
 * @glob: a glob of a policy, with `/` between segments
 *
 * Returns: TRUE when whatever @pattern matches is certain to match @glob too; FALSE also when that
 *   cannot be told
 */
gboolean osh_learn_pattern_inside(const OshLearnPattern *pattern, const char *glob);

/** osh_learn_pattern_free: @pattern: (nullable) (transfer full). */
void osh_learn_pattern_free(OshLearnPattern *pattern);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLearnPattern, osh_learn_pattern_free)

/** OshLearnMayFunc: whether @pattern may be allowed. */
typedef gboolean (*OshLearnMayFunc)(const OshLearnPattern *pattern, gpointer data);

/**
 * osh_learn_generalise:
 * @patterns: (element-type OshLearnPattern): of one method; becomes fewer and wider
 * @may: what a wider one needs
 *
 * Segments that look like ids become any; so do those in which many paths alone differ; many paths
 * of several lengths below one prefix become everything below it. Never the whole site.
 */
void osh_learn_generalise(GPtrArray *patterns, OshLearnMayFunc may, gpointer data);

G_END_DECLS
