/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-http1-head.c: the strict head parser.
 *
 * The bytes come from an attacker, on either side. One pass: a vector scan looks for the next
 * control byte, which in a good head is always the CR of a line end, and each line is parsed once
 * when its end has arrived. Every verdict depends only on the bytes up to the one that decides it,
 * never on how they were split; tests/fuzz/fuzz-http1-head.c asserts it.
 *
 * Objects belong to their caller. It must never allocate, repair a head, or read past its end.
 */
#include "osh-http1-head.h"

#include "osh-authority.h"
#include "osh-http1-grammar.h"

void
osh_http1_head_init(OshHttp1Head *head, OshHttp1Kind kind, guint32 max_size, OshHttp1Field *fields,
                    guint32 max_fields)
{
    memset(head, 0, sizeof *head);
    head->kind = kind;
    head->max_size = max_size;
    head->fields = fields;
    head->max_fields = max_fields;
}

void
osh_http1_head_reset(OshHttp1Head *head)
{
    osh_http1_head_init(head, head->kind, head->max_size, head->fields, head->max_fields);
}

static gboolean
parse_version(OshHttp1Head *head, const guint8 *bytes)
{
    if (memcmp(bytes, "HTTP/1.", 7) != 0 || (bytes[7] != '0' && bytes[7] != '1'))
        return FALSE;
    head->minor_version = (guint8)(bytes[7] - '0');
    return TRUE;
}

static OshHttp1Error
parse_request_line(OshHttp1Head *head, const guint8 *window, gsize offset, gsize length)
{
    const guint8 *line = window + offset;
    gsize method = 0;
    const guint8 *target;
    const guint8 *space;
    gsize target_length;

    while (method < length && osh_http1_is_token_character(line[method]))
        method++;
    if (method < length && line[method] != ' ' && line[method] != '\t')
        return OSH_HTTP1_ERROR_BAD_METHOD;
    if (method == 0 || method == length || line[method] != ' ')
        return OSH_HTTP1_ERROR_BAD_REQUEST_LINE;
    target = line + method + 1;
    space = memchr(target, ' ', length - method - 1);
    if (space == NULL || space == target)
        return OSH_HTTP1_ERROR_BAD_REQUEST_LINE;
    target_length = (gsize)(space - target);
    length -= method + 1 + target_length + 1;
    if (length == 0 || memchr(space + 1, ' ', length) != NULL ||
        memchr(target, '\t', target_length + 1 + length) != NULL)
        return OSH_HTTP1_ERROR_BAD_REQUEST_LINE;
    if (length != 8 || !parse_version(head, space + 1))
        return OSH_HTTP1_ERROR_BAD_VERSION;
    head->method = (OshHttp1Range){(guint32)offset, (guint32)method};
    head->target = (OshHttp1Range){(guint32)(offset + method + 1), (guint32)target_length};
    return OSH_HTTP1_ERROR_NONE;
}

static OshHttp1Error
parse_status_line(OshHttp1Head *head, const guint8 *window, gsize offset, gsize length)
{
    const guint8 *line = window + offset;

    if (length < 8 || !parse_version(head, line))
        return length >= 5 && memcmp(line, "HTTP/", 5) == 0 ? OSH_HTTP1_ERROR_BAD_VERSION
                                                            : OSH_HTTP1_ERROR_BAD_STATUS_LINE;
    /* The space before an empty reason is often left out; nothing else can be meant. */
    if (length < 12 || line[8] != ' ' || (length > 12 && line[12] != ' ') || line[9] < '1' ||
        line[9] > '5' || !g_ascii_isdigit(line[10]) || !g_ascii_isdigit(line[11]))
        return OSH_HTTP1_ERROR_BAD_STATUS_LINE;
    head->status = (guint16)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
    if (length > 13)
        head->reason = (OshHttp1Range){(guint32)(offset + 13), (guint32)(length - 13)};
    return OSH_HTTP1_ERROR_NONE;
}

