/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtual-fixture.h: a client of a virtual host whose plugin is the test's, between real sockets.
 *
 * The protocol session between them asks once and passes everything, so that a test sees the bytes
 * of both sides as they are.
 */
#pragma once

#include "l7-fixture.h"

#include <openshell/ext/draft/virtual-host.h>

G_BEGIN_DECLS

#define VIRTUAL_NAME "echo.internal"

typedef struct _VirtualWorld VirtualWorld;

/** VirtualAct: what a function of the plugin does, after it has been counted. */
typedef void (*VirtualAct)(VirtualWorld *world);

/**
 * VirtualWorld:
 * @request: (nullable): in request()
 * @body_ended: (nullable): in body() with the last bytes
 * @answered: (nullable): in response_head(), after @status was set
 * @drained: (nullable): likewise
 * @fails: request() returns NULL; @error_text (nullable) is its error
 * @passes_on: response_head() and response_chunk() answer with what they got
 * @in_failed: (nullable): in failed(), which then returns @goes_on
 * @in_aborted: (nullable): likewise
 * @reply: of the newest request
 * @seen: a line for each call of the plugin
 * @body: of the newest request, or of the forward's response
 * @is_open: between request() and close()
 * @n_requests: how many there were
 * @refused: what respond_head, respond_body or forward has last returned was FALSE
 */
struct _VirtualWorld {
    L7World l7;
    OshFixture *fixture;
    GHashTable *hosts;
    OshVirtualHost host;
    OshVirtualHostInterface vtable;
    VirtualAct request;
    VirtualAct body_ended;
    VirtualAct answered;
    VirtualAct drained;
    VirtualAct in_failed;
    VirtualAct in_aborted;
    gboolean fails;
    const char *error_text;
    gboolean passes_on;
    gboolean goes_on;
    guint64 body_limit;
    const OshVirtualReply *reply;
    GString *seen;
    GString *body;
    guint32 status;
    int error_code;
    gboolean is_open;
    gboolean refused;
    guint n_requests;
    guint n_drained;
    guint n_chunks;
    int client;
};

/** virtual_world_new: change, then virtual_world_open(). */
void virtual_world_new(VirtualWorld *world);

/** virtual_world_open: a tunnel to the virtual host, on which nothing was said yet. */
void virtual_world_open(VirtualWorld *world);

/** virtual_world_close: closes what is open, and asserts that nothing is left. */
void virtual_world_close(VirtualWorld *world);

/** virtual_ask: sends a GET of @target. */
void virtual_ask(VirtualWorld *world, const char *target);

/** virtual_say: sends @text as it is. */
void virtual_say(VirtualWorld *world, const char *text);

/** virtual_expect: reads exactly @text. */
void virtual_expect(VirtualWorld *world, const char *text);

/** virtual_expect_in: reads to the end of the connection; @text is in it. Closes the client. */
void virtual_expect_in(VirtualWorld *world, const char *text);

/** virtual_expect_broken: reads to the end, which must be a reset, or a 502 before anything else.
 */
void virtual_expect_broken(VirtualWorld *world);

/** virtual_expect_seen: turns until the calls of the plugin were these. */
void virtual_expect_seen(VirtualWorld *world, const char *lines);

G_END_DECLS
