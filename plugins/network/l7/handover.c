/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.c: START_TLS, UPGRADE, OPAQUE and what is not possible on a connection. [shard]. Bytes
 * that were said in clear are never taken for what was said in TLS.
 */
#include "handover.h"

#include "intercept.h"
#include "judge.h"
#include "notice.h"
#include "opaque.h"
#include "upgrade.h"

/* --- TLS ---------------------------------------------------------------------------------------
 */

OshFlow
osh_handover_start_tls(OshDriver *driver)
{
    if (!osh_driver_side_is_empty(&driver->sides[0]) ||
        !osh_driver_side_is_empty(&driver->sides[1])) {
        osh_driver_deny(driver, "bytes were said in clear before TLS, maybe by somebody between");
        return OSH_FLOW_WAIT;
    }
    driver->connection->starts_tls = TRUE;
    return OSH_FLOW_TLS;
}

void
osh_handover_take_tls(OshDriver *driver)
{
    const OshIntercept *intercept = driver->connection->intercept;

    driver->connection->starts_tls = FALSE;
    driver->ledger.may_start_tls = FALSE;
    for (guint i = 0; i < 2 && intercept != NULL; i++) {
        driver->sides[i].leg.tls = intercept->of->tls;
        driver->sides[i].leg.session = intercept->sessions[i];
        driver->sides[i].wanted = FALSE;
    }
}

/* --- Another protocol --------------------------------------------------------------------------
 */

/* Returns: (transfer full) (nullable): a session of the protocol that follows. */
static gpointer
open_next(OshDriver *driver, const OshL7Action *action, const OshInterface **ret_protocol,
          const OshL7Declaration **ret_declared, GError **error)
{
    const OshNetwork *network = driver->connection->shard->network;
    OshL7LedgerEntry *entry =
        action->message != 0 ? osh_l7_ledger_find(&driver->ledger, action->message) : NULL;
    OshMessage *message = entry != NULL ? entry->data : NULL;
    const OshNetworkProtocol *protocol;
    OshL7Connection opened;

    osh_driver_fill_connection(driver, &opened);
    /* The endpoint was chosen by what the message said. */
    opened.options = message != NULL ? message->options : NULL;
    if (message != NULL && message->upgrade != NULL)
        return osh_upgrade_open(message, &opened, ret_protocol, ret_declared, error);
    opened.protocol = action->u.upgrade.protocol;
    protocol = osh_network_protocol(network, opened.protocol);
    if (protocol == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "no plugin of this run speaks %s",
                    opened.protocol);
        return NULL;
    }
    *ret_protocol = &protocol->interface;
    *ret_declared = protocol->declaration;
    return osh_l7_open(*ret_protocol, &opened, error);
}

/* @next: (transfer full): what was not released is its own, from the first byte. */
static void
change_session(OshDriver *driver, const OshInterface *protocol, const OshL7Declaration *declared,
               gpointer next)
{
    /* What was sent may be the session's own memory. */
    for (guint i = 0; i < 2; i++)
        osh_leg_flush(&driver->sides[i].leg);
    osh_l7_close(driver->protocol, driver->session);
    driver->protocol = protocol;
    driver->session = next;
    driver->declared = declared;
    driver->ledger.declared = declared;
    driver->is_upgraded = TRUE;
    driver->first_number += driver->ledger.last;
    driver->ledger.last = 0;
    driver->ledger.may_start_tls = FALSE;
    driver->deadline = 0;
    for (guint i = 0; i < 2; i++) {
        OshDriverSide *side = &driver->sides[i];
        gsize released = i == driver->ledger.direction ? driver->ledger.released : 0;

        side->n_new = side->window->end - side->window->start - released;
        side->wanted = FALSE;
        side->paused_by = 0;
    }
}

static void
carry_upgrade(OshDriver *driver, const OshL7Action *action)
{
    g_autoptr(GError) error = NULL;
    const OshInterface *protocol = NULL;
    const OshL7Declaration *declared = NULL;
    gpointer next = open_next(driver, action, &protocol, &declared, &error);
    OshL7LedgerEntry *entry =
        action->message != 0 ? osh_l7_ledger_find(&driver->ledger, action->message) : NULL;

    if (next == NULL) {
        osh_driver_fail(driver, error != NULL ? error->message : "the upgrade cannot be read");
        return;
    }
    if (entry != NULL)
        osh_message_end(driver, entry);
    change_session(driver, protocol, declared, next);
}

/* The policy lets what cannot be inspected go on, and wants to know. */
static void
carry_opaque(OshDriver *driver)
{
    const OshInterface *protocol = osh_opaque_protocol();
    OshL7Connection opened;

    osh_driver_fill_connection(driver, &opened);
    osh_notice(driver->connection,
               &(OshNotice){.kind = "uninspected",
                            .text = "it speaks what no middleware of the policy can inspect, which "
                                    "on_uninspectable: allow lets pass",
                            .hint = "write on_uninspectable: deny to refuse it",
                            .alert = -1});
    change_session(driver, protocol, NULL, osh_l7_open(protocol, &opened, NULL));
}

void
osh_handover(OshDriver *driver, const OshL7Action *action)
{
    if (action->type == OSH_L7_START_TLS)
        driver->flow = OSH_FLOW_TLS;
    else if (action->type == OSH_L7_UPGRADE)
        carry_upgrade(driver, action);
    else if (action->type == OSH_L7_OPAQUE)
        carry_opaque(driver);
    else
        osh_driver_deny(driver, "the protocol asks for what this connection does not offer");
}
