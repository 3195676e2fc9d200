/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-box.h: events about the box. How structs, pack and unpack follow from the tables of
 * members: event-codec.h.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_BOX_OPENED: a box is there; no program runs in it yet. Published by the launcher.
 * Since: 1.0 */
#define OSH_TOPIC_BOX_OPENED "openshell.box.opened/1"

/**
 * OshEventBoxOpened:
 * @box: number of the box
 * @level: what confines its programs, in the words of the start line
 * @init_pid: outer pid of its init
 * @degraded: (nullable): names of the protections that the user has allowed to be missing
 * @seccomp_allowed: (nullable): system calls that the configuration lets through
 * @more: (nullable): further details, for pack
 *
 * Retained for each @box, until #OshEventBoxClosed.
 *
 * Since: 1.0
 */
#define OSH_EVENT_BOX_OPENED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                      \
    MEMBER(UINT64, box)                                                                            \
    MEMBER(STRING, level)                                                                          \
    MEMBER(UINT32, init_pid)                                                                       \
    DETAIL(STRINGS, degraded, "degraded")                                                          \
    DETAIL(STRINGS, seccomp_allowed, "seccomp-allowed")

OSH_EVENT_DEFINE(BOX_OPENED, box_opened, BoxOpened)

/** OSH_TOPIC_BOX_CLOSED: a box and all of its processes are gone. Published by the launcher.
 * Since: 1.0 */
#define OSH_TOPIC_BOX_CLOSED "openshell.box.closed/1"

/**
 * OshEventBoxClosed:
 * @box: number of the box
 * @reason: why
 * @appeared: (nullable): paths of auto-executed files that were made in the box
 * @appeared_more: how many there are beside those in @appeared
 * @appeared_in_dependencies: how many there are in folders of dependencies
 * @not_searched: (nullable): folders that were not searched for them, in words
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_BOX_CLOSED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                      \
    MEMBER(UINT64, box)                                                                            \
    MEMBER(STRING, reason)                                                                         \
    DETAIL(STRINGS, appeared, "appeared")                                                          \
    DETAIL(UINT32, appeared_more, "appeared-more")                                                 \
    DETAIL(UINT32, appeared_in_dependencies, "appeared-in-dependencies")                           \
    DETAIL(STRING, not_searched, "not-searched")

OSH_EVENT_DEFINE(BOX_CLOSED, box_closed, BoxClosed)

G_END_DECLS
