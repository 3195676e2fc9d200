/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.c: RFC 6455 sections 4.1 and 4.2, by the book: what a server might overlook is refused
 * before it sees a byte. [shard]
 */
#include "handshake.h"

#include <string.h>

#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_SIZE  24
#define PROTOCOLS 64

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static gboolean
refuse(GError **error, const char *words)
{
    g_set_error_literal(error, OSH_ERROR, OSH_ERROR_DENIED, words);
    return FALSE;
}

/* --- Fields ------------------------------------------------------------------------------------
 */

/* Returns: how many there are; @ret_value: (nullable): gets the value of the first. */
static guint
find_field(const OshHttpHead *head, const char *name, OshSpan *ret_value)
{
    guint n = 0;

    for (gsize i = 0; i < head->n_fields; i++)
        if (ws_equals(head->fields[i].name, name) && n++ == 0 && ret_value != NULL)
            *ret_value = head->fields[i].value;
    return n;
}

/* Returns: whether a field of that name lists @word, in any letter case. */
static gboolean
lists_word(const OshHttpHead *head, const char *name, const char *word)
{
    for (gsize i = 0; i < head->n_fields; i++) {
        OshSpan list = head->fields[i].value;
        OshSpan element;

        if (!ws_equals(head->fields[i].name, name))
            continue;
        while (ws_next_element(&list, ',', &element))
            if (ws_equals(element, word))
                return TRUE;
    }
    return FALSE;
}

static gboolean
has_upgrade(const OshHttpHead *head)
{
    OshSpan value = {NULL, 0};

    return find_field(head, "upgrade", &value) == 1 && ws_equals(value, "websocket") &&
           lists_word(head, "connection", "upgrade");
}

/* A body would stand where frames begin. */
static gboolean
has_body(const OshHttpHead *head)
{
    OshSpan length = {NULL, 0};

    return find_field(head, "transfer-encoding", NULL) > 0 ||
           (find_field(head, "content-length", &length) > 0 && !ws_equals(length, "0"));
}

/* --- The request -------------------------------------------------------------------------------
 */

/* Sixteen bytes in base64, in the one spelling that they have. */
static gboolean
is_key(OshSpan key)
{
    const char *last;

    if (key.length != KEY_SIZE || memcmp(key.data + KEY_SIZE - 2, "==", 2) != 0)
        return FALSE;
    for (guint i = 0; i < KEY_SIZE - 2; i++)
        if (key.data[i] == '\0' || strchr(base64, key.data[i]) == NULL)
            return FALSE;
    last = strchr(base64, key.data[KEY_SIZE - 3]);
    return (last - base64) % 16 == 0;
}

static char *
accept_for(OshSpan key)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[20];
    gsize length = sizeof digest;

    g_checksum_update(checksum, (const guchar *)key.data, (gssize)key.length);
    g_checksum_update(checksum, (const guchar *)GUID, strlen(GUID));
    g_checksum_get_digest(checksum, digest, &length);
    return g_base64_encode(digest, length);
}

/* Returns: FALSE for a list that holds what is no token, or one of them twice. */
static gboolean
take_protocols(GPtrArray *protocols, OshSpan list)
{
    OshSpan element;

    while (ws_next_element(&list, ',', &element)) {
        char *name;

        if (!ws_is_token(element) || protocols->len >= PROTOCOLS)
            return FALSE;
        name = g_strndup(element.data, element.length);
        for (guint i = 0; i < protocols->len; i++)
            if (g_str_equal(g_ptr_array_index(protocols, i), name)) {
                g_free(name);
                return FALSE;
            }
        g_ptr_array_add(protocols, name);
    }
    return TRUE;
}

static gboolean
read_protocols(WsHandshake *handshake, const OshHttpHead *head)
{
    g_autoptr(GPtrArray) protocols = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < head->n_fields; i++)
        if (ws_equals(head->fields[i].name, "sec-websocket-protocol") &&
            !take_protocols(protocols, head->fields[i].value))
            return FALSE;
    g_ptr_array_add(protocols, NULL);
    handshake->protocols = (char **)g_ptr_array_steal(protocols, NULL);
    return TRUE;
}

/* One offer goes on, or the field is removed. */
static void
read_offer(WsHandshake *handshake, const OshHttpHead *head)
{
    handshake->edit.name = "Sec-WebSocket-Extensions";
    for (gsize i = 0; i < head->n_fields; i++) {
        if (!ws_equals(head->fields[i].name, "sec-websocket-extensions"))
            continue;
        handshake->n_edits = 1;
        if (!handshake->offer.is_on)
            (void)ws_offer_read(head->fields[i].value, &handshake->offer);
    }
    if (!handshake->offer.is_on)
        return;
    handshake->offer_text = g_string_new(NULL);
    ws_offer_text(&handshake->offer, handshake->offer_text);
    handshake->edit.value = handshake->offer_text->str;
}

