/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh network namespaces for tests, with a plan of network-plan.h sent in them. Each case runs in
 * a forked child, once as root (network namespace alone; skipped without root) and once in a user
 * namespace.
 */
#pragma once

#include "network-plan.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* A busy machine may lose the first answer; what hangs would take the two minutes of TCP. */
#define FAST_USEC  (10 * G_USEC_PER_SEC)
#define WAIT_MS    1000
#define FOREIGN_V4 "93.184.216.34"
#define FOREIGN_V6 "2606:2800:220:1::1"

/* @body gets the plan's sockets by role, -1 for those that there are not. */
typedef struct {
    const char *name;
    OshNetworkCapture capture;
    OshNetworkClaims claims;
    void (*body)(OshNetworkCapture capture, const int *fds);
} NetworkCase;

typedef union {
    struct sockaddr generic;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

/* Adds each case twice, below /GROUP/root and /GROUP/user. */
void network_test_add(const char *group, const NetworkCase *cases, gsize n_cases);

/* Sends a batch as init does, and asserts that the kernel takes it. */
void send_netlink(const OshBoxNetlink *netlink, int fd);

/* Returns: the length of the address. */
socklen_t fill(Address *address, const char *text, guint16 port);

/* A socket of the family of @text that gives up after four seconds. */
int new_socket(const char *text, int type);

/* The same, bound, and listening where it can. */
int bind_to(const char *text, guint16 port, int type);

/* Returns: 0 or the errno; asserts that the answer came at once. */
int try_connect(int fd, const char *text, guint16 port);

gboolean is_readable(int fd, int milliseconds);
