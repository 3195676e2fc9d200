/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-l7.h: events about the messages of an inspected connection. How structs, pack and unpack
 * follow from the tables of members: event-codec.h.
 *
 * Each message that a protocol plugin asks about becomes one allowed or one denied event, the same
 * for every protocol: what was done to what is in its action and its target, which are the facts
 * that the manifest's [protocol] names. Neither holds a query value, a secret, nor a fact that the
 * manifest declares sensitive.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_L7_ALLOWED: a message is allowed; published before it is answered, with a reservation.
 * Published by the network plugin. Since: 1.0 */
#define OSH_TOPIC_L7_ALLOWED "openshell.l7.allowed/1"

/**
 * OshEventL7Allowed:
 * @connection: number of the connection
 * @message: number of the message on it
 * @protocol: a value of `protocol:` in the policy
 * @action: what was to be done, for example "GET"; empty when the protocol names no such fact
 * @target: to what, for example a path; empty when the protocol names no such fact
 * @host: where it goes
 * @port: port of @host
 * @binary: who asked
 * @policy: name of the policy entry
 * @rule: name of its rule
 * @generation: of the policy that decided
 * @pid: outer pid, or 0
 * @audited: TRUE when the policy denies it and that was only audited
 * @reason: (nullable): why the policy denies it
 * @middleware: (nullable): what the policy's middlewares did beside allowing it: which one changed
 *   it, which one failed and was passed over
 * @tls: TRUE when the client speaks TLS, which is decrypted
 * @calls: (nullable): what the content asks for: methods of JSON-RPC, with the name of an MCP tool
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_L7_ALLOWED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                      \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(UINT64, message)                                                                        \
    MEMBER(STRING, protocol)                                                                       \
    MEMBER(STRING, action)                                                                         \
    MEMBER(STRING, target)                                                                         \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, binary)                                                                         \
    MEMBER(STRING, policy)                                                                         \
    MEMBER(STRING, rule)                                                                           \
    MEMBER(UINT64, generation)                                                                     \
    DETAIL(UINT32, pid, "pid")                                                                     \
    DETAIL(BOOLEAN, audited, "audited")                                                            \
    DETAIL(STRING, reason, "reason")                                                               \
    DETAIL(STRING, middleware, "middleware")                                                       \
    DETAIL(BOOLEAN, tls, "tls")                                                                    \
    DETAIL(STRING, calls, "calls")

OSH_EVENT_DEFINE(L7_ALLOWED, l7_allowed, L7Allowed)

/** OSH_TOPIC_L7_DENIED: a message is refused. Published by the network plugin. Since: 1.0 */
#define OSH_TOPIC_L7_DENIED "openshell.l7.denied/1"

/**
 * OshEventL7Denied:
 * @connection: number of the connection
 * @message: number of the message on it, or 0 for the connection as a whole
 * @layer: what refused it: "policy", "protocol" (malformed, or longer than its window), "content"
 *   (an inspector or middleware), "credential", "upgrade" or "audit" (no capacity for the record)
 * @protocol: a value of `protocol:` in the policy
 * @action: what was to be done; empty when it is not known
 * @target: to what; empty when it is not known
 * @host: where it was to go
 * @port: port of @host
 * @binary: who asked
 * @policy: name of the policy entry, empty when none matched
 * @reason: why
 * @generation: of the policy that decided
 * @pid: outer pid, or 0
 * @hint: (nullable): what to do about it
 * @ends_connection: TRUE when the connection is closed with it
 * @control: (nullable): which control refused it, as in #OshEventNetworkDenied
 * @tls: TRUE when the client speaks TLS, which is decrypted
 * @calls: (nullable): what the content asked for, as in #OshEventL7Allowed
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_L7_DENIED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                       \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(UINT64, message)                                                                        \
    MEMBER(STRING, layer)                                                                          \
    MEMBER(STRING, protocol)                                                                       \
    MEMBER(STRING, action)                                                                         \
    MEMBER(STRING, target)                                                                         \
    MEMBER(STRING, host)                                                                           \
    MEMBER(UINT16, port)                                                                           \
    MEMBER(STRING, binary)                                                                         \
    MEMBER(STRING, policy)                                                                         \
    MEMBER(STRING, reason)                                                                         \
    MEMBER(UINT64, generation)                                                                     \
    DETAIL(UINT32, pid, "pid")                                                                     \
    DETAIL(STRING, hint, "hint")                                                                   \
    DETAIL(BOOLEAN, ends_connection, "ends-connection")                                            \
    DETAIL(STRING, control, "control")                                                             \
    DETAIL(BOOLEAN, tls, "tls")                                                                    \
    DETAIL(STRING, calls, "calls")

OSH_EVENT_DEFINE(L7_DENIED, l7_denied, L7Denied)

/** OSH_TOPIC_L7_RESPONSE: an allowed message is over. Published by the network plugin. Since: 1.0
 */
#define OSH_TOPIC_L7_RESPONSE "openshell.l7.response/1"

/**
 * OshEventL7Response:
 * @connection: number of the connection
 * @message: number of the message on it
 * @status: of the response, in the protocol's numbers, or 0
 * @bytes: of the response
 * @middleware: (nullable): what middlewares did to it beside letting it pass, as in
 *   #OshEventL7Allowed
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_L7_RESPONSE_MEMBERS(MEMBER, DETAIL, FLAGGED)                                     \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(UINT64, message)                                                                        \
    MEMBER(UINT32, status)                                                                         \
    MEMBER(UINT64, bytes)                                                                          \
    DETAIL(STRING, middleware, "middleware")

OSH_EVENT_DEFINE(L7_RESPONSE, l7_response, L7Response)

G_END_DECLS
