/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to whatever is refused. Runs on the connection's shard. Never shows the client an
 * address or a header of its own request, only the destination that it asked for and the reason.
 */
#include "reply.h"

#include "audit.h"

#include <sys/socket.h>
#include <unistd.h>

static void
json_append(GString *json, const char *key, const char *value)
{
    g_string_append_printf(json, "%s\"%s\":\"", json->len > 1 ? "," : "", key);
    for (const char *at = value; *at != '\0'; at++) {
        guchar byte = (guchar)*at;

        if (byte == '"' || byte == '\\')
            g_string_append_printf(json, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            g_string_append_printf(json, "\\u%04x", byte);
        else
            g_string_append_c(json, (char)byte);
    }
    g_string_append_c(json, '"');
}

GString *
osh_reply_json(const char *status, const char *error, const char *detail, const char *reason,
               const char *layer, guint64 id)
{
    g_autoptr(GString) body = g_string_new("{");
    GString *reply = g_string_sized_new(512);

    json_append(body, "error", error);
    json_append(body, "detail", detail);
    if (reason != NULL)
        json_append(body, "reason", reason);
    if (layer != NULL)
        json_append(body, "layer", layer);
    if (id != 0) {
        g_autofree char *text = g_strdup_printf("e%" G_GUINT64_FORMAT, id);

        json_append(body, "id", text);
    }
    g_string_append(body, "}\n");
    g_string_append_printf(reply,
                           "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                           status, body->len);
    g_string_append_len(reply, body->str, (gssize)body->len);
    return reply;
}

/* The socket's send buffer is empty at this point and the answer is small, so one send takes it
   all; a client that made its window too small for that gets what fits. */
static void
reply_send(OshConnection *connection, const char *status, const char *error, const char *detail,
           const char *reason, const char *layer, guint64 id)
{
    if (connection->transport == OSH_TRANSPORT_TRANSPARENT) {
        connection->client_aborted = TRUE;
        osh_connection_close(connection, error);
        return;
    }

    g_autoptr(GString) reply = osh_reply_json(status, error, detail, reason, layer, id);

    if (send(connection->client_fd, reply->str, reply->len, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0) {
        osh_connection_close(connection, error);
        return;
    }
    osh_connection_linger(connection);
}

static char *
reply_destination(const OshConnection *connection)
{
    const char *verb = connection->transport == OSH_TRANSPORT_CONNECT ? "CONNECT " : "";

    if (connection->host == NULL)
        return g_strdup("request");
    return g_strdup_printf(connection->host_kind == OSH_HOST_IPV6 ? "%s[%s]:%u" : "%s%s:%u", verb,
                           connection->host, connection->port);
}

void
osh_refuse_denied(OshConnection *connection, const char *layer, const char *policy,
                  const char *reason, const char *hint, const struct in6_addr *address)
{
    guint64 id = osh_audit_denied(connection, layer, policy, reason, hint, address);
    g_autofree char *destination = reply_destination(connection);
    g_autofree char *detail = g_strdup_printf("%s not permitted by policy", destination);

    reply_send(connection, "403 Forbidden", address != NULL ? "ssrf_denied" : "policy_denied",
               detail, reason, layer, id);
}

void
osh_refuse_failed(OshConnection *connection, const char *stage, const char *text)
{
    guint64 id = osh_audit_failed(connection, stage, text);
    g_autofree char *destination = reply_destination(connection);
    g_autofree char *detail = g_strdup_printf("%s failed", destination);
    gboolean timeout = g_str_equal(stage, "timeout");

    reply_send(connection, timeout ? "504 Gateway Timeout" : "502 Bad Gateway",
               timeout ? "upstream_timeout" : "upstream_unreachable", detail, text, stage, id);
}

void
osh_refuse_head(OshConnection *connection, const char *status, const char *error, const char *text)
{
    guint64 id = osh_audit_denied(connection, "head", NULL, text, NULL, NULL);

    reply_send(connection, status, error, text, NULL, "head", id);
}

void
osh_refuse_limit(OshConnection *connection, const char *text)
{
    guint64 id = osh_audit_denied(connection, "limit", NULL, text, NULL, NULL);

    reply_send(connection, "503 Service Unavailable", "too_many_connections", text, NULL, "limit",
               id);
}

void
osh_refuse_unserved_fd(int fd, gboolean explicit_client)
{
    if (explicit_client) {
        g_autoptr(GString) reply =
            osh_reply_json("503 Service Unavailable", "too_many_connections",
                           "the proxy has no room for another connection", NULL, "limit", 0);
        ssize_t sent = send(fd, reply->str, reply->len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0)
            shutdown(fd, SHUT_WR);
    }
    close(fd);
}
