/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.c: the network of a box: sends the batches that the host has serialised, waits for the
 * kernel's answers, and makes the sockets that the host serves the box with. Init does not know
 * what is in a batch. The sockets are bound before any program exists, and without SO_REUSEADDR or
 * SO_REUSEPORT, so that no program can take a query or a connection from them.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>

#define OSH_ANSWER_SECONDS  5
#define OSH_SOL_IP          0
#define OSH_SOL_IPV6        41
#define OSH_SOL_NETLINK     270
#define OSH_DEFAULT_BACKLOG 1024

static long
set_option(int fd, int level, int option, int value)
{
    return CALL(setsockopt, fd, level, option, &value, sizeof value);
}

/* Counts the successes in one datagram. Returns: 0 or the first error of the kernel */
static int
count_answers(const uint8_t *bytes, size_t size, uint32_t *acks)
{
    size_t at = 0;

    while (size - at >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr head;
        struct nlmsgerr answer;

        memcpy(&head, bytes + at, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > size - at)
            return -EBADMSG;
        if (head.nlmsg_type == NLMSG_ERROR) {
            if (head.nlmsg_len < sizeof head + sizeof answer.error)
                return -EBADMSG;
            memcpy(&answer.error, bytes + at + sizeof head, sizeof answer.error);
            if (answer.error != 0)
                return answer.error;
            *acks += 1;
        }
        at += NLMSG_ALIGN(head.nlmsg_len);
        if (at > size)
            break;
    }
    return 0;
}

static int
exchange(int fd, const void *bytes, size_t size, uint32_t expected)
{
    struct __kernel_old_timeval patience = {.tv_sec = OSH_ANSWER_SECONDS};
    struct sockaddr_nl kernel = {.nl_family = OSH_AF_NETLINK};
    uint8_t answer[8192];
    uint32_t acks = 0;
    long done;
    int error;

    done = CALL(setsockopt, fd, OSH_SOL_SOCKET, OSH_SO_RCVTIMEO, &patience, sizeof patience);
    if (done < 0)
        return (int)done;
    /* An error otherwise carries the whole batch back. */
    set_option(fd, OSH_SOL_NETLINK, NETLINK_CAP_ACK, 1);
    done = CALL(sendto, fd, bytes, size, OSH_MSG_NOSIGNAL, &kernel, sizeof kernel);
    if (done < 0)
        return (int)done;
    while (acks < expected) {
        done = CALL(recvfrom, fd, answer, sizeof answer, 0, NULL, NULL);
        if (done == -EINTR)
            continue;
        if (done == -EAGAIN)
            return -ETIMEDOUT;
        if (done < 0)
            return (int)done;
        error = count_answers(answer, (size_t)done, &acks);
        if (error < 0)
            return error;
    }
    return 0;
}

static int
send_on(const struct osh_plan *plan, int fd, const struct osh_init_netlink *netlink)
{
    const void *bytes = osh_plan_span(plan, netlink->bytes);

    if (bytes == NULL)
        return -EBADMSG;
    if (netlink->bytes.size == 0)
        return 0;
    return exchange(fd, bytes, netlink->bytes.size, netlink->acks);
}

/*
 * The netfilter socket stays open as long as the box. Closing it right after a batch makes the
 * kernel wait for an RCU grace period (11 ms, measured on 6.18), and the next batch can use it.
 */
static int
netfilter_socket(struct osh_init *init)
{
    if (init->netfilter < 0)
        init->netfilter =
            (int)CALL(socket, OSH_AF_NETLINK, OSH_SOCK_RAW | OSH_SOCK_CLOEXEC, NETLINK_NETFILTER);
    return init->netfilter;
}

static int
send_batch(struct osh_init *init, const struct osh_plan *plan, const struct osh_init_netlink *batch)
{
    long fd;
    int error;

    if (batch->protocol == NETLINK_NETFILTER) {
        fd = netfilter_socket(init);
        return fd < 0 ? (int)fd : send_on(plan, (int)fd, batch);
    }
    fd = CALL(socket, OSH_AF_NETLINK, OSH_SOCK_RAW | OSH_SOCK_CLOEXEC, batch->protocol);
    if (fd < 0)
        return (int)fd;
    error = send_on(plan, (int)fd, batch);
    osh_close((int)fd);
    return error;
}

int
osh_network_send(struct osh_init *init, const struct osh_plan *plan, struct osh_init_table netlinks,
                 struct osh_init_reply *reply)
{
    const struct osh_init_netlink *batches =
        osh_plan_table(plan, netlinks, sizeof(struct osh_init_netlink));

    if (batches == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "netlink batches");
    for (uint32_t i = 0; i < netlinks.count; i++) {
        int error = send_batch(init, plan, &batches[i]);

        if (error < 0)
            return osh_fail(reply, OSH_INIT_STAGE_NETLINK, -error, i, NULL);
    }
    return 0;
}

