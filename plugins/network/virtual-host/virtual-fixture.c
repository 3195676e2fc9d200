/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin and the session of the tests of virtual hosts. Never part of a plugin. */
#include "virtual-fixture.h"

#include <string.h>
#include <unistd.h>

static guint64
host_body_limit(gpointer instance, const char *name)
{
    g_assert_cmpstr(name, ==, VIRTUAL_NAME);
    return ((VirtualWorld *)instance)->body_limit;
}

static void
say_fields(VirtualWorld *world, const OshHttpHead *head)
{
    for (gsize i = 0; i < head->n_fields; i++)
        g_string_append_printf(world->seen, " %.*s=%.*s", (int)head->fields[i].name.length,
                               head->fields[i].name.data, (int)head->fields[i].value.length,
                               head->fields[i].value.data);
    g_string_append_c(world->seen, '\n');
}

static void
act(VirtualWorld *world, VirtualAct function)
{
    if (function != NULL)
        function(world);
}

static gpointer
host_request(gpointer instance, const char *name, const OshHttpHead *head, const OshFacts *facts,
             const OshVirtualReply *reply, GError **error)
{
    VirtualWorld *world = instance;

    g_assert_cmpstr(name, ==, VIRTUAL_NAME);
    g_assert_cmpuint(facts->n_facts, >=, 4);
    g_assert_false(world->is_open);
    g_string_append_printf(world->seen, "request %.*s %.*s?%.*s", (int)head->method.length,
                           head->method.data, (int)head->path.length, head->path.data,
                           (int)head->query.length, head->query.data);
    say_fields(world, head);
    world->reply = reply;
    g_string_truncate(world->body, 0);
    if (world->fails) {
        if (world->error_text != NULL)
            g_set_error_literal(error, OSH_ERROR, OSH_ERROR_FAILED, world->error_text);
        return NULL;
    }
    world->is_open = TRUE;
    world->n_requests++;
    act(world, world->request);
    return world;
}

static void
host_body(gpointer data, OshSpan bytes, gboolean last)
{
    VirtualWorld *world = data;

    g_assert_true(world->is_open);
    g_string_append_len(world->body, bytes.data, (gssize)bytes.length);
    if (!last)
        return;
    g_string_append_printf(world->seen, "body %" G_GSIZE_FORMAT "\n", world->body->len);
    act(world, world->body_ended);
}

static void
host_response_head(gpointer data, const OshHttpHead *head)
{
    VirtualWorld *world = data;

    world->status = head->status;
    g_string_append_printf(world->seen, "answer %u", head->status);
    say_fields(world, head);
    if (world->passes_on)
        g_assert_true(osh_virtual_reply_respond_head(world->reply, head->status, head->fields,
                                                     head->n_fields));
    act(world, world->answered);
}

static void
host_response_chunk(gpointer data, OshSpan bytes, gboolean last)
{
    VirtualWorld *world = data;

    world->n_chunks++;
    g_assert_cmpuint(osh_virtual_reply_capacity(world->reply), >=, 2 * bytes.length);
    if (last)
        g_string_append(world->seen, "answered\n");
    if (world->passes_on)
        g_assert_true(osh_virtual_reply_respond_body(world->reply, bytes, last));
}

static gboolean
host_failed(gpointer data, gsize tried, const GError *error)
{
    VirtualWorld *world = data;

    world->error_code = error->code;
    g_string_append_printf(world->seen, "failed %" G_GSIZE_FORMAT "\n", tried);
    act(world, world->in_failed);
    return world->goes_on;
}

static void
host_aborted(gpointer data, const GError *error)
{
    VirtualWorld *world = data;

    world->error_code = error->code;
    g_string_append(world->seen, "aborted\n");
    act(world, world->in_aborted);
}

static void
host_drained(gpointer data)
{
    VirtualWorld *world = data;

    world->n_drained++;
    act(world, world->drained);
}

static void
host_close(gpointer data)
{
    VirtualWorld *world = data;

    g_assert_true(world->is_open);
    world->is_open = FALSE;
    g_string_append(world->seen, "close\n");
    /* Not allowed, and without an effect. */
    g_assert_false(osh_virtual_reply_respond(world->reply, 200, "text/plain", osh_span("late")));
}

