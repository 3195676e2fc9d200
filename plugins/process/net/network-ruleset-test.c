/* SPDX-License-Identifier: Apache-2.0 */
/* The links, the ruleset and the log as the kernel has them once a plan is sent. */
#include "network-test.h"
#include "nflog.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/ipv6_route.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    guint64 told;
    guint losses;
    gboolean unknown;
} Told;

static void
count_told(const OshRefusedPacket *packet, guint64 count, gpointer data)
{
    Told *told = data;

    g_assert_cmpuint(packet->uid, ==, geteuid());
    told->told += count;
}

static void
count_loss(guint64 count, gpointer data)
{
    Told *told = data;

    told->losses++;
    told->unknown |= count == 0;
    told->told += count;
}

/* The kernel drops what the socket cannot hold and says ENOBUFS once: that is a loss to be told. */
static void
log_overflow_body(OshNetworkCapture capture, const int *fds)
{
    Told told = {0};
    const int small = 1;
    const guint sent = 3000;
    int sender = new_socket(FOREIGN_V4, SOCK_DGRAM);
    Address address;
    socklen_t length = fill(&address, FOREIGN_V4, 9);
    OshNflogReader *reader;

    (void)capture;
    setsockopt(fds[OSH_NETWORK_SOCKET_NFLOG], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (guint i = 0; i < sent; i++)
        sendto(sender, "x", 1, MSG_DONTWAIT, &address.generic, length);
    reader =
        osh_nflog_reader_new(dup(fds[OSH_NETWORK_SOCKET_NFLOG]), count_told, count_loss, &told);
    osh_nflog_reader_flush(reader);
    g_assert_cmpuint(told.losses, ==, 1);
    g_assert_true(told.unknown);
    g_assert_cmpuint(told.told, >, 0);
    g_assert_cmpuint(told.told, <, sent);
    osh_nflog_reader_free(reader);
}

/* A route of the kernel's for one of our addresses that is not a local one refuses on lo. */
static void
assert_no_refusing_route(void)
{
    g_autofree char *routes = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents("/proc/self/net/ipv6_route", &routes, NULL, NULL));
    lines = g_strsplit(routes, "\n", -1);
    for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
        g_auto(GStrv) fields = g_strsplit_set(lines[i], " ", -1);
        guint64 flags = g_ascii_strtoull(fields[8], NULL, 16);

        if (g_str_has_prefix(fields[0], "fd000200"))
            g_assert_cmphex(flags & RTF_LOCAL, ==, RTF_LOCAL);
    }
}

/*
 * The kernel adds the local route of an IPv6 address some time after it has acknowledged the
 * address; nothing may be lost meanwhile. One look would prove little, so namespaces are made anew.
 */
static void
ready_at_once_body(OshNetworkCapture capture, const int *fds)
{
    g_autoptr(OshNetworkPlan) plan = osh_network_plan_new(capture, TRUE, OSH_NETWORK_CLAIM_ALL);
    struct timeval short_wait = {.tv_usec = 200 * 1000};

    (void)fds;
    for (guint i = 0; i < 20; i++) {
        int links, receiver, sender;
        Address address;
        socklen_t length = fill(&address, OSH_NETWORK_BOX_ADDRESS_V6, 4000);
        char byte;

        g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
        links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, plan->netlinks[0].protocol);
        send_netlink(&plan->netlinks[0], links);
        receiver = bind_to(OSH_NETWORK_BOX_ADDRESS_V6, 4000, SOCK_DGRAM);
        sender = new_socket(OSH_NETWORK_BOX_ADDRESS_V6, SOCK_DGRAM);
        setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof short_wait);
        g_assert_cmpint(sendto(sender, "x", 1, 0, &address.generic, length), ==, 1);
        g_assert_cmpint(recv(receiver, &byte, 1, 0), ==, 1);
        assert_no_refusing_route();
        close(links);
        close(receiver);
        close(sender);
    }
}

/* ---- the ruleset as the kernel has it ---- */

typedef struct {
    guint rules[3]; /* nat, output, prerouting */
    gboolean logged;
} Listing;

static guint
chain_index(const char *name)
{
    static const char *const names[] = {"nat", "output", "prerouting"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(name, names[i]))
            return i;
    g_assert_not_reached();
}

