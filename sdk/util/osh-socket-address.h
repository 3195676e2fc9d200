/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-socket-address.h: socket addresses as text and in one form for both families.
 *
 * The one form is an IPv6 address, an IPv4 address being v4-mapped in it (RFC 4291, section
 * 2.5.5.2). Pure functions, no allocation; [any].
 */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * osh_address_map_ipv4:
 * @bytes: (array fixed-size=4): of the address, in network order
 * @ret_address: (out): ::ffff:a.b.c.d
 */
void osh_address_map_ipv4(const guint8 *bytes, struct in6_addr *ret_address);

/**
 * osh_socket_address_map:
 * @address: of family AF_INET or AF_INET6
 * @ret_address: (out): the address
 * @ret_port: (out) (optional): the port, in host order
 */
void osh_socket_address_map(const struct sockaddr *address, struct in6_addr *ret_address,
                            guint16 *ret_port);

/**
 * osh_socket_address_parse:
 * @text: "192.0.2.1:PORT" or "[2001:db8::1]:PORT"; names are not looked up
 * @default_address: (nullable): the IPv4 literal that a PORT alone stands for
 * @ret_address: (out): untouched on failure
 * @ret_length: (out): the part of @ret_address that counts
 *
 * Returns: FALSE when @text is anything else, or its port is not 1 to 65535
 */
gboolean osh_socket_address_parse(const char *text, const char *default_address,
                                  struct sockaddr_storage *ret_address, socklen_t *ret_length);

G_END_DECLS
