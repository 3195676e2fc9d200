/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client-hello.h: the first message of a TLS client, read but not consumed.
 *
 * RFC 8446 section 4.1.2 for TLS 1.3, RFC 5246 section 7.4.1.2 for TLS 1.2. The message may be
 * spread over several records (RFC 8446 section 5.1), and each record over several reads. Nothing
 * is believed of it: the name that it states is compared with the one that was judged (security
 * rule 7, names of destinations).
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** OSH_CLIENT_HELLO_SIZE: a longer message is malformed; browsers send less than 2 KiB. */
#define OSH_CLIENT_HELLO_SIZE 16384
/** OSH_CLIENT_HELLO_PEEK: bytes within which the whole message stands, with its record headers. */
#define OSH_CLIENT_HELLO_PEEK (2 * OSH_CLIENT_HELLO_SIZE)
/** OSH_CLIENT_HELLO_PROTOCOLS: ALPN names that are kept. */
#define OSH_CLIENT_HELLO_PROTOCOLS 16

/**
 * OshClientHelloResult:
 * @OSH_CLIENT_HELLO_NEED_MORE: so far it is one
 * @OSH_CLIENT_HELLO_OTHER: the first bytes are not TLS
 * @OSH_CLIENT_HELLO_MALFORMED: TLS, but no ClientHello that a server would take
 * @OSH_CLIENT_HELLO_COMPLETE: all of it is there
 */
typedef enum {
    OSH_CLIENT_HELLO_NEED_MORE,
    OSH_CLIENT_HELLO_OTHER,
    OSH_CLIENT_HELLO_MALFORMED,
    OSH_CLIENT_HELLO_COMPLETE,
} OshClientHelloResult;

/**
 * OshClientHello:
 * @name: server_name (RFC 6066 section 3) in lower case without a trailing dot; "" for none
 * @protocols: (array length=n_protocols): ALPN (RFC 7301) in the client's order; point into
 * @message
 * @has_alpn: the extension is there
 * @encrypted: it carries encrypted_client_hello (RFC 9849): @name may be a public one in front
 * @may_be_retried: it offers TLS 1.3 or later, whose servers may ask for another ClientHello (RFC
 *   8446 section 4.1.4)
 * @size: bytes of the records in which it stands
 * @message: the handshake message
 * @length: of @message
 */
typedef struct {
    char name[256];
    OshSpan protocols[OSH_CLIENT_HELLO_PROTOCOLS];
    guint n_protocols;
    gboolean has_alpn;
    gboolean encrypted;
    gboolean may_be_retried;
    gsize size;
    guint8 message[OSH_CLIENT_HELLO_SIZE];
    gsize length;
} OshClientHello;

/**
 * osh_client_hello_parse:
 * @bytes: (array length=length): what the client has sent so far, from its first byte on
 * @hello: (out caller-allocates): valid with %OSH_CLIENT_HELLO_COMPLETE alone
 *
 * [any] Pure. Called again with more bytes, it begins from the start.
 *
 * Returns: what @bytes are
 */
OshClientHelloResult osh_client_hello_parse(const guint8 *bytes, gsize length,
                                            OshClientHello *hello);

G_END_DECLS
