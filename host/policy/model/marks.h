/* SPDX-License-Identifier: Apache-2.0 */
/* marks.h: which endpoints and binaries of a policy a proposal made; YAML cannot say so. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshPolicyMarks OshPolicyMarks;

/** osh_policy_marks_new: Returns: (transfer full): none yet; one thread at a time. */
OshPolicyMarks *osh_policy_marks_new(void);

/** osh_policy_marks_free: @marks: (nullable) (transfer full): frees them. */
void osh_policy_marks_free(OshPolicyMarks *marks);

/** osh_policy_marks_add_endpoint: marks endpoint @index in the list of @policy. */
void osh_policy_marks_add_endpoint(OshPolicyMarks *marks, const char *policy, guint index);

/** osh_policy_marks_add_binary: marks binary @path of @policy. */
void osh_policy_marks_add_binary(OshPolicyMarks *marks, const char *policy, const char *path);

/** osh_policy_marks_has_endpoint: Returns: TRUE when it is marked; @marks: (nullable). */
gboolean osh_policy_marks_has_endpoint(const OshPolicyMarks *marks, const char *policy,
                                       guint index);

/** osh_policy_marks_has_binary: Returns: TRUE when it is marked; @marks: (nullable). */
gboolean osh_policy_marks_has_binary(const OshPolicyMarks *marks, const char *policy,
                                     const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyMarks, osh_policy_marks_free)

G_END_DECLS
