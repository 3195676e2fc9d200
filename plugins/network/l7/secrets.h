/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h: the slots of a message, and what the credential provider makes of them. [shard]
 *
 * The endpoint that the provider is asked for is the one that was dialled, whatever facts a session
 * has stated (security rule 9, credential slots).
 */
#pragma once

#include "message-step.h"
#include "message.h"

G_BEGIN_DECLS

/** osh_secrets_add_slot: SLOT of @message, in @window. */
void osh_secrets_add_slot(OshMessage *message, const OshL7Action *action, OshSpan window);

/** osh_secrets_ask: prepares the credentials of @message, whose verdict allows it, and leases what
 * its slots become. @ret_reason: of a refusal; until the message ends. */
OshAsked osh_secrets_ask(OshMessage *message, const char **ret_reason);

/**
 * osh_secrets_lease:
 * @text: what may hold placeholders
 * @ret_length: of the lease
 * @ret_reason: of a refusal
 *
 * The same for content. Returns: an #OshLeaseState; @ret_lease belongs to @message
 */
OshLeaseState osh_secrets_lease(OshMessage *message, OshSpan text, OshSlotContext context,
                                OshLease **ret_lease, guint64 *ret_length, const char **ret_reason);

/** osh_secrets_fill_answer: slots and edits; what was leased is granted to @entry. */
void osh_secrets_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer);

/** osh_secrets_read: Returns: FALSE where @lease was revoked. */
gboolean osh_secrets_read(const OshMessage *message, OshLease *lease, guint64 offset, guint8 *bytes,
                          gsize length);

/** osh_secrets_are_valid: Returns: FALSE where a credential that was given to @message, of which
 * nothing has gone out, was revoked meanwhile. */
gboolean osh_secrets_are_valid(const OshMessage *message);

/** osh_secrets_rewrite_content: Returns: whether placeholders in the content of @message, whose
 * verdict allows it, are replaced. */
gboolean osh_secrets_rewrite_content(const OshMessage *message);

/** osh_secrets_free: gives back all of it. */
void osh_secrets_free(OshSecrets *secrets);

G_END_DECLS
