/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h: a connection that goes no further. [shard]
 *
 * One value says everything about a refusal, and one function records, publishes, answers and ends.
 * A denial is what the policy or a rule of ours forbids; a failure is what could not be done, and
 * is never called a denial.
 */
#pragma once

#include "step.h"
#include "transport.h"

#include "control.h"
#include <netinet/in.h>

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/**
 * OshRefusal:
 * @layer: of a denial a word of the list at NETWORK_DENIED in event.h; of a failure a stage of the
 *   list at NETWORK_FAILED
 * @control: of a denial, where @layer does not say it
 * @outcome: for the recording of a denial; 0 for a failure, whose decision was recorded before
 * @status: for clients that are told one: 403 policy, 502 upstream, 503 limit, 504 timeout
 * @error: (nullable): word for machines; NULL is the one that @status stands for
 * @detail: (nullable): one sentence for the client; NULL names the destination
 * @reason: why, in words that the client sees
 * @verdict: (nullable): what the policy said, whose policy and hint are told
 * @address: (nullable): the address that was refused
 * @end: (nullable): why the connection ends, for the closed event; constant; NULL is @error
 * @is_silent: the client gets a reset instead of words
 */
struct _OshRefusal {
    const char *layer;
    OshControl control;
    OshDecisionOutcome outcome;
    guint status;
    const char *error;
    const char *detail;
    const char *reason;
    const OshVerdict *verdict;
    const struct in6_addr *address;
    const char *end;
    gboolean is_silent;
};

/**
 * osh_refuse:
 * @refusal: borrowed
 *
 * Records and publishes, then tells the client in the words of its transport; where bytes already
 * went both ways, by a reset.
 *
 * Returns: what follows: %OSH_FLOW_REFUSED or %OSH_FLOW_GONE; for the step to return, or outside a
 *   step for osh_connection_advance()
 */
OshFlow osh_refuse(OshConnection *connection, const OshRefusal *refusal);

/** osh_refusal_has_words: Returns: whether the client of an open connection awaits an HTTP
 * response, and has got nothing of it. */
gboolean osh_refusal_has_words(const OshConnection *connection);

/** osh_refuse_identity: it is not clear which program made @connection, or owns it. */
OshFlow osh_refuse_identity(OshConnection *connection, const char *reason);

/** osh_refuse_no_authority: TLS would have to be terminated, and this run cannot. @verdict:
 * (nullable) */
OshFlow osh_refuse_no_authority(OshConnection *connection, const OshVerdict *verdict);

/** osh_refuse_limit: a number that is limited is reached. */
OshFlow osh_refuse_limit(OshConnection *connection, const char *reason);

/** osh_refuse_failed: @stage: "timeout" for a deadline. */
OshFlow osh_refuse_failed(OshConnection *connection, const char *stage, const char *reason);

/** osh_refusal_error: Returns: (transfer none): the word for machines. */
const char *osh_refusal_error(const OshRefusal *refusal);

/** osh_refusal_detail: Returns: (transfer full): the sentence for the client. */
char *osh_refusal_detail(const OshRefusal *refusal, const OshConnection *connection);

G_END_DECLS
