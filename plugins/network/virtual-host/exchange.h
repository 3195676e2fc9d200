/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h: one request to a virtual host, and its answer. [shard]
 *
 * The functions of the plugin's reply are here. None of them calls the plugin.
 */
#pragma once

#include "origin.h"

#include <openshell/ext/draft/virtual-host.h>

G_BEGIN_DECLS

/**
 * OshExchangeEnd:
 * @OSH_EXCHANGE_OPEN: goes on
 * @OSH_EXCHANGE_COMPLETE: request and answer are complete
 * @OSH_EXCHANGE_REFUSED: the data plane answers: osh_virtual_exchange_problem()
 * @OSH_EXCHANGE_CUT: the answer broke off
 */
typedef enum {
    OSH_EXCHANGE_OPEN,
    OSH_EXCHANGE_COMPLETE,
    OSH_EXCHANGE_REFUSED,
    OSH_EXCHANGE_CUT,
} OshExchangeEnd;

/** OshExchangeProblem: what the data plane answers in the plugin's place. */
typedef struct {
    guint status;
    const char *error;
    char *detail;
} OshExchangeProblem;

/**
 * osh_virtual_exchange_new:
 * @head: of the request, complete
 * @window: where it stands
 *
 * Calls the plugin's request().
 *
 * Returns: (transfer full): an exchange, perhaps one that is over
 */
OshVirtualExchange *osh_virtual_exchange_new(OshVirtualOrigin *origin, const OshHttp1Head *head,
                                             const guint8 *window);

/** osh_virtual_exchange_free: @exchange: (transfer full) (nullable): calls the plugin's close(). */
void osh_virtual_exchange_free(OshVirtualExchange *exchange);

/** osh_virtual_exchange_body: the next bytes of the request. */
void osh_virtual_exchange_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last);

/** osh_virtual_exchange_body_total: @total: bytes of the body so far, or as announced. Returns:
 * FALSE when that is more than the plugin takes. */
gboolean osh_virtual_exchange_body_total(OshVirtualExchange *exchange, guint64 total);

/** osh_virtual_exchange_settle: writes a head that waited for its first bytes. Returns: how the
 * exchange stands. */
OshExchangeEnd osh_virtual_exchange_settle(OshVirtualExchange *exchange);

/** osh_virtual_exchange_drained: the client has taken bytes. */
void osh_virtual_exchange_drained(OshVirtualExchange *exchange);

/** osh_virtual_exchange_problem: Returns: (transfer none): after %OSH_EXCHANGE_REFUSED. */
const OshExchangeProblem *osh_virtual_exchange_problem(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_closes: Returns: whether no request follows this one. */
gboolean osh_virtual_exchange_closes(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_ends_by_close: Returns: whether the end of the connection is the only end
 * of the answer (RFC 9112 section 6.3), so that a cut needs a reset. */
gboolean osh_virtual_exchange_ends_by_close(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_give_up: the data plane answers, or cuts what was begun. @error: constant.
 */
void osh_virtual_exchange_give_up(OshVirtualExchange *exchange, guint status, const char *error,
                                  const char *detail);

/** osh_virtual_exchange_cut: the answer broke off. */
void osh_virtual_exchange_cut(OshVirtualExchange *exchange);

/** osh_virtual_exchange_phrase: Returns: (transfer none): the reason phrase of @status, or "". */
const char *osh_virtual_exchange_phrase(guint32 status);

/* --- For forward.c -----------------------------------------------------------------------------
 */

/** osh_virtual_exchange_origin: Returns: (transfer none): its origin. */
OshVirtualOrigin *osh_virtual_exchange_origin(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_host: Returns: (transfer none): who answers. */
const OshVirtualHost *osh_virtual_exchange_host(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_request: Returns: (transfer none): the plugin's object. */
gpointer osh_virtual_exchange_request(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_target: Returns: (transfer none): the request target of the client. */
const char *osh_virtual_exchange_target(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_has_answer: Returns: whether the plugin has given a response head. */
gboolean osh_virtual_exchange_has_answer(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_is_answered: Returns: whether its answer is complete, or was cut. */
gboolean osh_virtual_exchange_is_answered(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_is_forwarding: Returns: whether a forward is under way. */
gboolean osh_virtual_exchange_is_forwarding(const OshVirtualExchange *exchange);

/** osh_virtual_exchange_has_capacity: Returns: whether a chunk and what a plugin adds to it fit. */
gboolean osh_virtual_exchange_has_capacity(const OshVirtualExchange *exchange);

G_END_DECLS