static OshHttp1Error
note_content_length(OshHttp1Head *head, const guint8 *value, gsize length)
{
    guint64 number = 0;

    /* Eighteen digits are far beyond any body and cannot overflow. */
    if (length == 0 || length > 18)
        return OSH_HTTP1_ERROR_BAD_CONTENT_LENGTH;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isdigit(value[i]))
            return OSH_HTTP1_ERROR_BAD_CONTENT_LENGTH;
        number = number * 10 + (guint64)(value[i] - '0');
    }
    if (head->has_content_length && head->content_length != number)
        return OSH_HTTP1_ERROR_DIFFERING_CONTENT_LENGTHS;
    head->has_content_length = TRUE;
    head->content_length = number;
    return OSH_HTTP1_ERROR_NONE;
}

static OshHttp1Error
note_transfer_encoding(OshHttp1Head *head, const guint8 *value, gsize length)
{
    if (head->chunked || length != 7 || !osh_http1_name_equals(value, "chunked", 7))
        return OSH_HTTP1_ERROR_BAD_TRANSFER_ENCODING;
    head->chunked = TRUE;
    return OSH_HTTP1_ERROR_NONE;
}

static gboolean
option_is(const guint8 *option, gsize length, const char *lower_name)
{
    return length == strlen(lower_name) && osh_http1_name_equals(option, lower_name, length);
}

static OshHttp1Error
note_connection_option(OshHttp1Head *head, const guint8 *option, gsize length)
{
    if (length == 0)
        return OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION;
    for (gsize i = 0; i < length; i++)
        if (!osh_http1_is_token_character(option[i]))
            return OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION;
    if (option_is(option, length, "host") || option_is(option, length, "content-length") ||
        option_is(option, length, "transfer-encoding"))
        return OSH_HTTP1_ERROR_FORBIDDEN_CONNECTION_OPTION;
    head->connection_close |= option_is(option, length, "close");
    head->connection_keep_alive |= option_is(option, length, "keep-alive");
    head->connection_upgrade |= option_is(option, length, "upgrade");
    return OSH_HTTP1_ERROR_NONE;
}

/* Returns the end of the list member that starts at *start, and moves *start past its blanks. */
static gsize
list_member(const guint8 *value, gsize *start, gsize length, gsize *ret_next)
{
    const guint8 *comma = memchr(value + *start, ',', length - *start);
    gsize end = comma != NULL ? (gsize)(comma - value) : length;

    *ret_next = end + 1;
    while (*start < end && (value[*start] == ' ' || value[*start] == '\t'))
        (*start)++;
    while (end > *start && (value[end - 1] == ' ' || value[end - 1] == '\t'))
        end--;
    return end;
}

static OshHttp1Error
note_connection(OshHttp1Head *head, const guint8 *value, gsize length)
{
    gsize next = 0;

    while (next <= length) {
        gsize start = next;
        gsize end = list_member(value, &start, length, &next);
        OshHttp1Error error = note_connection_option(head, value + start, end - start);

        if (error != OSH_HTTP1_ERROR_NONE)
            return error;
    }
    return OSH_HTTP1_ERROR_NONE;
}

/* Notes the four fields that decide where a message goes and where it ends. */
static OshHttp1Error
note_field(OshHttp1Head *head, const guint8 *window, const OshHttp1Field *field)
{
    const guint8 *name = window + field->name.offset;
    const guint8 *value = window + field->value.offset;

    switch (field->name.length) {
    case 4:
        if (osh_http1_name_equals(name, "host", 4) && head->n_hosts++ == 0)
            head->host = head->n_fields - 1;
        return OSH_HTTP1_ERROR_NONE;
    case 10:
        if (osh_http1_name_equals(name, "connection", 10))
            return note_connection(head, value, field->value.length);
        return OSH_HTTP1_ERROR_NONE;
    case 14:
        if (osh_http1_name_equals(name, "content-length", 14))
            return note_content_length(head, value, field->value.length);
        return OSH_HTTP1_ERROR_NONE;
    case 17:
        if (osh_http1_name_equals(name, "transfer-encoding", 17))
            return note_transfer_encoding(head, value, field->value.length);
        return OSH_HTTP1_ERROR_NONE;
    default:
        return OSH_HTTP1_ERROR_NONE;
    }
}

