/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client-hello.c: finds the name and the protocols in a ClientHello. Pure; [any].
 *
 * Two extensions of one type, a length that does not fit, a name with anything but letters, digits,
 * hyphen, underscore and dot: each is malformed, since two readers could take it for two things.
 */
#include "client-hello.h"

#include <string.h>

#define RECORD_HEADER             5
#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT              21
#define RECORD_HANDSHAKE          22
/* The version of a record is ignored (RFC 8446 section 5.1); servers that look at it, to tell TLS
   from other protocols, take this much. */
#define RECORD_MAJOR_MAX   15
#define RECORD_MAX         16384 /* RFC 8446 section 5.1 */
#define HANDSHAKE_HEADER   4
#define CLIENT_HELLO       1
#define RANDOM_LENGTH      32
#define SESSION_ID_MAX     32
#define NAME_TYPE_HOST     0
#define EXTENSION_NAME     0
#define EXTENSION_ALPN     16
#define EXTENSION_VERSIONS 43
#define EXTENSION_ECH      0xfe0d
#define EXTENSIONS_AT_ALL  128

typedef struct {
    const guint8 *at;
    gsize left;
} Reader;

static gboolean
read_bytes(Reader *reader, gsize length, Reader *ret_bytes)
{
    if (reader->left < length)
        return FALSE;
    if (ret_bytes != NULL)
        *ret_bytes = (Reader){reader->at, length};
    reader->at += length;
    reader->left -= length;
    return TRUE;
}

/* A number of @size bytes, the most significant first. */
static gboolean
read_number(Reader *reader, guint size, guint32 *ret_number)
{
    guint32 number = 0;

    if (reader->left < size)
        return FALSE;
    for (guint i = 0; i < size; i++)
        number = number << 8 | reader->at[i];
    reader->at += size;
    reader->left -= size;
    *ret_number = number;
    return TRUE;
}

/* What a length of @size bytes stands before. */
static gboolean
read_vector(Reader *reader, guint size, Reader *ret_bytes)
{
    guint32 length;

    return read_number(reader, size, &length) && read_bytes(reader, length, ret_bytes);
}

static gboolean
name_copy(const Reader *name, char ret_name[256])
{
    gsize length = name->left;

    if (length > 0 && name->at[length - 1] == '.')
        length--;
    if (length == 0 || length > 253 || name->at[length - 1] == '.')
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        char byte = (char)name->at[i];

        if (!g_ascii_isalnum(byte) && byte != '-' && byte != '_' && byte != '.')
            return FALSE;
        if (byte == '.' && (i == 0 || name->at[i - 1] == '.'))
            return FALSE;
        ret_name[i] = g_ascii_tolower(byte);
    }
    ret_name[length] = '\0';
    return TRUE;
}

/* RFC 6066 section 3: a list with at most one name of each type, of which there is one. */
static gboolean
parse_name(Reader extension, OshClientHello *hello)
{
    Reader list, name;
    guint32 type;

    return read_vector(&extension, 2, &list) && extension.left == 0 &&
           read_number(&list, 1, &type) && type == NAME_TYPE_HOST && read_vector(&list, 2, &name) &&
           list.left == 0 && name_copy(&name, hello->name);
}

static gboolean
parse_alpn(Reader extension, OshClientHello *hello)
{
    Reader list, protocol;

    hello->has_alpn = TRUE;
    if (!read_vector(&extension, 2, &list) || extension.left != 0 || list.left == 0)
        return FALSE;
    while (list.left > 0) {
        if (!read_vector(&list, 1, &protocol) || protocol.left == 0)
            return FALSE;
        if (hello->n_protocols < OSH_CLIENT_HELLO_PROTOCOLS)
            hello->protocols[hello->n_protocols++] =
                (OshSpan){(const char *)protocol.at, protocol.left};
    }
    return TRUE;
}

static gboolean
parse_extensions(Reader all, OshClientHello *hello)
{
    guint32 seen[EXTENSIONS_AT_ALL];
    guint n_seen = 0;

    while (all.left > 0) {
        Reader extension;
        guint32 type;

        if (!read_number(&all, 2, &type) || !read_vector(&all, 2, &extension) ||
            n_seen == EXTENSIONS_AT_ALL)
            return FALSE;
        for (guint i = 0; i < n_seen; i++)
            if (seen[i] == type)
                return FALSE;
        seen[n_seen++] = type;
        if ((type == EXTENSION_NAME && !parse_name(extension, hello)) ||
            (type == EXTENSION_ALPN && !parse_alpn(extension, hello)))
            return FALSE;
        hello->encrypted |= type == EXTENSION_ECH;
        hello->may_be_retried |= type == EXTENSION_VERSIONS;
    }
    return TRUE;
}

