/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opaque.c: the session behind OPAQUE. [shard]. It has no state and no messages: what comes is
 * passed as framing, through the same legs (in clear or in TLS), with the deadlines and the reload
 * of an inspected connection.
 */
#include "opaque.h"

static char session_of_all;

static gpointer
opaque_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    (void)connection;
    (void)error;
    return &session_of_all;
}

static gsize
opaque_feed(gpointer session, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
            gint64 *ret_deadline)
{
    (void)session;
    (void)max_actions;
    (void)ret_deadline;
    actions[0].direction = input->direction;
    if (input->window.length == 0)
        return input->eof ? 0 : 1; /* MORE */
    actions[0].type = OSH_L7_PASS;
    actions[0].flags = OSH_L7_FRAMING;
    actions[0].length = input->window.length;
    return 1;
}

static void
opaque_close(gpointer session)
{
    (void)session;
}

static const OshL7ProtocolInterface vtable = {
    .struct_size = sizeof(OshL7ProtocolInterface),
    .open = opaque_open,
    .feed = opaque_feed,
    .close = opaque_close,
};

const OshInterface *
osh_opaque_protocol(void)
{
    static const OshInterface protocol = {"network", &vtable, NULL};

    return &protocol;
}
