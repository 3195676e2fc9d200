/* SPDX-License-Identifier: Apache-2.0 */
/*
 * second-hello.h: a server of TLS 1.3 may ask for another ClientHello (HelloRetryRequest, RFC 8446
 * section 4.1.4), and some take the name in that one. [shard]
 *
 * Where TLS is left alone, the step sends the first ClientHello and looks at what the server begins
 * with; the second one is judged as the first. Every other answer goes to the tunnel at once.
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** osh_second_hello_expect: @connection begins by a ClientHello of @size bytes, which is still in
 * its socket or behind the request head, and has been looked at. */
void osh_second_hello_expect(OshConnection *connection, gsize size);

/** osh_second_hello_run: #OshStep.run of %OSH_STEP_SECOND_HELLO: %OSH_FLOW_NEXT for a connection of
 * which none is expected. */
OshFlow osh_second_hello_run(OshConnection *connection);

/** osh_second_hello_expire: #OshStep.expire. */
OshFlow osh_second_hello_expire(OshConnection *connection);

/** osh_second_hello_client: #OshStep.client. */
OshFlow osh_second_hello_client(OshConnection *connection, guint32 events);

/** osh_second_hello_upstream: #OshStep.upstream. */
OshFlow osh_second_hello_upstream(OshConnection *connection, int fd, guint32 events);

/** osh_second_hello_clear: #OshStep.clear. */
void osh_second_hello_clear(OshConnection *connection);

G_END_DECLS
