/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: WebSocket for `protocol: websocket`: manifest, and the functions of both contracts.
 */
#include <openshell/plugin.h>

#include "ws.h"

#include <string.h>
#include <sys/random.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=l7-ws\n"
                    "version=0.1.0\n"
                    "abi=1.0\n"
                    "summary=Has each message of a WebSocket judged\n"
                    "license=Apache-2.0\n"
                    "provides=openshell.draft.l7-protocol/1;openshell.draft.http-upgrade/1\n"
                    "isolation=in-process\n"
                    "[protocol websocket]\n"
                    "carrier=http\n"
                    "alpn=http/1.1\n"
                    "action=" OSH_FACT_REQUEST_METHOD "\n"
                    "target=" OSH_FACT_REQUEST_PATH "\n"
                    "[fact " WS_FACT_OPCODE "]\n"
                    "protocol=websocket\n"
                    "type=string\n"
                    "values=text;binary\n"
                    "[fact " WS_FACT_SUBPROTOCOL "]\n"
                    "protocol=websocket\n"
                    "type=string\n"
                    "[config text_size]\n"
                    "type=integer\n"
                    "default=4194304\n"
                    "min=125\n"
                    "max=67108864\n"
                    "help=Bytes of a text message of a client, as sent and inflated\n"
                    "[config binary_size]\n"
                    "type=integer\n"
                    "default=16777216\n"
                    "min=125\n"
                    "max=1073741824\n"
                    "help=Bytes of a binary message of a client, as sent and inflated\n"
                    "[config server_size]\n"
                    "type=integer\n"
                    "default=104857600\n"
                    "min=125\n"
                    "max=1073741824\n"
                    "help=Bytes of a message of a server, as sent and inflated\n"
                    "[config frames]\n"
                    "type=integer\n"
                    "default=4096\n"
                    "min=1\n"
                    "max=1000000\n"
                    "help=Frames of a message of a client\n"
                    "[config held_size]\n"
                    "type=integer\n"
                    "default=134217728\n"
                    "min=65536\n"
                    "max=4294967296\n"
                    "help=Bytes of messages that all connections together keep back\n"
                    "[config idle]\n"
                    "type=integer\n"
                    "default=30\n"
                    "min=1\n"
                    "max=3600\n"
                    "help=Seconds between two pieces of a text message of a client\n"
                    "[config total]\n"
                    "type=integer\n"
                    "default=120\n"
                    "min=1\n"
                    "max=86400\n"
                    "help=Seconds from the first piece of a text message to its last\n"
                    "[config binary]\n"
                    "type=string\n"
                    "default=as-text\n"
                    "choices=as-text;own-method;refuse\n"
                    "help=Binary messages of a client are judged as WEBSOCKET_TEXT, as "
                    "WEBSOCKET_BINARY, or refused\n");

/* --- A session ---------------------------------------------------------------------------------
 */

static const char *const *
ws_protocols(gpointer instance)
{
    static const char *const names[] = {"websocket", NULL};

    (void)instance;
    return names;
}

static OshProbe
ws_probe(gpointer instance, OshSpan prefix)
{
    (void)instance;
    (void)prefix;
    return OSH_PROBE_NO;
}

/* Frames have no beginning by which they could be told from anything else. */
static gpointer
ws_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    (void)connection;
    g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                        "a WebSocket begins with an HTTP request, and no plugin reads that");
    return NULL;
}

/* Nobody is left to be told. */
static gsize
ws_feed_gone(WsSession *session)
{
    osh_l7_list_drop(&session->list, 0, osh_l7_list_window(&session->list).length);
    return osh_l7_list_more(&session->list);
}

static gsize
ws_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
        gint64 *ret_deadline)
{
    WsSession *session = data;
    gsize n;

    osh_l7_list_begin(&session->list, input, actions, max_actions);
    session->n_pieces = 0;
    if (session->terminates != WS_CODE_NONE &&
        (session->stage == WS_READING || session->stage == WS_STREAMING))
        ws_end(session, session->terminates, NULL);
    if (session->stage == WS_CLOSING)
        n = ws_feed_ending(session);
    else if (session->stage == WS_GONE)
        n = ws_feed_gone(session);
    else if (input->direction == OSH_CLIENT_TO_SERVER)
        n = ws_feed_client(session);
    else
        n = ws_feed_server(session);
    *ret_deadline = session->list.deadline;
    return n;
}

static void
ws_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    WsSession *session = data;

    (void)now;
    if (message == session->server.message)
        ws_take_server_answer(session, answer);
    else
        ws_take_answer(session, answer);
}

static void
ws_expire(gpointer data, gint64 now)
{
    WsSession *session = data;

    (void)now;
    session->expired = session->stage == WS_READING;
}

/* The client is gone, and its question with it. */
static void
ws_cancel(gpointer data, gint64 now, guint64 message)
{
    WsSession *session = data;

    (void)now;
    (void)message;
    ws_end_message(session);
    session->stage = WS_GONE;
}

