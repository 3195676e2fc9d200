/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept-fixture.h: an inspected connection by the real engine: the client trusts the authority
 * of the run, the engine trusts the root of the server, and peers are plain OpenSSL.
 */
#pragma once

#include "intercept.h"
#include "l7-fixture.h"
#include "tls-fixture.h"

G_BEGIN_DECLS

/** NAME: of the server. */
#define NAME "one.test"

/** Peer: one peer of ours: an SSL over a socket of the world. */
typedef struct {
    SSL *ssl;
    gboolean is_open;
    gboolean has_failed;
} Peer;

/** Legs: a world with an engine. */
typedef struct {
    L7World world;
    TlsFolder folder;
    TlsPair root;
    OshTlsEngine *engine;
    OshInterceptor interceptor;
    Peer client;
    Peer server;
} Legs;

/** legs_new: a world whose engine trusts @legs->root; change, then legs_open(). */
void legs_new(Legs *legs);

/** legs_open: the tunnel is there; nobody has said anything in it. The server has a certificate for
 * @name by @issuer, %NULL for the root that is trusted. */
void legs_open(Legs *legs, const char *name, const TlsPair *issuer);

/** legs_shake: until the client is through; the server as far as it comes. */
void legs_shake(Legs *legs);

/** legs_begin: all three, with both peers through. */
void legs_begin(Legs *legs);

/** legs_again: another connection, of which nobody has said anything, and which has no peers yet.
 */
void legs_again(Legs *legs);

/** legs_idle: Returns: whether no connection is left. */
gboolean legs_idle(const Legs *legs);

/** legs_close: frees everything, and asserts that nothing is left. */
void legs_close(Legs *legs);

/** legs_expect: @peer gets exactly @text. */
void legs_expect(Legs *legs, const Peer *peer, const char *text);

/** legs_read_all: @ret_error: %SSL_ERROR_ZERO_RETURN for an end in good order. Returns: (transfer
 * full): all that @peer gets until its end. */
char *legs_read_all(Legs *legs, const Peer *peer, int *ret_error);

/** peer_new: @context: (transfer full). */
Peer peer_new(SSL_CTX *context, int fd, gboolean serves);

/** peer_waits: Returns: whether @value, of a call on @peer, only says that it has to wait. */
gboolean peer_waits(const Peer *peer, int value);

/** peer_shake: Returns: whether it is through, in one way or the other. */
gboolean peer_shake(Peer *peer);

/** peer_say: sends @text. */
void peer_say(const Peer *peer, const char *text);

/** peer_hear: appends what there is. Returns: whether @length bytes have come, or an end. */
gboolean peer_hear(const Peer *peer, GString *got, gsize length, int *ret_error);

G_END_DECLS
