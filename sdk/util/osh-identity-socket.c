/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a connection's exact tuple to the program's socket, by sock_diag. A netlink socket belongs
 * to one thread at a time; the kernel answers inside sendto, so nothing here waits. A listener that
 * the kernel offers in place of the connection is never taken (security rule 6, exact tuple). A
 * socket without an inode is one whose every descriptor is closed: no program can send by it any
 * more, but its last bytes may be on their way, and its cookie still tells who connected.
 */
#include "osh-identity.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* TCP_LISTEN of the kernel, which netinet/tcp.h has under the same name for another purpose. */
#define STATE_LISTEN    10
#define STATE_TIME_WAIT 6

#define DUMP_SIZE 32768

struct _OshSocketDiag {
    int fd;
    guint32 sequence;
};

OshSocketDiag *
osh_socket_diag_new(int fd)
{
    const struct timeval limit = {.tv_sec = 1};
    OshSocketDiag *diag = g_new0(OshSocketDiag, 1);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    diag->fd = fd;
    return diag;
}

void
osh_socket_diag_free(OshSocketDiag *diag)
{
    if (diag == NULL)
        return;
    close(diag->fd);
    g_free(diag);
}

static void
diag_put_address(const struct in6_addr *address, gboolean v4, __be32 out[4])
{
    if (v4)
        memcpy(out, &address->s6_addr[12], 4);
    else
        memcpy(out, address->s6_addr, 16);
}

static guint64
diag_cookie(const struct inet_diag_msg *found)
{
    return (guint64)found->id.idiag_cookie[0] | (guint64)found->id.idiag_cookie[1] << 32;
}

/* A listener is offered where no connection is; a datagram socket need not be connected. */
static gboolean
diag_is_socket(const struct inet_diag_msg *found, const OshPeerTuple *tuple)
{
    gboolean datagrams = tuple->protocol != IPPROTO_TCP;

    if (found->id.idiag_sport != g_htons(tuple->client_port))
        return FALSE;
    if (found->id.idiag_dport == g_htons(tuple->destination_port))
        return datagrams || found->idiag_state != STATE_LISTEN;
    return datagrams && found->id.idiag_dport == 0;
}

/* Returns: 0 or a negative errno. */
static int
diag_answer(const OshSocketDiag *diag, const OshPeerTuple *tuple, OshSocketFound *ret_found)
{
    char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)answer;
    const struct inet_diag_msg *found;
    int n;

    /* An answer to an earlier question that had timed out is skipped. */
    do {
        n = (int)recv(diag->fd, answer, sizeof answer, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
    } while (n < 0 || (mnl_nlmsg_ok(header, n) && header->nlmsg_seq != diag->sequence));
    if (!mnl_nlmsg_ok(header, n))
        return -EBADMSG;
    if (header->nlmsg_type == NLMSG_ERROR)
        return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error;
    if (mnl_nlmsg_get_payload_len(header) < sizeof *found)
        return -EBADMSG;
    found = mnl_nlmsg_get_payload(header);
    if (!diag_is_socket(found, tuple))
        return -ENOENT;
    *ret_found = (OshSocketFound){
        .inode = found->idiag_inode,
        .cookie = diag_cookie(found),
        .uid = found->idiag_uid,
    };
    return 0;
}

int
osh_socket_diag_find(OshSocketDiag *diag, const OshPeerTuple *tuple, OshSocketFound *ret_found)
{
    char text[256] __attribute__((aligned(NLMSG_ALIGNTO)));
    struct nlmsghdr *header = mnl_nlmsg_put_header(text);
    struct inet_diag_req_v2 *request;
    gboolean v4 = IN6_IS_ADDR_V4MAPPED(&tuple->client) && IN6_IS_ADDR_V4MAPPED(&tuple->destination);
    /* For datagrams the kernel reads the two ends the other way round. */
    gboolean swap = tuple->protocol != IPPROTO_TCP;

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST;
    header->nlmsg_seq = ++diag->sequence;
    request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    request->sdiag_family = v4 ? AF_INET : AF_INET6;
    request->sdiag_protocol = (guint8)tuple->protocol;
    request->idiag_states = ~0u;
    request->id.idiag_sport = g_htons(swap ? tuple->destination_port : tuple->client_port);
    request->id.idiag_dport = g_htons(swap ? tuple->client_port : tuple->destination_port);
    diag_put_address(swap ? &tuple->destination : &tuple->client, v4, request->id.idiag_src);
    diag_put_address(swap ? &tuple->client : &tuple->destination, v4, request->id.idiag_dst);
    request->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (send(diag->fd, header, header->nlmsg_len, 0) < 0)
        return -errno;
    return diag_answer(diag, tuple, ret_found);
}

/* Returns: 1 at the end of the list, 0 when more follows, or a negative errno. */
static int
diag_read_list(const OshSocketDiag *diag, OshSocketCookieFunc each, gpointer data)
{
    g_autofree char *answer = g_malloc(DUMP_SIZE);
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)answer;
    int n;

    do
        n = (int)recv(diag->fd, answer, DUMP_SIZE, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    for (; mnl_nlmsg_ok(header, n); header = mnl_nlmsg_next(header, &n)) {
        if (header->nlmsg_seq != diag->sequence)
            continue;
        if (header->nlmsg_flags & NLM_F_DUMP_INTR)
            return -EINTR;
        if (header->nlmsg_type == NLMSG_DONE)
            return 1;
        if (header->nlmsg_type == NLMSG_ERROR)
            return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error;
        if (mnl_nlmsg_get_payload_len(header) >= sizeof(struct inet_diag_msg))
            each(diag_cookie(mnl_nlmsg_get_payload(header)), data);
    }
    return 0;
}

int
osh_socket_diag_each_cookie(OshSocketDiag *diag, OshSocketCookieFunc each, gpointer data)
{
    static const guint8 families[] = {AF_INET, AF_INET6};

    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        char text[256] __attribute__((aligned(NLMSG_ALIGNTO)));
        struct nlmsghdr *header = mnl_nlmsg_put_header(text);
        struct inet_diag_req_v2 *request;
        int result = 0;

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = ++diag->sequence;
        request = mnl_nlmsg_put_extra_header(header, sizeof *request);
        request->sdiag_family = families[i];
        request->sdiag_protocol = IPPROTO_TCP;
        /* A closed connection has no program any more, and a listener makes none. */
        request->idiag_states = ~(1u << STATE_TIME_WAIT | 1u << STATE_LISTEN);
        if (send(diag->fd, header, header->nlmsg_len, 0) < 0)
            return -errno;
        while (result == 0)
            result = diag_read_list(diag, each, data);
        if (result < 0)
            return result;
    }
    return 0;
}
