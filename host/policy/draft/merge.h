/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.h: changing a policy by operations, all of them or none.
 *
 * An operation may add only what it names: where putting it into an existing policy would let some
 * binary reach more than was declared, it is refused or kept in a policy of its own. Policies of
 * providers are never changed. The result is a draft; nothing here makes it live.
 */
#pragma once

#include "draft.h"

G_BEGIN_DECLS

#define OSH_MERGE_ERROR osh_merge_error_quark()

/**
 * OshMergeError:
 * @OSH_MERGE_ERROR_REFUSED: an operation cannot be done
 * @OSH_MERGE_ERROR_WIDENS: an operation would grant what it does not declare
 */
typedef enum {
    OSH_MERGE_ERROR_REFUSED,
    OSH_MERGE_ERROR_WIDENS,
} OshMergeError;

/** osh_merge_error_quark: Returns: the domain of #OshMergeError. */
GQuark osh_merge_error_quark(void);

/**
 * OshMergeKind:
 * @OSH_MERGE_ADD_RULE: a policy, by itself or into one that exists
 * @OSH_MERGE_REMOVE_ENDPOINT: a host and port, from one policy or from all
 * @OSH_MERGE_REMOVE_RULE: a policy
 * @OSH_MERGE_ADD_ALLOW_RULES: to the endpoint of a host and port
 * @OSH_MERGE_ADD_DENY_RULES: to the endpoint of a host and port
 * @OSH_MERGE_REMOVE_BINARY: from a policy; with its last binary it goes too
 */
typedef enum {
    OSH_MERGE_ADD_RULE,
    OSH_MERGE_REMOVE_ENDPOINT,
    OSH_MERGE_REMOVE_RULE,
    OSH_MERGE_ADD_ALLOW_RULES,
    OSH_MERGE_ADD_DENY_RULES,
    OSH_MERGE_REMOVE_BINARY,
} OshMergeKind;

/**
 * OshMergeOperation:
 * @kind: what to do
 * @rule_name: (nullable): key of the policy; for an endpoint to be removed NULL means all policies
 * @rule: (nullable): the policy to add: name, endpoints, binaries
 * @host: (nullable): of the endpoint
 * @port: of the endpoint
 * @rules: (nullable): list of the rules to add
 * @binary_path: (nullable): the binary to remove
 *
 * Owns what it points to.
 */
typedef struct {
    OshMergeKind kind;
    char *rule_name;
    OshValue *rule;
    char *host;
    guint16 port;
    OshValue *rules;
    char *binary_path;
} OshMergeOperation;

/** osh_merge_operation_new: Returns: (transfer full): an empty operation. */
OshMergeOperation *osh_merge_operation_new(OshMergeKind kind);

/** osh_merge_operation_free: @operation: (nullable) (transfer full): frees it. */
void osh_merge_operation_free(OshMergeOperation *operation);

/**
 * osh_merge: [any]
 * @policy: what there is; not changed
 * @operations: (element-type OshMergeOperation): what to do, in order
 * @warnings: (element-type utf8): gets a line for each thing a person may not expect
 * @error: what could not be done
 *
 * The result has still to pass the loader: osh_draft_compile() finds what the values say wrong.
 *
 * Returns: (transfer full) (nullable): a new draft with all of them done, or NULL
 */
OshDraft *osh_merge(const OshDraft *policy, const GPtrArray *operations, GPtrArray *warnings,
                    GError **error);

/**
 * osh_merge_take_over: [any]
 * @base: the policy that is changed
 * @effective: what is in force, providers included
 * @operation: an observed denial as an operation: one host, one port, at least one binary
 * @error: set when several endpoints carry host and port and differ
 *
 * A denial knows host, port and binary, not how traffic to that host is inspected. Where the
 * destination has an endpoint already, the operation takes over what that says, for this one port,
 * and goes to the policy of @base that holds it; else it stays as it is.
 *
 * Returns: FALSE with @error set
 */
gboolean osh_merge_take_over(const OshDraft *base, const OshDraft *effective,
                             OshMergeOperation *operation, GError **error);

/** osh_merge_generated_name: Returns: (transfer full): `allow_HOST_PORT`, fit for a key. */
char *osh_merge_generated_name(const char *host, guint16 port);

/** osh_merge_mark_proposed: marks every endpoint and binary of an addition as proposed. */
void osh_merge_mark_proposed(OshMergeOperation *operation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshMergeOperation, osh_merge_operation_free)

G_END_DECLS
