/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counted data of untrusted bytes. The first byte is the length, the second says which end. Byte by
 * byte as in the whole the same bytes are released, and never more than the length and its end.
 */
#include <string.h>

#include "osh-counted.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static OshCountedStatus
feed(OshCounted *counted, OshSpan window, gsize *ret_released)
{
    OshL7Action actions[OSH_L7_ACTIONS_MIN];
    OshL7Input input = {.struct_size = sizeof(OshL7Input), .window = window};
    OshL7List list = {0};
    OshCountedStatus status;

    osh_l7_list_begin(&list, &input, actions, G_N_ELEMENTS(actions));
    status = osh_counted_feed(counted, &list);
    g_assert(list.n <= 2 && list.released <= window.length);
    *ret_released = list.released;
    return status;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const char *const ends[] = {NULL, "", "\n", "\r\n"};
    gsize length = size > 0 ? data[0] : 0;
    const char *end = ends[size > 1 ? data[1] % G_N_ELEMENTS(ends) : 0];
    OshSpan all = {size > 2 ? (const char *)data + 2 : NULL, size > 2 ? size - 2 : 0};
    gsize most = length + (end != NULL ? strlen(end) : 0);
    OshCounted whole = {0};
    OshCounted bytes = {0};
    OshCountedStatus status;
    OshCountedStatus step = OSH_COUNTED_MORE;
    gsize released;
    gsize start = 0;

    osh_counted_begin(&whole, 1, length, end, TRUE);
    osh_counted_begin(&bytes, 1, length, end, TRUE);
    status = feed(&whole, all, &released);
    for (gsize n = 0; n <= all.length && step == OSH_COUNTED_MORE; n++) {
        gsize once;

        step =
            feed(&bytes, (OshSpan){all.data != NULL ? all.data + start : NULL, n - start}, &once);
        start += once;
    }
    g_assert(step == status && start == released && released <= most);
    g_assert(status != OSH_COUNTED_COMPLETE || released == most);
    return 0;
}