static int
note_expression(struct nftnl_expr *expr, void *data)
{
    GString *names = data;
    const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

    g_string_append_printf(names, " %s", name);
    if (g_str_equal(name, "immediate") && nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_VERDICT))
        g_string_append(names, nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT) == NF_DROP
                                   ? ":drop"
                                   : ":accept");
    return 0;
}

/* What is refused in output is logged before: by the same rule, or by the one above it. */
static int
note_rule(const struct nlmsghdr *message, void *data)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();
    g_autoptr(GString) names = g_string_new(NULL);
    Listing *listing = data;
    guint chain;
    gboolean logs;

    g_assert_cmpint(nftnl_rule_nlmsg_parse(message, rule), ==, 0);
    chain = chain_index(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
    nftnl_expr_foreach(rule, note_expression, names);
    listing->rules[chain]++;
    logs = strstr(names->str, " log") != NULL;
    if (chain == 1) {
        gboolean refuses = strstr(names->str, "reject") != NULL || strstr(names->str, ":drop");

        if (refuses)
            g_assert_true(logs || listing->logged);
        if (logs && refuses)
            g_assert_cmpuint(strstr(names->str, " log") - names->str, <,
                             MAX(strstr(names->str, "reject"), strstr(names->str, ":drop")) -
                                 names->str);
        if (logs && !refuses)
            listing->logged = TRUE;
    }
    nftnl_rule_free(rule);
    return MNL_CB_OK;
}

static int
note_chain(const struct nlmsghdr *message, void *data)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();
    guint *chains = data;
    guint index;

    g_assert_cmpint(nftnl_chain_nlmsg_parse(message, chain), ==, 0);
    index = chain_index(nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
    g_assert_cmpuint(nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY), ==,
                     index == 0 ? NF_ACCEPT : NF_DROP);
    *chains |= 1u << index;
    nftnl_chain_free(chain);
    return MNL_CB_OK;
}

static void
list_objects(guint16 type, mnl_cb_t callback, void *data)
{
    char buffer[16384] __attribute__((aligned(8)));
    struct nlmsghdr *request =
        nftnl_nlmsg_build_hdr(buffer, type, NFPROTO_INET, NLM_F_DUMP | NLM_F_REQUEST, 9);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    int more;

    g_assert_cmpint(send(fd, request, request->nlmsg_len, 0), >, 0);
    do {
        gssize n = recv(fd, buffer, sizeof buffer, 0);

        g_assert_cmpint(n, >, 0);
        more = mnl_cb_run(buffer, (size_t)n, 9, 0, callback, data);
        g_assert_cmpint(more, >=, 0);
    } while (more > 0);
    close(fd);
}

static void
listing_body(OshNetworkCapture capture, const int *fds)
{
    Listing listing = {0};
    guint chains = 0;

    (void)fds;
    list_objects(NFT_MSG_GETCHAIN, note_chain, &chains);
    list_objects(NFT_MSG_GETRULE, note_rule, &listing);
    g_assert_cmpuint(chains, ==, 7);
    g_assert_true(listing.logged);
    /* Names; with redirect the own addresses and TCP besides. */
    g_assert_cmpuint(listing.rules[0], ==, capture == OSH_NETWORK_CAPTURE_TPROXY ? 2 : 7);
    /* Four for forged sources, four own addresses, two for many, TCP, the log, UDP, the rest. */
    g_assert_cmpuint(listing.rules[1], ==, 14);
    g_assert_cmpuint(listing.rules[2], ==, capture == OSH_NETWORK_CAPTURE_TPROXY ? 8 : 6);
}

static const NetworkCase cases[] = {
    {"nft-rules-order-counts-policy-drop-and-log-before-reject", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, listing_body},
    {"redirect/nft-rules-order-counts-policy-drop-and-log-before-reject",
     OSH_NETWORK_CAPTURE_REDIRECT, OSH_NETWORK_CLAIM_ALL, listing_body},
    {"what-the-log-cannot-hold-is-told-as-a-loss", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, log_overflow_body},
    {"an-address-of-the-box-is-reached-as-soon-as-it-is-there", OSH_NETWORK_CAPTURE_TPROXY,
     OSH_NETWORK_CLAIM_ALL, ready_at_once_body},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    network_test_add("network-ruleset", cases, G_N_ELEMENTS(cases));
    return g_test_run();
}
