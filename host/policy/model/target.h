/* SPDX-License-Identifier: Apache-2.0 */
/* target.h: a URL as a person types it, as facts. Private to host/policy. */
#pragma once

#include "policy.h"

typedef struct {
    char *host;
    guint port;
    gboolean is_tls; /* https or wss */
    gboolean has_path;
    GString *path;            /* canonical */
    const char *path_problem; /* (nullable): why the path is refused whatever a policy says */
    char *path_as_written;    /* (nullable): where it differs from @path */
    GArray *query;            /* OshFactRecord */
    GPtrArray *memory;        /* what @query points to */
} OshPolicyTarget;

/**
 * osh_policy_target_new:
 * @text: `https://host[:port][/path[?query]]` (also http, ws, wss), or `host:port`
 *
 * A path that no request may have is no error here, since it is an answer to explain.
 *
 * Returns: (transfer full) (nullable): the target, or NULL with @error set
 */
OshPolicyTarget *osh_policy_target_new(const char *text, GError **error);

/** osh_policy_target_free: frees it. */
void osh_policy_target_free(OshPolicyTarget *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyTarget, osh_policy_target_free)
