/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c: tells the client of an inspected connection why it ends, where it awaits an HTTP
 * response in clear and has got nothing of one. [shard]. Any other client sees a reset, because an
 * end in good order could be taken for the end of what was sent.
 */
#include "driver-private.h"
#include "refusal.h"
#include "reuse.h"

void
osh_driver_tell(OshDriver *driver, const OshRefusal *refusal, guint64 id)
{
    OshConnection *connection = driver->connection;
    OshLeg *client = &driver->sides[0].leg;
    OshLeg *upstream = &driver->sides[1].leg;
    g_autoptr(GString) words = NULL;

    if (driver->is_ending || !osh_refusal_has_words(connection) || client->tls != NULL ||
        client->written > 0 || client->n_gathered > 0 || osh_leg_left(client) > 0) {
        connection->client_aborted = TRUE;
        return;
    }
    words = connection->transport->words(connection, refusal, id);
    osh_leg_send(client, words->str, words->len);
    osh_leg_flush(client);
    osh_leg_clear(upstream);
    upstream->is_broken = upstream->is_ended = TRUE;
    osh_upstream_drop(connection, TRUE);
}
