/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks-message.h: what a client of SOCKS version 5 says (RFC 1928).
 *
 * Pure functions over what has arrived so far; [any]. One method is served, no authentication, and
 * one command, CONNECT: the program is known by its connection, and datagrams leave no box.
 */
#pragma once

#include "osh-authority.h"

G_BEGIN_DECLS

/** OSH_SOCKS_VERSION: the first byte of every message. */
#define OSH_SOCKS_VERSION 5
/** OSH_SOCKS_REPLY_SIZE: bytes of a reply, which always has an IPv4 address. */
#define OSH_SOCKS_REPLY_SIZE 10

/** OSH_SOCKS_NO_METHOD: answer to a greeting without a method that is served (section 3). */
#define OSH_SOCKS_NO_METHOD 0xff

/** OshSocksReply: RFC 1928 section 6. */
typedef enum {
    OSH_SOCKS_SUCCEEDED = 0,
    OSH_SOCKS_GENERAL_FAILURE = 1,
    OSH_SOCKS_NOT_ALLOWED = 2,
    OSH_SOCKS_HOST_UNREACHABLE = 4,
    OSH_SOCKS_CONNECTION_REFUSED = 5,
    OSH_SOCKS_TIMEOUT = 6,
    OSH_SOCKS_COMMAND_NOT_SUPPORTED = 7,
    OSH_SOCKS_ADDRESS_NOT_SUPPORTED = 8,
} OshSocksReply;

/**
 * OshSocksResult:
 * @OSH_SOCKS_NEED_MORE: so far it is one
 * @OSH_SOCKS_REJECTED: it is none, or none that is served
 * @OSH_SOCKS_COMPLETE: all of it is there
 */
typedef enum {
    OSH_SOCKS_NEED_MORE,
    OSH_SOCKS_REJECTED,
    OSH_SOCKS_COMPLETE,
} OshSocksResult;

/**
 * OshSocksRequest:
 * @size: bytes of the request
 * @destination: where the client wants to go
 * @reply: of a rejected request
 * @problem: (nullable): of a rejected request, in words; constant
 */
typedef struct {
    gsize size;
    OshAuthority destination;
    OshSocksReply reply;
    const char *problem;
} OshSocksRequest;

/**
 * osh_socks_greeting_parse:
 * @ret_size: (out): bytes of the greeting
 *
 * Returns: %OSH_SOCKS_REJECTED when the client does not offer to go without authentication
 */
OshSocksResult osh_socks_greeting_parse(const guint8 *bytes, gsize length, gsize *ret_size);

/** osh_socks_request_parse: @ret_request: (out caller-allocates). */
OshSocksResult osh_socks_request_parse(const guint8 *bytes, gsize length,
                                       OshSocksRequest *ret_request);

/** osh_socks_reply_make: a reply with the unspecified address. */
void osh_socks_reply_make(OshSocksReply reply, guint8 ret_bytes[OSH_SOCKS_REPLY_SIZE]);

G_END_DECLS
