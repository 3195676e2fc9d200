/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extension.h: Sec-WebSocket-Extensions: what is offered, and what was agreed to. [any]
 *
 * permessage-deflate (RFC 7692) is the only extension whose frames are understood here, so it is
 * the only one that may be offered.
 */
#pragma once

#include "deflate.h"

#include <openshell/ext/draft/l7-protocol.h>

G_BEGIN_DECLS

/**
 * WsOffer: parameters of permessage-deflate (RFC 7692 section 7.1), of an offer or of an answer.
 * @is_on: it is offered, or agreed to
 * @server_resets: server_no_context_takeover
 * @client_resets: client_no_context_takeover
 * @server_window_bits: of server_max_window_bits; 0 where that is absent
 * @client_window_bits: likewise; of an offer without a value 15
 */
typedef struct {
    gboolean is_on;
    gboolean server_resets;
    gboolean client_resets;
    guint server_window_bits;
    guint client_window_bits;
} WsOffer;

/** ws_offer_read: the first offer of permessage-deflate in @value, a list of extensions, that is
 * well formed. Others are passed over. Returns: whether there is one. */
gboolean ws_offer_read(OshSpan value, WsOffer *offer);

/** ws_offer_text: appends the offer as it is sent on: what the client offered, in one spelling. */
void ws_offer_text(const WsOffer *offer, GString *text);

/** ws_answer_read: @value: of the server's field; must agree to @offer and nothing else. @agreed:
 * (out): for the two directions, by #OshDirection. Returns: FALSE where it does not. */
gboolean ws_answer_read(OshSpan value, const WsOffer *offer, WsDeflateAgreed agreed[2]);

/** ws_next_element: cuts the next element, without the blanks round it, off a list separated by
 * @separator, which does not count inside quotes. Returns: FALSE when nothing is left. */
gboolean ws_next_element(OshSpan *list, char separator, OshSpan *ret_element);

/** ws_is_token: Returns: whether @text is a token (RFC 9110 section 5.6.2). */
gboolean ws_is_token(OshSpan text);

/** ws_equals: without regard to letter case. */
gboolean ws_equals(OshSpan text, const char *word);

G_END_DECLS
