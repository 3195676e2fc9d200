/* SPDX-License-Identifier: Apache-2.0 */
/* forward-fixture.h: a client of plain HTTP and two servers, for unit tests. */
#pragma once

#include "network-fixture.h"

G_BEGIN_DECLS

/** ForwardWorld: %A in texts is the ADDRESS:PORT of the first server, %B of the second. */
typedef struct {
    OshFixture *fixture;
    int servers[2];
    guint16 ports[2];
    int client;
    int upstream;
} ForwardWorld;

#define GET(path) "GET http://%A" path " HTTP/1.1\r\nHost: %A\r\n\r\n"
#define GOT(path) "GET " path " HTTP/1.1\r\nHost: %A\r\nVia: 1.1 openshell-sandbox\r\n\r\n"
#define OK(text)  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" text

/** forward_take_fd: Returns: *@fd, which is -1 then (g_steal_fd() of a newer GLib). */
int forward_take_fd(int *fd);

/** forward_fill_in: Returns: (transfer full): @text with the servers that %A and %B stand for. */
char *forward_fill_in(const ForwardWorld *world, const char *text);

/** forward_begin: two servers, a client that has said nothing yet. */
void forward_begin(ForwardWorld *world);

/** forward_end: closes what is open, and asserts that nothing is left. */
void forward_end(ForwardWorld *world);

/** forward_say: the client sends @text. */
void forward_say(ForwardWorld *world, const char *text);

/** forward_hears: the server gets exactly @text. */
void forward_hears(ForwardWorld *world, const char *text);

/** forward_accepts: the next connection of @server is the upstream. */
void forward_accepts(ForwardWorld *world, guint server);

/** forward_answers: the server sends @text. */
void forward_answers(ForwardWorld *world, const char *text);

/** forward_gets: the client gets exactly @text. */
void forward_gets(ForwardWorld *world, const char *text);

/** forward_is_refused: a refusal: its status, and a connection that ends in good order. */
void forward_is_refused(ForwardWorld *world, const char *status);

/** forward_nothing_comes: nothing is there to read. */
void forward_nothing_comes(ForwardWorld *world, int fd);

/** forward_exchange: one exchange, on a new upstream connection or on the one that is there. */
void forward_exchange(ForwardWorld *world, gboolean is_new);

G_END_DECLS