static gboolean
parse_message(OshClientHello *hello)
{
    Reader reader = {hello->message + HANDSHAKE_HEADER, hello->length - HANDSHAKE_HEADER};
    Reader part, extensions;
    guint32 version;

    if (!read_number(&reader, 2, &version) || version >> 8 != 3 ||
        !read_bytes(&reader, RANDOM_LENGTH, NULL) || !read_vector(&reader, 1, &part) ||
        part.left > SESSION_ID_MAX)
        return FALSE;
    if (!read_vector(&reader, 2, &part) || part.left < 2 || part.left % 2 != 0) /* ciphers */
        return FALSE;
    if (!read_vector(&reader, 1, &part) || part.left == 0) /* compression */
        return FALSE;
    if (reader.left == 0)
        return TRUE; /* TLS 1.2 without extensions */
    return read_vector(&reader, 2, &extensions) && reader.left == 0 &&
           parse_extensions(extensions, hello);
}

/* Returns: length of the whole message, 0 while its header is not there. */
static gsize
message_size(const OshClientHello *hello)
{
    const guint8 *message = hello->message;

    if (hello->length < HANDSHAKE_HEADER)
        return 0;
    return HANDSHAKE_HEADER + ((gsize)message[1] << 16 | (gsize)message[2] << 8 | message[3]);
}

/* Some servers pass over an alert before the first message. */
static gboolean
is_record_type(guint8 type)
{
    return type == RECORD_HANDSHAKE || type == RECORD_ALERT || type == RECORD_CHANGE_CIPHER_SPEC;
}

/*
 * Adds what is there of one record. Returns: %OSH_CLIENT_HELLO_COMPLETE for a whole record,
 * %OSH_CLIENT_HELLO_NEED_MORE for a part of one.
 */
static OshClientHelloResult
take_record(Reader *reader, OshClientHello *hello)
{
    gboolean first = hello->length == 0;
    gsize length, there;

    if (reader->left > 0 && !is_record_type(reader->at[0]))
        return first ? OSH_CLIENT_HELLO_OTHER : OSH_CLIENT_HELLO_MALFORMED;
    if (reader->left > 1 && reader->at[1] > RECORD_MAJOR_MAX)
        return first ? OSH_CLIENT_HELLO_OTHER : OSH_CLIENT_HELLO_MALFORMED;
    if (reader->left > 1 && reader->at[0] != RECORD_HANDSHAKE)
        return OSH_CLIENT_HELLO_MALFORMED;
    if (reader->left < RECORD_HEADER)
        return OSH_CLIENT_HELLO_NEED_MORE;
    length = (gsize)reader->at[3] << 8 | reader->at[4];
    /* RFC 8446 section 5.1: no empty fragments of a handshake. */
    if (length == 0 || length > RECORD_MAX)
        return OSH_CLIENT_HELLO_MALFORMED;
    there = MIN(length, reader->left - RECORD_HEADER);
    if (there > sizeof hello->message - hello->length)
        return OSH_CLIENT_HELLO_MALFORMED;
    memcpy(hello->message + hello->length, reader->at + RECORD_HEADER, there);
    hello->length += there;
    reader->at += RECORD_HEADER + there;
    reader->left -= RECORD_HEADER + there;
    return there == length ? OSH_CLIENT_HELLO_COMPLETE : OSH_CLIENT_HELLO_NEED_MORE;
}

OshClientHelloResult
osh_client_hello_parse(const guint8 *bytes, gsize length, OshClientHello *hello)
{
    Reader reader = {bytes, length};
    OshClientHelloResult record;
    gsize size;

    memset(hello, 0, G_STRUCT_OFFSET(OshClientHello, message));
    hello->length = 0;
    do {
        record = take_record(&reader, hello);
        if (record == OSH_CLIENT_HELLO_OTHER || record == OSH_CLIENT_HELLO_MALFORMED)
            return record;
        if (hello->length > 0 && hello->message[0] != CLIENT_HELLO)
            return OSH_CLIENT_HELLO_MALFORMED;
        size = message_size(hello);
        if (size > sizeof hello->message)
            return OSH_CLIENT_HELLO_MALFORMED;
        if (size > 0 && hello->length >= size)
            break;
        if (record == OSH_CLIENT_HELLO_NEED_MORE)
            return OSH_CLIENT_HELLO_NEED_MORE;
    } while (TRUE);
    hello->size = length - reader.left;
    /* Nothing may follow it in its flight: a server would not have answered yet. A record that is
     * longer than the message says that something does. */
    if (hello->length != size || record == OSH_CLIENT_HELLO_NEED_MORE)
        return OSH_CLIENT_HELLO_MALFORMED;
    return parse_message(hello) ? OSH_CLIENT_HELLO_COMPLETE : OSH_CLIENT_HELLO_MALFORMED;
}
