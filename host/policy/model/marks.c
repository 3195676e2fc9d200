/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks.c: a set of endpoints and binaries.
 *
 * One thread at a time. Names what a proposal made and knows nothing else of a policy.
 */
#include "marks.h"

#include <string.h>

struct _OshPolicyMarks {
    GHashTable *set; /* of text as below */
};

/* The length keeps a key from running into what follows it. */
static char *
endpoint_text(const char *policy, guint index)
{
    return g_strdup_printf("endpoint %u %s", index, policy);
}

static char *
binary_text(const char *policy, const char *path)
{
    return g_strdup_printf("binary %" G_GSIZE_FORMAT " %s%s", strlen(policy), policy, path);
}

static gboolean
contains(const OshPolicyMarks *marks, char *text)
{
    g_autofree char *owned = text;

    return g_hash_table_contains(marks->set, owned);
}

OshPolicyMarks *
osh_policy_marks_new(void)
{
    OshPolicyMarks *marks = g_new0(OshPolicyMarks, 1);

    marks->set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return marks;
}

void
osh_policy_marks_free(OshPolicyMarks *marks)
{
    if (marks == NULL)
        return;
    g_hash_table_unref(marks->set);
    g_free(marks);
}

void
osh_policy_marks_add_endpoint(OshPolicyMarks *marks, const char *policy, guint index)
{
    g_hash_table_add(marks->set, endpoint_text(policy, index));
}

void
osh_policy_marks_add_binary(OshPolicyMarks *marks, const char *policy, const char *path)
{
    g_hash_table_add(marks->set, binary_text(policy, path));
}

gboolean
osh_policy_marks_has_endpoint(const OshPolicyMarks *marks, const char *policy, guint index)
{
    return marks != NULL && contains(marks, endpoint_text(policy, index));
}

gboolean
osh_policy_marks_has_binary(const OshPolicyMarks *marks, const char *policy, const char *path)
{
    return marks != NULL && contains(marks, binary_text(policy, path));
}
