/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c: one request head: what the policy is asked about it, and how it goes to the server.
 * [shard]
 *
 * The path is judged and sent in one spelling; the query is judged decoded and sent as it came.
 * What belongs to this hop (RFC 9110 section 7.6.1) is removed, what a Connection option names as
 * well.
 */
#include "rest.h"

#include "osh-request-path.h"

#include <string.h>

#define VIA "Via: 1.1 openshell-sandbox\r\n"

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
static const char *
check_host(const RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    OshAuthority authority;
    OshSpan value;

    if (head->n_hosts == 0)
        return NULL; /* HTTP/1.0 */
    value = span_of(window, head->fields[head->host].value);
    if (osh_authority_parse(value.data, value.length, session->secure ? 443 : 80, &authority) !=
            OSH_AUTHORITY_OK ||
        strcmp(authority.host, session->host) != 0 || authority.port != session->port)
        return "the Host field names another destination than the connection was allowed to";
    return NULL;
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

static const char *
check_absolute(RestSession *session, OshSpan target)
{
    OshAbsoluteTarget absolute;

    session->is_absolute = FALSE;
    if (target.length > 0 && target.data[0] == '/')
        return NULL;
    if (osh_absolute_target_parse(target.data, target.length, &absolute) != OSH_AUTHORITY_OK)
        return "the request target is neither a path nor a URL";
    if (absolute.scheme != (session->secure ? OSH_URI_HTTPS : OSH_URI_HTTP) ||
        strcmp(absolute.authority.host, session->host) != 0 ||
        absolute.authority.port != session->port)
        return "the request target names another destination than the connection was allowed to";
    session->authority = absolute.authority;
    session->is_absolute = TRUE;
    return NULL;
}

static void
add_bytes(RestSession *session, const char *bytes, gsize length)
{
    session->pieces[session->n_pieces++] =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {bytes, length}};
}

static void
add_window(RestSession *session, guint64 offset, guint64 length)
{
    if (length > 0)
        session->pieces[session->n_pieces++] =
            (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = offset, .length = length};
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

/* Returns: (transfer none) (nullable): why the target is refused. */
static const char *
read_target(RestSession *session, const char *window)
{
    OshSpan target = span_of(window, session->request.target);
    const char *query = NULL;
    gboolean rewritten;
    OshRequestPathResult result = osh_request_path_canonicalise(
        target.data, target.length, OSH_REQUEST_PATH_STRICT, session->target, &query, &rewritten);

    if (result != OSH_REQUEST_PATH_OK)
        return osh_request_path_result_name(result);
    session->query_range = (OshHttp1Range){0, 0};
    if (query == NULL) {
        session->query.n_keys = 0;
        return NULL;
    }
    /* With its question mark. */
    session->query_range.offset = (guint32)(query - 1 - window);
    session->query_range.length = (guint32)(target.data + target.length - query + 1);
    return rest_query_read(&session->query, query, session->query_range.length - 1)
               ? NULL
               : "the query cannot be decoded in one way";
}

static void
make_facts(RestSession *session)
{
    session->facts[0] = (OshFact)OSH_FACT_STRING_INIT(
        OSH_FACT_REQUEST_METHOD, ((OshSpan){session->method->str, session->method->len}));
    session->facts[1] = (OshFact)OSH_FACT_STRING_INIT(
        OSH_FACT_REQUEST_PATH, ((OshSpan){session->target->str, session->target->len}));
    session->n_facts = 2;
    if (session->query.n_keys > 0)
        session->facts[session->n_facts++] = (OshFact)OSH_FACT_RECORDS_INIT(
            OSH_FACT_REQUEST_QUERY, session->query.records, session->query.n_keys);
}

const char *
rest_request_read(RestSession *session, const char *window, guint *ret_status)
{
    const OshHttp1Head *head = &session->request;
    OshSpan method = span_of(window, head->method);
    OshHttp1Error problem = osh_http1_head_check_host(head, (const guint8 *)window);
    const char *why;

    g_string_truncate(session->method, 0);
    g_string_append_len(session->method, method.data, (gssize)method.length);
    g_string_truncate(session->target, 0);
    session->n_facts = 0;
    session->was_head = g_str_equal(session->method->str, "HEAD");
    *ret_status = 400;
    if (problem != OSH_HTTP1_ERROR_NONE)
        return osh_http1_error_text(problem);
    why = check_absolute(session, span_of(window, head->target));
    if (why == NULL)
        why = read_target(session, window);
    if (why != NULL)
        return why;
    make_facts(session);
    *ret_status = 403;
    why = check_host(session, window);
    if (why != NULL)
        return why;
    if (g_str_equal(session->method->str, "CONNECT"))
        return "a tunnel inside a connection that is inspected is not served";
    if (head->connection_upgrade ||
        osh_http1_head_find(head, (const guint8 *)window, "upgrade", NULL) != NULL)
        return "the endpoint does not allow to change the protocol";
    session->closes = !osh_http1_head_keep_alive(head);
    return NULL;
}

static gboolean
is_dropped(const OshHttp1Head *head, const char *window, const OshHttp1Field *field)
{
    char name[64];
    gsize length = field->name.length;

    for (gsize i = 0; i < G_N_ELEMENTS(hop_fields); i++)
        if (strlen(hop_fields[i]) == length &&
            g_ascii_strncasecmp(window + field->name.offset, hop_fields[i], length) == 0)
            return TRUE;
    if (length >= sizeof name)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        name[i] = g_ascii_tolower(window[field->name.offset + i]);
    name[length] = '\0';
    return osh_http1_head_list_has(head, (const guint8 *)window, "connection", name);
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

void
rest_request_pieces(RestSession *session, const char *window)
{
    const OshHttp1Head *head = &session->request;
    gboolean has_via = osh_http1_head_find(head, (const guint8 *)window, "via", NULL) != NULL;
    guint32 after_target = head->target.offset + head->target.length;
    guint32 fields = head->start_line.offset + head->start_line.length + 2;
    guint32 from = fields;
    guint32 at = fields;

    session->n_pieces = 0;
    add_window(session, 0, head->target.offset);
    add_bytes(session, session->target->str, session->target->len);
    add_window(session, session->query_range.offset, session->query_range.length);
    add_window(session, after_target, fields - after_target);
    for (guint32 i = 0; i < head->n_fields; i++) {
        guint32 end = line_end(window, &head->fields[i]);

        if (is_dropped(head, window, &head->fields[i])) {
            add_window(session, from, at - from);
            from = end;
        }
        at = end;
    }
    add_window(session, from, at - from);
    if (session->is_absolute && head->n_hosts == 0)
        add_host(session);
    if (!has_via)
        add_bytes(session, VIA, sizeof VIA - 1);
    if (session->closes)
        add_bytes(session, "Connection: close\r\n", 19);
    add_bytes(session, "\r\n", 2);
}
