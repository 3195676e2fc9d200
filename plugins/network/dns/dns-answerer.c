/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-answerer.c: what a query gets. [any]; keeps nothing but the table of names.
 *
 * The resolver of a box is a channel to the outside unless it sends nothing: so a reply depends on
 * the policy and on the table alone. It must never look a name up.
 */
#include "dns-answerer.h"

#include <string.h>

#define CLASS_IN 1

static void
answer_address(OshSyntheticNames *names, const OshDnsQuery *query, guint64 process_key,
               OshDnsAnswer *answer, OshDnsOutcome *outcome)
{
    OshSyntheticFamily family =
        query->type == OSH_DNS_TYPE_A ? OSH_SYNTHETIC_IPV4 : OSH_SYNTHETIC_IPV6;

    switch (osh_synthetic_names_assign(names, query->name, family, process_key, answer->address)) {
    case OSH_SYNTHETIC_FOUND:
        answer->type = query->type;
        answer->ttl = OSH_SYNTHETIC_TTL;
        return;
    case OSH_SYNTHETIC_PROCESS_FULL:
        outcome->refused = "the program asked for more names than it may";
        break;
    case OSH_SYNTHETIC_POOL_FULL:
        outcome->refused = "all addresses that stand for names are in use";
        break;
    }
    answer->code = OSH_DNS_SERVFAIL;
}

/* RFC 6761 §6.3: these are the box itself, and nobody is asked. */
static gboolean
answer_localhost(const OshDnsQuery *query, OshDnsAnswer *answer)
{
    static const guint8 v4[4] = {127, 0, 0, 1};

    if (!g_str_equal(query->name, "localhost") && !g_str_has_suffix(query->name, ".localhost"))
        return FALSE;
    if (query->type != OSH_DNS_TYPE_A && query->type != OSH_DNS_TYPE_AAAA)
        return TRUE;
    answer->type = query->type;
    answer->ttl = OSH_SYNTHETIC_TTL;
    if (query->type == OSH_DNS_TYPE_A)
        memcpy(answer->address, v4, sizeof v4);
    else
        answer->address[15] = 1;
    return TRUE;
}

static void
answer_name(OshSyntheticNames *names, OshDnsKnownFunc known, gpointer data,
            const OshDnsQuery *query, guint64 process_key, OshDnsAnswer *answer,
            OshDnsOutcome *outcome)
{
    if (query->name_is_host && answer_localhost(query, answer))
        return;
    if (!query->name_is_host || query->name[0] == '\0' || !known(query->name, data)) {
        /* Final for every resolver: after REFUSED some, as musl's, wait for another server. */
        answer->code = OSH_DNS_NXDOMAIN;
        answer->prohibited = TRUE;
        outcome->refused = "the policy allows this name to no program";
        return;
    }
    if (query->type == OSH_DNS_TYPE_A || query->type == OSH_DNS_TYPE_AAAA)
        answer_address(names, query, process_key, answer, outcome);
    else if (query->type != OSH_DNS_TYPE_HTTPS && query->type != OSH_DNS_TYPE_SVCB)
        answer->code = OSH_DNS_NOTIMP;
}

gsize
osh_dns_answer(OshSyntheticNames *names, OshDnsKnownFunc known, gpointer data, guint64 process_key,
               const guint8 *message, gsize size, guint8 reply[OSH_DNS_MESSAGE_SIZE],
               OshDnsOutcome *ret_outcome)
{
    OshDnsQuery query;
    OshDnsAnswer answer = {.code = OSH_DNS_NOERROR};

    *ret_outcome = (OshDnsOutcome){.refused = NULL};
    switch (osh_dns_query_parse(message, size, &query)) {
    case OSH_DNS_IGNORED:
        return 0;
    case OSH_DNS_MALFORMED:
        answer.code = OSH_DNS_FORMERR;
        break;
    case OSH_DNS_NOT_SUPPORTED:
        answer.code = OSH_DNS_NOTIMP;
        break;
    case OSH_DNS_PARSED:
        g_strlcpy(ret_outcome->name, query.name, sizeof ret_outcome->name);
        if (query.edns_version != 0)
            answer.code = OSH_DNS_BADVERS;
        else if (query.klass != CLASS_IN)
            answer.code = OSH_DNS_NOTIMP;
        else
            answer_name(names, known, data, &query, process_key, &answer, ret_outcome);
        break;
    }
    return osh_dns_reply_build(message, &query, &answer, reply);
}
