/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade.h: a request for another protocol, which the plugin that speaks it judges
 * (openshell.draft.http-upgrade/1). [shard]
 */
#pragma once

#include "message-step.h"
#include "message.h"
#include "osh-l7-declaration.h"

G_BEGIN_DECLS

/**
 * osh_upgrade_is_served:
 * @message: whose endpoint was chosen
 * @ret_reason: of a refusal; constant
 *
 * An endpoint is upgraded to its own protocol and to no other, and one whose protocol begins with
 * an upgrade has no other requests.
 *
 * Returns: FALSE where the endpoint does not serve @message, whatever its rules say
 */
gboolean osh_upgrade_is_served(const OshMessage *message, const char **ret_reason);

/** osh_upgrade_is_agreed: Returns: whether the request was judged, and is to be upgraded. */
gboolean osh_upgrade_is_agreed(const OshMessage *message);

/** osh_upgrade_ask: has the request, or the response to it, judged; a message whose facts ask for
 * no protocol that a plugin knows is allowed. @ret_reason: until the message ends. */
OshAsked osh_upgrade_ask(OshMessage *message, const char **ret_reason);

/** osh_upgrade_add_edits: appends what the head becomes to @edits. */
void osh_upgrade_add_edits(const OshMessage *message, GArray *edits);

/** osh_upgrade_fill_answer: the edits alone, where there are no others. */
void osh_upgrade_fill_answer(const OshMessage *message, OshL7Answer *answer);

/**
 * osh_upgrade_open:
 * @message: whose upgrade was agreed to
 * @ret_protocol: who speaks it
 * @ret_declared: (nullable): what its manifest says of it
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a session of @ret_protocol
 */
gpointer osh_upgrade_open(OshMessage *message, const OshL7Connection *connection,
                          const OshInterface **ret_protocol, const OshL7Declaration **ret_declared,
                          GError **error);

/** osh_upgrade_free: the upgrade did not happen, unless it was opened. */
void osh_upgrade_free(OshUpgrade *upgrade);

G_END_DECLS
