/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-answerer.h: one DNS query in, one reply out, nothing sent anywhere (security rule 8, name
 * resolution).
 */
#pragma once

#include "dns-message.h"
#include "synthetic-names.h"

G_BEGIN_DECLS

/** OshDnsKnownFunc: whether the policy allows @name, lower case, to any program. */
typedef gboolean (*OshDnsKnownFunc)(const char *name, gpointer data);

/**
 * OshDnsOutcome:
 * @name: what was asked for; "" when it could not be read
 * @refused: (nullable): why the policy did not let it be answered; constant
 */
typedef struct {
    char name[OSH_DNS_NAME_SIZE];
    const char *refused;
} OshDnsOutcome;

/**
 * osh_dns_answer:
 * @names: gives names their addresses
 * @known: asked about every name that could be a host
 * @data: for @known
 * @process_key: whose query it is, 0 when it is not known
 * @message: (array length=size): the query
 * @reply: (out caller-allocates): the reply
 * @ret_outcome: (out caller-allocates): what there is to record
 *
 * [any] A name that the policy allows to some program gets a synthetic address at once; the real
 * look-up happens when a connection to it has been allowed. Every other name gets NXDOMAIN,
 * whether it exists or not, so nothing can be told to the outside and nothing learned; who asked
 * with EDNS is told that this is a prohibition (RFC 8914 §4.19). localhost and names below it are
 * the box's own loopback.
 *
 * Returns: length of @reply; 0 when there is nothing to say
 */
gsize osh_dns_answer(OshSyntheticNames *names, OshDnsKnownFunc known, gpointer data,
                     guint64 process_key, const guint8 *message, gsize size,
                     guint8 reply[OSH_DNS_MESSAGE_SIZE], OshDnsOutcome *ret_outcome);

G_END_DECLS
