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
    {200, "OK"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
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
begin_answer(RestSession *session, guint status, const char *media_type, gsize length)
{
    const char *phrase = "";

    for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++)
        if (phrases[i].status == status)
            phrase = phrases[i].phrase;
    g_string_printf(session->answer, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n", status, phrase,
                    media_type);
    g_string_append_printf(session->answer, "Content-Length: %" G_GSIZE_FORMAT "\r\n", length);
    session->status = (guint16)status;
}

static void
end_answer(RestSession *session, const char *body, gsize length)
{
    g_string_append(session->answer, session->keeps_open ? "\r\n" : "Connection: close\r\n\r\n");
    /* RFC 9110 section 9.3.2: the length that a GET would have had, and no content. */
    if (!session->was_head)
        g_string_append_len(session->answer, body, (gssize)length);
}

static void
write_answer(RestSession *session, guint status, const char *policy, const GString *body)
{
    begin_answer(session, status, "application/json", body->len);
    if (policy != NULL)
        append_policy_field(session->answer, policy);
    end_answer(session, body->str, body->len);
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

/* @members: a{sv} of strings. */
static void
append_members(GString *body, GVariant *members)
{
    const char *name;
    GVariant *value;
    GVariantIter iter;

    g_variant_iter_init(&iter, members);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value))
        if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
            append_json(body, name, g_variant_get_string(value, NULL));
}

static void
write_problem(RestSession *session, const RestRefusal *refusal, GVariant *members,
              const char *binary, guint64 event)
{
    g_autoptr(GString) body = g_string_new("{");

    append_json(body, "error", refusal->error);
    append_json(body, "detail", refusal->detail);
    if (refusal->limit != NULL)
        append_json(body, "limit", refusal->limit);
    if (members != NULL)
        append_members(body, members);
    append_json(body, "layer", "l7");
    append_json(body, "protocol", session->protocol);
    append_request(session, body, binary);
    append_event(body, event);
    g_string_append(body, "}\n");
    write_answer(session, refusal->status, NULL, body);
}

/* What a field's value may hold beside letters and digits. */
static const char field_marks[] = " !#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}";

static gboolean
is_field_text(const char *text, const char *more)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at < 0x20 || *at >= 0x7f || (!g_ascii_isalnum(*at) && strchr(more, *at) == NULL))
            return FALSE;
    return *text != '\0';
}

/* A field that would frame the answer, or that no head can hold, is left out. */
static void
append_fields(GString *answer, const char *const *fields)
{
    static const char *const ours[] = {"connection", "content-length",    "content-type",
                                       "keep-alive", "transfer-encoding", "upgrade"};

    for (gsize i = 0; fields != NULL && fields[i] != NULL && fields[i + 1] != NULL; i += 2) {
        gboolean is_ours = !is_field_text(fields[i], "!#$%&'*+-.^_`|~") ||
                           !is_field_text(fields[i + 1], field_marks);

        for (gsize k = 0; k < G_N_ELEMENTS(ours); k++)
            is_ours = is_ours || g_ascii_strcasecmp(fields[i], ours[k]) == 0;
        if (!is_ours)
            g_string_append_printf(answer, "%s: %s\r\n", fields[i], fields[i + 1]);
    }
}

void
rest_answer_refusal(RestSession *session, const OshInspectionRefusal *refusal)
{
    begin_answer(session, refusal->status,
                 is_field_text(refusal->media_type, field_marks) ? refusal->media_type
                                                                 : "application/octet-stream",
                 refusal->body.length);
    append_fields(session->answer, refusal->fields);
    end_answer(session, refusal->body.data, refusal->body.length);
}

/* What no rule of the policy could allow. */
static gboolean
answer_has_error(const OshL7Answer *answer)
{
    return osh_has_member(answer, OshL7Answer, limit_name) && answer->error != NULL;
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

    if (answer_has_error(answer)) {
        const RestRefusal refusal = {status, answer->error,
                                     answer->reason != NULL ? answer->reason : "",
                                     status == 413 ? answer->limit_name : NULL};
        GVariant *members = osh_has_member(answer, OshL7Answer, members) ? answer->members : NULL;

        write_problem(session, &refusal, members, answer->binary, answer->event);
        return;
    }
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
    write_problem(session, &session->refusal, NULL, NULL, session->event);
}
