/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential-slots.h: the head of a request of ours, with the credentials that belong in it.
 * [shard]
 */
#pragma once

#include <openshell/ext/draft/credential-provider.h>
#include <openshell/ext/draft/virtual-host.h>

G_BEGIN_DECLS

typedef struct _OshCredentialSlots OshCredentialSlots;

/**
 * osh_credential_slots_new:
 * @provider: its vtable is %NULL where there is none
 * @endpoint: that was dialled
 * @head: the fields but those of the slots, without the empty line; copied
 * @slots: (array length=n_slots): copied into the head, or replaced
 * @ready: called when the provider has answered, unless it does inside the call
 *
 * Returns: (transfer full): the head in the making
 */
OshCredentialSlots *osh_credential_slots_new(const OshInterface *provider,
                                             const OshCredentialEndpoint *endpoint,
                                             const GString *head, const OshVirtualSlot *slots,
                                             gsize n_slots, OshCallback ready, gpointer data);

/** osh_credential_slots_are_ready: @ret_problem: (out) (nullable): why the head may not be sent.
 * Returns: FALSE while the provider has not answered. */
gboolean osh_credential_slots_are_ready(const OshCredentialSlots *slots, const char **ret_problem);

/** osh_credential_slots_head: Returns: the whole head, once it is ready. */
OshSpan osh_credential_slots_head(const OshCredentialSlots *slots);

/** osh_credential_slots_free: @slots: (transfer full): wipes what was read. */
void osh_credential_slots_free(OshCredentialSlots *slots);

G_END_DECLS
