/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-message.c: parses one query and builds one reply.
 *
 * The query comes from the box. Pure functions; any thread. It must never follow a compression
 * pointer, answer a message that is itself an answer, or send back bytes that it has not bounded:
 * a reply holds the checked question, at most one address and an empty OPT.
 */
#include "dns-message.h"

#include <string.h>

#define HEADER_SIZE     12
#define OPT_SIZE        11
#define FLAG_RESPONSE   0x8000
#define FLAG_OPCODE     0x7800
#define FLAG_TRUNCATED  0x0200
#define FLAG_RECURSION  0x0100
#define FLAG_AVAILABLE  0x0080
#define FLAG_CHECKING   0x0010
#define WIRE_NAME_LIMIT 255
#define NAME_POINTER    0xc00c

static guint16
get16(const guint8 *bytes)
{
    return (guint16)((guint)bytes[0] << 8 | bytes[1]);
}

static gsize
put16(guint8 *bytes, gsize at, guint value)
{
    bytes[at] = (guint8)(value >> 8);
    bytes[at + 1] = (guint8)value;
    return at + 2;
}

static gboolean
is_host_character(guint8 c)
{
    return g_ascii_isalnum((char)c) || c == '-' || c == '_';
}

/*
 * Reads the name at the start of @bytes. Returns its length on the wire, or 0 when it is cut short,
 * too long or compressed.
 */
static gsize
parse_name(const guint8 *bytes, gsize size, OshDnsQuery *query)
{
    gsize at = 0;
    gsize text = 0;

    query->name_is_host = TRUE;
    while (at < size && at < WIRE_NAME_LIMIT) {
        gsize label = bytes[at++];

        if (label == 0) {
            query->name[query->name_is_host ? text : 0] = '\0';
            return at;
        }
        /* The two top bits mark pointers and label types that no query needs. */
        if (label > 63 || at + label >= size || at + label >= WIRE_NAME_LIMIT)
            return 0;
        if (text > 0)
            query->name[text++] = '.';
        for (gsize i = 0; i < label; i++, at++) {
            query->name_is_host = query->name_is_host && is_host_character(bytes[at]);
            query->name[text++] = g_ascii_tolower((char)bytes[at]);
        }
    }
    return 0;
}

static gboolean
parse_opt(const guint8 *bytes, gsize size, OshDnsQuery *query)
{
    if (size < OPT_SIZE || bytes[0] != 0 || get16(bytes + 1) != OSH_DNS_TYPE_OPT)
        return FALSE;
    if (get16(bytes + 9) != size - OPT_SIZE)
        return FALSE;
    query->has_edns = TRUE;
    query->edns_version = bytes[6];
    return TRUE;
}

static gboolean
parse_question(const guint8 *bytes, gsize size, guint additional, OshDnsQuery *query)
{
    gsize name = parse_name(bytes, size, query);

    if (name == 0 || size - name < 4)
        return FALSE;
    query->type = get16(bytes + name);
    query->klass = get16(bytes + name + 2);
    bytes += name + 4;
    size -= name + 4;
    if (additional == 1 ? !parse_opt(bytes, size, query) : size != 0)
        return FALSE;
    query->question_length = name + 4;
    return TRUE;
}

OshDnsParse
osh_dns_query_parse(const guint8 *message, gsize size, OshDnsQuery *ret_query)
{
    guint flags;

    memset(ret_query, 0, sizeof *ret_query);
    if (size < HEADER_SIZE)
        return OSH_DNS_IGNORED;
    flags = get16(message + 2);
    if ((flags & FLAG_RESPONSE) != 0)
        return OSH_DNS_IGNORED;
    ret_query->id = get16(message);
    ret_query->recursion_desired = (flags & FLAG_RECURSION) != 0;
    ret_query->checking_disabled = (flags & FLAG_CHECKING) != 0;
    if ((flags & FLAG_OPCODE) != 0)
        return OSH_DNS_NOT_SUPPORTED;
    if (size > OSH_DNS_MESSAGE_SIZE || (flags & FLAG_TRUNCATED) != 0 || get16(message + 4) != 1 ||
        get16(message + 6) != 0 || get16(message + 8) != 0 || get16(message + 10) > 1)
        return OSH_DNS_MALFORMED;
    if (!parse_question(message + HEADER_SIZE, size - HEADER_SIZE, get16(message + 10),
                        ret_query)) {
        ret_query->name[0] = '\0';
        ret_query->name_is_host = FALSE;
        ret_query->has_edns = FALSE;
        return OSH_DNS_MALFORMED;
    }
    return OSH_DNS_PARSED;
}

static gsize
put_address(guint8 *reply, gsize at, const OshDnsAnswer *answer)
{
    gsize length = answer->type == OSH_DNS_TYPE_A ? 4 : 16;

    /* The owner is a pointer to the question's name, always at the same offset. */
    at = put16(reply, at, NAME_POINTER);
    at = put16(reply, at, answer->type);
    at = put16(reply, at, 1);
    at = put16(reply, at, answer->ttl >> 16);
    at = put16(reply, at, answer->ttl & 0xffff);
    at = put16(reply, at, (guint)length);
    memcpy(reply + at, answer->address, length);
    return at + length;
}

/* RFC 8914 §2 and §5.2. */
#define EXTENDED_ERROR            15
#define EXTENDED_ERROR_PROHIBITED 18

static gsize
put_opt(guint8 *reply, gsize at, const OshDnsAnswer *answer)
{
    reply[at++] = 0;
    at = put16(reply, at, OSH_DNS_TYPE_OPT);
    at = put16(reply, at, OSH_DNS_MESSAGE_SIZE);
    /* The upper bits of the code, version 0, no flags. */
    at = put16(reply, at, ((guint)answer->code >> 4) << 8);
    at = put16(reply, at, 0);
    if (!answer->prohibited)
        return put16(reply, at, 0);
    at = put16(reply, at, 6);
    at = put16(reply, at, EXTENDED_ERROR);
    at = put16(reply, at, 2);
    return put16(reply, at, EXTENDED_ERROR_PROHIBITED);
}

gsize
osh_dns_reply_build(const guint8 *message, const OshDnsQuery *query, const OshDnsAnswer *answer,
                    guint8 reply[OSH_DNS_MESSAGE_SIZE])
{
    gboolean has_record = answer->type != 0 && query->question_length > 0;
    guint flags = FLAG_RESPONSE | FLAG_AVAILABLE | ((guint)answer->code & 15);
    gsize at = 0;

    if (query->recursion_desired)
        flags |= FLAG_RECURSION;
    if (query->checking_disabled)
        flags |= FLAG_CHECKING;
    at = put16(reply, at, query->id);
    at = put16(reply, at, flags);
    at = put16(reply, at, query->question_length > 0 ? 1 : 0);
    at = put16(reply, at, has_record ? 1 : 0);
    at = put16(reply, at, 0);
    at = put16(reply, at, query->has_edns ? 1 : 0);
    memcpy(reply + at, message + HEADER_SIZE, query->question_length);
    at += query->question_length;
    if (has_record)
        at = put_address(reply, at, answer);
    if (query->has_edns)
        at = put_opt(reply, at, answer);
    return at;
}
