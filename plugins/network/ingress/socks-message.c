/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks-message.c: the two messages of a SOCKS client, strictly. Pure; [any].
 *
 * A host goes through the grammar that every other transport uses, so that one spelling is judged
 * and the same one is dialled.
 */
#include "socks-message.h"

#include "osh-destination.h"

#include <netinet/in.h>
#include <string.h>

#define NO_AUTHENTICATION 0
#define COMMAND_CONNECT   1
#define ADDRESS_IPV4      1
#define ADDRESS_NAME      3
#define ADDRESS_IPV6      4
#define REQUEST_FRONT     4 /* version, command, reserved, type of the address */

OshSocksResult
osh_socks_greeting_parse(const guint8 *bytes, gsize length, gsize *ret_size)
{
    if (length > 0 && bytes[0] != OSH_SOCKS_VERSION)
        return OSH_SOCKS_REJECTED;
    if (length < 2 || length < 2 + (gsize)bytes[1])
        return OSH_SOCKS_NEED_MORE;
    *ret_size = 2 + (gsize)bytes[1];
    return memchr(bytes + 2, NO_AUTHENTICATION, bytes[1]) != NULL ? OSH_SOCKS_COMPLETE
                                                                  : OSH_SOCKS_REJECTED;
}

static OshSocksResult
reject(OshSocksRequest *request, OshSocksReply reply, const char *problem)
{
    request->reply = reply;
    request->problem = problem;
    return OSH_SOCKS_REJECTED;
}

static void
set_address(OshSocksRequest *request, const struct in6_addr *address)
{
    g_autofree char *text = osh_address_text(address);
    OshAuthority *destination = &request->destination;

    g_strlcpy(destination->host, text, sizeof destination->host);
    destination->host_length = (guint8)strlen(text);
    destination->kind = IN6_IS_ADDR_V4MAPPED(address) ? OSH_HOST_IPV4 : OSH_HOST_IPV6;
}

static OshSocksResult
parse_name(OshSocksRequest *request, const guint8 *name, gsize length)
{
    OshAuthorityError problem = osh_host_parse((const char *)name, length, &request->destination);

    if (problem != OSH_AUTHORITY_OK)
        return reject(request, OSH_SOCKS_ADDRESS_NOT_SUPPORTED, osh_authority_error_text(problem));
    return OSH_SOCKS_COMPLETE;
}

/* Returns: bytes of the address, with the length of a name; 0 when even that is not there. */
static gsize
address_size(const guint8 *bytes, gsize length)
{
    switch (bytes[3]) {
    case ADDRESS_IPV4:
        return 4;
    case ADDRESS_IPV6:
        return 16;
    default:
        return length > REQUEST_FRONT ? 1 + (gsize)bytes[REQUEST_FRONT] : 0;
    }
}

static OshSocksResult
parse_address(OshSocksRequest *request, const guint8 *bytes, gsize size)
{
    const guint8 *address = bytes + REQUEST_FRONT;
    struct in6_addr mapped = IN6ADDR_ANY_INIT;

    switch (bytes[3]) {
    case ADDRESS_IPV4:
        mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
        memcpy(&mapped.s6_addr[12], address, 4);
        set_address(request, &mapped);
        return OSH_SOCKS_COMPLETE;
    case ADDRESS_IPV6:
        memcpy(&mapped, address, sizeof mapped);
        set_address(request, &mapped);
        return OSH_SOCKS_COMPLETE;
    default:
        return parse_name(request, address + 1, size - 1);
    }
}

OshSocksResult
osh_socks_request_parse(const guint8 *bytes, gsize length, OshSocksRequest *ret_request)
{
    guint16 port;
    gsize size;

    memset(ret_request, 0, sizeof *ret_request);
    if (length > 0 && bytes[0] != OSH_SOCKS_VERSION)
        return reject(ret_request, OSH_SOCKS_GENERAL_FAILURE, "this is not SOCKS version 5");
    if (length > 1 && bytes[1] != COMMAND_CONNECT)
        return reject(ret_request, OSH_SOCKS_COMMAND_NOT_SUPPORTED,
                      "of the commands of SOCKS only CONNECT is served");
    if (length > 2 && bytes[2] != 0)
        return reject(ret_request, OSH_SOCKS_GENERAL_FAILURE, "the reserved byte is not 0");
    if (length < REQUEST_FRONT)
        return OSH_SOCKS_NEED_MORE;
    if (bytes[3] != ADDRESS_IPV4 && bytes[3] != ADDRESS_NAME && bytes[3] != ADDRESS_IPV6)
        return reject(ret_request, OSH_SOCKS_ADDRESS_NOT_SUPPORTED,
                      "the type of the address is not known");
    size = address_size(bytes, length);
    if (size == 0 || length < REQUEST_FRONT + size + 2)
        return OSH_SOCKS_NEED_MORE;
    port = (guint16)(bytes[REQUEST_FRONT + size] << 8 | bytes[REQUEST_FRONT + size + 1]);
    if (port == 0)
        return reject(ret_request, OSH_SOCKS_GENERAL_FAILURE,
                      osh_authority_error_text(OSH_AUTHORITY_BAD_PORT));
    ret_request->size = REQUEST_FRONT + size + 2;
    ret_request->destination.port = port;
    return parse_address(ret_request, bytes, size);
}

void
osh_socks_reply_make(OshSocksReply reply, guint8 ret_bytes[OSH_SOCKS_REPLY_SIZE])
{
    memset(ret_bytes, 0, OSH_SOCKS_REPLY_SIZE);
    ret_bytes[0] = OSH_SOCKS_VERSION;
    ret_bytes[1] = (guint8)reply;
    ret_bytes[3] = ADDRESS_IPV4;
}