/* Of the request's facts, those by which its messages are judged. */
static void
keep_facts(WsHandshake *handshake, const OshHttpHead *head)
{
    OshFact kept[2] = {OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, head->path)};
    OshFacts facts = {kept, 1};

    for (gsize i = 0; osh_has_member(head, OshHttpHead, facts) && head->facts != NULL &&
                      i < head->facts->n_facts;
         i++)
        if (g_strcmp0(head->facts->facts[i].name, OSH_FACT_REQUEST_QUERY) == 0) {
            kept[1] = head->facts->facts[i];
            facts.n_facts = 2;
        }
    osh_fact_copy_set(&handshake->facts, &facts);
}

static gboolean
check_request(const OshHttpHead *head, GError **error)
{
    OshSpan version = {NULL, 0};
    OshSpan key = {NULL, 0};

    if (head->method.length != 3 || memcmp(head->method.data, "GET", 3) != 0)
        return refuse(error, "a WebSocket is opened by GET");
    if (!has_upgrade(head))
        return refuse(error, "a WebSocket needs one Upgrade: websocket and Connection: Upgrade");
    if (find_field(head, "sec-websocket-version", &version) != 1 || !ws_equals(version, "13"))
        return refuse(error, "a WebSocket needs one Sec-WebSocket-Version: 13");
    if (find_field(head, "sec-websocket-key", &key) != 1 || !is_key(key))
        return refuse(error, "a WebSocket needs one Sec-WebSocket-Key of 16 bytes in base64");
    if (has_body(head))
        return refuse(error, "a request that opens a WebSocket has no body");
    return TRUE;
}

WsHandshake *
ws_handshake_new(const OshHttpHead *head, GError **error)
{
    g_autoptr(WsHandshake) handshake = NULL;
    OshSpan key = {NULL, 0};

    if (!check_request(head, error))
        return NULL;
    handshake = g_new0(WsHandshake, 1);
    find_field(head, "sec-websocket-key", &key);
    handshake->accept = accept_for(key);
    if (!read_protocols(handshake, head)) {
        refuse(error, "Sec-WebSocket-Protocol is no list of different names");
        return NULL;
    }
    read_offer(handshake, head);
    keep_facts(handshake, head);
    return g_steal_pointer(&handshake);
}

/* --- The response ------------------------------------------------------------------------------
 */

static gboolean
agree_to_protocol(WsHandshake *handshake, const OshHttpHead *head, GError **error)
{
    OshSpan chosen = {NULL, 0};
    guint n = find_field(head, "sec-websocket-protocol", &chosen);

    if (n == 0)
        return TRUE;
    for (char **name = handshake->protocols; n == 1 && *name != NULL; name++)
        if (strlen(*name) == chosen.length && memcmp(*name, chosen.data, chosen.length) == 0) {
            handshake->protocol = *name;
            return TRUE;
        }
    return refuse(error, "the server chose a subprotocol that the client has not offered");
}

gboolean
ws_handshake_agree(WsHandshake *handshake, const OshHttpHead *head, GError **error)
{
    OshSpan value = {NULL, 0};
    guint n;

    if (head->status != 101 || !has_upgrade(head))
        return refuse(error, "the server does not switch to the WebSocket that was asked for");
    if (has_body(head))
        return refuse(error, "the server announces a body with its 101");
    if (find_field(head, "sec-websocket-accept", &value) != 1 ||
        value.length != strlen(handshake->accept) ||
        memcmp(value.data, handshake->accept, value.length) != 0)
        return refuse(error, "the server's Sec-WebSocket-Accept is not that of the key");
    if (!agree_to_protocol(handshake, head, error))
        return FALSE;
    n = find_field(head, "sec-websocket-extensions", &value);
    if (n > 1 || (n == 1 && !ws_answer_read(value, &handshake->offer, handshake->agreed)))
        return refuse(error, "the server agreed to an extension that was not offered like this");
    return TRUE;
}

void
ws_handshake_free(WsHandshake *handshake)
{
    if (handshake == NULL)
        return;
    g_free(handshake->accept);
    g_strfreev(handshake->protocols);
    if (handshake->offer_text != NULL)
        g_string_free(handshake->offer_text, TRUE);
    osh_fact_copy_clear(&handshake->facts);
    g_free(handshake);
}
