/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-network.h: events about connections. How structs, pack and unpack follow from the tables of
 * members: event-codec.h.
 *
 * Members that are the same everywhere: a connection is a number that is unique in the run, 0 where
 * there is none (a DNS query, a refused packet); a host is a name or an address without brackets; a
 * binary is the path of the executable as the box sees it, empty or "-" when it is not known. Never
 * a query, a header or a byte of a body.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_NETWORK_ALLOWED: a connection is allowed; published before it is dialled, with a
 * reservation. Published by the network plugin. Since: 1.0 */
#define OSH_TOPIC_NETWORK_ALLOWED "openshell.network.allowed/1"

/**
 * OshEventNetworkAllowed:
 * @connection: number of the connection
 * @host: where it goes
 * @port: port of @host
 * @transport: "connect", "forward", "transparent" or "socks"; "virtual-host" for a destination
 *   that the plugin of a virtual host forwards a request of @connection to: @policy is empty, and
 *   @rule names the plugin
 * @binary: who asked
 * @policy: name of the policy entry
 * @rule: name of its rule
 * @generation: of the policy that decided
 * @pid: outer pid, or 0
 * @address: (nullable): address it goes to, where that is known already
 * @audited: TRUE when the policy denies it and that was only audited
 * @reason: (nullable): why the policy denies it
 * @uninspected: (nullable): name of a middleware of the policy that selects @host and lets it pass
 *   although it cannot inspect it
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_ALLOWED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                 \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, transport)                                                                      \
    MEMBER(STRING, binary)                                                                         \
    MEMBER(STRING, policy)                                                                         \
    MEMBER(STRING, rule)                                                                           \
    MEMBER(UINT64, generation)                                                                     \
    DETAIL(UINT32, pid, "pid")                                                                     \
    DETAIL(STRING, address, "address")                                                             \
    DETAIL(BOOLEAN, audited, "audited")                                                            \
    DETAIL(STRING, reason, "reason")                                                               \
    DETAIL(STRING, uninspected, "uninspected")

OSH_EVENT_DEFINE(NETWORK_ALLOWED, network_allowed, NetworkAllowed)

/** OSH_TOPIC_NETWORK_DENIED: a connection, a DNS query or a packet is refused. Published by the
 * network plugin and the launcher. Since: 1.0 */
#define OSH_TOPIC_NETWORK_DENIED "openshell.network.denied/1"

/**
 * OshEventNetworkDenied:
 * @connection: number of the connection, or 0
 * @layer: what refused it: "identity", "connect", "forward", "transparent", "socks", "dns",
 *   "destination", "audit", "capture", "limit", "head", "name", "tls", "virtual-host" or
 *   "credential"
 * @host: where it was to go
 * @port: port of @host, or 0
 * @binary: who asked
 * @policy: name of the policy entry, empty when none matched
 * @reason: why
 * @generation: of the policy that decided
 * @pid: outer pid, or 0
 * @address: (nullable): address that was refused
 * @hint: (nullable): what to do about it
 * @packets: of layer "capture": how many packets this stands for
 * @protocol: (nullable): of layer "capture": protocol of the packet
 * @has_uid: whether @uid is known
 * @uid: of layer "capture": user of the socket
 * @problem: (nullable): why the process is not known
 * @control: (nullable): which control refused it: "identity", "policy", "destination", "authority",
 *   "framing", "credential", "audit", "reload" or "limit"
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_DENIED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, layer)                                                                          \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, binary)                                                                         \
    MEMBER(STRING, policy)                                                                         \
    MEMBER(STRING, reason)                                                                         \
    MEMBER(UINT64, generation)                                                                     \
    DETAIL(UINT32, pid, "pid")                                                                     \
    DETAIL(STRING, address, "address")                                                             \
    DETAIL(STRING, hint, "hint")                                                                   \
    DETAIL(UINT64, packets, "packets")                                                             \
    DETAIL(STRING, protocol, "protocol")                                                           \
    FLAGGED(UINT32, uid, "uid")                                                                    \
    DETAIL(STRING, problem, "problem")                                                             \
    DETAIL(STRING, control, "control")

OSH_EVENT_DEFINE(NETWORK_DENIED, network_denied, NetworkDenied)

/** OSH_TOPIC_NETWORK_FAILED: an allowed connection failed, which is never called a denial.
 * Published by the network plugin. Since: 1.0 */
