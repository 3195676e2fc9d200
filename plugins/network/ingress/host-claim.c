/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Host of a request against its target. Pure; any thread. Host never chooses a destination
 * (security rule 7, names of destinations): RFC 9112, section 3.2.2 has a proxy replace it, but a
 * client that names two hosts in one request is out to have one judged and the other served, so it
 * is refused.
 */
#include "host-claim.h"

const char *
osh_host_claim_problem(const OshHttp1Head *head, const guint8 *window, const OshAuthority *target,
                       guint16 default_port)
{
    OshHttp1Range value;
    OshAuthority claimed;
    guint16 assumed = default_port != 0 ? default_port : target->port;

    if (head->n_hosts == 0)
        return NULL;
    if (head->n_hosts > 1)
        return "the request has more than one Host";
    value = head->fields[head->host].value;
    if (osh_authority_parse((const char *)window + value.offset, value.length, assumed, &claimed) !=
        OSH_AUTHORITY_OK)
        return "the Host of the request is not a host with an optional port";
    if (!osh_host_equal(claimed.host, claimed.host_length, target->host, target->host_length))
        return "the Host of the request is not the host of its target";
    return claimed.port == target->port
               ? NULL
               : "the Host of the request has another port than its target";
}
