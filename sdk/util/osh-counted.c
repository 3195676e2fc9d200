/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data of a length that is known. It belongs to its session, and with that to one shard; it must
 * never release a byte beyond its length and its end.
 */
#include <string.h>

#include "osh-counted.h"

void
osh_counted_begin(OshCounted *counted, guint64 message, guint64 length, const char *end,
                  gboolean allowed)
{
    counted->message = message;
    counted->left = length;
    counted->end = end != NULL && end[0] != '\0' ? end : NULL;
    counted->allowed = allowed;
}

gboolean
osh_counted_is_complete(const OshCounted *counted)
{
    return counted->left == 0 && counted->end == NULL;
}

/* The end is released whole or not at all. */
static OshCountedStatus
feed_end(OshCounted *counted, OshL7List *list)
{
    OshSpan window = osh_l7_list_window(list);
    gsize length = counted->end != NULL ? strlen(counted->end) : 0;
    gsize n = MIN(length, window.length);

    if (n > 0 && memcmp(window.data, counted->end, n) != 0)
        return OSH_COUNTED_BROKEN;
    if (n < length)
        return OSH_COUNTED_MORE;
    osh_l7_list_release(list, counted->message, length, counted->allowed);
    counted->end = NULL;
    return OSH_COUNTED_COMPLETE;
}

OshCountedStatus
osh_counted_feed(OshCounted *counted, OshL7List *list)
{
    gsize n = (gsize)MIN(counted->left, osh_l7_list_window(list).length);

    osh_l7_list_release(list, counted->message, n, counted->allowed);
    counted->left -= n;
    return counted->left > 0 ? OSH_COUNTED_MORE : feed_end(counted, list);
}
