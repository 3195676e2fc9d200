/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-interface.h: the policy in force, and "openshell.policy/1" over it.
 */
#pragma once

#include "openshell/host.h"
#include "policy.h"
#include "recorder.h"

G_BEGIN_DECLS

typedef struct _OshPolicyService OshPolicyService;

/**
 * osh_policy_service_new:
 * @snapshot: (transfer full): the first policy
 *
 * [main] Returns: (transfer full): the service
 */
OshPolicyService *osh_policy_service_new(OshPolicySnapshot *snapshot);

/**
 * osh_policy_service_swap:
 * @snapshot: (transfer full): what decides from now on; its generation is larger than the last
 *
 * [main] Atomic for everyone who asks: a decision uses one snapshot or the other.
 */
void osh_policy_service_swap(OshPolicyService *service, OshPolicySnapshot *snapshot);

/**
 * osh_policy_service_set_audit:
 *
 * [main] before any thread. From now on what the policy alone denies is to be forwarded and written
 * down, and every name is known. Hard denials stay, and so does whatever is not the policy's to
 * say.
 */
void osh_policy_service_set_audit(OshPolicyService *service);

/**
 * osh_policy_service_set_recorder:
 * @recorder: (nullable): takes the decisions that are final; outlives every thread that decides
 *
 * [main] before any thread, or after all of them.
 */
void osh_policy_service_set_recorder(OshPolicyService *service, OshRecorder *recorder);

/** osh_policy_service_ref_current: [any] Returns: (transfer full): the policy in force. */
OshPolicySnapshot *osh_policy_service_ref_current(OshPolicyService *service);

/**
 * osh_policy_service_interface:
 * @ret_interface: filled; valid as long as @service
 */
void osh_policy_service_interface(OshPolicyService *service, OshInterface *ret_interface);

/** osh_policy_service_free: [main] @service: (transfer full) (nullable): after all threads. */
void osh_policy_service_free(OshPolicyService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyService, osh_policy_service_free)

G_END_DECLS
