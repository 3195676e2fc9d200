/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-ruleset.c: the nftables batch of a box, serialised by libnftnl.
 *
 * Trust model: the box's programs hold no capability over the namespace and cannot change the
 * rules, but since every address is local there they may bind any address as their own. So:
 *  - the own addresses are a fixed list (127/8, ::1 and the four of network-plan.h), never "local";
 *  - TCP to any other address is handed to our listener by TPROXY before a socket of the box is
 *    looked up, so neither a wildcard listener nor one bound to the foreign address can answer;
 *  - a program that binds a foreign address and sends from it could answer in the place of a server
 *    (a forged DNS reply, a simultaneous open with a client's SYN). Only transparent sockets, which
 *    need CAP_NET_ADMIN, may open from a foreign address; the spoofing rules drop the others'.
 *
 * Where a packet is refused decides what its sender sees: TCP by RST in output; UDP is logged in
 * output (where its owner is known) and refused in prerouting, for a reject in output makes send()
 * fail with EPERM and the ICMP error, which gives ECONNREFUSED, is then never delivered.
 *
 * Any thread; no state. It must never open a socket.
 */
#include "network-plan.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <string.h>

#define TABLE_NAME  "openshell"
#define BUFFER_SIZE 32768
/* No message of ours comes near it; checked before each one is added. */
#define MESSAGE_LIMIT    2048
#define TCP_FLAG_SYN     0x02
#define TCP_FLAGS_OFFSET 13
#define DNS_PORT         53

/* Where the addresses stand in the network header. */
#define V4_SOURCE_OFFSET      12
#define V4_DESTINATION_OFFSET 16
#define V6_SOURCE_OFFSET      8
#define V6_DESTINATION_OFFSET 24

typedef struct {
    GByteArray *bytes;
    guint sequence;
    gsize last_rule; /* offset of the newest rule's header, which will carry the ACK flag */
} Batch;

typedef enum {
    SOURCE,
    DESTINATION,
} Direction;

static void
end_message(Batch *batch, const struct nlmsghdr *message)
{
    batch->bytes->len += MNL_ALIGN(message->nlmsg_len);
    g_assert(batch->bytes->len + MESSAGE_LIMIT <= BUFFER_SIZE);
}

static char *
next_message(Batch *batch)
{
    return (char *)batch->bytes->data + batch->bytes->len;
}

static void
add_table(Batch *batch, guint16 type, guint16 flags)
{
    struct nftnl_table *table = nftnl_table_alloc();
    struct nlmsghdr *message;

    nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE_NAME);
    nftnl_table_set_u32(table, NFTNL_TABLE_FAMILY, NFPROTO_INET);
    message =
        nftnl_nlmsg_build_hdr(next_message(batch), type, NFPROTO_INET, flags, ++batch->sequence);
    nftnl_table_nlmsg_build_payload(message, table);
    end_message(batch, message);
    nftnl_table_free(table);
}

static void
add_chain(Batch *batch, const char *name, const char *type, guint32 hook, gint32 priority,
          guint32 policy)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();
    struct nlmsghdr *message;

    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE_NAME);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type);
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
    nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, policy);
    message = nftnl_nlmsg_build_hdr(next_message(batch), NFT_MSG_NEWCHAIN, NFPROTO_INET,
                                    NLM_F_CREATE, ++batch->sequence);
    nftnl_chain_nlmsg_build_payload(message, chain);
    end_message(batch, message);
    nftnl_chain_free(chain);
}

static struct nftnl_rule *
begin_rule(const char *chain)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();

    nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE_NAME);
    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
    return rule;
}

static void
end_rule(Batch *batch, struct nftnl_rule *rule)
{
    struct nlmsghdr *message =
        nftnl_nlmsg_build_hdr(next_message(batch), NFT_MSG_NEWRULE, NFPROTO_INET,
                              NLM_F_CREATE | NLM_F_APPEND, ++batch->sequence);

    batch->last_rule = batch->bytes->len;
    nftnl_rule_nlmsg_build_payload(message, rule);
    end_message(batch, message);
    nftnl_rule_free(rule);
}