static OshHttp1Error
parse_field(OshHttp1Head *head, const guint8 *window, gsize offset, gsize length)
{
    OshHttp1Error error;
    OshHttp1Field *field;

    if (head->n_fields == head->max_fields)
        return OSH_HTTP1_ERROR_TOO_MANY_FIELDS;
    field = &head->fields[head->n_fields];
    error = osh_http1_parse_field_line(window, offset, length, field);
    if (error != OSH_HTTP1_ERROR_NONE)
        return error;
    head->n_fields++;
    return note_field(head, window, field);
}

/* What can be judged only when all fields are known. */
static OshHttp1Error
check_lengths(const OshHttp1Head *head)
{
    if (head->chunked && head->has_content_length)
        return OSH_HTTP1_ERROR_BOTH_LENGTHS;
    if (head->chunked && head->minor_version == 0)
        return OSH_HTTP1_ERROR_TRANSFER_ENCODING_IN_HTTP10;
    return OSH_HTTP1_ERROR_NONE;
}

static OshHttp1Error
parse_line(OshHttp1Head *head, const guint8 *window, gsize offset, gsize length)
{
    OshHttp1Error error;

    if (head->line_high && head->kind == OSH_HTTP1_REQUEST &&
        !g_utf8_validate_len((const char *)window + offset, length, NULL))
        return OSH_HTTP1_ERROR_NOT_UTF8;
    if (head->past_start_line)
        return parse_field(head, window, offset, length);
    error = head->kind == OSH_HTTP1_REQUEST ? parse_request_line(head, window, offset, length)
                                            : parse_status_line(head, window, offset, length);
    head->start_line = (OshHttp1Range){(guint32)offset, (guint32)length};
    head->past_start_line = TRUE;
    return error;
}

static OshHttp1Status
reject(OshHttp1Head *head, OshHttp1Error error)
{
    head->error = error;
    head->error_offset = head->line_start;
    return OSH_HTTP1_REJECTED;
}

OshHttp1Status
osh_http1_head_feed(OshHttp1Head *head, const guint8 *window, gsize size)
{
    gsize end = MIN(size, head->max_size);

    if (head->error != OSH_HTTP1_ERROR_NONE)
        return OSH_HTTP1_REJECTED;
    while (head->size == 0) {
        gsize at = osh_http1_scan(window, head->scanned, end, &head->line_high);
        OshHttp1Error error = OSH_HTTP1_ERROR_NONE;
        gboolean more = at == end;

        head->scanned = (guint32)at;
        if (!more)
            error = osh_http1_line_end(window, at, end, &more);
        if (more && end == head->max_size)
            return reject(head, OSH_HTTP1_ERROR_TOO_LARGE);
        if (more)
            return OSH_HTTP1_NEED_MORE;
        if (error == OSH_HTTP1_ERROR_NONE && at == head->line_start && head->past_start_line) {
            error = check_lengths(head);
            if (error == OSH_HTTP1_ERROR_NONE)
                head->size = (guint32)(at + 2);
        } else if (error == OSH_HTTP1_ERROR_NONE) {
            error = parse_line(head, window, head->line_start, at - head->line_start);
        }
        if (error != OSH_HTTP1_ERROR_NONE)
            return reject(head, error);
        head->scanned = (guint32)(at + 2);
        head->line_start = head->scanned;
        head->line_high = FALSE;
    }
    return OSH_HTTP1_COMPLETE;
}

