/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept-error.h: what a failure of accept(2) means for a listening socket.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshAcceptClass: what an error of accept(2) means for the listener. */
typedef enum {
    OSH_ACCEPT_EMPTY,
    OSH_ACCEPT_TRANSIENT,
    OSH_ACCEPT_RESOURCE,
    OSH_ACCEPT_TERMINAL,
    OSH_ACCEPT_UNKNOWN,
} OshAcceptClass;

/** osh_accept_classify: [any] Returns: the class of @error_number. */
OshAcceptClass osh_accept_classify(int error_number);

/** osh_accept_backoff: [any] Returns: microseconds to pause after the @n th failure in a row. */
gint64 osh_accept_backoff(OshAcceptClass class, guint n);

G_END_DECLS
