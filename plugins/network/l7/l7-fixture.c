/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of the driver's tests, on the thread of the test. Never part of a plugin. */
#include "l7-fixture.h"

#include <string.h>
#include <unistd.h>

#define SMALL 16384

static const char *const protocol_names[] = {"lines", NULL};

static const char *const *
lines_protocols(gpointer instance)
{
    (void)instance;
    return protocol_names;
}

static gpointer
lines_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    L7World *world = instance;

    g_assert_cmpstr(connection->protocol, ==, world->fixture->policy.protocol);
    g_assert_cmpuint(connection->window_cap[0], >=, OSH_L7_WINDOW_MIN);
    if (world->refuses_to_open) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "the test does not open it");
        return NULL;
    }
    world->was_secure = connection->secure;
    memset(world->last, 0, sizeof world->last);
    g_free(world->alpn);
    world->alpn = g_strdup(connection->alpn);
    world->session = g_new0(L7Session, 1);
    world->session->wake = connection->wake;
    world->session->wake_data = connection->wake_data;
    return world;
}

static gsize
lines_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
           gint64 *ret_deadline)
{
    L7World *world = data;

    g_assert_cmpuint(max_actions, >=, OSH_L7_ACTIONS_MIN);
    g_assert_cmpuint(input->n_new, <=, input->window.length);
    g_assert_true(!input->reset || input->eof);
    g_assert_true(!world->last[input->direction].eof || input->eof);
    world->n_feeds[input->direction]++;
    world->last[input->direction] = *input;
    return world->feed(world, input, actions, ret_deadline);
}

static void
lines_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    L7Session *session = ((L7World *)data)->session;

    (void)now;
    g_assert_cmpuint(message, ==, session->message);
    g_assert_cmpint(session->state, ==, L7_ASKED);
    session->answers++;
    session->state = answer->action == OSH_ACTION_ALLOW ? L7_ALLOWED : L7_REFUSED;
    if (session->state == L7_REFUSED) {
        g_assert_nonnull(answer->reason);
        g_assert_cmpuint(answer->event, !=, 0);
        g_free(session->reason);
        session->reason = g_strdup_printf("no: %s\n", answer->reason);
        session->status = answer->status;
    }
}

static void
lines_expire(gpointer data, gint64 now)
{
    L7World *world = data;

    (void)now;
    world->n_expired++;
}

static void
lines_close(gpointer data)
{
    L7World *world = data;

    g_free(world->session->reason);
    g_clear_pointer(&world->session, g_free);
    world->n_closed++;
}

gsize
l7_more(OshL7Action *actions)
{
    actions[0].type = OSH_L7_MORE;
    return 1;
}

void
l7_ask(L7Session *session, OshL7Action *action, OshSpan text)
{
    session->message++;
    session->state = L7_ASKED;
    session->facts[0] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span("SAY"));
    session->facts[1] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, text);
    *action = (OshL7Action){.type = OSH_L7_ASK,
                            .flags = OSH_L7_PAUSES,
                            .message = session->message,
                            .u.ask.facts = {session->facts, 2}};
}

OshL7Piece
l7_bytes(const char *text)
{
    return (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = osh_span(text)};
}

/* Returns: how many actions end the line of @length bytes that was refused. */
static gsize
lines_refuse(L7Session *session, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    if (input->capacity[OSH_SERVER_TO_CLIENT] == 0)
        return 0;
    session->pieces[0] = l7_bytes(session->reason);
    actions[0] = (OshL7Action){.type = OSH_L7_DROP, .message = session->message, .length = length};
    actions[1] = (OshL7Action){.type = OSH_L7_EMIT,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .message = session->message,
                               .u.send = {session->pieces, 1}};
    actions[2] = (OshL7Action){
        .type = OSH_L7_DONE, .message = session->message, .u.done.status = session->status};
    session->state = L7_NOT_ASKED;
    return 3;
}

gsize
l7_lines_feed(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;
    const char *end = NULL;
    gsize length;

    (void)ret_deadline;
    if (input->window.length > 0)
        end = memchr(input->window.data, '\n', input->window.length);
    if (input->direction == OSH_SERVER_TO_CLIENT) {
        if (input->window.length == 0)
            return l7_more(actions);
        actions[0] = (OshL7Action){.type = OSH_L7_PASS, .length = input->window.length};
        actions[1].type = OSH_L7_MORE;
        return 2;
    }
    if (end == NULL)
        return l7_more(actions);
    length = (gsize)(end - input->window.data) + 1;
    if (session->state == L7_NOT_ASKED) {
        l7_ask(session, actions, (OshSpan){input->window.data, length - 1});
        return 1;
    }
    if (session->state == L7_REFUSED)
        return lines_refuse(session, input, actions, length);
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = length};
    actions[1] = (OshL7Action){
        .type = OSH_L7_DONE, .message = session->message, .u.done = {.bytes = length, .status = 7}};
    session->state = L7_NOT_ASKED;
    return 2;
}

void
l7_world_new(L7World *world)
{
    *world = (L7World){.client = -1, .upstream = -1, .host = OSH_FIXTURE_OTHER};
    world->fixture = osh_fixture_new();
    world->vtable = (OshL7ProtocolInterface){
        .struct_size = sizeof(OshL7ProtocolInterface),
        .protocols = lines_protocols,
        .open = lines_open,
        .feed = lines_feed,
        .resume = lines_resume,
        .expire = lines_expire,
        .close = lines_close,
    };
    world->protocol.interface = (OshInterface){"lines-plugin", &world->vtable, world};
    world->protocol.alpn = world->names;
    world->feed = l7_lines_feed;
    world->fixture->network.protocols = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(world->fixture->network.protocols, (gpointer)protocol_names[0],
                        &world->protocol);
    world->fixture->policy.protocol = protocol_names[0];
    world->server = osh_fixture_serve(OSH_FIXTURE_OTHER, &world->port);
}

void
l7_world_open(L7World *world)
{
    osh_fixture_start(world->fixture);
    world->client = osh_fixture_tunnel(world->fixture, world->host, world->port, world->server,
                                       &world->upstream);
}

void
l7_world_begin(L7World *world, L7Feed feed)
{
    l7_world_new(world);
    if (feed != NULL)
        world->feed = feed;
    l7_world_open(world);
}

void
l7_world_close(L7World *world)
{
    GHashTable *protocols = world->fixture->network.protocols;

    if (world->client >= 0)
        close(world->client);
    if (world->upstream >= 0)
        close(world->upstream);
    close(world->server);
    osh_fixture_free(world->fixture);
    g_hash_table_unref(protocols);
    g_free(world->alpn);
    g_assert_null(world->session);
}

void
l7_assert_says(const L7World *world, OshTopic topic, const char *text)
{
    const OshFixtureEvent *event = osh_fixture_last(world->fixture, topic);
    g_autofree char *payload = g_variant_print(event->payload, FALSE);

    if (strstr(payload, text) == NULL)
        g_error("\"%s\" does not stand in %s", text, payload);
}

void
l7_assert_closed(const L7World *world, const char *reason)
{
    g_autofree char *text =
        osh_fixture_text(osh_fixture_last(world->fixture, OSH_FIXTURE_CLOSED), 4);

    g_assert_cmpstr(text, ==, reason);
}

void
l7_small_buffers(int fd)
{
    const int size = SMALL;

    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), ==, 0);
    g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
}
