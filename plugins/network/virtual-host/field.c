/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.c: what of a head a plugin sees, and what of a plugin's fields may be written. [shard]. A
 * plugin must never be able to end a head, or to say how long a body is.
 */
#include "field.h"

#include <string.h>

static const char *const framing[] = {
    "connection", "content-length", "keep-alive",        "proxy-connection", "te",
    "trailer",    "trailers",       "transfer-encoding", "upgrade",
};

static gboolean
is_one_of(OshSpan name, const char *const *names, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (name.length == strlen(names[i]) &&
            g_ascii_strncasecmp(name.data, names[i], name.length) == 0)
            return TRUE;
    return FALSE;
}

gboolean
osh_field_is_framing(OshSpan name)
{
    return is_one_of(name, framing, G_N_ELEMENTS(framing));
}

gboolean
osh_field_is_token(OshSpan text)
{
    for (gsize i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (!g_ascii_isalnum(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return FALSE;
    }
    return text.length > 0;
}

static gboolean
is_value(OshSpan text)
{
    for (gsize i = 0; i < text.length; i++) {
        guchar c = (guchar)text.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return FALSE;
    }
    return TRUE;
}

const char *
osh_field_append(GString *text, const OshHttpField *field)
{
    if (!osh_field_is_token(field->name))
        return "the name of a header field is no token";
    if (osh_field_is_framing(field->name))
        return "a header field of a plugin frames a message";
    if (!is_value(field->value))
        return "the value of a header field holds a control character";
    g_string_append_len(text, field->name.data, (gssize)field->name.length);
    g_string_append(text, ": ");
    g_string_append_len(text, field->value.data, (gssize)field->value.length);
    g_string_append(text, "\r\n");
    return NULL;
}

static gboolean
is_nominated(const OshHttp1Head *head, const guint8 *window, OshSpan name)
{
    g_autofree char *lower = g_ascii_strdown(name.data, (gssize)name.length);

    return osh_http1_head_list_has(head, window, "connection", lower);
}

gsize
osh_field_list(const OshHttp1Head *head, const guint8 *window, gboolean drops_host,
               OshHttpField *ret_fields)
{
    static const char *const of_server[] = {"expect", "host"};
    gboolean has_options = osh_http1_head_find(head, window, "connection", NULL) != NULL;
    gsize n = 0;

    for (guint32 i = 0; i < head->n_fields && n < OSH_VIRTUAL_FIELDS; i++) {
        const OshHttp1Field *field = &head->fields[i];
        OshSpan name = {(const char *)window + field->name.offset, field->name.length};

        if (osh_field_is_framing(name) || (has_options && is_nominated(head, window, name)) ||
            (drops_host && is_one_of(name, of_server, G_N_ELEMENTS(of_server))))
            continue;
        ret_fields[n++] =
            (OshHttpField){name, {(const char *)window + field->value.offset, field->value.length}};
    }
    return n;
}
