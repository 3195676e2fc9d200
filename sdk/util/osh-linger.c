/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An end that waits for the client. It belongs to its session, and with that to one shard; it must
 * never let a byte through.
 */
#include "osh-linger.h"

void
osh_linger_begin(OshLinger *linger, gint64 now, gint64 microseconds)
{
    if (linger->until == 0)
        linger->until = now + MAX(microseconds, 1);
}

gboolean
osh_linger_is_on(const OshLinger *linger)
{
    return linger->until != 0;
}

void
osh_linger_expire(OshLinger *linger, gint64 now)
{
    linger->over = linger->over || (linger->until != 0 && now >= linger->until);
}

gsize
osh_linger_feed(OshLinger *linger, OshL7List *list)
{
    gboolean client = list->input->direction == OSH_CLIENT_TO_SERVER;

    osh_linger_expire(linger, list->input->now);
    osh_l7_list_drop(list, 0, osh_l7_list_window(list).length);
    if (linger->over || (client && list->input->eof))
        return osh_l7_list_end(list);
    list->deadline = linger->until;
    return osh_l7_list_more(list);
}
