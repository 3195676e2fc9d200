/* SPDX-License-Identifier: Apache-2.0 */
/*
 * l7-fixture.h: an inspected connection between real sockets, whose protocol plugin is the test's.
 *
 * The protocol is called "lines": a client sends lines, of which each is a message; what the server
 * sends belongs to none. A test that wants other actions sets its own feed.
 */
#pragma once

#include "network-fixture.h"

#include <openshell/ext/draft/l7-protocol.h>

G_BEGIN_DECLS

typedef struct _L7World L7World;
typedef struct _L7Session L7Session;

/** L7Feed: what feed of the protocol does; @world has the session. */
typedef gsize (*L7Feed)(L7World *world, const OshL7Input *input, OshL7Action *actions,
                        gint64 *ret_deadline);

/** L7Message: what is known of the message that the client's window begins with. */
typedef enum {
    L7_NOT_ASKED,
    L7_ASKED,
    L7_ALLOWED,
    L7_REFUSED,
} L7Message;

/**
 * L7Session: of the one connection of a world; freed by close.
 * @answers: how many there were
 * @reason: of the last refusal
 */
struct _L7Session {
    guint64 message;
    L7Message state;
    OshFact facts[2];
    OshL7Piece pieces[3];
    char *reason;
    guint32 status;
    guint answers;
    OshCallback wake;
    gpointer wake_data;
};

/**
 * L7World:
 * @feed: set before the client's first bytes
 * @session: (nullable): while it is open
 * @n_feeds: by #OshDirection
 * @last: the newest input of each direction; its window is not to be used
 * @step: for a feed of a test
 * @refuses_to_open: open fails
 * @host: what the client asks for; an address unless the test sets a name
 * @was_secure: the driver said so at open
 * @alpn: (nullable): likewise
 * @names: (array zero-terminated=1): the protocol's ALPN names
 * @vtable: the test may take functions away before the connection opens
 */
struct _L7World {
    OshFixture *fixture;
    OshL7ProtocolInterface vtable;
    OshNetworkProtocol protocol;
    L7Feed feed;
    L7Session *session;
    guint n_feeds[2];
    OshL7Input last[2];
    guint step;
    guint n_expired;
    guint n_closed;
    gboolean refuses_to_open;
    gboolean was_secure;
    char *alpn;
    char *names[3];
    const char *host;
    guint16 port;
    int server;
    int client;
    int upstream;
};

/** l7_world_new: a fixture whose policy names the protocol; change, then l7_world_open(). */
void l7_world_new(L7World *world);

/** l7_world_open: with a tunnel whose client has said nothing yet. */
void l7_world_open(L7World *world);

/** l7_world_begin: both, with @feed where it is not %NULL. */
void l7_world_begin(L7World *world, L7Feed feed);

/** l7_world_close: closes what is still open, and asserts that nothing is left. */
void l7_world_close(L7World *world);

/** l7_lines_feed: the protocol as the head of this file tells it. */
gsize l7_lines_feed(L7World *world, const OshL7Input *input, OshL7Action *actions,
                    gint64 *ret_deadline);

/** l7_more: Returns: 1, with MORE in @actions. */
gsize l7_more(OshL7Action *actions);

/** l7_ask: Fills @action with an ASK about a new message whose text is @text. */
void l7_ask(L7Session *session, OshL7Action *action, OshSpan text);

/** l7_bytes: Returns: a piece of @text. */
OshL7Piece l7_bytes(const char *text);

/** l7_assert_says: the payload of the newest event of @topic holds @text. */
void l7_assert_says(const L7World *world, OshTopic topic, const char *text);

/** l7_assert_closed: the connection ended for @reason. */
void l7_assert_closed(const L7World *world, const char *reason);

/** l7_small_buffers: the kernel keeps little of what @fd is sent and sends. */
void l7_small_buffers(int fd);

G_END_DECLS
