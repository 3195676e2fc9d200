/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-policy.h: events about the policy in force. How structs, pack and unpack follow from the
 * tables of members: event-codec.h.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_POLICY_CHANGED: a generation of the policy is in force. Published by the host, at the
 * start and after each reload. Since: 1.0 */
#define OSH_TOPIC_POLICY_CHANGED "openshell.policy.changed/1"

/** OSH_EVENT_POLICY_CURRENT: the one value of #OshEventPolicyChanged.which. Since: 1.0 */
#define OSH_EVENT_POLICY_CURRENT "current"

/**
 * OshEventPolicyChanged:
 * @which: %OSH_EVENT_POLICY_CURRENT, so that one value is retained
 * @generation: number of the policy in this run
 * @sha256: SHA-256 of its text, in hexadecimal digits
 * @file: name of its file; empty for the policy that holds when none is given
 * @restart: (nullable): what in it needs a restart, one sentence each
 * @quarantine: (nullable): why everything is denied
 * @more: (nullable): further details, for pack
 *
 * Retained.
 *
 * Since: 1.0
 */
#define OSH_EVENT_POLICY_CHANGED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(STRING, which)                                                                          \
    MEMBER(UINT64, generation)                                                                     \
    MEMBER(STRING, sha256)                                                                         \
    MEMBER(STRING, file)                                                                           \
    DETAIL(STRINGS, restart, "restart")                                                            \
    DETAIL(STRING, quarantine, "quarantine")

OSH_EVENT_DEFINE(POLICY_CHANGED, policy_changed, PolicyChanged)

/** OSH_TOPIC_POLICY_REJECTED: the policy's file has changed and cannot be used. Published by the
 * host. Since: 1.0 */
#define OSH_TOPIC_POLICY_REJECTED "openshell.policy.rejected/1"

/**
 * OshEventPolicyRejected:
 * @generation: number of the policy that was in force and stays so, or that a quarantine follows
 * @file: name of the file
 * @problem: first error in it
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_POLICY_REJECTED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                 \
    MEMBER(UINT64, generation)                                                                     \
    MEMBER(STRING, file)                                                                           \
    MEMBER(STRING, problem)

OSH_EVENT_DEFINE(POLICY_REJECTED, policy_rejected, PolicyRejected)

G_END_DECLS
