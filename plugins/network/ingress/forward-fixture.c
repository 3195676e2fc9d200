/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of plain HTTP and its servers say, in unit tests. */
#include "forward-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* g_steal_fd() of a newer GLib. */
int
forward_take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

char *
forward_fill_in(const ForwardWorld *world, const char *text)
{
    g_autofree char *first = g_strdup_printf(OSH_FIXTURE_OTHER ":%u", world->ports[0]);
    g_autofree char *second = g_strdup_printf(OSH_FIXTURE_ADDRESS ":%u", world->ports[1]);
    g_autoptr(GString) filled = g_string_new(text);

    g_string_replace(filled, "%A", first, 0);
    g_string_replace(filled, "%B", second, 0);
    return g_string_free(g_steal_pointer(&filled), FALSE);
}

void
forward_begin(ForwardWorld *world)
{
    world->fixture = osh_fixture_new();
    osh_fixture_start(world->fixture);
    world->servers[0] = osh_fixture_serve(OSH_FIXTURE_OTHER, &world->ports[0]);
    world->servers[1] = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &world->ports[1]);
    world->client = osh_fixture_client(world->fixture);
    world->upstream = -1;
}

void
forward_end(ForwardWorld *world)
{
    if (world->client >= 0)
        close(world->client);
    if (world->upstream >= 0)
        close(world->upstream);
    osh_fixture_settle(world->fixture);
    for (guint i = 0; i < 2; i++)
        close(world->servers[i]);
    osh_fixture_free(world->fixture);
}

void
forward_say(ForwardWorld *world, const char *text)
{
    g_autofree char *filled = forward_fill_in(world, text);

    osh_fixture_send(world->client, filled);
}

void
forward_hears(ForwardWorld *world, const char *text)
{
    g_autofree char *filled = forward_fill_in(world, text);

    osh_fixture_expect(world->fixture, world->upstream, filled);
}

void
forward_accepts(ForwardWorld *world, guint server)
{
    if (world->upstream >= 0)
        close(world->upstream);
    world->upstream = osh_fixture_accept(world->fixture, world->servers[server]);
}

void
forward_answers(ForwardWorld *world, const char *text)
{
    osh_fixture_send(world->upstream, text);
}

void
forward_gets(ForwardWorld *world, const char *text)
{
    osh_fixture_expect(world->fixture, world->client, text);
}

/* A refusal: its status, and a connection that ends in good order. */
void
forward_is_refused(ForwardWorld *world, const char *status)
{
    osh_fixture_expect_status(world->fixture, world->client, status);
    world->client = -1;
}

void
forward_nothing_comes(ForwardWorld *world, int fd)
{
    char byte;

    osh_fixture_settle(world->fixture);
    g_assert_cmpint(recv(fd, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

/* One exchange, on a new upstream connection or on the one that is there. */
void
forward_exchange(ForwardWorld *world, gboolean is_new)
{
    forward_say(world, GET("/one"));
    if (is_new)
        forward_accepts(world, 0);
    forward_hears(world, GOT("/one"));
    forward_answers(world, OK("ab"));
    forward_gets(world, OK("ab"));
}