static void
ws_terminate(gpointer data, gint64 now, OshL7TerminateReason reason)
{
    WsSession *session = data;

    (void)now;
    switch (reason) {
    case OSH_L7_TERMINATE_IDENTITY:
    case OSH_L7_TERMINATE_REVOKED:
        session->terminates = WS_CODE_POLICY;
        break;
    case OSH_L7_TERMINATE_IDLE:
        session->terminates = WS_CODE_PROTOCOL;
        break;
    case OSH_L7_TERMINATE_POLICY_CHANGED:
    case OSH_L7_TERMINATE_SHUTDOWN:
    default:
        session->terminates = WS_CODE_RESTART;
    }
}

static void
ws_close(gpointer data)
{
    ws_session_free(data);
}

static const OshL7ProtocolInterface protocol_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .protocols = ws_protocols,
    .probe = ws_probe,
    .open = ws_open,
    .feed = ws_feed,
    .resume = ws_resume,
    .expire = ws_expire,
    .cancel = ws_cancel,
    .terminate = ws_terminate,
    .close = ws_close,
};

/* --- The upgrade -------------------------------------------------------------------------------
 */

static const char *
upgrade_token(gpointer instance)
{
    (void)instance;
    return "websocket";
}

static void
upgrade_request(gpointer instance, const OshHttpHead *head, GVariant *options,
                OshHttpUpgradeRequestFunc done, gpointer data)
{
    g_autoptr(GError) error = NULL;
    WsHandshake *handshake = ws_handshake_new(head, &error);

    (void)instance;
    (void)options;
    done(handshake, handshake != NULL ? &handshake->edit : NULL,
         handshake != NULL ? handshake->n_edits : 0, error, data);
}

static void
upgrade_response(gpointer instance, gpointer state, const OshHttpHead *head,
                 OshHttpUpgradeResponseFunc done, gpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)instance;
    (void)ws_handshake_agree(state, head, &error);
    done(error, data);
}

static gpointer
upgrade_open(gpointer instance, gpointer state, const OshL7Connection *connection, GError **error)
{
    g_autoptr(WsHandshake) handshake = state;

    (void)connection;
    (void)error;
    return ws_session_new(instance, handshake);
}

static void
upgrade_state_free(gpointer instance, gpointer state)
{
    (void)instance;
    ws_handshake_free(state);
}

static const OshHttpUpgradeInterface upgrade_vtable = {
    .struct_size = sizeof(OshHttpUpgradeInterface),
    .token = upgrade_token,
    .request = upgrade_request,
    .response = upgrade_response,
    .open = upgrade_open,
    .state_free = upgrade_state_free,
};

/* --- The plugin --------------------------------------------------------------------------------
 */

/* RFC 6455 section 10.3: nobody who chooses the bytes of a frame may know its key before. */
static void
fill_mask(guint8 mask[4])
{
    guint32 random;

    if (getrandom(mask, 4, GRND_NONBLOCK) == 4)
        return;
    random = g_random_int();
    memcpy(mask, &random, sizeof random);
}

static WsBinary
binary_of(const OshHost *host)
{
    g_autofree char *word = osh_host_config_string(host, "binary");

    if (g_strcmp0(word, "refuse") == 0)
        return WS_BINARY_REFUSED;
    return g_strcmp0(word, "own-method") == 0 ? WS_BINARY_OWN_METHOD : WS_BINARY_AS_TEXT;
}

static gboolean
plugin_create(const OshHost *host, WsPlugin **ret_self, GError **error)
{
    WsPlugin *self = g_new0(WsPlugin, 1);
    guint64 server = (guint64)osh_host_config_integer(host, "server_size", 104857600);

    (void)error;
    self->fill_mask = fill_mask;
    self->limits = (WsLimits){
        .client = {.text = (guint64)osh_host_config_integer(host, "text_size", 4194304),
                   .binary = (guint64)osh_host_config_integer(host, "binary_size", 16777216),
                   .frames = (guint)osh_host_config_integer(host, "frames", 4096)},
        .server = {.text = server, .binary = server},
        .held = (gsize)osh_host_config_integer(host, "held_size", 134217728),
        .idle = osh_host_config_integer(host, "idle", 30) * G_TIME_SPAN_SECOND,
        .total = osh_host_config_integer(host, "total", 120) * G_TIME_SPAN_SECOND,
        .binary = binary_of(host),
    };
    *ret_self = self;
    return TRUE;
}

static void
plugin_destroy(WsPlugin *self)
{
    g_free(self);
}

static gboolean
plugin_get_interface(WsPlugin *self, const char *id, OshInterface *ret_interface)
{
    if (g_str_equal(id, OSH_INTERFACE_L7_PROTOCOL))
        *ret_interface = (OshInterface){"l7-ws", &protocol_vtable, self};
    else if (g_str_equal(id, OSH_INTERFACE_HTTP_UPGRADE))
        *ret_interface = (OshInterface){"l7-ws", &upgrade_vtable, self};
    else
        return FALSE;
    return TRUE;
}

OSH_PLUGIN_DEFINE(WsPlugin, .create = plugin_create, .destroy = plugin_destroy,
                  .get_interface = plugin_get_interface)
