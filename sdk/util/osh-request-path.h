/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-request-path.h: one spelling for every request target.
 *
 * Policy compares paths, so two spellings that a server may treat alike must become one before it
 * does, and a target that different servers read differently must be refused.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_REQUEST_PATH_MAX: longest path part of a target, in bytes. */
#define OSH_REQUEST_PATH_MAX 4096

/**
 * OshRequestPathResult:
 * @OSH_REQUEST_PATH_OK: canonical
 *
 * The others say why a target is refused.
 */
typedef enum {
    OSH_REQUEST_PATH_OK,
    OSH_REQUEST_PATH_CONTROL_BYTE,
    OSH_REQUEST_PATH_NON_ASCII,
    OSH_REQUEST_PATH_FRAGMENT,
    OSH_REQUEST_PATH_MALFORMED,
    OSH_REQUEST_PATH_TOO_LONG,
    OSH_REQUEST_PATH_BAD_PERCENT,
    OSH_REQUEST_PATH_ENCODED_SLASH,
    OSH_REQUEST_PATH_ABOVE_ROOT,
    OSH_REQUEST_PATH_RESIDUAL_DOTS,
} OshRequestPathResult;

/**
 * OshRequestPathFlags:
 * @OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH: keep `%2F` inside a segment instead of refusing it
 * @OSH_REQUEST_PATH_KEEP_PARAMETERS: keep `;name=value` at the end of segments
 */
typedef enum {
    OSH_REQUEST_PATH_STRICT = 0,
    OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH = 1 << 0,
    OSH_REQUEST_PATH_KEEP_PARAMETERS = 1 << 1,
} OshRequestPathFlags;

/**
 * osh_request_path_canonicalise: [any]
 * @target: (array length=length): request target, origin-form or absolute-form
 * @length: its length
 * @flags: #OshRequestPathFlags
 * @ret_path: (out caller-allocates): gets the canonical path; overwritten, empty on failure
 * @ret_query: (out) (nullable): gets where the query begins in @target (borrowed, runs to its
 *   end), or NULL when there is none
 * @ret_rewritten: (out): whether the path differs from the one in @target (an absence counts as
 *   `/`; that @target was in absolute form says nothing)
 *
 * Returns: %OSH_REQUEST_PATH_OK, or why the target is refused
 */
OshRequestPathResult osh_request_path_canonicalise(const char *target, gsize length, guint flags,
                                                   GString *ret_path, const char **ret_query,
                                                   gboolean *ret_rewritten);

/** osh_request_path_result_name: [any] Returns: (transfer none): the result in words. */
const char *osh_request_path_result_name(OshRequestPathResult result);

/**
 * osh_request_path_has_encoded_slash: [any]
 * @path: (array length=length): a canonical path
 *
 * Returns: TRUE when it holds `%2F`, so that it is only legal where an endpoint allows that
 */
gboolean osh_request_path_has_encoded_slash(const char *path, gsize length);

G_END_DECLS
