/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as text and in one form for both families. */
#include "osh-socket-address.h"

#include <arpa/inet.h>
#include <string.h>

void
osh_address_map_ipv4(const guint8 *bytes, struct in6_addr *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->s6_addr[10] = ret_address->s6_addr[11] = 0xff;
    memcpy(&ret_address->s6_addr[12], bytes, 4);
}

void
osh_socket_address_map(const struct sockaddr *address, struct in6_addr *ret_address,
                       guint16 *ret_port)
{
    in_port_t port;

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

        *ret_address = v6->sin6_addr;
        port = v6->sin6_port;
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

        osh_address_map_ipv4((const guint8 *)&v4->sin_addr, ret_address);
        port = v4->sin_port;
    }
    if (ret_port != NULL)
        *ret_port = g_ntohs(port);
}

gboolean
osh_socket_address_parse(const char *text, const char *default_address,
                         struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    const char *colon = strrchr(text, ':');
    gsize length = colon != NULL ? (gsize)(colon - text) : 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    gboolean is_v6 = colon != NULL && length > 2 && text[0] == '[' && colon[-1] == ']';
    char host[INET6_ADDRSTRLEN];
    guint64 port;

    if ((colon == NULL && default_address == NULL) ||
        !g_ascii_string_to_unsigned(colon != NULL ? colon + 1 : text, 10, 1, 65535, &port, NULL))
        return FALSE;
    if (is_v6) {
        text++;
        length -= 2;
    }
    if (length >= sizeof host)
        return FALSE;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, colon != NULL ? host : default_address,
                  is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
        return FALSE;
    v6.sin6_port = v4.sin_port = g_htons((guint16)port);
    memset(ret_address, 0, sizeof *ret_address);
    *ret_length = is_v6 ? sizeof v6 : sizeof v4;
    memcpy(ret_address, is_v6 ? (void *)&v6 : (void *)&v4, *ret_length);
    return TRUE;
}
