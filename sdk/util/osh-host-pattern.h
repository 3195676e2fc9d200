/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-host-pattern.h: patterns over host names, label by label.
 *
 * Used where endpoints are selected by name alone (middleware, routes). Letter case does not
 * matter; `*`, `?` and `[...]` stay inside a label; `**` as a whole label is one or more labels.
 * Immutable after creation: any thread may match.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_HOST_PATTERN_ERROR: error domain; the only code is 0. */
#define OSH_HOST_PATTERN_ERROR (osh_host_pattern_error_quark())
/** osh_host_pattern_error_quark: Returns: the quark behind %OSH_HOST_PATTERN_ERROR. */
GQuark osh_host_pattern_error_quark(void);

/** OshHostPattern: a compiled host pattern. Opaque. */
typedef struct _OshHostPattern OshHostPattern;

/**
 * osh_host_pattern_new: [any]
 * @text: the pattern
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): the pattern; NULL when it is empty, holds blanks, braces or
 *   an empty label, mixes `**` with other text, or leaves a class open
 */
OshHostPattern *osh_host_pattern_new(const char *text, GError **error);

/** osh_host_pattern_free: [any] @pattern: (nullable) (transfer full): frees it. */
void osh_host_pattern_free(OshHostPattern *pattern);

/** osh_host_pattern_match: [any] Returns: TRUE when @host (any letter case) matches. */
gboolean osh_host_pattern_match(const OshHostPattern *pattern, const char *host, gsize length);

/**
 * osh_host_pattern_may_overlap: [any]
 *
 * Label by label; two labels that both hold wildcards are presumed to overlap.
 *
 * Returns: FALSE only when no host can match both
 */
gboolean osh_host_pattern_may_overlap(const OshHostPattern *left, const OshHostPattern *right);

/**
 * osh_host_pattern_selector_may_match: [any]
 * @include: (array length=n_include): what the selector takes
 * @exclude: (array length=n_exclude): what it leaves out, which wins
 * @candidate: a host or a pattern of hosts
 *
 * Cautious: an exclusion counts only against a known name, when it excludes everything, or when it
 * is spelt like the pattern that it meets.
 *
 * Returns: FALSE only when the selector takes no host that @candidate stands for
 */
gboolean osh_host_pattern_selector_may_match(const OshHostPattern *const *include, guint n_include,
                                             const OshHostPattern *const *exclude, guint n_exclude,
                                             const OshHostPattern *candidate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshHostPattern, osh_host_pattern_free)

G_END_DECLS