OshHttp1Error
osh_http1_head_check_host(const OshHttp1Head *head, const guint8 *window)
{
    OshAuthority authority;
    OshHttp1Range value;

    if (head->n_hosts > 1)
        return OSH_HTTP1_ERROR_SEVERAL_HOSTS;
    if (head->n_hosts == 0)
        return head->minor_version == 0 ? OSH_HTTP1_ERROR_NONE : OSH_HTTP1_ERROR_NO_HOST;
    value = head->fields[head->host].value;
    if (osh_authority_parse((const char *)window + value.offset, value.length, 80, &authority) !=
        OSH_AUTHORITY_OK)
        return OSH_HTTP1_ERROR_BAD_HOST;
    return OSH_HTTP1_ERROR_NONE;
}

const OshHttp1Field *
osh_http1_head_find(const OshHttp1Head *head, const guint8 *window, const char *lower_name,
                    const OshHttp1Field *after)
{
    gsize length = strlen(lower_name);
    gsize first = after != NULL ? (gsize)(after - head->fields) + 1 : 0;

    for (gsize i = first; i < head->n_fields; i++) {
        const OshHttp1Field *field = &head->fields[i];

        if (field->name.length == length &&
            osh_http1_name_equals(window + field->name.offset, lower_name, length))
            return field;
    }
    return NULL;
}

gboolean
osh_http1_head_list_has(const OshHttp1Head *head, const guint8 *window, const char *lower_name,
                        const char *lower_member)
{
    const OshHttp1Field *field = NULL;

    while ((field = osh_http1_head_find(head, window, lower_name, field)) != NULL) {
        const guint8 *value = window + field->value.offset;
        gsize next = 0;

        while (next <= field->value.length) {
            gsize start = next;
            gsize end = list_member(value, &start, field->value.length, &next);

            if (option_is(value + start, end - start, lower_member))
                return TRUE;
        }
    }
    return FALSE;
}

gboolean
osh_http1_head_nominates(const OshHttp1Head *head, const guint8 *window, const OshHttp1Field *field)
{
    const char *name = (const char *)window + field->name.offset;
    const OshHttp1Field *connection = NULL;

    while ((connection = osh_http1_head_find(head, window, "connection", connection)) != NULL) {
        const guint8 *value = window + connection->value.offset;
        gsize next = 0;

        while (next <= connection->value.length) {
            gsize start = next;
            gsize end = list_member(value, &start, connection->value.length, &next);

            if (end - start == field->name.length &&
                g_ascii_strncasecmp((const char *)value + start, name, end - start) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

gboolean
osh_http1_range_equals(const guint8 *window, OshHttp1Range range, const char *text)
{
    return strlen(text) == range.length && memcmp(window + range.offset, text, range.length) == 0;
}

OshHttp1Framing
osh_http1_request_framing(const OshHttp1Head *head)
{
    if (head->chunked)
        return OSH_HTTP1_FRAMING_CHUNKED;
    if (head->has_content_length && head->content_length > 0)
        return OSH_HTTP1_FRAMING_LENGTH;
    return OSH_HTTP1_FRAMING_NONE;
}

OshHttp1Framing
osh_http1_response_framing(const OshHttp1Head *head, gboolean request_was_head,
                           gboolean request_was_connect)
{
    if (request_was_head || head->status < 200 || head->status == 204 || head->status == 304)
        return OSH_HTTP1_FRAMING_NONE;
    if (request_was_connect && head->status < 300)
        return OSH_HTTP1_FRAMING_NONE;
    if (!head->chunked && !head->has_content_length)
        return OSH_HTTP1_FRAMING_UNTIL_CLOSE;
    return osh_http1_request_framing(head);
}

gboolean
osh_http1_head_keep_alive(const OshHttp1Head *head)
{
    if (head->connection_close)
        return FALSE;
    return head->minor_version >= 1 || head->connection_keep_alive;
}
