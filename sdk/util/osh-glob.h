/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob.h: the one glob of the policy language.
 *
 * A pattern is compiled once and matched against a whole value, byte for byte and case-sensitive,
 * in time proportional to the value. A compiled pattern is immutable: any thread may match it.
 *
 * With a separator it is the glob of rules: `*` is any run of bytes without the separator, `?` one
 * such byte, `[a-c]`, `[!a]` and `[^a]` a class, `{a,b}` alternatives, `\x` the character x. `**`
 * is special only as a whole component: before a separator it stands for any number of components,
 * after one for everything below. A class may take a slash.
 *
 * With 0 it is the same without components: `*` crosses everything.
 *
 * With OSH_GLOB_SELECTOR it is the glob that selects endpoints and hosts: `*` is any run of bytes,
 * `?` one byte, `[a-c]` and `[!a]` a class, everything else stands for itself; `**` must be a whole
 * component between slashes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_GLOB_MAX_PATTERN: longest pattern that compiles, in bytes. */
#define OSH_GLOB_MAX_PATTERN 1024

/** OSH_GLOB_SELECTOR: in place of a separator: the pattern selects endpoints or hosts. */
#define OSH_GLOB_SELECTOR '\1'

/** OSH_GLOB_ERROR: error domain of this module; the only code is 0. */
#define OSH_GLOB_ERROR (osh_glob_error_quark())
/** osh_glob_error_quark: Returns: the quark behind %OSH_GLOB_ERROR. */
GQuark osh_glob_error_quark(void);

/**
 * OshGlobResult:
 * @OSH_GLOB_INVALID: the value cannot be judged (it holds a NUL); the caller must deny
 * @OSH_GLOB_DIFFERENT: no match
 * @OSH_GLOB_MATCHED: the whole value matches
 */
typedef enum {
    OSH_GLOB_INVALID = -1,
    OSH_GLOB_DIFFERENT = 0,
    OSH_GLOB_MATCHED = 1,
} OshGlobResult;

/** OshGlob: a compiled pattern. Opaque. */
typedef struct _OshGlob OshGlob;

/**
 * osh_glob_new: [any]
 * @pattern: the pattern, NUL-terminated
 * @separator: `/`, `.`, another one, 0, or %OSH_GLOB_SELECTOR
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): the compiled pattern, or NULL with @error set when a class
 *   or brace is not closed, a range is reversed, or the pattern is too long
 */
OshGlob *osh_glob_new(const char *pattern, char separator, GError **error);

/** osh_glob_free: [any] @glob: (nullable) (transfer full): frees it. */
void osh_glob_free(OshGlob *glob);

/**
 * osh_glob_match: [any]
 * @glob: a compiled pattern
 * @value: (array length=length) (nullable): bytes, not NUL-terminated
 * @length: how many
 *
 * Allocates nothing.
 */
OshGlobResult osh_glob_match(const OshGlob *glob, const char *value, gsize length);

/**
 * osh_glob_may_overlap: [any]
 * @left: a compiled pattern
 * @right: another one
 *
 * Returns: TRUE when some value matches both; exact, by walking both automata together
 */
gboolean osh_glob_may_overlap(const OshGlob *left, const OshGlob *right);

/** osh_glob_overlap_cost: [any] Returns: at most how many steps osh_glob_may_overlap() takes. */
gsize osh_glob_overlap_cost(const OshGlob *left, const OshGlob *right);

/** osh_glob_size: [any] Returns: bytes that @glob occupies. */
gsize osh_glob_size(const OshGlob *glob);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshGlob, osh_glob_free)

G_END_DECLS
