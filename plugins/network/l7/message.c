/* SPDX-License-Identifier: Apache-2.0 */
/* message.c: messages begin, end and are used again. [shard]. It decides nothing. */
#include "message.h"

#include "driver-private.h"
#include "inspected.h"
#include "middleware-chain.h"
#include "responded.h"
#include "secrets.h"
#include "upgrade.h"

#include <string.h>

OshMessage *
osh_message_take(OshDriver *driver, OshL7LedgerEntry *entry)
{
    static const OshFacts none = {NULL, 0};
    OshMessage *message = entry->data;

    if (message != NULL)
        return message;
    message = driver->spare->len > 0
                  ? g_ptr_array_steal_index(driver->spare, driver->spare->len - 1)
                  : g_new0(OshMessage, 1);
    message->driver = driver;
    message->number = entry->number;
    /* Those of the message that it was before. */
    osh_fact_copy_set(&message->facts, &none);
    osh_fact_copy_set(&message->response, &none);
    message->verdict = (OshVerdict)OSH_VERDICT_INIT;
    entry->data = message;
    return message;
}

/* The copies of facts keep their memory. */
static void
message_clear(OshMessage *message)
{
    const OshFactCopy facts = message->facts;
    const OshFactCopy response = message->response;

    g_clear_pointer(&message->secrets, osh_secrets_free);
    g_clear_pointer(&message->upgrade, osh_upgrade_free);
    for (guint i = 0; i < G_N_ELEMENTS(message->chains); i++)
        g_clear_pointer(&message->chains[i], osh_middleware_free);
    g_clear_pointer(&message->responded, osh_responded_free);
    g_clear_pointer(&message->inspected, osh_inspected_free);
    g_clear_pointer(&message->members, g_variant_unref);
    g_clear_pointer(&message->options, g_variant_unref);
    g_clear_pointer(&message->reason, g_free);
    osh_verdict_clear(&message->verdict);
    if (message->reservation != 0)
        osh_host_unreserve(message->driver->connection->shard->network->host, message->reservation);
    memset(message, 0, sizeof *message);
    message->facts = facts;
    message->response = response;
}

void
osh_message_end(OshDriver *driver, OshL7LedgerEntry *entry)
{
    OshMessage *message = g_steal_pointer(&entry->data);
    OshLeg *leg = &driver->sides[OSH_SERVER_TO_CLIENT].leg;

    /* What a middleware left is sent from the message's own memory. */
    if (message != NULL && message->inspected != NULL && leg->n_gathered > 0)
        osh_leg_flush(leg);
    if (message != NULL) {
        message_clear(message);
        g_ptr_array_add(driver->spare, message);
    }
    osh_l7_ledger_end(&driver->ledger, entry);
}

void
osh_message_refuse(OshMessage *message, const char *layer, const char *reason)
{
    message->outcome = OSH_L7_JUDGEMENT_REFUSED;
    message->layer = layer;
    message->status = message->status_wanted != 0 ? message->status_wanted : 403;
    if (message->reason != reason) {
        g_free(message->reason);
        message->reason = g_strdup(reason);
    }
}

const char *
osh_message_reason(const OshMessage *message)
{
    if (message->reason != NULL)
        return message->reason;
    return message->verdict.reason != NULL ? message->verdict.reason : "no rule allows it";
}

void
osh_messages_free(OshDriver *driver)
{
    while (driver->ledger.entries->len > 0)
        osh_message_end(driver, &g_array_index(driver->ledger.entries, OshL7LedgerEntry, 0));
    for (guint i = 0; i < driver->spare->len; i++) {
        OshMessage *message = driver->spare->pdata[i];

        osh_fact_copy_clear(&message->facts);
        osh_fact_copy_clear(&message->response);
        g_free(message);
    }
    g_clear_pointer(&driver->spare, g_ptr_array_unref);
    osh_l7_ledger_clear(&driver->ledger);
}
