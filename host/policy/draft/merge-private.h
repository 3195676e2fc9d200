/* SPDX-License-Identifier: Apache-2.0 */
/* merge-private.h: what the parts of a merge share. */
#pragma once

#include "contract.h"
#include "merge.h"

/* One run over a list of operations. */
typedef struct {
    OshDraft *draft;
    GPtrArray *warnings;
    guint number; /* of the operation, from 1 */
} OshMerge;

/** osh_merge_warn: adds a line to @warnings. */
void osh_merge_warn(GPtrArray *warnings, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** osh_merge_refuse: sets @error, the operation's number first. Returns: FALSE. */
gboolean osh_merge_refuse(const OshMerge *merge, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/** osh_merge_place: Returns: (transfer full): `HOST:PORT` for a message. */
char *osh_merge_place(const OshValue *endpoint, guint port);

/** osh_merge_expand_access: turns `access` of @endpoint into rules, with a warning. */
gboolean osh_merge_expand_access(const OshMerge *merge, OshValue *endpoint, const char *place,
                                 GPtrArray *warnings, GError **error);

/** osh_merge_endpoint: merges @incoming into @existing, which is in the same place. */
gboolean osh_merge_endpoint(const OshMerge *merge, OshValue *existing, const OshValue *incoming,
                            GPtrArray *warnings, GError **error);

/** osh_merge_tidy_endpoint: sorts its ports and drops what its lists hold twice. */
void osh_merge_tidy_endpoint(OshValue *endpoint);

/** osh_merge_add_rule: does OSH_MERGE_ADD_RULE. */
gboolean osh_merge_add_rule(OshMerge *merge, const OshMergeOperation *operation, GError **error);
