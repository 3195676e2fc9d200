/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c: heads: what the policy is asked about a request, and how it goes to the server; and
 * how a response goes to the client. [shard]
 *
 * The path is judged and sent in one spelling; the query is judged decoded and sent as it came.
 * What belongs to this hop (RFC 9110 section 7.6.1) is removed, what a Connection option names as
 * well.
 */
#include "rest.h"

#include "osh-line-reader.h"
#include "osh-request-path.h"

#include <string.h>

#define VIA      "Via: 1.1 openshell-sandbox\r\n"
#define CLOSE    "Connection: close\r\n"
#define IDENTITY "Accept-Encoding: identity\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n"
#define UPGRADE  "Connection: Upgrade\r\nUpgrade: "

static const char *const hop_fields[] = {
    "connection",       "http2-settings",      "keep-alive", "proxy-authenticate",
    "proxy-connection", "proxy-authorization", "te",         "upgrade",
};

static OshSpan
span_of(const char *window, OshHttp1Range range)
{
    return (OshSpan){window + range.offset, range.length};
}

/* A Host can contradict the name that was judged, never supply it (security rule 7, names of
 * destinations). */
static gboolean
is_host_right(const RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    OshAuthority authority;
    OshSpan value;

    if (head->n_hosts == 0)
        return TRUE; /* HTTP/1.0 */
    value = span_of(window, head->fields[head->host].value);
    return osh_authority_parse(value.data, value.length, session->secure ? 443 : 80, &authority) ==
               OSH_AUTHORITY_OK &&
           strcmp(authority.host, session->host) == 0 && authority.port == session->port;
}

gboolean
rest_request_refuse(RestSession *session, guint status, const char *error, const char *detail)
{
    session->refusal = (RestRefusal){status, error, detail, NULL};
    return FALSE;
}

gboolean
rest_request_leaves(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    OshSpan target = span_of(window, head->target);
    OshAbsoluteTarget absolute;

    if (!session->may_retarget || target.data[0] == '/')
        return FALSE;
    if (osh_http1_range_equals((const guint8 *)window, head->method, "CONNECT"))
        return osh_authority_parse(target.data, target.length, 0, &session->authority) ==
               OSH_AUTHORITY_OK;
    if (osh_absolute_target_parse(target.data, target.length, &absolute) != OSH_AUTHORITY_OK)
        return FALSE;
    session->authority = absolute.authority;
    return absolute.scheme != (session->secure ? OSH_URI_HTTPS : OSH_URI_HTTP) ||
           strcmp(absolute.authority.host, session->host) != 0 ||
           absolute.authority.port != session->port;
}

static gboolean
check_authority(RestSession *session, const char *window)
{
    OshSpan target = span_of(window, session->request.target);
    OshAbsoluteTarget absolute;

    if (!is_host_right(session, window))
        return rest_request_refuse(
            session, 403, "request_authority_mismatch",
            "the Host field names another destination than the connection was allowed to");
    session->is_absolute = FALSE;
    if (target.data[0] == '/')
        return TRUE;
    if ((session->request.n_hosts == 0 && !session->may_retarget) ||
        osh_absolute_target_parse(target.data, target.length, &absolute) != OSH_AUTHORITY_OK)
        return rest_request_refuse(session, 400, "invalid_request_target",
                                   "the request target is neither a path nor a URL");
    if (absolute.scheme != (session->secure ? OSH_URI_HTTPS : OSH_URI_HTTP) ||
        strcmp(absolute.authority.host, session->host) != 0 ||
        absolute.authority.port != session->port)
        return rest_request_refuse(
            session, 403, "request_authority_mismatch",
            "the request target names another destination than the connection was allowed to");
    session->authority = absolute.authority;
    session->is_absolute = TRUE;
    return TRUE;
}

/* As it was written, where it has no canonical spelling: a path up to its query. */
static void
keep_path_as_written(RestSession *session, OshSpan target)
{
    const char *end = memchr(target.data, '?', target.length);

    g_string_truncate(session->target, 0);
    if (target.length == 0 || target.data[0] != '/')
        return;
    if (end == NULL)
        end = target.data + target.length;
    g_string_append_len(session->target, target.data, MIN(end - target.data, OSH_REQUEST_PATH_MAX));
}

/* An encoded slash is for the policy to judge: its endpoints say what it means there. Returns:
 * (transfer none) (nullable): why the target is refused. */
