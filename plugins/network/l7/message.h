/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h: what the driver keeps of an open message, and the question that is open about it.
 * [shard]
 *
 * OshL7LedgerEntry.data points to it. Messages are used again, so that one costs no memory after
 * the first.
 */
#pragma once

#include <openshell/ext/draft/credential-provider.h>
#include <openshell/ext/policy.h>

#include "control.h"
#include "osh-fact-copy.h"
#include "osh-l7-ledger.h"

G_BEGIN_DECLS

struct _OshDriver;
typedef struct _OshSecrets OshSecrets;
typedef struct _OshUpgrade OshUpgrade;
typedef struct _OshInspected OshInspected;
typedef struct _OshResponded OshResponded;
typedef struct _OshMiddlewareChain OshMiddlewareChain;

/**
 * OshMessage:
 * @driver: whose it is
 * @number: the session's
 * @facts: that the ASK for the client stated
 * @response: that the ASK for the server stated
 * @direction: of the question
 * @gives_up_at: when an answer that does not come becomes a refusal; 0 where none is open
 * @verdict: of the question
 * @reservation: capacity for its allowed event, until that is published
 * @event: what recorded a refusal; 0 for none
 * @outcome: what the answer will make of it
 * @layer: of a refusal; constant
 * @control: of a refusal, where @layer does not say it
 * @reason: (nullable): instead of the verdict's
 * @status: of a refusal
 * @status_wanted: what it becomes; 0 for 403
 * @error: (nullable): of a refusal that is not the policy's, a word for programs; constant
 * @members: (nullable): a{sv} for the client, beside @error
 * @is_withdrawn: a later policy refuses it, or its connection: no more of it goes to the server
 * @awaits_capacity: the question waits for capacity for its event
 * @options: (nullable): of the endpoint that was chosen
 * @has_begun: something of it went out, where it has credentials
 * @is_recorded: its allowed event was published
 * @secrets: (nullable): slots, leases and edits
 * @upgrade: (nullable): it asks for another protocol that a plugin knows
 * @inspected: (nullable): its content
 * @responded: (nullable): its response is looked into
 * @is_response_content: the question is about a content of that
 * @chains: (nullable): the middlewares that are asked about its content and about that of its
 *   response, by the #OshDirection of what they are asked about
 * @response_middlewares: fingerprint of those that are asked about its response
 */
typedef struct {
    struct _OshDriver *driver;
    guint64 number;
    OshFactCopy facts;
    OshFactCopy response;
    guint direction;
    gint64 gives_up_at;
    OshVerdict verdict;
    guint64 reservation;
    guint64 event;
    OshL7Judgement outcome;
    const char *layer;
    OshControl control;
    char *reason;
    guint status;
    guint status_wanted;
    const char *error;
    GVariant *members;
    GVariant *options;
    gboolean has_begun;
    gboolean is_recorded;
    gboolean is_withdrawn;
    gboolean awaits_capacity;
    OshSecrets *secrets;
    OshUpgrade *upgrade;
    OshInspected *inspected;
    OshResponded *responded;
    gboolean is_response_content;
    OshMiddlewareChain *chains[2];
    guint64 response_middlewares;
} OshMessage;

/** osh_message_take: Returns: (transfer none): that of @entry, which is new where it has none. */
OshMessage *osh_message_take(struct _OshDriver *driver, OshL7LedgerEntry *entry);

/** osh_message_end: gives back whatever is kept for @entry, which is open no more. */
void osh_message_end(struct _OshDriver *driver, OshL7LedgerEntry *entry);

/** osh_message_refuse: @layer, @reason: what the answer will say; @reason is copied. */
void osh_message_refuse(OshMessage *message, const char *layer, const char *reason);

/** osh_message_reason: Returns: (transfer none): why it is refused. */
const char *osh_message_reason(const OshMessage *message);

/** osh_messages_free: frees those that were given back. */
void osh_messages_free(struct _OshDriver *driver);

G_END_DECLS