/* ---- expressions ---- */

static struct nftnl_expr *
expression(const char *name)
{
    struct nftnl_expr *expr = nftnl_expr_alloc(name);

    /* Out of memory, as in all of GLib, ends the host, and the box with it. */
    g_assert(expr != NULL);
    return expr;
}

static void
compare(struct nftnl_rule *rule, guint32 operation, const void *data, guint32 length)
{
    struct nftnl_expr *expr = expression("cmp");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, length);
    nftnl_rule_add_expr(rule, expr);
}

static void
match_meta(struct nftnl_rule *rule, guint32 key, guint8 value)
{
    struct nftnl_expr *expr = expression("meta");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
    nftnl_rule_add_expr(rule, expr);
    compare(rule, NFT_CMP_EQ, &value, sizeof value);
}

static void
match_family(struct nftnl_rule *rule, guint8 family)
{
    match_meta(rule, NFT_META_NFPROTO, family);
}

static void
match_protocol(struct nftnl_rule *rule, guint8 protocol)
{
    match_meta(rule, NFT_META_L4PROTO, protocol);
}

static void
load_payload(struct nftnl_rule *rule, guint32 base, guint32 offset, guint32 length)
{
    struct nftnl_expr *expr = expression("payload");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, length);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
    nftnl_rule_add_expr(rule, expr);
}

static void
match_destination_port(struct nftnl_rule *rule, guint16 port)
{
    guint16 network = htons(port);

    load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof network);
    compare(rule, NFT_CMP_EQ, &network, sizeof network);
}

static void
match_range(struct nftnl_rule *rule, guint32 operation, int family, const char *from,
            const char *to)
{
    struct nftnl_expr *expr = expression("range");
    guint32 length = family == AF_INET ? 4 : 16;
    struct in6_addr first, last;

    g_assert(inet_pton(family, from, &first) == 1 && inet_pton(family, to, &last) == 1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_RANGE_OP, operation);
    nftnl_expr_set(expr, NFTNL_EXPR_RANGE_FROM_DATA, &first, length);
    nftnl_expr_set(expr, NFTNL_EXPR_RANGE_TO_DATA, &last, length);
    nftnl_rule_add_expr(rule, expr);
}

/* 127.0.0.0/8, or anything else for NFT_CMP_NEQ. */
static void
match_loopback_v4(struct nftnl_rule *rule, Direction direction, guint32 operation)
{
    guint8 first_byte = 127;

    load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
                 direction == SOURCE ? V4_SOURCE_OFFSET : V4_DESTINATION_OFFSET, 1);
    compare(rule, operation, &first_byte, 1);
}

static void
match_loopback_v6(struct nftnl_rule *rule, Direction direction, guint32 operation)
{
    load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
                 direction == SOURCE ? V6_SOURCE_OFFSET : V6_DESTINATION_OFFSET, 16);
    compare(rule, operation, &in6addr_loopback, 16);
}

/* The two addresses of a family that we gave the box, or anything else for NFT_RANGE_NEQ. */
static void
match_given(struct nftnl_rule *rule, guint8 family, Direction direction, guint32 operation)
{
    if (family == NFPROTO_IPV4) {
        load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
                     direction == SOURCE ? V4_SOURCE_OFFSET : V4_DESTINATION_OFFSET, 4);
        match_range(rule, operation, AF_INET, OSH_NETWORK_EXPLICIT_ADDRESS_V4,
                    OSH_NETWORK_BOX_ADDRESS_V4);
        return;
    }
    load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
                 direction == SOURCE ? V6_SOURCE_OFFSET : V6_DESTINATION_OFFSET, 16);
    match_range(rule, operation, AF_INET6, OSH_NETWORK_EXPLICIT_ADDRESS_V6,
                OSH_NETWORK_BOX_ADDRESS_V6);
}