static const char *
read_target(RestSession *session, const char *window)
{
    OshSpan target = span_of(window, session->request.target);
    const char *query = NULL;
    gboolean rewritten;
    OshRequestPathResult result = osh_request_path_canonicalise(
        target.data, target.length, OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH, session->target, &query,
        &rewritten);

    session->query_range = (OshHttp1Range){0, 0};
    if (result != OSH_REQUEST_PATH_OK) {
        keep_path_as_written(session, target);
        return osh_request_path_result_name(result);
    }
    if (query == NULL) {
        if (session->query != NULL)
            session->query->n_keys = 0;
        return NULL;
    }
    session->query_range.offset = (guint32)(query - 1 - window);
    session->query_range.length = (guint32)(target.data + target.length - query + 1);
    if (session->query == NULL)
        session->query = g_new0(RestQuery, 1);
    return rest_query_read(session->query, query, session->query_range.length - 1)
               ? NULL
               : "the query cannot be decoded in one way";
}

/* Method and path: the action and the target of the request's record. A request that is refused
 * here has no other facts. */
static void
make_facts(RestSession *session)
{
    session->n_facts = 0;
    if (session->method->len > 0)
        session->facts[session->n_facts++] = (OshFact)OSH_FACT_STRING_INIT(
            OSH_FACT_REQUEST_METHOD, ((OshSpan){session->method->str, session->method->len}));
    if (session->target->len > 0)
        session->facts[session->n_facts++] = (OshFact)OSH_FACT_STRING_INIT(
            OSH_FACT_REQUEST_PATH, ((OshSpan){session->target->str, session->target->len}));
}

static void
add_query_fact(RestSession *session)
{
    if (session->query != NULL && session->query->n_keys > 0)
        session->facts[session->n_facts++] = (OshFact)OSH_FACT_RECORDS_INIT(
            OSH_FACT_REQUEST_QUERY, session->query->records, session->query->n_keys);
}

/* Servers differ about an expectation that they do not know (RFC 9110 section 10.1.1). */
static gboolean
is_expectation_known(const OshHttp1Head *head, const char *window)
{
    const OshHttp1Field *field = NULL;

    while ((field = osh_http1_head_find(head, (const guint8 *)window, "expect", field)) != NULL)
        if (field->value.length != strlen("100-continue") ||
            g_ascii_strncasecmp(window + field->value.offset, "100-continue",
                                field->value.length) != 0)
            return FALSE;
    return TRUE;
}

/* Kinds of requests that no policy can allow. */
static gboolean
check_kind(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;

    if (g_ascii_strcasecmp(session->method->str, "CONNECT") == 0)
        return rest_request_refuse(session, 403, "unsupported_l7_protocol",
                                   "a tunnel inside a connection that is inspected is not served");
    if (g_ascii_strcasecmp(session->method->str, "TRACE") == 0)
        return rest_request_refuse(session, 403, "unsupported_l7_protocol",
                                   "TRACE would show the client what was added to its request");
    if (!is_expectation_known(head, window))
        return rest_request_refuse(session, 417, "expectation_failed",
                                   "the request expects what is not 100-continue");
    return (!head->connection_upgrade &&
            osh_http1_head_find(head, (const guint8 *)window, "upgrade", NULL) == NULL) ||
           rest_upgrade_read(session, window);
}

static void
read_method(RestSession *session, const char *window)
{
    OshSpan method = span_of(window, session->request.method);

    g_string_truncate(session->method, 0);
    g_string_append_len(session->method, method.data, (gssize)method.length);
    session->was_head = g_str_equal(session->method->str, "HEAD");
}

gboolean
rest_request_read(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    OshHttp1Error problem = osh_http1_head_check_host(head, (const guint8 *)window);
    const char *why;

    session->is_upgrade = FALSE;
    read_method(session, window);
    why = read_target(session, window);
    make_facts(session);
    if (problem != OSH_HTTP1_ERROR_NONE)
        return rest_request_refuse(session, 400, "invalid_request_head",
                                   osh_http1_error_text(problem));
    if (g_ascii_strcasecmp(session->method->str, "CONNECT") == 0)
        return check_kind(session, window);
    if (!check_authority(session, window))
        return FALSE;
    if (why != NULL)
        return rest_request_refuse(session, 400, "invalid_request_target", why);
    add_query_fact(session);
    session->closes = !osh_http1_head_keep_alive(head);
    return check_kind(session, window);
}

void
rest_request_read_rejected(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    gboolean too_large =
        head->error == OSH_HTTP1_ERROR_TOO_LARGE || head->error == OSH_HTTP1_ERROR_TOO_MANY_FIELDS;

    read_method(session, window);
    if (head->target.length > 0)
        read_target(session, window);
    else
        g_string_truncate(session->target, 0);
    make_facts(session);
    rest_request_refuse(session, too_large ? 431 : 400, "invalid_request_head",
                        osh_http1_error_text(head->error));
}

/* --- Heads as they go on -----------------------------------------------------------------------
 */

static void
add_bytes(RestSession *session, const char *bytes, gsize length)
{
    session->pieces[session->n_pieces++] =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {bytes, length}};
}

