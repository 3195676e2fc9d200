/* SPDX-License-Identifier: Apache-2.0 */
/* extension.c: the grammar of RFC 6455 section 9.1 and the parameters of RFC 7692 section 7.1.
 * [any] */
#include "extension.h"

#include <string.h>

#define EXTENSION "permessage-deflate"

/* --- Lists -------------------------------------------------------------------------------------
 */

static OshSpan
strip(OshSpan text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

gboolean
ws_next_element(OshSpan *list, char separator, OshSpan *ret_element)
{
    gboolean quoted = FALSE;
    gsize i = 0;

    if (list->data == NULL)
        return FALSE;
    for (; i < list->length && (quoted || list->data[i] != separator); i++)
        if (list->data[i] == '"')
            quoted = !quoted;
        else if (quoted && list->data[i] == '\\')
            i++;
    i = MIN(i, list->length);
    *ret_element = strip((OshSpan){list->data, i});
    if (i == list->length)
        *list = (OshSpan){NULL, 0};
    else
        *list = (OshSpan){list->data + i + 1, list->length - i - 1};
    return TRUE;
}

gboolean
ws_is_token(OshSpan text)
{
    for (gsize i = 0; i < text.length; i++)
        if (!g_ascii_isalnum(text.data[i]) &&
            (text.data[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text.data[i]) == NULL))
            return FALSE;
    return text.length > 0;
}

gboolean
ws_equals(OshSpan text, const char *word)
{
    return text.length == strlen(word) && g_ascii_strncasecmp(text.data, word, text.length) == 0;
}

/* --- Parameters --------------------------------------------------------------------------------
 */

/* A value may be quoted, and is a token all the same. */
static OshSpan
unquote(OshSpan value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return (OshSpan){value.data + 1, value.length - 2};
    return value;
}

/* Returns: 8 to 15, or 0. */
static guint
read_window_bits(OshSpan value)
{
    value = unquote(value);
    if (value.length == 1 && (value.data[0] == '8' || value.data[0] == '9'))
        return (guint)(value.data[0] - '0');
    if (value.length == 2 && value.data[0] == '1' && value.data[1] >= '0' && value.data[1] <= '5')
        return 10 + (guint)(value.data[1] - '0');
    return 0;
}

static gboolean
take_flag(gboolean *flag, gboolean has_value)
{
    gboolean is_right = !*flag && !has_value;

    *flag = TRUE;
    return is_right;
}

static gboolean
take_window_bits(guint *bits, gboolean has_value, OshSpan value, gboolean needs_value)
{
    if (*bits != 0)
        return FALSE;
    if (!has_value)
        *bits = needs_value ? 0 : WS_WINDOW_BITS;
    else
        *bits = read_window_bits(value);
    return *bits != 0;
}

/* Returns: FALSE for a parameter that is unknown, repeated, or has not the value that it needs. */
static gboolean
take_parameter(WsOffer *offer, OshSpan parameter, gboolean is_answer)
{
    OshSpan rest = parameter;
    OshSpan name;
    gboolean has_value;

    if (!ws_next_element(&rest, '=', &name) || !ws_is_token(name))
        return FALSE;
    has_value = rest.data != NULL;
    rest = strip(rest);
    if (ws_equals(name, "server_no_context_takeover"))
        return take_flag(&offer->server_resets, has_value);
    if (ws_equals(name, "client_no_context_takeover"))
        return take_flag(&offer->client_resets, has_value);
    if (ws_equals(name, "server_max_window_bits"))
        return take_window_bits(&offer->server_window_bits, has_value, rest, TRUE);
    if (ws_equals(name, "client_max_window_bits"))
        return take_window_bits(&offer->client_window_bits, has_value, rest, is_answer);
    return FALSE;
}

/* Returns: whether @extension is permessage-deflate and well formed. */
static gboolean
read_extension(OshSpan extension, WsOffer *offer, gboolean is_answer)
{
    OshSpan part;

    *offer = (WsOffer){.is_on = TRUE};
    if (!ws_next_element(&extension, ';', &part) || !ws_equals(part, EXTENSION))
        return FALSE;
    while (ws_next_element(&extension, ';', &part))
        if (!take_parameter(offer, part, is_answer))
            return FALSE;
    return TRUE;
}

gboolean
ws_offer_read(OshSpan value, WsOffer *offer)
{
    OshSpan extension;

    while (ws_next_element(&value, ',', &extension))
        if (read_extension(extension, offer, FALSE))
            return TRUE;
    *offer = (WsOffer){.is_on = FALSE};
    return FALSE;
}

void
ws_offer_text(const WsOffer *offer, GString *text)
{
    g_string_append(text, EXTENSION);
    if (offer->server_resets)
        g_string_append(text, "; server_no_context_takeover");
    if (offer->client_resets)
        g_string_append(text, "; client_no_context_takeover");
    if (offer->server_window_bits != 0)
        g_string_append_printf(text, "; server_max_window_bits=%u", offer->server_window_bits);
    if (offer->client_window_bits == WS_WINDOW_BITS)
        g_string_append(text, "; client_max_window_bits");
    else if (offer->client_window_bits != 0)
        g_string_append_printf(text, "; client_max_window_bits=%u", offer->client_window_bits);
}

gboolean
ws_answer_read(OshSpan value, const WsOffer *offer, WsDeflateAgreed agreed[2])
{
    WsOffer answer;
    OshSpan extension;

    if (!ws_next_element(&value, ',', &extension) || value.data != NULL ||
        !read_extension(extension, &answer, TRUE) || !offer->is_on)
        return FALSE;
    /* RFC 7692 sections 7.1.1 and 7.1.2: what the server may not decide by itself. */
    if ((offer->server_resets && !answer.server_resets) ||
        (answer.client_window_bits != 0 && offer->client_window_bits == 0) ||
        answer.client_window_bits > offer->client_window_bits ||
        (offer->server_window_bits != 0 &&
         (answer.server_window_bits == 0 || answer.server_window_bits > offer->server_window_bits)))
        return FALSE;
    agreed[OSH_CLIENT_TO_SERVER] = (WsDeflateAgreed){
        TRUE, answer.client_resets,
        answer.client_window_bits != 0 ? answer.client_window_bits : WS_WINDOW_BITS};
    agreed[OSH_SERVER_TO_CLIENT] = (WsDeflateAgreed){
        TRUE, answer.server_resets,
        answer.server_window_bits != 0 ? answer.server_window_bits : WS_WINDOW_BITS};
    return TRUE;
}
