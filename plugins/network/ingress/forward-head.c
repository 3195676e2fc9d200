/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-head.c: the heads of a plain HTTP exchange, written anew. Pure; [any].
 *
 * A request gets the origin form and a Host made from its target and from nothing else. Fields that
 * belong to one hop (RFC 9110 section 7.6.1) pass in neither direction, nor do those that
 * Connection names.
 */
#include "forward-private.h"

#include <string.h>

#define VIA "Via: 1.1 openshell-sandbox\r\n"

typedef struct {
    const char *name;
    gsize length;
} HopField;

#define HOP(name)                                                                                  \
    {                                                                                              \
        name, sizeof name - 1                                                                      \
    }

/* Fields that belong to this hop, or that we make ourselves. */
static const HopField request_fields[] = {
    HOP("connection"),
    HOP("host"),
    HOP("http2-settings"),
    HOP("keep-alive"),
    HOP("proxy-authenticate"),
    HOP("proxy-authorization"),
    HOP("proxy-connection"),
    HOP("te"),
    HOP("upgrade"),
};

static const HopField answer_fields[] = {
    HOP("connection"),
    HOP("keep-alive"),
    HOP("proxy-connection"),
    HOP("upgrade"),
};

static gboolean
range_is(const guint8 *window, OshHttp1Range range, const char *lower, gsize length)
{
    return range.length == length &&
           g_ascii_strncasecmp((const char *)window + range.offset, lower, length) == 0;
}

static gboolean
is_dropped(const OshHttp1Head *head, const guint8 *window, const OshHttp1Field *field,
           const HopField *dropped, gsize n_dropped, gboolean has_connection)
{
    for (gsize i = 0; i < n_dropped; i++)
        if (range_is(window, field->name, dropped[i].name, dropped[i].length))
            return TRUE;
    /* Content-Length and Transfer-Encoding cannot be named there: the parser refuses that. */
    return has_connection && osh_http1_head_nominates(head, window, field);
}

/* Returns: whether one of the fields that stay is Via. */
static gboolean
append_fields(GString *text, const OshHttp1Head *head, const guint8 *window,
              const HopField *dropped, gsize n_dropped)
{
    gboolean has_connection = osh_http1_head_find(head, window, "connection", NULL) != NULL;
    gboolean has_via = FALSE;

    for (guint32 i = 0; i < head->n_fields; i++) {
        const OshHttp1Field *field = &head->fields[i];

        if (is_dropped(head, window, field, dropped, n_dropped, has_connection))
            continue;
        has_via |= range_is(window, field->name, "via", 3);
        g_string_append_len(text, (const char *)window + field->name.offset, field->name.length);
        g_string_append_len(text, ": ", 2);
        g_string_append_len(text, (const char *)window + field->value.offset, field->value.length);
        g_string_append_len(text, "\r\n", 2);
    }
    return has_via;
}

void
osh_forward_rewrite_request(OshForward *forward, const OshHttp1Head *head, const guint8 *window,
                            const OshAbsoluteTarget *target)
{
    GString *text = forward->request.head;
    char host[OSH_HOST_SIZE + 8];

    g_string_truncate(text, 0);
    g_string_append_len(text, (const char *)window + head->method.offset, head->method.length);
    g_string_append(text, target->path_needs_slash ? " /" : " ");
    g_string_append_len(text, (const char *)window + head->target.offset + target->path.offset,
                        target->path.length);
    g_string_append(text, head->minor_version == 0 ? " HTTP/1.0\r\nHost: " : " HTTP/1.1\r\nHost: ");
    g_string_append_len(text, host,
                        (gssize)osh_authority_format(&target->authority, 80, host, sizeof host));
    g_string_append_len(text, "\r\n", 2);
    if (!append_fields(text, head, window, request_fields, G_N_ELEMENTS(request_fields)))
        g_string_append_len(text, VIA, sizeof VIA - 1);
    if (forward->client_closes)
        g_string_append(text, "Connection: close\r\n");
    g_string_append_len(text, "\r\n", 2);
}

void
osh_forward_rewrite_answer(OshForward *forward, const guint8 *window)
{
    const OshHttp1Head *head = &forward->answer_head;
    GString *text = forward->answer.head;
    /* Behind "HTTP/1.x". */
    guint32 version = 8;

    /* The interim responses before it have gone. */
    if (forward->answer.head_sent == text->len) {
        g_string_truncate(text, 0);
        forward->answer.head_sent = 0;
    }
    g_string_append_len(text, "HTTP/1.1", 8);
    g_string_append_len(text, (const char *)window + head->start_line.offset + version,
                        head->start_line.length - version);
    g_string_append_len(text, "\r\n", 2);
    append_fields(text, head, window, answer_fields, G_N_ELEMENTS(answer_fields));
    if (head->status >= 200 && forward->closes)
        g_string_append(text, "Connection: close\r\n");
    else if (head->status >= 200 && forward->minor_version == 0)
        g_string_append(text, "Connection: keep-alive\r\n");
    g_string_append_len(text, "\r\n", 2);
}