static void
add_window(RestSession *session, guint64 offset, guint64 length)
{
    if (length > 0 && session->piece_base != NULL)
        add_bytes(session, session->piece_base + offset, (gsize)length);
    else if (length > 0)
        session->pieces[session->n_pieces++] =
            (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = offset, .length = length};
}

static gboolean
field_is(const char *window, const OshHttp1Field *field, const char *lower_name)
{
    return strlen(lower_name) == field->name.length &&
           g_ascii_strncasecmp(window + field->name.offset, lower_name, field->name.length) == 0;
}

/* A field that Connection names belongs to this hop as well. */
static gboolean
is_dropped(const OshHttp1Head *head, const char *window, const OshHttp1Field *field)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hop_fields); i++)
        if (field_is(window, field, hop_fields[i]))
            return TRUE;
    /* Of equal lengths one is enough (RFC 9112 section 6.3). */
    if (field_is(window, field, "content-length") &&
        osh_http1_head_find(head, (const guint8 *)window, "content-length", NULL) != field)
        return TRUE;
    return osh_http1_head_nominates(head, (const guint8 *)window, field);
}

/* Returns: whether the length of the body that goes out is another one than the client stated. */
static gboolean
is_framed_anew(const RestSession *session)
{
    const OshHttp1Head *head = &session->request;
    guint64 total = rest_content_total(&session->content);

    /* One that is not wholly known keeps the framing that it has. */
    if (!session->content.is_active || !session->content.is_whole)
        return FALSE;
    return head->chunked || (head->has_content_length ? head->content_length != total : total > 0);
}

/* What framed a body that was gathered, and what its client was told already. */
static gboolean
is_replaced(const RestSession *session, const char *window, const OshHttp1Field *field)
{
    if (!session->content.is_active)
        return FALSE;
    if (field_is(window, field, "expect"))
        return TRUE;
    return is_framed_anew(session) &&
           (field_is(window, field, "content-length") || field_is(window, field, "trailer") ||
            field_is(window, field, "transfer-encoding"));
}

/* What would have the server send what nobody here can look into. */
static gboolean
is_withheld(const RestSession *session, const char *window, const OshHttp1Field *field)
{
    return session->response_limit > 0 &&
           (field_is(window, field, "accept-encoding") || field_is(window, field, "range") ||
            field_is(window, field, "if-range"));
}

/* What framed a response that was gathered, and what described the content that was replaced. */
static gboolean
is_of_reply(const RestSession *session, const char *window, const OshHttp1Field *field)
{
    static const char *const framing[] = {"content-length", "trailer", "transfer-encoding"};
    static const char *const describing[] = {"accept-ranges", "content-digest", "content-md5",
                                             "digest",        "etag",           "repr-digest"};
    const RestReply *reply = &session->reply;

    for (gsize i = 0; reply->is_active && i < G_N_ELEMENTS(framing); i++)
        if (field_is(window, field, framing[i]))
            return TRUE;
    /* Of a stream it is not known yet what of it will be replaced. */
    for (gsize i = 0; (reply->is_stream || reply->is_replaced) && i < G_N_ELEMENTS(describing); i++)
        if (field_is(window, field, describing[i]))
            return TRUE;
    return FALSE;
}

/* From where a field line begins to where its CRLF ends. */
static guint32
line_end(const char *window, const OshHttp1Field *field)
{
    guint32 at = field->value.offset + field->value.length;

    while (window[at] != '\n')
        at++;
    return at + 1;
}

/* The fields that are not dropped, from @fields on. An edit is of all fields of its name. */
static void
add_fields(RestSession *session, const OshHttp1Head *head, const char *window, guint32 fields)
{
    gboolean is_request = head->kind == OSH_HTTP1_REQUEST;
    gboolean edited = is_request && session->n_edits > 0;
    guint32 from = fields;
    guint32 at = fields;

    for (guint32 i = 0; i < head->n_fields; i++) {
        guint32 end = line_end(window, &head->fields[i]);

        if (is_dropped(head, window, &head->fields[i]) ||
            (is_request && (is_replaced(session, window, &head->fields[i]) ||
                            is_withheld(session, window, &head->fields[i]))) ||
            (!is_request && is_of_reply(session, window, &head->fields[i])) ||
            (edited && rest_edits_name(session, span_of(window, head->fields[i].name)))) {
            add_window(session, from, at - from);
            from = end;
        }
        at = end;
    }
    add_window(session, from, at - from);
}

/* What a client of HTTP/1.0 said by its target alone. */
static void
add_host(RestSession *session)
{
    gsize length = g_strlcpy(session->host_field, "Host: ", sizeof session->host_field);

    length += osh_authority_format(&session->authority, session->secure ? 443 : 80,
                                   session->host_field + length, OSH_HOST_SIZE + 8);
    memcpy(session->host_field + length, "\r\n", 2);
    add_bytes(session, session->host_field, length + 2);
}

