/* SPDX-License-Identifier: Apache-2.0 */
/* The request that opens a WebSocket and its 101, one field changed at a time. */
#include "ws-fixture.h"

#include <string.h>

#define MAX_FIELDS 16

typedef struct {
    OshHttpField fields[MAX_FIELDS];
    OshHttpHead head;
} Head;

static void
add(Head *head, const char *name, const char *value)
{
    g_assert_cmpuint(head->head.n_fields, <, MAX_FIELDS);
    head->fields[head->head.n_fields++] = (OshHttpField){osh_span(name), osh_span(value)};
    head->head.fields = head->fields;
}

/* A right one, without the field @without, with another one. */
static void
make_request(Head *head, const char *without, const char *name, const char *value)
{
    static const char *const right[][2] = {
        {"host", "ws.example"},
        {"upgrade", "websocket"},
        {"connection", "keep-alive, Upgrade"},
        {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
        {"sec-websocket-version", "13"},
        {"sec-websocket-protocol", "chat, superchat"},
        {"sec-websocket-extensions", "x-other, permessage-deflate; client_max_window_bits"},
    };

    *head = (Head){.head = {.struct_size = sizeof(OshHttpHead),
                            .method = OSH_SPAN_LITERAL("GET"),
                            .path = OSH_SPAN_LITERAL("/chat")}};
    for (guint i = 0; i < G_N_ELEMENTS(right); i++)
        if (g_strcmp0(right[i][0], without) != 0)
            add(head, right[i][0], right[i][1]);
    if (name != NULL)
        add(head, name, value);
}

static void
make_response(Head *head, const char *without, const char *name, const char *value)
{
    static const char *const right[][2] = {
        {"Upgrade", "WebSocket"},
        {"Connection", "upgrade"},
        {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
    };

    *head = (Head){.head = {.struct_size = sizeof(OshHttpHead), .status = 101}};
    for (guint i = 0; i < G_N_ELEMENTS(right); i++)
        if (g_strcmp0(right[i][0], without) != 0)
            add(head, right[i][0], right[i][1]);
    if (name != NULL)
        add(head, name, value);
}

static void
test_a_request_with_one_thing_wrong_is_refused_in_words(void)
{
    static const struct {
        const char *without;
        const char *name;
        const char *value;
        const char *words; /* NULL: accepted */
    } rows[] = {
        {NULL, NULL, NULL, NULL},
        {"upgrade", "Upgrade", "WebSocket", NULL},
        {"upgrade", NULL, NULL, "Upgrade: websocket"},
        {"upgrade", "upgrade", "websocket, h2c", "Upgrade: websocket"},
        {NULL, "upgrade", "h2c", "Upgrade: websocket"},
        {"connection", NULL, NULL, "Connection: Upgrade"},
        {"connection", "connection", "not-upgrade", "Connection: Upgrade"},
        {NULL, "connection", "close", NULL},
        {"sec-websocket-version", NULL, NULL, "Sec-WebSocket-Version"},
        {"sec-websocket-version", "sec-websocket-version", "8", "Sec-WebSocket-Version"},
        {NULL, "sec-websocket-version", "13", "Sec-WebSocket-Version"},
        {"sec-websocket-key", NULL, NULL, "Sec-WebSocket-Key"},
        {NULL, "sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key"},
        {"sec-websocket-key", "sec-websocket-key", "dGhlIHNhbXBsZSBub25j", "Sec-WebSocket-Key"},
        {"sec-websocket-key", "sec-websocket-key", "dGhlIHNhbXBsZSBub25jZR==", "Sec-WebSocket-Key"},
        {"sec-websocket-key", "sec-websocket-key", "dGhlIHNhbXBsZSBub25-ZQ==", "Sec-WebSocket-Key"},
        {NULL, "content-length", "0", NULL},
        {NULL, "content-length", "1", "no body"},
        {NULL, "transfer-encoding", "chunked", "no body"},
        {NULL, "sec-websocket-protocol", "third", NULL},
        {NULL, "sec-websocket-protocol", "chat", "Sec-WebSocket-Protocol"},
        {NULL, "sec-websocket-protocol", "a,,b", "Sec-WebSocket-Protocol"},
        {NULL, "sec-websocket-protocol", "a b", "Sec-WebSocket-Protocol"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(WsHandshake) handshake = NULL;
        g_autoptr(GError) error = NULL;
        Head head;

        make_request(&head, rows[i].without, rows[i].name, rows[i].value);
        handshake = ws_handshake_new(&head.head, &error);
        if ((handshake != NULL) != (rows[i].words == NULL) ||
            (handshake == NULL && strstr(error->message, rows[i].words) == NULL))
            g_error("row %u: %s", i, error != NULL ? error->message : "accepted");
    }
}

static void
test_another_method_than_get_is_refused(void)
{
    static const char *const methods[] = {"POST", "get", "GETS", "PUT"};

    for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_autoptr(GError) error = NULL;
        Head head;

        make_request(&head, NULL, NULL, NULL);
        head.head.method = osh_span(methods[i]);
        g_assert_null(ws_handshake_new(&head.head, &error));
        g_assert_error(error, OSH_ERROR, OSH_ERROR_DENIED);
    }
}

static void
test_a_response_with_one_thing_wrong_is_refused_in_words(void)
{
    static const struct {
        const char *without;
        const char *name;
        const char *value;
        const char *words;
    } rows[] = {
        {NULL, NULL, NULL, NULL},
        {NULL, "Sec-WebSocket-Protocol", "superchat", NULL},
        {NULL, "Sec-WebSocket-Protocol", "SuperChat", "subprotocol"},
        {NULL, "Sec-WebSocket-Protocol", "chat, superchat", "subprotocol"},
        {NULL, "Sec-WebSocket-Extensions", "permessage-deflate", NULL},
        {NULL, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=12", NULL},
        {NULL, "Sec-WebSocket-Extensions", "x-other", "extension"},
        {"Upgrade", NULL, NULL, "switch"},
        {"Connection", NULL, NULL, "switch"},
        {"Sec-WebSocket-Accept", NULL, NULL, "Accept"},
        {NULL, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Accept"},
        {"Sec-WebSocket-Accept", "Sec-WebSocket-Accept", "s3pplmbitxaq9kygzzhzrbk+xoo=", "Accept"},
        {NULL, "Content-Length", "5", "body"},
        {NULL, "Transfer-Encoding", "chunked", "body"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(WsHandshake) handshake = NULL;
        g_autoptr(GError) error = NULL;
        Head head;
        gboolean agreed;

        make_request(&head, NULL, NULL, NULL);
        handshake = ws_handshake_new(&head.head, NULL);
        make_response(&head, rows[i].without, rows[i].name, rows[i].value);
        agreed = ws_handshake_agree(handshake, &head.head, &error);
        if (agreed != (rows[i].words == NULL) ||
            (!agreed && strstr(error->message, rows[i].words) == NULL))
            g_error("row %u: %s", i, error != NULL ? error->message : "agreed");
    }
}

static void
test_extensions_are_the_only_field_that_is_changed(void)
{
    g_autoptr(WsHandshake) one = NULL;
    g_autoptr(WsHandshake) other = NULL;
    g_autoptr(WsHandshake) none = NULL;
    Head head;

    make_request(&head, NULL, NULL, NULL);
    one = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(one->n_edits, ==, 1);
    g_assert_cmpstr(one->edit.name, ==, "Sec-WebSocket-Extensions");
    g_assert_cmpstr(one->edit.value, ==, "permessage-deflate; client_max_window_bits");
    make_request(&head, "sec-websocket-extensions", "sec-websocket-extensions", "x-other");
    other = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(other->n_edits, ==, 1);
    g_assert_null(other->edit.value);
    make_request(&head, "sec-websocket-extensions", NULL, NULL);
    none = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(none->n_edits, ==, 0);
}

static void
test_a_second_field_may_hold_the_offer(void)
{
    g_autoptr(WsHandshake) handshake = NULL;
    Head head;

    make_request(&head, "sec-websocket-extensions", "sec-websocket-extensions", "x-other");
    add(&head, "Sec-WebSocket-Extensions", "permessage-deflate");
    handshake = ws_handshake_new(&head.head, NULL);
    g_assert_cmpstr(handshake->edit.value, ==, "permessage-deflate");
}

static void
test_facts_of_the_request_outlive_it(void)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT("request.upgrade", OSH_SPAN_LITERAL("websocket")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, NULL, 0),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    g_autoptr(WsHandshake) with = NULL;
    g_autoptr(WsHandshake) without = NULL;
    Head head;

    make_request(&head, NULL, NULL, NULL);
    without = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(without->facts.facts.n_facts, ==, 1);
    head.head.facts = &set;
    with = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(with->facts.facts.n_facts, ==, 2);
    g_assert_cmpstr(with->facts.facts.facts[0].name, ==, OSH_FACT_REQUEST_PATH);
    g_assert_cmpstr(with->facts.facts.facts[1].name, ==, OSH_FACT_REQUEST_QUERY);
    /* A driver that does not know the member. */
    head.head.struct_size = G_STRUCT_OFFSET(OshHttpHead, facts);
    ws_handshake_free(g_steal_pointer(&with));
    with = ws_handshake_new(&head.head, NULL);
    g_assert_cmpuint(with->facts.facts.n_facts, ==, 1);
}

static void
test_a_websocket_is_not_opened_without_a_request(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_null(
        osh_l7_open(&fixture->protocol, osh_l7_harness_connection(fixture->harness), &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    g_assert_cmpint(osh_l7_probe(&fixture->protocol, osh_span("GET / HTTP/1.1\r\n")), ==,
                    OSH_PROBE_NO);
    g_assert_cmpstr(osh_http_upgrade_token(&fixture->upgrade), ==, "websocket");
    g_assert_cmpstr(osh_l7_protocols(&fixture->protocol)[0], ==, "websocket");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-ws/a-request-with-one-thing-wrong-is-refused-in-words",
                    test_a_request_with_one_thing_wrong_is_refused_in_words);
    g_test_add_func("/l7-ws/another-method-than-get-is-refused",
                    test_another_method_than_get_is_refused);
    g_test_add_func("/l7-ws/a-response-with-one-thing-wrong-is-refused-in-words",
                    test_a_response_with_one_thing_wrong_is_refused_in_words);
    g_test_add_func("/l7-ws/extensions-are-the-only-field-that-is-changed",
                    test_extensions_are_the_only_field_that_is_changed);
    g_test_add_func("/l7-ws/a-second-field-may-hold-the-offer",
                    test_a_second_field_may_hold_the_offer);
    g_test_add_func("/l7-ws/facts-of-the-request-outlive-it", test_facts_of_the_request_outlive_it);
    g_test_add("/l7-ws/a-websocket-is-not-opened-without-a-request", WsFixture, NULL,
               ws_fixture_set_up, test_a_websocket_is_not_opened_without_a_request,
               ws_fixture_tear_down);
    return g_test_run();
}
