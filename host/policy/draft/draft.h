/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h: one policy file that can be changed and written again.
 *
 * A draft holds everything of a file that the strict loader accepts, keys that only some versions
 * know included, as values (value.h); nothing in it is decided upon. It becomes a policy again as
 * text through the same loader:
 *
 *     g_autoptr(OshDraft) draft = osh_draft_new();
 *     OshValue *policy = osh_draft_add_policy(draft, "api");
 *     OshValue *endpoint = osh_draft_add_endpoint(policy, "api.example.com", 443);
 *
 *     osh_value_set_text(endpoint, "protocol", "rest");
 *     osh_value_set_text(endpoint, "enforcement", "enforce");
 *     osh_draft_add_rule(endpoint, "GET", "/v1/models");
 *     osh_draft_add_binary(policy, "/usr/bin/curl");
 *     text = osh_draft_write(draft, &error);
 *
 * What a proposal made, and no person declared yet, is marked on the endpoint or binary. YAML
 * cannot say so: the mark reaches a snapshot only through osh_draft_compile(), where it takes away
 * the trust that an exactly named host has, so that private addresses still need `allowed_ips`.
 *
 * One thread at a time.
 */
#pragma once

#include "policy.h"
#include "value.h"

G_BEGIN_DECLS

#define OSH_DRAFT_ERROR osh_draft_error_quark()

/**
 * OshDraftError:
 * @OSH_DRAFT_ERROR_VALUE: a draft holds what a policy file cannot
 */
typedef enum {
    OSH_DRAFT_ERROR_VALUE,
} OshDraftError;

typedef struct _OshDraft OshDraft;

/** osh_draft_error_quark: Returns: the domain of #OshDraftError. */
GQuark osh_draft_error_quark(void);

/** osh_draft_new: Returns: (transfer full): an empty policy of version 1. */
OshDraft *osh_draft_new(void);

/**
 * osh_draft_read:
 * @request: the file; its generation and marks mean nothing here
 * @diagnostics: gets every error and warning
 *
 * Returns: (transfer full) (nullable): what the file says, or NULL when the loader refuses it
 */
OshDraft *osh_draft_read(const OshPolicyLoadRequest *request, OshPolicyDiagnostics *diagnostics);

/**
 * osh_draft_compile:
 * @request: how to load it; its text, path and marks mean nothing here
 * @diagnostics: gets every error and warning; lines are those of osh_draft_write()
 *
 * Writes @draft and loads what was written, marks and the layers of providers included.
 *
 * Returns: (transfer full) (nullable): the policy, or NULL when the loader refuses it
 */
OshPolicySnapshot *osh_draft_compile(const OshDraft *draft, const OshPolicyLoadRequest *request,
                                     OshPolicyDiagnostics *diagnostics);

/** osh_draft_free: @draft: (nullable) (transfer full): frees it. */
void osh_draft_free(OshDraft *draft);

/** osh_draft_copy: Returns: (transfer full): a draft of its own that says the same. */
OshDraft *osh_draft_copy(const OshDraft *draft);

/** osh_draft_equal: Returns: TRUE when both say the same; marks do not count. */
gboolean osh_draft_equal(const OshDraft *left, const OshDraft *right);

/** osh_draft_root: Returns: (transfer none): the whole file, a mapping. */
OshValue *osh_draft_root(const OshDraft *draft);

/** osh_draft_policies: Returns: (transfer none) (nullable): `network_policies`. */
OshValue *osh_draft_policies(const OshDraft *draft);

/** osh_draft_policy: Returns: (transfer none) (nullable): the policy @key. */
OshValue *osh_draft_policy(const OshDraft *draft, const char *key);

/** osh_draft_add_policy: Returns: (transfer none): the policy @key, made when it is missing. */
OshValue *osh_draft_add_policy(OshDraft *draft, const char *key);

/** osh_draft_remove_policy: removes the policy @key. */
void osh_draft_remove_policy(OshDraft *draft, const char *key);

/**
 * OshDraftPolicy:
 * @key: its key
 * @policy: what stands there
 *
 * Both are the draft's.
 */
typedef struct {
    const char *key;
    OshValue *policy;
} OshDraftPolicy;

/**
 * osh_draft_sorted_policies:
 *
 * Returns: (transfer full) (element-type OshDraftPolicy): all policies in byte order of their keys
 */
GArray *osh_draft_sorted_policies(const OshDraft *draft);

/** osh_draft_policy_keys: Returns: (transfer full): the keys of all policies, in byte order. */
GStrv osh_draft_policy_keys(const OshDraft *draft);

/** osh_draft_endpoints: Returns: (transfer none) (nullable): list of the endpoints of @policy. */
OshValue *osh_draft_endpoints(const OshValue *policy);

/** osh_draft_binaries: Returns: (transfer none) (nullable): list of the binaries of @policy. */
OshValue *osh_draft_binaries(const OshValue *policy);

/**
 * osh_draft_normalise_binaries: makes each binary of @policy a mapping, also one that was written
 * as its path alone.
 */
void osh_draft_normalise_binaries(OshValue *policy);

/** osh_draft_add_endpoint: Returns: (transfer none): a new endpoint; @port 0 means none yet. */
OshValue *osh_draft_add_endpoint(OshValue *policy, const char *host, guint16 port);

/** osh_draft_add_binary: Returns: (transfer none): the binary @path, made when it is missing. */
OshValue *osh_draft_add_binary(OshValue *policy, const char *path);

/** osh_draft_add_rule: Returns: (transfer none): a new allow rule; what is NULL is left out. */
OshValue *osh_draft_add_rule(OshValue *endpoint, const char *method, const char *path);

/** osh_draft_add_deny_rule: Returns: (transfer none): the same as a deny rule. */
OshValue *osh_draft_add_deny_rule(OshValue *endpoint, const char *method, const char *path);

/**
 * osh_draft_ports:
 * @endpoint: an endpoint
 *
 * Returns: (transfer full) (element-type guint16): its ports, ascending and each once
 */
GArray *osh_draft_ports(const OshValue *endpoint);

/** osh_draft_set_ports: @ports: (element-type guint16): in any order; writes `port` or `ports`. */
void osh_draft_set_ports(OshValue *endpoint, const GArray *ports);

/**
 * osh_draft_write:
 *
 * Keys stand in the order of the guide, policies, endpoints and rules as they are in the draft;
 * what YAML could take for something else is in quotes, what is not printable ASCII is escaped. The
 * text is read again and compared before it is given out.
 *
 * Returns: (transfer full) (nullable): the file, or NULL when a value cannot be written
 */
char *osh_draft_write(const OshDraft *draft, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshDraft, osh_draft_free)

G_END_DECLS