#define OSH_TOPIC_NETWORK_FAILED "openshell.network.failed/1"

/**
 * OshEventNetworkFailed:
 * @connection: number of the connection
 * @stage: what failed: "resolve", "connect", "timeout", "tls", "relay" or "stop"
 * @host: where it was to go
 * @port: port of @host
 * @text: what happened
 * @binary: (nullable): who asked
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_FAILED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, stage)                                                                          \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, text)                                                                           \
    DETAIL(STRING, binary, "binary")

OSH_EVENT_DEFINE(NETWORK_FAILED, network_failed, NetworkFailed)

/** OSH_TOPIC_NETWORK_NOTICE: something about the connections of a program that its user has to know
 * or to change; once for each kind and program in a run. Published by the network plugin. Since:
 * 1.0 */
#define OSH_TOPIC_NETWORK_NOTICE "openshell.network.notice/1"

/**
 * OshEventNetworkNotice:
 * @connection: number of the connection at which it was noticed
 * @kind: "certificate-refused": the program does not trust the certificate authority of the run, or
 *   expects one certificate alone; its connections fail, and no "failed" event says so.
 *   "encrypted-client-hello": it hides the name that it asks for in TLS that is not inspected.
 *   "uninspected": a middleware of the policy cannot inspect what it speaks, which the policy lets
 *   pass
 * @host: where that connection goes
 * @port: port of @host
 * @binary: which program, empty when it is not known
 * @text: what was noticed
 * @pid: outer pid, or 0
 * @has_alert: whether @alert is known
 * @alert: of kind "certificate-refused": number of the TLS alert (RFC 8446 section 6)
 * @hint: (nullable): what to do about it
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_NOTICE_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, kind)                                                                           \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, binary)                                                                         \
    MEMBER(STRING, text)                                                                           \
    DETAIL(UINT32, pid, "pid")                                                                     \
    FLAGGED(UINT32, alert, "alert")                                                                \
    DETAIL(STRING, hint, "hint")

OSH_EVENT_DEFINE(NETWORK_NOTICE, network_notice, NetworkNotice)

/** OSH_TOPIC_NETWORK_OPENED: an allowed connection is dialled and open. Published by the network
 * plugin. Since: 1.0 */
#define OSH_TOPIC_NETWORK_OPENED "openshell.network.opened/1"

/**
 * OshEventNetworkOpened:
 * @connection: number of the connection
 * @host: where it goes
 * @port: port of @host
 * @address: address that was dialled; empty for a virtual host
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_OPENED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, address)

OSH_EVENT_DEFINE(NETWORK_OPENED, network_opened, NetworkOpened)

/** OSH_TOPIC_NETWORK_CLOSED: a connection that was opened is closed. Published by the network
 * plugin. Since: 1.0 */
#define OSH_TOPIC_NETWORK_CLOSED "openshell.network.closed/1"

/**
 * OshEventNetworkClosed:
 * @connection: number of the connection
 * @bytes_up: from the client to the server
 * @bytes_down: from the server to the client
 * @duration: since it was opened, microseconds
 * @reason: why
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_NETWORK_CLOSED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                  \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(UINT64, bytes_up)                                                                       \
    MEMBER(UINT64, bytes_down)                                                                     \
    MEMBER(INT64, duration)                                                                        \
    MEMBER(STRING, reason)

OSH_EVENT_DEFINE(NETWORK_CLOSED, network_closed, NetworkClosed)

G_END_DECLS
