/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-answer.c: an HTTP response with a JSON body, which ends the connection. [shard]
 */
#include "http-answer.h"

#include "connection.h"

#include <string.h>
#include <sys/socket.h>

/* RFC 9110 section 15, RFC 6585 section 5. */
static const struct {
    guint status;
    const char *phrase;
} phrases[] = {
    {400, "Bad Request"},     {403, "Forbidden"},
    {408, "Request Timeout"}, {431, "Request Header Fields Too Large"},
    {502, "Bad Gateway"},     {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *
phrase_of(guint status)
{
    for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

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
osh_http_answer_new(const OshRefusal *refusal, const char *detail, guint64 id)
{
    g_autoptr(GString) body = g_string_new("{");
    GString *answer = g_string_sized_new(512);

    json_append(body, "error", osh_refusal_error(refusal));
    json_append(body, "detail", detail);
    if (g_strcmp0(refusal->reason, detail) != 0)
        json_append(body, "reason", refusal->reason);
    json_append(body, "layer", refusal->layer);
    if (id != 0) {
        g_autofree char *text = g_strdup_printf("e%" G_GUINT64_FORMAT, id);

        json_append(body, "id", text);
    }
    g_string_append(body, "}\n");
    g_string_append_printf(answer,
                           "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                           refusal->status, phrase_of(refusal->status), body->len);
    g_string_append_len(answer, body->str, (gssize)body->len);
    return answer;
}

OshHttpProbe
osh_http_probe(const guint8 *bytes, gsize length)
{
    gsize n = MIN(length, OSH_HTTP_METHOD_PEEK);

    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isupper(bytes[i]) && bytes[i] != '-')
            return i > 0 && bytes[i] == ' ' ? OSH_HTTP_PROBE_REQUEST : OSH_HTTP_PROBE_OTHER;
    return n < OSH_HTTP_METHOD_PEEK ? OSH_HTTP_PROBE_MAYBE : OSH_HTTP_PROBE_OTHER;
}

GString *
osh_http_words(const OshConnection *connection, const OshRefusal *refusal, guint64 id)
{
    g_autofree char *detail = osh_refusal_detail(refusal, connection);
    GString *answer = osh_http_answer_new(refusal, detail, id);

    /* RFC 9110 section 9.3.2: the length that a GET would have had, and no content. */
    if (connection->is_head)
        g_string_truncate(answer, (gsize)(strstr(answer->str, "\r\n\r\n") - answer->str) + 4);
    return answer;
}

/* The socket's send buffer is empty at this point and the answer is small, so one send takes it
   all; a client that made its window too small for that gets what fits. */
gboolean
osh_http_answer(OshConnection *connection, const OshRefusal *refusal, guint64 id)
{
    g_autoptr(GString) answer = osh_http_words(connection, refusal, id);

    return send(connection->client_fd, answer->str, answer->len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

void
osh_http_answer_unserved(int fd)
{
    static const OshRefusal refusal = {
        .layer = "limit",
        .status = 503,
        .reason = "the proxy has no capacity for another connection",
    };
    g_autoptr(GString) answer = osh_http_answer_new(&refusal, refusal.reason, 0);

    if (send(fd, answer->str, answer->len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
}