static void
match_foreign(struct nftnl_rule *rule, guint8 family, Direction direction)
{
    match_family(rule, family);
    if (family == NFPROTO_IPV4)
        match_loopback_v4(rule, direction, NFT_CMP_NEQ);
    else
        match_loopback_v6(rule, direction, NFT_CMP_NEQ);
    match_given(rule, family, direction, NFT_RANGE_NEQ);
}

static void
match_syn(struct nftnl_rule *rule)
{
    struct nftnl_expr *expr = expression("bitwise");
    guint8 mask = TCP_FLAG_SYN, zero = 0;

    load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, 1);
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, &mask, 1);
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, &zero, 1);
    nftnl_rule_add_expr(rule, expr);
    compare(rule, NFT_CMP_NEQ, &zero, 1);
}

static void
match_not_transparent(struct nftnl_rule *rule)
{
    struct nftnl_expr *expr = expression("socket");
    guint8 zero = 0;

    nftnl_expr_set_u32(expr, NFTNL_EXPR_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_SOCKET_DREG, NFT_REG_1);
    nftnl_rule_add_expr(rule, expr);
    compare(rule, NFT_CMP_EQ, &zero, 1);
}

static void
immediate(struct nftnl_rule *rule, guint32 target, const void *data, guint32 length)
{
    struct nftnl_expr *expr = expression("immediate");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, target);
    nftnl_expr_set(expr, NFTNL_EXPR_IMM_DATA, data, length);
    nftnl_rule_add_expr(rule, expr);
}

static void
verdict(struct nftnl_rule *rule, guint32 code)
{
    struct nftnl_expr *expr = expression("immediate");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, code);
    nftnl_rule_add_expr(rule, expr);
}

static void
log_packet(struct nftnl_rule *rule, const char *prefix)
{
    struct nftnl_expr *expr = expression("log");

    nftnl_expr_set_u16(expr, NFTNL_EXPR_LOG_GROUP, OSH_NETWORK_NFLOG_GROUP);
    nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, prefix);
    nftnl_rule_add_expr(rule, expr);
}

static void
reject(struct nftnl_rule *rule, guint32 type, guint8 code)
{
    struct nftnl_expr *expr = expression("reject");

    nftnl_expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, type);
    nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, code);
    nftnl_rule_add_expr(rule, expr);
}

static void
redirect(struct nftnl_rule *rule, guint16 port)
{
    struct nftnl_expr *expr = expression("redir");
    guint16 network = htons(port);

    immediate(rule, NFT_REG_1, &network, sizeof network);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    nftnl_rule_add_expr(rule, expr);
}

/* ---- rules ---- */

static void
accept_own_destinations(Batch *batch, const char *chain)
{
    struct nftnl_rule *rule = begin_rule(chain);

    match_family(rule, NFPROTO_IPV4);
    match_loopback_v4(rule, DESTINATION, NFT_CMP_EQ);
    verdict(rule, NF_ACCEPT);
    end_rule(batch, rule);

    rule = begin_rule(chain);
    match_family(rule, NFPROTO_IPV6);
    match_loopback_v6(rule, DESTINATION, NFT_CMP_EQ);
    verdict(rule, NF_ACCEPT);
    end_rule(batch, rule);

    for (guint i = 0; i < 2; i++) {
        guint8 family = i == 0 ? NFPROTO_IPV4 : NFPROTO_IPV6;

        rule = begin_rule(chain);
        match_family(rule, family);
        match_given(rule, family, DESTINATION, NFT_RANGE_EQ);
        verdict(rule, NF_ACCEPT);
        end_rule(batch, rule);
    }
}