static long
set_ipv4_options(int fd, const struct osh_init_socket *wanted)
{
    long error = 0;

    if (wanted->transparent)
        error = set_option(fd, OSH_SOL_IP, IP_TRANSPARENT, 1);
    if (error == 0 && wanted->packet_info)
        error = set_option(fd, OSH_SOL_IP, IP_PKTINFO, 1);
    if (error == 0 && wanted->packet_info)
        error = set_option(fd, OSH_SOL_IP, IP_RECVORIGDSTADDR, 1);
    return error;
}

static long
set_ipv6_options(int fd, const struct osh_init_socket *wanted)
{
    long error = set_option(fd, OSH_SOL_IPV6, IPV6_V6ONLY, 1);

    if (error == 0 && wanted->transparent)
        error = set_option(fd, OSH_SOL_IPV6, IPV6_TRANSPARENT, 1);
    if (error == 0 && wanted->packet_info)
        error = set_option(fd, OSH_SOL_IPV6, IPV6_RECVPKTINFO, 1);
    if (error == 0 && wanted->packet_info)
        error = set_option(fd, OSH_SOL_IPV6, IPV6_RECVORIGDSTADDR, 1);
    return error;
}

static uint16_t
network_order(uint16_t value)
{
    return __builtin_bswap16(value);
}

static long
bind_socket(int fd, const struct osh_init_socket *wanted)
{
    if (wanted->family == OSH_AF_INET) {
        struct sockaddr_in address = {.sin_family = OSH_AF_INET,
                                      .sin_port = network_order(wanted->port)};

        memcpy(&address.sin_addr, wanted->address, sizeof address.sin_addr);
        return CALL(bind, fd, &address, sizeof address);
    } else {
        struct sockaddr_in6 address = {.sin6_family = OSH_AF_INET6,
                                       .sin6_port = network_order(wanted->port)};

        memcpy(&address.sin6_addr, wanted->address, sizeof address.sin6_addr);
        return CALL(bind, fd, &address, sizeof address);
    }
}

static long
make_internet_socket(int fd, const struct osh_init_socket *wanted)
{
    long error =
        wanted->family == OSH_AF_INET ? set_ipv4_options(fd, wanted) : set_ipv6_options(fd, wanted);

    if (error == 0)
        error = bind_socket(fd, wanted);
    if (error == 0 && wanted->kind == OSH_INIT_SOCKET_TCP_LISTENER)
        error = CALL(listen, fd, wanted->backlog != 0 ? wanted->backlog : OSH_DEFAULT_BACKLOG);
    return error;
}

static int
make_socket(const struct osh_plan *plan, const struct osh_init_socket *wanted)
{
    int is_netlink = wanted->kind == OSH_INIT_SOCKET_NETLINK;
    int is_listener = wanted->kind == OSH_INIT_SOCKET_TCP_LISTENER;
    int type = is_netlink ? OSH_SOCK_RAW : is_listener ? OSH_SOCK_STREAM : OSH_SOCK_DGRAM;
    long fd;
    long error;

    if (!is_netlink && !is_listener && wanted->kind != OSH_INIT_SOCKET_UDP)
        return -EBADMSG;
    if (!is_netlink && wanted->family != OSH_AF_INET && wanted->family != OSH_AF_INET6)
        return -EAFNOSUPPORT;
    fd = CALL(socket, is_netlink ? OSH_AF_NETLINK : wanted->family, type | OSH_SOCK_CLOEXEC,
              is_netlink ? wanted->netlink.protocol : 0);
    if (fd < 0)
        return (int)fd;
    error = is_netlink ? send_on(plan, (int)fd, &wanted->netlink)
                       : make_internet_socket((int)fd, wanted);
    if (error == 0)
        error = CALL(fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK);
    if (error < 0) {
        osh_close((int)fd);
        return (int)error;
    }
    return (int)fd;
}

int
osh_network_make_sockets(const struct osh_plan *plan, struct osh_init_table sockets, int *fds,
                         struct osh_init_reply *reply)
{
    const struct osh_init_socket *wanted =
        osh_plan_table(plan, sockets, sizeof(struct osh_init_socket));

    if (wanted == NULL || sockets.count > OSH_INIT_MAX_SOCKETS)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "sockets");
    for (uint32_t i = 0; i < sockets.count; i++) {
        fds[i] = make_socket(plan, &wanted[i]);
        if (fds[i] < 0) {
            int error = fds[i];

            for (uint32_t made = 0; made < i; made++)
                osh_close(fds[made]);
            return osh_fail(reply, OSH_INIT_STAGE_SOCKET, -error, i, NULL);
        }
    }
    return 0;
}
