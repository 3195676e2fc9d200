/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws-fixture.h: the plugin with the strict driver of the harness, for its unit tests, and a reader
 * of frames of the test's own. Never part of the plugin.
 */
#pragma once

#include <openshell/plugin.h>

#include "osh-fake-host.h"
#include "osh-l7-harness.h"
#include "ws.h"

G_BEGIN_DECLS

#define WS_RANDOM_RUNS 20

/**
 * WsFixture: a WebSocket on /chat?room=1 whose request was allowed; the policy allows everything.
 * @extensions: (nullable): what the server agrees to, of an offer that allows everything
 * @subprotocol: (nullable): that the server chooses
 * @edge: the vtable that opens a session as the driver does, by a request and a 101
 */
typedef struct {
    OshFakeHost *host;
    WsPlugin *plugin;
    OshInterface protocol;
    OshInterface upgrade;
    OshInterface opened;
    OshL7ProtocolInterface edge;
    OshL7Harness *harness;
    const char *extensions;
    const char *subprotocol;
} WsFixture;

/** ws_fixture_set_up: for g_test_add(). */
void ws_fixture_set_up(WsFixture *fixture, gconstpointer data);

/** ws_fixture_tear_down: likewise. */
void ws_fixture_tear_down(WsFixture *fixture, gconstpointer data);

/** ws_fixture_again: a new harness on the same plugin. */
void ws_fixture_again(WsFixture *fixture);

/** ws_fixture_run: runs all splits. Returns: (transfer full): their outcome. */
OshL7Outcome *ws_fixture_run(WsFixture *fixture);

/** ws_fixture_client: a frame of the client. @length: or -1 up to the NUL. */
void ws_fixture_client(WsFixture *fixture, guint first_byte, const char *payload, gssize length);

/** ws_fixture_server: a frame of the server. */
void ws_fixture_server(WsFixture *fixture, guint first_byte, const char *payload, gssize length);

/** ws_fixture_frame: appends a frame; masked by WS_FIXTURE_KEY where @masked. */
void ws_fixture_frame(GString *to, guint first_byte, gboolean masked, const char *payload,
                      gsize length);

/** ws_fixture_read: reads @bytes, frames of one direction. Returns: (transfer full): a line for
 * each frame: `text "…"`, `continued`, `close 1002 "…"`; `*` behind the type says that it is not
 * final,
 * `!` that RSV1 is set; payload with bytes that do not print as \\xHH. */
char *ws_fixture_read(const GString *bytes);

/** ws_fixture_deflate: Returns: (transfer full): @text, compressed by @stream as one message. */
GByteArray *ws_fixture_deflate(z_stream *stream, const char *text, gsize length);

/** ws_fixture_deflater: a stream for ws_fixture_deflate(), to be ended by deflateEnd(). */
void ws_fixture_deflater(z_stream *stream);

#define WS_FIXTURE_KEY "\x37\xfa\x21\x3d"
/** Key of frames that the plugin makes. */
#define WS_FIXTURE_OWN_KEY "\x01\x02\x03\x04"

#define TEXT   0x81
#define BINARY 0x82
#define CLOSE  0x88
#define PING   0x89
#define PONG   0x8a
#define RSV1   0x40
#define FIN    0x80

G_END_DECLS