static void
add_nat_chain(Batch *batch, OshNetworkCapture capture, OshNetworkClaims claims)
{
    static const guint8 protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    gboolean redirect_tcp =
        capture == OSH_NETWORK_CAPTURE_REDIRECT && (claims & OSH_NETWORK_CLAIM_TRANSPARENT) != 0;

    if ((claims & OSH_NETWORK_CLAIM_DNS) == 0 && !redirect_tcp)
        return;
    add_chain(batch, "nat", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST, NF_ACCEPT);
    if ((claims & OSH_NETWORK_CLAIM_DNS) != 0) {
        /* Before the own addresses, so that a stub like 127.0.0.53 in resolv.conf works too. */
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
            struct nftnl_rule *rule = begin_rule("nat");

            match_protocol(rule, protocols[i]);
            match_destination_port(rule, DNS_PORT);
            redirect(rule, OSH_NETWORK_DNS_PORT);
            end_rule(batch, rule);
        }
    }
    if (redirect_tcp) {
        struct nftnl_rule *rule;

        accept_own_destinations(batch, "nat");
        rule = begin_rule("nat");
        match_protocol(rule, IPPROTO_TCP);
        redirect(rule, OSH_NETWORK_TRANSPARENT_PORT);
        end_rule(batch, rule);
    }
}

/* See the head of the file. RST and ICMP errors of the kernel itself pass: they open nothing. */
static void
drop_spoofed_sources(Batch *batch, OshNetworkCapture capture)
{
    for (guint i = 0; i < 2; i++) {
        guint8 family = i == 0 ? NFPROTO_IPV4 : NFPROTO_IPV6;
        struct nftnl_rule *rule = begin_rule("output");

        match_foreign(rule, family, SOURCE);
        match_protocol(rule, IPPROTO_UDP);
        log_packet(rule, "spoofed");
        verdict(rule, NF_DROP);
        end_rule(batch, rule);

        rule = begin_rule("output");
        match_foreign(rule, family, SOURCE);
        match_protocol(rule, IPPROTO_TCP);
        match_syn(rule);
        /* With redirect no socket of ours has a foreign address of its own. */
        if (capture == OSH_NETWORK_CAPTURE_TPROXY)
            match_not_transparent(rule);
        log_packet(rule, "spoofed");
        verdict(rule, NF_DROP);
        end_rule(batch, rule);
    }
}

/* Its socket is closed then, and a program of the box may not stand in for it. */
static void
refuse_unclaimed_explicit(Batch *batch)
{
    for (guint i = 0; i < 2; i++) {
        gboolean v4 = i == 0;
        struct nftnl_rule *rule = begin_rule("output");
        struct in6_addr address;

        g_assert(inet_pton(v4 ? AF_INET : AF_INET6,
                           v4 ? OSH_NETWORK_EXPLICIT_ADDRESS_V4 : OSH_NETWORK_EXPLICIT_ADDRESS_V6,
                           &address) == 1);
        match_family(rule, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
        load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
                     v4 ? V4_DESTINATION_OFFSET : V6_DESTINATION_OFFSET, v4 ? 4 : 16);
        compare(rule, NFT_CMP_EQ, &address, v4 ? 4 : 16);
        match_protocol(rule, IPPROTO_TCP);
        match_destination_port(rule, OSH_NETWORK_EXPLICIT_PORT);
        log_packet(rule, "refused");
        reject(rule, NFT_REJECT_TCP_RST, 0);
        end_rule(batch, rule);
    }
}

/* Datagrams to many get no ICMP error, so only a refused send() tells their sender. */
static void
refuse_multicast(Batch *batch)
{
    static const guint8 v4_first = 224, v6_first = 255;
    struct nftnl_rule *rule = begin_rule("output");

    match_family(rule, NFPROTO_IPV4);
    load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, V4_DESTINATION_OFFSET, 1);
    compare(rule, NFT_CMP_GTE, &v4_first, 1);
    log_packet(rule, "refused");
    verdict(rule, NF_DROP);
    end_rule(batch, rule);

    rule = begin_rule("output");
    match_family(rule, NFPROTO_IPV6);
    load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, V6_DESTINATION_OFFSET, 1);
    compare(rule, NFT_CMP_EQ, &v6_first, 1);
    log_packet(rule, "refused");
    verdict(rule, NF_DROP);
    end_rule(batch, rule);
}

