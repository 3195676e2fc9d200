/* SPDX-License-Identifier: Apache-2.0 */
/* detach-keys.c: a state machine of two states. Any thread; the state is the caller's. */
#include "detach-keys.h"

#define CTRL_P 0x10
#define CTRL_Q 0x11

gboolean
osh_detach_keys_filter(OshDetachKeys *keys, const char *bytes, gsize length, char *out,
                       gsize *ret_length)
{
    gsize n = 0;

    for (gsize i = 0; i < length; i++) {
        if (keys->pending && bytes[i] == CTRL_Q) {
            keys->pending = FALSE;
            *ret_length = n;
            return TRUE;
        }
        if (keys->pending)
            out[n++] = CTRL_P;
        keys->pending = bytes[i] == CTRL_P;
        if (!keys->pending)
            out[n++] = bytes[i];
    }
    *ret_length = n;
    return FALSE;
}
