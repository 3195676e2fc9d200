/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: HTTP/1.1 for `protocol: rest`: manifest, and the functions of the contract.
 */
#include <openshell/plugin.h>

#include "rest.h"

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
                    "alpn=http/1.1\n");

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

static gpointer
rest_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    RestSession *session = g_new0(RestSession, 1);

    (void)instance;
    (void)error;
    session->host = g_strdup(connection->host);
    session->port = connection->port;
    session->secure = connection->secure;
    session->may_retarget =
        osh_has_member(connection, OshL7Connection, may_retarget) && connection->may_retarget;
    session->method = g_string_new(NULL);
    session->target = g_string_new(NULL);
    session->answer = g_string_new(NULL);
    osh_http1_head_init(&session->request, OSH_HTTP1_REQUEST, REST_HEAD_SIZE, session->fields[0],
                        OSH_HTTP1_DEFAULT_FIELDS);
    osh_http1_head_init(&session->response, OSH_HTTP1_RESPONSE, REST_HEAD_SIZE, session->fields[1],
                        OSH_HTTP1_DEFAULT_FIELDS);
    return session;
}

static gsize
rest_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
          gint64 *ret_deadline)
{
    RestSession *session = data;

    (void)ret_deadline;
    osh_l7_list_begin(&session->list, input, actions, max_actions);
    return input->direction == OSH_CLIENT_TO_SERVER ? rest_feed_client(session)
                                                    : rest_feed_server(session);
}

static void
rest_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    RestSession *session = data;

    (void)now;
    (void)message;
    if (answer->action == OSH_ACTION_ALLOW) {
        session->stage = REST_ALLOWED;
        return;
    }
    session->stage = REST_REFUSED;
    rest_answer_policy(session, answer);
}

static void
rest_close(gpointer data)
{
    RestSession *session = data;

    rest_query_clear(&session->query);
    g_string_free(session->method, TRUE);
    g_string_free(session->target, TRUE);
    g_string_free(session->answer, TRUE);
    g_free(session->host);
    g_free(session);
}

static const OshL7ProtocolInterface rest_vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .protocols = rest_protocols,
    .probe = rest_probe,
    .open = rest_open,
    .feed = rest_feed,
    .resume = rest_resume,
    .close = rest_close,
};

static gboolean
plugin_create(const OshHost *host, gpointer *ret_self, GError **error)
{
    (void)error;
    *ret_self = (gpointer)host;
    return TRUE;
}

static gboolean
plugin_get_interface(gpointer self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_L7_PROTOCOL))
        return FALSE;
    *ret_interface = (OshInterface){"l7-rest", &rest_vtable, self};
    return TRUE;
}

OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
    OSH_PLUGIN_ENTRY_INIT,
    .create = plugin_create,
    .get_interface = plugin_get_interface,
};