static void
add_output_chain(Batch *batch, OshNetworkCapture capture, OshNetworkClaims claims)
{
    gboolean tproxy =
        capture == OSH_NETWORK_CAPTURE_TPROXY && (claims & OSH_NETWORK_CLAIM_TRANSPARENT) != 0;
    struct nftnl_rule *rule;

    add_chain(batch, "output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER, NF_DROP);
    drop_spoofed_sources(batch, capture);
    if ((claims & OSH_NETWORK_CLAIM_EXPLICIT) == 0)
        refuse_unclaimed_explicit(batch);
    accept_own_destinations(batch, "output");
    refuse_multicast(batch);

    rule = begin_rule("output");
    match_protocol(rule, IPPROTO_TCP);
    if (tproxy) {
        verdict(rule, NF_ACCEPT);
    } else {
        log_packet(rule, "refused");
        reject(rule, NFT_REJECT_TCP_RST, 0);
    }
    end_rule(batch, rule);

    rule = begin_rule("output");
    log_packet(rule, "refused");
    end_rule(batch, rule);

    rule = begin_rule("output");
    match_protocol(rule, IPPROTO_UDP);
    verdict(rule, NF_ACCEPT);
    end_rule(batch, rule);

    rule = begin_rule("output");
    reject(rule, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
    end_rule(batch, rule);
}

static void
capture_tcp(Batch *batch)
{
    for (guint i = 0; i < 2; i++) {
        gboolean v4 = i == 0;
        struct nftnl_rule *rule = begin_rule("prerouting");
        struct nftnl_expr *expr = expression("tproxy");
        guint16 port = htons(OSH_NETWORK_TRANSPARENT_PORT);
        struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};

        match_family(rule, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
        match_protocol(rule, IPPROTO_TCP);
        immediate(rule, NFT_REG_1, v4 ? (const void *)&loopback : &in6addr_loopback, v4 ? 4 : 16);
        immediate(rule, NFT_REG_2, &port, sizeof port);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_TPROXY_FAMILY, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_TPROXY_REG_ADDR, NFT_REG_1);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_2);
        nftnl_rule_add_expr(rule, expr);
        verdict(rule, NF_ACCEPT);
        end_rule(batch, rule);
    }
}

static void
add_prerouting_chain(Batch *batch, OshNetworkCapture capture, OshNetworkClaims claims)
{
    struct nftnl_rule *rule;

    add_chain(batch, "prerouting", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE, NF_DROP);
    accept_own_destinations(batch, "prerouting");
    if (capture == OSH_NETWORK_CAPTURE_TPROXY && (claims & OSH_NETWORK_CLAIM_TRANSPARENT) != 0)
        capture_tcp(batch);

    /* Reached with TPROXY only when its listener is gone: refused at once, not left hanging. */
    rule = begin_rule("prerouting");
    match_protocol(rule, IPPROTO_TCP);
    reject(rule, NFT_REJECT_TCP_RST, 0);
    end_rule(batch, rule);

    rule = begin_rule("prerouting");
    match_protocol(rule, IPPROTO_UDP);
    reject(rule, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    end_rule(batch, rule);
}

GBytes *
osh_network_ruleset_new(OshNetworkCapture capture, OshNetworkClaims claims, gboolean replace)
{
    Batch batch = {.bytes = g_byte_array_sized_new(BUFFER_SIZE)};
    struct nlmsghdr *last;

    nftnl_batch_begin(next_message(&batch), ++batch.sequence);
    end_message(&batch, (struct nlmsghdr *)batch.bytes->data);
    /* A deletion makes the kernel wait for all of its CPUs, so a box begins without one. */
    if (replace)
        add_table(&batch, NFT_MSG_DELTABLE, 0);
    add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    add_nat_chain(&batch, capture, claims);
    add_output_chain(&batch, capture, claims);
    add_prerouting_chain(&batch, capture, claims);
    last = (struct nlmsghdr *)(batch.bytes->data + batch.last_rule);
    last->nlmsg_flags |= NLM_F_ACK;
    end_message(&batch, nftnl_batch_end(next_message(&batch), ++batch.sequence));
    return g_byte_array_free_to_bytes(batch.bytes);
}
