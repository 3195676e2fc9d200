/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-process.h: events about the programs in a box. How structs, pack and unpack follow from the
 * tables of members: event-codec.h.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_PROCESS_STARTED: a program that the launcher was asked for runs. Published by the
 * launcher. Since: 1.0 */
#define OSH_TOPIC_PROCESS_STARTED "openshell.process.started/1"

/**
 * OshEventProcessStarted:
 * @process: number of the program, unique in the run
 * @pid: its outer pid
 * @start_time: of that pid, in clock ticks since boot (field 22 of /proc/PID/stat)
 * @kind: "entrypoint" or "session"
 * @path: path of its executable
 * @more: (nullable): further details, for pack
 *
 * Retained for each @process, until #OshEventProcessExited.
 *
 * Since: 1.0
 */
#define OSH_EVENT_PROCESS_STARTED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                 \
    MEMBER(UINT64, process)                                                                        \
    MEMBER(UINT32, pid)                                                                            \
    MEMBER(UINT64, start_time)                                                                     \
    MEMBER(STRING, kind)                                                                           \
    MEMBER(STRING, path)

OSH_EVENT_DEFINE(PROCESS_STARTED, process_started, ProcessStarted)

/** OSH_TOPIC_PROCESS_EXITED: a program has ended. Published by the launcher. Since: 1.0 */
#define OSH_TOPIC_PROCESS_EXITED "openshell.process.exited/1"

/**
 * OshEventProcessExited:
 * @process: number of the program
 * @pid: its outer pid
 * @exit_code: its exit code, or -1
 * @signal_number: the signal that ended it, or 0
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_PROCESS_EXITED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, process)                                                                        \
    MEMBER(UINT32, pid)                                                                            \
    MEMBER(INT32, exit_code)                                                                       \
    MEMBER(INT32, signal_number)

OSH_EVENT_DEFINE(PROCESS_EXITED, process_exited, ProcessExited)

/** OSH_TOPIC_PROCESS_REFUSED: a program could not be launched, or a box not be made. Published by
 * the launcher. Since: 1.0 */
#define OSH_TOPIC_PROCESS_REFUSED "openshell.process.refused/1"

/**
 * OshEventProcessRefused:
 * @kind: "entrypoint", "session", or "box" for a box that could not be made
 * @path: path of the executable; empty for a box
 * @stage: what failed: "launch", or "open" for a box
 * @text: why
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_PROCESS_REFUSED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                 \
    MEMBER(STRING, kind)                                                                           \
    MEMBER(STRING, path)                                                                           \
    MEMBER(STRING, stage)                                                                          \
    MEMBER(STRING, text)

OSH_EVENT_DEFINE(PROCESS_REFUSED, process_refused, ProcessRefused)

/** OSH_TOPIC_PROCESS_VIOLATION: a process did what its box refuses. Published by the launcher.
 * Since: 1.0 */
#define OSH_TOPIC_PROCESS_VIOLATION "openshell.process.violation/1"

/**
 * OshEventProcessViolation:
 * @pid: outer pid, or 0 when it is not known
 * @kind: which protection refused it
 * @text: what it did
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_PROCESS_VIOLATION_MEMBERS(MEMBER, DETAIL, FLAGGED)                               \
    MEMBER(UINT32, pid)                                                                            \
    MEMBER(STRING, kind)                                                                           \
    MEMBER(STRING, text)

OSH_EVENT_DEFINE(PROCESS_VIOLATION, process_violation, ProcessViolation)

G_END_DECLS
