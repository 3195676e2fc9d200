/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt-sockets.c: sockets that go round the proxy, change the network, or reach the host.
 */
#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
make_socket(char **arguments)
{
    return failed(socket(atoi(arguments[0]), atoi(arguments[1]), atoi(arguments[2])));
}

static int
make_socket_pair(char **arguments)
{
    int pair[2];

    return failed(socketpair(atoi(arguments[0]), atoi(arguments[1]), atoi(arguments[2]), pair));
}

/* An argument that begins with @ is an abstract name. */
static int
connect_unix(char **arguments)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(arguments[0]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, arguments[0], sizeof address.sun_path - 1);
    if (arguments[0][0] == '@')
        address.sun_path[0] = '\0';
    return failed(connect(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
}

/* A descriptor of ours, to somebody outside. */
static int
send_descriptor(char **arguments)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int passed = 0;

    strncpy(address.sun_path, arguments[0], sizeof address.sun_path - 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return errno;
    memset(&control, 0, sizeof control);
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
    return failed(sendmsg(fd, &message, MSG_NOSIGNAL));
}

static socklen_t
parse_address(const char *host, const char *port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)atoi(port));
        return sizeof *v4;
    }
    inet_pton(AF_INET6, host, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)atoi(port));
    return sizeof *v6;
}

/* Succeeds when the far end says something, which the servers of the test do at once. */
static int
reach_tcp(char **arguments)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(arguments[0], arguments[1], &address);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);
    char byte;
    ssize_t n;

    if (connect(fd, (const struct sockaddr *)&address, length) != 0)
        return errno;
    n = recv(fd, &byte, 1, 0);
    return n > 0 ? 0 : n == 0 ? EPIPE : errno;
}

static int
reach_udp(char **arguments)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(arguments[0], arguments[1], &address);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);
    struct timeval wait = {.tv_sec = 2};
    char byte = 'x';

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (connect(fd, (const struct sockaddr *)&address, length) != 0 || send(fd, &byte, 1, 0) < 0)
        return errno;
    return failed(recv(fd, &byte, 1, 0));
}

static int
bind_tcp(char **arguments)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(arguments[0], arguments[1], &address);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);
    int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&address, length) != 0)
        return errno;
    return failed(listen(fd, 1));
}

static int
bind_udp(char **arguments)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(arguments[0], arguments[1], &address);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);
    int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    return failed(bind(fd, (const struct sockaddr *)&address, length));
}

static int
set_option(char **arguments)
{
    int fd = socket(atoi(arguments[0]), SOCK_STREAM, 0);
    int value = atoi(arguments[3]);

    return failed(setsockopt(fd, atoi(arguments[1]), atoi(arguments[2]), &value, sizeof value));
}

static int
add_address(char **arguments)
{
    struct ifreq request;
    struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, "lo:9", IFNAMSIZ - 1);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, arguments[0], &address->sin_addr);
    return failed(ioctl(fd, SIOCSIFADDR, &request));
}

static int
link_down(char **arguments)
{
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    (void)arguments;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return errno;
    /* As it is: the privilege is what counts. */
    return failed(ioctl(fd, SIOCSIFFLAGS, &request));
}

/* A route by the netlink family that programs may talk to. */
static int
add_route(char **arguments)
{
    struct {
        struct nlmsghdr head;
        struct rtmsg route;
        struct rtattr attribute;
        unsigned int link;
    } request;
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    (void)arguments;
    memset(&request, 0, sizeof request);
    request.head.nlmsg_len = sizeof request;
    request.head.nlmsg_type = RTM_NEWROUTE;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    request.route.rtm_family = AF_INET;
    request.route.rtm_table = 251;
    request.route.rtm_protocol = RTPROT_STATIC;
    request.route.rtm_scope = RT_SCOPE_LINK;
    request.route.rtm_type = RTN_UNICAST;
    request.attribute.rta_len = 8;
    request.attribute.rta_type = RTA_OIF;
    request.link = 1;
    if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0)
        return errno;
    return -answer.error.error;
}

static int
shared_memory(char **arguments)
{
    return failed(shmget((key_t)strtol(arguments[0], NULL, 0), 0, 0));
}

const AttemptEntry attempt_sockets[] = {
    {"socket", make_socket},          {"socket-pair", make_socket_pair},
    {"connect-unix", connect_unix},   {"send-descriptor", send_descriptor},
    {"reach-tcp", reach_tcp},         {"reach-udp", reach_udp},
    {"bind-tcp", bind_tcp},           {"bind-udp", bind_udp},
    {"set-option", set_option},       {"add-address", add_address},
    {"link-down", link_down},         {"add-route", add_route},
    {"shared-memory", shared_memory}, {NULL, NULL},
};