static void
add_edits(RestSession *session)
{
    for (guint i = 0; i < session->n_edits; i++) {
        const RestEdit *edit = &session->edits[i];

        if (edit->value == NULL && edit->lease == NULL)
            continue;
        add_bytes(session, edit->name, strlen(edit->name));
        add_bytes(session, ": ", 2);
        if (edit->lease != NULL)
            session->pieces[session->n_pieces++] =
                (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = edit->lease};
        else if (edit->value[0] != '\0')
            add_bytes(session, edit->value, strlen(edit->value));
        add_bytes(session, "\r\n", 2);
    }
}

static void
add_length(RestSession *session)
{
    RestContent *content = &session->content;
    gint length =
        g_snprintf(content->length_field, sizeof content->length_field,
                   "Content-Length: %" G_GUINT64_FORMAT "\r\n", rest_content_total(content));

    add_bytes(session, content->length_field, (gsize)length);
}

/* What follows the last field. */
static void
add_connection(RestSession *session)
{
    if (session->is_upgrade) {
        add_bytes(session, UPGRADE, sizeof UPGRADE - 1);
        add_bytes(session, session->upgrade->str, session->upgrade->len);
        add_bytes(session, "\r\n", 2);
    } else if (session->closes) {
        add_bytes(session, CLOSE, sizeof CLOSE - 1);
    }
    add_bytes(session, "\r\n", 2);
}

void
rest_request_pieces(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    gboolean has_via = osh_http1_head_find(head, (const guint8 *)window, "via", NULL) != NULL &&
                       !osh_http1_head_list_has(head, (const guint8 *)window, "connection", "via");
    guint32 after_target = head->target.offset + head->target.length;
    guint32 fields = head->start_line.offset + head->start_line.length + 2;

    session->n_pieces = 0;
    session->piece_base = session->content.is_active ? window : NULL;
    add_window(session, 0, head->target.offset);
    add_bytes(session, session->target->str, session->target->len);
    add_window(session, session->query_range.offset, session->query_range.length);
    add_window(session, after_target, fields - after_target);
    add_fields(session, head, window, fields);
    if (session->is_absolute && head->n_hosts == 0)
        add_host(session);
    add_edits(session);
    if (session->response_limit > 0)
        add_bytes(session, IDENTITY, sizeof IDENTITY - 1);
    if (is_framed_anew(session))
        add_length(session);
    if (!has_via)
        add_bytes(session, VIA, sizeof VIA - 1);
    add_connection(session);
    session->piece_base = NULL;
}

/* Returns: whether a field is of this hop, but for a Connection that says close or keep-alive alone
 * and a Keep-Alive, which hold for the client's connection too. */
static gboolean
has_hop_field(const OshHttp1Head *head, const char *window)
{
    for (guint32 i = 0; i < head->n_fields; i++) {
        const OshHttp1Field *field = &head->fields[i];
        OshSpan value = span_of(window, field->value);

        if (field_is(window, field, "connection") &&
            (osh_span_equal_fold(value, "close") || osh_span_equal_fold(value, "keep-alive")))
            continue;
        if (!field_is(window, field, "keep-alive") && is_dropped(head, window, field))
            return TRUE;
    }
    return FALSE;
}

gboolean
rest_response_pieces(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->response;
    guint32 fields = head->start_line.offset + head->start_line.length + 2;

    if (!has_hop_field(head, window))
        return FALSE;
    session->n_pieces = 0;
    add_window(session, 0, fields);
    add_fields(session, head, window, fields);
    if (session->closes)
        add_bytes(session, CLOSE, sizeof CLOSE - 1);
    add_bytes(session, "\r\n", 2);
    return TRUE;
}

void
rest_reply_pieces(RestSession *session)
{
    const OshHttp1Head *head = &session->response;
    RestReply *reply = &session->reply;
    const char *base = (const char *)reply->head->data;
    guint32 fields = head->start_line.offset + head->start_line.length + 2;

    session->n_pieces = 0;
    session->piece_base = base;
    add_window(session, 0, fields);
    add_fields(session, head, base, fields);
    if (reply->in_chunks)
        add_bytes(session, CHUNKED, sizeof CHUNKED - 1);
    if (!reply->is_stream)
        add_bytes(session, reply->length_field,
                  (gsize)g_snprintf(reply->length_field, sizeof reply->length_field,
                                    "Content-Length: %" G_GUINT64_FORMAT "\r\n",
                                    rest_reply_total(reply)));
    if (session->closes)
        add_bytes(session, CLOSE, sizeof CLOSE - 1);
    add_bytes(session, "\r\n", 2);
    session->piece_base = NULL;
}