/* Asks once, then passes both directions. */
static gsize
pass_feed(L7World *l7, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    gboolean up = input->direction == OSH_CLIENT_TO_SERVER;

    (void)ret_deadline;
    if (input->window.length == 0)
        return l7_more(actions);
    if (up && l7->session->state == L7_NOT_ASKED) {
        const char *space = memchr(input->window.data, ' ', input->window.length);

        if (space == NULL)
            return l7_more(actions);
        l7_ask(l7->session, actions, osh_span("/"));
        l7->session->facts[0] = (OshFact)OSH_FACT_STRING_INIT(
            OSH_FACT_REQUEST_METHOD,
            ((OshSpan){input->window.data, (gsize)(space - input->window.data)}));
        return 1;
    }
    if (l7->session->state == L7_REFUSED)
        return 0;
    g_assert_cmpint(l7->session->state, ==, L7_ALLOWED);
    actions[0] = (OshL7Action){.type = OSH_L7_PASS,
                               .message = up ? l7->session->message : 0,
                               .length = input->window.length};
    actions[1].type = OSH_L7_MORE;
    return 2;
}

void
virtual_world_new(VirtualWorld *world)
{
    *world = (VirtualWorld){.client = -1, .body_limit = 1000};
    l7_world_new(&world->l7);
    world->fixture = world->l7.fixture;
    world->l7.feed = pass_feed;
    world->l7.protocol.is_http = TRUE;
    /* Plain HTTP in a tunnel, without an authority. */
    world->fixture->policy.tls = OSH_TLS_SKIP;
    world->seen = g_string_new(NULL);
    world->body = g_string_new(NULL);
    world->vtable = (OshVirtualHostInterface){
        .struct_size = sizeof(OshVirtualHostInterface),
        .body_limit = host_body_limit,
        .request = host_request,
        .body = host_body,
        .response_head = host_response_head,
        .response_chunk = host_response_chunk,
        .failed = host_failed,
        .aborted = host_aborted,
        .drained = host_drained,
        .close = host_close,
    };
    world->host = (OshVirtualHost){(char *)VIRTUAL_NAME, {"plugin", &world->vtable, world}, FALSE};
    world->hosts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(world->hosts, world->host.name, &world->host);
    world->fixture->network.virtual_hosts = world->hosts;
}

void
virtual_world_open(VirtualWorld *world)
{
    osh_fixture_start(world->fixture);
    world->client = osh_fixture_connect(world->fixture, VIRTUAL_NAME, 80);
    osh_fixture_expect(world->fixture, world->client,
                       "HTTP/1.1 200 Connection Established\r\n\r\n");
}

void
virtual_world_close(VirtualWorld *world)
{
    if (world->client >= 0)
        close(world->client);
    l7_world_close(&world->l7);
    g_assert_false(world->is_open);
    g_hash_table_unref(world->hosts);
    g_string_free(world->seen, TRUE);
    g_string_free(world->body, TRUE);
}

void
virtual_say(VirtualWorld *world, const char *text)
{
    osh_fixture_send(world->client, text);
}

void
virtual_ask(VirtualWorld *world, const char *target)
{
    g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);

    virtual_say(world, text);
}

void
virtual_expect(VirtualWorld *world, const char *text)
{
    osh_fixture_expect(world->fixture, world->client, text);
}

static char *
read_to_end(VirtualWorld *world, int *ret_error)
{
    char *text = osh_fixture_read_all(world->fixture, world->client, ret_error);

    close(world->client);
    world->client = -1;
    return text;
}

void
virtual_expect_in(VirtualWorld *world, const char *text)
{
    int error_number;
    g_autofree char *read = NULL;

    /* The session passes everything, also that nothing follows. */
    read = read_to_end(world, &error_number);
    if (strstr(read, text) == NULL)
        g_error("\"%s\" is not in \"%s\"", text, read);
}

void
virtual_expect_broken(VirtualWorld *world)
{
    int error_number;
    g_autofree char *read = read_to_end(world, &error_number);

    g_assert_true(error_number != 0 || g_str_has_prefix(read, "HTTP/1.1 502 "));
}

void
virtual_expect_seen(VirtualWorld *world, const char *lines)
{
    gint64 limit = g_get_monotonic_time() + 6 * G_TIME_SPAN_SECOND;

    while (strcmp(world->seen->str, lines) != 0 && g_get_monotonic_time() < limit)
        osh_fixture_turn(world->fixture, 5);
    g_assert_cmpstr(world->seen->str, ==, lines);
}
