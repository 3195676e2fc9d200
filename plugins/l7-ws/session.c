/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c: a WebSocket from its first frame to its last, and what is kept of it. [shard]
 *
 *   reading -> asked -> answered -> (sending) -> reading -> …
 *                           |
 *                           +-> streaming -> reading (binary), or closing
 */
#include "ws.h"

/* What a message has held beyond this is given back behind it. */
#define KEEP (64 * 1024)

static gboolean
take_inflated(gpointer data, const guint8 *bytes, gsize length)
{
    WsSession *session = data;

    if (session->client.opcode != WS_TEXT && !session->diverged)
        return TRUE;
    g_byte_array_append(session->client.text, bytes, (guint)length);
    return ws_hold(session);
}

WsSession *
ws_session_new(WsPlugin *plugin, const WsHandshake *handshake)
{
    WsSession *session = g_new0(WsSession, 1);

    session->plugin = plugin;
    for (guint i = 0; i < 2; i++) {
        session->readers[i].from_client = i == OSH_CLIENT_TO_SERVER;
        session->readers[i].agreed = handshake->agreed[i];
    }
    session->readers[OSH_CLIENT_TO_SERVER].limits = plugin->limits.client;
    session->readers[OSH_CLIENT_TO_SERVER].sink = take_inflated;
    session->readers[OSH_CLIENT_TO_SERVER].sink_data = session;
    session->readers[OSH_SERVER_TO_CLIENT].limits = plugin->limits.server;
    session->subprotocol = g_strdup(handshake->protocol != NULL ? handshake->protocol : "");
    session->is_json = g_str_equal(session->subprotocol, "graphql-transport-ws") ||
                       g_str_equal(session->subprotocol, "graphql-ws");
    osh_fact_copy_set(&session->request, &handshake->facts.facts);
    session->client.text = g_byte_array_new();
    session->client.held = g_byte_array_new();
    session->answer.reason = g_string_new(NULL);
    session->server.reason = g_string_new(NULL);
    return session;
}

/* --- What is held ------------------------------------------------------------------------------
 */

static void
charge(WsSession *session, gsize bytes)
{
    WsClient *client = &session->client;

    if (bytes > client->charged)
        (void)g_atomic_pointer_add(&session->plugin->held, (gssize)(bytes - client->charged));
    else if (bytes < client->charged)
        (void)g_atomic_pointer_add(&session->plugin->held, -(gssize)(client->charged - bytes));
    client->charged = bytes;
}

gboolean
ws_hold(WsSession *session)
{
    charge(session, (gsize)session->client.text->len + session->client.held->len);
    return (gsize)g_atomic_pointer_get(&session->plugin->held) <= session->plugin->limits.held;
}

static void
empty(GByteArray **array)
{
    if ((*array)->len > KEEP) {
        g_byte_array_unref(*array);
        *array = g_byte_array_new();
    } else {
        g_byte_array_set_size(*array, 0);
    }
}

void
ws_end_message(WsSession *session)
{
    WsClient *client = &session->client;

    charge(session, 0);
    empty(&client->text);
    empty(&client->held);
    client->in_frame = FALSE;
    client->kept = 0;
    client->direct = 0;
    client->n_sent = 0;
    client->began = 0;
    session->message = 0;
    session->stage = WS_READING;
}

OshL7Piece *
ws_next_piece(WsSession *session)
{
    OshL7Piece *piece;

    g_assert(session->n_pieces < WS_PIECES);
    piece = &session->pieces[session->n_pieces++];
    *piece = (OshL7Piece){0};
    return piece;
}

/* --- Feed --------------------------------------------------------------------------------------
 */

/* A text that has begun has to come to its end in time. */
static void
set_deadline(WsSession *session, WsStep step)
{
    const WsLimits *limits = &session->plugin->limits;
    const OshL7Input *input = session->list.input;
    WsClient *client = &session->client;
    gboolean is_open = session->stage == WS_READING && step == WS_MORE && !input->eof &&
                       (client->in_frame || session->readers[OSH_CLIENT_TO_SERVER].opcode != 0 ||
                        osh_l7_list_window(&session->list).length > 0);

    if (!is_open) {
        if (client->began != 0)
            session->list.deadline = OSH_L7_DEADLINE_NONE;
        client->began = 0;
        return;
    }
    if (client->began == 0)
        client->began = client->progressed = input->now;
    if (client->kept > 0 && input->n_new > 0)
        client->progressed = input->now;
    session->list.deadline =
        MAX(MIN(client->progressed + limits->idle, client->began + limits->total), input->now + 1);
}

static WsStep
step_client(WsSession *session)
{
    switch (session->stage) {
    case WS_READING:
    case WS_STREAMING:
        return ws_read_client(session);
    case WS_ANSWERED:
        return ws_carry_answer(session);
    case WS_SENDING:
        return ws_send_held(session);
    case WS_ASKED:
    case WS_CLOSING:
    case WS_GONE:
    default:
        return WS_RETURN;
    }
}

gsize
ws_feed_client(WsSession *session)
{
    WsStep step = WS_AGAIN;

    while (step == WS_AGAIN && osh_l7_list_has_space(&session->list, WS_STEP_ACTIONS))
        step = step_client(session);
    set_deadline(session, step);
    return step == WS_MORE ? osh_l7_list_more(&session->list) : session->list.n;
}

void
ws_session_free(WsSession *session)
{
    charge(session, 0);
    for (guint i = 0; i < 2; i++)
        ws_reader_clear(&session->readers[i]);
    ws_deflate_clear(&session->deflater);
    osh_fact_copy_clear(&session->request);
    g_byte_array_unref(session->client.text);
    g_byte_array_unref(session->client.held);
    g_string_free(session->answer.reason, TRUE);
    g_string_free(session->server.reason, TRUE);
    g_free(session->subprotocol);
    g_free(session->scratch);
    g_free(session);
}
