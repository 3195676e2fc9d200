/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c: what a refused request is answered with: one JSON object, and the connection ends.
 * [shard]. It must never hold a query, a header or a body of the client.
 */
#include "rest.h"

#include <string.h>

static const struct {
    guint status;
    const char *phrase;
} phrases[] = {
    {400, "Bad Request"},
    {403, "Forbidden"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static void
append_json(GString *json, const char *key, const char *value)
{
    g_string_append_printf(json, "%s\"%s\":\"", g_str_has_suffix(json->str, "{") ? "" : ",", key);
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

/* A name that no header can hold as it is comes without what it cannot hold. */
static void
append_policy_field(GString *answer, const char *policy)
{
    g_string_append(answer, "X-OpenShell-Policy: ");
    for (const char *at = policy; *at != '\0'; at++)
        g_string_append_c(answer, *at >= 0x20 && *at < 0x7f ? *at : '?');
    g_string_append(answer, "\r\n");
}

static void
write_answer(RestSession *session, guint status, const char *policy, const GString *body)
{
    GString *answer = session->answer;
    const char *phrase = "";

    for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++)
        if (phrases[i].status == status)
            phrase = phrases[i].phrase;
    g_string_printf(answer, "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n", status, phrase);
    g_string_append_printf(answer, "Content-Length: %" G_GSIZE_FORMAT "\r\n", body->len);
    if (policy != NULL)
        append_policy_field(answer, policy);
    g_string_append(answer, "Connection: close\r\n\r\n");
    /* RFC 9110 section 9.3.2: the length that a GET would have had, and no content. */
    if (!session->was_head)
        g_string_append_len(answer, body->str, (gssize)body->len);
    session->status = (guint16)status;
}

/* Members of what was refused, as far as they are known. */
static void
append_request(const RestSession *session, GString *body, const char *binary)
{
    if (session->method->len > 0)
        append_json(body, "method", session->method->str);
    if (session->target->len > 0)
        append_json(body, "path", session->target->str);
    append_json(body, "host", session->host);
    g_string_append_printf(body, ",\"port\":%u", session->port);
    if (binary != NULL && binary[0] != '\0')
        append_json(body, "binary", binary);
}

static void
append_event(GString *body, guint64 event)
{
    g_autofree char *id = g_strdup_printf("e%" G_GUINT64_FORMAT, event);

    if (event != 0)
        append_json(body, "id", id);
}

/* Where anything but the lack of a rule refuses the request, another rule would not help. */
static void
append_missing_rule(const RestSession *session, GString *body, const char *binary)
{
    g_autofree char *type = g_strdup_printf("%s_allow", session->protocol);

    g_string_append(body, ",\"rule_missing\":{");
    append_json(body, "type", type);
    append_json(body, "layer", "l7");
    append_request(session, body, binary);
    g_string_append_c(body, '}');
}

void
rest_answer_policy(RestSession *session, const OshL7Answer *answer)
{
    g_autoptr(GString) body = g_string_new("{");
    g_autofree char *rule = g_strdup_printf("%s %s", session->method->str, session->target->str);
    guint status = answer->status != 0 ? answer->status : 403;

    append_json(body, "error", status == 403 ? "policy_denied" : "request_refused");
    append_json(body, "policy", answer->policy != NULL ? answer->policy : "-");
    append_json(body, "rule", rule);
    append_json(body, "detail", answer->reason != NULL ? answer->reason : "");
    append_json(body, "layer", "l7");
    append_json(body, "protocol", session->protocol);
    append_request(session, body, answer->binary);
    append_event(body, answer->event);
    if (answer->rule_missing)
        append_missing_rule(session, body, answer->binary);
    g_string_append(body, ",\"next_steps\":[]}\n");
    write_answer(session, status, answer->policy != NULL ? answer->policy : "-", body);
}

void
rest_answer_problem(RestSession *session)
{
    g_autoptr(GString) body = g_string_new("{");

    append_json(body, "error", session->refusal.error);
    append_json(body, "detail", session->refusal.detail);
    append_json(body, "layer", "l7");
    append_json(body, "protocol", session->protocol);
    append_request(session, body, NULL);
    append_event(body, session->event);
    g_string_append(body, "}\n");
    write_answer(session, session->refusal.status, NULL, body);
}
