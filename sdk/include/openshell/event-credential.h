/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-credential.h: events about credentials. How structs, pack and unpack follow from the tables
 * of members: event-codec.h.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_CREDENTIAL_USED: a credential goes out on a connection. Published by the network
 * plugin. Since: 1.0 */
#define OSH_TOPIC_CREDENTIAL_USED "openshell.credential.used/1"

/**
 * OshEventCredentialUsed:
 * @connection: number of the connection
 * @provider: id of the plugin that has the credential
 * @name: name of the credential, never its value
 * @scope: what it was used for
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_CREDENTIAL_USED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                 \
    MEMBER(UINT64, connection)                                                                     \
    MEMBER(STRING, provider)                                                                       \
    MEMBER(STRING, name)                                                                           \
    MEMBER(STRING, scope)

OSH_EVENT_DEFINE(CREDENTIAL_USED, credential_used, CredentialUsed)

G_END_DECLS
