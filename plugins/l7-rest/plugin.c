/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: HTTP/1.1 for `protocol: rest`: manifest, and the functions of the contract.
 */
#include <openshell/plugin.h>

#include "rest.h"

#include <string.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=l7-rest\n"
                    "version=0.1.0\n"
                    "abi=1.0\n"
                    "summary=Has each HTTP request judged by method, path and query\n"
                    "license=Apache-2.0\n"
                    "provides=openshell.draft.l7-protocol/1\n"
                    "isolation=in-process\n"
                    "[protocol rest]\n"
                    "carrier=http\n"
                    "alpn=http/1.1\n"
                    "action=" OSH_FACT_REQUEST_METHOD "\n"
                    "target=" OSH_FACT_REQUEST_PATH "\n"
                    "[config head_size]\n"
                    "type=integer\n"
                    "default=16384\n"
                    "min=1024\n"
                    "max=32768\n"
                    "help=Bytes of a request's or a response's head\n"
                    "[config head_fields]\n"
                    "type=integer\n"
                    "default=100\n"
                    "min=8\n"
                    "max=1000\n"
                    "help=Fields of a head\n"
                    "[config chunk_line_size]\n"
                    "type=integer\n"
                    "default=256\n"
                    "min=16\n"
                    "max=4096\n"
                    "help=Bytes of a chunk's size line with its extensions\n"
                    "[config trailer_size]\n"
                    "type=integer\n"
                    "default=4096\n"
                    "min=2\n"
                    "max=12288\n"
                    "help=Bytes of the trailer section of a chunked body\n"
                    "[config interim_responses]\n"
                    "type=integer\n"
                    "default=32\n"
                    "min=0\n"
                    "max=1000\n"
                    "help=1xx responses that a server may send before its final one\n"
                    "[config held_size]\n"
                    "type=integer\n"
                    "default=134217728\n"
                    "min=65536\n"
                    "max=17179869184\n"
                    "help=Bytes of requests that are held until they were inspected, of all "
                    "connections together\n");

/* RestPlugin: one of a process, or of a test. */
typedef struct {
    RestLimits limits;
    gsize held; /* of all sessions; atomic */
} RestPlugin;

static const char *const *
rest_protocols(gpointer instance)
{
    static const char *const names[] = {"rest", NULL};

    (void)instance;
    return names;
}

static OshProbe
rest_probe(gpointer instance, OshSpan prefix)
{
    (void)instance;
    for (gsize i = 0; i < prefix.length; i++) {
        if (prefix.data[i] == ' ')
            return i > 0 ? OSH_PROBE_YES : OSH_PROBE_NO;
        if (!g_ascii_isupper(prefix.data[i]))
            return OSH_PROBE_NO;
    }
    return OSH_PROBE_MAYBE;
}

static void
rest_make_parsers(RestSession *session)
{
    for (guint i = 0; i < 2; i++)
        session->fields[i] = g_new(OshHttp1Field, session->limits.head_fields);
    session->pieces = g_new(OshL7Piece, 2 * session->limits.head_fields + 24 + 4 * REST_EDITS);
    osh_http1_head_init(&session->request, OSH_HTTP1_REQUEST, session->limits.head_size,
                        session->fields[0], session->limits.head_fields);
    osh_http1_head_init(&session->response, OSH_HTTP1_RESPONSE, session->limits.head_size,
                        session->fields[1], session->limits.head_fields);
}

static gpointer
rest_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    RestPlugin *plugin = instance;
    gsize window = MIN(connection->window_cap[0], connection->window_cap[1]);
    RestSession *session = g_new0(RestSession, 1);

    (void)error;
    session->limits = plugin->limits;
    session->held = &plugin->held;
    session->limits.head_size = (guint32)MIN(session->limits.head_size, window);
    session->protocol = g_strdup(connection->protocol);
    session->host = g_strdup(connection->host);
    session->port = connection->port;
    session->secure = connection->secure;
    session->may_retarget =
        osh_has_member(connection, OshL7Connection, may_retarget) && connection->may_retarget;
    session->may_be_opaque = connection->may_be_opaque;
    session->method = g_string_new(NULL);
    session->target = g_string_new(NULL);
    session->answer = g_string_new(NULL);
    session->upgrade = g_string_new(NULL);
    rest_make_parsers(session);
    return session;
}

