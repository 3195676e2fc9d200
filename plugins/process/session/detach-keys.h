/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detach-keys.h: finds Ctrl-P Ctrl-Q among typed keys, also when the two arrive apart. Plain
 * functions; one state for each attachment.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshDetachKeys: all zeros is the start. @pending: a Ctrl-P was seen and not passed on yet. */
typedef struct {
    gboolean pending;
} OshDetachKeys;

/**
 * osh_detach_keys_filter:
 * @bytes: (array length=length): what was typed
 * @out: (array) (out caller-allocates): what goes on to the program; room for @length + 1
 * @ret_length: (out): how much
 *
 * A Ctrl-P that Ctrl-Q does not follow goes on, with the next bytes. What stands behind the two is
 * dropped.
 *
 * Returns: %TRUE when the keys were there
 */
gboolean osh_detach_keys_filter(OshDetachKeys *keys, const char *bytes, gsize length, char *out,
                                gsize *ret_length);

G_END_DECLS
