/* SPDX-License-Identifier: Apache-2.0 */
/* refusal-words.h: what a person is told of a packet that a box's ruleset refused. [any] */
#pragma once

#include "nflog.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshRefusal:
 * @host: (transfer full): the destination address
 * @port: 0 where the protocol has none
 * @protocol: such as "udp"; static
 * @reason: (transfer full): one clause
 * @hint: what to do next; static
 * @uid: owner of the socket, or %OSH_NFLOG_NO_UID
 */
typedef struct {
    char *host;
    guint16 port;
    const char *protocol;
    char *reason;
    const char *hint;
    guint32 uid;
} OshRefusal;

/**
 * osh_refusal_describe:
 * @packet: what was refused
 * @network_served: whether anything at all may leave the box
 * @ret_refusal: (out): cleared with osh_refusal_clear()
 */
void osh_refusal_describe(const OshRefusedPacket *packet, gboolean network_served,
                          OshRefusal *ret_refusal);

/** osh_refusal_clear: frees what is inside. */
void osh_refusal_clear(OshRefusal *refusal);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshRefusal, osh_refusal_clear)

G_END_DECLS
