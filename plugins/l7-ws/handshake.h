/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h: the request that opens a WebSocket and the 101 that agrees to it (RFC 6455 section
 * 4), and what they leave for the messages. [shard]
 */
#pragma once

#include "extension.h"

#include <openshell/ext/draft/http-upgrade.h>

#include "osh-fact-copy.h"

G_BEGIN_DECLS

/**
 * WsHandshake: the state of an upgrade.
 * @accept: value that the server's Sec-WebSocket-Accept must have
 * @protocols: (array zero-terminated=1): that the client offers
 * @protocol: (nullable): the one that the server has chosen; one of @protocols
 * @offer: the extension that the client offers
 * @offer_text: of @offer, as it is sent
 * @edit: what becomes of Sec-WebSocket-Extensions
 * @n_edits: 1, or 0 where the request has no such field
 * @agreed: for the two directions, by #OshDirection
 * @facts: request.path and request.query, as far as the request has them
 */
typedef struct {
    char *accept;
    char **protocols;
    const char *protocol;
    WsOffer offer;
    GString *offer_text;
    OshL7Edit edit;
    guint n_edits;
    WsDeflateAgreed agreed[2];
    OshFactCopy facts;
} WsHandshake;

/** ws_handshake_new: Returns: (transfer full) (nullable): NULL with @error where @head asks for no
 * WebSocket, or not as it must. */
WsHandshake *ws_handshake_new(const OshHttpHead *head, GError **error);

/** ws_handshake_agree: Returns: FALSE with @error where the 101 in @head does not agree to what was
 * asked for. */
gboolean ws_handshake_agree(WsHandshake *handshake, const OshHttpHead *head, GError **error);

/** ws_handshake_free: @handshake: (transfer full) (nullable). */
void ws_handshake_free(WsHandshake *handshake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WsHandshake, ws_handshake_free)

G_END_DECLS