/* Returns: whether what the connection begins with is not HTTP/1, and need not be. */
static gboolean
is_something_else(const RestSession *session, const OshL7Input *input)
{
    static const char http2[] = "PRI * HTTP/2.0"; /* RFC 9113 section 3.4 */
    OshSpan window = input->window;

    if (!session->may_be_opaque || session->n_messages > 0 || window.length == 0)
        return FALSE;
    return input->direction == OSH_SERVER_TO_CLIENT || rest_probe(NULL, window) == OSH_PROBE_NO ||
           (window.length >= strlen(http2) && memcmp(window.data, http2, strlen(http2)) == 0);
}

static gsize
rest_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
          gint64 *ret_deadline)
{
    RestSession *session = data;

    gsize n;

    osh_l7_list_begin(&session->list, input, actions, max_actions);
    if (is_something_else(session, input))
        return osh_l7_list_opaque(&session->list);
    n = input->direction == OSH_CLIENT_TO_SERVER ? rest_feed_client(session)
                                                 : rest_feed_server(session);
    *ret_deadline = session->list.deadline;
    return n;
}

static void
rest_resume_message(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    (void)now;
    (void)message;
    rest_resume(data, answer);
}

static void
rest_expire(gpointer data, gint64 now)
{
    RestSession *session = data;

    (void)now;
    session->is_over = session->is_over || session->stage == REST_LINGER;
    rest_content_expire(session);
}

/* The client is gone, and its question with it. */
static void
rest_cancel(gpointer data, gint64 now, guint64 message)
{
    RestSession *session = data;

    (void)now;
    (void)message;
    session->message = 0;
    session->stage = REST_IDLE;
    session->is_over = TRUE;
}

/* HTTP/1 has no words for it: what is being said is finished, and nothing follows. */
static void
rest_terminate(gpointer data, gint64 now, OshL7TerminateReason reason)
{
    RestSession *session = data;

    (void)now;
    (void)reason;
    session->is_over = TRUE;
}

static void
rest_close(gpointer data)
{
    RestSession *session = data;

    rest_query_free(session->query);
    rest_edits_clear(session);
    rest_content_free(session);
    rest_reply_free(&session->reply);
    rest_headers_free(&session->headers);
    for (guint i = 0; i < 2; i++)
        g_free(session->fields[i]);
    g_clear_pointer(&session->options, g_variant_unref);
    g_free(session->pieces);
    g_free(session->protocol);
    g_string_free(session->method, TRUE);
    g_string_free(session->target, TRUE);
    g_string_free(session->answer, TRUE);
    g_string_free(session->upgrade, TRUE);
    g_free(session->host);
    g_free(session);
}

static const OshL7ProtocolInterface rest_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .protocols = rest_protocols,
    .probe = rest_probe,
    .open = rest_open,
    .feed = rest_feed,
    .resume = rest_resume_message,
    .expire = rest_expire,
    .cancel = rest_cancel,
    .terminate = rest_terminate,
    .close = rest_close,
};

static gboolean
plugin_create(const OshHost *host, RestPlugin **ret_self, GError **error)
{
    RestPlugin *self = g_new0(RestPlugin, 1);

    (void)error;
    self->limits = (RestLimits){
        .head_size =
            (guint32)osh_host_config_integer(host, "head_size", OSH_HTTP1_INSPECTED_HEAD_SIZE),
        .head_fields =
            (guint32)osh_host_config_integer(host, "head_fields", OSH_HTTP1_DEFAULT_FIELDS),
        .chunk_line_size =
            (guint32)osh_host_config_integer(host, "chunk_line_size", OSH_HTTP1_CHUNK_LINE_SIZE),
        .trailer_size =
            (guint32)osh_host_config_integer(host, "trailer_size", OSH_HTTP1_TRAILERS_SIZE),
        .interim_responses =
            (guint32)osh_host_config_integer(host, "interim_responses", REST_INTERIM_RESPONSES),
        .held_size = (gsize)osh_host_config_integer(host, "held_size", REST_HELD_SIZE),
    };
    *ret_self = self;
    return TRUE;
}

static void
plugin_destroy(RestPlugin *self)
{
    g_free(self);
}

static gboolean
plugin_get_interface(RestPlugin *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_L7_PROTOCOL))
        return FALSE;
    *ret_interface = (OshInterface){"l7-rest", &rest_vtable, self};
    return TRUE;
}

OSH_PLUGIN_DEFINE(RestPlugin, .create = plugin_create, .destroy = plugin_destroy,
                  .get_interface = plugin_get_interface)
